"""The access log, written and read: who came in, who was refused, what was changed or taken away; no secrets."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Executable, Select, func, insert, select, union
from sqlalchemy.orm import aliased

from elearn.models.database import reading
from elearn.models.people import AccessLog, OfficerName
from elearn.services import counting

PAGE = 50


@dataclass(frozen=True, slots=True)
class Entry:
    """One line as an administrator reads it; the names are those that the officers have now, "" for nobody."""

    id: int
    at: datetime
    event: str
    detail: str
    address: str
    officer_id: int | None
    name: str
    name_language: str
    about_id: int | None
    about: str
    about_language: str


@dataclass(frozen=True, slots=True)
class Asked:
    """Which entries: of one event, by or about one officer, between two moments, before an earlier page's last one."""

    event: str = ""
    officer_id: int | None = None
    since: datetime | None = None
    until: datetime | None = None
    before: int | None = None


def entries(asked: Asked, most: int = PAGE) -> tuple[tuple[Entry, ...], int | None]:
    """The latest first, and what leads to the ones before them; None where there are no more."""
    query = _ids(asked, most + 1)
    if asked.officer_id is not None:
        query = query.where(AccessLog.officer_id == asked.officer_id)
        about = _ids(asked, most + 1).where(AccessLog.about_id == asked.officer_id)
        # Each half is the end of an index; together they are sorted again.
        both = union(select(query.subquery().c.id), select(about.subquery().c.id)).subquery()
        query = select(both.c.id).order_by(both.c.id.desc()).limit(most + 1)
    with reading() as connection:
        ids = connection.execute(query).scalars().all()
        found = tuple(Entry(*row) for row in connection.execute(_shown(ids[:most])))
    return found, ids[most - 1] if len(ids) > most else None


def _ids(asked: Asked, most: int) -> Select[Any]:
    query = select(AccessLog.id).order_by(AccessLog.id.desc()).limit(most)
    if asked.event:
        query = query.where(AccessLog.event == asked.event)
    if asked.since:
        query = query.where(AccessLog.at >= asked.since)
    if asked.until:
        query = query.where(AccessLog.at < asked.until)
    return query if asked.before is None else query.where(AccessLog.id < asked.before)


def _shown(ids: Sequence[int]) -> Executable:
    who, whom = aliased(OfficerName), aliased(OfficerName)
    columns = (AccessLog.id, AccessLog.at, AccessLog.event, AccessLog.detail, AccessLog.address)
    return (
        select(
            *columns,
            AccessLog.officer_id,
            func.coalesce(who.name, ""),
            func.coalesce(who.language, "en"),
            AccessLog.about_id,
            func.coalesce(whom.name, ""),
            func.coalesce(whom.language, "en"),
        )
        .outerjoin(who, (who.officer_id == AccessLog.officer_id) & who.is_primary)
        .outerjoin(whom, (whom.officer_id == AccessLog.about_id) & whom.is_primary)
        .where(AccessLog.id.in_(ids))
        .order_by(AccessLog.id.desc())
    )


def note(
    connection: Connection,
    event: str,
    now: datetime,
    *,
    officer_id: int | None = None,
    about: int | None = None,
    detail: str = "",
    address: str = "",
) -> None:
    """One row, in the caller's transaction: who did it, `about` whom. `detail` and `address` may come from anyone:
    they are made one line."""
    row = {
        "at": now,
        "officer_id": officer_id,
        "about_id": about,
        "event": event,
        "detail": one_line(detail, 400),
        "address": one_line(address, 60),
    }
    connection.execute(insert(AccessLog).values(**row))
    counting.happened(connection, event)


def one_line(text: str, longest: int) -> str:
    r"""Keeps a visitor from forging a line of a log: line ends and other controls are written out, as \x0a."""
    escaped = "".join(_escaped(c) if unicodedata.category(c) in _NOT_SHOWN else c for c in text[:longest])
    return escaped[:longest]


# Controls, surrogates (which no database can hold), and the two separators that end a line.
_NOT_SHOWN = frozenset({"Cc", "Cs", "Zl", "Zp"})


def _escaped(character: str) -> str:
    number = ord(character)
    return f"\\x{number:02x}" if number < 256 else f"\\u{number:04x}"
