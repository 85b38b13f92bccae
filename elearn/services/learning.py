"""A lesson is opened, its checks are answered, its lab is run, it is done: one act, one transaction."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from secrets import token_hex
from typing import Any, Literal

from sqlalchemy import (
    BindParameter,
    Connection,
    Integer,
    bindparam,
    cast,
    func,
    literal,
    null,
    select,
    union_all,
)

from elearn.domain.course import Course, Lesson, Needs, Route
from elearn.domain.labs import LABS
from elearn.domain.questions import Given, Question, UnreadableAnswer
from elearn.domain.status import Requirement, Status, needed, status
from elearn.models.certificates import Certificate
from elearn.models.database import Json, insert_once, reading, writing
from elearn.models.learning import CheckAnswer, Enrolment, LabRun, LessonRecord, Standing
from elearn.services import certificates, ledger, library, standing

log = logging.getLogger(__name__)

MOST_TRIES = 200
"""Tries at one check, and runs of one lab, that are kept; nobody learns more from the next, and a table fills up."""


class ChecksOpen(Exception):
    """The lesson cannot be done yet: these checks have no answer."""

    def __init__(self, check_ids: tuple[str, ...]) -> None:
        super().__init__(", ".join(check_ids))
        self.check_ids = check_ids


class TooManyTries(Exception):
    """More tries at one check or lab than anybody needs."""


@dataclass(frozen=True, slots=True)
class CheckState:
    """How an officer stands with one check: the latest answer, whether any was right, how many there were."""

    given: Given
    right: bool
    tries: int


@dataclass(frozen=True, slots=True)
class LessonRecords:
    """What a lesson page needs of its reader: lessons done in the course, checks and lab runs of this lesson."""

    done: frozenset[str]
    checks: Mapping[str, CheckState]
    runs: Mapping[str, tuple[tuple[dict[str, Any], dict[str, Any]], ...]]
    reached: frozenset[str]


@dataclass(frozen=True, slots=True)
class Step:
    """What comes next: a lesson as `module/lesson`, a lab by name, a quiz by id."""

    kind: Literal["lesson", "lab", "quiz", "fresh", "final"]
    subject: str


@dataclass(frozen=True, slots=True)
class CourseView:
    """An officer's way through a course: what is done, what is missing, what comes next."""

    course: Course
    route: Route
    needs: Needs
    enrolled: bool
    status: Status
    done: frozenset[str]
    credited: frozenset[str]
    next: Step | None
    completed_at: datetime | None
    certificate: str
    certificate_state: str
    due: date | None


def lesson_records(officer_id: int, course: Course, lesson: Lesson) -> LessonRecords:
    """The reader's records for one lesson page, in one query."""
    done: set[str] = set()
    reached: set[str] = set()
    tries: dict[str, list[tuple[Given, bool]]] = {}
    runs: dict[str, list[tuple[dict[str, Any], dict[str, Any]]]] = {}
    values = {"officer": officer_id, "course": course.id, "lesson": lesson.path}
    with reading() as connection:
        for kind, subject, given, figures, right, _ in connection.execute(_LESSON_RECORDS, values):
            if kind == "done":
                done.add(subject)
            elif kind == "check":
                tries.setdefault(subject, []).append((_given(given), bool(right)))
            else:
                runs.setdefault(subject, []).append((given, figures))
                if right:
                    reached.add(subject)
    states = {k: CheckState(t[-1][0], any(right for _, right in t), len(t)) for k, t in tries.items()}
    return LessonRecords(frozenset(done), states, {k: tuple(v) for k, v in runs.items()}, frozenset(reached))


# Built once: putting a statement together costs more than running it.
_OFFICER: BindParameter[int] = bindparam("officer")
_COURSE: BindParameter[str] = bindparam("course")
_LESSON: BindParameter[str] = bindparam("lesson")
_OF_LESSON = (
    CheckAnswer.officer_id == _OFFICER,
    CheckAnswer.course == _COURSE,
    CheckAnswer.lesson == _LESSON,
)
_ANSWERED = select(CheckAnswer.check_id).where(*_OF_LESSON).distinct()


