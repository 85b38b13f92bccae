"""How people enter: signing in and out, the one query behind every request, and passwords."""

from __future__ import annotations

import logging
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

from flask import current_app
from sqlalchemy import Connection, bindparam, insert, select, update
from sqlalchemy.exc import OperationalError

from config import Config
from elearn.domain.roles import Grant, RoleName, Viewer
from elearn.models.database import insert as insert_or
from elearn.models.database import reading, writing
from elearn.models.people import (
    Office,
    Officer,
    OfficerName,
    OneTimeLink,
    Password,
    Role,
    SignIn,
)
from elearn.services import access_log, half_sign_ins, passwords, rights, throttle, tokens
from elearn.services.passwords import WeakPassword
from elearn.services.spelling import LONGEST_EMAIL
from elearn.services.throttle import TooManyTries

__all__ = ["TooManyTries", "WeakPassword"]

log = logging.getLogger(__name__)

ADMINISTRATOR_IDLE = timedelta(minutes=15)
ADMINISTRATOR_LONGEST = timedelta(hours=4)
SEEN_EVERY = timedelta(minutes=5)


class WrongPair(Exception):
    """E-mail and password do not belong together. Nobody is told which of them is wrong, or whether there is such an
    account, whether it is disabled, or whether it has a password yet."""


class CodeNeeded(Exception):
    """The password is right, and this officer has a second factor: `half` is a token that opens nothing, and with
    which second_factor.finish_sign_in takes the code."""

    def __init__(self, half: str) -> None:
        super().__init__("a code is needed")
        self.half = half


class NoSuchSignIn(LookupError):
    """The officer has no sign-in of this number."""


@dataclass(frozen=True, slots=True)
class Account:
    """What an officer sees of herself on her account page."""

    email: str
    employee_number: str
    names: tuple[tuple[str, str], ...]  # (language tag, name), the primary one first
    language: str
    sign_ins: tuple[OpenSignIn, ...]


@dataclass(frozen=True, slots=True)
class OpenSignIn:
    """A sign-in that still holds, on some device."""

    id: int
    device: str
    created_at: datetime
    seen_at: datetime


def folded(email: str) -> str:
    """The one way an e-mail is written in our tables, so that no second spelling of it is a second account.

    Cut first: to normalise a long run of combining marks takes time that grows with its square.
    """
    return unicodedata.normalize("NFC", email[: 2 * LONGEST_EMAIL]).strip().casefold()


def sign_in(email: str, password: str, address: str, device: str, now: datetime) -> str:
    """Signs an officer in; returns the token that her browser keeps. Raises WrongPair, TooManyTries, CodeNeeded.

    The delay is looked at again once the password has been checked: of a thousand guesses sent at the same moment,
    those that were still waiting for their turn when the delay began are not answered, right or wrong.
    """
    account = folded(email)
    tried = throttle.sign_in_try(account, address)
    with reading() as connection:
        throttle.refuse_if_delayed(connection, tried, now)
        officer_id, kept = entry_of(connection, account)
    right = passwords.matches(kept, password)
    fresh = passwords.hash_of(password) if right and kept and passwords.is_outdated(kept) else None
    with writing() as connection:
        throttle.take_turn(connection, tried)
        throttle.refuse_if_delayed(connection, tried, now)
        if right and officer_id is not None and still_holds(connection, officer_id, kept):
            if fresh:
                connection.execute(update(Password).where(Password.officer_id == officer_id).values(hash=fresh))
            half = half_sign_ins.begin(connection, officer_id, address, now)
            if half is None:
                throttle.succeeded(connection, tried, now)
                access_log.note(connection, "sign_in", now, officer_id=officer_id, address=address)
                return open_sign_in(connection, officer_id, device, now, proved_at=now)
        else:
            half = None
            throttle.failed(connection, tried, now)
            access_log.note(connection, "sign_in_failed", now, officer_id=officer_id, address=address)
    if half:
        raise CodeNeeded(half)
    raise WrongPair


def sign_in_vouched(
    officer_id: int, how: str, address: str, device: str, now: datetime, proved_at: datetime | None = None
) -> str:
    """Signs in an officer whom somebody else than her password vouches for, `how` says who; returns the token that
    her browser keeps. `proved_at` is when she showed there who she is, None where that is not known.

    Raises WrongPair where she is shut out, CodeNeeded as at the other door.
    """
    with writing() as connection:
        if not is_enabled(connection, officer_id):
            raise WrongPair
        half = half_sign_ins.begin(connection, officer_id, address, now, half_sign_ins.vouched(proved_at))
        if half is None:
            access_log.note(connection, "sign_in", now, officer_id=officer_id, detail=how, address=address)
            return open_sign_in(connection, officer_id, device, now, proved_at)
    raise CodeNeeded(half)


