"""A picture is what its bytes say, not what its name says."""

from __future__ import annotations

import struct
import zlib

import pytest

from elearn.authoring.findings import Findings
from elearn.authoring.folder import SourceFile
from elearn.authoring.pictures import Shown, read_picture
from elearn.authoring.wordcount import count_words

PNG = (
    b"\x89PNG\r\n\x1a\n"
    + struct.pack(">I", 13)
    + b"IHDR"
    + struct.pack(">IIBBBBB", 30, 20, 8, 2, 0, 0, 0)
    + zlib.compress(b"")
)
JPEG = b"\xff\xd8\xff\xe0\x00\x04ab\xff\xc0\x00\x11\x08\x00\x14\x00\x1e\x03" + b"\0" * 20
WEBP_LOSSY = b"RIFF\0\0\0\0WEBPVP8 \0\0\0\0\0\0\0\x9d\x01\x2a\x1e\x00\x14\x00" + b"\0" * 9
WEBP_LOSSLESS = b"RIFF\0\0\0\0WEBPVP8L\0\0\0\0\x2f" + struct.pack("<I", 29 | 19 << 14) + b"\0" * 9
WEBP_EXTENDED = b"RIFF\0\0\0\0WEBPVP8X\0\0\0\0\0\0\0\0\x1d\0\0\x13\0\0" + b"\0" * 9


def read(name: str, data: bytes) -> tuple[Shown | None, list[str]]:
    findings = Findings()
    shown = read_picture(SourceFile(f"01-m/{name}", name, data), findings)
    return shown, [f"{p.line}:{p.column} {p.code}" for p in findings.problems]


def svg(inside: str = "", attributes: str = 'viewBox="0 0 30 20"') -> bytes:
    return f'<svg xmlns="http://www.w3.org/2000/svg" {attributes}>{inside}</svg>'.encode()


@pytest.mark.parametrize(
    ("name", "data", "media_type"),
    [
        ("a.png", PNG, "image/png"),
        ("a.jpg", JPEG, "image/jpeg"),
        ("a.jpeg", JPEG, "image/jpeg"),
        ("a.webp", WEBP_LOSSY, "image/webp"),
        ("a.webp", WEBP_LOSSLESS, "image/webp"),
        ("a.webp", WEBP_EXTENDED, "image/webp"),
        ("a.svg", svg(), "image/svg+xml"),
        ("a.svg", svg(attributes='width="30" height="20px"'), "image/svg+xml"),
        ("a.hi.svg", svg('<g fill="url(#b)"><use href="#c"/></g>'), "image/svg+xml"),
        ("a.mni-Mtei.svg", b"\xef\xbb\xbf" + svg(), "image/svg+xml"),
    ],
)
def test_picture_is_measured(name: str, data: bytes, media_type: str) -> None:
    shown, problems = read(name, data)
    assert problems == []
    assert shown
    assert (shown.width, shown.height) == (30, 20)
    assert (shown.picture.name, shown.picture.media_type, shown.picture.data) == (name, media_type, data)


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.png", JPEG),
        ("a.jpg", PNG),
        ("a.webp", PNG),
        ("a.png", svg()),
        ("a.png", b""),
        ("a.png", PNG[:20]),
        ("a.jpg", JPEG[:12]),
        ("a.webp", WEBP_LOSSY[:20]),
        ("a.png", PNG.replace(struct.pack(">I", 30), struct.pack(">I", 0))),
        ("a.jpg", b"<script>alert(1)</script>"),
    ],
)
def test_picture_that_is_none_is_refused(name: str, data: bytes) -> None:
    assert read(name, data) == (None, ["1:1 picture-type"])


@pytest.mark.parametrize("name", ["a.gif", "A b.png", "..a.png", ".png", "a.svgz", "a.png\n"])
def test_other_names_are_refused(name: str) -> None:
    assert read(name, PNG) == (None, ["1:1 picture-name"])


def test_place_in_an_svg_counts_characters_not_bytes() -> None:
    data = svg("\n<title>मूल दर</title><script/>", 'viewBox="0 0 30 20"')
    assert read("a.svg", data) == (None, ["2:22 svg-unsafe"])
    assert read("a.svg", b"\xef\xbb\xbf<svg xmlns='http://www.w3.org/2000/svg' style=''/>") == (
        None,
        ["1:1 svg-unsafe"],
    )


@pytest.mark.parametrize(
    "inside",
    [
        "<rect fill='url( https://example.org/a)'/>",
        "<rect fill='u\\72l(https://example.org/a)'/>",
        "<rect fill='URL(&quot;https://example.org/a&quot;)'/>",
        "<rect fill='url(#a) url(//example.org)'/>",
        "<rect mask='image-set(&quot;//example.org/a&quot; 1x)'/>",
        "<use xmlns:xlink='http://www.w3.org/1999/xlink' xlink:href='a.svg#b'/>",
        "<use href=' javascript:alert(1)'/>",
        "<text ONCLICK='alert(1)'/>",
        "<set attributeName='href' to='javascript:alert(1)'/>",
        "<handler>alert(1)</handler>",
        "<filter><feImage href='#a'/></filter>",
        "<svg xml:base='https://example.org'/>",
        "<b:rect xmlns:b='https://example.org/other'/>",
        "<g b:on='x' xmlns:b='https://example.org/other'/>",
        "<g>" * 60 + "</g>" * 60,
    ],
)
def test_svg_that_is_more_than_a_drawing_is_refused(inside: str) -> None:
    shown, problems = read("a.svg", svg(inside))
    assert shown is None
    assert [problem.partition(" ")[2] for problem in problems] == ["svg-unsafe"]


def test_heavy_raster_is_told() -> None:
    assert read("a.png", PNG + b"\0" * 70_000)[1] == ["1:1 picture-heavy"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", 0),
        ("one two, three.", 3),
        ("1,00,000 people; 26.9 %", 3),
        ("the office's file and false-alarm", 6),
        ("नियम पढ़ते हैं", 3),
        ("ज़िला क्\u200dष", 2),
        ("ꯃꯤꯇꯩꯂꯣꯟ ꯂꯣꯟ", 2),
        ("বাংলা ভাষা", 2),
        ("— … ·", 0),
    ],
)
def test_words_are_counted_in_any_script(text: str, words: int) -> None:
    assert count_words(text) == words
