"""Slows down whoever guesses passwords or codes: a delay that grows with each failure and never becomes a lock.

An account is delayed for one address at a time, so that a stranger cannot keep an officer out of her own office.
Two looser limits stand behind that: one for an account from anywhere, and one for an address whatever the account,
which a whole office shares. Neither holds where the officer has signed in lately: what others do must not keep her
out. Only failures count.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from ipaddress import IPv6Address, ip_address, ip_network
from math import ceil

from sqlalchemy import Connection, delete, func, select, update

from elearn.models.database import insert as insert_or
from elearn.models.people import Throttle

CLOCK_SLACK = timedelta(minutes=5)
KNOWN_FOR = timedelta(days=30)
KEPT_FOR = timedelta(days=2)


class TooManyTries(Exception):
    """Too many failures: the next try is looked at only after `retry_after` seconds, right or wrong."""

    def __init__(self, retry_after: int) -> None:
        super().__init__(f"try again in {retry_after} seconds")
        self.retry_after = retry_after


@dataclass(frozen=True, slots=True)
class Limit:
    """From the `free`-th failure on, the next try waits `first` seconds, then twice that, up to `longest`. One
    failure is forgotten every `forgets` seconds, and by a success all of them, or half where it `halves`."""

    kind: str
    free: int
    first: int
    longest: int
    forgets: int
    halves: bool = False


PAIR = Limit("account and address", free=5, first=30, longest=900, forgets=600)
ACCOUNT = Limit("account", free=50, first=30, longest=900, forgets=600)
ADDRESS = Limit("address", free=100, first=10, longest=300, forgets=6)  # a hundred in ten minutes
LINKS = Limit("links asked for", free=100, first=10, longest=300, forgets=6)
# Only who has the password comes so far, so no stranger can keep an officer out by it, and the address is not asked.
# In the long run one code an hour can be tried. Of a million codes three are good at a time, so that somebody who has
# the password and is at it for a year finds one with odds of 3 in 100; and each time that the officer herself enters,
# six tries more than that, which with two sign-ins a working day makes 4 in 100. Each leaves a line in the access log.
CODE = Limit("code of the second factor", free=5, first=30, longest=3600, forgets=3600, halves=True)
# With 60 random bits nobody guesses one, from however many addresses. Counted apart, and for each address, so that who
# has the password and fails on purpose cannot keep its owner from the way in that she has left.
RECOVERY = Limit("recovery code", free=5, first=30, longest=3600, forgets=3600, halves=True)
_KNOWN = "known here"


@dataclass(frozen=True, slots=True)
class Try:
    """What one try counts against: each limit with the value it holds for, the strictest first. `at_home` is who
    asks from where; once that has signed in, only the first limit holds."""

    counts: tuple[tuple[Limit, str], ...]
    at_home: str = ""


def sign_in_try(account: str, address: str) -> Try:
    network = network_of(address)
    pair = f"{account}\n{network}"
    return Try(((PAIR, pair), (ACCOUNT, account), (ADDRESS, network)), pair)


def link_try(address: str) -> Try:
    return Try(((LINKS, network_of(address)),))


def code_try(officer_id: int) -> Try:
    return Try(((CODE, str(officer_id)),), f"code\n{officer_id}")


def recovery_try(officer_id: int, address: str) -> Try:
    value = f"{officer_id}\n{network_of(address)}"
    return Try(((RECOVERY, value),), f"recovery code\n{value}")


def network_of(address: str) -> str:
    """The address as it is counted: one IPv6 customer holds a /64, so all of that is one."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    if not isinstance(parsed, IPv6Address):
        return str(parsed)
    return str(parsed.ipv4_mapped or ip_network((parsed, 64), strict=False))


def keys_of(account: str) -> tuple[str, ...]:
    """The rows that stand for an account wherever it was tried from; those of one address cannot be told apart from
    others, and go by themselves."""
    return (_key(ACCOUNT.kind, account),)


def take_turn(connection: Connection, tried: Try) -> None:
    """Makes tries of the same one at the same door wait for each other until the transaction ends, so that of many
    at the same moment none is judged before the failures of the others are counted. SQLite's writers always do."""
    if connection.dialect.name == "postgresql":
        number = int.from_bytes(bytes.fromhex(_key("turn", tried.at_home))[:8], signed=True)
        connection.execute(select(func.pg_advisory_xact_lock(number)))


