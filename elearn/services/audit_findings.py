"""What an audit finds, and the chains of so many officers that it compares everything else with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hmac import compare_digest
from typing import Any

from sqlalchemy import ColumnElement, and_, true

from elearn.domain.ledger import Entry, Fact, commitment


@dataclass(frozen=True, slots=True)
class Finding:
    """One row that does not hold: its table, its key, and why, as the end of a sentence."""

    table: str
    key: object
    why: str

    def __str__(self) -> str:
        return f"{self.table} {self.key}: {self.why}"


@dataclass(frozen=True)
class Chains:
    """The officers with numbers above `after`, up to `last` or without an end, and their ledgers, oldest entry first.

    Without a salt the officer was erased: her entries stand, but nothing can be compared with them any more.
    """

    after: int
    last: int | None
    salts: Mapping[int, bytes | None]
    heads: Mapping[int, tuple[int, str]]
    entries: Mapping[int, Sequence[Entry]]
    _by_reference: dict[tuple[int, str, str], list[Entry]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for entries in self.entries.values():
            for entry in entries:
                self._by_reference.setdefault((entry.subject, entry.kind, entry.reference), []).append(entry)

    def within(self, column: Any) -> ColumnElement[bool]:
        return and_(column > self.after, column <= self.last if self.last is not None else true())

    def told(self, officer: int, kind: str, reference: object) -> Sequence[Entry]:
        """What the officer's ledger says of one row, oldest first."""
        return self._by_reference.get((officer, kind, str(reference)), ())

    def is_erased(self, officer: int) -> bool:
        """Without a salt; whether the ledger knows of it is asked once for each officer."""
        return self.salts.get(officer) is None

    def committed(self, entry: Entry, facts: Mapping[str, Fact]) -> bool:
        """Whether the entry was made for these facts; of an erased officer nobody can tell, so yes."""
        salt = self.salts.get(entry.subject)
        return salt is None or compare_digest(entry.commitment, commitment(salt, facts))

    def says(self, officer: int, kind: str, reference: object, facts: Mapping[str, Fact]) -> bool:
        """Whether the latest entry of this kind about a row was made for these facts."""
        told = self.told(officer, kind, reference)
        return bool(told) and self.committed(told[-1], facts)
