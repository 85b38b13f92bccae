"""Looks at the database itself: whether its guards stand, its file is sound, and no row points nowhere."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Connection, and_, select

from elearn.models.tables import metadata
from elearn.services.audit_findings import Finding

_SQLITE_GUARDS = {"ledger_no_update": "BEFORE UPDATE", "ledger_no_delete": "BEFORE DELETE"}
_POSTGRESQL_GUARDS = ("ledger_no_change", "ledger_no_truncate")


def guards(connection: Connection) -> Iterator[Finding]:
    """The triggers that keep the ledger append-only, if they are not there, or do not do what they are for."""
    if connection.dialect.name == "sqlite":
        triggers = "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'ledger'"
        there = {row.name: row.sql for row in connection.exec_driver_sql(triggers)}
        standing = {n for n, when in _SQLITE_GUARDS.items() if when in there.get(n, "") and _always_aborts(there[n])}
        expected = set(_SQLITE_GUARDS)
    else:
        rows = connection.exec_driver_sql(
            "SELECT t.tgname FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid"
            " WHERE t.tgrelid = 'ledger'::regclass AND t.tgenabled IN ('O', 'A')"
            " AND t.tgqual IS NULL AND position('RAISE EXCEPTION' IN p.prosrc) > 0"
        )
        standing, expected = set(rows.scalars()), set(_POSTGRESQL_GUARDS)
    for name in sorted(expected - standing):
        yield Finding("trigger", name, "is missing or switched off: the ledger can be changed")


def _always_aborts(trigger: str) -> bool:
    return "ABORT" in trigger and " WHEN " not in f" {' '.join(trigger.upper().split())} "


def integrity(connection: Connection) -> Iterator[Finding]:
    """What SQLite finds wrong with its file, and rows of any table that point nowhere."""
    if connection.dialect.name == "sqlite":
        for line in connection.exec_driver_sql("PRAGMA integrity_check").scalars():
            if line != "ok":
                yield Finding("database", "file", line)
    for table in metadata.sorted_tables:
        for foreign in sorted(table.foreign_key_constraints, key=lambda one: str(one.name)):
            other = foreign.referred_table.alias("pointed_to")
            pairs = [(element.parent, other.c[element.column.name]) for element in foreign.elements]
            meets = and_(*(here == there for here, there in pairs))
            lost = (
                select(*table.primary_key.columns)
                .outerjoin(other, meets)
                .where(*(here.is_not(None) for here, _ in pairs), pairs[0][1].is_(None))
                .select_from(table)
            )
            for row in connection.execute(lost):
                key = "/".join(str(value) for value in row)
                yield Finding(table.name, key, f"points to a row of {foreign.referred_table.name} that is not there")
