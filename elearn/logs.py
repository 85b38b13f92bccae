"""How a line of the log looks: one line for each event, as JSON for programs or as text for a terminal, and what it
never holds: no name, no e-mail, no parameter of a statement, and no line end that somebody sent."""

from __future__ import annotations

import json
import logging
import re
import sys
import traceback
from collections.abc import Callable
from contextvars import ContextVar
from datetime import UTC, datetime
from functools import partial
from typing import Any, TextIO

import structlog
from structlog.types import EventDict, Processor, WrappedLogger

REQUEST: ContextVar[str] = ContextVar("request", default="")
"""The number of the request that this thread is answering; empty between requests."""

LONGEST_TRACE = 6000  # characters: the innermost part of a traceback, so that a line is written in one piece

_E_MAIL = re.compile(r"[^\s<>\"'=,;:()\[\]{}/]+@[^\s<>\"'=,;:()\[\]{}/]+")
_DATABASES_DETAIL = re.compile(r"^(?:DETAIL|CONTEXT|HINT|LINE \d+):.*$", re.M)


def open_log(log_format: str, level: int = logging.INFO, stream: TextIO | None = None) -> None:
    """From now on everything this process logs goes to stderr, a line for each event, ours and the libraries' alike."""
    stream = stream or sys.stderr
    told: list[Processor] = [structlog.processors.add_log_level, _with_moment, _with_request]
    shown: list[Processor] = [_with_trace, _as_text if log_format == "text" else _as_json]
    global _write
    _write = partial(_write_line, stream, shown[-1]) if level <= logging.INFO else None
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*told, structlog.stdlib.ExtraAdder(), _with_source, _without_people],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *shown],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    logging.captureWarnings(True)


def tell(event: str, **facts: object) -> None:
    """One line about something that is no warning; nothing where no log was opened for it, as in a command of the
    shell. It is told for every request, so it goes straight to its form: structlog's chain costs several times that."""
    if _write is not None:
        moment = datetime.now(UTC).isoformat(timespec="milliseconds")
        _write({"at": moment, "level": "info", "event": event, "request": REQUEST.get(), **facts})


def _write_line(stream: TextIO, form: Processor, event: dict[str, Any]) -> None:
    stream.write(f"{form(None, '', event)!s}\n")
    stream.flush()


_write: Callable[[dict[str, Any]], None] | None = None


def without_people(text: str) -> str:
    """A library's message without the e-mails and the values of rows that it may quote."""
    return _E_MAIL.sub("<e-mail>", _DATABASES_DETAIL.sub("", text)).strip()


def _with_moment(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    event["at"] = datetime.now(UTC).isoformat(timespec="milliseconds")
    return event


def _with_request(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    if number := REQUEST.get():
        event["request"] = number
    return event


def _with_source(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    record: logging.LogRecord = event["_record"]
    event["logger"] = record.name
    event["process"] = record.process
    return event


def _without_people(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    event["event"] = without_people(str(event["event"]))
    return event


def _with_trace(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    given = event.pop("exc_info", None)
    if given:
        error = sys.exc_info()[1] if given is True else given if isinstance(given, BaseException) else given[1]
        text = "".join(traceback.format_exception(error)) if error else ""
        event["exception"] = without_people(text)[-LONGEST_TRACE:]
    return event


def _as_json(_logger: WrappedLogger, _method: str, event: EventDict) -> str:
    # ASCII only: every control and every separator of lines, in any script, is written out.
    return _JSON.encode({"at": event["at"], "level": event["level"], "event": event["event"], **event})


def _as_text(_logger: WrappedLogger, _method: str, event: EventDict) -> str:
    """For a terminal. A traceback follows on lines of its own, indented, so that none of them passes for an event."""
    trace = event.pop("exception", "")
    head = f"{event.pop('at')} {event.pop('level'):8} {_one_line(event.pop('event'))}"
    rest = "".join(f" {name}={_one_line(value)}" for name, value in event.items() if name != "process")
    return head + rest + "".join(f"\n    {_one_line(line)}" for line in trace.splitlines())


def _one_line(value: Any) -> str:
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in str(value))


_JSON = json.JSONEncoder(ensure_ascii=True, separators=(",", ":"), default=str)
