"""An installation grows up: everything moves from SQLite to PostgreSQL in one go, proved, or nothing moves at all."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from contextvars import Context
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from sqlite3 import connect
from threading import Event
from typing import Any
from uuid import uuid4

import pytest
from click.testing import CliRunner, Result
from flask import Flask
from sqlalchemy import Engine, create_engine, inspect, text
from sqlalchemy.exc import DBAPIError, OperationalError

from config import from_environment
from elearn import create_app
from elearn.cli import main
from elearn.models.certificates import Certificate
from elearn.models.database import db, writing
from elearn.models.ledger import LedgerHead
from elearn.models.people import AccessLog, Officer, OfficerName
from elearn.models.tables import metadata
from elearn.services import accounts, certificates, moving, privacy
from elearn.services.moving import NotMoved
from tests import records
from tests.given import PASSWORD, Given, Person
from tests.records import broken_at
from tests.server import ROOT, served_from

pytestmark = pytest.mark.postgres

NAMES = {"en": "Meera Devi", "hi": "मीरा देवी", "bn": "মীরা দেবী", "mni": "ꯃꯤꯔꯥ ꯗꯦꯕꯤ"}


@dataclass
class House:
    """An installation on SQLite with people who have done something, and an empty PostgreSQL database beside it."""

    app: Flask
    given: Given
    meera: Person
    far: Person
    path: Path
    target: str
    make: Callable[..., Flask]

    def tables_there(self) -> list[str]:
        with self.there() as engine:
            return inspect(engine).get_table_names()

    @contextmanager
    def there(self) -> Iterator[Engine]:
        engine = create_engine(self.target)
        try:
            yield engine
        finally:
            engine.dispose()

    def run_there(self, *statements: str) -> None:
        with self.there() as engine, engine.begin() as connection:
            for statement in statements:
                connection.exec_driver_sql(statement)

    def run_here(self, *statements: str) -> None:
        """Past the application, as somebody with a shell would."""
        with closing(connect(self.path)) as connection, connection:
            for statement in statements:
                connection.execute(statement)

    def is_open(self) -> bool:
        """Whether the old database still takes a change."""
        try:
            accounts.note_refusal(self.meera.id, "/supervise", "192.0.2.1", self.given.now)
        except OperationalError:
            return False
        return True

    def nothing_moved(self) -> bool:
        return self.tables_there() == [] and self.is_open()


@pytest.fixture
def target(postgres_server: str) -> Iterator[str]:
    """An empty database."""
    name = f"m{uuid4().hex}"
    engine = create_engine(postgres_server.format(database="postgres"), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
        yield postgres_server.format(database=name)
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    engine.dispose()


@dataclass(frozen=True)
class Kept:
    """A SQLite file to copy, and who is in it."""

    path: Path
    meera: Person
    far: Person
    now: datetime


@pytest.fixture(scope="module")
def kept(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory, now: datetime) -> Kept:
    """People who have done something: completed, begun, been certified, been revoked, signed in."""
    folder = tmp_path_factory.mktemp("kept")
    shutil.copytree(sqlite_template, folder, dirs_exist_ok=True)
    path = folder / "house.sqlite3"
    app = create_app(from_environment(served_from(folder, f"sqlite:///{path}").settings))
    with app.app_context():
        given = Given(app, now)
        given.one_module()
        given.office("District")
        given.office("Collectorate", under="DISTRICT")
        meera = given.officer("Meera", names=NAMES)
        far = given.officer("Far", office="Block Office")
        given.completed(meera)
        given.lesson_done(far, given.course.lessons()[0])
        given.quiz_taken(far, given.course.quizzes[0])
        certificates.revoke(certificates.of_officer(meera.id)[-1].serial, "to see it move", given.now)
        given.visit(given.supervisor())
        db.engine.dispose()
    return Kept(path, meera, far, given.now)


@pytest.fixture
def house(kept: Kept, target: str, make_app: Callable[..., Flask], tmp_path: Path) -> Iterator[House]:
    path = tmp_path / "house.sqlite3"
    shutil.copy(kept.path, path)
    app = make_app(f"sqlite:///{path}")
    with app.app_context():
        given = Given(app, kept.now)
        given.one_module()
        yield House(app, given, kept.meera, kept.far, path, target, make_app)


def everything() -> dict[str, list[Any]]:
    """All rows of all tables, as the application reads them."""
    return {m.class_.__tablename__: sorted(map(repr, records.rows(m.class_))) for m in db.Model.registry.mappers}


# It arrives


def test_everything_arrives_and_the_same_people_are_served(house: House) -> None:
    before, head = everything(), records.head(house.meera.id)
    documents = [certificates.document(one.serial) for one in certificates.of_officer(house.meera.id)]
    proof = moving.move(house.target)
    assert {one.name for one in proof.tables} == set(metadata.tables)
    assert all(one.equal for one in proof.tables)
    assert {one.name: one.rows for one in proof.tables} == {name: len(rows) for name, rows in before.items()}
    assert proof.audited == {
        "officers": len(before["officer"]),
        "ledger entries": len(before["ledger"]),
        "certificates": len(before["certificate"]),
    }
    assert len(documents) == len(before["certificate"]) > 1

    grown_up = house.make(house.target)
    with grown_up.app_context():
        assert everything() == before
        assert records.head(house.meera.id) == head
        assert broken_at(records.chain(house.meera.id)) is None
        assert dict(row[1:3] for row in records.rows(OfficerName, officer_id=house.meera.id)) == NAMES
        assert [certificates.document(one.serial) for one in certificates.of_officer(house.meera.id)] == documents
        there = Given(grown_up, house.given.now)
        assert "মীরা দেবী" in there.visit(house.meera).get("/account").text
        given_there = Given(grown_up, house.given.later(minutes=1))
        given_there._numbers = count(100)
        given_there._offices = {"COLLECTORATE"}
        newcomer = given_there.officer("Newcomer")
        assert newcomer.id > max(row.id for row in records.rows(Officer) if row.id != newcomer.id)
        given_there.one_module()
        given_there.completed(house.far)
        assert broken_at(records.chain(house.far.id)) is None
        with pytest.raises(DBAPIError, match="append-only"), writing() as connection:
            connection.execute(text("DELETE FROM ledger"))


def test_the_old_database_can_be_read_but_takes_no_change_any_more(house: House) -> None:
    visitor = house.given.visit(house.meera)
    moving.move(house.target)
    assert not house.is_open()
    house.app.testing = False
    lesson = house.given.course.lessons()[1]
    assert visitor.get(f"/courses/{house.given.course.id}/{lesson.path}").status_code == 200
    answer = visitor.post(f"/courses/{house.given.course.id}/{lesson.path}/done")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    with pytest.raises(NotMoved, match="was moved before"):
        moving.move(house.target)
    assert moving.reopen() == len(metadata.tables)
    assert house.is_open()


def test_what_is_acknowledged_while_it_moves_is_not_left_behind(house: House) -> None:
    acknowledged, begun, over = count(), Event(), Event()

    def work() -> None:
        with house.app.app_context():
            while not over.is_set() and house.is_open():
                if next(acknowledged) > 10:
                    begun.set()

    before = records.count(AccessLog)
    with ThreadPoolExecutor(4) as pool:
        working = [pool.submit(work) for _ in range(4)]
        assert begun.wait(60)
        try:
            moving.move(house.target)
        except BaseException:
            over.set()
            raise
        for one in working:
            one.result()  # each was refused at last: the old database takes nothing any more
    with house.make(house.target).app_context():
        assert records.count(AccessLog) == before + next(acknowledged)


def test_the_command_prints_the_proof(house: House) -> None:
    url = house.target.replace("postgresql+psycopg://", "postgresql://")
    settings = {
        **{name: None for name in os.environ if name.startswith("ELEARN_")},
        "ELEARN_SECRET_KEY": house.app.config["SECRET_KEY"],
        "ELEARN_DATA_DIR": str(house.path.parent),
        "ELEARN_CONTENT_DIR": str(ROOT / "content"),
        "ELEARN_DATABASE_URL": f"sqlite:///{house.path}",
    }

    def run(*words: str, **more: str) -> Result:
        # In a context of its own: Flask would take the application that the test has open.
        return Context().run(CliRunner().invoke, main, ["move", *words], env={**settings, **more})

    assert "Say where to" in run().output
    assert run("--to", "mysql://elsewhere/x").exit_code == 2
    moved = run("--to", url)
    assert moved.exit_code == 0, moved.output
    lines = moved.output.splitlines()
    assert sum(line.endswith("  equal") for line in lines) == len(metadata.tables)
    assert any(line.endswith(" 2 certificates: audited there, all hold") for line in lines)
    again = run(ELEARN_MOVE_TO=url)
    assert again.exit_code == 1
    assert again.output.startswith("Error: This database was moved before.")
    assert f"{len(metadata.tables)} tables can be changed again" in run("--reopen").output
    limits = "SELECT setconfig FROM pg_db_role_setting JOIN pg_database d ON d.oid = setdatabase WHERE datname = "
    with house.there() as engine, engine.connect() as connection:
        kept = connection.execute(text(f"{limits} current_database()")).scalar_one()
    assert set(kept) == {"statement_timeout=30s", "lock_timeout=10s", "idle_in_transaction_session_timeout=60s"}


# Nothing arrives


def test_a_database_that_is_not_empty_is_left_alone(house: House) -> None:
    house.run_there("CREATE TABLE somebodys (id integer)")
    with pytest.raises(NotMoved, match="not empty: it has somebodys"):
        moving.move(house.target)
    assert house.tables_there() == ["somebodys"]
    assert house.is_open()


def test_only_sqlite_moves_and_only_to_postgresql(house: House, postgres_url: str) -> None:
    with pytest.raises(NotMoved, match="must begin with postgresql"):
        moving.move(f"sqlite:///{house.path.parent / 'other.sqlite3'}")
    with house.make(postgres_url).app_context(), pytest.raises(NotMoved, match="Only a SQLite database"):
        moving.move(house.target)
    assert house.nothing_moved()


def test_a_database_that_cannot_be_reached_is_named(house: House) -> None:
    with pytest.raises(NotMoved, match=r"The new database says: .*does not exist"):
        moving.move(f"{house.target.replace('/m', '/none_m')}")
    assert house.is_open()


# The new database does something as soon as a table is there: an event trigger stands in for bad luck.
AS_SOON_AS_THERE = """
CREATE FUNCTION misfortune() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN
  IF EXISTS (SELECT FROM pg_event_trigger_ddl_commands() WHERE object_identity = 'public.{table}') THEN {act}; END IF;
