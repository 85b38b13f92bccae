"""A backup becomes the same installation again, on either engine, or leaves everything as it was."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from uuid import uuid4
from zipfile import ZIP_DEFLATED, ZipFile

import pytest
from flask import Flask
from flask_migrate import downgrade, upgrade
from sqlalchemy import create_engine, inspect, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DatabaseError

from elearn import create_app
from elearn.exports import backup_file
from elearn.exports.backup_file import DamagedBackup, HostileBackup, NewerBackup, open_backup
from elearn.exports.certificate_token import load_key_set, signing_key
from elearn.models import table_rows
from elearn.models.database import db, reading, snapshot, writing
from elearn.models.people import OfficerName
from elearn.services import accounts, backup, certificates, people, restore
from tests import records
from tests.exports.test_backup_file import sealed
from tests.given import PASSWORD, Given, Person, wrong_answer

Elsewhere = Callable[..., Flask]


@pytest.fixture
def empty_postgres_url(postgres_server: str) -> Iterator[str]:
    """A database that was just created, without a table."""
    name = f"t{uuid4().hex}"
    with administering(postgres_server) as run:
        run(f"CREATE DATABASE {name}")
        yield postgres_server.format(database=name)
        run(f"DROP DATABASE {name} WITH (FORCE)")


@contextmanager
def administering(server: str) -> Iterator[Callable[[str], object]]:
    engine = create_engine(server.format(database="postgres"), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        yield lambda statement: connection.execute(text(statement))
    engine.dispose()


@pytest.fixture(params=["into sqlite", pytest.param("into postgresql", marks=pytest.mark.postgres)])
def target_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where nothing is yet."""
    if request.param == "into sqlite":
        return f"sqlite:///{tmp_path / 'elsewhere' / 'elearn.sqlite3'}"
    return str(request.getfixturevalue("empty_postgres_url"))


@pytest.fixture
def elsewhere(app: Flask, tmp_path: Path) -> Iterator[Elsewhere]:
    """Another machine: a data folder with nothing in it, other keys, no content."""
    made: list[Flask] = []

    def make(url: str = "", **settings: object) -> Flask:
        folder = tmp_path / "elsewhere"
        folder.mkdir(exist_ok=True)
        own = {
            "data_dir": folder,
            "content_dir": folder / "content",
            "signing_keys": folder / "signing-keys.json",
            "database_url": url or f"sqlite:///{folder / 'elearn.sqlite3'}",
        }
        made.append(create_app(replace(app.config["ELEARN"], **(own | settings))))
        return made[-1]

    yield make
    for one in made:
        with one.app_context():
            db.engine.dispose()


@pytest.fixture
def kept(app: Flask, given: Given, tmp_path: Path) -> Path:
    """A backup of an installation in which Meera completed the course and everybody signs in."""
    meera = given.officer("Meera", names={"en": "Meera Devi", "hi": "मीरा देवी", "mni-Mtei": "ꯃꯤꯔꯥ"})
    given.supervisor()
    accounts.sign_in(meera.email, PASSWORD, "10.0.0.1", "A device", given.now)
    given.completed(meera, minutes_a_lesson=12)
    return backup.make_backup(tmp_path / "one.backup", given.now).path


@pytest.fixture
def small(app: Flask, given: Given, tmp_path: Path) -> Path:
    """A backup of an installation with one officer and her first lesson."""
    given.lesson_done(given.officer("Meera"), given.course.lessons()[0])
    return backup.make_backup(tmp_path / "one.backup", given.now).path


def digests() -> dict[str, tuple[int, str]]:
    """Every table's rows as a backup has them."""
    with snapshot() as connection:
        return {shape.name: table_rows.digest(connection, shape) for shape in table_rows.shapes(connection)}


def promised(path: Path) -> dict[str, tuple[int, str]]:
    with open_backup(path) as opened:
        return {
            table["name"]: (table["rows"], opened.members[f"records/{table['name']}.jsonl"]["sha256"])
            for table in opened.manifest["tables"]
        }


# There and back


def test_a_row_changed_by_hand_is_named_before_anything_is_written(
    sqlite_app: Flask, given: Given, tmp_path: Path
) -> None:
    """PostgreSQL would not have taken it."""
    given.officer("Meera")
    with writing() as connection:
        connection.exec_driver_sql("UPDATE officer SET created_at = 'last week'")
    with pytest.raises(backup.UnreadableRow, match="officer: 'last week' is no created_at"):
        backup.make_backup(tmp_path / "one.backup", given.now)
    assert not list(tmp_path.glob("*.backup*"))