def _lesson_records_query() -> Any:
    no_json, no = cast(null(), Json), literal(False)
    done = select(literal("done"), LessonRecord.lesson, no_json, no_json, no, LessonRecord.received_at)
    checks = select(
        literal("check"), CheckAnswer.check_id, CheckAnswer.given, no_json, CheckAnswer.right, CheckAnswer.received_at
    )
    labs = select(literal("lab"), LabRun.lab, LabRun.choices, LabRun.figures, LabRun.reached, LabRun.received_at)
    return union_all(
        done.where(LessonRecord.officer_id == _OFFICER, LessonRecord.course == _COURSE),
        checks.where(*_OF_LESSON),
        labs.where(LabRun.officer_id == _OFFICER, LabRun.course == _COURSE, LabRun.lesson == _LESSON),
    ).order_by("received_at")


_LESSON_RECORDS = _lesson_records_query()


def dashboard(officer_id: int) -> tuple[CourseView, ...]:
    """The officer's courses: those she is enrolled in first, then what else is served."""
    views = [course_view(officer_id, course) for course in library.courses()]
    return tuple(sorted(views, key=lambda view: not view.enrolled))


def course_view(officer_id: int, course: Course) -> CourseView:
    """How far the officer is, with the same reasons that decide completion."""
    query = (
        select(
            Enrolment.route,
            Enrolment.exempted_at,
            Enrolment.due,
            Standing.completed_at,
            Standing.certificate,
            Certificate.state,
        )
        .join(Standing, (Standing.officer_id == Enrolment.officer_id) & (Standing.course == Enrolment.course))
        .outerjoin(Certificate, Certificate.serial == Standing.certificate)
        .where(Enrolment.officer_id == officer_id, Enrolment.course == course.id)
    )
    with reading() as connection:
        row = connection.execute(query).one_or_none()
        route = course.route(row.route if row else "")
        record = standing.read_record(connection, officer_id, course, route, bool(row and row.exempted_at))
    found = status(course, route, record)
    return CourseView(
        course=course,
        route=route,
        needs=needed(course, route, record),
        enrolled=row is not None,
        status=found,
        done=frozenset(record.lessons),
        credited=frozenset(record.credited),
        next=_next_step(course, found.requirements) if not (row and row.completed_at) else None,
        completed_at=row.completed_at if row else None,
        certificate=row.certificate if row else "",
        certificate_state=(row.state or "") if row else "",
        due=row.due if row else None,
    )


def answer_check(
    officer_id: int,
    course: Course,
    lesson: Lesson,
    check: Question,
    given: Given,
    now: datetime,
    act_id: str = "",
    said_at: datetime | None = None,
) -> CheckState:
    """Marks one try at a check and keeps it. The same act sent twice is one try.

    Raises TooManyTries, and UnreadableAnswer for an empty answer, which is no try.
    """
    if given is None:
        raise UnreadableAnswer("no-answer")
    right = check.is_right(given)
    with writing() as connection:
        standing.lock_enrolment(connection, officer_id, course, now)
        mine = (
            (CheckAnswer.officer_id == officer_id)
            & (CheckAnswer.course == course.id)
            & (CheckAnswer.lesson == lesson.path)
            & (CheckAnswer.check_id == check.id)
        )
        before, ever = connection.execute(
            select(func.count(), func.max(cast(CheckAnswer.right, Integer))).where(mine)
        ).one()
        act = _act(officer_id, course, lesson, now, act_id, said_at)
        if before < MOST_TRIES and insert_once(
            connection, CheckAnswer, **act, check_id=check.id, given=given, right=right
        ):
            standing.mark_begun(connection, officer_id, course.id, now)
            return CheckState(given, right or bool(ever), before + 1)
        if connection.execute(select(CheckAnswer.id).where(CheckAnswer.id == act["id"])).first() is None:
            raise TooManyTries(check.id)
        latest = select(CheckAnswer.given).where(mine).order_by(CheckAnswer.received_at.desc()).limit(1)
        return CheckState(_given(connection.execute(latest).scalar_one_or_none()), bool(ever), before)