END $$
"""
STRIKES = "CREATE EVENT TRIGGER strikes ON ddl_command_end WHEN TAG IN ('{tag}') EXECUTE FUNCTION misfortune()"
ON_EACH_ROW = """
CREATE FUNCTION strike() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {act}; RETURN NEW; END $$
"""
WITH_EACH_ROW = "CREATE TRIGGER strikes BEFORE INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION strike()"


def strike_rows(house: House, table: str, act: str) -> None:
    """Does something to each row that arrives in a table. In a schema of its own: the database stays empty."""
    with_row = f"EXECUTE '{WITH_EACH_ROW.format(table=table).replace('strike()', 'bad_luck.strike()')}'"
    house.run_there(
        "CREATE SCHEMA bad_luck",
        ON_EACH_ROW.format(act=act).replace("strike()", "bad_luck.strike()"),
        AS_SOON_AS_THERE.format(table=table, act=with_row).replace("misfortune()", "bad_luck.misfortune()"),
        STRIKES.format(tag="CREATE TABLE").replace("misfortune()", "bad_luck.misfortune()"),
    )


@pytest.mark.parametrize("table", ["officer_name", "certificate", "standing_history"])
def test_a_new_database_that_dies_in_the_middle_stays_empty(house: House, table: str) -> None:
    strike_rows(house, table, "PERFORM pg_terminate_backend(pg_backend_pid())")
    with pytest.raises(NotMoved, match="The new database says: terminating connection"):
        moving.move(house.target)
    assert house.nothing_moved()


def test_what_arrives_otherwise_than_it_was_sent_is_named(house: House) -> None:
    strike_rows(house, "officer_name", "NEW.name := replace(NEW.name, 'ꯃ', 'ꯄ')")
    with pytest.raises(NotMoved, match="What arrived is not what was sent: officer_name"):
        moving.move(house.target)
    assert house.nothing_moved()


def test_rows_that_are_lost_on_the_way_are_noticed(house: House) -> None:
    strike_rows(house, "answer", "IF NEW.question_id < 'm' THEN RETURN NULL; END IF")
    with pytest.raises(NotMoved, match="What arrived is not what was sent: answer"):
        moving.move(house.target)
    assert house.nothing_moved()


def test_a_ledger_without_its_triggers_is_not_accepted(house: House) -> None:
    off = "IF TG_TAG = 'CREATE TRIGGER' THEN ALTER TABLE ledger DISABLE TRIGGER USER; END IF"
    house.run_there(
        "CREATE SCHEMA bad_luck",
        f"CREATE FUNCTION bad_luck.off() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN {off}; END $$",
        "CREATE EVENT TRIGGER off ON ddl_command_end WHEN TAG IN ('CREATE TRIGGER') EXECUTE FUNCTION bad_luck.off()",
    )
    with pytest.raises(NotMoved, match="trigger ledger_no_change: is missing"):
        moving.move(house.target)
    assert house.nothing_moved()


DAMAGE = {
    "an altered entry": (
        ("DROP TRIGGER ledger_no_update", "UPDATE ledger SET reference = 'another' WHERE subject = 1 AND number = 2"),
        "ledger 1/2: does not follow",
    ),
    "a dropped entry": (
        ("DROP TRIGGER ledger_no_delete", "DELETE FROM ledger WHERE subject = 2 AND number = 1"),
        "ledger 2/2: does not follow",
    ),
    "a chain cut short": (
        (
            "DROP TRIGGER ledger_no_delete",
            "DELETE FROM ledger WHERE subject = 1 AND number = (SELECT number FROM ledger_head WHERE subject = 1)",
        ),
        "ledger_head 1: says",
    ),
    "an altered certificate": (
        ("UPDATE certificate SET token = replace(token, 'e', 'f') WHERE state = 'valid'",),
        "is not what was signed",
    ),
    "a row that points nowhere": (
        ("DELETE FROM officer WHERE id = 2",),
        "points to no officer",
    ),
    "a name with a zero": (
        ("UPDATE officer_name SET name = 'Mee' || char(0) || 'ra' WHERE officer_id = 1 AND language = 'en'",),
        "does not take officer_name: .*NUL",
    ),
    "a code that is too long": (
        ("UPDATE enrolment SET route = hex(zeroblob(100)) WHERE officer_id = 1",),
        "does not take enrolment: value too long",
    ),
    "a table missing": (
        ("DROP TABLE error_report",),
        "table error_report of the old database is not what this version made",
    ),
    "a table of somebody else": (
        ("CREATE TABLE somebodys (id integer)",),
        "has a table that this version did not make: somebodys",
    ),
    "another version's": (
        ("UPDATE alembic_version SET version_num = '0001'",),
        "run `elearn db upgrade` first",
    ),
}


@pytest.mark.parametrize("kind", DAMAGE)
def test_a_damaged_database_does_not_move(house: House, kind: str) -> None:
    statements, sentence = DAMAGE[kind]
    house.run_here(*statements)
    with pytest.raises(NotMoved, match=sentence):
        moving.move(house.target)
    assert house.nothing_moved()


def test_a_damaged_file_does_not_move(house: House) -> None:
    with house.app.app_context():
        db.engine.dispose()
    house.run_here("PRAGMA wal_checkpoint(TRUNCATE)")
    with closing(connect(house.path)) as connection:
        (page,) = connection.execute(
            "SELECT rootpage FROM sqlite_master WHERE name = 'pk_standing' OR name LIKE "
            "'sqlite_autoindex_standing_1' LIMIT 1"
        ).fetchone()
        (size,) = connection.execute("PRAGMA page_size").fetchone()
    with house.path.open("r+b") as file:
        file.seek((page - 1) * size + size // 2)
        file.write(os.urandom(size // 2))
    with pytest.raises(NotMoved, match=r"old database (is damaged|says)"):
        moving.move(house.target)
    assert house.tables_there() == []


def test_a_person_who_was_erased_keeps_her_chain(house: House) -> None:
    """Her salt is gone; what the ledger tells of her still holds."""
    privacy.erase(house.far.id, house.given.now)
    proof = moving.move(house.target)
    assert proof.audited["officers"] == records.count(LedgerHead)
    assert records.count(Certificate) == proof.audited["certificates"]


def test_an_office_may_be_numbered_before_the_one_above_it(house: House) -> None:
    house.run_here("UPDATE office SET parent_id = (SELECT max(id) FROM office) WHERE id = 1")
    assert moving.move(house.target).tables


def test_the_password_still_opens_the_door(house: House) -> None:
    moving.move(house.target)
    with house.make(house.target).app_context():
        token = accounts.sign_in(house.meera.email, PASSWORD, "192.0.2.7", "a phone", datetime.now(UTC))
        viewer = accounts.viewer_of(token, datetime.now(UTC))
        assert viewer is not None
        assert viewer.officer_id == house.meera.id