def test_a_backup_becomes_the_same_records_on_either_engine(
    app: Flask, kept: Path, elsewhere: Elsewhere, target_url: str, given: Given
) -> None:
    before = digests()
    serials = [one.serial for one in certificates.of_officer(people.find_officer("MD-0001"))]
    assert promised(kept) == before
    with elsewhere(target_url).app_context():
        made = restore.restore(kept, given.now)
        assert made.report.findings == []
        assert made.rows == {name: rows for name, (rows, _) in before.items()}
        assert made.upgraded is None
        assert digests() == before
        assert "ꯃꯤꯔꯥ" in [row.name for row in records.rows(OfficerName)]
    with elsewhere(target_url).app_context():  # the keys are read when it starts
        assert len(serials) > 1
        assert [certificates.check_serial(serial)[0] for serial in serials] == ["valid"] * len(serials)
        assert accounts.sign_in("meera1@model.test", PASSWORD, "10.0.0.1", "", given.now)
        added = people.add_officer("new@model.test", {"en": "New"}, now=given.now)
        assert added > people.find_officer("meera1@model.test"), "numbers go on where they were"


def test_a_backup_is_verified_without_touching_anything(app: Flask, kept: Path, given: Given) -> None:
    before = digests()
    made = restore.verify_backup(kept, given.now)
    assert made.report.findings == []
    assert made.rows == {name: rows for name, (rows, _) in before.items()}
    assert digests() == before


def test_equal_records_give_equal_files(app: Flask, small: Path, given: Given, tmp_path: Path) -> None:
    again = backup.make_backup(tmp_path / "two.backup", given.now).path
    assert again.read_bytes() == small.read_bytes()


def test_a_backup_with_a_finding_is_restored_as_it_is_and_tells(
    app: Flask, elsewhere: Elsewhere, given: Given, tmp_path: Path
) -> None:
    given.lesson_done(given.officer("Meera"), given.course.lessons()[0])
    with db.engine.begin() as connection:
        connection.execute(text("UPDATE standing SET final_percent = 99"))
    path = backup.make_backup(tmp_path / "tampered.backup", given.now).path
    with elsewhere().app_context():
        made = restore.restore(path, given.now)
        assert [one.table for one in made.report.findings] == ["standing"]
        assert digests() == promised(path)


# Refused, and everything as it was


def test_a_database_that_holds_people_is_left_alone(app: Flask, small: Path, given: Given) -> None:
    before = digests()
    with pytest.raises(restore.HoldsPeople):
        restore.restore(small, given.now)
    assert digests() == before


def test_people_go_only_where_somebody_says_so(app: Flask, small: Path, given: Given, tmp_path: Path) -> None:
    given.officer("Later")
    made = restore.restore(small, given.now, replace_records=True)
    assert made.report.findings == []
    assert digests() == promised(small)
    if db.engine.dialect.name == "sqlite":
        (aside,) = tmp_path.glob("house.sqlite3.before-*")
        assert str(aside) in "\n".join(made.kept)
        with closing(sqlite3.connect(aside)) as old:
            assert old.execute("SELECT count(*) FROM officer WHERE email LIKE 'later%'").fetchone() == (1,)


def test_a_database_in_use_is_left_alone(small: Path, elsewhere: Elsewhere, target_url: str, given: Given) -> None:
    with elsewhere(target_url).app_context():
        upgrade()
        if db.engine.dialect.name == "sqlite":
            path = str(make_url(target_url).database)
            with closing(sqlite3.connect(path)) as other:
                other.execute("SELECT count(*) FROM officer").fetchone()
                with pytest.raises(restore.StillInUse):
                    restore.restore(small, given.now)
        else:
            with reading() as other_connection:
                other_connection.execute(text("SELECT count(*) FROM officer"))
                with pytest.raises(restore.StillInUse):
                    restore.restore(small, given.now)
        assert records.count(OfficerName) == 0
        restore.restore(small, given.now)


