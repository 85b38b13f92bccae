"""Examines the database behind the settings: reached, of this version, writable, safe from a power cut, not ahead."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any

from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine, func, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from config import is_loopback
from elearn.domain.checkup import ON_THE_NETWORK, Finding, error, file_system_of, fine, judge_moment, warning
from elearn.models.database import open_engine_options
from elearn.models.people import AccessLog

MOUNTS = Path("/proc/self/mountinfo")

# What PostgreSQL must not be told to do without, and the promise that goes with it.
DURABLE = ("fsync", "full_page_writes", "synchronous_commit")


def examine(url: str, migrations: Path, now: datetime) -> Iterator[Finding]:
    if url.startswith("sqlite"):
        path = Path(url.removeprefix("sqlite:///"))
        yield from on_a_disk_of_its_own(path, MOUNTS.read_text() if MOUNTS.exists() else "")
        if not path.exists():  # to connect would make it
            yield error("database", f"{path} is not there.", "Run `elearn init`, or restore a backup.")
            return
    engine = create_engine(url, poolclass=NullPool, connect_args=open_engine_options(url)["connect_args"])
    try:
        with engine.connect() as connection:
            yield fine("database", f"{connection.dialect.name} {_version(connection)} answers.")
            yield from _known_on_the_line(connection)
            yield from _durable(connection)
            connection.rollback()
            yield from _examine_version(connection, migrations, now)
            connection.rollback()
            yield from _writable(connection)
    except DBAPIError as problem:
        reason = " ".join(str(problem.orig).split())
        yield error("database", f"it cannot be used: {reason}", "Is it running? Are its address and password right?")


def on_a_disk_of_its_own(path: Path, mounts: str) -> Iterator[Finding]:
    kind = file_system_of(str(path), mounts)
    if kind in ON_THE_NETWORK:
        yield error(
            "database",
            f"SQLite lies on a network disk ({kind}), where it can be damaged.",
            "Move ELEARN_DATA_DIR to a disk of this machine, or use PostgreSQL.",
        )


def _version(connection: Connection) -> str:
    return ".".join(str(part) for part in connection.dialect.server_version_info or ())


def _known_on_the_line(connection: Connection) -> Iterator[Finding]:
    """Whether nobody between here and a database on another machine can read along, or pose as it."""
    link: Any = connection.connection.driver_connection
    host = "" if connection.dialect.name == "sqlite" else link.info.host
    if not host or host.startswith("/") or is_loopback(host):
        return
    mode = next(one.val for one in link.pgconn.info if one.keyword == b"sslmode").decode()
    if mode == "verify-full":
        yield fine("database", f"{host} shows a certificate of its name.")
    else:
        found = f"{host} is another machine, and sslmode is {mode}: whoever is between could read along or pose as it."
        yield warning("database", found, "Add ?sslmode=verify-full&sslrootcert=FILE to ELEARN_DATABASE_URL.")


def _durable(connection: Connection) -> Iterator[Finding]:
    """Whether what is acknowledged outlives a power cut, and names keep their letters."""
    if connection.dialect.name == "sqlite":
        mode = connection.exec_driver_sql("PRAGMA journal_mode").scalar_one()
        if mode != "wal":
            yield warning("database", f"journal_mode is {mode}: readers wait for writers.", "Move it to a local disk.")
        return
    shown = {name: connection.execute(text("SELECT current_setting(:n)"), {"n": name}).scalar_one() for name in DURABLE}
    off = [name for name, value in shown.items() if value == "off"]
    if off:
        mend = f"ALTER SYSTEM RESET {off[0]}; SELECT pg_reload_conf();"
        yield error("database", f"{', '.join(off)} off: a power cut loses what was acknowledged.", mend)
    encoding = connection.execute(text("SELECT current_setting('server_encoding')")).scalar_one()
    if encoding != "UTF8":
        mend = "createdb --encoding=UTF8 --template=template0, and move the data there."
        yield error("database", f"its encoding is {encoding}, which lacks letters of names.", mend)


def _examine_version(connection: Connection, migrations: Path, now: datetime) -> Iterator[Finding]:
    heads = ScriptDirectory(str(migrations)).get_heads()
    there = MigrationContext.configure(connection).get_current_heads()
    if set(there) == set(heads):
        yield fine("database", f"it is of this version ({', '.join(heads)}).")
        yield from _not_ahead(connection, now)
    elif there and not _knows(migrations, there):
        mend = "Install the version that it belongs to, or restore a backup of this one."
        yield error("database", f"it belongs to a newer version ({', '.join(there)}).", mend)
    else:
        state = f"it is at {', '.join(there)}, this version needs {', '.join(heads)}" if there else "it has no tables"
        yield error("database", f"{state}.", "Make a backup, then run `elearn db upgrade`.")


def _knows(migrations: Path, revisions: tuple[str, ...]) -> bool:
    known = {script.revision for script in ScriptDirectory(str(migrations)).walk_revisions()}
    return set(revisions) <= known


def _not_ahead(connection: Connection, now: datetime) -> Iterator[Finding]:
    newest = connection.execute(select(func.max(AccessLog.at))).scalar()
    found = judge_moment(now, newest, "the newest record in the database") if newest else None
    if found:
        yield found


def _writable(connection: Connection) -> Iterator[Finding]:
    """Tries a table that is gone with the end of the transaction."""
    try:
        with closing(connection.execution_options(writes=True)) as writer, writer.begin() as attempt:
            writer.exec_driver_sql("CREATE TABLE elearn_doctor_was_here (one INTEGER)")
            attempt.rollback()
    except DBAPIError as problem:
        reason = " ".join(str(problem.orig).split())
        mend = "Give its user the right to write and to make tables; look whether the disk is full or read-only."
        yield error("database", f"it takes no write: {reason}", mend)
    else:
        yield fine("database", "it takes a write.")
