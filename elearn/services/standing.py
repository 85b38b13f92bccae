"""Reads what an officer has done in a course and writes what it amounts to: the one row all lists read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BindParameter,
    CompoundSelect,
    Connection,
    bindparam,
    case,
    func,
    insert,
    literal,
    select,
    union_all,
    update,
)

from elearn.domain.course import Course, Route
from elearn.domain.pace import credited_seconds
from elearn.domain.status import Best, Evidence, Record, Status, modules_met, status
from elearn.models.database import insert_once, put
from elearn.models.learning import (
    Attempt,
    CheckAnswer,
    Enrolment,
    LabRun,
    LessonRecord,
    Standing,
    StandingHistory,
)
from elearn.models.people import SignIn
from elearn.services import ledger

_ACTS = (CheckAnswer, LabRun, LessonRecord, Attempt)


@dataclass(frozen=True, slots=True)
class Enrolled:
    """The officer's enrolment and standing so far."""

    route: str
    exempt: bool
    state: str
    completed_at: datetime | None
    certificate: str


def lock_enrolment(connection: Connection, officer_id: int, course: Course, now: datetime) -> Enrolled:
    """The officer's enrolment, locked until the transaction ends; made first, on the course's first route, for
    whoever begins without having been assigned."""
    mine = {"officer": officer_id, "course": course.id}
    row = connection.execute(_LOCKED, mine).one_or_none()
    if row is None:
        enrol(connection, officer_id, course, "", now)
        row = connection.execute(_LOCKED, mine).one()
    return Enrolled(row.route, row.exempted_at is not None, row.state, row.completed_at, row.certificate)


def lock(connection: Connection, officer_id: int, course_id: str) -> None:
    """Locks enrolment and standing first, as every act does, so that no two transactions wait for each other."""
    connection.execute(_LOCKED, {"officer": officer_id, "course": course_id}).one_or_none()


def enrol(
    connection: Connection,
    officer_id: int,
    course: Course,
    route: str,
    now: datetime,
    assigned_by: int | None = None,
) -> bool:
    """Enrols an officer, with a standing of `not_begun`; again changes nothing. Returns whether she is new here."""
    chosen = course.route(route)
    values = {
        "officer_id": officer_id,
        "course": course.id,
        "route": chosen.id,
        "assigned_by": assigned_by,
        "created_at": now,
    }
    if not insert_once(connection, Enrolment, **values):
        return False
    ledger.append(connection, officer_id, "enrolled", course.id, {"course": course.id, "route": chosen.id}, now)
    _write(connection, officer_id, course.id, status(course, chosen, Record()), None, now)
    return True


def route_of(connection: Connection, officer_id: int, course: Course) -> str:
    """The officer's route in a course; "" for whoever is not enrolled."""
    query = select(Enrolment.route).where(Enrolment.officer_id == officer_id, Enrolment.course == course.id)
    return connection.execute(query).scalar_one_or_none() or ""


def read_status(connection: Connection, officer_id: int, course: Course, route: str, exempt: bool = False) -> Status:
    """Where the officer stands, worked out afresh from her records."""
    chosen = course.route(route)
    return status(course, chosen, read_record(connection, officer_id, course, chosen, exempt))


def rewrite(
    connection: Connection, officer_id: int, course: Course, enrolled: Enrolled, now: datetime
) -> tuple[Status, bool, tuple[str, ...]]:
    """Works the standing out again after an act and keeps it; says whether the course was completed by this act, and
    which modules are complete.

    A completion that was reached stays as it was reached, whatever is done or added to the course later.
    """
    route = course.route(enrolled.route)
    record = read_record(connection, officer_id, course, route, enrolled.exempt)
    found, whole = status(course, route, record), modules_met(course, record)
    if enrolled.completed_at is not None:
        return found, False, whole
    completed = found.state == "complete"
    _write(connection, officer_id, course.id, found, now if completed else None, now)
    return found, completed, whole


def mark_begun(connection: Connection, officer_id: int, course: str, now: datetime) -> None:
    """The first act of all turns `not_begun` into `in_progress`; a later one finds nothing to turn."""
    mine = (Standing.officer_id == officer_id) & (Standing.course == course) & (Standing.state == "not_begun")
    turned = connection.execute(update(Standing).where(mine).values(state="in_progress", at=now)).rowcount
    if turned:
        columns = [c.name for c in StandingHistory.__table__.columns if c.name != "id"]
        row = select(*(Standing.__table__.c[name] for name in columns)).where(
            Standing.officer_id == officer_id, Standing.course == course
        )
        connection.execute(insert(StandingHistory).from_select(columns, row))


def read_record(connection: Connection, officer_id: int, course: Course, route: Route, exempt: bool = False) -> Record:
    """Everything `status` asks about one officer: one query, and a second where a pace must be judged."""
    lessons: dict[str, int] = {}
    credited: dict[str, int] = {}
    labs: set[str] = set()
    best: dict[str, Best] = {}
    begun = False
    for kind, subject, number, passed, count in connection.execute(
        _FACTS, {"officer": officer_id, "course": course.id}
    ):
        begun = True
        if kind == "lesson":
            lessons[subject] = number
            if passed is not None:
                credited[subject] = passed
        elif kind == "lab" and passed:
            labs.add(subject)
        elif kind == "quiz" and count:
            best[subject] = Best(number or 0, bool(passed), count)
    seconds = _seconds(connection, officer_id, course) if _a_module_is_read(course, route, lessons) else {}
    return Record(lessons, credited, frozenset(labs), best, seconds, begun, exempt)


