"""Writes the access log: who came in, who was refused, what was changed or taken away; no names, no secrets."""

from __future__ import annotations

import re
import unicodedata
from datetime import datetime

from sqlalchemy import Connection, insert

from elearn.models.people import AccessLog
from elearn.services import counting

_ABOUT = re.compile(r"officer (\d{1,18})(?: |$)")


def note(
    connection: Connection,
    event: str,
    now: datetime,
    *,
    officer_id: int | None = None,
    detail: str = "",
    address: str = "",
) -> None:
    """One row, in the caller's transaction. `detail` and `address` may come from anyone: they are made one line. A
    detail that begins with "officer 12" says about whom it is."""
    about = _ABOUT.match(detail)
    row = {
        "at": now,
        "officer_id": officer_id,
        "about_id": int(about[1]) if about else None,
        "event": event,
        "detail": one_line(detail, 400),
        "address": one_line(address, 60),
    }
    connection.execute(insert(AccessLog).values(**row))
    counting.happened(connection, event)


def one_line(text: str, longest: int) -> str:
    r"""Keeps a visitor from forging a line of a log: line ends and other controls are written out, as \x0a."""
    escaped = "".join(_escaped(c) if unicodedata.category(c) in _NOT_SHOWN else c for c in text[:longest])
    return escaped[:longest]


# Controls, surrogates (which no database can hold), and the two separators that end a line.
_NOT_SHOWN = frozenset({"Cc", "Cs", "Zl", "Zp"})


def _escaped(character: str) -> str:
    number = ord(character)
    return f"\\x{number:02x}" if number < 256 else f"\\u{number:04x}"
