"""The completion list: who of the people somebody may see has completed a course, on screen and as a file.

Page, file and command line ask the same question, `_people`, whose WHERE is what the viewer may see. It reads
`standing` and works nothing out, so that no two of them can disagree.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, cast
from zoneinfo import ZoneInfo

from flask import current_app
from sqlalchemy import ColumnElement, Connection, Select, and_, case, collate, false, func, or_, select, true
from sqlalchemy.orm import aliased

from elearn.domain.roles import Viewer
from elearn.domain.status import STATES
from elearn.exports.spreadsheet import Cell, Written, write_csv, write_jsonl
from elearn.models.database import db, reading, writing
from elearn.models.learning import Enrolment, Standing, StandingHistory
from elearn.models.people import Office, Officer, OfficerName, Posting
from elearn.services import access_log, ledger, people
from elearn.services.people import NoSuchOffice

__all__ = ["NoSuchOffice"]

PAGE_ROWS = 50
SORTS = ("office", "name", "state", "completed")
"""What a page can be sorted by; `-name` and so on is the other way round. Files are always in the first order."""

ROWS_AT_ONCE = 1000
IN_MEMORY = 1024 * 1024  # bytes of a finished file; a longer one lies in a temporary file without a name

Writer = Callable[[Sequence[str], Iterable[Sequence[Cell]], BinaryIO, ZoneInfo], Written]
FORMATS: dict[str, Writer] = {"csv": write_csv, "jsonl": write_jsonl}


class NoSuchFormat(ValueError):
    """A completion list is not written in this format. The message says in which it is."""


@dataclass(frozen=True, slots=True)
class Scope:
    """Whose people may be listed: the tops of office trees ("" means everywhere, none means nobody), and the day on
    which a posting must hold. A supervisor sees those who are hers now, also in a list as of a past day."""

    paths: tuple[str, ...]
    on: date


@dataclass(frozen=True, slots=True)
class Filters:
    """What the reader asked for; "" asks for nothing. `office` is a code and takes in the offices below; `q` is part
    of a name in any script, or of an employee number. What no record can hold is taken out first."""

    office: str = ""
    state: str = ""
    q: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "office", _storable(self.office).upper()[:40])
        object.__setattr__(self, "state", _storable(self.state)[:12])
        object.__setattr__(self, "q", _storable(self.q)[:200])


class CompletionRow(NamedTuple):
    """One officer in the list: the columns of the file, in their order and under their names."""

    employee_number: str
    name: str
    designation: str
    office_code: str
    office: str
    route: str
    due: date | None
    state: str
    requirements_met: int
    requirements_total: int
    final_percent: int | None
    evidence: str
    completed_at: datetime | None
    certificate: str


class ListedPerson(NamedTuple):
    """A row of the page: the row of the file, and what only a page shows."""

    row: CompletionRow
    name_language: str
    office_hi: str


@dataclass(frozen=True, slots=True)
class Totals:
    """How many people stand where; `everyone` counts the exempt too."""

    complete: int = 0
    in_progress: int = 0
    not_begun: int = 0
    exempt: int = 0

    @property
    def everyone(self) -> int:
        return self.complete + self.in_progress + self.not_begun + self.exempt


@dataclass(frozen=True, slots=True)
class ListPage:
    """One page of the list. `totals` are of the office and the words asked for, whatever the state asked for;
    `found` is how many rows all pages have together; pages count from 1."""

    people: tuple[ListedPerson, ...]
    totals: Totals
    found: int
    page: int
    pages: int


class OfficeChoice(NamedTuple):
    """An office that can be asked for; `depth` counts from the topmost of those in scope."""

    code: str
    name: str
    name_hi: str
    depth: int


@dataclass(frozen=True, slots=True)
class Export:
    """A finished file, open at its beginning and gone when closed, with what proves it."""

    file: BinaryIO
    as_of: datetime
    rows: int
    size: int
    sha256: str


def scope_of(viewer: Viewer, now: datetime) -> Scope:
    """What the viewer supervises at this moment."""
    return Scope(viewer.office_paths("supervisor"), people.today(now))


def offices_in(scope: Scope) -> tuple[OfficeChoice, ...]:
    """The offices in scope, each followed by those that belong to it."""
    query = select(Office.code, Office.name, Office.name_hi, Office.path).where(_in_scope(scope, Office))
    with reading() as connection:
        rows = connection.execute(query.order_by(_exact(Office.path))).all()
    top = min((row.path.count("/") for row in rows), default=0)
    return tuple(OfficeChoice(row.code, row.name, row.name_hi, row.path.count("/") - top) for row in rows)


def completion_rows(
    scope: Scope, course_id: str, filters: Filters, as_of: datetime | None = None
) -> Iterator[CompletionRow]:
    """Everyone in scope who is enrolled, begun or not, by office code, name and employee number; with `as_of`, where
    they stood then. One statement, so one moment. Rows come as they are read: no list of any length is held in memory.
    """
    query = completions_query(scope, course_id, filters, as_of)
    with reading(longest=current_app.config["ELEARN"].export_seconds) as connection:
        result = connection.execution_options(yield_per=ROWS_AT_ONCE).execute(query)
        for block in result.partitions():
            yield from map(CompletionRow._make, block)


def completion_page(scope: Scope, course_id: str, filters: Filters, sort: str = "", page: int = 1) -> ListPage:
    """One page of the same list, and its totals. An unknown `sort` is the order of the file; a page beyond the last
    is the last."""
    everyone = _people(scope, course_id, filters, None)
    with reading() as connection:
        totals = _totals(connection, everyone)
        found = asdict(totals).get(filters.state, 0) if filters.state else totals.everyone
        pages = max(1, -(-found // PAGE_ROWS))
        page = min(max(page, 1), pages)
        listed = everyone.add_columns(OfficerName.language, Office.name_hi).where(_in_state(filters, Standing))
        listed = listed.order_by(*_order(sort)).limit(PAGE_ROWS).offset((page - 1) * PAGE_ROWS)
        rows = connection.execute(listed).all()
    return ListPage(tuple(_listed(*row) for row in rows), totals, found, page, pages)


def prove_completions(scope: Scope, course_id: str, filters: Filters, now: datetime) -> Export:
    """The CSV that a download with these filters would be at this moment. Only its hash is handed out, so nobody is
    noted as having taken it."""
    return _export(scope, course_id, filters, now, None, "csv")


def download_completions(viewer: Viewer, course_id: str, filters: Filters, address: str, now: datetime) -> Export:
    """The CSV for a supervisor, handed out once the access log and her chain say that she took it."""
    made = _export(scope_of(viewer, now), course_id, filters, now, None, "csv")
    facts = _facts(course_id, filters, made)
    try:
        with writing() as connection:
            _note(connection, facts, now, viewer.officer_id, address)
            ledger.append(connection, viewer.officer_id, "list_exported", made.sha256, facts, now)
    except BaseException:
        made.file.close()
        raise
    return made


def write_completions(
    course_id: str,
    offices: Sequence[str],
    as_of: datetime | None,
    path: Path,
    file_format: str,
    now: datetime,
) -> Export:
    """Writes the list of some offices and those below them, or of all when none is named, and beside it
    `<path>.sha256` for `sha256sum -c`. An older file stays until the new one is whole.

    `offices` are codes; `as_of` None means now. The returned file is closed. Raises NoSuchOffice naming what is
    unknown, NoSuchFormat, and OSError where `path` cannot be written.
    """
    if file_format not in FORMATS:
        raise NoSuchFormat(f"a completion list is written as {' or '.join(FORMATS)}, not as {file_format!r}")
    codes = [code.strip().upper() for code in offices]
    scope = Scope(_paths_of(codes) if codes else ("",), people.today(now))
    made = _export(scope, course_id, Filters(), now, as_of, file_format)
    with made.file:
        # Noted first: a list in the world that no log knows of is worse than a note of one that could not be written.
        with writing() as connection:
            _note(connection, _facts(course_id, Filters(), made) | {"office": _told(codes)}, now)
        _put(path, made)
    return made


def _told(codes: Sequence[str]) -> str:
    """The offices, for the access log; of more than fit there, none: a breach report then counts everybody."""
    told = " ".join(codes)
    return told if len(told) <= 100 else ""


def completions_query(scope: Scope, course_id: str, filters: Filters, as_of: datetime | None = None) -> Select[Any]:
    """The question behind the file: the columns of CompletionRow, in the order of the list."""
    stands = StandingHistory if as_of else Standing
    return _people(scope, course_id, filters, as_of).where(_in_state(filters, stands)).order_by(*_order(""))


# What is asked

_NUMBER = func.coalesce(Officer.employee_number, "").label("employee_number")
_NAME = func.coalesce(OfficerName.name, "").label("name")


def _people(scope: Scope, course_id: str, filters: Filters, as_of: datetime | None) -> Select[Any]:
    """Everyone the scope allows, of the office and the words asked for, in whatever state, each once."""
    stands: Any = StandingHistory if as_of else Standing
    query = (
        select(
            _NUMBER,
            _NAME,
            Posting.designation,
            Office.code.label("office_code"),
            Office.name.label("office"),
            Enrolment.route,
            Enrolment.due,
            stands.state,
            stands.requirements_met,
            stands.requirements_total,
            stands.final_percent,
            stands.evidence,
            stands.completed_at,
            stands.certificate,
        )
        .select_from(stands)
        .join(Enrolment, and_(Enrolment.officer_id == stands.officer_id, Enrolment.course == stands.course))
        .join(Officer, and_(Officer.id == stands.officer_id, Officer.disabled_at.is_(None)))
        .join(Posting, Posting.officer_id == stands.officer_id)
        .join(Office, Office.id == Posting.office_id)
        # An outer join: whoever has no primary name yet is listed all the same.
        .outerjoin(OfficerName, and_(OfficerName.officer_id == stands.officer_id, OfficerName.is_primary))
        .where(stands.course == course_id, _may_be_seen(scope, filters.office, Posting))
        .where(_comes_first(scope, filters.office))
    )
    if "" not in scope.paths or filters.office:
        # Said twice, so that every engine begins with the few people of these offices and not with all of the course.
        posted = aliased(Posting)
        there = select(posted.officer_id).where(posted.office_id.in_(_offices(scope, filters.office)))
        query = query.where(stands.officer_id.in_(there))
    if as_of:
        query = query.where(_latest_at(as_of))
    return query.where(_named_like(filters.q)) if filters.q else query


def _may_be_seen(scope: Scope, office_code: str, posting: type[Posting]) -> ColumnElement[bool]:
    """The posting holds on the scope's day, in an office of the scope, and in the one asked for or below it."""
    holds = and_(posting.since <= scope.on, or_(posting.until.is_(None), posting.until > scope.on))
    if "" in scope.paths and not office_code:
        return holds
    return and_(holds, posting.office_id.in_(_offices(scope, office_code)))


