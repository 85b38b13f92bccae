"""Sign-ins of which the password was right and the code is still to come: they open nothing, and not for long."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, delete, insert, select

from elearn.models.people import HalfSignIn, SecondFactor
from elearn.services import access_log, throttle, tokens

LASTS = timedelta(minutes=10)


def begin(connection: Connection, officer_id: int, address: str, now: datetime, mark: str = "") -> str | None:
    """A token for whoever has just shown the right password and has a second factor; None where no code is asked.
    `mark` is that of somebody whom another vouches for: see `vouched`."""
    confirmed = (SecondFactor.officer_id == officer_id) & SecondFactor.confirmed_at.is_not(None)
    if connection.execute(select(SecondFactor.officer_id).where(confirmed)).first() is None:
        return None
    past = (HalfSignIn.officer_id == officer_id) & (HalfSignIn.expires_at <= now)
    connection.execute(delete(HalfSignIn).where(past))
    token = tokens.fresh() + mark
    row = {"token_hash": tokens.hash_of(token), "created_at": now, "expires_at": now + LASTS}
    connection.execute(insert(HalfSignIn).values(officer_id=officer_id, **row))
    access_log.note(connection, "code_asked", now, officer_id=officer_id, address=address)
    return token


def officer_of(connection: Connection, token: str, now: datetime) -> int | None:
    """Whose it is, or None when it is unknown, used or too old, or was made while the clock stood wrong."""
    return connection.execute(
        select(HalfSignIn.officer_id).where(
            HalfSignIn.token_hash == tokens.hash_of(token),
            HalfSignIn.expires_at > now,
            HalfSignIn.created_at <= now + throttle.CLOCK_SLACK,
        )
    ).scalar_one_or_none()


def vouched(proved_at: datetime | None) -> str:
    """How the token of somebody ends who showed no password here, but at that moment, or at none that is known, who
    she is elsewhere. Nobody can write it anew: what is kept of the token is the hash of all of it."""
    return f".{int(proved_at.timestamp())}" if proved_at else "."


def proved_at(token: str, now: datetime) -> datetime | None:
    """What the sign-in that the code brings counts as proved since, by a token that is good."""
    _random, is_vouched, moment = token.partition(".")
    if not is_vouched:
        return now
    return datetime.fromtimestamp(int(moment), UTC) if moment else None


def use_up(connection: Connection, token: str) -> bool:
    """Takes it away; says whether it was still there, so that of two at once only one goes on."""
    gone = delete(HalfSignIn).where(HalfSignIn.token_hash == tokens.hash_of(token))
    return connection.execute(gone).rowcount == 1


def end(connection: Connection, officers: Sequence[int]) -> None:
    """Takes all of these officers' away."""
    connection.execute(delete(HalfSignIn).where(HalfSignIn.officer_id.in_(officers)))
