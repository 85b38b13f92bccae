"""What the tables hold, for tests that look behind the services."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row, func, select

from elearn.domain.course import Course
from elearn.domain.ledger import START, Entry, next_entry
from elearn.domain.status import Status
from elearn.models.database import reading
from elearn.models.learning import Enrolment, Standing
from elearn.models.ledger import Ledger, LedgerHead
from elearn.models.people import Officer
from elearn.services import standing


def rows(table: Any, **where: object) -> list[Row[Any]]:
    """All rows of a table whose columns are as given, in the order of its key."""
    query = select(table.__table__).filter_by(**where).order_by(*table.__table__.primary_key.columns)
    with reading() as connection:
        return list(connection.execute(query))


def count(table: Any, **where: object) -> int:
    with reading() as connection:
        return int(connection.execute(select(func.count()).select_from(table).filter_by(**where)).scalar_one())


def chain(officer_id: int) -> list[Entry]:
    """The officer's ledger, oldest entry first."""
    return [Entry(**row._asdict()) for row in rows(Ledger, subject=officer_id)]


def broken_at(entries: list[Entry]) -> int | None:
    """The place of the first entry of one officer's chain that does not hold, oldest first; None when all hold.

    That the newest entries are missing shows only against the head that is kept elsewhere.
    """
    previous = START
    for number, e in enumerate(entries, start=1):
        if e != next_entry(entries[0].subject, number, previous, e.at, e.kind, e.reference, e.commitment):
            return number
        previous = e.hash
    return None


def kinds(officer_id: int) -> list[str]:
    return [entry.kind for entry in chain(officer_id)]


def head(officer_id: int) -> str:
    return str(rows(LedgerHead, subject=officer_id)[0].hash)


def salt(officer_id: int) -> bytes:
    return bytes(rows(Officer, id=officer_id)[0].salt)


def standing_of(officer_id: int) -> Row[Any]:
    return rows(Standing, officer_id=officer_id)[0]


def status_afresh(officer_id: int, course: Course) -> Status:
    """Where the officer stands by her records, whatever her standing says."""
    enrolment = rows(Enrolment, officer_id=officer_id, course=course.id)[0]
    with reading() as connection:
        return standing.read_status(connection, officer_id, course, enrolment.route, enrolment.exempted_at is not None)
