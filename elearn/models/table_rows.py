"""Rows of any table in one form on both engines: as lines of JSON out of one, and out of such lines into either.

What a table holds is asked of the database, not of the models, so that rows of an older version travel as well.
Moments are UTC with microseconds, bytes are base64, rows stand in the order of their key: equal records are equal
bytes, whichever engine keeps them.
"""

from __future__ import annotations

import json
import re
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from hashlib import sha256
from typing import Any

from sqlalchemy import Boolean, Connection, Date, DateTime, Integer, LargeBinary, String, inspect
from sqlalchemy.exc import OperationalError
from sqlalchemy.types import TypeEngine

AT_ONCE = 500
"""Rows that are in memory at the same time; of those that may hold a picture, fewer."""
PICTURES_AT_ONCE = 20

REVISION_TABLE = "alembic_version"

Value = str | int | bool | None


class UnknownColumn(TypeError):
    """A column of a kind that no table of ours has."""


class UnreadableRow(ValueError):
    """A row that is not what its table may hold. The message says where."""


@dataclass(frozen=True, slots=True)
class Shape:
    """A table: its columns as (name, kind) in order, and the columns of its key."""

    name: str
    columns: tuple[tuple[str, str], ...]
    key: tuple[str, ...]


def shapes(connection: Connection) -> tuple[Shape, ...]:
    """All tables but Alembic's own, each behind those that its rows point to."""
    looked_at = inspect(connection)
    in_order = [name for name, _ in looked_at.get_sorted_table_and_fkc_names() if name and name != REVISION_TABLE]
    return tuple(
        Shape(
            name,
            tuple((column["name"], _kind(name, column["type"])) for column in looked_at.get_columns(name)),
            tuple(looked_at.get_pk_constraint(name)["constrained_columns"]),
        )
        for name in in_order
    )


def revision(connection: Connection) -> str:
    """The migration that the database stands at; "" for one that was never set up."""
    if not inspect(connection).has_table(REVISION_TABLE):
        return ""
    found = connection.exec_driver_sql(f"SELECT version_num FROM {REVISION_TABLE}").scalar()  # noqa: S608
    return str(found or "")


def lines(connection: Connection, shape: Shape) -> Iterator[tuple[int, bytes]]:
    """The table's rows in the order of its key, a JSON list each, so many at once with their number. Raises
    UnreadableRow for what only a hand past the application could have written."""
    query = _select(shape, connection.dialect.name)
    convert = _OUT[connection.dialect.name]
    changes = [(at, convert[kind]) for at, (_, kind) in enumerate(shape.columns) if kind in convert]
    at_once = PICTURES_AT_ONCE if "bytes" in dict(shape.columns).values() else AT_ONCE
    result = connection.exec_driver_sql(query, execution_options={"stream_results": True, "yield_per": at_once})
    for part in result.partitions(at_once):
        rows = [list(row) for row in part]
        for at, change in changes:
            for row in rows:
                if row[at] is not None:
                    try:
                        row[at] = change(row[at])
                    except (ValueError, TypeError) as error:
                        column = shape.columns[at][0]
                        raise UnreadableRow(f"{shape.name}: {row[at]!r} is no {column}: {error}") from error
        try:
            data = "".join([_encode(row) + "\n" for row in rows]).encode()
        except (ValueError, TypeError) as error:  # SQLite keeps anything in any column
            raise UnreadableRow(f"{shape.name}: a row holds what its table cannot: {error}") from error
        yield len(rows), data


def digest(connection: Connection, shape: Shape) -> tuple[int, str]:
    """How many rows a table has, and the SHA-256 of its lines."""
    rows, hashed = 0, sha256()
    for number, data in lines(connection, shape):
        rows += number
        hashed.update(data)
    return rows, hashed.hexdigest()


def copy(source: Connection, target: Connection, shape: Shape) -> tuple[int, str]:
    """Sends all rows of a table from one database into another; returns what `digest` says of what was sent. Raises
    UnreadableRow, and SQLAlchemy's DBAPIError of either side."""
    rows, hashed = 0, sha256()

    def sent() -> Iterator[bytes]:
        nonlocal rows
        for number, data in lines(source, shape):
            rows += number
            hashed.update(data)
            yield from data.splitlines()

    write(target, shape, sent())
    return rows, hashed.hexdigest()


def count(connection: Connection, shape: Shape) -> int:
    return int(connection.exec_driver_sql(f'SELECT count(*) FROM "{shape.name}"').scalar_one())  # noqa: S608


def write(connection: Connection, shape: Shape, rows: Iterable[bytes]) -> None:
    """Inserts rows from their lines, inside the transaction of `connection`. Raises UnreadableRow, also for a row that
    the database refuses, and SQLAlchemy's OperationalError."""
    values = _values(shape, rows, _IN[connection.dialect.name])
    driver, api = connection.connection.driver_connection, connection.dialect.loaded_dbapi
    assert driver is not None, "a connection that was closed writes nothing"
    names = ", ".join(f'"{name}"' for name, _ in shape.columns)
    try:
        if connection.dialect.name == "sqlite":
            marks = ", ".join("?" * len(shape.columns))
            driver.executemany(f'INSERT INTO "{shape.name}" ({names}) VALUES ({marks})', values)  # noqa: S608
            return
        with driver.cursor() as cursor, cursor.copy(f'COPY "{shape.name}" ({names}) FROM STDIN') as copy:
            for row in values:
                copy.write_row(row)
    except (api.IntegrityError, api.DataError) as error:
        raise UnreadableRow(f"{shape.name}: {error}") from error
    except api.Error as error:  # a full disk, a lost connection
        # What is not asked through SQLAlchemy is neither wrapped by it, nor does it notice that nobody is there.
        if connection.dialect.is_disconnect(error, connection.connection.dbapi_connection, None):
            connection.invalidate(error)
        raise OperationalError(f"rows of {shape.name}", None, error) from error


