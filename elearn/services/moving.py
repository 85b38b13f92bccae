"""Moves everything from SQLite to an empty PostgreSQL database, and proves that it arrived.

The old database takes no write while it is copied, and none ever after: so nothing that was acknowledged is left
behind. The new one is filled in one transaction: whatever goes wrong, it stays as empty as it was.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import alembic.command
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import current_app
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.exc import DBAPIError

from elearn.models import table_rows
from elearn.models.database import CLOSED, db, open_engine_options, writing
from elearn.models.table_rows import Shape, UnreadableRow
from elearn.services import audit

CLOSING = "closed_"
"""What the names of the triggers begin with that keep a database which was moved from being changed."""


class NotMoved(Exception):
    """Nothing was moved, for the reason that the message gives; both databases are as they were before."""


@dataclass(frozen=True, slots=True)
class MovedTable:
    """A table on both sides: how many rows, and the hash of all of them in the order of the key."""

    name: str
    rows: int
    sha256: str
    rows_there: int
    sha256_there: str

    @property
    def equal(self) -> bool:
        return (self.rows, self.sha256) == (self.rows_there, self.sha256_there)


@dataclass(frozen=True, slots=True)
class Proof:
    """What shows that everything arrived: every table on both sides, and how much of the new one an audit went through
    without a finding."""

    tables: tuple[MovedTable, ...]
    audited: Counter[str]


def move(url: str) -> Proof:
    """Moves all tables to the empty PostgreSQL database behind `url`, and closes this one. Raises NotMoved."""
    if db.engine.dialect.name != "sqlite":
        raise NotMoved("Only a SQLite database can be moved, and ELEARN_DATABASE_URL names another.")
    if not url.startswith("postgresql"):
        raise NotMoved("A database is moved to PostgreSQL: the new address must begin with postgresql://.")
    engine = create_engine(url, **open_engine_options(url, 1))
    try:
        with _told(), writing() as here:
            revision = _refuse_unfit(here)
            with engine.connect() as there, there.begin():
                proof = _fill(here, there, revision)
                _close(here)  # undone with all the rest, should the new database fail in its last moment
            return proof
    finally:
        engine.dispose()


def reopen() -> int:
    """Lets a database that was moved be changed again; returns how many of its tables were closed."""
    with writing() as connection:
        closing = _closing_triggers(connection)
        for name in closing:
            connection.exec_driver_sql(f'DROP TRIGGER "{name}"')
    return len(closing) // len(_CHANGES)


@contextmanager
def _told() -> Iterator[None]:
    """What a database says when it refuses becomes a reason, by the one that said it."""
    try:
        yield
    except (DBAPIError, sqlite3.Error) as error:
        said = getattr(error, "orig", None) or error
        which = "old" if isinstance(said, sqlite3.Error) else "new"
        raise NotMoved(f"The {which} database says: {_first_line(said)}") from error


# The old database


def _refuse_unfit(here: Connection) -> str:
    """The revision of a database that is whole, and as this code expects it."""
    if _closing_triggers(here):
        raise NotMoved("This database was moved before. `elearn move --reopen` lets it be changed again.")
    found = here.exec_driver_sql("PRAGMA integrity_check").scalars().first()
    if found != "ok":
        raise NotMoved(f"The old database is damaged: {found}")
    orphan = here.exec_driver_sql("PRAGMA foreign_key_check").first()
    if orphan is not None:
        raise NotMoved(f"The old database is damaged: row {orphan[1]} of {orphan[0]} points to no {orphan[2]}.")
    revision = MigrationContext.configure(here).get_current_revision()
    if revision is None or revision != ScriptDirectory.from_config(_alembic()).get_current_head():
        raise NotMoved("The old database is not at this version's revision: run `elearn db upgrade` first.")
    return revision


_CHANGES = ("INSERT", "UPDATE", "DELETE")


def _close(here: Connection) -> None:
    """From here on the old database can be read, by whichever server still has it open, but not changed."""
    for table in table_rows.shapes(here):
        for change in _CHANGES:
            here.exec_driver_sql(
                f'CREATE TRIGGER "{CLOSING}{table.name}_{change.lower()}" BEFORE {change} ON "{table.name}" '
                f"BEGIN SELECT RAISE(ABORT, '{CLOSED}'); END"
            )


def _closing_triggers(here: Connection) -> list[str]:
    found = here.exec_driver_sql("SELECT name FROM sqlite_master WHERE type = 'trigger'").scalars()
    return [name for name in found if name.startswith(CLOSING)]


# The new database


def _fill(here: Connection, there: Connection, revision: str) -> Proof:
    _refuse_filled(there)
    config = _alembic()
    config.attributes["connection"] = there
    alembic.command.upgrade(config, revision)
    old = {shape.name: shape for shape in table_rows.shapes(here)}
    shapes = table_rows.shapes(there)
    for shape in shapes:
        if old.pop(shape.name, None) != shape:
            raise NotMoved(f"The table {shape.name} of the old database is not what this version made.")
    if old:
        raise NotMoved(f"The old database has a table that this version did not make: {min(old)}.")
    sent = [_copy(here, there, shape) for shape in shapes]
    for shape in shapes:
        table_rows.settle(there, shape)
    arrived = tuple(
        MovedTable(shape.name, *counted, *table_rows.digest(there, shape))
        for shape, counted in zip(shapes, sent, strict=True)
    )
    different = [one.name for one in arrived if not one.equal]
    if different:
        raise NotMoved(f"What arrived is not what was sent: {', '.join(different)}.")
    return Proof(arrived, _audited(there))


def _refuse_filled(there: Connection) -> None:
    found = there.execute(
        text("SELECT relname FROM pg_class WHERE relnamespace = current_schema()::regnamespace ORDER BY 1 LIMIT 4")
    )
    names = list(found.scalars())
    if names:
        raise NotMoved(f"The new database is not empty: it has {', '.join(names[:3])}{' …' if names[3:] else ''}.")


def _copy(here: Connection, there: Connection, shape: Shape) -> tuple[int, str]:
    try:
        return table_rows.copy(here, there, shape)
    except UnreadableRow as error:
        raise NotMoved(f"The new database does not take {_first_line(error)}") from error


def _audited(there: Connection) -> Counter[str]:
    """What arrived is what was sent: an audit that finds something there would have found it here."""
    counts: Counter[str] = Counter()
    for finding in audit.audit(there, current_app.extensions["elearn.issuing"].keys, {}, counts):
        raise NotMoved(f"Not everything holds, nor did it before: {finding}. `elearn audit` names all of it.")
    return counts


def _alembic() -> Any:
    return current_app.extensions["migrate"].migrate.get_config()


def _first_line(error: BaseException | Any) -> str:
    return str(error).partition("\n")[0]