def _offices(scope: Scope, office_code: str) -> Select[Any]:
    """The numbers of the offices that may be seen and are asked for."""
    return select(Office.id).where(_in_scope(scope, Office), _in_office(scope, office_code))


def _comes_first(scope: Scope, office_code: str) -> ColumnElement[bool]:
    """No other posting that may be seen stands before this one: the main one does, then the one noted first. So
    whoever holds additional charges is listed once."""
    other = aliased(Posting)
    before = or_(
        and_(other.kind == "main", Posting.kind != "main"),
        and_(other.kind == Posting.kind, other.id < Posting.id),
    )
    others = select(other.id).where(other.officer_id == Posting.officer_id, before)
    return ~others.where(_may_be_seen(scope, office_code, other)).exists()


def _in_scope(scope: Scope, office: type[Office]) -> ColumnElement[bool]:
    if "" in scope.paths:
        return true()
    return or_(false(), *(_begins_with(office.path, path) for path in scope.paths))


def _in_office(scope: Scope, code: str) -> ColumnElement[bool]:
    """In the office of this code or below it. One outside the scope is as unknown as one that does not exist."""
    if not code:
        return true()
    top = aliased(Office)
    path = select(top.path).where(top.code == code, _in_scope(scope, top)).scalar_subquery()
    return _begins_with(Office.path, path)


