"""Reads YAML as plain text in groups and lists, each value with its place, and refuses what can surprise or harm.

Values stay the words that were written (`1.10` is not 1.1, `no` is not false); the models in course_source.py say what
they should be. There are no tags, no aliases and no code.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    CollectionEndEvent,
    DocumentStartEvent,
    Event,
    MappingStartEvent,
    NodeEvent,
    ScalarEvent,
    SequenceStartEvent,
)

from elearn.authoring.findings import Place
from elearn.authoring.folder import SourceText

MOST_CHARACTERS = 500_000
MOST_ENTRIES = 30_000
DEEPEST = 20

Path = tuple[str | int, ...]
"""Where a value stands: keys and indices from the top."""

_NOTHING = frozenset({"", "~", "null", "Null", "NULL"})

# ruamel's own words, and what to tell a trainer instead.
_PLAIN_WORDS = (
    (
        "cannot start any token",
        "A tab or a special character stands where a value should begin.",
        "Indent with spaces.",
    ),
    ("mapping values are not allowed", "A second `: ` stands in this line.", "Put the whole text in quotes."),
    ("expected <block end>", "The indentation of this line does not fit the lines above.", "Line it up with them."),
    ("could not find expected ':'", "A `:` is missing here.", "Write `key: value`."),
    ("unexpected end of stream", "A quote is opened here but not closed.", "Close it."),
    ("expected the node content", "A bracket or value is missing here.", "Close every [ and { you open."),
    ("expected ',' or", "A comma or a closing bracket is missing here.", "Close every [ and { you open."),
    (
        "unknown escape character",
        "This `\\` means nothing inside double quotes.",
        "Use single quotes, or write it twice.",
    ),
    ("expected a single document", "A second `---` begins another document.", "Remove it."),
)


@dataclass(slots=True)
class YamlSource:
    """What a YAML text says: `value` made of dicts, lists, strings and None; where each value and key stands."""

    source: SourceText
    start: Place
    value: Any = None
    values: dict[Path, Place] = field(default_factory=dict)
    keys: dict[Path, Place] = field(default_factory=dict)
    unread: set[Path] = field(default_factory=set)
    """Keys whose values did not fit, so that nobody complains a second time about what hangs on them."""

    def place(self, path: Path) -> Place:
        """Of the value, or of the nearest thing around it that was written."""
        while path:
            found = self.values.get(path) or self.keys.get(path)
            if found:
                return found
            path = path[:-1]
        return self.start

    def key_place(self, path: Path) -> Place:
        return self.keys.get(path) or self.place(path)


class _Refused(Exception):
    """The text holds what we do not read; it has been told already."""


@dataclass(slots=True)
class _Open:
    """A group or list being read; for a group, the key that waits for its value."""

    holds: dict[str, Any] | list[Any]
    path: Path
    key: str | None = None

    def next_path(self) -> Path:
        return (*self.path, len(self.holds) if isinstance(self.holds, list) else self.key or "")


def read_yaml(source: SourceText, lines: list[str], first_line: int) -> YamlSource | None:
    """Reads these lines of a file, the first of which is number `first_line`. None if they cannot be read."""
    read = YamlSource(source, Place(first_line, 1))
    try:
        _build(read, _events("\n".join(lines)), first_line)
    except _Refused:
        return None
    except MarkedYAMLError as error:
        _tell_syntax(source, error, first_line)
        return None
    except (
        YAMLError,
        ValueError,
        LookupError,
        OverflowError,
        AttributeError,
        AssertionError,
        NotImplementedError,
    ) as why:
        # ruamel's scanner lets other exceptions through for some broken texts, such as an escape beyond Unicode.
        source.tell(read.start, "yaml-syntax", why="This is not valid YAML.", how=str(why) or "Look for a stray sign.")
        return None
    return read


def read_group(source: SourceText, lines: list[str], first_line: int) -> YamlSource | None:
    """Like read_yaml, for a text that must be `key: value` lines at the top."""
    read = read_yaml(source, lines, first_line)
    if read and not isinstance(read.value, dict):
        source.tell(read.values.get((), read.start), "yaml-not-a-group")
        return None
    return read


def _events(text: str) -> Iterator[Event]:
    return iter(YAML(typ="safe", pure=True).parse(text))


def _build(read: YamlSource, events: Iterator[Event], first_line: int) -> None:
    """Builds the value from parse events, without recursion, so that depth is our limit and not Python's."""
    opened: list[_Open] = []
    entries = documents = 0
    for event in events:
        mark = event.start_mark
        place = Place(mark.line + first_line, mark.column + 1) if mark else read.start
        if isinstance(event, DocumentStartEvent):
            documents += 1
            if documents > 1 or event.version or event.tags:
                raise _refuse_document(read, place)
        elif isinstance(event, CollectionEndEvent):
            opened.pop()
        elif isinstance(event, NodeEvent):
            entries += 1
            if entries > MOST_ENTRIES:
                raise _refused(read, place, "yaml-too-much", most=MOST_ENTRIES)
            _node(read, event, place, opened)


