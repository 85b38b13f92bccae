"""Whose data could have been seen or changed in a window of time, as the access log tells it: for a breach report.

It says who *could* have been: a list that was taken away counts for everybody it could have held, and a supervisor's
sign-in for everybody she could have looked at.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from flask import current_app
from sqlalchemy import ColumnElement, Connection, Select, and_, false, func, or_, select

from elearn.exports.spreadsheet import write_csv
from elearn.models.database import reading, writing
from elearn.models.learning import Enrolment
from elearn.models.people import AccessLog, Office, Officer, OfficerName, Posting, Role
from elearn.services import access_log, people

ROWS_AT_ONCE = 1000
STREAMED = {"yield_per": ROWS_AT_ONCE}

SHOWS_OTHERS = ("supervisor", "administrator")
"""Roles whose pages show other people's records."""


class Affected(NamedTuple):
    """One officer for one reason, with whom to write to. `by` is the number of whoever acted, empty for a command of
    the shell and for a stranger; `times` counts the events, of which these are the first and the last."""

    officer_id: int
    employee_number: str
    name: str
    email: str
    why: str
    by: int | None
    times: int
    first: datetime
    last: datetime


@dataclass(frozen=True, slots=True)
class Window:
    """From `since` on, before `until`; with `by`, only what that officer's sign-ins did."""

    since: datetime
    until: datetime
    by: int | None = None


class _Event(NamedTuple):
    by: int | None
    times: int
    first: datetime
    last: datetime


def write_affected(window: Window, path: Path, now: datetime) -> int:
    """Writes the list as CSV; returns how many officers stand in it. The access log says that it was made."""
    with writing() as connection:
        detail = f"{window.since.isoformat()} {window.until.isoformat()} {window.by or ''}".strip()
        access_log.note(connection, "affected_listed", now, detail=detail)
    officers: set[int] = set()

    def rows() -> Iterator[Affected]:
        for row in affected(window):
            officers.add(row.officer_id)
            yield row

    with path.open("wb") as file:
        write_csv(Affected._fields, rows(), file, current_app.config["ELEARN"].timezone)
    return len(officers)


def affected(window: Window) -> Iterator[Affected]:
    """Everybody, with the reasons, as they are found."""
    with reading(longest=current_app.config["ELEARN"].export_seconds) as connection:
        found = _found(connection, window)
        while block := list(islice(found, ROWS_AT_ONCE)):
            yield from _with_names(connection, block)


_Found = tuple[int, str, _Event]


def _found(connection: Connection, window: Window) -> Iterator[_Found]:
    yield from _own_accounts(connection, window)
    yield from _administered(connection, window)
    for (by, course, office), event in _exports(connection, window).items():
        paths = ("",) if by is None else _paths_of(connection, by, event)
        yield from ((officer, "list_exported", event) for officer in _posted(connection, paths, office, course, event))
    for event in _watchers(connection, window):
        paths = _paths_of(connection, event.by or 0, event)
        seen = _everybody(connection) if "" in paths else _posted(connection, paths, "", "", event)
        yield from ((officer, "could_be_seen", event) for officer in seen)


def _within(window: Window) -> ColumnElement[bool]:
    """Events of the window; and sign-ins so long before it that they may have lasted into it."""
    longest = timedelta(hours=current_app.config["ELEARN"].longest_hours)
    looked_at = and_(AccessLog.at >= window.since - longest, AccessLog.at < window.until)  # one range of the index
    inside = and_(looked_at, or_(AccessLog.at >= window.since, AccessLog.event == "sign_in"))
    return inside & (AccessLog.officer_id == window.by) if window.by else inside


_COUNTED = (func.count().label("times"), func.min(AccessLog.at).label("first"), func.max(AccessLog.at).label("last"))


def _own_accounts(connection: Connection, window: Window) -> Iterator[_Found]:
    """Accounts that somebody entered, tried to enter, or changed from inside."""
    query = (
        select(AccessLog.officer_id, AccessLog.event, *_COUNTED)
        .where(_within(window), AccessLog.officer_id.is_not(None), AccessLog.about_id.is_(None))
        .where(AccessLog.event != "list_exported")
        .group_by(AccessLog.officer_id, AccessLog.event)
    )
    for row in connection.execute(query).all():
        yield row.officer_id, row.event, _Event(row.officer_id, row.times, row.first, row.last)