def settle(connection: Connection, shape: Shape) -> None:
    """Once all rows of a table are there: PostgreSQL learns how many, and from which number to go on. SQLite looks at
    the rows themselves."""
    if connection.dialect.name != "postgresql":
        return
    connection.exec_driver_sql(f'ANALYZE "{shape.name}"')
    if [kind for name, kind in shape.columns if name in shape.key] == ["integer"]:
        last, sequence = f'max("{shape.key[0]}")', f"pg_get_serial_sequence('\"{shape.name}\"', '{shape.key[0]}')"
        connection.exec_driver_sql(f'SELECT setval({sequence}, {last}) FROM "{shape.name}" HAVING {last} IS NOT NULL')  # noqa: S608


def clear(connection: Connection) -> None:
    """Takes away all tables with their triggers, on PostgreSQL, inside the transaction of `connection`."""
    for name in inspect(connection).get_table_names():
        connection.exec_driver_sql(f'DROP TABLE "{name}" CASCADE')
    functions = connection.exec_driver_sql(
        "SELECT oid::regprocedure::text FROM pg_proc WHERE pronamespace = current_schema()::regnamespace"
        " AND NOT EXISTS (SELECT 1 FROM pg_depend WHERE objid = pg_proc.oid AND deptype = 'e')"
    ).scalars()
    for signature in functions.all():
        connection.exec_driver_sql(f"DROP FUNCTION {signature} CASCADE")


def has_people(connection: Connection) -> bool:
    """Whether anybody is kept here: a database without tables, or with empty ones, is nobody's."""
    if not inspect(connection).has_table("officer"):
        return False
    return connection.exec_driver_sql("SELECT 1 FROM officer LIMIT 1").first() is not None


def _kind(table: str, kind: TypeEngine[Any]) -> str:
    for sort, name in _KINDS:
        if isinstance(kind, sort):
            return name
    raise UnknownColumn(f"{table} has a column of the type {kind}")


# In this order: SQLAlchemy's DateTime is no Date, but text comes last because much else is written as text.
_KINDS: tuple[tuple[Any, str], ...] = (
    (Boolean, "boolean"),
    (Integer, "integer"),
    (DateTime, "moment"),
    (Date, "day"),
    (LargeBinary, "bytes"),
    (String, "text"),
)
KINDS = frozenset(name for _, name in _KINDS)


def _select(shape: Shape, engine: str) -> str:
    kinds = dict(shape.columns)
    # As bytes, on both: what a locale thinks of the order of letters must not matter.
    by_bytes = ' COLLATE "C"' if engine == "postgresql" else ""
    key = shape.key or tuple(kinds)
    order = ", ".join(f'"{name}"{by_bytes if kinds[name] == "text" else ""}' for name in key)
    names = ", ".join(f'"{name}"' for name in kinds)
    return f'SELECT {names} FROM "{shape.name}" ORDER BY {order}'  # noqa: S608


_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode


def _moment_from_text(value: str) -> str:
    if len(value) != 26:  # SQLAlchemy writes this length; anything else was written past it
        value = datetime.fromisoformat(value).isoformat(" ", timespec="microseconds")
    return f"{value[:10]}T{value[11:]}Z"


def _moment_from_datetime(value: datetime) -> str:
    return value.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def _base64(value: bytes) -> str:
    return b64encode(value).decode()


_OUT: dict[str, dict[str, Callable[[Any], Value]]] = {
    "sqlite": {"boolean": bool, "moment": _moment_from_text, "bytes": _base64},
    "postgresql": {"moment": _moment_from_datetime, "day": date.isoformat, "bytes": _base64},
}

_MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{6}Z")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


def _is(kind: type) -> Callable[[Any], Any]:
    def checked(value: Any) -> Any:
        if type(value) is not kind:
            raise ValueError(f"{value!r} is no {kind.__name__}")
        return value

    return checked


def _like(pattern: re.Pattern[str], change: Callable[[str], Any]) -> Callable[[Any], Any]:
    def checked(value: Any) -> Any:
        if type(value) is not str or not pattern.fullmatch(value):
            raise ValueError(f"{value!r} is no day or moment")
        return change(value)

    return checked


def _from_base64(value: Any) -> bytes:
    return b64decode(value, validate=True)


_TEXT, _NUMBER, _TRUTH = _is(str), _is(int), _is(bool)
_IN: dict[str, dict[str, Callable[[Any], Any]]] = {
    "sqlite": {
        "text": _TEXT,
        "integer": _NUMBER,
        "boolean": lambda value: int(_TRUTH(value)),
        "moment": _like(_MOMENT, lambda value: f"{value[:10]} {value[11:-1]}"),
        "day": _like(_DAY, str),
        "bytes": _from_base64,
    },
    "postgresql": {
        "text": _TEXT,
        "integer": _NUMBER,
        "boolean": _TRUTH,
        "moment": _like(_MOMENT, str),
        "day": _like(_DAY, str),
        "bytes": _from_base64,
    },
}


def _values(shape: Shape, rows: Iterable[bytes], readers: dict[str, Callable[[Any], Any]]) -> Iterator[Sequence[Any]]:
    read = [readers[kind] for _, kind in shape.columns]
    for number, line in enumerate(rows, 1):
        try:
            row = json.loads(line)
            if type(row) is not list or len(row) != len(read):
                raise ValueError(f"{len(read)} values are due")
            yield [value if value is None else change(value) for change, value in zip(read, row, strict=True)]
        except (ValueError, TypeError, RecursionError) as error:
            raise UnreadableRow(f"{shape.name}, row {number}: {error}") from error
