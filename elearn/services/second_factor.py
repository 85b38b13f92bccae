"""Second factors: codes from a phone (TOTP, RFC 6238), recovery codes for a lost one, and sign-ins in two steps."""

from __future__ import annotations

import logging
import secrets
import unicodedata
from base64 import b32decode, b32encode
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

import pyotp
from flask import current_app
from sqlalchemy import Connection, delete, func, insert, select, update

from elearn.models.database import insert as insert_or
from elearn.models.database import reading, writing
from elearn.models.people import Officer, RecoveryCode, SecondFactor
from elearn.services import access_log, accounts, half_sign_ins, passwords, rights, sealing, throttle
from elearn.services.throttle import Try

log = logging.getLogger(__name__)

PERIOD = 30  # seconds that a code is shown
STEPS_OFF = (-1, 0, 1)  # RFC 6238, 5.2: one step for a slow line or a clock a little off
RECOVERY_CODES = 10
LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's: none can be read as another
LABEL, REST = 4, 12  # 60 random bits behind the label
LONGEST_TYPED = 60
WAITS = timedelta(minutes=10)  # for its first code, from when it was begun

_READ_AS = str.maketrans("OIL", "011")


class WrongCode(Exception):
    """The code does not fit: wrong, used before, or too old. Nobody is told which."""


class HalfGone(Exception):
    """The password was shown too long ago, or elsewhere; it is asked again."""


class NotBegun(LookupError):
    """There is no second factor that waits for its first code in this sign-in, or it has waited too long."""


class AlreadySetUp(Exception):
    """There is a confirmed second factor: it is turned off before another one is set up."""


@dataclass(frozen=True, slots=True)
class State:
    """How an officer's second factor stands."""

    set_up_at: datetime | None = None
    codes_left: int = 0


@dataclass(frozen=True, slots=True)
class Setting:
    """What a phone needs to make codes: the secret in letters, and the address that its app reads from a picture."""

    secret: str
    address: str


@dataclass(frozen=True, slots=True)
class Typed:
    """A code as it was typed, and the recovery code's hash that it matched, looked up before the transaction since
    that takes as long as a password does."""

    text: str
    label: str = ""
    kept: str = ""


def state_of(officer_id: int) -> State:
    with reading() as connection:
        confirmed_at = connection.execute(
            select(SecondFactor.confirmed_at).where(SecondFactor.officer_id == officer_id)
        ).scalar_one_or_none()
        unused = (RecoveryCode.officer_id == officer_id) & RecoveryCode.used_at.is_(None)
        left = connection.execute(select(func.count()).where(unused)).scalar_one()
    return State(confirmed_at, left)


def is_set_up(officer_id: int) -> bool:
    with reading() as connection:
        return _is_confirmed(connection, officer_id)


def begin(officer_id: int, sign_in_id: int, now: datetime) -> None:
    """A new secret, which counts for nothing until a first code confirms it in this same sign-in: whoever else is
    signed in as her, on a device she left somewhere, neither sees it nor takes it over. Raises AlreadySetUp."""
    sealed = sealing.seal(b32decode(pyotp.random_base32()), _waiting_place(officer_id, sign_in_id))
    with writing() as connection:
        accounts.is_enabled(connection, officer_id)  # waits for whoever works on her second factor just now
        if _is_confirmed(connection, officer_id):
            raise AlreadySetUp
        connection.execute(delete(SecondFactor).where(SecondFactor.officer_id == officer_id))
        connection.execute(insert(SecondFactor).values(officer_id=officer_id, sealed=sealed, created_at=now))


def setting_of(officer_id: int, sign_in_id: int, now: datetime) -> Setting:
    """What waits to be put into a phone. Raises NotBegun, also once it is confirmed: it is shown no more then."""
    with reading() as connection:
        secret = _waiting_secret(connection, officer_id, sign_in_id, now)
        email = connection.execute(select(Officer.email).where(Officer.id == officer_id)).scalar_one_or_none()
    totp, organisation = _totp(secret), current_app.config["ELEARN"].organisation
    return Setting(totp.secret, totp.provisioning_uri(name=email or str(officer_id), issuer_name=organisation))