def _administered(connection: Connection, window: Window) -> Iterator[_Found]:
    """Officers whose account, post, role or certificate somebody else changed, and those a roster brought in."""
    query = (
        select(AccessLog.about_id, AccessLog.event, AccessLog.officer_id, *_COUNTED)
        .where(_within(window), AccessLog.about_id.is_not(None))
        .group_by(AccessLog.about_id, AccessLog.event, AccessLog.officer_id)
    )
    for row in connection.execute(query).all():
        yield row.about_id, row.event, _Event(row.officer_id, row.times, row.first, row.last)
    rosters = select(AccessLog.officer_id, AccessLog.at).where(_within(window), AccessLog.event == "roster_imported")
    for by, at in connection.execute(rosters).all():
        # An import notes nobody by name: who was added or posted on its day was so by it, or may have been.
        day = people.today(at)
        touched = select(Posting.officer_id).where(or_(Posting.since == day, Posting.until == day)).distinct()
        for officer in connection.execute(touched).scalars().all():
            yield officer, "roster_imported", _Event(by, 1, at, at)


def _exports(connection: Connection, window: Window) -> dict[tuple[int | None, str, str], _Event]:
    """Downloads, by who took them, of which course and for which offices."""
    query = select(AccessLog.officer_id, AccessLog.detail, AccessLog.at).where(
        _within(window), AccessLog.event == "list_exported"
    )
    found: dict[tuple[int | None, str, str], _Event] = {}
    for by, detail, at in connection.execute(query):
        facts = _facts(detail)
        key = (by, str(facts.get("course", "")), str(facts.get("office", "")))
        before = found.get(key, _Event(by, 0, at, at))
        found[key] = _Event(by, before.times + 1, min(before.first, at), max(before.last, at))
    return found


def _facts(detail: str) -> dict[str, Any]:
    """What a download's line says. One that was too long for its column tells nothing, and then counts for all."""
    try:
        facts = json.loads(detail)
    except ValueError:
        return {}
    return facts if isinstance(facts, dict) else {}


def _watchers(connection: Connection, window: Window) -> Iterator[_Event]:
    """Sign-ins of whoever could look at other people's records."""
    query = (
        select(AccessLog.officer_id, *_COUNTED)
        .where(_within(window), AccessLog.event == "sign_in")
        .where(AccessLog.officer_id.in_(select(Role.officer_id).where(Role.role.in_(SHOWS_OTHERS))))
        .group_by(AccessLog.officer_id)
    )
    for row in connection.execute(query).all():
        yield _Event(row.officer_id, row.times, row.first, row.last)


def _paths_of(connection: Connection, officer_id: int, event: _Event) -> tuple[str, ...]:
    """What the officer supervised at some time between the event's first and last: tops of office trees."""
    query = (
        select(func.coalesce(Office.path, ""))
        .select_from(Role)
        .outerjoin(Office, Office.id == Role.office_id)
        .where(Role.officer_id == officer_id, Role.role.in_(SHOWS_OTHERS), Role.since <= event.last)
        .where(or_(Role.until.is_(None), Role.until > event.first))
    )
    return tuple(connection.execute(query.distinct()).scalars())


def _posted(connection: Connection, paths: Iterable[str], offices: str, course: str, event: _Event) -> Iterator[int]:
    """Everybody posted below these paths, and in one of the offices named or below it, at some time of the event."""
    query = select(Posting.officer_id).distinct().where(_held(people.today(event.first), people.today(event.last)))
    tops = tuple(paths)
    if "" not in tops:
        query = query.where(Posting.office_id.in_(_below(tops)))
    if codes := offices.split():
        named = connection.execute(select(Office.path).where(Office.code.in_(codes))).scalars().all()
        query = query.where(Posting.office_id.in_(_below(named)))
    if course:
        query = query.join(Enrolment, and_(Enrolment.officer_id == Posting.officer_id, Enrolment.course == course))
    with closing(connection.execute(query, execution_options=STREAMED)) as result:
        yield from result.scalars()


def _everybody(connection: Connection) -> Iterator[int]:
    """Those without a post too: an administrator's pages show them."""
    with closing(connection.execute(select(Officer.id).order_by(Officer.id), execution_options=STREAMED)) as result:
        yield from result.scalars()


def _held(first: date, last: date) -> ColumnElement[bool]:
    return and_(Posting.since <= last, or_(Posting.until.is_(None), Posting.until >= first))


def _below(paths: Iterable[str]) -> Select[Any]:
    begins = [func.substr(Office.path, 1, len(path)) == path for path in paths]
    return select(Office.id).where(or_(false(), *begins) if begins else false())


def _with_names(connection: Connection, block: list[_Found]) -> Iterator[Affected]:
    query = (
        select(Officer.id, Officer.employee_number, OfficerName.name, Officer.email)
        .outerjoin(OfficerName, and_(OfficerName.officer_id == Officer.id, OfficerName.is_primary))
        .where(Officer.id.in_({officer for officer, _, _ in block}))
    )
    known = {row.id: row for row in connection.execute(query)}
    for officer, why, event in block:
        row = known.get(officer)
        number, name, email = (row.employee_number, row.name, row.email) if row else ("", "", "")
        yield Affected(officer, number or "", name or "", email or "", why, *event)
