"""The one row that all lists read: it says what the records say, after every act, and a completion stays."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import datetime
from functools import partial
from random import Random
from time import monotonic
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import Row, insert, text, update

from elearn.domain.course import Course, Lesson, Needs, Route
from elearn.domain.labs import LABS
from elearn.domain.status import Status
from elearn.models.certificates import Certificate
from elearn.models.database import db, reading, writing
from elearn.models.learning import Attempt, Enrolment, LessonRecord, Standing, StandingHistory
from elearn.models.people import SignIn
from elearn.services import learning, people, quizzes, standing
from tests.at_once import at_once
from tests.given import Given, Person, right_answer, wrong_answer
from tests.records import broken_at, chain, count, head, kinds, rows, standing_of, status_afresh

LAB = "grievance-sorter"


def signed_in(person: Person, now: datetime) -> None:
    """A sign-in as the pace sees it: a moment at which reading may begin."""
    row = {"officer_id": person.id, "token_hash": f"{person.id}/{now.isoformat()}", "device": ""}
    with writing() as connection:
        connection.execute(insert(SignIn).values(**row, created_at=now, seen_at=now, expires_at=now))


def with_lesson(route: Route, path: str) -> Route:
    return replace(route, needs=replace(route.needs, lessons=(*route.needs.lessons, path)))


def grown(course: Course) -> Course:
    """The next release, with one more lesson in the first module, asked of every route."""
    module, *others = course.modules
    new = replace(module.lessons[0], id="new-lesson", checks=(), labs=())
    return replace(
        course,
        version="grown".ljust(64, "0"),
        modules=(replace(module, lessons=(*module.lessons, new)), *others),
        routes=tuple(with_lesson(route, new.path) for route in course.routes),
    )


def new_lesson(course: Course) -> Lesson:
    return next(lesson for lesson in course.lessons() if lesson.id == "new-lesson")


def told(person: Person) -> tuple[object, ...]:
    """What the standing says, in the words of a status."""
    row = standing_of(person.id)
    return row.state, row.requirements_met, row.requirements_total, row.final_percent, row.evidence


def meant(found: Status) -> tuple[object, ...]:
    return found.state, found.met, found.total, found.final_percent, found.evidence


# Enrolment


def test_an_enrolled_officer_stands_at_the_beginning(app: Flask, given: Given) -> None:
    meera = given.officer("Meera")
    assert told(meera) == meant(status_afresh(meera.id, given.course))
    assert standing_of(meera.id).state == "not_begun"
    assert [row.state for row in rows(StandingHistory, officer_id=meera.id)] == ["not_begun"]


def test_enrolled_again_nothing_changes(app: Flask, given: Given) -> None:
    meera, course = given.officer("Meera"), given.course
    given.lesson_done(meera, course.lessons()[0])
    before = (rows(Enrolment), rows(Standing), rows(StandingHistory), chain(meera.id))
    with writing() as connection:
        assert not standing.enrol(connection, meera.id, course, course.routes[-1].id, given.later(days=1))
    assert (rows(Enrolment), rows(Standing), rows(StandingHistory), chain(meera.id)) == before


def test_twenty_first_acts_at_once_enrol_once(app: Flask, given: Given) -> None:
    boss, course, now = given.supervisor(), given.course, given.now
    lesson = course.lessons()[0]
    acts = [
        partial(learning.answer_check, boss.id, course, lesson, check, wrong_answer(check), now)
        for check in (lesson.checks * 7)[:20]
    ]
    assert [result for result in at_once(app, acts) if isinstance(result, Exception)] == []
    assert kinds(boss.id).count("enrolled") == 1
    assert [row.state for row in rows(StandingHistory, officer_id=boss.id)] == ["not_begun", "in_progress"]


def test_an_unknown_route_is_the_first(app: Flask, given: Given) -> None:
    boss = given.supervisor()
    with writing() as connection:
        assert standing.enrol(connection, boss.id, given.course, "no-such-route", given.now)
    with reading() as connection:
        assert standing.route_of(connection, boss.id, given.course) == given.course.routes[0].id


# The standing says what the records say


def test_every_step_of_the_whole_way(app: Flask, given: Given) -> None:
    meera, course = given.officer("Meera"), given.one_module()
    met = [standing_of(meera.id).requirements_met]

    def look() -> None:
        assert told(meera) == meant(status_afresh(meera.id, course))
        met.append(standing_of(meera.id).requirements_met)

    for lesson in course.lessons():
        given.lesson_done(meera, lesson)
        look()
    given.lab_reached(meera, LAB)
    look()
    for quiz_id in course.routes[0].needs.quizzes:
        given.quiz_taken(meera, given.quiz(quiz_id))
        look()
    assert met == sorted(met)
    assert standing_of(meera.id).state == "complete"


def test_history_keeps_every_standing_in_order(app: Flask, given: Given) -> None:
    meera = given.officer("Meera")
    given.completed(meera)
    history = rows(StandingHistory, officer_id=meera.id)
    assert [row.at for row in history] == sorted(row.at for row in history)
    assert [row.state for row in history][:2] == ["not_begun", "in_progress"]
    assert [row.state for row in history].count("complete") == 1
    last, now = history[-1]._asdict(), standing_of(meera.id)._asdict()
    del last["id"]
    assert last == now


def test_a_route_that_asks_for_less_completes(app: Flask, given: Given) -> None:
    meera, course = given.officer("Meera"), given.course
    short = Route("short", {}, Needs(course.routes[0].needs.lessons[:1]))
    course = given.served(replace(course, routes=(*course.routes, short)))
    signed_in(meera, given.now)
    given.lesson_done(meera, course.lessons()[0])
    assert standing_of(meera.id).state == "in_progress"
    people.set_route(meera.id, course, "short", given.later(minutes=1))
    assert (standing_of(meera.id).state, standing_of(meera.id).completed_at) == ("complete", given.now)
    assert told(meera) == meant(status_afresh(meera.id, course))
    assert count(Certificate, module="") == 1


def test_the_exempt_stay_exempt_whatever_they_do(app: Flask, given: Given) -> None:
    meera = given.officer("Meera")
    with writing() as connection:
        connection.execute(update(Enrolment).values(exempted_at=given.now, exempt_reason="retires in May"))
    given.completed(meera)
    assert told(meera) == meant(status_afresh(meera.id, given.course))
    assert (standing_of(meera.id).state, standing_of(meera.id).completed_at) == ("exempt", None)
    assert count(Certificate, module="") == 0


class Walk:
    """Meera does one thing after another, sensible or not, as the dice fall."""

    def __init__(self, given: Given, seed: int) -> None:
        self.given, self.chance = given, Random(seed)
        self.hurry = 0.01 if seed % 2 else 1.0  # every other walk is faster than anybody reads
        self.meera = given.officer("Meera")
        self.attempts: list[str] = []
        signed_in(self.meera, given.now)

    def step(self) -> str:
        """One step: half of them forward, or no walk would arrive anywhere."""
        steps = (self.wait, self.answer, self.read, self.run, self.start, self.submit, self.again, self.move)
        chosen = self.forward if self.chance.random() < 0.5 else self.chance.choice(steps)
        with suppress(learning.ChecksOpen, quizzes.QuizClosed, quizzes.AlreadySubmitted, quizzes.TimeIsUp):
            chosen()
        return chosen.__name__

    def forward(self) -> None:
        """What the outline says comes next."""
        following = learning.course_view(self.meera.id, self.given.course).next
        if following is None:
            return
        module_id, _, lesson_id = following.subject.partition("/")
        lesson = self.given.course.lesson(module_id, lesson_id)
        if lesson:
            self.given.lesson_done(self.meera, lesson, minutes=5 * self.hurry)
        elif following.kind == "lab":
            self.given.lab_reached(self.meera, following.subject)
        else:
            self.given.quiz_taken(
                self.meera, self.given.quiz(following.subject), self.chance.choice([right_answer] * 3 + [wrong_answer])
            )

    def wait(self) -> None:
        self.given.later(seconds=self.hurry * self.chance.choice([1, 300, 90_000]))
        signed_in(self.meera, self.given.now)

    def answer(self) -> None:
        lesson = self.chance.choice(self.given.course.lessons())
        answer = self.chance.choice([right_answer, wrong_answer])
        self.given.later(seconds=60 * self.hurry)
        self.given.checks_answered(self.meera, lesson, answer)

    def read(self) -> None:
        lesson = self.chance.choice(self.given.course.lessons())
        if self.chance.random() < 0.8:
            self.given.checks_answered(self.meera, lesson)
        self.given.later(seconds=240 * self.hurry)
        learning.mark_lesson_done(self.meera.id, self.given.course, lesson, "en", self.given.now)

    def run(self) -> None:
        lesson = self.given.course.lesson_of_lab(LAB)
        assert lesson is not None
        choices = self.chance.choice(LABS[LAB].sample_runs("en"))
        learning.run_lab(
            self.meera.id, self.given.course, lesson, LAB, choices, self.given.later(seconds=30 * self.hurry)
        )

    def start(self) -> None:
        quiz = self.chance.choice(self.given.course.quizzes)
        self.attempts.append(quizzes.start_attempt(self.meera.id, self.given.course, quiz, self.given.now))

    def submit(self) -> None:
        if not self.attempts:
            return
        attempt = self.attempts[-1]
        view = quizzes.attempt_view(self.meera.id, attempt, self.given.now)
        know = self.chance.choice([0.3, 0.8, 1.0])
        answers = {q.id: (right_answer if self.chance.random() < know else wrong_answer)(q) for q in view.questions}
        if self.chance.random() < 0.5:
            quizzes.save_answers(self.meera.id, attempt, answers, self.given.now)
        quizzes.submit_attempt(self.meera.id, attempt, answers, self.given.later(minutes=self.chance.choice([1, 30])))

    def again(self) -> None:
        if self.attempts:
            quizzes.submit_attempt(self.meera.id, self.chance.choice(self.attempts), {}, self.given.later(seconds=5))

    def move(self) -> None:
        if self.chance.random() < 0.2:
            route = self.chance.choice(self.given.course.routes).id
            people.set_route(self.meera.id, self.given.course, route, self.given.now)


def test_after_any_acts_it_says_what_the_records_say(app: Flask, given: Given) -> None:
    reached: set[str] = set()
    given.one_module()
    for seed in range(4):
        walk = Walk(given, seed)
        completed = None
        for number in range(35):
            where = f"seed {seed}, step {number}: {walk.step()}"
            completed = _look(walk.meera, given.course, completed, where)
            found = status_afresh(walk.meera.id, given.course)
            reached |= {found.state, *(r.reason for r in found.requirements)}
        done, entries = completed is not None, kinds(walk.meera.id)
        assert entries.count("completed") == count(Certificate, officer_id=walk.meera.id, module="") == done
        assert entries.count("lesson_done") == count(LessonRecord, officer_id=walk.meera.id, credited=None)
        submitted = [row for row in rows(Attempt, officer_id=walk.meera.id) if row.submitted_at]
        assert entries.count("attempt_submitted") == len(submitted)
    # Otherwise these walks would have looked at beginnings only.
    assert {"not_begun", "in_progress", "complete", "hurried", "below-pass"} <= reached


def _look(meera: Person, course: Course, completed: Row[Any] | None, where: str) -> Row[Any] | None:
    """Compares the standing with the records, or with itself once it was complete; returns it if it is."""
    now, entries = standing_of(meera.id), chain(meera.id)
    if completed is None:
        assert told(meera) == meant(status_afresh(meera.id, course)), where
    else:
        assert now == completed, where
    assert (now.state == "complete") == bool(now.certificate), where
    last = rows(StandingHistory, officer_id=meera.id)[-1]._asdict()
    del last["id"]
    assert last == now._asdict(), where
    assert (broken_at(entries), entries[-1].hash) == (None, head(meera.id)), where
    return now if now.state == "complete" else None


# A completion stays


def test_content_that_grows_before_completion_asks_for_the_new_lesson(app: Flask, given: Given) -> None:
    meera = given.officer("Meera")
    given.all_but_the_final(meera)
    course = given.served(grown(given.course))
    new = new_lesson(course)
    with pytest.raises(quizzes.QuizClosed):
        quizzes.start_attempt(meera.id, course, given.quiz("final"), given.now)
    assert learning.course_view(meera.id, course).next == learning.Step("lesson", new.path)
    given.lesson_done(meera, new)
    given.quiz_taken(meera, given.quiz("final"))
    (certificate,) = rows(Certificate, module="")
    assert (standing_of(meera.id).state, certificate.version) == ("complete", course.version)


def test_content_that_grows_while_the_final_runs_asks_for_the_new_lesson(app: Flask, given: Given) -> None:
    meera = given.officer("Meera")
    given.all_but_the_final(meera)
    final = given.quiz("final")
    attempt = quizzes.start_attempt(meera.id, given.course, final, given.now)
    questions = quizzes.attempt_view(meera.id, attempt, given.now).questions
    course = given.served(grown(given.course))
    quizzes.submit_attempt(meera.id, attempt, {q.id: right_answer(q) for q in questions}, given.later(minutes=9))
    assert (standing_of(meera.id).state, standing_of(meera.id).final_percent) == ("in_progress", 100)
    assert (count(Certificate, module=""), kinds(meera.id).count("completed")) == (0, 0)
    # The passed final counts: the new lesson is all that was missing, and brings the certificate.
    given.lesson_done(meera, new_lesson(course))
    assert (standing_of(meera.id).state, count(Certificate, module="")) == ("complete", 1)


def test_content_that_grows_after_completion_leaves_it_as_it_is(app: Flask, given: Given) -> None:
    meera = given.officer("Meera")
    given.completed(meera)
    before = (standing_of(meera.id), rows(StandingHistory), rows(Certificate), head(meera.id))
    course = given.served(grown(given.course))
    view = learning.course_view(meera.id, course)
    assert (view.completed_at, view.certificate_state, view.next) == (before[0].completed_at, "valid", None)
    given.later(days=30)
    given.lesson_done(meera, new_lesson(course))
    assert (standing_of(meera.id), rows(StandingHistory), rows(Certificate)) == before[:3]
    assert kinds(meera.id)[-1] == "lesson_done"


def test_what_is_done_after_completion_changes_nothing_in_it(app: Flask, given: Given) -> None:
    meera = given.officer("Meera")
    given.completed(meera)
    before = (standing_of(meera.id), rows(StandingHistory), rows(Certificate))
    given.later(days=1)
    given.quiz_taken(meera, given.quiz(given.course.modules[0].id), wrong_answer)
    given.checks_answered(meera, given.course.lessons()[0], wrong_answer)
    given.lab_reached(meera, LAB)
    assert (standing_of(meera.id), rows(StandingHistory), rows(Certificate)) == before
    assert kinds(meera.id).count("completed") == 1


@contextmanager
def holding_the_enrolment(person: Person, course: Course, now: datetime) -> Iterator[Callable[[int], None]]:
    """Holds the row that all acts of one officer lock; gives a function that waits until so many acts wait for it."""
    waiting = text(
        "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
    )

    def until_waiting(acts: int) -> None:
        deadline = monotonic() + 20
        while db.engine.dialect.name == "postgresql":  # SQLite lets nobody in, and keeps no list of who waits
            with reading() as connection:
                if connection.execute(waiting).scalar_one() >= acts:
                    return
            assert monotonic() < deadline, "the acts never waited for the enrolment"

    with writing() as connection:
        standing.lock_enrolment(connection, person.id, course, now)
        yield until_waiting


def test_two_last_acts_at_once_are_one_completion(app: Flask, given: Given) -> None:
    """Both began when the course was not complete yet; whichever comes second must see that it is now."""
    meera, course = given.officer("Meera"), given.course
    given.all_but_the_final(meera)
    attempt = quizzes.start_attempt(meera.id, course, given.quiz("final"), given.now)
    questions = quizzes.attempt_view(meera.id, attempt, given.now).questions
    answers, now = {q.id: right_answer(q) for q in questions}, given.later(minutes=9)
    lesson = course.lesson_of_lab(LAB)
    assert lesson is not None
    runs = [
        partial(learning.run_lab, meera.id, course, lesson, LAB, choices, now)
        for choices in LABS[LAB].sample_runs("en") * 2
    ]
    with ThreadPoolExecutor() as pool:
        with holding_the_enrolment(meera, course, now) as until_waiting:
            first = pool.submit(at_once, app, [lambda: quizzes.submit_attempt(meera.id, attempt, answers, now)])
            until_waiting(1)
            others = pool.submit(at_once, app, runs)
            until_waiting(1 + len(runs))
        results = [*first.result(), *others.result()]
    assert [result for result in results if isinstance(result, Exception)] == []
    assert (standing_of(meera.id).state, count(Certificate, module="")) == ("complete", 1)
    assert kinds(meera.id).count("completed") == 1
    assert [row.state for row in rows(StandingHistory)].count("complete") == 1
    assert broken_at(chain(meera.id)) is None