def confirm(officer_id: int, sign_in_id: int, code: str, address: str, now: datetime) -> tuple[str, ...]:
    """Takes the first code: from now on one is asked at every sign-in, and all other sign-ins end. Returns the
    recovery codes, which are shown this once. Raises NotBegun, WrongCode, TooManyTries."""
    tried = throttle.code_try(officer_id)
    fresh, hashes = _fresh_codes()
    with writing() as connection:
        throttle.take_turn(connection, tried)
        throttle.refuse_if_delayed(connection, tried, now)
        if not accounts.is_enabled(connection, officer_id):
            raise NotBegun
        secret = _waiting_secret(connection, officer_id, sign_in_id, now)
        step = _step_of(_totp(secret), _plain(code), now)
        if step is not None:
            throttle.succeeded(connection, tried, now)
            # From here on it is hers wherever she signs in.
            values = {"sealed": sealing.seal(secret, _place(officer_id)), "confirmed_at": now, "last_step": step}
            connection.execute(update(SecondFactor).where(SecondFactor.officer_id == officer_id).values(**values))
            _keep_codes(connection, officer_id, hashes)
            accounts.end_sign_ins(connection, officer_id, now, keep=sign_in_id)
            access_log.note(connection, "factor_set", now, officer_id=officer_id, address=address)
        else:
            failed(connection, tried, officer_id, address, now)
    if step is None:
        raise WrongCode
    return fresh


def fresh_recovery_codes(officer_id: int, address: str, now: datetime) -> tuple[str, ...]:
    """Ten new ones in the place of those before. Raises NotBegun where there is no second factor."""
    fresh, hashes = _fresh_codes()
    with writing() as connection:
        accounts.is_enabled(connection, officer_id)
        if not _is_confirmed(connection, officer_id):
            raise NotBegun
        _keep_codes(connection, officer_id, hashes)
        access_log.note(connection, "recovery_codes_made", now, officer_id=officer_id, address=address)
    return fresh


def turn_off(officer_id: int, sign_in_id: int, address: str, now: datetime) -> None:
    """By its owner; her other sign-ins end. Turned off already is no harm."""
    with writing() as connection:
        accounts.is_enabled(connection, officer_id)
        if _take_away(connection, officer_id):
            accounts.end_sign_ins(connection, officer_id, now, keep=sign_in_id)
            access_log.note(connection, "factor_off", now, officer_id=officer_id, address=address)


def reset(officer_id: int, now: datetime, by: int | None = None, address: str = "") -> bool:
    """By an administrator, for a lost device: all her sign-ins end, and the password alone lets her in until she sets
    up another one. Returns whether there was one. Raises NotAdministrator."""
    with writing() as connection:
        rights.begin_act(connection, officer_id, by, now)
        if not _take_away(connection, officer_id):
            return False
        accounts.end_sign_ins(connection, officer_id, now)
        detail = f"officer {officer_id}"
        access_log.note(
            connection, "factor_reset", now, officer_id=by, about=officer_id, detail=detail, address=address
        )
    return True


def is_half_signed_in(half: str, now: datetime) -> bool:
    """Whether this token still waits for its code."""
    with reading() as connection:
        return half_sign_ins.officer_of(connection, half, now) is not None


