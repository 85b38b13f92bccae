"""Dangerous acts ask once more who is there: a sign-in counts as proved for ten minutes after password and code."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import select, update

from elearn.models.database import reading, writing
from elearn.models.people import Officer, Password, SignIn
from elearn.services import access_log, accounts, passwords, second_factor, throttle

HOLDS_FOR = timedelta(minutes=10)


class NotProved(Exception):
    """Password and code do not both fit, or the sign-in has ended. Nobody is told which of these it is."""


def is_fresh(sign_in_id: int, now: datetime) -> bool:
    """Whether this sign-in showed its password, and its code where there is one, within the last ten minutes."""
    query = select(SignIn.proved_at).where(SignIn.id == sign_in_id, SignIn.ended_at.is_(None))
    with reading() as connection:
        proved_at = connection.execute(query).scalar_one_or_none()
    # A moment in the future was written while the clock stood wrong.
    return proved_at is not None and -throttle.CLOCK_SLACK <= now - proved_at < HOLDS_FOR


def prove(officer_id: int, sign_in_id: int, password: str, code: str, address: str, now: datetime) -> None:
    """Shows password and code again, guessed at no more freely than at the door. Raises NotProved, TooManyTries."""
    with reading() as connection:
        email = connection.execute(select(Officer.email).where(Officer.id == officer_id)).scalar_one()
        tries = (throttle.sign_in_try(email or "", address), second_factor.try_of(officer_id, code, address))
        for tried in tries:
            throttle.refuse_if_delayed(connection, tried, now)
        kept = connection.execute(select(Password.hash).where(Password.officer_id == officer_id)).scalar_one_or_none()
    right, typed = passwords.matches(kept, password), second_factor.look_at(officer_id, code)
    with writing() as connection:
        for tried in tries:
            throttle.take_turn(connection, tried)
            throttle.refuse_if_delayed(connection, tried, now)
        if not right or not accounts.still_holds(connection, officer_id, kept):
            throttle.failed(connection, tries[0], now)
            access_log.note(connection, "sign_in_failed", now, officer_id=officer_id, address=address)
        elif not second_factor.fits_if_asked(connection, officer_id, typed, now):
            second_factor.failed(connection, tries[1], officer_id, address, now)
        else:
            mine = (SignIn.id == sign_in_id) & (SignIn.officer_id == officer_id) & SignIn.ended_at.is_(None)
            if connection.execute(update(SignIn).where(mine).values(proved_at=now)).rowcount != 1:
                raise NotProved
            access_log.note(connection, "proved", now, officer_id=officer_id, address=address)
            return
    raise NotProved