# One statement, built once: it runs in every request. Several rows come where an officer has several roles. The
# moments are compared here rather than there: to bind one costs more than to read one.
_VIEWER = (
    select(
        SignIn.id,
        SignIn.officer_id,
        SignIn.created_at,
        SignIn.seen_at,
        SignIn.expires_at,
        Officer.language,
        OfficerName.name,
        OfficerName.language,
        Role.role,
        Role.until,
        Office.path,
    )
    .join(Officer, Officer.id == SignIn.officer_id)
    .outerjoin(OfficerName, (OfficerName.officer_id == Officer.id) & OfficerName.is_primary)
    .outerjoin(Role, Role.officer_id == Officer.id)
    .outerjoin(Office, Office.id == Role.office_id)
    .where(SignIn.token_hash == bindparam("token_hash"), SignIn.ended_at.is_(None), Officer.disabled_at.is_(None))
)


def viewer_of(token: str, now: datetime) -> Viewer | None:
    """Whoever this sign-in brings, or None when it has ended, expired, lain idle or belongs to somebody disabled.

    One query. Writes at most once in five minutes, that the sign-in is in use.
    """
    with reading() as connection:
        rows = connection.execute(_VIEWER, {"token_hash": tokens.hash_of(token)}).all()
    if not rows:
        return None
    sign_in_id, officer_id, created_at, seen_at, expires_at, language, name, name_language, first_role, _, _ = rows[0]
    # What was made while the clock stood wrong, in the far future, has limits that mean nothing.
    if expires_at <= now or max(created_at, seen_at) - now > throttle.CLOCK_SLACK:
        return None
    grants = _grants(rows, now) if first_role else ()
    if now - seen_at > _idle_limit(grants):
        return None
    if now - seen_at >= SEEN_EVERY:
        _see(sign_in_id, now)
    return Viewer(officer_id, sign_in_id, name or "", name_language or "en", language, grants)


def sign_out(token: str, now: datetime) -> None:
    """Ends one sign-in, at once and everywhere."""
    with writing() as connection:
        ended = connection.execute(
            update(SignIn)
            .where(SignIn.token_hash == tokens.hash_of(token), SignIn.ended_at.is_(None))
            .values(ended_at=now)
            .returning(SignIn.officer_id)
        ).scalar_one_or_none()
        if ended is not None:
            access_log.note(connection, "sign_out", now, officer_id=ended)


def end_sign_in(officer_id: int, sign_in_id: int, now: datetime, by: int | None = None, address: str = "") -> None:
    """Ends one of an officer's sign-ins, on whatever device; again is no harm. Raises NoSuchSignIn: somebody else's
    is left alone. `by` is the administrator who does it for her."""
    mine = (SignIn.id == sign_in_id) & (SignIn.officer_id == officer_id)
    with writing() as connection:
        if connection.execute(update(SignIn).where(mine, SignIn.ended_at.is_(None)).values(ended_at=now)).rowcount:
            about = officer_id if by else None
            access_log.note(connection, "sign_out", now, officer_id=by or officer_id, about=about, address=address)
        elif connection.execute(select(SignIn.id).where(mine)).first() is None:
            raise NoSuchSignIn(sign_in_id)


def end_all_sign_ins(
    officer_id: int, now: datetime, keep: int | None = None, by: int | None = None, address: str = ""
) -> int:
    """Ends every sign-in of an officer, but `keep`; returns how many it ended. `by` is the administrator who does it
    for her."""
    with writing() as connection:
        if by:
            access_log.note(connection, "sign_ins_ended", now, officer_id=by, about=officer_id, address=address)
        return end_sign_ins(connection, officer_id, now, keep)


def end_sign_ins(connection: Connection, officer_id: int, now: datetime, keep: int | None = None) -> int:
    """The same, inside the transaction of the act that is the reason for it."""
    return end_sign_ins_of(connection, [officer_id], now, keep)