def finish_sign_in(half: str, code: str, address: str, device: str, now: datetime) -> str:
    """The second step: takes the code and opens a sign-in; returns its token. Raises HalfGone, WrongCode,
    TooManyTries. Of two at once with the same code one is let in."""
    with reading() as connection:
        officer_id = half_sign_ins.officer_of(connection, half, now)
        if officer_id is None:
            raise HalfGone
        tried = try_of(officer_id, code, address)
        throttle.refuse_if_delayed(connection, tried, now)
        email = connection.execute(select(Officer.email).where(Officer.id == officer_id)).scalar_one_or_none()
    typed = look_at(officer_id, code)
    with writing() as connection:
        throttle.take_turn(connection, tried)
        throttle.refuse_if_delayed(connection, tried, now)
        if not accounts.is_enabled(connection, officer_id) or not _is_confirmed(connection, officer_id):
            raise HalfGone
        right = _fits(connection, officer_id, typed, now)
        if right:
            if not half_sign_ins.use_up(connection, half):
                raise HalfGone
            throttle.succeeded(connection, tried, now)
            throttle.succeeded(connection, throttle.sign_in_try(email or "", address), now)
            access_log.note(connection, "sign_in", now, officer_id=officer_id, detail="with a code", address=address)
            return accounts.open_sign_in(connection, officer_id, device, now, half_sign_ins.proved_at(half, now))
        failed(connection, tried, officer_id, address, now)
    raise WrongCode


def try_of(officer_id: int, code: str, address: str) -> Try:
    """What a code as it was typed counts against, if it fails: by its form it can only be of one kind."""
    is_recovery = len(_plain(code)) == LABEL + REST
    return throttle.recovery_try(officer_id, address) if is_recovery else throttle.code_try(officer_id)


def look_at(officer_id: int, code: str) -> Typed:
    """Reads a code as it was typed. What cannot come from a phone is compared with the recovery codes, at the same
    cost whether there is one with this label or not."""
    text = _plain(code)
    if len(text) != LABEL + REST:
        return Typed(text)
    label = text[:LABEL]
    this = (RecoveryCode.officer_id == officer_id) & (RecoveryCode.label == label) & RecoveryCode.used_at.is_(None)
    with reading() as connection:
        kept = connection.execute(select(RecoveryCode.hash).where(this)).scalar_one_or_none()
    return Typed(text, label, kept or "") if passwords.matches(kept, text) else Typed(text)


def fits_if_asked(connection: Connection, officer_id: int, typed: Typed, now: datetime) -> bool:
    """Whether the code is good, and uses it up; true where the officer has no second factor."""
    return not _is_confirmed(connection, officer_id) or _fits(connection, officer_id, typed, now)


def failed(connection: Connection, tried: Try, officer_id: int, address: str, now: datetime) -> None:
    """Counts a code that did not fit."""
    throttle.failed(connection, tried, now)
    access_log.note(connection, "code_failed", now, officer_id=officer_id, address=address)


def _fits(connection: Connection, officer_id: int, typed: Typed, now: datetime) -> bool:
    if typed.kept:
        return _uses_recovery_code(connection, officer_id, typed, now)
    row = connection.execute(
        select(SecondFactor.sealed, SecondFactor.last_step)
        .where(SecondFactor.officer_id == officer_id)
        .with_for_update()
    ).one_or_none()
    if row is None:
        return False
    try:
        step = _step_of(_totp(sealing.unseal(row.sealed, _place(officer_id))), typed.text, now)
    except sealing.SealBroken:
        log.error("the second factor of officer %s cannot be read: was ELEARN_SECRET_KEY changed?", officer_id)
        return False
    # Only ever forward, also where the clock was set back: a code seen yesterday stays used.
    if step is None or step <= row.last_step:
        return False
    connection.execute(update(SecondFactor).where(SecondFactor.officer_id == officer_id).values(last_step=step))
    return True


def _step_of(totp: pyotp.TOTP, code: str, now: datetime) -> int | None:
    """Which half minute the code belongs to, if to one that counts now. All are compared, in constant time."""
    present = int(now.timestamp()) // PERIOD
    steps = [present + off for off in STEPS_OFF]
    found = [step for step in steps if secrets.compare_digest(totp.generate_otp(step).encode(), code.encode())]
    return found[-1] if found else None


