"""Pictures of a course: typed by their content, measured, and SVG refused when it holds more than a drawing."""

from __future__ import annotations

import math
import re
import struct
from collections.abc import Collection
from dataclasses import dataclass
from hashlib import sha256
from typing import NoReturn
from xml.parsers import expat

from elearn.authoring.findings import WHOLE_FILE, Findings, Place
from elearn.authoring.folder import SourceFile
from elearn.domain.course import Picture

NAME = re.compile(r"[a-z0-9][A-Za-z0-9.-]{0,79}\.(svg|png|jpg|jpeg|webp)")
HEAVY_SVG = 12 * 1024
HEAVY_RASTER = 60 * 1024

_MEDIA_TYPES = {
    "svg": "image/svg+xml",
    "png": "image/png",
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "webp": "image/webp",
}

_SVG_ELEMENTS = frozenset(
    (
        *(
            "svg",
            "g",
            "defs",
            "symbol",
            "use",
            "title",
            "desc",
            "path",
            "rect",
            "circle",
            "ellipse",
            "line",
            "polyline",
        ),
        *("polygon", "text", "tspan", "textPath", "marker", "linearGradient", "radialGradient", "stop", "clipPath"),
        *("mask", "pattern"),
    )
)
_SVG_NAMESPACES = frozenset({"", "http://www.w3.org/2000/svg"})
_XLINK = "http://www.w3.org/1999/xlink"
_REACHES_OUT = re.compile(r"\\|/\*|://|javascript:|data:|image-set\(|image\(|src\(")
_DEEPEST = 50


@dataclass(frozen=True, slots=True)
class Shown:
    """A picture with its size in CSS pixels, as a page shows it."""

    picture: Picture
    width: int
    height: int


class _Unsafe(Exception):
    """The SVG holds something else than a drawing. Says what and where."""

    def __init__(self, what: str, place: Place) -> None:
        super().__init__(what)
        self.place = place


def read_picture(file: SourceFile, findings: Findings) -> Shown | None:
    """The picture, or None with the reason told."""
    if file.data is None:
        return None
    if not NAME.fullmatch(file.base):
        findings.add(file.shown, WHOLE_FILE, "picture-name", name=file.base)
        return None
    kind = file.base.rpartition(".")[2]
    size = _svg_size(file, findings) if kind == "svg" else _raster_size(file.data, _MEDIA_TYPES[kind])
    if size is None:
        if kind != "svg":
            findings.add(file.shown, WHOLE_FILE, "picture-type", expected=kind.upper())
        return None
    heavy = HEAVY_SVG if kind == "svg" else HEAVY_RASTER
    if len(file.data) > heavy:
        findings.add(file.shown, WHOLE_FILE, "picture-heavy", size=len(file.data), most=heavy)
    digest = sha256(file.data).hexdigest()[:16]
    return Shown(Picture(file.base, digest, _MEDIA_TYPES[kind], file.data), *size)


def _raster_size(data: bytes, expected: str) -> tuple[int, int] | None:
    """Width and height if the bytes begin as a picture of that type does, else None."""
    try:
        if data.startswith(b"\x89PNG\r\n\x1a\n") and data[12:16] == b"IHDR":
            found, size = "image/png", struct.unpack(">II", data[16:24])
        elif data.startswith(b"\xff\xd8\xff"):
            found, size = "image/jpeg", _jpeg_size(data)
        elif data[:4] == b"RIFF" and data[8:12] == b"WEBP":
            found, size = "image/webp", _webp_size(data)
        else:
            return None
    except (struct.error, IndexError):
        return None
    width, height = size
    return (width, height) if found == expected and 0 < width <= 10_000 and 0 < height <= 10_000 else None


def _jpeg_size(data: bytes) -> tuple[int, int]:
    """From the frame header (ITU T.81 B.2.2); (0, 0) if there is none."""
    at = 2
    while at < len(data) - 9:
        if data[at] != 0xFF:
            return 0, 0
        marker = data[at + 1]
        if marker == 0xFF:
            at += 1
        elif marker in range(0xC0, 0xD0) and marker not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack(">HH", data[at + 5 : at + 9])
            return width, height
        else:
            at += 2 + max(2, struct.unpack(">H", data[at + 2 : at + 4])[0])
    return 0, 0


