"""Brings a department's list of officers in from a CSV file: a verdict for each row, all of it or nothing.

The file is read and judged whole before anything is written. A row belongs to the officer who has its e-mail; it
never gives an e-mail or an employee number of one officer to another, since an e-mail is what they sign in with.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Sized
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import BinaryIO

from sqlalchemy import Connection, select, update
from sqlalchemy.exc import IntegrityError

from elearn.domain.course import Course
from elearn.models.database import reading, writing
from elearn.models.learning import Enrolment
from elearn.models.people import Office, Officer, OfficerName, Posting
from elearn.services import access_log, accounts, people
from elearn.services.intake import Newcomer, Post, batches, enrol_many, open_posts, write_newcomers
from elearn.services.roster_file import LARGEST_FILE, Outcome, Refused, Row, Unreadable, Verdict, read_rows, refusal
from elearn.services.spelling import language_of

__all__ = ["Unreadable", "Verdict"]

OUTCOMES: tuple[Outcome, ...] = ("added", "changed", "unchanged", "refused")


class ChangedMeanwhile(RuntimeError):
    """Somebody else added the same officers at the same moment; nothing was written. Import the file again."""


@dataclass(frozen=True, slots=True)
class Report:
    """A verdict for each row, in the order of the file, and whether anything was written."""

    verdicts: tuple[Verdict, ...]
    written: bool
    offices_made: tuple[str, ...] = ()

    def count(self, outcome: Outcome) -> int:
        return sum(v.outcome == outcome for v in self.verdicts)

    @property
    def refused(self) -> tuple[Verdict, ...]:
        return tuple(v for v in self.verdicts if v.outcome == "refused")


@dataclass(slots=True)
class _Known:
    """An officer who is here already."""

    officer_id: int
    number: str | None
    language: str
    names: dict[str, str] = field(default_factory=dict)
    primary: str = ""
    office: str = ""
    designation: str = ""
    routes: dict[str, str] = field(default_factory=dict)  # course -> route


def import_officers(
    file: BinaryIO,
    courses: Sequence[Course],
    now: datetime,
    by: int | None = None,
    dry_run: bool = False,
    create_offices: bool = False,
    skip_bad: bool = False,
) -> Report:
    """Imports a roster: who is new is added and enrolled in `courses`, who is known gets what the row says.

    Nothing is written when a row is refused, unless `skip_bad`; nor on a `dry_run`. The same file again changes
    nothing. Raises Unreadable, ChangedMeanwhile.
    """
    routes = {route.id for course in courses for route in course.routes}
    rows, refused, header_is_good = read_rows(file.read(LARGEST_FILE + 1), routes)
    if not header_is_good:
        return Report(tuple(refused), written=False)
    if dry_run:
        with reading() as connection:
            plan = _judge(connection, rows, courses, create_offices, refused)
        return plan.report(written=False)
    try:
        with writing() as connection:
            people.shut_out_other_imports(connection)
            plan = _judge(connection, rows, courses, create_offices, refused)
            if plan.refused and not skip_bad:
                return plan.report(written=False)
            _write(connection, plan, courses, now, by)
            access_log.note(connection, "roster_imported", now, officer_id=by, detail=plan.summary())
    except IntegrityError as error:
        raise ChangedMeanwhile from error
    return plan.report(written=True)


# Judging rows against what is known


@dataclass(slots=True)
class _Plan:
    """What an import would write."""

    refused: list[Verdict]
    offices: dict[str, int]
    new_offices: list[str] = field(default_factory=list)
    added: list[Row] = field(default_factory=list)
    changed: list[tuple[Row, _Known, tuple[str, ...]]] = field(default_factory=list)
    unchanged: list[int] = field(default_factory=list)

    def report(self, written: bool) -> Report:
        verdicts = [
            *self.refused,
            *(Verdict(row.line, "added", "added") for row in self.added),
            *(Verdict(row.line, "changed", "changed", {"what": ", ".join(what)}) for row, _, what in self.changed),
            *(Verdict(line, "unchanged", "unchanged") for line in self.unchanged),
        ]
        return Report(tuple(sorted(verdicts, key=lambda v: v.line)), written, tuple(self.new_offices))

    def summary(self) -> str:
        counts: dict[str, Sized] = {
            "added": self.added,
            "changed": self.changed,
            "unchanged": self.unchanged,
            "refused": self.refused,
        }
        return ", ".join(f"{len(rows)} {name}" for name, rows in counts.items())


def _judge(
    connection: Connection, rows: Sequence[Row], courses: Sequence[Course], create: bool, refused: Sequence[Verdict]
) -> _Plan:
    plan = _Plan(list(refused), {o.code: o.id for o in connection.execute(select(Office.code, Office.id))})
    new_offices: dict[str, None] = {}
    for batch in batches(rows):
        known = _known(connection, batch, courses)
        owners = _owners(connection, [row.number for row in batch if row.number])
        for row in batch:
            try:
                if row.office not in plan.offices and not create:
                    raise Refused("no-such-office", code=row.office)
                _judge_row(plan, row, known.get(row.email), owners, courses)
            except Refused as why:
                plan.refused.append(refusal(row.line, why.code, **why.arguments))
                continue
            if row.office not in plan.offices:
                new_offices[row.office] = None
    plan.new_offices = list(new_offices)
    return plan


def _judge_row(
    plan: _Plan, row: Row, known: _Known | None, owners: Mapping[str, int], courses: Sequence[Course]
) -> None:
    owner = owners.get(row.number or "")
    if owner is not None and (known is None or owner != known.officer_id):
        raise Refused("number-of-another", number=row.number or "")
    if known is None:
        plan.added.append(row)
        return
    if row.number and known.number and row.number != known.number:
        raise Refused("email-of-another", number=known.number)
    what = tuple(_differences(row, known, courses))
    if what:
        plan.changed.append((row, known, what))
    else:
        plan.unchanged.append(row.line)


def _differences(row: Row, known: _Known, courses: Sequence[Course]) -> Iterable[str]:
    if known.names.get(known.primary) != row.names[row.primary] or _other_names(row, known):
        yield "name"
    if row.number and not known.number:
        yield "employee_number"
    if row.office != known.office:
        yield "office"
    if row.designation != known.designation:
        yield "designation"
    if row.language and row.language != known.language:
        yield "language"
    if _new_routes(row, known, courses):
        yield "route"
    if _new_courses(known, courses):
        yield "course"


def _other_names(row: Row, known: _Known) -> dict[str, str]:
    """Names beside the primary one that are not kept yet."""
    return {t: n for t, n in row.names.items() if t != row.primary and known.names.get(t) != n}


def _primary_tag(row: Row, known: _Known) -> str:
    """Where the primary name goes: over the one there is, if that is in the same script. Nobody says in the file
    whether a name in Latin letters is English or Manipuri; the record may know."""
    same_script = language_of(known.names.get(known.primary, "")) == row.primary
    return known.primary if known.primary and same_script else row.primary


def _new_routes(row: Row, known: _Known, courses: Sequence[Course]) -> list[Course]:
    """The courses in which the row puts a known officer on another route."""
    return [
        course
        for course in courses
        if row.route != known.routes.get(course.id, row.route) and row.route in {r.id for r in course.routes}
    ]


def _new_courses(known: _Known, courses: Sequence[Course]) -> list[Course]:
    return [course for course in courses if course.id not in known.routes]


def _known(connection: Connection, rows: Sequence[Row], courses: Sequence[Course]) -> dict[str, _Known]:
    """Who of these is here already, by e-mail, with all that a row may change."""
    found: dict[int, _Known] = {}
    by_email: dict[str, _Known] = {}
    query = select(Officer.id, Officer.email, Officer.employee_number, Officer.language)
    for officer in connection.execute(query.where(Officer.email.in_([row.email for row in rows]))):
        known = _Known(officer.id, officer.employee_number, officer.language)
        found[officer.id] = by_email[officer.email or ""] = known
    if not found:
        return {}
    names = select(OfficerName.officer_id, OfficerName.language, OfficerName.name, OfficerName.is_primary)
    for officer_id, tag, name, is_primary in connection.execute(names.where(OfficerName.officer_id.in_(found))):
        found[officer_id].names[tag] = name
        if is_primary:
            found[officer_id].primary = tag
    posts = select(Posting.officer_id, Office.code, Posting.designation).join(Office).where(Posting.kind == "main")
    for officer_id, code, designation in connection.execute(
        posts.where(Posting.officer_id.in_(found), Posting.until.is_(None))
    ):
        found[officer_id].office, found[officer_id].designation = code, designation
    enrolments = select(Enrolment.officer_id, Enrolment.course, Enrolment.route)
    for officer_id, course, route in connection.execute(
        enrolments.where(Enrolment.officer_id.in_(found), Enrolment.course.in_([c.id for c in courses]))
    ):
        found[officer_id].routes[course] = route
    return by_email


def _owners(connection: Connection, numbers: Sequence[str]) -> dict[str, int]:
    query = select(Officer.employee_number, Officer.id).where(Officer.employee_number.in_(numbers))
    return {row.employee_number or "": row.id for row in connection.execute(query)}


# Writing


def _write(connection: Connection, plan: _Plan, courses: Sequence[Course], now: datetime, by: int | None) -> None:
    for code in plan.new_offices:
        plan.offices[code] = people.write_office(connection, code, code).id
    newcomers = [
        Newcomer(
            email=row.email,
            employee_number=row.number,
            names=row.names,
            primary=row.primary,
            language=row.language or "en",
            office=(plan.offices[row.office], row.office),
            designation=row.designation,
            route=row.route,
        )
        for row in plan.added
    ]
    day = people.today(now)
    write_newcomers(connection, newcomers, courses, day, now, by)
    _write_posts(connection, plan, day, now)
    for row, known, what in plan.changed:
        _write_change(connection, row, known, what, now)
        for course in _new_routes(row, known, courses) if "route" in what else ():
            people.write_route(connection, known.officer_id, course, row.route, now)
    for course in courses:
        late = [(k.officer_id, row.route) for row, k, _ in plan.changed if course.id not in k.routes]
        for batch in batches(late):
            enrol_many(connection, batch, course, now, by)


def _write_posts(connection: Connection, plan: _Plan, day: date, now: datetime) -> None:
    """New postings for whoever moved or got another designation, the old ones closed."""
    moved = [(row, known) for row, known, what in plan.changed if "office" in what or "designation" in what]
    for batch in batches(moved):
        people.close_posts(connection, [known.officer_id for _, known in batch], day)
        posts = [Post(k.officer_id, (plan.offices[row.office], row.office), row.designation) for row, k in batch]
        open_posts(connection, posts, day, now)
        elsewhere = [known.officer_id for row, known in batch if row.office != known.office]
        accounts.end_sign_ins_of(connection, elsewhere, now)


def _write_change(connection: Connection, row: Row, known: _Known, what: Sequence[str], now: datetime) -> None:
    if "name" in what:
        for tag, name in _other_names(row, known).items():
            people.write_name(connection, known.officer_id, tag, name, primary=False)
        people.write_name(connection, known.officer_id, _primary_tag(row, known), row.names[row.primary], primary=True)
    values: dict[str, str | None] = {}
    if "employee_number" in what:
        values["employee_number"] = row.number
    if "language" in what:
        values["language"] = row.language
    if values:
        connection.execute(update(Officer).where(Officer.id == known.officer_id).values(**values))