def _begins_with(column: Any, path: Any) -> ColumnElement[bool]:
    # Not LIKE: SQLite's takes md for MD there, and would show one office the people of another.
    return cast(ColumnElement[bool], func.substr(column, 1, func.length(path)) == path)


def _named_like(words: str) -> ColumnElement[bool]:
    """Part of any of her names, or of her number. Capitals do not matter in ASCII, which is all that SQLite knows."""
    # IN, not EXISTS: the names are gone through once, and not once for each officer.
    named = select(OfficerName.officer_id).where(OfficerName.name.icontains(words, autoescape=True))
    return or_(Officer.id.in_(named), Officer.employee_number.icontains(words, autoescape=True))


def _latest_at(as_of: datetime) -> ColumnElement[bool]:
    """The history row that said where an officer stood at that moment."""
    earlier = aliased(StandingHistory)
    mine = (earlier.officer_id == StandingHistory.officer_id) & (earlier.course == StandingHistory.course)
    latest = select(earlier.id).where(mine, earlier.at <= as_of).order_by(earlier.at.desc(), earlier.id.desc())
    return StandingHistory.id == latest.limit(1).scalar_subquery()


def _in_state(filters: Filters, stands: Any) -> ColumnElement[bool]:
    return stands.state == filters.state if filters.state else true()


