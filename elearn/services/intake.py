"""Writes officers who are new here, one or a hundred thousand, with all that belongs to them, in few statements.

What it writes for one officer is to the letter what `ledger` and `standing` write for one; a test compares them.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime
from itertools import islice
from typing import Any, TypeVar

from sqlalchemy import ARRAY, Connection, String, Text, bindparam, func, insert, select, update

from elearn.domain.course import Course
from elearn.domain.ledger import START, Entry, Fact, commitment, next_entry
from elearn.domain.status import Record, status
from elearn.models.database import Base
from elearn.models.learning import Enrolment, Standing, StandingHistory
from elearn.models.ledger import Ledger, LedgerHead
from elearn.models.people import Officer, OfficerName, Posting
from elearn.services.ledger import OfficerErased

BATCH = 2000

_ENTRY = tuple(field.name for field in fields(Entry))

Item = TypeVar("Item")
LedgerFact = tuple[int, str, str, Mapping[str, Fact]]
"""(officer, kind, reference, facts), as `ledger.append` takes them."""


@dataclass(frozen=True, slots=True)
class Newcomer:
    """An officer to be written, all values already as they are kept. No office: an officer without a posting."""

    email: str
    employee_number: str | None
    names: Mapping[str, str]
    primary: str
    language: str
    office: tuple[int, str] | None  # (id, code)
    designation: str
    route: str


@dataclass(frozen=True, slots=True)
class Post:
    """A main posting to be opened."""

    officer_id: int
    office: tuple[int, str]
    designation: str


@dataclass(slots=True)
class _Chain:
    """The end of an officer's chain so far, and the salt its next entry commits with."""

    number: int
    hash: str
    salt: bytes


def batches(items: Iterable[Item], size: int = BATCH) -> Iterator[list[Item]]:
    iterator = iter(items)
    while batch := list(islice(iterator, size)):
        yield batch


def write_newcomers(
    connection: Connection,
    newcomers: Sequence[Newcomer],
    courses: Sequence[Course],
    today: date,
    now: datetime,
    by: int | None,
) -> list[int]:
    """Writes officers, names, postings, enrolments, standings and the beginning of each ledger chain; returns the
    officers' numbers in order. Raises IntegrityError where an e-mail or a number is taken."""
    written: list[int] = []
    for batch in batches(newcomers):
        chains = _write_officers(connection, batch, now)
        ids = list(chains)
        facts = _write_posts(
            connection, [Post(i, n.office, n.designation) for i, n in zip(ids, batch, strict=True) if n.office], today
        )
        for course in courses:
            routes = [(i, n.route) for i, n in zip(ids, batch, strict=True)]
            facts += _write_enrolments(connection, routes, course, now, by)
        _write_entries(connection, chains, facts, now)
        heads = [{"subject": i, "number": chain.number, "hash": chain.hash} for i, chain in chains.items()]
        _insert(connection, LedgerHead, heads)
        written += ids
    return written


def open_posts(connection: Connection, posts: Sequence[Post], today: date, now: datetime) -> None:
    """Opens main postings, each with its ledger entry. Whoever had another must have had it closed before."""
    append_many(connection, _write_posts(connection, posts, today), now)


def enrol_many(
    connection: Connection, officers: Sequence[tuple[int, str]], course: Course, now: datetime, by: int | None
) -> None:
    """Enrols officers, given with the route of each, who are not enrolled in the course yet."""
    append_many(connection, _write_enrolments(connection, officers, course, now, by), now)


def append_many(connection: Connection, facts: Sequence[LedgerFact], now: datetime) -> None:
    """Adds entries to the chains of many officers, in the order given; see `ledger.append`. Raises OfficerErased."""
    for batch in batches(facts):
        chains = _lock_chains(connection, {officer_id for officer_id, *_ in batch})
        _write_entries(connection, chains, batch, now)
        _move_heads(connection, chains)


def _write_officers(connection: Connection, batch: Sequence[Newcomer], now: datetime) -> dict[int, _Chain]:
    """Writes officers with their names; gives the beginning of each one's chain, in order."""
    salts = [secrets.token_bytes(32) for _ in batch]
    rows = [
        {
            "email": n.email,
            "employee_number": n.employee_number,
            "language": n.language,
            "salt": salt,
            "created_at": now,
        }
        for n, salt in zip(batch, salts, strict=True)
    ]
    made = _insert(connection, Officer, rows, Officer.email, Officer.id)
    id_of = {row.email: row.id for row in made}
    chains = {id_of[n.email]: _Chain(0, START, salt) for n, salt in zip(batch, salts, strict=True)}
    names = [
        {"officer_id": i, "language": tag, "name": name, "is_primary": tag == n.primary}
        for i, n in zip(chains, batch, strict=True)
        for tag, name in n.names.items()
    ]
    _insert(connection, OfficerName, names)
    return chains


def _write_posts(connection: Connection, posts: Sequence[Post], today: date) -> list[LedgerFact]:
    if not posts:
        return []
    same = {"kind": "main", "since": today}
    rows = [{"officer_id": p.officer_id, "office_id": p.office[0], "designation": p.designation, **same} for p in posts]
    made = _insert(connection, Posting, rows, Posting.officer_id, Posting.id)
    posting_of = {row.officer_id: row.id for row in made}
    return [(p.officer_id, "posted", str(posting_of[p.officer_id]), _posted_facts(p, today)) for p in posts]


