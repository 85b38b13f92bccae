"""Collects what is wrong with a course, each finding at its place in the trainer's file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from difflib import get_close_matches
from typing import NamedTuple

from elearn.authoring.codes import CODES
from elearn.domain.problems import Problem

MOST_PER_FILE = 200
"""Findings of one severity told for one file; nobody reads more, and a hostile file must not fill the memory."""

LONGEST_QUOTE = 80
MOST_GUESSES, MOST_KNOWN = 50, 2_000
"""Guessing what a misspelt name was meant to be takes long; beyond this nobody guesses."""


class Place(NamedTuple):
    """Line and column, both from 1, columns in code points. 1:1 is the whole file."""

    line: int
    column: int


WHOLE_FILE = Place(1, 1)


class Findings:
    """The problems found so far."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []
        self.errors = 0
        self._guesses = 0
        self._told: Counter[tuple[str, str]] = Counter()

    def add(
        self, path: str, place: Place, code: str, known: Collection[str] | None = None, **arguments: object
    ) -> None:
        """Notes one problem. `code` is a key of CODES; its sentences are filled with the arguments.

        Where names are `known`, the one nearest to the first argument is offered.
        """
        rule = CODES[code]
        self.errors += rule.severity == "error"
        self._told[path, rule.severity] += 1
        told = self._told[path, rule.severity]
        if told == MOST_PER_FILE + 1:
            code, arguments = f"more-{rule.severity}s", {}
            rule = CODES[code]
        elif told > MOST_PER_FILE:
            return
        words = {name: quoted(str(value)) for name, value in arguments.items()}
        words["near"] = self._near(next(iter(words.values()), ""), known or ())
        message, hint = rule.message.format_map(words).strip(), rule.hint.format_map(words)
        self.problems.append(Problem(path, *place, rule.severity, code, message, hint, words))

    def _near(self, word: str, known: Collection[str]) -> str:
        """`Did you mean “…”?`, or nothing."""
        if not word or not known or len(known) > MOST_KNOWN or self._guesses >= MOST_GUESSES:
            return ""
        self._guesses += 1
        close = get_close_matches(word, known, 1, 0.6)
        return f"Did you mean “{quoted(close[0])}”?" if close else ""


def quoted(text: str) -> str:
    """A piece of a file fit for one line of a terminal: no control characters, not too long."""
    text = " ".join(text.split())
    text = "".join(c if c.isprintable() or c in "\u200c\u200d" else f"\\u{ord(c):04x}" for c in text)
    return text if len(text) <= LONGEST_QUOTE else text[: LONGEST_QUOTE - 1] + "…"
