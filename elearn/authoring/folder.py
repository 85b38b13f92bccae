"""Reads a course's folder, with a private one laid over it: which files there are, their bytes, their text."""

from __future__ import annotations

import os
import re
import stat
import unicodedata
from bisect import bisect_left
from collections.abc import Collection
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from elearn.authoring.findings import WHOLE_FILE, Findings, Place

MOST_BYTES = 2 * 1024 * 1024
MOST_FILES = 2_000
LONGEST_LINE = 5_000
ADVISED_LINE = 400

# Tabs and line ends are text; everything else of the control, private, tag and separator ranges is not.
_HIDDEN = re.compile(
    "(?P<control>[\x00-\x08\x0b-\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ufff0-\uffff\ue000-\uf8ff"
    "\U000e0000-\U000e0fff\U000f0000-\U0010ffff])"
    "|(?P<bidi>[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069])"
    "|(?P<width>[\u00ad\u034f\u115f\u1160\u180e\u200b\u200c\u200d\u2060-\u2064\u3164\ufeff\uffa0])"
)
_INDIC = re.compile("[\u0900-\u0dff\u1cd0-\u1cff\ua8e0-\ua8ff\uaae0-\uaaff\uabc0-\uabff]")


class UnreadableContent(Exception):
    """The content could not be read at all: no such folder or file, or no permission to look into it."""


@dataclass(frozen=True, slots=True)
class SourceFile:
    """One file: `name` inside the course with slashes, `shown` as told to the trainer; no data means unreadable."""

    name: str
    shown: str
    data: bytes | None

    @property
    def folder(self) -> str:
        return self.name.rpartition("/")[0]

    @property
    def base(self) -> str:
        return self.name.rpartition("/")[2]


@dataclass(slots=True)
class SourceText:
    """The text of a file as lines without their ends, in NFC, and where to tell its problems."""

    name: str
    shown: str
    lines: list[str]
    findings: Findings
    written: dict[int, str] = field(default_factory=dict)
    """Lines that were not in NFC, as written, so that columns told are those of the file."""

    def tell(self, place: Place, code: str, known: Collection[str] | None = None, **arguments: object) -> None:
        """Notes a problem in this file; see Findings.add."""
        self.findings.add(self.shown, self._as_written(place), code, known, **arguments)

    def _as_written(self, place: Place) -> Place:
        line = self.written.get(place.line)
        if line is None:
            return place
        ends = range(1, len(line) + 1)
        column = 1 + bisect_left(ends, place.column, key=lambda end: len(unicodedata.normalize("NFC", line[:end])))
        return Place(place.line, column)

    def named(self, place: Place) -> str:
        """How a message points to a place in this file from another one."""
        return f"{self.name}:{place.line}"


def read_folder(folder: Path, overlay: Path | None, findings: Findings) -> dict[str, SourceFile]:
    """All plain files of the course by their name inside it; those of the overlay hide those below.

    Raises UnreadableContent if one of the two is no readable folder.
    """
    files: dict[str, SourceFile] = {}
    for root in (folder, overlay) if overlay else (folder,):
        for path in _paths(root):
            if len(files) >= MOST_FILES:
                findings.add(str(folder), WHOLE_FILE, "too-many-files", most=MOST_FILES)
                break
            file = _read_file(root, path, findings)
            if file:
                files[file.name] = file
    return files


def content_digest(folder: Path, overlay: Path | None, salt: str) -> str:
    """SHA-256 over the names and bytes of the course's files. Raises UnreadableContent."""
    unread = Findings()
    digest = sha256(salt.encode())
    for name, file in sorted(read_folder(folder, overlay, unread).items()):
        data = file.data if file.data is not None else b""
        digest.update(f"{name}\0{len(data)}\0{file.data is None}\0".encode(errors="surrogateescape"))
        digest.update(data)
    return digest.hexdigest()


def _paths(root: Path) -> list[Path]:
    """Files below the folder, sorted by name, without hidden ones; links are not followed."""
    found: list[Path] = []
    try:
        if not stat.S_ISDIR(os.stat(root).st_mode):
            raise UnreadableContent(f"{root} is not a folder.")
        os.listdir(root)
    except OSError as error:
        raise UnreadableContent(f"{root} could not be read: {error.strerror}.") from error
    for directory, folders, names in os.walk(root):
        linked = [name for name in folders if os.path.islink(os.path.join(directory, name))]
        folders[:] = sorted(name for name in folders if not name.startswith(".") and name not in linked)
        found += [Path(directory, name) for name in (*names, *linked) if not name.startswith(".")]
        if len(found) > MOST_FILES:
            break
    return sorted(found)