def refuse_if_delayed(connection: Connection, tried: Try, now: datetime) -> None:
    """Raises TooManyTries while the try must wait."""
    wait = seconds_to_wait(connection, tried, now)
    if wait:
        raise TooManyTries(wait)


def seconds_to_wait(connection: Connection, tried: Try, now: datetime) -> int:
    """How long a try must still wait; 0 when it may go ahead."""
    home = _key(_KNOWN, tried.at_home)
    keys = [(limit, _key(limit.kind, value)) for limit, value in tried.counts]
    query = select(Throttle.key, Throttle.last_at, Throttle.free_at).where(
        Throttle.key.in_([home, *(key for _, key in keys)])
    )
    rows = {row.key: row for row in connection.execute(query)}
    if home in rows and now < rows[home].free_at <= now + KNOWN_FOR + CLOCK_SLACK:
        keys = keys[:1]
    return max((_wait(rows[key].last_at, rows[key].free_at, now) for _, key in keys if key in rows), default=0)


def failed(connection: Connection, tried: Try, now: datetime) -> None:
    """Counts one failure against every limit of the try."""
    _forget_old(connection, now)
    for limit, value in tried.counts:
        key = _key(limit.kind, value)
        fresh = {"key": key, "failures": 0, "last_at": now, "free_at": now}
        connection.execute(insert_or(connection, Throttle).values(**fresh).on_conflict_do_nothing())
        row = connection.execute(
            select(Throttle.failures, Throttle.last_at).where(Throttle.key == key).with_for_update()
        ).one()
        failures = _remembered(row.failures, row.last_at, limit, now) + 1
        free_at = now + timedelta(seconds=_delay(limit, failures))
        connection.execute(
            update(Throttle).where(Throttle.key == key).values(failures=failures, last_at=now, free_at=free_at)
        )


def succeeded(connection: Connection, tried: Try, now: datetime) -> None:
    """Forgets the failures of this account at this address, or half of them, and remembers that its owner signs in
    from there."""
    limit, value = tried.counts[0]
    if limit.halves:
        _halve(connection, limit, _key(limit.kind, value), now)
    else:
        connection.execute(delete(Throttle).where(Throttle.key == _key(limit.kind, value)))
    values = {"failures": 0, "last_at": now, "free_at": now + KNOWN_FOR}
    statement = insert_or(connection, Throttle).values(key=_key(_KNOWN, tried.at_home), **values)
    connection.execute(statement.on_conflict_do_update(index_elements=["key"], set_=values))


def _halve(connection: Connection, limit: Limit, key: str, now: datetime) -> None:
    """Of the failures before a success not all are its owner's: some may be those of somebody who goes on guessing."""
    query = select(Throttle.failures, Throttle.last_at).where(Throttle.key == key).with_for_update()
    row = connection.execute(query).one_or_none()
    if row:
        left = _remembered(row.failures, row.last_at, limit, now) // 2
        values = {"failures": left, "last_at": now, "free_at": now}
        connection.execute(update(Throttle).where(Throttle.key == key).values(**values))


def _forget_old(connection: Connection, now: datetime) -> None:
    """Rows that no longer matter, a few at a time; those that another try is just looking at are left to it."""
    old = select(Throttle.key).where(Throttle.free_at < now - KEPT_FOR).limit(100).with_for_update(skip_locked=True)
    connection.execute(delete(Throttle).where(Throttle.key.in_(old)))


def _key(kind: str, value: str) -> str:
    return sha256(f"{kind}\n{value}".encode("utf-8", "surrogatepass")).hexdigest()


def _wait(last_at: datetime, free_at: datetime, now: datetime) -> int:
    seconds = ceil((free_at - now).total_seconds())
    # A moment further off than the delay that was given was written while the clock stood wrong.
    return seconds if 0 < seconds <= ceil((free_at - last_at).total_seconds()) else 0


def _remembered(failures: int, last_at: datetime, limit: Limit, now: datetime) -> int:
    if last_at > now + CLOCK_SLACK:
        return 0
    return max(0, failures - int(max(0.0, (now - last_at).total_seconds()) / limit.forgets))


def _delay(limit: Limit, failures: int) -> int:
    over = failures - limit.free
    return 0 if over < 0 else min(limit.longest, limit.first * 2 ** min(over, 16))
