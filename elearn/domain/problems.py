"""A problem in a content file: where it is, what it is, and what to do."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

Severity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True)
class Problem:
    """One finding. `line` and `column` count from 1, columns in code points; 1:1 means the whole file.

    `code` names the kind of problem for ever (editors and scripts match on it); `message` and `hint`
    are sentences for the trainer.
    """

    path: str
    line: int
    column: int
    severity: Severity
    code: str
    message: str
    hint: str = ""
    arguments: Mapping[str, str] = field(default_factory=dict, compare=False)

    def __str__(self) -> str:
        sentence = f"{self.path}:{self.line}:{self.column}: {self.severity}[{self.code}] {self.message}"
        return f"{sentence} {self.hint}".rstrip()


def in_reading_order(problems: Iterable[Problem]) -> list[Problem]:
    """Sorted by place; the same finding is told once."""
    return sorted(set(problems), key=lambda p: (p.path, p.line, p.column, p.severity, p.code, p.message))


def has_errors(problems: Iterable[Problem]) -> bool:
    return any(p.severity == "error" for p in problems)