def end_sign_ins_of(connection: Connection, officers: Sequence[int], now: datetime, keep: int | None = None) -> int:
    """The same for many officers. Who had only shown the password begins again."""
    half_sign_ins.end(connection, officers)
    theirs = SignIn.officer_id.in_(officers) & SignIn.ended_at.is_(None)
    if keep is not None:
        theirs &= SignIn.id != keep
    ended = connection.execute(update(SignIn).where(theirs).values(ended_at=now).returning(SignIn.officer_id))
    counts = Counter(ended.scalars())
    for officer_id, count in counts.items():
        access_log.note(connection, "sign_out", now, officer_id=officer_id, detail=f"{count} sign-ins ended")
    return counts.total()


def note_refusal(officer_id: int, path: str, address: str, now: datetime) -> None:
    """Keeps in the access log that an officer was refused a page."""
    with writing() as connection:
        access_log.note(connection, "refused", now, officer_id=officer_id, detail=path, address=address)


def account_of(officer_id: int, now: datetime) -> Account:
    """The officer's own e-mail, number, names and open sign-ins."""
    with reading() as connection:
        officer = connection.execute(
            select(Officer.email, Officer.employee_number, Officer.language).where(Officer.id == officer_id)
        ).one()
        names = connection.execute(
            select(OfficerName.language, OfficerName.name)
            .where(OfficerName.officer_id == officer_id)
            .order_by(OfficerName.is_primary.desc(), OfficerName.language)
        ).all()
        sign_ins = _open_sign_ins(connection, officer_id, now)
    return Account(
        officer.email or "",
        officer.employee_number or "",
        tuple((row.language, row.name) for row in names),
        officer.language,
        sign_ins,
    )


def sign_ins_of(officer_id: int, now: datetime) -> tuple[OpenSignIn, ...]:
    """Where an officer is signed in, the latest in use first."""
    with reading() as connection:
        return _open_sign_ins(connection, officer_id, now)


def change_password(officer_id: int, sign_in_id: int, current: str, password: str, address: str, now: datetime) -> None:
    """Replaces a password by its owner, who shows the current one; every other sign-in ends.

    Raises WrongPair, TooManyTries (the current password is guessed at no more freely here than at the door),
    WeakPassword.
    """
    with reading() as connection:
        own = own_words(connection, officer_id)
        tried = throttle.sign_in_try(own[0], address)
        throttle.refuse_if_delayed(connection, tried, now)
        kept = connection.execute(select(Password.hash).where(Password.officer_id == officer_id)).scalar_one_or_none()
    passwords.check_rules(password, own)
    right = passwords.matches(kept, current)
    fresh = passwords.hash_of(password) if right else ""
    with writing() as connection:
        throttle.take_turn(connection, tried)
        throttle.refuse_if_delayed(connection, tried, now)
        if right and still_holds(connection, officer_id, kept):
            keep_password(connection, officer_id, fresh, now, keep=sign_in_id, address=address)
            return
        throttle.failed(connection, tried, now)
        access_log.note(connection, "sign_in_failed", now, officer_id=officer_id, address=address)
    raise WrongPair


def set_password(officer_id: int, password: str, now: datetime, own: Iterable[str] = ()) -> None:
    """Sets a password without asking for anything: for demo people and for tests. Raises WeakPassword."""
    passwords.check_rules(password, own)
    fresh = passwords.hash_of(password)
    with writing() as connection:
        keep_password(connection, officer_id, fresh, now, keep=None)


def has_password(officer_id: int) -> bool:
    """Whether the officer has chosen a password yet."""
    with reading() as connection:
        return (
            connection.execute(select(Password.officer_id).where(Password.officer_id == officer_id)).first() is not None
        )


def _open_sign_ins(connection: Connection, officer_id: int, now: datetime) -> tuple[OpenSignIn, ...]:
    rows = connection.execute(
        select(SignIn.id, SignIn.device, SignIn.created_at, SignIn.seen_at)
        .where(SignIn.officer_id == officer_id, SignIn.ended_at.is_(None), SignIn.expires_at > now)
        .where(SignIn.seen_at > now - _idle_limit(()))
        .order_by(SignIn.seen_at.desc())
    )
    return tuple(OpenSignIn(*row) for row in rows)


def entry_of(connection: Connection, account: str) -> tuple[int | None, str | None]:
    """The enabled officer with this e-mail, and her password's hash. What cannot be an e-mail is not looked up: it
    may hold what a database refuses to read."""
    if not account.isascii() or not account.isprintable() or len(account) > LONGEST_EMAIL:
        account = ""
    row = connection.execute(
        select(Officer.id, Password.hash)
        .outerjoin(Password, Password.officer_id == Officer.id)
        .where(Officer.email == account, Officer.disabled_at.is_(None))
    ).one_or_none()
    return (row.id, row.hash) if row else (None, None)


