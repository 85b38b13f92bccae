"""An audit names each row that somebody changed past the program, on both engines, and nothing where nobody did."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import Connection, text

from elearn.exports.certificate_token import load_key_set, new_key_set, write_key_set
from elearn.models.certificates import Certificate
from elearn.models.database import db, snapshot
from elearn.models.learning import Attempt, LessonRecord
from elearn.services import audit, audit_records, certificates, checkpoint, library, people, privacy
from tests import records
from tests.given import COURSE, Given, Person, wrong_answer

GUARDS = "SELECT sql FROM sqlite_master WHERE type = 'trigger'"


@pytest.fixture
def house(app: Flask, given: Given) -> tuple[Person, Person]:
    """Meera completed the course, Rohan is on his way; Boss holds a role."""
    given.one_module()
    meera, rohan = given.officer("Meera"), given.officer("Rohan", office="Block Office")
    given.supervisor()
    given.completed(meera, minutes_a_lesson=12)
    given.lesson_done(rohan, given.course.lessons()[0])
    given.quiz_taken(rohan, given.quiz(given.course.modules[0].id), wrong_answer)
    return meera, rohan


def found(connection: Connection, deep: bool = True) -> list[str]:
    """What the audit says, a line for each row."""
    audit_records._READ.clear()  # what an earlier look remembered is no evidence
    app_keys = certificates._issuing().keys
    courses = {course.id: course for course in library.courses()}
    return [str(finding) for finding in audit.audit(connection, app_keys, courses, Counter(), deep)]


@contextmanager
def tampering() -> Iterator[Connection]:
    """A connection past every guard, as an administrator of the database has it; undone in the end."""
    with db.engine.connect().execution_options(writes=True) as connection:
        driver = connection.connection.driver_connection
        assert driver is not None
        if connection.dialect.name == "sqlite":
            driver.execute("PRAGMA foreign_keys=OFF")
            driver.execute("PRAGMA ignore_check_constraints=ON")
        transaction = connection.begin()
        guards = []
        if connection.dialect.name == "sqlite":
            guards = list(connection.exec_driver_sql(GUARDS).scalars())
            for name in ("ledger_no_update", "ledger_no_delete"):
                connection.exec_driver_sql(f"DROP TRIGGER {name}")
        else:
            connection.exec_driver_sql("SET LOCAL session_replication_role = replica")
        connection.info["guards"] = guards
        try:
            yield connection
        finally:
            transaction.rollback()
            if connection.dialect.name == "sqlite":
                driver.execute("PRAGMA foreign_keys=ON")
                driver.execute("PRAGMA ignore_check_constraints=OFF")


def after(*statements: str, **values: object) -> list[str]:
    """What the audit says once these statements were run, the guards put back."""
    with tampering() as connection:
        for statement in statements:
            wanted = {name: value for name, value in values.items() if f":{name}" in statement}
            done = connection.execute(text(statement), wanted)
            assert done.rowcount, f"changed nothing: {statement}"
        for guard in connection.info["guards"]:
            connection.exec_driver_sql(guard)
        return found(connection)


def test_nothing_is_named_where_nobody_did_anything(house: tuple[Person, Person]) -> None:
    with snapshot() as connection:
        assert found(connection, deep=False) == []
        assert found(connection) == []


def test_the_chain_names_what_was_reworded_taken_out_or_cut_off(house: tuple[Person, Person]) -> None:
    meera, rohan = house
    end = len(records.chain(meera.id))
    chain = {"meera": meera.id, "rohan": rohan.id}
    assert after("UPDATE ledger SET kind = 'waived' WHERE subject = :meera AND number = 3", **chain)[0] == (
        f"ledger {meera.id}/3: does not follow from the entry before it"
    )
    gone = after("DELETE FROM ledger WHERE subject = :meera AND number = 4", **chain)
    assert f"ledger {meera.id}/5: does not follow from the entry before it" in gone
    cut = after(f"DELETE FROM ledger WHERE subject = :meera AND number = {end}", **chain)
    assert any(line.startswith(f"ledger_head {meera.id}: says {end} entries") for line in cut)
    passed_on = after("UPDATE ledger SET subject = :rohan, number = number + 100 WHERE subject = :meera", **chain)
    assert f"ledger {rohan.id}/101: does not follow from the entry before it" in passed_on
    assert f"ledger_head {meera.id}: is missing" in after("DELETE FROM ledger_head WHERE subject = :meera", **chain)
    assert not [line for line in (*gone, *cut) if f"ledger {rohan.id}" in line]


def test_a_chain_that_was_cut_with_its_head_shows_in_the_rows_it_told_of(house: tuple[Person, Person]) -> None:
    meera, _ = house
    chain = records.chain(meera.id)
    keep = next(entry for entry in chain if entry.kind == "attempt_submitted")
    named = after(
        "DELETE FROM ledger WHERE subject = :meera AND number >= :number",
        "UPDATE ledger_head SET number = :number - 1, hash = :before WHERE subject = :meera",
        meera=meera.id,
        number=keep.number,
        before=keep.previous,
    )
    assert f"attempt {keep.reference}: is not in the ledger of its officer with this result" in named
    assert not [line for line in named if line.startswith(("ledger ", "ledger_head "))]


def test_certificates_name_what_was_changed_in_them_or_about_them(house: tuple[Person, Person]) -> None:
    meera, rohan = house
    one, other = (row.serial for row in records.rows(Certificate, officer_id=meera.id))
    tokens = {row.serial: row.token for row in records.rows(Certificate)}
    values = {"one": one, "other": other, "rohan": rohan.id, "token": tokens[other]}

    def about(*statements: str) -> list[str]:
        return [line for line in after(*statements, **values) if line.startswith(f"certificate {one}")]

    changed = about("UPDATE certificate SET token = replace(token, 'a', 'b') WHERE serial = :one")
    assert changed[0].startswith(f"certificate {one}: is not what was signed (")
    (exchanged,) = about("UPDATE certificate SET token = :token WHERE serial = :one")
    assert exchanged.endswith("differs from the signed record in it")
    assert about("UPDATE certificate SET version = 'x' WHERE serial = :one")[0].endswith("record in it")
    passed_on = about("UPDATE certificate SET officer_id = :rohan WHERE serial = :one")
    assert passed_on[0].endswith("was not issued so by the ledger of its officer")
    assert about("UPDATE certificate SET state = 'revoked' WHERE serial = :one") == [
        f"certificate {one}: is revoked here, by the ledger valid"
    ]
    assert about("DELETE FROM certificate WHERE serial = :one") == [
        f"certificate {one}: is missing; the ledger says it was issued"
    ]


def test_a_certificate_signed_with_a_stolen_key_has_no_place_in_the_ledger(
    house: tuple[Person, Person], given: Given
) -> None:
    """Whoever has key and database can sign and insert; the chain has no completion for it."""
    _, rohan = house
    with tampering() as connection:
        certificates.issue(connection, rohan.id, given.course, "checked", given.now)
        for guard in connection.info["guards"]:
            connection.exec_driver_sql(guard)
        named = found(connection)
    assert any("the ledger has no such completion" in line for line in named)


TAMPERINGS: dict[str, tuple[str, str]] = {
    "score": (
        "UPDATE attempt SET earned = possible, percent = 100, passed = :yes WHERE id = :failed",
        "attempt {failed}: is not in the ledger of its officer with this result",
    ),
    "marks": (
        "UPDATE attempt SET earned = possible, percent = 100, passed = :yes WHERE id = :failed",
        "attempt {failed}: is marked",
    ),
    "percent": ("UPDATE attempt SET percent = 99 WHERE id = :failed", "attempt {failed}: is marked"),
    "answer": ('UPDATE answer SET "right" = :yes WHERE attempt_id = :failed', "answer {failed}/"),
    "given": ("UPDATE answer SET given = NULL WHERE attempt_id = :passed", "attempt {passed}: is marked"),
    "question": ("UPDATE question_text SET body = replace(body, 'a', 'e')", "question_text "),
    "questions gone": ("DELETE FROM question_text", "attempt {passed}: asks questions that are not kept"),
    "attempt gone": ("DELETE FROM attempt WHERE id = :failed", "attempt {failed}: is missing"),
    "answers left": ("DELETE FROM attempt WHERE id = :failed", "answer {failed}/"),
    "another's attempt": (
        "UPDATE attempt SET officer_id = :rohan, number = 9 WHERE id = :passed",
        "attempt {passed}: is not in the ledger of its officer with this result",
    ),
    "lesson gone": ("DELETE FROM lesson_record WHERE id = :lesson", "lesson_record {lesson}: is missing"),
    "lesson": (
        "UPDATE lesson_record SET lesson = 'plain-words/other' WHERE id = :lesson",
        "lesson_record {lesson}: is not in the ledger of its officer so",
    ),
    "credit": (
        "UPDATE lesson_record SET credited = 100 WHERE id = :lesson",
        "lesson_record {lesson}: was not credited",
    ),
    "route": ("UPDATE enrolment SET route = 'other' WHERE officer_id = :rohan", "enrolment {rohan}/"),
    "role": ("UPDATE role SET role = 'administrator'", "role "),
    "role for good": ("UPDATE role SET until = since", "role "),
    "posting": ("UPDATE posting SET office_id = :office WHERE officer_id = :rohan", "posting "),
    "standing": (
        "UPDATE standing SET requirements_met = requirements_met + 1 WHERE officer_id = :rohan",
        "standing {rohan}/",
    ),
    "completion": (
        "UPDATE standing SET state = 'complete', completed_at = at, evidence = 'checked',"
        " requirements_met = requirements_total WHERE officer_id = :rohan",
        "standing {rohan}/",
    ),
    "completion taken": (
        "UPDATE standing SET state = 'in_progress', completed_at = NULL, evidence = '' WHERE officer_id = :meera",
        "standing {meera}/",
    ),
    "final": ("UPDATE standing SET final_percent = 99 WHERE officer_id = :rohan", "standing {rohan}/"),
    "day": ("UPDATE standing SET completed_at = at, at = :then WHERE officer_id = :meera", "standing {meera}/"),
    "history": ("UPDATE standing_history SET requirements_met = 0 WHERE officer_id = :meera", "standing {meera}/"),
    "standing gone": ("DELETE FROM standing WHERE officer_id = :rohan", "standing {rohan}/"),
    "officer gone": ("DELETE FROM officer WHERE id = :rohan", "ledger_head {rohan}: points to a row of officer"),
}


def test_deep_names_each_kind_of_row_that_was_changed(house: tuple[Person, Person], given: Given) -> None:
    meera, rohan = house
    (failed,) = records.rows(Attempt, officer_id=rohan.id)
    values = {
        "yes": True,
        "meera": meera.id,
        "rohan": rohan.id,
        "failed": failed.id,
        "passed": records.rows(Attempt, officer_id=meera.id)[0].id,
        "lesson": records.rows(LessonRecord, officer_id=rohan.id)[0].id,
        "office": next(office.id for office in people.offices() if office.code == "COLLECTORATE"),
        "then": "2020-01-01 00:00:00.000000",
    }
    missed = {}
    for name, (statement, expected) in TAMPERINGS.items():
        named = after(statement, **values)
        if not any(line.startswith(expected.format(**values)) for line in named):
            missed[name] = named
    assert missed == {}
    with snapshot() as connection:
        assert found(connection) == [], "every tampering was undone"


def test_an_administrator_who_made_himself_one_is_named(house: tuple[Person, Person]) -> None:
    _, rohan = house
    named = after(
        "INSERT INTO role (officer_id, role, since) SELECT :rohan, 'administrator', created_at FROM officer"
        " WHERE id = :rohan",
        rohan=rohan.id,
    )
    assert [line for line in named if line.startswith("role ") and line.endswith("was not granted so by the ledger")]


def test_guards_that_are_gone_or_asleep_are_named(app: Flask) -> None:
    sqlite = db.engine.dialect.name == "sqlite"
    names = ("ledger_no_delete", "ledger_no_update") if sqlite else ("ledger_no_change", "ledger_no_truncate")
    for name in names:
        with db.engine.connect().execution_options(writes=True) as connection:
            transaction = connection.begin()
            connection.exec_driver_sql(
                f"DROP TRIGGER {name}" if sqlite else f"ALTER TABLE ledger DISABLE TRIGGER {name}"
            )
            assert found(connection, deep=False) == [
                f"trigger {name}: is missing or switched off: the ledger can be changed"
            ]
            transaction.rollback()


def test_a_guard_that_never_fires_is_named(sqlite_app: Flask) -> None:
    with db.engine.connect().execution_options(writes=True) as connection:
        transaction = connection.begin()
        connection.exec_driver_sql("DROP TRIGGER ledger_no_delete")
        connection.exec_driver_sql(
            "CREATE TRIGGER ledger_no_delete BEFORE DELETE ON ledger WHEN 0 BEGIN SELECT RAISE(ABORT, 'no'); END"
        )
        assert found(connection, deep=False) == [
            "trigger ledger_no_delete: is missing or switched off: the ledger can be changed"
        ]
        transaction.rollback()


def test_an_erased_officer_is_no_finding(house: tuple[Person, Person], given: Given) -> None:
    """Without her salt nothing of hers can be compared, but her chain and her certificates still hold."""
    meera, _ = house
    privacy.erase(meera.id, given.now)
    gone = ("answer", "attempt", "lesson_record", "check_answer", "lab_run")
    with tampering() as connection:
        for table in gone:
            mine = (
                "attempt_id IN (SELECT id FROM attempt WHERE officer_id = :meera)"
                if table == "answer"
                else ("officer_id = :meera")
            )
            connection.execute(text(f"DELETE FROM {table} WHERE {mine}"), {"meera": meera.id})
        for guard in connection.info["guards"]:
            connection.exec_driver_sql(guard)
        assert found(connection) == []


def test_a_salt_that_went_without_an_erasure_is_named(house: tuple[Person, Person]) -> None:
    """Or nothing of hers would be compared any more."""
    meera, _ = house
    named = after("UPDATE officer SET salt = NULL WHERE id = :meera", meera=meera.id)
    assert named == [f"officer {meera.id}: has no salt, but was never erased by the ledger"]


def test_what_was_deleted_is_missed(house: tuple[Person, Person]) -> None:
    meera, _ = house
    named = after(
        "DELETE FROM enrolment WHERE officer_id = :meera",
        "DELETE FROM posting WHERE officer_id = :meera",
        meera=meera.id,
    )
    assert any(line.startswith(f"enrolment {meera.id}/") and "is missing" in line for line in named)
    assert any(line.startswith("posting ") and "is missing" in line for line in named)


def test_standings_from_other_content_are_judged_by_the_ledger_alone(
    house: tuple[Person, Person], given: Given
) -> None:
    counts: Counter[str] = Counter()
    newer = replace(given.course, version="f" * 64, modules=())
    with snapshot() as connection:
        assert list(audit.audit(connection, certificates._issuing().keys, {COURSE: newer}, counts, deep=True)) == []
    assert counts["standings reached on other content, judged by the ledger alone"] == 2


# Checkpoints


def audited(now: datetime, against: Path | None = None, written: Path | None = None) -> list[str]:
    return [str(one) for one in audit.findings(Counter(), now, against=against, checkpoint=written)]


def test_a_rebuilt_chain_shows_against_a_checkpoint(house: tuple[Person, Person], given: Given, tmp_path: Path) -> None:
    meera, rohan = house
    path, keys = tmp_path / "heads", certificates._issuing().keys
    assert audited(given.now, written=path) == []
    assert checkpoint.signed_at(path, keys) == given.now.isoformat(timespec="seconds")
    given.lesson_done(rohan, given.course.lessons()[1])
    assert audited(given.now, against=path) == [], "a chain that grew still holds"
    end = records.chain(meera.id)[-1]
    with tampering() as connection:
        connection.execute(
            text("DELETE FROM ledger WHERE subject = :s AND number = :n"), {"s": meera.id, "n": end.number}
        )
        assert [str(one) for one in checkpoint.compared(connection, path)] == [
            f"ledger {meera.id}/{end.number}: is not the entry that the checkpoint saw"
        ]


@pytest.mark.parametrize(
    "change",
    [
        lambda lines: lines[1:],
        lambda lines: [*lines[:1], *lines[2:]],
        lambda lines: lines[:-1],
        lambda lines: [lines[0], lines[1].replace(b" 1", b" 2"), *lines[2:-1], lines[-1][:-9] + b"AAAAAAAA\n"],
        lambda lines: [],
    ],
)
def test_a_checkpoint_that_was_changed_is_refused(
    sqlite_app: Flask, given: Given, tmp_path: Path, change: Callable[[list[bytes]], list[bytes]]
) -> None:
    given.officer("Meera")
    given.officer("Rohan")
    path = tmp_path / "heads"
    audited(given.now, written=path)
    path.write_bytes(b"".join(change(path.read_bytes().splitlines(keepends=True))))
    with pytest.raises(checkpoint.BadCheckpoint):
        checkpoint.signed_at(path, certificates._issuing().keys)


def test_a_checkpoint_of_another_installation_is_refused(sqlite_app: Flask, given: Given, tmp_path: Path) -> None:
    given.officer("Meera")
    audited(given.now, written=tmp_path / "heads")
    write_key_set(tmp_path / "other.json", new_key_set())
    with pytest.raises(checkpoint.BadCheckpoint):
        checkpoint.signed_at(tmp_path / "heads", load_key_set(tmp_path / "other.json"))
