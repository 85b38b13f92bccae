"""The right answers as the trainers' own files say them, read without any code of ours."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

HEADING = re.compile(r"^## .*\{#(\S+)[^}]*\}\s*$")
CHECK = re.compile(r"^```check \{#([^\s}]+)[^}]*\}\s*$")
OPTION = re.compile(r"^- \[([ xX])\] (.*)$")
NUMBER = re.compile(r"^= (-?[\d.,]+)")
SAID = re.compile(r"^\s*> ?(.*)$")


@dataclass
class Entry:
    """One question: the labels of its right options or its number, all its labels, and what is said only afterwards."""

    id: str
    right: list[str] = field(default_factory=list)
    labels: list[str] = field(default_factory=list)
    number: str = ""
    said_afterwards: list[str] = field(default_factory=list)


def questions_in(path: Path) -> dict[str, Entry]:
    """The questions of a bank, or the inline checks of a lesson, by their ids."""
    found: dict[str, Entry] = {}
    entry: Entry | None = None
    is_bank = path.name.startswith("questions.")
    for line in path.read_text(encoding="utf-8").splitlines():
        begins = (HEADING if is_bank else CHECK).match(line)
        if begins:
            entry = found.setdefault(begins[1], Entry(begins[1]))
        elif not is_bank and line.startswith("```"):
            entry = None
        elif entry:
            _read(entry, line)
    return found


def _read(entry: Entry, line: str) -> None:
    option, number, said = OPTION.match(line), NUMBER.match(line), SAID.match(line)
    if option:
        label = plain(option[2])
        entry.labels.append(label)
        if option[1] != " ":
            entry.right.append(label)
    elif number:
        entry.number = number[1]
    elif said and said[1].strip():
        entry.said_afterwards.append(longest_piece(said[1]))


def plain(markdown: str) -> str:
    """A short text as it is read on the page, without its signs."""
    text = re.sub(r"\[\[([^|\]]+\|)?([^\]]+)\]\]", r"\2", markdown)
    return " ".join(re.sub(r"\*\*|\*|`", "", text).split())


def longest_piece(markdown: str) -> str:
    """The longest stretch of a text without any sign of Markdown: it stands on a page as it stands here."""
    return max(re.split(r"[\[\]*{}`|@<>&\\]", markdown), key=len).strip()
