"""The clock of the server is set back or far ahead, and put right again.

What may be lost: the sign-in; it is void as soon as the clock tells that it is too old or not yet made, and signing in
again always works. A timed attempt ends by the clock it meets, and what was saved in it counts. No act is lost, and
what counts goes by the order in which acts came.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from flask import Flask

from elearn.models.learning import Answer, Attempt
from elearn.services import accounts, quizzes
from tests import records
from tests.faults.conftest import ENGINES
from tests.faults.house import WORKERS, House, cluster_of, copied, database_of, opened
from tests.faults.officers import Officer, judge, signed_in, token_on
from tests.given import PASSWORD, Given, Person, wrong_answer
from tests.records import broken_at
from tests.server import ROOT

SHIFTS = {
    "-1h": timedelta(hours=-1),
    "-400d": timedelta(days=-400),
    "+7d": timedelta(days=7),
    "+12y": timedelta(days=12 * 365),
}
LONGEST_DELAY = 900
"""Seconds that somebody who guessed may have to wait, whatever the clock says."""

GUESSES = 8

SLEEP_UNDER_FAKETIME = """
import select, time
# faketime 0.9.10 refuses the absolute times by which Python sleeps, where the monotonic clock is left alone.
time.sleep = lambda seconds: select.select([], [], [], seconds) and None
"""


@pytest.fixture(params=SHIFTS)
def wrong(request: pytest.FixtureRequest, now: datetime) -> datetime:
    """What the clock says while it stands wrong."""
    return now + SHIFTS[request.param]


def enter(person: Person, at: datetime, password: str = PASSWORD) -> str:
    return accounts.sign_in(person.email, password, "10.1.2.3", "", at)


def guess(person: Person, at: datetime) -> int:
    """A wrong password; says how long the next try must wait, as far as it is told."""
    try:
        enter(person, at, "not her password")
    except accounts.TooManyTries as wait:
        return wait.retry_after
    except accounts.WrongPair:
        return 0
    raise AssertionError("a wrong password was let in")


def kept_out(person: Person, at: datetime) -> int:
    """The right password; says how many seconds it is not looked at, 0 where it was let in."""
    try:
        enter(person, at)
    except accounts.TooManyTries as wait:
        return wait.retry_after
    return 0


# Through the services, which are told what time it is


def test_no_sign_in_outlives_its_limit(app: Flask, given: Given, wrong: datetime) -> None:
    """May be lost: the sign-in, in both directions. Signing in again works at once."""
    meera, right = given.officer("Meera"), given.now
    before = enter(meera, right)
    assert accounts.viewer_of(before, wrong) is None
    while_wrong = enter(meera, wrong)
    assert accounts.viewer_of(while_wrong, wrong) is not None
    for minutes in (1, 30, 59, 61, 12 * 60, 13 * 60, 24 * 60):
        assert accounts.viewer_of(while_wrong, right + timedelta(minutes=minutes)) is None
    assert accounts.viewer_of(enter(meera, right), right) is not None


def test_guesses_keep_nobody_out_for_years(app: Flask, given: Given, wrong: datetime) -> None:
    """May be lost: a quarter of an hour."""
    meera, right = given.officer("Meera"), given.now
    assert 0 < max(guess(meera, wrong) for _ in range(GUESSES)) <= LONGEST_DELAY
    delay = kept_out(meera, right)
    assert delay <= LONGEST_DELAY
    assert kept_out(meera, right + timedelta(seconds=delay)) == 0
    # And the other way round: delayed while it is right, and then the clock is moved.
    assert 0 < max(guess(meera, right) for _ in range(GUESSES)) <= LONGEST_DELAY
    assert kept_out(meera, wrong) <= LONGEST_DELAY


def test_acts_count_in_the_order_in_which_they_came(app: Flask, given: Given, wrong: datetime) -> None:
    """May be lost: nothing. The chain is in sequence, attempts are numbered as they were begun, the answer that came
    last stands, and the standing is what all acts amount to."""
    meera, right = given.officer("Meera"), given.now
    quiz, lessons = given.quiz(given.course.modules[0].id), given.course.lessons()
    order = (right, wrong, right + timedelta(hours=2))
    for at, lesson in zip(order, lessons, strict=False):
        given.now = at
        given.lesson_done(meera, lesson)
        given.quiz_taken(meera, quiz, wrong_answer)
    attempts = sorted(records.rows(Attempt, officer_id=meera.id), key=lambda row: row.number)
    assert [row.number for row in attempts] == [1, 2, 3]
    assert [abs(row.received_at - at) < timedelta(hours=1) for row, at in zip(attempts, order, strict=True)] == [
        True
    ] * 3
    chain = records.chain(meera.id)
    assert broken_at(chain) is None
    assert all(after.number == before.number + 1 for before, after in pairwise(chain))
    told = [entry.reference for entry in chain if entry.kind == "attempt_submitted"]
    assert told == [row.id for row in attempts]
    kept, afresh = records.standing_of(meera.id), records.status_afresh(meera.id, given.course)
    assert (kept.state, kept.requirements_met) == (afresh.state, afresh.met)


def test_the_answer_that_came_last_stands(app: Flask, given: Given, wrong: datetime) -> None:
    meera, right = given.officer("Meera"), given.now
    attempt = quizzes.start_attempt(meera.id, given.course, given.quiz(given.course.modules[0].id), wrong)
    question = quizzes.attempt_view(meera.id, attempt, wrong).questions[0]
    quizzes.save_answers(meera.id, attempt, {question.id: (0,)}, wrong)
    quizzes.save_answers(meera.id, attempt, {question.id: (1,)}, right)
    assert [row.given for row in records.rows(Answer, attempt_id=attempt)] == [[1]]


def test_a_failed_final_keeps_nobody_waiting_for_years(app: Flask, given: Given, wrong: datetime) -> None:
    """May be lost: two days at most, a day's wait by each of two clocks."""
    meera = given.officer("Meera")
    given.now -= timedelta(days=9)
    given.all_but_the_final(meera)
    right, final = given.now, given.quiz("final")
    given.now = wrong
    for _ in range(2):
        given.quiz_taken(meera, final, wrong_answer)
    quizzes.start_attempt(meera.id, given.course, final, max(right, datetime.now(UTC)) + timedelta(days=2))