def set_certificate(connection: Connection, officer_id: int, course: str, serial: str) -> None:
    """Tells the standing, and its latest history row, which certificate goes with it."""
    mine = (Standing.officer_id == officer_id) & (Standing.course == course)
    connection.execute(update(Standing).where(mine).values(certificate=serial))
    latest = select(func.max(StandingHistory.id)).where(
        StandingHistory.officer_id == officer_id, StandingHistory.course == course
    )
    connection.execute(
        update(StandingHistory).where(StandingHistory.id == latest.scalar_subquery()).values(certificate=serial)
    )


def _facts() -> CompoundSelect[Any]:
    """(kind, subject, number, passed, count): words of a lesson and what credited it, reached of a lab, best percent
    of a quiz."""
    lessons = select(literal("lesson"), LessonRecord.lesson, LessonRecord.words, LessonRecord.credited, literal(1))
    reached = func.max(case((LabRun.reached.is_(True), 1), else_=0))
    labs = select(literal("lab"), LabRun.lab, literal(0), reached, func.count()).group_by(LabRun.lab)
    checks = select(literal("check"), CheckAnswer.lesson, literal(0), literal(0), func.count())
    passed = func.max(case((Attempt.passed.is_(True), 1), else_=0))
    quizzes = select(
        literal("quiz"), Attempt.quiz, func.max(Attempt.percent), passed, func.count(Attempt.submitted_at)
    ).group_by(Attempt.quiz)
    return union_all(
        lessons.where(LessonRecord.officer_id == _OFFICER, LessonRecord.course == _COURSE),
        labs.where(LabRun.officer_id == _OFFICER, LabRun.course == _COURSE),
        checks.where(CheckAnswer.officer_id == _OFFICER, CheckAnswer.course == _COURSE).group_by(CheckAnswer.lesson),
        quizzes.where(Attempt.officer_id == _OFFICER, Attempt.course == _COURSE),
    )


# Built once: putting a statement together costs more than running it.
_OFFICER: BindParameter[int] = bindparam("officer")
_COURSE: BindParameter[str] = bindparam("course")
_FACTS = _facts()
_LOCKED = (
    select(Enrolment.route, Enrolment.exempted_at, Standing.state, Standing.completed_at, Standing.certificate)
    .join(Standing, (Standing.officer_id == Enrolment.officer_id) & (Standing.course == Enrolment.course))
    .where(Enrolment.officer_id == _OFFICER, Enrolment.course == _COURSE)
    # Both rows: for an act that had to wait, PostgreSQL reads anew only what it locks, and by now the standing may
    # be complete.
    .with_for_update()
)


def _a_module_is_read(course: Course, route: Route, lessons: dict[str, int]) -> bool:
    """Whether there is a pace to judge: every lesson of some module is done, or all that the route asks of it."""
    parts = (route.needs, *(one for group in route.any_of for one in group.values()))
    paths = {path for part in parts for path in part.lessons}
    for module in course.modules:
        asked = [lesson.path for lesson in module.lessons if lesson.path in paths]
        asked = asked or [lesson.path for lesson in module.lessons]
        if asked and all(path in lessons for path in asked):
            return True
    return False


def _seconds(connection: Connection, officer_id: int, course: Course) -> dict[str, float]:
    """Seconds credited to each module, from sign-ins, answered checks, lab runs, lessons done and attempts."""
    mine = {table: (table.officer_id == officer_id) & (table.course == course.id) for table in _ACTS}
    acts: CompoundSelect[Any] = union_all(
        select(SignIn.created_at, literal(""), literal(0)).where(SignIn.officer_id == officer_id),
        *(select(table.received_at, table.lesson, literal(0)).where(mine[table]) for table in (CheckAnswer, LabRun)),
        select(LessonRecord.received_at, LessonRecord.lesson, literal(1)).where(
            mine[LessonRecord], LessonRecord.credited.is_(None)
        ),
        select(Attempt.received_at, literal(""), literal(0)).where(mine[Attempt]),
        select(Attempt.submitted_at, literal(""), literal(0)).where(mine[Attempt], Attempt.submitted_at.is_not(None)),
    )
    rows = [(at, lesson.partition("/")[0], done) for at, lesson, done in connection.execute(acts)]
    # In the order of time, so that a module's last lesson is the one that stays.
    read_by = {module: at for at, module, done in sorted(rows) if done}
    return credited_seconds(((at, module) for at, module, _ in rows), read_by)


def _write(
    connection: Connection, officer_id: int, course: str, found: Status, completed_at: datetime | None, now: datetime
) -> None:
    evidence: Evidence = found.evidence
    values = {
        "state": found.state,
        "requirements_met": found.met,
        "requirements_total": found.total,
        "final_percent": found.final_percent,
        "evidence": evidence,
        "completed_at": completed_at,
        "at": now,
    }
    keys = {"officer_id": officer_id, "course": course}
    put(connection, Standing, [{**keys, **values, "certificate": ""}], ("officer_id", "course"), kept="certificate")
    connection.execute(_HISTORY, {**keys, **values, "certificate": ""})


_HISTORY = insert(StandingHistory)