def test_a_database_of_something_else_is_left_alone(
    small: Path, elsewhere: Elsewhere, target_url: str, given: Given
) -> None:
    with elsewhere(target_url).app_context():
        with db.engine.begin() as connection:
            connection.execute(text("CREATE TABLE invoices (id integer PRIMARY KEY)"))
        db.engine.dispose()
        with pytest.raises(restore.SomethingElse, match="invoices"):
            restore.restore(small, given.now)
        with reading() as connection:
            assert inspect(connection).get_table_names() == ["invoices"]


def remade(path: Path, out: Path, change: Callable[[str, bytes, dict[str, object]], bytes | None]) -> Path:
    """The backup with members changed or left out by somebody who knows how to make it look whole."""
    with ZipFile(path) as old:
        manifest = json.loads(old.read("manifest.json"))
        parts = {}
        for name in old.namelist():
            if name not in ("elearn-backup", "manifest.json"):
                data = change(name, old.read(name), manifest)
                if data is None:
                    del manifest["members"][name]
                    continue
                parts[name] = data
                manifest["members"][name] = {"bytes": len(data), "sha256": backup_file.sha256(data).hexdigest()}
    change("manifest.json", b"", manifest)
    with ZipFile(out, "w", ZIP_DEFLATED) as new:
        new.writestr("elearn-backup", "elearn-backup/1\n")
        for name, data in parts.items():
            new.writestr(name, data)
        new.writestr("manifest.json", json.dumps(manifest))
        new.comment = b"-" * backup_file._SEAL_LENGTH
    return sealed(out)


def rows_changed(table: str, change: Callable[[bytes], bytes]) -> Callable[..., bytes | None]:
    return lambda name, data, manifest: change(data) if name == f"records/{table}.jsonl" else data


def told(change: Callable[[dict[str, object]], object]) -> Callable[..., bytes | None]:
    def apply(name: str, data: bytes, manifest: dict[str, object]) -> bytes:
        if name == "manifest.json":
            change(manifest)
        return data

    return apply


def first_table(manifest: dict[str, object]) -> dict[str, object]:
    return manifest["tables"][0]  # type: ignore[index, no-any-return]


REFUSED: list[tuple[type[Exception], Callable[..., bytes | None]]] = [
    (DamagedBackup, rows_changed("officer", lambda data: b"")),
    (DamagedBackup, rows_changed("officer", lambda data: data + data.splitlines(keepends=True)[0])),
    (DamagedBackup, rows_changed("officer", lambda data: data.replace(b"[1,", b"[1.0,", 1))),
    (DamagedBackup, rows_changed("officer", lambda data: data.replace(b"[1,", b'["1",', 1))),
    (DamagedBackup, rows_changed("officer", lambda data: data.replace(b"[1,", b"[1,1,", 1))),
    (DamagedBackup, rows_changed("officer", lambda data: b"[" * 100_000 + b"\n")),
    (DamagedBackup, rows_changed("ledger", lambda data: data.replace(b'Z"', b'+05:30"', 1))),
    (DamagedBackup, lambda name, data, m: None if name == "records/officer.jsonl" else data),
    (DamagedBackup, lambda name, data, m: None if name == "keys/public-keys.json" else data),
    (DamagedBackup, told(lambda m: m.pop("tables"))),
    (DamagedBackup, told(lambda m: first_table(m).update(rows=10**9))),
    (HostileBackup, told(lambda m: first_table(m).update(name='officer"; DROP TABLE officer; --'))),
    (HostileBackup, told(lambda m: first_table(m).update(columns=[["id", "blob"]]))),
    (NewerBackup, told(lambda m: m.update(revision="9999"))),
]


def test_what_looks_whole_and_is_not_changes_nothing(app: Flask, small: Path, given: Given, tmp_path: Path) -> None:
    before = digests()
    for number, (refusal, change) in enumerate(REFUSED):
        path = remade(small, tmp_path / f"changed-{number}.backup", change)
        with pytest.raises(refusal):
            restore.restore(path, given.now, replace_records=True)
        assert digests() == before, number
    with pytest.raises(restore.BackupRefused):
        restore.verify_backup(path, given.now)
    assert not list(tmp_path.glob(".restore-*"))
    assert not list(tmp_path.glob("restored-*"))


# Content and keys


def test_content_goes_where_none_is(app: Flask, small: Path, elsewhere: Elsewhere, given: Given) -> None:
    shipped = app.config["ELEARN"].content_dir
    other = elsewhere()
    with other.app_context():
        restore.restore(small, given.now)
        content = other.config["ELEARN"].content_dir
        assert {p.relative_to(content) for p in content.rglob("*.md")} == {
            p.relative_to(shipped) for p in shipped.rglob("*.md")
        }
        assert not list(other.config["ELEARN"].data_dir.glob("restored-*"))


