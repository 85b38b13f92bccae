"""How ledger entries are chained, so that nobody can change, drop or reorder one without its showing.

An entry's hash covers the hash before it. Facts enter as a salted commitment (HMAC-SHA256 with the officer's salt
over their canonical JSON): whoever has facts and salt can check it; without the salt it tells nothing.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256

START = "0" * 64
"""What the first entry of a chain follows."""

KINDS = (
    "enrolled",
    "lesson_done",
    "lessons_credited",
    "attempt_submitted",
    "completed",
    "certificate_issued",
    "statement_issued",
    "certificate_withheld",
    "certificate_superseded",
    "certificate_revoked",
    "waived",
    "exempted",
    "regraded",
    "role_granted",
    "role_ended",
    "posted",
    "list_exported",
    "erased",
)

Fact = str | int | bool | None


@dataclass(frozen=True, slots=True)
class Entry:
    """One link. `reference` names the row of the act; `previous` and `hash` are lower-case hex."""

    subject: int
    number: int
    at: datetime
    kind: str
    reference: str
    commitment: str
    previous: str
    hash: str


def commitment(salt: bytes, facts: Mapping[str, Fact]) -> str:
    text = json.dumps(dict(facts), sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hmac.new(salt, text.encode(), sha256).hexdigest()


def next_entry(
    subject: int, number: int, previous: str, at: datetime, kind: str, reference: str, committed: str
) -> Entry:
    """The entry that follows `previous`; the first of a chain has number 1 and follows START."""
    return Entry(
        subject,
        number,
        at,
        kind,
        reference,
        committed,
        previous,
        _hash(subject, number, at, kind, reference, committed, previous),
    )


def broken_links(entries: Sequence[Entry]) -> tuple[int, ...]:
    """The numbers of all entries of one officer's chain, oldest first, that do not hold beside the entry before them as
    it stands: the altered one itself, or the one that follows where an entry was exchanged or taken out."""
    found = []
    number, previous = 0, START
    for e in entries:
        expected = _hash(e.subject, e.number, e.at, e.kind, e.reference, e.commitment, e.previous)
        if (e.number, e.previous, e.hash) != (number + 1, previous, expected):
            found.append(e.number)
        number, previous = e.number, e.hash
    return tuple(found)


def _hash(subject: int, number: int, at: datetime, kind: str, reference: str, committed: str, previous: str) -> str:
    # The officer is part of it, so that one officer's chain cannot be passed off as another's. Fields are joined with
    # a character none of them can hold, so that no two entries read the same.
    moment = at.astimezone(UTC).isoformat(timespec="microseconds")
    fields = (previous, str(subject), str(number), moment, kind, reference, committed)
    return sha256("\n".join(fields).encode()).hexdigest()
