"""Statements that take long are told to the log: their text without any value, the milliseconds, the request."""

from __future__ import annotations

import logging
from collections.abc import Callable
from time import monotonic
from typing import Any

from sqlalchemy import Engine, event
from sqlalchemy.engine import ExceptionContext

log = logging.getLogger(__name__)

LONGEST_SHOWN = 2000  # characters of a statement

Watcher = Callable[[str, float], None]
"""Told of every statement: its text and how many seconds it took."""


def watch_statements(engine: Engine, slow_ms: int, watcher: Watcher | None = None) -> None:
    """Times every statement of an engine until its first rows are there; one that failed or was cut off counts too."""

    @event.listens_for(engine, "before_cursor_execute")
    def begin(_connection: Any, _cursor: Any, _statement: str, _parameters: Any, context: Any, _many: bool) -> None:
        if context is not None:
            context.began = monotonic()

    @event.listens_for(engine, "after_cursor_execute")
    def end(_connection: Any, _cursor: Any, statement: str, _parameters: Any, context: Any, _many: bool) -> None:
        if context is not None:
            _judge(statement, context)

    @event.listens_for(engine, "handle_error")
    def failed(error: ExceptionContext) -> None:
        if hasattr(error.execution_context, "began"):
            _judge(error.statement or "", error.execution_context)

    def _judge(statement: str, context: Any) -> None:
        seconds = monotonic() - context.began
        if watcher:
            watcher(statement, seconds)
        if slow_ms and seconds * 1000 >= slow_ms:
            shown = " ".join(statement.split())[:LONGEST_SHOWN]
            log.info("slow statement", extra={"ms": round(seconds * 1000), "statement": shown})
