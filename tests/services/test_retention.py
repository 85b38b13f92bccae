"""What the rule no longer keeps goes, all of it and nothing else; a dry run only counts."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256

import pytest
from flask import Flask
from sqlalchemy import func, insert, select, update

from config import BadSetting, from_environment
from elearn.models.database import reading, writing
from elearn.models.learning import KeptPicture, QuestionText
from elearn.models.people import AccessLog
from elearn.models.tables import metadata
from elearn.services import access_log, accounts, one_time_links, privacy, quizzes, retention
from tests.conftest import SECRET
from tests.given import PASSWORD, Given

NOTHING = {
    "access log lines": 0,
    "one-time links": 0,
    "ended sign-ins": 0,
    "sign-ins without their code": 0,
    "throttle rows": 0,
    "addresses of erased officers": 0,
    "stored questions": 0,
    "stored pictures": 0,
}


def kept(given: Given, dry_run: bool = False) -> dict[str, int]:
    return {kind.name: kind.count for kind in retention.keep_to_the_rule(given.now, dry_run)}


def counts() -> dict[str, int]:
    with reading() as connection:
        return {
            name: connection.execute(select(func.count()).select_from(table)).scalar_one()
            for name, table in metadata.tables.items()
        }


def lines() -> set[str]:
    with reading() as connection:
        return set(connection.execute(select(AccessLog.event)).scalars())


def long_after(given: Given, days: int) -> None:
    """So many days later, on which somebody comes by."""
    given.later(days=days)
    with writing() as connection:
        access_log.note(connection, "refused", given.now)


@pytest.fixture
def old(given: Given) -> Given:
    """Somebody signed in, was guessed at, asked for a link, and has left; all of it more than a year ago."""
    person = given.officer("Meera")
    token = accounts.sign_in(person.email, PASSWORD, "192.0.2.7", "", given.now)
    accounts.sign_out(token, given.now)
    one_time_links.make(person.id, given.now)
    with pytest.raises(accounts.WrongPair):
        accounts.sign_in(person.email, "guessed wrongly", "192.0.2.7", "", given.now)
    given.second_factor(person)
    with pytest.raises(accounts.CodeNeeded):
        accounts.sign_in(person.email, PASSWORD, "192.0.2.7", "", given.now)
    long_after(given, 401)
    return given


def test_a_dry_run_counts_and_writes_nothing(app: Flask, old: Given) -> None:
    before = counts()
    told = kept(old, dry_run=True)
    assert counts() == before
    assert told["ended sign-ins"] == 1
    assert told["one-time links"] == 2
    assert told["access log lines"] == before["access_log"] - 1
    assert told["throttle rows"] == before["throttle"]
    assert told["sign-ins without their code"] == before["half_sign_in"] == 1


def test_the_rule_deletes_what_the_dry_run_counted(app: Flask, old: Given) -> None:
    told = kept(old, dry_run=True)
    assert kept(old) == told
    after = counts()
    assert (after["one_time_link"], after["sign_in"], after["half_sign_in"], after["throttle"]) == (0, 0, 0, 0)
    assert lines() == {"refused", "retention"}
    assert (after["officer"], after["password"]) == (1, 1)
    assert kept(old) == NOTHING


def test_what_is_younger_stays(app: Flask, given: Given) -> None:
    person = given.officer("Meera")
    token = accounts.sign_in(person.email, PASSWORD, "192.0.2.7", "", given.now)
    one_time_links.make(person.id, given.now)
    accounts.sign_out(token, given.now)
    given.later(days=29)
    before = counts()
    assert kept(given) == NOTHING
    assert counts() == {**before, "access_log": before["access_log"] + 1}
    long_after(given, 365 - 29)
    assert kept(given)["access log lines"] == 0


def test_more_than_one_transaction_can_take(app: Flask, given: Given, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "ROWS_AT_ONCE", 10)
    with writing() as connection:
        connection.execute(insert(AccessLog), [{"at": given.now, "event": "sign_in"} for _ in range(35)])
    long_after(given, 401)
    assert kept(given)["access log lines"] == 35
    assert lines() == {"refused", "retention"}


def test_a_question_goes_once_no_attempt_asks_it(app: Flask, given: Given) -> None:
    person = given.officer("Meera")
    quizzes.start_attempt(person.id, given.course, given.quiz("plain-words"), given.now)
    before = counts()
    assert before["question_text"]
    picture = {"hash": sha256(b"left").hexdigest(), "media_type": "image/png", "data": b"left"}
    shown = {"hash": sha256(b"shown").hexdigest(), "media_type": "image/png", "data": b"shown"}
    with writing() as connection:
        connection.execute(insert(QuestionText).values(hash="0" * 64, body=f'{{"pictures": ["{picture["hash"]}"]}}'))
        asked = connection.execute(select(QuestionText.hash).where(QuestionText.hash != "0" * 64)).scalars().first()
        body = connection.execute(select(QuestionText.body).where(QuestionText.hash == asked)).scalar_one()
        with_picture = update(QuestionText).where(QuestionText.hash == asked)
        connection.execute(with_picture.values(body=f"{body} {shown['hash']}"))
        connection.execute(insert(KeptPicture), [picture, shown])
    assert kept(given) == {**NOTHING, "stored questions": 1, "stored pictures": 1}
    after = counts()
    assert after["question_text"] == before["question_text"]
    with reading() as connection:
        assert connection.execute(select(KeptPicture.hash)).scalars().all() == [shown["hash"]]


def test_addresses_of_erased_officers_go(app: Flask, given: Given) -> None:
    person = given.officer("Meera")
    accounts.sign_in(person.email, PASSWORD, "192.0.2.7", "", given.now)
    privacy.erase(person.id, given.now)
    long_after(given, 181)
    assert kept(given, dry_run=True)["addresses of erased officers"] == 1
    assert kept(given)["addresses of erased officers"] == 1
    assert kept(given)["addresses of erased officers"] == 0


def test_the_days_can_be_set(make_app: Callable[..., Flask], sqlite_url: str, given: Given) -> None:
    longer = make_app(sqlite_url, access_log_days=800)
    given.officer("Meera")
    long_after(given, 401)
    with longer.app_context():
        assert kept(given)["access log lines"] == 0
    assert kept(given)["access log lines"] > 0


def test_a_clock_that_runs_years_ahead_deletes_nothing(app: Flask, given: Given) -> None:
    given.officer("Meera")
    given.later(days=12 * 365)
    before = counts()
    with pytest.raises(retention.ClockAhead):
        kept(given)
    assert counts() == before


def test_sign_ins_stay_while_a_course_is_under_way(app: Flask, given: Given) -> None:
    """They tell at which pace she reads: without them, an idle day would count as one."""
    meera = given.officer("Meera")
    token = accounts.sign_in(meera.email, PASSWORD, "192.0.2.7", "", given.now)
    given.lesson_done(meera, given.course.lessons()[0])
    accounts.sign_out(token, given.now)
    long_after(given, 40)
    assert kept(given)["ended sign-ins"] == 0
    given.completed(meera)
    assert kept(given)["ended sign-ins"] == 1


@pytest.mark.parametrize("days", ["364", "0", "-1", "a year"])
def test_less_than_a_year_of_log_is_refused(days: str) -> None:
    with pytest.raises(BadSetting, match="ELEARN_ACCESS_LOG_DAYS"):
        from_environment({"ELEARN_SECRET_KEY": SECRET, "ELEARN_ACCESS_LOG_DAYS": days})
