"""Links that let an officer choose a password once: her first one, or another where she forgot hers."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, func, insert, select, update

from elearn.models.database import reading, writing
from elearn.models.people import Officer, OneTimeLink
from elearn.services import access_log, accounts, passwords, rights, throttle, tokens

FIRST_HOURS = 72
FORGOTTEN_HOURS = 2
LINKS_AN_HOUR = 3


class LinkNotGood(Exception):
    """A one-time link that is unknown, used or too old."""


def make(officer_id: int, now: datetime, hours: int = FIRST_HOURS, by: int | None = None, address: str = "") -> str:
    """A fresh token with which the officer can set her password once, within `hours`, and until her password, her
    roles or whether she may enter have changed. Raises NotAdministrator."""
    with writing() as connection:
        rights.begin_act(connection, officer_id, by, now)
        return _make(connection, officer_id, now, hours, address=address, by=by)


def make_for_forgotten(email: str, address: str, now: datetime) -> tuple[str, str] | None:
    """(e-mail, token) for somebody who forgot her password, or None where no link may be made: nobody has this e-mail,
    she is disabled, or there were three in the last hour. Takes the same steps in each case. Raises TooManyTries."""
    tried = throttle.link_try(address)
    with writing() as connection:
        throttle.refuse_if_delayed(connection, tried, now)
        throttle.failed(connection, tried, now)
        account = accounts.folded(email)
        officer_id, _ = accounts.entry_of(connection, account)
        if officer_id is None or not _may_be_made(connection, officer_id, now):
            access_log.note(connection, "link_refused", now, officer_id=officer_id, address=address)
            return None
        return account, _make(connection, officer_id, now, FORGOTTEN_HOURS, "forgotten", address)


def officer_of(token: str, now: datetime) -> int | None:
    """Whose link this is, or None when it is not good any more."""
    found = _of(token, now)
    return found[0] if found else None


def email_of(token: str, now: datetime) -> str | None:
    """The e-mail that the link's officer signs in with, or None when it is not good any more."""
    found = _of(token, now)
    return found[1] if found else None


def set_password(token: str, password: str, now: datetime, address: str = "") -> int:
    """Sets the password of whoever holds the link, and uses the link up: it, her other links and all her sign-ins
    end. Returns the officer. Raises LinkNotGood, WeakPassword (the link stays good then)."""
    officer_id = officer_of(token, now)
    if officer_id is None:
        raise LinkNotGood
    with reading() as connection:
        own = accounts.own_words(connection, officer_id)
    passwords.check_rules(password, own)
    fresh = passwords.hash_of(password)
    with writing() as connection:
        used = connection.execute(update(OneTimeLink).where(_is_good(token, now)).values(used_at=now)).rowcount
        if not used or not accounts.is_enabled(connection, officer_id):
            raise LinkNotGood
        accounts.keep_password(connection, officer_id, fresh, now, keep=None, address=address)
    return officer_id


def _make(
    connection: Connection,
    officer_id: int,
    now: datetime,
    hours: int,
    detail: str = "",
    address: str = "",
    by: int | None = None,
) -> str:
    token = tokens.fresh()
    row = {"token_hash": tokens.hash_of(token), "created_at": now, "expires_at": now + timedelta(hours=hours)}
    connection.execute(insert(OneTimeLink).values(officer_id=officer_id, **row))
    about = officer_id if by else None
    access_log.note(
        connection, "link_made", now, officer_id=by or officer_id, about=about, detail=detail, address=address
    )
    return token


def _may_be_made(connection: Connection, officer_id: int, now: datetime) -> bool:
    # Locks the officer's row, or two requests at once would each count the other out.
    connection.execute(select(Officer.id).where(Officer.id == officer_id).with_for_update())
    recent = select(func.count()).where(
        OneTimeLink.officer_id == officer_id,
        OneTimeLink.created_at > now - timedelta(hours=1),
        OneTimeLink.created_at <= now + throttle.CLOCK_SLACK,
    )
    return connection.execute(recent).scalar_one() < LINKS_AN_HOUR


def _of(token: str, now: datetime) -> tuple[int, str] | None:
    query = select(Officer.id, Officer.email).join(OneTimeLink, OneTimeLink.officer_id == Officer.id)
    with reading() as connection:
        row = connection.execute(query.where(_is_good(token, now), Officer.disabled_at.is_(None))).one_or_none()
    return (row.id, row.email or "") if row else None


def _is_good(token: str, now: datetime) -> Any:
    return (
        (OneTimeLink.token_hash == tokens.hash_of(token))
        & OneTimeLink.used_at.is_(None)
        & (OneTimeLink.expires_at > now)
        & (OneTimeLink.created_at <= now + throttle.CLOCK_SLACK)
    )
