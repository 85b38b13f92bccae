"""The only place where "complete" is decided, with its reasons."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from elearn.domain.course import Course, Needs, Route
from elearn.domain.pace import too_fast

State = Literal["not_begun", "in_progress", "complete", "exempt"]
STATES: tuple[State, ...] = ("not_begun", "in_progress", "complete", "exempt")
Evidence = Literal["", "checked", "supervised", "waived"]
EVIDENCE: tuple[Evidence, ...] = ("", "checked", "supervised", "waived")

FINAL = "final"


@dataclass(frozen=True, slots=True)
class Best:
    """The best attempt at a quiz: its percent, whether any attempt passed, how many were submitted."""

    percent: int
    passed: bool
    attempts: int
    evidence: Evidence = "checked"


@dataclass(frozen=True, slots=True)
class Record:
    """What is known of one officer in one course: lessons as `module/lesson`, labs by name, quizzes by id."""

    lessons: Mapping[str, int] = field(default_factory=dict)  # path -> words of prose read
    credited: Mapping[str, int] = field(default_factory=dict)  # path -> percent of the quiz that credited it
    labs: frozenset[str] = frozenset()
    best: Mapping[str, Best] = field(default_factory=dict)
    seconds: Mapping[str, float] = field(default_factory=dict)  # credited to each module
    begun: bool = False
    exempt: bool = False


@dataclass(frozen=True, slots=True)
class Requirement:
    """One line of "what is missing". `reason` is a code; the sentence is made at the door, in the reader's language."""

    kind: Literal["lesson", "lab", "quiz", "fresh", "final"]
    subject: str
    met: bool
    reason: str = ""
    arguments: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Status:
    """Where an officer stands. `final_percent` is the best final so far, or None."""

    state: State
    requirements: tuple[Requirement, ...]
    final_percent: int | None
    evidence: Evidence

    @property
    def met(self) -> int:
        return sum(r.met for r in self.requirements)

    @property
    def total(self) -> int:
        return len(self.requirements)

    def final_is_open(self) -> bool:
        """The final opens when everything before it is met."""
        return all(r.met for r in self.requirements if r.kind != "final")


def status(course: Course, route: Route, record: Record) -> Status:
    """Complete exactly when every requirement of the route is met, or the officer is exempt."""
    needs = needed(course, route, record)
    requirements = (
        *(_lesson(path, record) for path in needs.lessons),
        *(_lab(lab, record) for lab in needs.labs),
        *(_quiz("quiz", quiz, course, record) for quiz in needs.quizzes if quiz != FINAL),
        *(_fresh(module, course, record) for module in hurried_modules(course, needs, record)),
        *(_quiz("final", quiz, course, record) for quiz in needs.quizzes if quiz == FINAL),
    )
    complete = bool(requirements) and all(r.met for r in requirements)
    state: State = "exempt" if record.exempt else "complete" if complete else "in_progress"
    if state == "in_progress" and not record.begun:
        state = "not_begun"
    final = record.best.get(FINAL)
    evidence: Evidence = (final.evidence if final else "checked") if state == "complete" else ""
    return Status(state, requirements, final.percent if final else None, evidence)


def needed(course: Course, route: Route, record: Record) -> Needs:
    """What the route asks of this officer: of each group of alternatives the one she is furthest with, the first one
    where she has begun none."""
    if not route.any_of:
        return route.needs
    chosen = [max(group.values(), key=lambda one: _progress(one, course, record)) for group in route.any_of]
    parts = (route.needs, *chosen)
    lessons = {path for part in parts for path in part.lessons}
    labs = {lab for part in parts for lab in part.labs}
    quizzes = {quiz for part in parts for quiz in part.quizzes}
    every_lesson = course.lessons()
    return Needs(
        tuple(lesson.path for lesson in every_lesson if lesson.path in lessons),
        tuple(lab for lesson in every_lesson for lab in lesson.labs if lab in labs),
        tuple(quiz.id for quiz in course.quizzes if quiz.id in quizzes),
    )


def hurried_modules(course: Course, needs: Needs, record: Record) -> tuple[str, ...]:
    """Modules all of whose lessons on this route are done, faster than anybody reads: each asks three fresh
    questions, and stays listed as met once they are answered."""
    found = []
    for module in course.modules:
        paths = [lesson.path for lesson in module.lessons if lesson.path in needs.lessons]
        if not paths or not all(path in record.lessons for path in paths):
            continue
        words = sum(words for path, words in record.lessons.items() if path.startswith(f"{module.id}/"))
        if too_fast(words, record.seconds.get(module.id, 0.0), course.fastest_words_per_minute):
            found.append(module.id)
    return tuple(found)


def modules_met(course: Course, record: Record) -> tuple[str, ...]:
    """The modules that are complete in themselves, whatever a route asks of them: each earns a statement."""
    found = []
    for module in course.modules:
        labs = tuple(lab for lesson in module.lessons for lab in lesson.labs)
        whole = Needs(tuple(lesson.path for lesson in module.lessons), labs, (module.id,))
        share, unhurried = _progress(whole, course, record)
        if share == 1 and unhurried and course.quiz(module.id):
            found.append(module.id)
    return tuple(found)


def _progress(needs: Needs, course: Course, record: Record) -> tuple[float, bool]:
    """The share of these needs that is met, and whether no fresh questions are open beside them: of two alternatives
    that are both met, the one that was not hurried through counts."""
    met = [
        *(path in record.lessons for path in needs.lessons),
        *(lab in record.labs for lab in needs.labs),
        *(_passed(quiz, record) for quiz in needs.quizzes),
    ]
    hurried = hurried_modules(course, needs, record)
    return sum(met) / len(met) if met else 0.0, all(_passed(f"fresh-{module}", record) for module in hurried)


def _passed(quiz_id: str, record: Record) -> bool:
    best = record.best.get(quiz_id)
    return bool(best and best.passed)


def _lesson(path: str, record: Record) -> Requirement:
    if path in record.credited:
        return Requirement("lesson", path, True, "", {"credited": record.credited[path]})
    done = path in record.lessons
    return Requirement("lesson", path, done, "" if done else "not-done")


def _lab(lab: str, record: Record) -> Requirement:
    reached = lab in record.labs
    return Requirement("lab", lab, reached, "" if reached else "not-reached")


def _quiz(kind: Literal["quiz", "final"], quiz_id: str, course: Course, record: Record) -> Requirement:
    quiz, best = course.quiz(quiz_id), record.best.get(quiz_id)
    if best and best.passed:
        return Requirement(kind, quiz_id, True, "", {"percent": best.percent})
    needed = quiz.rules.pass_percent if quiz else 0
    if not best:
        return Requirement(kind, quiz_id, False, "not-begun", {"needed": needed})
    arguments = {"percent": best.percent, "needed": needed, "attempts": best.attempts}
    reason = "below-pass" if best.percent < needed else "below-floor"
    return Requirement(kind, quiz_id, False, reason, arguments)


def _fresh(module_id: str, course: Course, record: Record) -> Requirement:
    cleared = _passed(f"fresh-{module_id}", record)
    return Requirement("fresh", f"fresh-{module_id}", cleared, "" if cleared else "hurried")
