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

    def begin(_connection: Any, _cursor: Any, _statement: str, _parameters: Any, context: Any, _many: bool) -> None:
        if context is not None:
            context.began = monotonic()

    def end(_connection: Any, _cursor: Any, statement: str, _parameters: Any, context: Any, _many: bool) -> None:
        if context is not None:
            _judge(statement, context)

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

    event.listen(engine, "before_cursor_execute", begin)
    event.listen(engine, "after_cursor_execute", end)
    event.listen(engine, "handle_error", failed)
