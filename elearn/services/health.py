"""Whether this process can do its work: its courses are there, its database takes a write, its disk takes a file.

Looked at no more than once in two seconds however many ask, and never waited for longer than they would wait.
"""

from __future__ import annotations

import errno
import logging
import os
import sqlite3
import threading
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from time import monotonic

from alembic.script import ScriptDirectory
from flask import Flask, current_app
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, ProgrammingError
from sqlalchemy.exc import TimeoutError as NoConnectionLeft

from elearn.models.database import db, reading
from elearn.services import library

log = logging.getLogger(__name__)

HOLDS_SECONDS = 2.0
"""For so long one look stands for all who ask."""

PATIENCE_SECONDS = 1.5
"""What a look may take; one that takes longer says `no-answer`."""

GIVEN_UP_SECONDS = 30.0
"""A look that hangs for so long, at a network that swallows everything, is left alone and a fresh one begun."""

PROBE_BYTES = 64 * 1024
LOCKED_SECONDS = 0.3


class _Look(threading.Thread):
    """One look at everything, in a thread of its own, so that what hangs in it holds up nobody."""

    def __init__(self, app: Flask, health: Health) -> None:
        super().__init__(name="health", daemon=True)
        self.app, self.health = app, health
        self.began = monotonic()
        self.found: tuple[str, ...] | None = None

    def run(self) -> None:
        try:
            with self.app.app_context():
                self.found = _look(self.health)
        except Exception:
            log.exception("health could not be looked at")
            self.found = ("no-answer",)


@dataclass
class Health:
    """What is looked at, and what was found the last time."""

    data_dir: Path
    migrations: Path
    lock: threading.Lock = field(default_factory=threading.Lock)
    found: tuple[str, ...] = ()
    found_at: float | None = None
    look: _Look | None = None


def open_health(app: Flask, data_dir: Path, migrations: Path) -> None:
    app.extensions["elearn.health"] = Health(data_dir, migrations)


def missing() -> tuple[str, ...]:
    """What keeps this process from serving, as codes; nothing where it can serve.

    `content`: no course is served. `database`: it cannot be reached. `database-read-only`, `database-not-migrated`.
    `disk-full`, `disk-read-only`: of the data folder. `no-answer`: something hangs.
    """
    health: Health = current_app.extensions["elearn.health"]
    with health.lock:
        if health.found_at is not None and monotonic() - health.found_at < HOLDS_SECONDS:
            return health.found
        look = health.look
        if look is None or look.found is not None or monotonic() - look.began > GIVEN_UP_SECONDS:
            look = health.look = _Look(current_app._get_current_object(), health)  # type: ignore[attr-defined]
            look.start()
        look.join(max(0.0, PATIENCE_SECONDS - (monotonic() - look.began)))
        found = look.found if look.found is not None else ("no-answer",)
        if found != health.found:
            log.warning("ready: %s", "no longer: " + ", ".join(found) if found else "again")
        health.found, health.found_at = found, monotonic()
        return found


def _look(health: Health) -> tuple[str, ...]:
    found = [] if library.courses() else ["content"]
    found += filter(None, (_disk(health.data_dir), _database(health.migrations)))
    return tuple(found)


def _disk(folder: Path) -> str:
    """Whether a file can be written where this installation keeps its own, the database of SQLite among them."""
    probe = folder / "tmp" / f".probe-{os.getpid()}"
    try:
        probe.parent.mkdir(exist_ok=True)
        try:
            with probe.open("wb", buffering=0) as file:
                file.write(bytes(PROBE_BYTES))
                os.fsync(file.fileno())
        finally:
            probe.unlink(missing_ok=True)
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
        return "disk-full" if full else "disk-read-only"
    return ""


def _database(migrations: Path) -> str:
    try:
        return _sqlite(migrations) if db.engine.dialect.name == "sqlite" else _postgresql(migrations)
    except ProgrammingError:
        return "database-not-migrated"  # PostgreSQL: there is no such table
    except (DBAPIError, NoConnectionLeft, sqlite3.Error) as error:
        if "no such table" in str(error):
            return "database-not-migrated"
        if "readonly" in str(error):
            return "database-read-only"
        return "database"


def _sqlite(migrations: Path) -> str:
    """On a connection of its own: one of the pool would still show a file that is no longer there. A database that
    somebody else is writing just now takes writes."""
    connection = sqlite3.connect(
        f"file:{db.engine.url.database}?mode=rw", uri=True, timeout=LOCKED_SECONDS, isolation_level=None
    )
    try:
        version = connection.execute("SELECT version_num FROM alembic_version").fetchone()
        try:
            connection.execute("BEGIN IMMEDIATE")
            # Touches no row, but a database that may only be read refuses it.
            connection.execute("UPDATE alembic_version SET version_num = version_num WHERE 0")
            connection.execute("ROLLBACK")
        except sqlite3.OperationalError as error:
            if "locked" not in str(error):
                raise
    finally:
        connection.close()
    return _migrated(version[0] if version else "", migrations)


def _postgresql(migrations: Path) -> str:
    """Without a lock: a migration that holds one is no reason to send everybody away."""
    with reading() as connection:
        read_only = connection.execute(text("SELECT current_setting('transaction_read_only')")).scalar_one()
        if read_only == "on":
            return "database-read-only"
        version = connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one_or_none()
    return _migrated(version or "", migrations)


def _migrated(version: str, migrations: Path) -> str:
    """A database of a newer version than ours is served: while several servers are upgraded one after the other, the
    first has migrated it for all."""
    known, head = _versions(migrations)
    return "database-not-migrated" if version != head and (version in known or not version) else ""


@cache
def _versions(migrations: Path) -> tuple[frozenset[str], str | None]:
    scripts = ScriptDirectory(str(migrations))
    return frozenset(script.revision for script in scripts.walk_revisions()), scripts.get_current_head()
