"""A compiled course: frozen values that a page can show without any further work."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Literal

from elearn.domain.questions import Question, Words

MODULE_QUIZ_RESERVED = frozenset(
    {"quizzes", "status", "media", "sources", "glossary", "search", "report", "final", "pre-test"}
)
"""Addresses of a course that no module may take."""


@dataclass(frozen=True, slots=True)
class Part:
    """A stretch of a lesson: clean HTML, or the id of a check, or the name of a lab."""

    kind: Literal["html", "check", "lab"]
    value: str


@dataclass(frozen=True, slots=True)
class Source:
    """A fact and its source, as shown under the lessons that cite it. It is to be looked at again by `review_by`."""

    id: str
    text: str
    title: str
    url: str
    grade: str
    verified_on: date
    review_by: date

    def is_stale(self, today: date) -> bool:
        return today > self.review_by


@dataclass(frozen=True, slots=True)
class LessonText:
    """A lesson in one language. `words` are words of prose only; `minutes` are computed from them and from the
    stated exercise minutes; `terms` are the glossary entries it shows, in order."""

    title: str
    parts: tuple[Part, ...]
    words: int
    minutes: int
    sources: tuple[Source, ...] = ()
    terms: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Lesson:
    id: str
    module_id: str
    outcomes: tuple[str, ...]
    checks: tuple[Question, ...]
    labs: tuple[str, ...]
    texts: Mapping[str, LessonText]
    reviewed_by: str = ""
    reviewed_on: date | None = None
    formerly: tuple[str, ...] = ()  # ids this lesson had before it was renamed

    @property
    def path(self) -> str:
        """`module/lesson`: how records name a lesson."""
        return f"{self.module_id}/{self.id}"

    def check(self, check_id: str) -> Question | None:
        return next((check for check in self.checks if check.id == check_id), None)


@dataclass(frozen=True, slots=True)
class Module:
    id: str
    title: Words
    why: Words
    outcomes: tuple[str, ...]
    lessons: tuple[Lesson, ...]
    bank: tuple[Question, ...]


@dataclass(frozen=True, slots=True)
class QuizRules:
    """How a quiz is drawn and passed. 0 minutes means no timer; percents are whole numbers."""

    draw: int
    pass_percent: int
    minutes: int = 0
    floors: Mapping[str, int] = field(default_factory=dict)
    blueprint: Mapping[str, int] = field(default_factory=dict)
    wait_hours_after: Mapping[int, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Quiz:
    """A quiz of the course: `id` is the module's id, `final`, `pre-test` or `fresh-<module>`."""

    id: str
    kind: Literal["module", "final", "pre-test", "fresh"]
    title: Words
    rules: QuizRules
    bank: tuple[Question, ...]
    module_id: str = ""


@dataclass(frozen=True, slots=True)
class Needs:
    """What must be done, in the order of the course: lessons as `module/lesson`, labs by name, quizzes by id."""

    lessons: tuple[str, ...] = ()
    labs: tuple[str, ...] = ()
    quizzes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Route:
    """What one group of officers needs: `needs` from everybody, and of each group in `any_of` one alternative, by
    its name in course.yaml."""

    id: str
    title: Words
    needs: Needs
    any_of: tuple[Mapping[str, Needs], ...] = ()


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture of the course: `name` as written, `hash` in its address, the bytes kept by the library."""

    name: str
    hash: str
    media_type: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Course:
    """One course, all languages, as compiled. `version` is the hash of all that an officer can meet.

    `fastest_words_per_minute` and `test_out_percent` are the marks of two rules; 0 switches a rule off.
    """

    id: str
    title: Words
    description: Words
    languages: tuple[str, ...]
    outcomes: Mapping[str, Words]
    domains: Mapping[str, Words]
    modules: tuple[Module, ...]
    routes: tuple[Route, ...]
    quizzes: tuple[Quiz, ...]
    pictures: tuple[Picture, ...]
    glossary: Mapping[str, Mapping[str, Words]]
    facts: Mapping[str, tuple[Source, ...]]  # by language, in the order of facts.yaml
    fastest_words_per_minute: int
    test_out_percent: int
    version: str

    def module(self, module_id: str) -> Module | None:
        return next((m for m in self.modules if m.id == module_id), None)

    def lesson(self, module_id: str, lesson_id: str) -> Lesson | None:
        module = self.module(module_id)
        return next((x for x in module.lessons if x.id == lesson_id), None) if module else None

    def lessons(self) -> tuple[Lesson, ...]:
        return tuple(lesson for module in self.modules for lesson in module.lessons)

    def lesson_of_lab(self, lab: str) -> Lesson | None:
        return next((lesson for lesson in self.lessons() if lab in lesson.labs), None)

    def quiz(self, quiz_id: str) -> Quiz | None:
        return next((q for q in self.quizzes if q.id == quiz_id), None)

    def route(self, route_id: str) -> Route:
        """The route of that name, else the first: an officer is never left without one."""
        return next((r for r in self.routes if r.id == route_id), self.routes[0])
