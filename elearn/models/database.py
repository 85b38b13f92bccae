"""The one database: how it is opened, how a unit of work reads or writes, and the column types all tables share."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any

from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import BigInteger, Connection, DateTime, Engine, Integer, MetaData, Text, event, make_url, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine.interfaces import Dialect, ExceptionContext
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import DeclarativeBase
from sqlalchemy.types import TypeDecorator

BUSY_SECONDS = 20

# How a connection to PostgreSQL is looked after where the address does not say otherwise. A server that is gone without
# a word, as behind a cut line, is noticed within a minute.
POSTGRESQL_CONNECTS = {
    "application_name": "elearn",
    "connect_timeout": 10,
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 60_000,
}

# Failures that pass by themselves or with an operator's help, which PostgreSQL counts among its inner errors: it may
# only be read now; a transaction lay idle for too long.
PASSING = frozenset({"25006", "25P03"})

CLOSED = "closed: this database was moved to another"
"""What the triggers of a database say that has been moved; see services/moving.py."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How many seconds PostgreSQL gives a statement, a wait for a lock, and a transaction in which nothing happens."""

    statement: int
    lock: int
    idle_transaction: int


class Base(DeclarativeBase):
    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


db = SQLAlchemy(model_class=Base)

# SQLite numbers rows by itself only where the key is INTEGER, to the letter.
Id = BigInteger().with_variant(Integer, "sqlite")

# An empty text as a column's default, as SQLite itself tells it: written "", Alembic finds a difference for ever.
EMPTY = text("''")


class Moment(TypeDecorator[datetime]):
    """A moment, always aware and in UTC. SQLite keeps it as naive text, so the zone is put back when read."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a moment without a time zone cannot be kept")
        in_utc = value.astimezone(UTC)
        return in_utc.replace(tzinfo=None) if dialect.name == "sqlite" else in_utc

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Json(TypeDecorator[Any]):
    """A value kept as canonical JSON text: sorted keys, so that equal values are equal bytes on both engines."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        return None if value is None else json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:
        return None if value is None else json.loads(value)


@contextmanager
def reading(longest: int | None = None) -> Iterator[Connection]:
    """A connection that only reads. `longest` is how many seconds one of its statements may take where the usual limit
    is too short; 0 is without a limit."""
    with db.engine.connect() as connection:
        if longest is not None:
            allow(connection, longest)
        yield connection


@contextmanager
def snapshot(engine: Engine | None = None) -> Iterator[Connection]:
    """A connection that sees everything as it is at this one moment, however long it reads and whoever writes
    meanwhile. Nobody waits for it."""
    opened = (engine or db.engine).connect()
    if opened.dialect.name == "postgresql":
        # Named before the first statement, or it would be too late for this transaction.
        opened = opened.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
    with opened as connection, connection.begin():
        if connection.dialect.name == "sqlite":
            connection.exec_driver_sql("BEGIN")
            connection.exec_driver_sql("SELECT 1 FROM sqlite_master").first()  # the first read takes the snapshot
        else:
            allow(connection, 0)
        yield connection


@contextmanager
def writing() -> Iterator[Connection]:
    """One transaction that writes: committed as a whole on leaving, undone as a whole on an exception.

    On SQLite it takes the write lock at once: a transaction that reads first and then writes fails with
    "database is locked" as soon as somebody else has written meanwhile, however long it is willing to wait.
    """
    with db.engine.connect().execution_options(writes=True) as connection, connection.begin():
        yield connection


def open_engine_options(url: str, connections: int = 10) -> dict[str, Any]:
    """How Flask-SQLAlchemy opens the database behind `url`, with at most so many connections of this process. On SQLite
    they cost next to nothing, so there it is as many as there are threads."""
    if url.startswith("sqlite"):
        return {"connect_args": {"timeout": BUSY_SECONDS}, "pool_size": 20, "max_overflow": 40}
    asked = make_url(url).query
    connects = {name: value for name, value in POSTGRESQL_CONNECTS.items() if name not in asked}
    return {
        # Prepared statements do not survive PgBouncer's transaction mode.
        "connect_args": {**connects, "prepare_threshold": None},
        "pool_pre_ping": True,  # a restarted database leaves dead connections
        "pool_size": connections,
        "max_overflow": 0,
        "pool_timeout": BUSY_SECONDS,
    }