def _node(read: YamlSource, event: NodeEvent, place: Place, opened: list[_Open]) -> None:
    if isinstance(event, AliasEvent) or event.anchor:
        raise _refused(read, place, "yaml-alias")
    if getattr(event, "tag", None) and not (isinstance(event, ScalarEvent) and event.tag == "!" and event.style):
        raise _refused(read, place, "yaml-tag")
    inside = opened[-1] if opened else None
    if inside and isinstance(inside.holds, dict) and inside.key is None:
        inside.key = _key(read, event, place, inside)
        return
    path = inside.next_path() if inside else ()
    value: Any
    if isinstance(event, ScalarEvent):
        value = None if event.implicit[0] and not event.style and event.value in _NOTHING else event.value
    else:
        value = {} if isinstance(event, MappingStartEvent) else []
    if value is not None:
        read.values[path] = place
    if inside is None:
        read.value = value
    elif isinstance(inside.holds, list):
        inside.holds.append(value)
    else:
        inside.holds[inside.key or ""] = value
        inside.key = None
    if isinstance(event, MappingStartEvent | SequenceStartEvent):
        opened.append(_Open(value, path))
        if len(opened) > DEEPEST:
            raise _refused(read, place, "yaml-too-deep", most=DEEPEST)


def _key(read: YamlSource, event: NodeEvent, place: Place, inside: _Open) -> str:
    if not isinstance(event, ScalarEvent):
        raise _refused(read, place, "yaml-key")
    key, path = str(event.value), (*inside.path, str(event.value))
    if key in inside.holds:
        raise _refused(read, place, "yaml-double-key", key=key, line=read.keys[path].line)
    read.keys[path] = place
    return key


def _refused(read: YamlSource, place: Place, code: str, **arguments: object) -> _Refused:
    read.source.tell(place, code, None, **arguments)
    return _Refused(code)


def _refuse_document(read: YamlSource, place: Place) -> _Refused:
    how = "Remove it: one file holds one document, without % lines."
    return _refused(read, place, "yaml-syntax", why="A second document or a `%` line begins here.", how=how)


def _tell_syntax(source: SourceText, error: MarkedYAMLError, first_line: int) -> None:
    problem = error.problem or ""
    why, how = "This is not valid YAML.", re.sub(r"\s+", " ", problem) or "Look for a stray sign."
    for words, plain_why, plain_how in _PLAIN_WORDS:
        if words in problem:
            why, how = plain_why, plain_how
    mark = error.problem_mark
    if mark and source.lines[min(mark.line + first_line, len(source.lines)) - 1][mark.column :].startswith(":"):
        _, why, how = _PLAIN_WORDS[1]
    if error.context_mark and "unexpected end" in problem:
        mark = error.context_mark  # where the quote was opened, which is what the trainer has to look at
    place = Place(mark.line + first_line, mark.column + 1) if mark else Place(first_line, 1)
    source.tell(Place(min(place.line, len(source.lines)), place.column), "yaml-syntax", why=why, how=how)
