"""What happened is counted once it is committed, where somebody counts; else this costs a look into a dictionary.

Every consequential fact passes through the access log or the ledger, so these two call `happened`, and nobody else.
"""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import Connection, Engine, event

_PENDING = "elearn.happened"


def happened(connection: Connection, what: str) -> None:
    pending = connection.info.get(_PENDING)
    if pending is not None:
        pending.append(what)


def count_on(engine: Engine, count: Callable[[str], None]) -> None:
    """Calls `count` with every fact that is committed through this engine; what is rolled back never happened."""

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        connection.info[_PENDING] = []

    @event.listens_for(engine, "commit")
    def commit(connection: Connection) -> None:
        for what in connection.info.pop(_PENDING, ()):
            count(what)

    @event.listens_for(engine, "rollback")
    def rollback(connection: Connection) -> None:
        connection.info.pop(_PENDING, None)
