"""Many act at the same moment, and one acts many times: from two tabs, by a double click, by a script.

What may be lost: nothing. What is doubled: nothing; twenty times the same is once.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from statistics import quantiles
from uuid import uuid4

import pytest
from sqlalchemy import delete, insert

from elearn.domain.course import Quiz
from elearn.domain.labs import LABS
from elearn.models.certificates import Certificate
from elearn.models.database import writing
from elearn.models.feedback import ErrorReport
from elearn.models.learning import Answer, Attempt, CheckAnswer, LabRun, LessonRecord
from elearn.services import certificates, quizzes
from elearn.services.feedback import MOST_A_DAY
from elearn.services.learning import MOST_TRIES
from tests import at_once as in_the_house
from tests import records
from tests.faults.house import House, at_once, report
from tests.faults.officers import Officer, broken_records, first_choice, judge, signed_in
from tests.given import COURSE, right_answer, wrong_answer
from tests.server import Answer as Response
from tests.server import Browser, Fields

WRITERS = 50
TIMES = 20


@pytest.fixture
def meera(house: House) -> Iterator[Officer]:
    """Signed in; whatever she does twenty times at once, her records hold afterwards."""
    (meera,) = signed_in(house, 1)
    yield meera
    assert broken_records(house, meera) == []
    assert "Traceback" not in house.server.log


def twenty_times(meera: Officer, path: str, *forms: Fields) -> list[Response]:
    """The same form, or twenty different ones, from twenty windows at the same moment."""
    windows = [Browser(meera.browser.url, dict(meera.browser.cookies)) for _ in range(TIMES)]
    sent = [{**forms[n % len(forms)], "csrf_token": meera.token} for n in range(TIMES)]
    return at_once([lambda w=w, form=form: w.post(path, form) for w, form in zip(windows, sent, strict=True)])


def statuses(answers: list[Response]) -> set[int]:
    return {answer.status for answer in answers}


def test_fifty_writers_lose_and_double_nothing(house: House) -> None:
    """May be lost: nothing. Every act of all fifty is acknowledged and there once."""
    officers = signed_in(house, WRITERS)
    lessons = [lesson for lesson in house.course.lessons() if lesson.checks][:2]
    module = house.course.modules[0].id

    def work(officer: Officer) -> None:
        for lesson in lessons:
            officer.take_lesson(lesson.path)
        officer.take_quiz(module)

    at_once([lambda officer=officer: work(officer) for officer in officers])
    verdict = judge(house, officers)
    assert verdict.is_clean, verdict
    each = {CheckAnswer: sum(len(one.checks) for one in lessons), LessonRecord: len(lessons), Attempt: 1}
    for officer in officers:
        who = officer.person.id
        assert {table: records.count(table, officer_id=who) for table in each} == each
        (attempt,) = records.rows(Attempt, officer_id=who)
        assert records.count(Answer, attempt_id=attempt.id) == attempt.possible
    assert "locked" not in house.server.log
    assert "Traceback" not in house.server.log
    seconds = [second for officer in officers for second in officer.seconds]
    report(f"{WRITERS} writers, {len(seconds)} writes: p95 {quantiles(seconds, n=20)[-1]:.2f} s")


def test_what_is_lost_or_doubled_would_be_named(house: House, meera: Officer) -> None:
    """The judge of all these tests can find fault: with a row that is gone, and with one that nobody was told of."""
    meera.take_lesson(next(lesson for lesson in house.course.lessons() if lesson.checks).path)
    assert judge(house, [meera]).is_clean
    act = next(iter(meera.checks))
    with writing() as connection:
        connection.execute(delete(CheckAnswer).where(CheckAnswer.id == act))
    assert [line.rpartition(": ")[2] for line in judge(house, [meera]).lost] == [f"check {act}"]
    del meera.checks[act]
    meera.done.clear()
    verdict = judge(house, [meera])
    assert (verdict.lost, len(verdict.doubled), verdict.broken) == ([], 1, [])


def test_an_attempt_submitted_twenty_times_is_one_result(house: House, meera: Officer) -> None:
    address = f"/attempts/{meera.start_quiz(house.course.modules[0].id)}"
    answers = twenty_times(meera, address, first_choice(meera.page(address)))
    assert [(answer.status, answer.location) for answer in answers] == [(303, address)] * TIMES
    assert records.kinds(meera.person.id).count("attempt_submitted") == 1
    (attempt,) = records.rows(Attempt, officer_id=meera.person.id)
    assert records.count(Answer, attempt_id=attempt.id) == attempt.possible


def test_a_quiz_started_twenty_times_is_one_attempt(house: House, meera: Officer) -> None:
    answers = twenty_times(meera, f"/courses/{COURSE}/quizzes/{house.course.modules[0].id}", {})
    assert statuses(answers) == {303}
    assert len({answer.location for answer in answers}) == 1
    assert records.count(Attempt, officer_id=meera.person.id) == 1


def test_a_lesson_marked_done_twenty_times_is_done_once(house: House, meera: Officer) -> None:
    lesson = house.course.lessons()[0]
    house.given.checks_answered(meera.person, lesson)
    assert statuses(twenty_times(meera, f"/courses/{COURSE}/{lesson.path}/done", {})) == {303}
    assert records.count(LessonRecord, officer_id=meera.person.id) == 1
    assert records.kinds(meera.person.id).count("lesson_done") == 1


def test_a_check_answered_twenty_times_by_one_act_is_one_try(house: House, meera: Officer) -> None:
    lesson = next(lesson for lesson in house.course.lessons() if lesson.checks)
    address = f"/courses/{COURSE}/{lesson.path}/checks/{lesson.checks[0].id}"
    form = meera.page(f"/courses/{COURSE}/{lesson.path}").partition(f'action="{address}"')[2].partition("</form>")[0]
    assert statuses(twenty_times(meera, address, {**first_choice(form), "act_id": uuid4().hex})) == {303}
    assert records.count(CheckAnswer, officer_id=meera.person.id) == 1


def test_a_lab_run_twenty_times_by_one_act_is_one_run(house: House, meera: Officer) -> None:
    lesson = next(lesson for lesson in house.course.lessons() if lesson.labs)
    name = lesson.labs[0]
    fields = {**LABS[name].fields(LABS[name].sample_runs("en")[0]), "act_id": uuid4().hex}
    assert statuses(twenty_times(meera, f"/courses/{COURSE}/{lesson.path}/labs/{name}", fields)) == {303}
    assert records.count(LabRun, officer_id=meera.person.id) == 1


def test_an_error_reported_twenty_times_is_one_report(house: House, meera: Officer) -> None:
    fields = {"about": "plain-words/four-kinds", "text": "The sum is wrong."}
    assert statuses(twenty_times(meera, f"/courses/{COURSE}/report", fields)) == {303}
    assert records.count(ErrorReport, officer_id=meera.person.id) == 1


def test_the_measure_of_a_day_holds_for_reports_at_once(house: House, meera: Officer) -> None:
    """May be lost: what is beyond the measure, and its writer is told so."""
    for number in range(MOST_A_DAY - 5):
        meera.browser.post(f"/courses/{COURSE}/report", {"text": f"first {number}", "csrf_token": meera.token})
    more = [{"text": f"more {number}"} for number in range(TIMES)]
    answers = twenty_times(meera, f"/courses/{COURSE}/report", *more)
    assert sorted(answer.status for answer in answers) == [303] * 5 + [429] * (TIMES - 5)
    assert records.count(ErrorReport, officer_id=meera.person.id) == MOST_A_DAY


def test_the_measure_of_tries_holds_for_tries_at_once(house: House, meera: Officer) -> None:
    """May be lost: tries beyond the two hundredth, and whoever makes them is told so."""
    lesson = next(lesson for lesson in house.course.lessons() if lesson.checks)
    check, course = lesson.checks[0], house.course
    tried = {"officer_id": meera.person.id, "course": course.id, "lesson": lesson.path, "check_id": check.id}
    tried |= {"given": [0], "right": False, "received_at": house.given.now, "version": course.version}
    with writing() as connection:
        connection.execute(insert(CheckAnswer), [{**tried, "id": uuid4().hex} for _ in range(MOST_TRIES - 5)])
    address = f"/courses/{COURSE}/{lesson.path}/checks/{check.id}"
    form = meera.page(f"/courses/{COURSE}/{lesson.path}").partition(f'action="{address}"')[2].partition("</form>")[0]
    chosen = first_choice(form)
    answers = twenty_times(meera, address, *({**chosen, "act_id": uuid4().hex} for _ in range(TIMES)))
    assert sorted(answer.status for answer in answers) == [303] * 5 + [429] * (TIMES - 5)
    assert records.count(CheckAnswer, officer_id=meera.person.id) == MOST_TRIES


def failed(house: House, meera: Officer, quiz: Quiz) -> None:
    """One attempt at a quiz, started, answered wrongly and submitted just now."""
    now = datetime.now(UTC)
    attempt = quizzes.start_attempt(meera.person.id, house.course, quiz, now)
    questions = quizzes.attempt_view(meera.person.id, attempt, now).questions
    quizzes.submit_attempt(meera.person.id, attempt, {q.id: wrong_answer(q) for q in questions}, now)


def test_the_limit_of_the_final_holds_for_starts_at_once(house: House, meera: Officer) -> None:
    """After the second failed final a day must pass. Twenty starts at once are one attempt before that, none after."""
    house.given.now = datetime.now(UTC) - timedelta(days=9)
    house.given.all_but_the_final(meera.person)
    final = house.given.quiz("final")
    failed(house, meera, final)
    started = {answer.location for answer in twenty_times(meera, f"/courses/{COURSE}/quizzes/final", {})}
    (address,) = started
    assert statuses(twenty_times(meera, address, {})) == {303}  # nothing answered: the second one is failed too
    refused = twenty_times(meera, f"/courses/{COURSE}/quizzes/final", {})
    assert {(answer.status, answer.location) for answer in refused} == {(303, f"/courses/{COURSE}/quizzes/final")}
    assert records.count(Attempt, officer_id=meera.person.id, quiz="final") == 2


def test_a_final_passed_twenty_times_at_once_brings_one_certificate(house: House, meera: Officer) -> None:
    house.given.now = datetime.now(UTC) - timedelta(days=9)
    house.given.all_but_the_final(meera.person)
    now = datetime.now(UTC)
    attempt = quizzes.start_attempt(meera.person.id, house.course, house.given.quiz("final"), now)
    questions = quizzes.attempt_view(meera.person.id, attempt, now).questions
    quizzes.save_answers(meera.person.id, attempt, {q.id: right_answer(q) for q in questions}, now)
    assert statuses(twenty_times(meera, f"/attempts/{attempt}", {})) == {303}
    (certificate,) = records.rows(Certificate, officer_id=meera.person.id, module="")
    assert records.standing_of(meera.person.id).certificate == certificate.serial
    assert records.kinds(meera.person.id).count("completed") == 1


def test_a_certificate_issued_again_twenty_times_at_once_is_issued_again_once(house: House, meera: Officer) -> None:
    """There is no page for it: twenty administrators at twenty shells."""
    house.given.now = datetime.now(UTC) - timedelta(days=9)
    house.given.completed(meera.person)
    (old,) = records.rows(Certificate, officer_id=meera.person.id, module="")
    now = datetime.now(UTC)
    told = in_the_house.at_once(house.app, [lambda: certificates.reissue(old.serial, now)] * TIMES)
    (fresh,) = [one for one in told if not isinstance(one, Exception)]
    assert sum(isinstance(one, certificates.NotCurrent) for one in told) == TIMES - 1
    states = {row.serial: row.state for row in records.rows(Certificate, officer_id=meera.person.id, module="")}
    assert states == {old.serial: "superseded", fresh.serial: "valid"}
    assert records.kinds(meera.person.id).count("certificate_superseded") == 1