def _order(sort: str) -> tuple[Any, ...]:
    usual = (_exact(Office.code), func.lower(_exact(_NAME.element)), _exact(_NUMBER.element), Officer.id)
    chosen: dict[str, Any] = {
        "name": usual[1],
        "state": case({state: place for place, state in enumerate(STATES)}, value=Standing.state),
        "completed": Standing.completed_at,
        "office": usual[0],
    }
    wanted = chosen.get(sort.removeprefix("-"))
    if wanted is None:
        return usual
    # Whoever has not completed comes last, whichever way round.
    return ((wanted.desc() if sort.startswith("-") else wanted.asc()).nulls_last(), *usual)


def _exact(column: Any) -> Any:
    """Sorts by code points: the same list in the same order, byte for byte, on either engine and any locale."""
    return collate(column, "C" if db.engine.dialect.name == "postgresql" else "BINARY")


def _totals(connection: Connection, people: Select[Any]) -> Totals:
    asked = people.subquery()
    # Not GROUP BY: SQLite would go through everybody of the course, in the order of states, to save itself a sort.
    counts = (func.count().filter(asked.c.state == state).label(state) for state in STATES)
    return Totals(**connection.execute(select(*counts)).one()._mapping)


def _listed(*row: Any) -> ListedPerson:
    width = len(CompletionRow._fields)
    return ListedPerson(CompletionRow._make(row[:width]), row[width] or "", row[width + 1])


# What is written


def _export(
    scope: Scope, course_id: str, filters: Filters, now: datetime, as_of: datetime | None, file_format: str
) -> Export:
    """The whole file before its first byte is sent, since its hash and its count travel ahead of it."""
    file = cast(BinaryIO, tempfile.SpooledTemporaryFile(max_size=IN_MEMORY))  # noqa: SIM115 - whoever asked closes it
    rows = completion_rows(scope, course_id, filters, as_of)
    try:
        written = FORMATS[file_format](CompletionRow._fields, rows, file, _zone())
    except BaseException:
        file.close()
        raise
    file.seek(0)
    return Export(file, as_of or now, written.rows, written.size, written.sha256)


def _facts(course_id: str, filters: Filters, made: Export) -> dict[str, str | int | bool | None]:
    """What is kept of a download. The words searched for are mostly somebody's name, which no log may hold, so their
    hash stands for them: enough to tell whether a certain name was asked for."""
    return {
        "course": course_id,
        "office": filters.office,
        "state": filters.state,
        "q_sha256": sha256(filters.q.encode()).hexdigest()[:16] if filters.q else "",
        "rows": made.rows,
        "sha256": made.sha256,
    }


def _note(
    connection: Connection,
    facts: dict[str, str | int | bool | None],
    now: datetime,
    officer_id: int | None = None,
    address: str = "",
) -> None:
    detail = json.dumps(facts, ensure_ascii=False)
    access_log.note(connection, "list_exported", now, officer_id=officer_id, detail=detail, address=address)


def _put(path: Path, made: Export) -> None:
    if path.exists() and not path.is_file():  # a pipe or a terminal: written to, not replaced
        with path.open("wb") as pipe:
            shutil.copyfileobj(made.file, pipe)
        return
    with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as whole:
        shutil.copyfileobj(made.file, whole)
        whole.flush()
        os.fsync(whole.fileno())
    Path(whole.name).replace(path)
    path.with_name(f"{path.name}.sha256").write_text(f"{made.sha256}  {path.name}\n")


def _paths_of(codes: Sequence[str]) -> tuple[str, ...]:
    with reading() as connection:
        found = {
            r.code: r.path for r in connection.execute(select(Office.code, Office.path).where(Office.code.in_(codes)))
        }
    missing = [code for code in codes if code not in found]
    if missing:
        raise NoSuchOffice(", ".join(missing))
    return tuple(found[code] for code in codes)


def _storable(text: str) -> str:
    """NFC, as names are kept, without controls and surrogates, which PostgreSQL refuses to be asked about."""
    kept = "".join(c for c in text[:1000] if unicodedata.category(c) not in ("Cc", "Cs"))
    return unicodedata.normalize("NFC", kept).strip()


def _zone() -> ZoneInfo:
    zone: ZoneInfo = current_app.config["ELEARN"].timezone
    return zone