def test_a_timed_attempt_ends_by_the_clock_it_meets(app: Flask, given: Given, wrong: datetime) -> None:
    """May be lost: the rest of the attempt's time. What was saved in it counts."""
    meera = given.officer("Meera")
    given.now -= timedelta(days=9)
    given.all_but_the_final(meera)
    right, final = given.now, given.quiz("final")
    attempt = quizzes.start_attempt(meera.id, given.course, final, right)
    question = quizzes.attempt_view(meera.id, attempt, right).questions[0]
    quizzes.save_answers(meera.id, attempt, {question.id: (0,)}, right)
    quizzes.submit_attempt(meera.id, attempt, {}, wrong)
    view = quizzes.attempt_view(meera.id, attempt, right)
    assert (view.submitted_at, view.answers[question.id]) == (wrong, (0,))
    assert broken_at(records.chain(meera.id)) is None


# Through the server, whose clock is moved while it runs


@pytest.fixture(params=ENGINES)
def house_with_a_clock(
    request: pytest.FixtureRequest, sqlite_template: Path, tmp_path: Path, now: datetime
) -> Iterator[tuple[House, Path]]:
    """A server under faketime, and the file that says how wrong its clock is."""
    (library,) = Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1")
    clock = tmp_path / "clock"
    clock.write_text("+0\n")
    (tmp_path / "sitecustomize.py").write_text(SLEEP_UNDER_FAKETIME)
    faked = {
        "LD_PRELOAD": str(library),
        "FAKETIME_TIMESTAMP_FILE": str(clock),
        "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",  # as in truth: what sets a clock does not touch this one
        "NO_FAKE_STAT": "1",
        "PYTHONPATH": f"{tmp_path}:{ROOT}",
    }
    with ExitStack() as stack:
        url, workers, cluster = "", 1, None
        if request.param != "sqlite":
            cluster = cluster_of(request.getfixturevalue("postgres_template"))
            url, workers = stack.enter_context(database_of(cluster.url)), WORKERS
        server = copied(sqlite_template, tmp_path / "house", url, workers, **faked)
        yield stack.enter_context(opened(server, now, cluster)), clock


@pytest.mark.faketime
def test_the_server_works_on_while_its_clock_is_moved(house_with_a_clock: tuple[House, Path]) -> None:
    """May be lost: sign-ins, at each move. Everything that was acknowledged is there, and in order."""
    house, clock = house_with_a_clock
    meera, asha = signed_in(house, 2)
    lessons = iter(house.course.lessons())
    for shift in ("+0", *SHIFTS, "+0"):
        clock.write_text(f"{shift}\n")
        if meera.done:
            assert meera.browser.get("/account").status == 302, f"a sign-in outlived the clock's move to {shift}"
        meera.browser = house.server.browser()
        meera.sign_in()
        meera.take_lesson(next(lessons).path)
        meera.take_quiz(house.course.modules[0].id)
        for waits in guessed_at_the_door(house, asha):
            assert waits <= LONGEST_DELAY
    verdict = judge(house, [meera])
    assert verdict.is_clean, verdict
    times = [row.received_at for row in records.rows(Attempt, officer_id=meera.person.id)]
    assert max(times) - min(times) > timedelta(days=12 * 365 + 399), "the server's clock was not moved at all"
    assert "Traceback" not in house.server.log


def guessed_at_the_door(house: House, asha: Officer) -> Iterator[int]:
    """The seconds to wait after each of several wrong passwords for one account."""
    browser = house.server.browser()
    form = {"email": asha.person.email, "password": "not hers", "csrf_token": token_on(browser.get("/sign-in"))}
    for _ in range(GUESSES):
        answer = browser.post("/sign-in", form)
        assert answer.status in (200, 429)
        yield int(answer.headers.get("Retry-After", "0"))