def _webp_size(data: bytes) -> tuple[int, int]:
    """From the first chunk (RFC 9649); (0, 0) if it is none of the three kinds."""
    kind = data[12:16]
    if kind == b"VP8 " and data[23:26] == b"\x9d\x01\x2a":
        width, height = struct.unpack("<HH", data[26:30])
        return width & 0x3FFF, height & 0x3FFF
    if kind == b"VP8L" and data[20] == 0x2F:
        (bits,) = struct.unpack("<I", data[21:25])
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if kind == b"VP8X":
        return int.from_bytes(data[24:27], "little") + 1, int.from_bytes(data[27:30], "little") + 1
    return 0, 0


def _svg_size(file: SourceFile, findings: Findings) -> tuple[int, int] | None:
    """The size of a harmless SVG; else None, with the place of what is wrong."""
    assert file.data is not None
    parser = expat.ParserCreate("utf-8", namespace_separator=" ")
    reader = _SvgReader(parser)
    try:
        parser.Parse(file.data.removeprefix(b"\xef\xbb\xbf"), True)
    except _Unsafe as unsafe:
        findings.add(file.shown, unsafe.place, "svg-unsafe", what=unsafe)
        return None
    except expat.ExpatError as error:
        place = Place(error.lineno, error.offset + 1)
        findings.add(file.shown, place, "svg-unreadable", why=expat.ErrorString(error.code))
        return None
    if reader.size is None:
        findings.add(file.shown, WHOLE_FILE, "svg-unreadable", why="its first element gives no width and height")
    return reader.size


class _SvgReader:
    """Walks through an SVG and stops at whatever is no plain drawing."""

    def __init__(self, parser: expat.XMLParserType) -> None:
        self.size: tuple[int, int] | None = None
        self.depth = 0
        self._parser = parser
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.StartDoctypeDeclHandler = self._doctype
        parser.EntityDeclHandler = self._doctype
        parser.ProcessingInstructionHandler = self._instruction

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        namespace, _, local = name.rpartition(" ")
        if namespace not in _SVG_NAMESPACES or local not in _SVG_ELEMENTS:
            raise self._unsafe(f"<{local}>")
        self.depth += 1
        if self.depth > _DEEPEST:
            raise self._unsafe(f"elements nested more than {_DEEPEST} deep")
        for key, value in attributes.items():
            if harm := _harm_in_attribute(key, value):
                raise self._unsafe(harm)
        if self.depth == 1:
            if local != "svg":
                raise self._unsafe(f"<{local}> as its first element")
            self.size = _svg_box(attributes)

    def _end(self, name: str) -> None:
        self.depth -= 1

    def _doctype(self, *_: object) -> NoReturn:
        raise self._unsafe("a DOCTYPE or an entity")

    def _instruction(self, target: str, _: str) -> NoReturn:
        raise self._unsafe(f"<?{target}?>")

    def _unsafe(self, what: str) -> _Unsafe:
        return _Unsafe(what, Place(self._parser.CurrentLineNumber, self._parser.CurrentColumnNumber + 1))


def _harm_in_attribute(key: str, value: str) -> str:
    """What an attribute would do that a drawing does not; empty if it is harmless."""
    namespace, _, local = key.rpartition(" ")
    if namespace not in ("", _XLINK, "http://www.w3.org/XML/1998/namespace"):
        return f"the attribute {local} of another program"
    if local.lower().startswith("on") or local == "style" or local == "base":
        return f"the attribute {local}"
    if local in ("href", "src") and not value.startswith("#"):
        return f"a reference to “{value}”"
    folded = "".join(value.split()).lower()
    outside = any(not part.startswith(("#", "'#", '"#')) for part in folded.split("url(")[1:])
    return f"a reference to “{value}”" if outside or _REACHES_OUT.search(folded) else ""


def _svg_box(attributes: dict[str, str]) -> tuple[int, int] | None:
    """Width and height in whole pixels from the attributes of the first element."""
    box = re.split(r"[\s,]+", attributes.get("viewBox", "").strip())
    of_box = [_length(part) for part in box[2:4]] if len(box) == 4 else [0.0, 0.0]
    width = _length(attributes.get("width", "")) or of_box[0]
    height = _length(attributes.get("height", "")) or of_box[1]
    return (math.ceil(width), math.ceil(height)) if width and height else None


def _length(text: str) -> float:
    found = re.fullmatch(r"(\d{1,5}(?:\.\d{1,6})?)(?:px)?", text.strip())
    return float(found[1]) if found else 0.0


def in_other_language(name: str, language: str, names: Collection[str]) -> str | None:
    """The name of the same picture made for that language, if there is one: `a.hi.svg` beside `a.svg`."""
    stem, _, kind = name.rpartition(".")
    other = f"{stem}.{language}.{kind}"
    return other if other in names and not stem.endswith(f".{language}") else None
