"""What a table holds, row by row in one order, and a digest of it that is the same on both engines."""

from __future__ import annotations

import json
from collections.abc import Generator, Sequence
from datetime import date
from hashlib import sha256
from typing import Any

from sqlalchemy import Connection, String, Table, Text, collate, select, type_coerce

from elearn.models.database import Json

ROWS_AT_ONCE = 2000


def blocks_of(connection: Connection, table: Table) -> Generator[Sequence[Sequence[Any]], None, None]:
    """All rows, some at a time, in the order of the key by code points. Values are as kept: JSON is its text."""
    columns = [type_coerce(c, Text) if isinstance(c.type, Json) else c for c in table.columns]
    key = [_exact(c, connection.dialect.name) for c in table.primary_key.columns]
    query = select(*columns).order_by(*key)
    with connection.execute(query, execution_options={"yield_per": ROWS_AT_ONCE}) as result:
        yield from result.partitions()


class Digest:
    """Counts rows and takes their hash as they go by; equal for equal rows in equal order."""

    def __init__(self) -> None:
        self.rows = 0
        self._hash = sha256()

    def add(self, row: Sequence[Any]) -> None:
        self.rows += 1
        text = json.dumps(list(row), ensure_ascii=False, separators=(",", ":"), default=_plain)
        self._hash.update(text.encode("utf-8", "surrogatepass") + b"\n")

    @property
    def sha256(self) -> str:
        return self._hash.hexdigest()


def digest_of(connection: Connection, table: Table) -> Digest:
    digest = Digest()
    for block in blocks_of(connection, table):
        for row in block:
            digest.add(row)
    return digest


def _exact(column: Any, dialect: str) -> Any:
    """SQLite compares bytes anyway; PostgreSQL has to be told."""
    return collate(column, "C") if dialect == "postgresql" and isinstance(column.type, String) else column


def _plain(value: Any) -> Any:
    if isinstance(value, date):  # a moment too
        return value.isoformat()
    if isinstance(value, bytes):
        return {"bytes": value.hex()}
    raise TypeError(f"a table holds a value of a kind that has no digest yet: {type(value).__name__}")