def allow(connection: Connection, seconds: int) -> None:
    """Gives this transaction so many seconds for each statement and each pause; 0 is without a limit."""
    if connection.dialect.name == "postgresql":
        connection.execute(_ALLOW, {"limit": f"{seconds}s"})


_ALLOW = text(
    "SELECT set_config('statement_timeout', :limit, true), "
    "set_config('idle_in_transaction_session_timeout', :limit, true)"
)


def keep_limits(connection: Connection, limits: Limits) -> None:
    """Writes the limits beside this role in this database, where every connection of it finds them when it begins.

    Not sent along with a connection, since PgBouncer passes no options on; and not said at the beginning of each
    transaction, which would cost a trip to the server each time. A role may always do this for itself.
    """
    database = connection.execute(text("SELECT quote_ident(current_database())")).scalar_one()
    for name, seconds in (
        ("statement_timeout", limits.statement),
        ("lock_timeout", limits.lock),
        ("idle_in_transaction_session_timeout", limits.idle_transaction),
    ):
        # Whole numbers and quoted names: a setting takes no parameters.
        connection.exec_driver_sql(f"ALTER ROLE CURRENT_USER IN DATABASE {database} SET {name} = '{seconds}s'")
        # This connection has begun already, and PgBouncer may keep it for others.
        connection.exec_driver_sql(f"SET {name} = '{seconds}s'")


@event.listens_for(Engine, "connect")
def _prepare_sqlite(connection: Any, _record: Any) -> None:
    if not isinstance(connection, sqlite3.Connection):
        return
    connection.isolation_level = None  # transactions begin where `writing` says, not where the driver guesses
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        f"busy_timeout={BUSY_SECONDS * 1000}",
        "recursive_triggers=ON",  # or REPLACE would slip past the ledger's DELETE trigger
    ):
        connection.execute(f"PRAGMA {pragma}")


@event.listens_for(Engine, "begin")
def _begin_sqlite(connection: Connection) -> None:
    if connection.dialect.name == "sqlite" and connection.get_execution_options().get("writes"):
        connection.exec_driver_sql("BEGIN IMMEDIATE")


@event.listens_for(Engine, "handle_error")
def _tell_what_passes(context: ExceptionContext) -> None:
    """What fails only now is an OperationalError, whatever its driver calls it: the one that callers need to know."""
    error = context.original_exception
    moved = isinstance(error, sqlite3.IntegrityError) and CLOSED in str(error)
    if moved or getattr(error, "sqlstate", None) in PASSING:
        raise OperationalError(context.statement, None, error, connection_invalidated=context.is_disconnect)


def insert(connection: Connection, table: Any) -> Any:
    """An INSERT that can say ON CONFLICT, in the dialect of this connection."""
    return _INSERTS[connection.dialect.name](table)


def insert_once(connection: Connection, table: Any, **values: Any) -> bool:
    """Inserts a row unless one with the same key is there already; says whether it was new."""
    statement = _insert_once(connection.dialect.name, table)
    # Only where it is asked to does SQLAlchemy look how many rows an INSERT made; else it says -1 on PostgreSQL.
    made = connection.execute(statement, values, execution_options={"preserve_rowcount": True})
    return made.rowcount == 1


def put(connection: Connection, table: Any, rows: list[dict[str, Any]], keys: tuple[str, ...], kept: str = "") -> None:
    """Inserts rows; where one with the same `keys` is there, it takes the new values, but for the column `kept`."""
    changed = tuple(name for name in rows[0] if name not in keys and name != kept)
    connection.execute(_put(connection.dialect.name, table, keys, changed), rows)


# Built once for each table: putting a statement together costs more than running it.
@cache
def _insert_once(dialect: str, table: Any) -> Any:
    return _INSERTS[dialect](table).on_conflict_do_nothing()


@cache
def _put(dialect: str, table: Any, keys: tuple[str, ...], changed: tuple[str, ...]) -> Any:
    statement = _INSERTS[dialect](table)
    return statement.on_conflict_do_update(
        index_elements=list(keys), set_={name: statement.excluded[name] for name in changed}
    )


_INSERTS: dict[str, Any] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}
