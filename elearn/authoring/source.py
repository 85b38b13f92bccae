"""Takes a Markdown file apart: front matter, prose, fenced blocks, attributes, each piece knowing its lines."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field

from elearn.authoring.course_source import is_id
from elearn.authoring.findings import WHOLE_FILE, Place
from elearn.authoring.folder import SourceText
from elearn.authoring.yaml_source import YamlSource, read_group

MOST_CHARACTERS = 200_000
"""Of one Markdown file: measured so that the densest markup compiles within five seconds."""

_FENCE = re.compile(r"(?P<indent> {0,3})(?P<ticks>`{3,}|~{3,})[ \t]*(?P<info>[^`]*)$")
_INDENTED_FENCE = re.compile(r"[ \t>]*+(?:(?:[-*+]|\d{1,9}[.)])[ \t]++)?(?:`{3,}[^`]*|~{3,}.*)$")
_KEY_LINE = re.compile(r"[a-z_]+:|[ \t]|$")
_ATTRIBUTES = re.compile(r"(?<!\{)\{(?P<inside>[^{}]*)\}[ \t]*$")
_ATTRIBUTE = re.compile(r"(?:[^\s\"]|\"[^\"]*\")+")
KNOWN_BLOCKS = ("check", "lab", "text")
ATTRIBUTES = ("type", "outcome", "level", "domain")


@dataclass(frozen=True, slots=True)
class Line:
    """A line, or the part of it that follows an indentation or mark: where that part begins, and its text."""

    number: int
    column: int
    text: str

    def from_(self, index: int) -> Line:
        return Line(self.number, self.column + index, self.text[index:])

    @property
    def place(self) -> Place:
        return Place(self.number, self.column)


@dataclass(frozen=True, slots=True)
class Passage:
    """Some lines of Markdown out of a file."""

    source: SourceText
    lines: tuple[Line, ...]

    @property
    def text(self) -> str:
        return "\n".join(line.text for line in self.lines)

    def place(self, offset: int) -> Place:
        """Of a character of `text`, by its offset."""
        for line in self.lines:
            if offset <= len(line.text):
                return Place(line.number, line.column + offset)
            offset -= len(line.text) + 1
        return self.start

    @property
    def start(self) -> Place:
        return next(
            (line.from_(len(line.text) - len(line.text.lstrip())).place for line in self.lines if line.text.strip()),
            WHOLE_FILE,
        )

    def is_empty(self) -> bool:
        return not any(line.text.strip() for line in self.lines)


@dataclass(frozen=True, slots=True)
class Fence:
    """A fenced block: its first word, what follows that word, and the lines inside."""

    opening: Line
    name: str
    rest: Line
    body: Passage


@dataclass(slots=True)
class Attributes:
    """What stands in the braces: `{#id outcome=1.a}`."""

    place: Place
    id: str = ""
    values: dict[str, str] = field(default_factory=dict)
    places: dict[str, Place] = field(default_factory=dict)

    def where(self, key: str) -> Place:
        return self.places.get(key, self.place)


def split_front_matter(source: SourceText) -> tuple[YamlSource | None, Passage] | None:
    """The front matter, read, and the body, which is given even if the front matter cannot be read.

    None if nobody can say where the body begins.
    """
    lines = source.lines
    end = next((i for i, line in enumerate(lines[1:], 1) if line.rstrip() == "---"), None)
    if lines[0].rstrip() != "---":
        source.tell(WHOLE_FILE, "front-matter-missing")
        only_opening_forgotten = end is not None and all(_KEY_LINE.match(line) for line in lines[:end])
        return None, _passage(source, end + 1 if end is not None and only_opening_forgotten else 0)
    if end is None:
        source.tell(WHOLE_FILE, "front-matter-not-closed")
        return None
    return read_group(source, lines[1:end], 2), _passage(source, end + 1)


def _passage(source: SourceText, first: int) -> Passage:
    return Passage(source, tuple(Line(i + 1, 1, text) for i, text in enumerate(source.lines) if i >= first))


def blocks(passage: Passage) -> Iterator[Passage | Fence]:
    """Prose and fenced blocks in order. Tells fences that are not closed or not at the left margin."""
    source, prose, lines, index = passage.source, list[Line](), passage.lines, 0
    while index < len(lines):
        line = lines[index]
        opened = _FENCE.match(line.text)
        if not opened:
            if _INDENTED_FENCE.match(line.text):
                source.tell(line.from_(len(line.text) - len(line.text.lstrip())).place, "fence-not-at-margin")
            prose.append(line)
            index += 1
            continue
        if prose:
            yield Passage(source, tuple(prose))
            prose = []
        end = _closing(lines, index, opened["ticks"])
        if end is None:
            source.tell(line.from_(opened.start("ticks")).place, "fence-not-closed")
            end = len(lines)
        yield _fence(source, line, opened, lines[index + 1 : end])
        index = end + 1
    if prose:
        yield Passage(source, tuple(prose))


def is_fence(line: str) -> str:
    """The ticks that open a fence on this line, or nothing."""
    opened = _FENCE.match(line)
    return opened["ticks"] if opened else ""


def closes(line: str, ticks: str) -> bool:
    text = line.strip()
    return len(text) >= len(ticks) and not text.strip(ticks[0]) and len(line) - len(line.lstrip()) <= 3


def _closing(lines: tuple[Line, ...], opening: int, ticks: str) -> int | None:
    return next((i for i in range(opening + 1, len(lines)) if closes(lines[i].text, ticks)), None)


def _fence(source: SourceText, line: Line, opened: re.Match[str], inside: tuple[Line, ...]) -> Fence:
    info = line.from_(opened.start("info"))
    name = re.match(r"[^\s{]*", info.text)
    length = name.end() if name else 0
    return Fence(line.from_(opened.start("ticks")), info.text[:length], info.from_(length), Passage(source, inside))


def split_attributes(source: SourceText, line: Line, otherwise: Place) -> tuple[Line, Attributes]:
    """Cuts `{#id key=value}` from the end of a line; tells what cannot be read in it.

    `otherwise` is the place of attributes that are not there.
    """
    found = _ATTRIBUTES.search(line.text)
    if not found:
        return line, Attributes(otherwise)
    inside = line.from_(found.start("inside"))
    attributes = Attributes(line.from_(found.start()).place)
    for part in _ATTRIBUTE.finditer(found["inside"]):
        _add_attribute(source, attributes, part[0], inside.from_(part.start()).place)
    return Line(line.number, line.column, line.text[: found.start()].rstrip()), attributes


def _add_attribute(source: SourceText, attributes: Attributes, text: str, place: Place) -> None:
    key, sign, value = text.partition("=")
    if text.startswith("#"):
        key, sign, value = "id", "=", text[1:]
        if not is_id(value):
            source.tell(place, "bad-id", value=value)
    value = value.strip('"')
    if not sign or (key not in ATTRIBUTES and key != "id") or (key == "id" and not text.startswith("#")):
        source.tell(place, "unknown-attribute", value=text, known=ATTRIBUTES)
    elif key in attributes.places:
        source.tell(place, "double-attribute", key=key)
    else:
        attributes.places[key] = place
        if key == "id":
            attributes.id = value if is_id(value) else ""
        else:
            attributes.values[key] = value


def tell_unknown_block(fence: Fence, known: Collection[str] = KNOWN_BLOCKS) -> None:
    fence.body.source.tell(fence.opening.place, "unknown-fence", name=fence.name, known=known)
