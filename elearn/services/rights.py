"""Who holds which role now, and whether whoever acts on an officer still may, in the transaction of the act itself."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ColumnElement, Connection, or_, select

from elearn.models.people import Officer, Role


class NotAdministrator(Exception):
    """Whoever acts is no administrator any more, or is shut out: it may have happened while she pressed the button."""


def holds_now(now: datetime) -> ColumnElement[bool]:
    """Of a role: that it has not ended yet."""
    return or_(Role.until.is_(None), Role.until > now)


def is_administrator(connection: Connection, officer_id: int, now: datetime) -> bool:
    query = select(Role.id).where(Role.officer_id == officer_id, Role.role == "administrator", holds_now(now))
    return connection.execute(query.limit(1)).first() is not None


def begin_act(connection: Connection, officer_id: int, by: int | None, now: datetime) -> bool:
    """Locks the officer, so that two acts on one officer follow each other; returns whether there is such an officer.

    Raises NotAdministrator unless `by`, where an administrator acts, is an enabled one still. She is locked too: of two
    who shut each other out at the same moment one comes second, and is refused. The rows are always locked in the same
    order, or each of the two would wait for the other.
    """
    ids = {officer_id} if by is None else {officer_id, by}
    query = select(Officer.id, Officer.disabled_at).where(Officer.id.in_(ids)).order_by(Officer.id)
    found = {row.id: row for row in connection.execute(query.with_for_update(key_share=True))}
    if by is not None and (
        by not in found or found[by].disabled_at is not None or not is_administrator(connection, by, now)
    ):
        raise NotAdministrator(by)
    return officer_id in found