def _uses_recovery_code(connection: Connection, officer_id: int, typed: Typed, now: datetime) -> bool:
    this = (RecoveryCode.officer_id == officer_id) & (RecoveryCode.label == typed.label)
    unused = (RecoveryCode.hash == typed.kept) & RecoveryCode.used_at.is_(None)
    if not connection.execute(update(RecoveryCode).where(this, unused).values(used_at=now)).rowcount:
        return False
    access_log.note(connection, "recovery_code_used", now, officer_id=officer_id)
    return True


def _is_confirmed(connection: Connection, officer_id: int) -> bool:
    query = select(SecondFactor.officer_id).where(SecondFactor.officer_id == officer_id)
    return connection.execute(query.where(SecondFactor.confirmed_at.is_not(None))).first() is not None


def _waiting_secret(connection: Connection, officer_id: int, sign_in_id: int, now: datetime) -> bytes:
    """Raises NotBegun, also where another sign-in has begun it: the seal does not open for this one."""
    row = connection.execute(
        select(SecondFactor.sealed, SecondFactor.created_at).where(
            SecondFactor.officer_id == officer_id, SecondFactor.confirmed_at.is_(None)
        )
    ).one_or_none()
    # A moment in the future was written while the clock stood wrong.
    if row is None or not -throttle.CLOCK_SLACK <= now - row.created_at < WAITS:
        raise NotBegun
    try:
        return sealing.unseal(row.sealed, _waiting_place(officer_id, sign_in_id))
    except sealing.SealBroken as broken:
        raise NotBegun from broken


def _take_away(connection: Connection, officer_id: int) -> bool:
    connection.execute(delete(RecoveryCode).where(RecoveryCode.officer_id == officer_id))
    gone = connection.execute(delete(SecondFactor).where(SecondFactor.officer_id == officer_id))
    return gone.rowcount > 0


def _fresh_codes() -> tuple[tuple[str, ...], dict[str, str]]:
    """(the codes as they are shown, their hashes by label)"""
    codes: dict[str, str] = {}
    while len(codes) < RECOVERY_CODES:
        code = "".join(secrets.choice(LETTERS) for _ in range(LABEL + REST))
        codes[code[:LABEL]] = code
    shown = tuple("-".join(code[i : i + 4] for i in range(0, LABEL + REST, 4)) for code in codes.values())
    # As many random bits as these have are hashed as passwords are (ASVS 5.0, 6.5.2).
    return shown, {label: passwords.hash_of(code) for label, code in codes.items()}


def _keep_codes(connection: Connection, officer_id: int, hashes: dict[str, str]) -> None:
    connection.execute(delete(RecoveryCode).where(RecoveryCode.officer_id == officer_id))
    rows: Iterable[dict[str, object]] = (
        {"officer_id": officer_id, "label": label, "hash": kept} for label, kept in hashes.items()
    )
    connection.execute(insert_or(connection, RecoveryCode), list(rows))


def _totp(secret: bytes) -> pyotp.TOTP:
    return pyotp.TOTP(b32encode(secret).decode(), interval=PERIOD)


def _place(officer_id: int) -> str:
    return f"second factor of officer {officer_id}"


def _waiting_place(officer_id: int, sign_in_id: int) -> str:
    return f"{_place(officer_id)}, waiting in sign-in {sign_in_id}"


def _plain(code: str) -> str:
    """A code without what people put between its signs: figures of any script are figures, O is 0, I and L are 1."""
    text = unicodedata.normalize("NFKC", code[:LONGEST_TYPED]).upper()
    kept = "".join(c for c in text if not c.isspace() and c != "-")
    if len(kept) == LABEL + REST:
        kept = kept.translate(_READ_AS)
    kept = "".join(str(unicodedata.decimal(c, c)) for c in kept)
    return kept if kept.isascii() and kept.isalnum() else ""