def still_holds(connection: Connection, officer_id: int, kept: str | None) -> bool:
    """Whether the hash that was checked is still the officer's, now that nobody else can change it."""
    hash_now = connection.execute(
        select(Password.hash).where(Password.officer_id == officer_id).with_for_update()
    ).scalar_one_or_none()
    return hash_now is not None and hash_now == kept and is_enabled(connection, officer_id)


def is_enabled(connection: Connection, officer_id: int) -> bool:
    """Whether an officer may enter. Locks her row: whoever disables her, grants her a role or sets up a second factor
    meanwhile comes before this transaction or after it, never in the midst of it."""
    query = select(Officer.id).where(Officer.id == officer_id, Officer.disabled_at.is_(None))
    return connection.execute(query.with_for_update(key_share=True)).scalar_one_or_none() is not None


def open_sign_in(
    connection: Connection, officer_id: int, device: str, now: datetime, proved_at: datetime | None
) -> str:
    """A fresh sign-in of somebody who has just shown all that is asked of her; returns its token. It counts as proved
    since `proved_at`."""
    token = tokens.fresh()
    longest = timedelta(hours=_config().longest_hours)
    if rights.is_administrator(connection, officer_id, now):
        longest = min(longest, ADMINISTRATOR_LONGEST)
    row = {
        "officer_id": officer_id,
        "token_hash": tokens.hash_of(token),
        "device": access_log.one_line(device, 200),
        "created_at": now,
        "seen_at": now,
        "expires_at": now + longest,
        "proved_at": proved_at,
    }
    connection.execute(insert(SignIn).values(**row))
    return token


def _idle_limit(grants: tuple[Grant, ...]) -> timedelta:
    idle = timedelta(minutes=_config().idle_minutes)
    return min(idle, ADMINISTRATOR_IDLE) if any(grant.role == "administrator" for grant in grants) else idle


def _grants(rows: Sequence[Any], now: datetime) -> tuple[Grant, ...]:
    """The roles that hold now, from what _VIEWER brought."""
    live = ((role, path) for *_, role, until, path in rows if until is None or until > now)
    return tuple(Grant(cast(RoleName, role), path or "") for role, path in live)


def _see(sign_in_id: int, now: datetime) -> None:
    still = (SignIn.id == sign_in_id) & SignIn.ended_at.is_(None) & (SignIn.seen_at <= now - SEEN_EVERY)
    try:
        with writing() as connection:
            connection.execute(update(SignIn).where(still).values(seen_at=now))
    except OperationalError as error:
        # A full disk or a busy database must not close the lessons to whoever only reads.
        log.warning("could not note that sign-in %s is in use: %s", sign_in_id, error.orig)


def keep_password(
    connection: Connection, officer_id: int, fresh: str, now: datetime, keep: int | None, address: str = ""
) -> None:
    values: dict[str, Any] = {"hash": fresh, "set_at": now}
    statement = insert_or(connection, Password).values(officer_id=officer_id, **values)
    connection.execute(statement.on_conflict_do_update(index_elements=["officer_id"], set_=values))
    void_links(connection, officer_id, now)
    end_sign_ins(connection, officer_id, now, keep)
    access_log.note(connection, "password_set", now, officer_id=officer_id, address=address)


def void_links(connection: Connection, officer_id: int, now: datetime) -> None:
    """Makes the officer's unused one-time links void: what they were handed out for is over, or she is another by
    now. Inside the transaction of the act that is the reason for it."""
    unused = (OneTimeLink.officer_id == officer_id) & OneTimeLink.used_at.is_(None)
    connection.execute(update(OneTimeLink).where(unused).values(used_at=now))


def own_words(connection: Connection, officer_id: int) -> list[str]:
    """The officer's e-mail, number and names: what her password must not be. The e-mail comes first."""
    officer = connection.execute(select(Officer.email, Officer.employee_number).where(Officer.id == officer_id)).one()
    names = connection.execute(select(OfficerName.name).where(OfficerName.officer_id == officer_id)).scalars()
    return [officer.email or "", officer.employee_number or "", *names]


def _config() -> Config:
    config: Config = current_app.config["ELEARN"]
    return config