def _write_enrolments(
    connection: Connection, officers: Sequence[tuple[int, str]], course: Course, now: datetime, by: int | None
) -> list[LedgerFact]:
    if not officers:
        return []
    routes = {route: course.route(route).id for _, route in officers}
    first = {route: _first_standing(course, route, now) for route in routes}
    enrolments = [
        {"officer_id": i, "course": course.id, "route": routes[r], "assigned_by": by, "created_at": now}
        for i, r in officers
    ]
    standings = [{"officer_id": i, "course": course.id, **first[r]} for i, r in officers]
    _insert(connection, Enrolment, enrolments)
    _insert(connection, Standing, standings)
    _insert(connection, StandingHistory, standings)
    return [(i, "enrolled", course.id, {"course": course.id, "route": routes[r]}) for i, r in officers]


def _write_entries(
    connection: Connection, chains: Mapping[int, _Chain], facts: Sequence[LedgerFact], now: datetime
) -> None:
    """Writes entries and moves the chains on; keeping their new ends is left to the caller."""
    rows = []
    for officer_id, kind, reference, what in facts:
        chain = chains[officer_id]
        committed = commitment(chain.salt, what)
        entry = next_entry(officer_id, chain.number + 1, chain.hash, now, kind, reference, committed)
        chain.number, chain.hash = entry.number, entry.hash
        rows.append({name: getattr(entry, name) for name in _ENTRY})
    _insert(connection, Ledger, rows)


def _lock_chains(connection: Connection, officers: set[int]) -> dict[int, _Chain]:
    """The end of each chain with its officer's salt, locked in one order, so that two imports cannot wait for each
    other in a ring."""
    rows = connection.execute(
        select(LedgerHead.subject, LedgerHead.number, LedgerHead.hash, Officer.salt)
        .join(Officer, Officer.id == LedgerHead.subject)
        .where(LedgerHead.subject.in_(officers), Officer.salt.is_not(None))
        .order_by(LedgerHead.subject)
        .with_for_update(of=LedgerHead)
    )
    chains = {row.subject: _Chain(row.number, row.hash, row.salt or b"") for row in rows}
    if missing := officers - chains.keys():
        raise OfficerErased(min(missing))
    return chains


def _move_heads(connection: Connection, chains: Mapping[int, _Chain]) -> None:
    ends = [{"head_of": i, "new_number": chain.number, "new_hash": chain.hash} for i, chain in chains.items()]
    if connection.dialect.name != "postgresql":
        values: dict[str, Any] = {"number": bindparam("new_number"), "hash": bindparam("new_hash")}
        connection.execute(update(LedgerHead).where(LedgerHead.subject == bindparam("head_of")).values(**values), ends)
        return
    head = LedgerHead.__table__.c
    new = select(
        _unnested("head_of", head.subject), _unnested("new_number", head.number), _unnested("new_hash", head.hash)
    ).subquery()
    connection.execute(
        update(LedgerHead)
        .where(LedgerHead.subject == new.c.head_of)
        .values(number=new.c.new_number, hash=new.c.new_hash),
        {f"all_{name}": [end[name] for end in ends] for name in ends[0]},
    )


def _insert(connection: Connection, table: type[Base], rows: Sequence[Mapping[str, Any]], *wanted: Any) -> Any:
    """Inserts rows that all have the same columns; gives the `wanted` columns of what was inserted, in any order.

    PostgreSQL takes a batch as one array for each column, which is three times as fast as row after row.
    """
    if not rows:
        return ()
    statement = insert(table)
    if connection.dialect.name != "postgresql":
        return connection.execute(statement.returning(*wanted) if wanted else statement, rows)
    columns = [table.__table__.c[name] for name in rows[0]]
    arrays = select(*(_unnested(column.name, column) for column in columns))
    statement = statement.from_select(columns, arrays)
    return connection.execute(
        statement.returning(*wanted) if wanted else statement,
        {f"all_{column.name}": [row[column.name] for row in rows] for column in columns},
    )


def _unnested(name: str, column: Any) -> Any:
    """The values of one column, given as an array, as rows. Text without a length: a cast to one would cut what is
    too long, where an INSERT refuses it."""
    kind = Text() if isinstance(column.type, String) else column.type
    return func.unnest(bindparam(f"all_{name}", type_=ARRAY(kind))).label(name)


def _first_standing(course: Course, route: str, now: datetime) -> dict[str, Any]:
    found = status(course, course.route(route), Record())
    return {
        "state": found.state,
        "requirements_met": found.met,
        "requirements_total": found.total,
        "final_percent": found.final_percent,
        "evidence": found.evidence,
        "completed_at": None,
        "certificate": "",
        "at": now,
    }


def _posted_facts(post: Post, today: date) -> dict[str, Fact]:
    return {"office": post.office[1], "designation": post.designation, "since": today.isoformat(), "kind": "main"}
