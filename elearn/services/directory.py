"""Finds officers and offices for an administrator: by first letters, a page at a time, as quick among a million."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from sqlalchemy import ColumnElement, Connection, Select, and_, or_, select, union

from elearn.domain.roles import RoleName
from elearn.models.database import reading
from elearn.models.people import Office, Officer, OfficerName, Posting, Role
from elearn.services import rights
from elearn.services.accounts import folded
from elearn.services.people import NoSuchOffice, OfficeEntry
from elearn.services.spelling import LONGEST_NAME, comparable

PAGE = 50


@dataclass(frozen=True, slots=True)
class Found:
    """An officer as a list of found ones shows her."""

    officer_id: int
    name: str
    name_language: str
    email: str
    employee_number: str
    designation: str
    office: str
    office_hi: str
    is_disabled: bool
    roles: tuple[RoleName, ...]


@dataclass(frozen=True, slots=True)
class FoundPage:
    """Some of those found; `after` leads to the next ones, None where there are no more."""

    people: tuple[Found, ...]
    after: int | None


@dataclass(frozen=True, slots=True)
class OfficePage:
    """Some offices in the order of the tree; `after` leads to the next ones, "" where there are no more."""

    offices: tuple[OfficeEntry, ...]
    after: str


def find_officers(words: str, office: str, after: int, now: datetime) -> FoundPage:
    """Officers whose name, e-mail or employee number begins with `words`, of an office and all below it; without
    either, everybody. In the order in which they were added. Raises NoSuchOffice."""
    with reading() as connection:
        query = select(Officer.id).where(Officer.id > after)
        if wanted := comparable(words)[:LONGEST_NAME]:
            query = query.where(Officer.id.in_(_begins_with(connection, wanted)))
        if office.strip():
            query = query.where(Officer.id.in_(_posted_at(connection, office)))
        ids = connection.execute(query.order_by(Officer.id).limit(PAGE + 1)).scalars().all()
        people = _shown(connection, ids[:PAGE], now)
    return FoundPage(people, ids[PAGE - 1] if len(ids) > PAGE else None)


def find_offices(words: str, after: str) -> OfficePage:
    """Offices whose code begins with `words` or whose name holds them."""
    query = select(Office.id, Office.code, Office.name, Office.name_hi, Office.path).where(Office.path > after)
    if wanted := comparable(words)[:LONGEST_NAME]:
        named = or_(Office.name.icontains(wanted, autoescape=True), Office.name_hi.icontains(wanted, autoescape=True))
        query = query.where(or_(Office.code.istartswith(wanted, autoescape=True), named))
    with reading() as connection:
        rows = connection.execute(query.order_by(Office.path).limit(PAGE + 1)).all()
    return OfficePage(tuple(OfficeEntry(*row) for row in rows[:PAGE]), rows[PAGE - 1].path if len(rows) > PAGE else "")


def _begins_with(connection: Connection, words: str) -> Select[Any]:
    """Each of the three is a range of an index, so that nothing is read but what is found."""
    names = [_begins(connection, OfficerName.name, spelling) for spelling in _spellings(words)]
    found = union(
        select(Officer.id).where(_begins(connection, Officer.email, folded(words))),
        select(Officer.id).where(_begins(connection, Officer.employee_number, words.upper())),
        *(select(OfficerName.officer_id).where(name) for name in names),
    ).subquery()
    return select(found.c[0])


def _spellings(words: str) -> Iterable[str]:
    """As typed, and as names are usually written: an index tells capitals from small letters."""
    capitalised = " ".join(word[:1].upper() + word[1:].lower() for word in words.split(" "))
    return dict.fromkeys((words, capitalised, words.upper()))


def _begins(connection: Connection, column: Any, start: str) -> ColumnElement[bool]:
    """From `start` to the last text that begins so, compared code point by code point. PostgreSQL has operators of
    their own for that, since it else compares as the language of the database does."""
    end = start + "\U0010ffff"
    if connection.dialect.name == "postgresql":
        return and_(column.op("~>=~")(start), column.op("~<~")(end))
    return and_(column >= start, column < end)


def _posted_at(connection: Connection, office: str) -> Select[Any]:
    path = connection.execute(select(Office.path).where(Office.code == comparable(office).upper())).scalar_one_or_none()
    if path is None:
        raise NoSuchOffice(office)
    here = select(Office.id).where(Office.path.startswith(path, autoescape=True))
    return select(Posting.officer_id).where(
        Posting.office_id.in_(here), Posting.kind == "main", Posting.until.is_(None)
    )


def _shown(connection: Connection, ids: Iterable[int], now: datetime) -> tuple[Found, ...]:
    ids = list(ids)
    main = (Posting.officer_id == Officer.id) & (Posting.kind == "main") & Posting.until.is_(None)
    rows = connection.execute(
        select(
            Officer.id,
            Officer.email,
            Officer.employee_number,
            Officer.disabled_at,
            OfficerName.name,
            OfficerName.language,
            Posting.designation,
            Office.name.label("office"),
            Office.name_hi,
        )
        .outerjoin(OfficerName, (OfficerName.officer_id == Officer.id) & OfficerName.is_primary)
        .outerjoin(Posting, main)
        .outerjoin(Office, Office.id == Posting.office_id)
        .where(Officer.id.in_(ids))
        .order_by(Officer.id)
    ).all()
    held: dict[int, dict[RoleName, None]] = {}
    for officer_id, role in connection.execute(
        select(Role.officer_id, Role.role).where(Role.officer_id.in_(ids), rights.holds_now(now)).order_by(Role.id)
    ):
        held.setdefault(officer_id, {})[cast(RoleName, role)] = None
    return tuple(
        Found(
            row.id,
            row.name or "",
            row.language or "en",
            row.email or "",
            row.employee_number or "",
            row.designation or "",
            row.office or "",
            row.name_hi or "",
            row.disabled_at is not None,
            tuple(held.get(row.id, ())),
        )
        for row in rows
    )