def test_content_that_differs_stays_and_the_backups_is_put_beside_it(
    small: Path, elsewhere: Elsewhere, given: Given
) -> None:
    other = elsewhere()
    mine = other.config["ELEARN"].content_dir / "README.md"
    mine.parent.mkdir()
    mine.write_text("mine")
    with other.app_context():
        made = restore.restore(small, given.now)
    (aside,) = other.config["ELEARN"].data_dir.glob("restored-*")
    assert mine.read_text() == "mine"
    assert (aside / "content" / "README.md").exists()
    assert str(aside) in "\n".join(made.kept)


def test_private_content_is_marked_and_comes_back(
    app: Flask, elsewhere: Elsewhere, given: Given, tmp_path: Path
) -> None:
    private = tmp_path / "private"
    private.mkdir()
    (private / "bank.md").write_text("## A question that nobody may see\n")
    app.config["ELEARN"] = replace(app.config["ELEARN"], private_content_dir=private)
    path = backup.make_backup(tmp_path / "one.backup", given.now).path
    with open_backup(path) as opened:
        assert opened.below("private-content") == ("private-content/bank.md",)
    there = tmp_path / "elsewhere" / "private"
    with elsewhere(private_content_dir=there).app_context():
        restore.restore(path, given.now)
    assert (there / "bank.md").read_text() == (private / "bank.md").read_text()


def test_what_compiled_last_is_served_although_the_files_do_not_compile_any_more(
    app: Flask, elsewhere: Elsewhere, given: Given, tmp_path: Path
) -> None:
    content = tmp_path / "content"
    shutil.copytree(app.config["ELEARN"].content_dir, content)
    app.config["ELEARN"] = replace(app.config["ELEARN"], content_dir=content)
    next(content.glob("*/course.yaml")).write_text("broken: [")
    path = backup.make_backup(tmp_path / "one.backup", given.now).path
    other = elsewhere()
    with other.app_context():
        restore.restore(path, given.now)
    restarted = elsewhere()
    with restarted.app_context():
        assert given.course.version == restarted.extensions["elearn.library"].courses[given.course.id].version


def test_private_keys_travel_only_where_asked_for(
    app: Flask, small: Path, elsewhere: Elsewhere, given: Given, tmp_path: Path
) -> None:
    ours = signing_key(load_key_set(app.config["ELEARN"].signing_keys))
    private = ours.as_dict(private=True)["d"]
    with ZipFile(small) as archive:
        assert not [name for name in archive.namelist() if private.encode() in archive.read(name)]
    other = elsewhere()
    path = other.config["ELEARN"].signing_keys
    own = signing_key(load_key_set(path))
    with other.app_context():
        restore.restore(small, given.now)
        assert signing_key(load_key_set(path)).kid == own.kid, "what signs stays what it was"
        assert {key.kid for key in load_key_set(path).keys} == {own.kid, ours.kid}
        with_keys = backup_with_keys(app, given, tmp_path)
        restore.restore(with_keys, given.now, replace_records=True)
        assert signing_key(load_key_set(path)).kid == ours.kid
        assert path.stat().st_mode & 0o777 == 0o600


def backup_with_keys(app: Flask, given: Given, tmp_path: Path) -> Path:
    with app.app_context():
        return backup.make_backup(tmp_path / "keys.backup", given.now, with_signing_keys=True).path


# Other versions


def learners(given: Given) -> list[Person]:
    """People at work, none of them as far as a statement of completion, which no older version knew."""
    meera, rohan = given.officer("Meera"), given.officer("Rohan", office="Block Office")
    given.supervisor()
    given.lesson_done(meera, given.course.lessons()[0])
    given.lesson_done(meera, given.course.lessons()[1])
    given.quiz_taken(rohan, given.quiz(given.course.modules[1].id), wrong_answer)
    return [meera, rohan]


def older_revisions() -> list[str]:
    """All but the newest, oldest first; below the first there is nothing to keep."""
    with_head = [script.revision for script in restore._scripts().walk_revisions()]
    return with_head[:0:-1]