def run_lab(
    officer_id: int,
    course: Course,
    lesson: Lesson,
    lab_name: str,
    choices: dict[str, Any],
    now: datetime,
    act_id: str = "",
    said_at: datetime | None = None,
) -> tuple[dict[str, Any], bool]:
    """Re-runs the officer's choices and keeps them with the figures they give; says whether the lab's result is
    reached by all runs so far. Raises TooManyTries."""
    lab = LABS[lab_name]
    figures = lab.run(choices)  # before the transaction: nobody waits for a computation
    with writing() as connection:
        enrolled = standing.lock_enrolment(connection, officer_id, course, now)
        kept = connection.execute(
            select(LabRun.id, LabRun.choices, LabRun.figures, LabRun.reached)
            .where(LabRun.officer_id == officer_id, LabRun.course == course.id, LabRun.lab == lab_name)
            .order_by(LabRun.received_at, LabRun.id)
        ).all()
        again = next((row for row in kept if row.id == act_id), None)
        if again:
            return again.figures, again.reached
        if len(kept) >= MOST_TRIES:
            raise TooManyTries(lab_name)
        reached = lab.reached([*((row.choices, row.figures) for row in kept), (choices, figures)])
        act = _act(officer_id, course, lesson, now, act_id, said_at)
        run = {"lab": lab_name, "choices": choices, "figures": figures, "reached": reached}
        if insert_once(connection, LabRun, **act, **run):
            after_act(connection, officer_id, course, enrolled, now)
    return figures, reached


def mark_lesson_done(
    officer_id: int,
    course: Course,
    lesson: Lesson,
    language: str,
    now: datetime,
    act_id: str = "",
    said_at: datetime | None = None,
) -> Step | None:
    """Done once its checks were answered; done twice is done once. Returns what comes next.

    Raises ChecksOpen with what is still to answer.
    """
    text = lesson.texts.get(language) or next(iter(lesson.texts.values()))
    with writing() as connection:
        enrolled = standing.lock_enrolment(connection, officer_id, course, now)
        _refuse_open_checks(connection, officer_id, course, lesson)
        act = _act(officer_id, course, lesson, now, act_id, said_at)
        if insert_once(connection, LessonRecord, **act, words=text.words):
            facts = {"course": course.id, "lesson": lesson.path, "version": course.version}
            ledger.append(connection, officer_id, "lesson_done", act["id"], facts, now)
            found = after_act(connection, officer_id, course, enrolled, now)
        else:
            found = standing.read_status(connection, officer_id, course, enrolled.route, enrolled.exempt)
    return _next_step(course, found.requirements) if enrolled.completed_at is None else None


def after_act(
    connection: Connection, officer_id: int, course: Course, enrolled: standing.Enrolled, now: datetime
) -> Status:
    """What follows every act: the standing is worked out again; a module that is complete brings its statement, and
    the course its certificate, at once."""
    found, completed, whole = standing.rewrite(connection, officer_id, course, enrolled, now)
    certificates.issue_statements(connection, officer_id, course, whole, now)
    if completed:
        facts = {"course": course.id, "version": course.version, "evidence": found.evidence}
        ledger.append(connection, officer_id, "completed", course.id, facts, now)
        certificates.issue(connection, officer_id, course, found.evidence, now)
    return found


def _refuse_open_checks(connection: Connection, officer_id: int, course: Course, lesson: Lesson) -> None:
    if not lesson.checks:
        return
    values = {"officer": officer_id, "course": course.id, "lesson": lesson.path}
    answered = set(connection.execute(_ANSWERED, values).scalars())
    still_open = tuple(check.id for check in lesson.checks if check.id not in answered)
    if still_open:
        raise ChecksOpen(still_open)


def _act(
    officer_id: int, course: Course, lesson: Lesson, now: datetime, act_id: str, said_at: datetime | None
) -> dict[str, Any]:
    return {
        "id": act_id or token_hex(16),
        "officer_id": officer_id,
        "course": course.id,
        "lesson": lesson.path,
        "said_at": said_at,
        "received_at": now,
        "version": course.version,
    }


def _given(kept: Any) -> Given:
    return tuple(kept) if isinstance(kept, list) else kept


def _next_step(course: Course, requirements: tuple[Requirement, ...]) -> Step | None:
    """The first thing missing, in the order of the course: a module's lessons, its lab, its quiz; then the final."""
    missing = [r for r in requirements if not r.met]
    if not missing:
        return None
    place = {lesson.path: i * 10 for i, lesson in enumerate(course.lessons())}
    for lesson in course.lessons():
        place.update(dict.fromkeys(lesson.labs, place[lesson.path] + 1))
    for module in course.modules:
        last = place[module.lessons[-1].path]
        place.update({module.id: last + 2, f"fresh-{module.id}": last + 3})
    first = min(missing, key=lambda r: place.get(r.subject, 10**6))
    return Step(first.kind, first.subject)
