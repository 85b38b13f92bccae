"""The database as seen from outside: how many connections are in use, and how long its statements take."""

from __future__ import annotations

from sqlalchemy import Engine
from sqlalchemy.pool import QueuePool

from elearn.models.database import db
from elearn.models.slow import Watcher, watch_statements


def engine() -> Engine:
    return db.engine


def pool() -> dict[str, int]:
    """Connections of this process: in use, waiting to be used, and beyond what is kept."""
    found = db.engine.pool
    if not isinstance(found, QueuePool):
        return {}
    return {"used": found.checkedout(), "idle": found.checkedin(), "beyond": max(0, found.overflow())}


def watch(watcher: Watcher) -> None:
    """Has `watcher` told of every statement and how long it took."""
    watch_statements(db.engine, 0, watcher)