def test_records_of_each_older_version_are_brought_up_and_go_back(
    app: Flask, given: Given, elsewhere: Elsewhere, tmp_path: Path
) -> None:
    learners(given)
    now = digests()
    assert older_revisions()[0] == "0001"
    for revision in reversed(older_revisions()):
        downgrade(revision=revision)
        before = digests()
        path = backup.make_backup(tmp_path / f"{revision}.backup", given.now).path
        made = restore.verify_backup(path, given.now)
        assert made.upgraded == (revision, restore._scripts().get_current_head())
        assert made.report.findings == [], revision
        upgrade()
        assert digests() == now, f"{revision} and up again"
        downgrade(revision=revision)
        assert digests() == before, f"{revision}: going back loses nothing that it knew"


def test_an_older_version_is_restored_into_either_engine(
    app: Flask, given: Given, elsewhere: Elsewhere, target_url: str, tmp_path: Path
) -> None:
    meera, _ = learners(given)
    now = digests()
    downgrade(revision="0001")
    path = backup.make_backup(tmp_path / "old.backup", given.now).path
    with elsewhere(target_url).app_context():
        made = restore.restore(path, given.now)
        assert made.report.findings == []
        assert digests() == now
        given.lesson_done(meera, given.course.lessons()[2])


def test_a_database_that_was_never_set_up_is_not_kept(elsewhere: Elsewhere, given: Given, tmp_path: Path) -> None:
    with elsewhere().app_context(), pytest.raises(backup.NotSetUp):
        backup.make_backup(tmp_path / "none.backup", given.now)
    assert not list(tmp_path.glob("*none.backup*"))


def test_the_journal_of_a_database_that_was_taken_away_is_not_played_into_the_new_one(
    app: Flask, kept: Path, elsewhere: Elsewhere, tmp_path: Path, given: Given
) -> None:
    """A server was killed, its file taken away; what it left beside it belongs to nobody any more."""
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    with closing(sqlite3.connect(folder / "elearn.sqlite3")) as old:
        old.execute("PRAGMA journal_mode=WAL")
        old.execute("CREATE TABLE officer (id INTEGER)")
        old.commit()
        left = (folder / "elearn.sqlite3-wal").read_bytes()
    (folder / "elearn.sqlite3").unlink()
    (folder / "elearn.sqlite3-wal").write_bytes(left)
    with elsewhere().app_context():
        made = restore.restore(kept, given.now)
        assert made.report.findings == []
        assert any("a journal that was there" in line for line in made.kept)


def test_a_damaged_database_is_kept_beside_the_restored_one(
    app: Flask, kept: Path, elsewhere: Elsewhere, tmp_path: Path, given: Given
) -> None:
    with elsewhere().app_context():
        path = tmp_path / "elsewhere" / "elearn.sqlite3"
        path.write_bytes(b"no database " * 1000)
        with pytest.raises(DatabaseError):
            restore.restore(kept, given.now)
        assert path.read_bytes() == b"no database " * 1000
        made = restore.restore(kept, given.now, replace_records=True)
        assert made.report.findings == []
        assert [one.read_bytes()[:11] for one in path.parent.glob("*.before-*")] == [b"no database"]


def test_a_database_of_another_program_with_migrations_of_its_own_is_left_alone(
    app: Flask, kept: Path, elsewhere: Elsewhere, target_url: str, given: Given
) -> None:
    with elsewhere(target_url).app_context():
        with db.engine.connect().execution_options(writes=True) as connection, connection.begin():
            connection.exec_driver_sql("CREATE TABLE alembic_version (version_num VARCHAR(32))")
            connection.exec_driver_sql("INSERT INTO alembic_version VALUES ('f00')")
            connection.exec_driver_sql("CREATE TABLE payroll (id INTEGER)")
        with pytest.raises(restore.SomethingElse, match="payroll"):
            restore.restore(kept, given.now, replace_records=True)


def test_a_file_that_no_other_system_could_unpack_is_named(
    kept: Path, elsewhere: Elsewhere, tmp_path: Path, given: Given
) -> None:
    private = tmp_path / "private"
    private.mkdir()
    with elsewhere(private_content_dir=private).app_context():
        restore.restore(kept, given.now)
        (private / "notes 10:30.md").write_text("x")
        with pytest.raises(backup.UnfitName, match="notes 10:30"):
            backup.make_backup(tmp_path / "two.backup", given.now)
        assert not list(tmp_path.glob("*two.backup*"))