def _read_file(root: Path, path: Path, findings: Findings) -> SourceFile | None:
    name = path.relative_to(root).as_posix()
    # A file name may hold a line end or a colour of the terminal; nobody has to see what it does there.
    shown = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in str(path))
    try:
        status = os.lstat(path)
        if not stat.S_ISREG(status.st_mode):
            findings.add(shown, WHOLE_FILE, "not-a-plain-file", name=name)
            return None
        if status.st_size > MOST_BYTES:
            findings.add(shown, WHOLE_FILE, "file-too-big", size=status.st_size, most=MOST_BYTES)
            return SourceFile(name, shown, None)
        with open(path, "rb") as file:
            return SourceFile(name, shown, file.read(MOST_BYTES))
    except OSError as error:
        findings.add(shown, WHOLE_FILE, "unreadable-file", why=error.strerror or "unknown reason")
        return SourceFile(name, shown, None)


def read_text(file: SourceFile, findings: Findings, most_characters: int) -> SourceText | None:
    """The text of a file, or None if it cannot be used; each oddity is told at its place.

    A byte order mark and Windows line ends are fine. What is hidden from the reader's eye is an error.
    """
    text = _decoded(file, findings)
    if text is None:
        return None
    if len(text) > most_characters:
        findings.add(file.shown, WHOLE_FILE, "file-too-long", size=len(text), most=most_characters)
        return None
    source = SourceText(file.name, file.shown, re.sub("\r\n?", "\n", text).split("\n"), findings)
    if not _lengths_allowed(source):
        return None
    for number, line in enumerate(source.lines, 1):
        if not line.isascii() or not line.isprintable():
            _look_at_characters(source, number, line)
    return source


def _decoded(file: SourceFile, findings: Findings) -> str | None:
    data = file.data
    if data is None:
        return None
    if data.startswith((b"\xff\xfe", b"\xfe\xff")) or data[:200].count(b"\0") > len(data[:200]) // 4:
        findings.add(file.shown, WHOLE_FILE, "utf-16")
        return None
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = data[: error.start].decode("utf-8-sig")
        place = Place(before.count("\n") + 1, len(before) - before.rfind("\n"))
        findings.add(file.shown, place, "not-utf8", byte=f"{data[error.start]:02X}")
        return None


def _lengths_allowed(source: SourceText) -> bool:
    allowed = True
    for number, line in enumerate(source.lines, 1):
        if len(line) > LONGEST_LINE:
            source.tell(Place(number, LONGEST_LINE + 1), "line-too-long", size=len(line), most=LONGEST_LINE)
            allowed = False
        elif len(line) > ADVISED_LINE:
            source.tell(Place(number, ADVISED_LINE + 1), "long-line", size=len(line), most=ADVISED_LINE)
    return allowed


def _look_at_characters(source: SourceText, number: int, line: str) -> None:
    """Tells hidden and unusual characters of a line and replaces it by one that the readers can trust."""
    kept = list(line)
    for found in _HIDDEN.finditer(line):
        code = hidden_character(line, found.start())
        if code:
            source.tell(Place(number, found.start() + 1), code, character=f"U+{ord(found[0]):04X}")
            kept[found.start()] = "\ufffd"
    line = "".join(kept)
    composed = unicodedata.normalize("NFC", line)
    if composed != line:
        ends = range(1, len(line) + 1)
        column = 1 + bisect_left(ends, True, key=lambda end: not unicodedata.is_normalized("NFC", line[:end]))
        column = min(column, len(line))
        source.tell(Place(number, column), "not-nfc", character=line[column - 1])
        source.written[number] = line
    source.lines[number - 1] = composed


def hidden_character(text: str, index: int) -> str | None:
    """The code of the problem with the character at this index, if it hides something from the reader."""
    found = _HIDDEN.match(text, index)
    if not found:
        return None
    around = text[max(0, index - 1) : index] + text[index + 1 : index + 2]
    if found[0] in "\u200c\u200d" and _INDIC.search(around):
        return None  # joiners decide how Indic letters join: they are spelling there
    return {"control": "control-character", "bidi": "bidi-character", "width": "zero-width-character"}[
        found.lastgroup or "control"
    ]
