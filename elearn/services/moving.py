"""Moves everything from SQLite to an empty PostgreSQL database, and proves that it arrived.

The old database takes no write while it is copied, and none ever after: so nothing that was acknowledged is left
behind. The new one is filled in one transaction: whatever goes wrong, it stays as empty as it was.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from itertools import chain, groupby
from typing import Any

import alembic.command
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import current_app
from sqlalchemy import Connection, CursorResult, Table, Text, collate, create_engine, func, select, text
from sqlalchemy.exc import DBAPIError

from elearn.domain.certificate import NotACertificate, record_from_bytes
from elearn.domain.ledger import START, Entry, broken_at
from elearn.exports.certificate_token import BadSignature, verify
from elearn.models import tables
from elearn.models.certificates import Certificate
from elearn.models.contents import ROWS_AT_ONCE, Digest, blocks_of, digest_of
from elearn.models.database import CLOSED, Json, db, open_engine_options, writing
from elearn.models.ledger import Ledger, LedgerHead

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
    """What shows that everything arrived. `guarded` are the tables whose triggers are in place."""

    tables: tuple[MovedTable, ...]
    chains: int
    entries: int
    certificates: int
    sequences: int
    guarded: tuple[str, ...]


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
            _close(here)
            return proof
    finally:
        engine.dispose()


def reopen() -> int:
    """Lets a database that was moved be changed again; returns how many of its tables were closed."""
    with writing() as connection:
        closing = [name for name, _ in _triggers(connection) if name.startswith(CLOSING)]
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
    if any(name.startswith(CLOSING) for name, _ in _triggers(here)):
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
    for table in tables.metadata.sorted_tables:
        for change in _CHANGES:
            here.exec_driver_sql(
                f'CREATE TRIGGER "{CLOSING}{table.name}_{change.lower()}" BEFORE {change} ON "{table.name}" '
                f"BEGIN SELECT RAISE(ABORT, '{CLOSED}'); END"
            )


def _triggers(here: Connection) -> list[tuple[str, str]]:
    """(trigger, table)"""
    found = here.exec_driver_sql("SELECT name, tbl_name FROM sqlite_master WHERE type = 'trigger'")
    return [(name, table) for name, table in found]


# The new database


def _fill(here: Connection, there: Connection, revision: str) -> Proof:
    _refuse_filled(there)
    config = _alembic()
    config.attributes["connection"] = there
    alembic.command.upgrade(config, revision)
    ordered = tables.metadata.sorted_tables
    sent = [_copy(here, there, table) for table in ordered]
    sequences = sum(_set_sequence(there, table) for table in ordered)
    for table in ordered:
        there.exec_driver_sql(f"ANALYZE {_quoted(there, table)}")
    arrived = [_moved(there, table, digest) for table, digest in zip(ordered, sent, strict=True)]
    different = [one.name for one in arrived if not one.equal]
    if different:
        raise NotMoved(f"What arrived is not what was sent: {', '.join(different)}.")
    chains, entries = _prove_chains(there)
    return Proof(
        tuple(arrived), chains, entries, _prove_certificates(here, there), sequences, _prove_guards(here, there)
    )


def _refuse_filled(there: Connection) -> None:
    found = there.execute(
        text("SELECT relname FROM pg_class WHERE relnamespace = current_schema()::regnamespace ORDER BY 1 LIMIT 4")
    )
    names = list(found.scalars())
    if names:
        raise NotMoved(f"The new database is not empty: it has {', '.join(names[:3])}{' …' if names[3:] else ''}.")


def _copy(here: Connection, there: Connection, table: Table) -> Digest:
    """Sends all rows of a table; what was sent is counted and hashed as it goes."""
    sent = Digest()
    columns = ", ".join(there.dialect.identifier_preparer.format_column(column) for column in table.columns)
    statement = f"COPY {_quoted(there, table)} ({columns}) FROM STDIN"
    as_bound = [_binder(there, column) for column in table.columns]
    cursor: Any = there.connection.cursor()
    to_itself = any(key.column.table is table for key in table.foreign_keys)
    try:
        with closing(blocks_of(here, table)) as blocks:
            # In one statement, at whose end its rows may point to each other.
            statements: Iterable[Iterable[Sequence[Any]]] = [chain.from_iterable(blocks)] if to_itself else blocks
            for rows in statements:
                with cursor.copy(statement) as copy:
                    for row in rows:
                        sent.add(row)
                        copy.write_row([bind(value) for bind, value in zip(as_bound, row, strict=True)])
    except there.dialect.loaded_dbapi.Error as error:
        # What is not asked through SQLAlchemy is neither wrapped by it, nor does it notice that nobody is there.
        if there.dialect.is_disconnect(error, there.connection.dbapi_connection, None):
            there.invalidate(error)
        raise NotMoved(f"The new database does not take {table.name}: {_first_line(error)}") from error
    return sent


def _binder(there: Connection, column: Any) -> Callable[[Any], Any]:
    """How a value of this column is given to the driver."""
    kind = Text() if isinstance(column.type, Json) else column.type  # JSON travels as its text
    return kind.dialect_impl(there.dialect).bind_processor(there.dialect) or (lambda value: value)


def _set_sequence(there: Connection, table: Table) -> bool:
    """New rows are numbered after those that came along."""
    numbered = table.autoincrement_column
    if numbered is None:
        return False
    last = there.execute(select(func.max(numbered))).scalar_one()
    if last is not None:
        sequence = func.pg_get_serial_sequence(_quoted(there, table), numbered.name)
        there.execute(select(func.setval(sequence, last)))
    return True


# The proof


def _moved(there: Connection, table: Table, sent: Digest) -> MovedTable:
    arrived = digest_of(there, table)
    return MovedTable(table.name, sent.rows, sent.sha256, arrived.rows, arrived.sha256)


def _prove_chains(there: Connection) -> tuple[int, int]:
    """How many chains and entries there are, each chain whole and ending where its head says. Somebody who was erased
    has a chain without a head."""
    entry = [column.label(column.name) for column in Ledger.__table__.columns]
    head = [LedgerHead.subject.label("head_of"), LedgerHead.number.label("head"), LedgerHead.hash.label("head_hash")]
    whose = func.coalesce(Ledger.subject, LedgerHead.subject).label("whose")
    query = (
        select(whose, *head, *entry)
        .select_from(Ledger)
        .join(LedgerHead, LedgerHead.subject == Ledger.subject, full=True)
        .order_by(whose, Ledger.number)
    )
    chains, entries = 0, 0
    with there.execute(query, execution_options={"yield_per": ROWS_AT_ONCE}) as rows:
        for subject, group in groupby(rows, key=lambda row: row.whose):
            links = [row._mapping for row in group]
            kept = [
                Entry(**{name: row[name] for name in Entry.__slots__}) for row in links if row["subject"] is not None
            ]
            broken = broken_at(kept) if kept else None
            end = (len(kept), kept[-1].hash if kept else START)
            if broken is None and links[0]["head_of"] is not None and (links[0]["head"], links[0]["head_hash"]) != end:
                broken = len(kept) + 1
            if broken is not None:
                raise NotMoved(f"The ledger of officer {subject} does not hold at entry {broken}, nor did it before.")
            chains, entries = chains + 1, entries + len(kept)
    return chains, entries


def _prove_certificates(here: Connection, there: Connection) -> int:
    """How many certificates there are, each with the same bytes on both sides and a signature that holds."""
    keys = current_app.extensions["elearn.issuing"].keys
    number = 0
    with _tokens(here) as sent, _tokens(there) as arrived:
        for ours, theirs in zip(sent, arrived, strict=True):
            if tuple(ours) != tuple(theirs):
                raise NotMoved(f"Certificate {ours.serial} did not arrive as it was.")
            try:
                holds = record_from_bytes(verify(theirs.token, keys)).serial == ours.serial
            except (BadSignature, NotACertificate):
                holds = False
            if not holds:
                raise NotMoved(f"Certificate {ours.serial} is not what was signed, nor was it before.")
            number += 1
    return number


def _tokens(connection: Connection) -> CursorResult[Any]:
    serial = Certificate.serial if connection.dialect.name == "sqlite" else collate(Certificate.serial, "C")
    query = select(Certificate.serial, Certificate.token).order_by(serial)
    return connection.execute(query, execution_options={"yield_per": ROWS_AT_ONCE})


def _prove_guards(here: Connection, there: Connection) -> tuple[str, ...]:
    """The tables that triggers guard on both sides."""
    guarded = {table for _, table in _triggers(here)}
    found = there.execute(
        text(
            "SELECT DISTINCT relname FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid "
            "WHERE NOT tgisinternal AND tgenabled <> 'D' AND relnamespace = current_schema()::regnamespace"
        )
    )
    missing = guarded - set(found.scalars())
    if missing:
        raise NotMoved(f"The new database has no triggers on {', '.join(sorted(missing))}.")
    return tuple(sorted(guarded))


def _alembic() -> Any:
    return current_app.extensions["migrate"].migrate.get_config()


def _quoted(connection: Connection, table: Table) -> str:
    return connection.dialect.identifier_preparer.format_table(table)


def _first_line(error: BaseException | Any) -> str:
    return str(error).partition("\n")[0]
