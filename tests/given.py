"""A vocabulary for tests: people with a story, and the acts they have done, through the real services."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import count
from typing import Any

import pyotp
from flask import Flask

from elearn.domain.course import Course, Lesson, Needs, Quiz, Route
from elearn.domain.labs import LABS
from elearn.domain.questions import Given as Answered
from elearn.domain.questions import Numeric, Question
from elearn.domain.status import Record, needed
from elearn.services import learning, library, one_time_links, people, quizzes, second_factor
from tests.pages import Visitor

PASSWORD = "three words together"
COURSE = "ai-for-good-governance"


@dataclass(frozen=True)
class Person:
    """Somebody in a test: a number for services, an e-mail and the shared password for pages."""

    id: int
    name: str
    email: str


def right_answer(question: Question) -> Answered:
    """What somebody who knows would answer."""
    return str(question.answer) if isinstance(question, Numeric) else question.key()


def wrong_answer(question: Question) -> Answered:
    """A possible answer that earns nothing."""
    if isinstance(question, Numeric):
        return str(question.answer + question.tolerance + 1)
    return next((i,) for i in range(len(question.options)) if (i,) != question.key())


class Given:
    """given.officer("Meera") and so on. Time starts at `now` and moves only when a test says so."""

    def __init__(self, app: Flask, now: datetime) -> None:
        self.app, self.now = app, now
        self._numbers = count(1)
        self._offices: set[str] = set()

    # People

    def office(self, name: str, under: str = "") -> str:
        """The code of the office of that name, made if it is not there yet."""
        code = "".join(c for c in name.upper() if c.isalnum())[:12]
        if code not in self._offices:
            people.add_office(code, name, parent_code=under or None, now=self.now)
            self._offices.add(code)
        return code

    def officer(self, name: str, office: str = "Collectorate", password: str = PASSWORD, **more: Any) -> Person:
        """An officer who may sign in, enrolled in every course that is served."""
        return self._person(name, office, password, enrolled=True, **more)

    def supervisor(self, office: str = "Collectorate", name: str = "Boss") -> Person:
        return self._with_role(name, "supervisor", office)

    def trainer(self, name: str = "Tara") -> Person:
        return self._with_role(name, "trainer", None)

    def administrator(self, name: str = "Admin") -> Person:
        return self._with_role(name, "administrator", None)

    def _with_role(self, name: str, role: str, office: str | None) -> Person:
        person = self._person(name, office or "Collectorate", PASSWORD, enrolled=False)
        people.grant_role(person.id, role, self.office(office) if office else None, now=self.now)
        return person

    def _person(self, name: str, office: str, password: str, enrolled: bool, **more: Any) -> Person:
        number = next(self._numbers)
        email = f"{name.split()[0].lower() if name.isascii() else 'officer'}{number}@model.test"
        names = more.pop("names", None) or {"en": name}
        officer_id = people.add_officer(
            email=email,
            names=names,
            employee_number=f"MD-{number:04}",
            office=self.office(office),
            designation=str(more.pop("designation", "Officer")),
            courses=library.courses() if enrolled else (),
            now=self.now,
            **more,
        )
        if password:
            one_time_links.set_password(one_time_links.make(officer_id, self.now), password, self.now)
        return Person(officer_id, name, email)

    def second_factor(self, person: Person) -> tuple[str, tuple[str, ...]]:
        """Sets one up, as with a phone; returns the phone's secret and the recovery codes. The code of this moment is
        used by that."""
        second_factor.begin(person.id, 0, self.now)
        secret = second_factor.setting_of(person.id, 0, self.now).secret
        codes = second_factor.confirm(person.id, 0, pyotp.TOTP(secret).at(self.now), "", self.now)
        return secret, codes

    def visit(self, person: Person | None = None) -> Visitor:
        """A browser; signed in when a person is given."""
        visitor = Visitor(self.app)
        if person:
            visitor.sign_in(person.email, PASSWORD)
        return visitor

    # The course

    @property
    def course(self) -> Course:
        return library.course(COURSE)

    def served(self, course: Course) -> Course:
        """A new release of a course, in the place of what was served before."""
        before: library.Library = self.app.extensions["elearn.library"]
        courses = {**before.courses, course.id: course}
        pictures = {(c.id, picture.hash): picture for c in courses.values() for picture in c.pictures}
        self.app.extensions["elearn.library"] = library.Library(courses, pictures)
        return course

    def one_module(self) -> Course:
        """The served course cut down to its first module, for tests that walk every step of a course many times."""
        course = self.course
        module, labs = course.modules[0], {lab for lesson in course.modules[0].lessons for lab in lesson.labs}

        def cut(route: Route) -> Route:
            lessons = tuple(path for path in route.needs.lessons if path.startswith(f"{module.id}/"))
            quizzes = tuple(quiz for quiz in route.needs.quizzes if quiz in (module.id, "final"))
            return replace(
                route, needs=Needs(lessons, tuple(x for x in route.needs.labs if x in labs), quizzes), any_of=()
            )

        quizzes = tuple(quiz for quiz in course.quizzes if quiz.module_id in ("", module.id))
        routes = tuple(cut(route) for route in course.routes)
        return self.served(replace(course, modules=(module,), quizzes=quizzes, routes=routes))

    def quiz(self, quiz_id: str) -> Quiz:
        quiz = self.course.quiz(quiz_id)
        assert quiz is not None, f"no quiz {quiz_id}"
        return quiz

    def later(self, **delta: float) -> datetime:
        self.now += timedelta(**delta)
        return self.now

    def checks_answered(
        self, person: Person, lesson: Lesson, answer: Callable[[Question], Answered] = right_answer
    ) -> None:
        for check in lesson.checks:
            learning.answer_check(person.id, self.course, lesson, check, answer(check), self.now)

    def lesson_done(self, person: Person, lesson: Lesson, language: str = "en", minutes: float = 8) -> None:
        """Read for so many minutes, its checks answered, marked done."""
        self.later(minutes=minutes)
        self.checks_answered(person, lesson)
        learning.mark_lesson_done(person.id, self.course, lesson, language, self.now)

    def lab_reached(self, person: Person, name: str) -> None:
        """Runs that reach the lab's result."""
        lesson = self.course.lesson_of_lab(name)
        assert lesson is not None
        for choices in LABS[name].sample_runs("en"):
            self.later(minutes=1)
            learning.run_lab(person.id, self.course, lesson, name, choices, self.now)

    def quiz_taken(self, person: Person, quiz: Quiz, answer: Callable[[Question], Answered] = right_answer) -> str:
        """An attempt started, answered and submitted; returns its id."""
        self.later(minutes=1)
        attempt = quizzes.start_attempt(person.id, self.course, quiz, self.now)
        view = quizzes.attempt_view(person.id, attempt, self.now)
        self.later(minutes=5)
        quizzes.submit_attempt(person.id, attempt, {q.id: answer(q) for q in view.questions}, self.now)
        return attempt

    def all_but_the_final(self, person: Person, minutes_a_lesson: float = 8) -> None:
        """Every lesson, lab and module quiz of the first route."""
        course = self.course
        needs = needed(course, course.routes[0], Record())
        for lesson in course.lessons():
            if lesson.path in needs.lessons:
                self.lesson_done(person, lesson, minutes=minutes_a_lesson)
        for lab in needs.labs:
            self.lab_reached(person, lab)
        for quiz_id in needs.quizzes:
            quiz = course.quiz(quiz_id)
            if quiz and quiz.kind == "module":
                self.quiz_taken(person, quiz)

    def completed(self, person: Person, minutes_a_lesson: float = 8) -> None:
        """The whole course, the final included."""
        self.all_but_the_final(person, minutes_a_lesson)
        self.quiz_taken(person, self.quiz("final"))
