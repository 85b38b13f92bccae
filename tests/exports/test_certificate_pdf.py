"""The printed certificate says what the record says, with every name drawn as its script demands.

How the shaping is judged: text extracted from a PDF tells nothing about shapes, so the ink is compared. PDFium, which
is not the engine that made the page, draws the glyphs the PDF really contains: all objects but one line of text are
taken off the page, and the rest is rendered. Beside it the same line is shaped with HarfBuzz, the reference for text
shaping, from the same font files; the outlines of the glyphs are set, at HarfBuzz's advances and offsets, as plain
paths on an empty page, and rendered at the same resolution. No ink of either picture may lie further than one pixel,
1/288 inch, from ink of the other. A wrong glyph, a mark out of place or a wrong advance shows as ink without a partner;
glyph numbers, which a PDF may renumber as it likes, need not be guessed. That the measure bites is proved by drawing
the reference without shaping, and without the fonts' positioning: both are told from the PDF.
"""

from __future__ import annotations

import ctypes
import hashlib
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime
from functools import cache
from itertools import pairwise
from typing import Any

import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_raw
import pytest
import segno
import uharfbuzz
from fontTools.pens.basePen import BasePen
from fontTools.ttLib import TTFont

from elearn.domain.certificate import CertificateRecord, grouped_serial
from elearn.exports.certificate_pdf import (
    FONT_FOLDER,
    STATEMENT_WORDS,
    WORDS,
    MissingGlyphs,
    WrongAddress,
    certificate_pdf,
    missing_glyphs,
    written_date,
)

MEERA = CertificateRecord(
    serial="0710G40R2GA1G7283CHG8M2SDX",
    name="Meera Devi Sharma",
    name_language="en",
    other_names=(),
    course="ai-for-good-governance",
    course_title={"en": "AI for Good Governance", "hi": "सुशासन के लिए एआई"},
    course_version="5f2c" * 16,
    issuer="Model District Collectorate",
    issued_on=date(2026, 11, 23),
    completed_at=datetime(2026, 11, 23, 9, 5, 7, tzinfo=UTC),
    evidence="checked",
    chain_head="0123456789abcdef" * 4,
)
FOUR_SCRIPTS = replace(
    MEERA,
    name="मीरा देवी शर्मा",
    name_language="hi",
    other_names=(("en", "Meera Devi Sharma"), ("bn", "মীরা দেবী শর্মা"), ("mni-Mtei", "ꯃꯤꯔꯥ ꯗꯦꯕꯤ ꯁꯔꯃꯥ")),
    evidence="supervised",
)
STATEMENT = replace(
    MEERA, module="scores", module_title={"en": "Scores: deciding about people", "hi": "स्कोर: लोगों के बारे में निर्णय"}
)

LATIN, DEVANAGARI, BENGALI, MEETEI = "NotoSans", "NotoSansDevanagari", "NotoSansBengali", "NotoSansMeeteiMayek"

# Invented names: (language tag, parts), each part a font and the text it must draw.
LATIN_NAMES = [
    ("en", [(LATIN, name)])
    for name in (
        "Meera Devi Sharma",
        "Tombi AVATAR Yvonne",  # kerning
        "Effie Fiori-Affleck",  # f-ligatures
        "O’Tampha D'Leima",
        "Śaṅkarī Rāmānūjā",
        "Ṭhākur Ḍimple Ñāmdri",
        "Q\u0303una Le\u0331imā",  # marks that have no composed letter
        "A. V. R. Lj. Ngangom",
        "Øyvind Łukasz Ğamze",
        "Kh. Ibochouba (Sr.)",
    )
]
DEVANAGARI_NAMES = [
    ("hi", [(DEVANAGARI, name)])
    for name in (
        "मीरा देवी शर्मा",  # reph
        "श्रद्धा त्रिपाठी",  # conjuncts
        "किर्ति विक्रम सिंह",  # i-matra before its consonant, and before reph
        "ज्ञानेन्द्र मिश्र",
        "रुक्मिणी रूपचंद्र",
        "फ़िरोज़ ख़ुर्शीद",  # nukta
        "हृदयेश ब्रह्मभट्ट",
        "क्\u200dषितिज कृष्णन्",  # half form asked for by a joiner; final virama
        "वाङ्\u200cमय ट्विङ्कल",  # a joiner that forbids the conjunct
        "दुर्गेश्वरी र्\u200dयाली, 2 री",  # eyelash ra, digits and comma
    )
]
BENGALI_NAMES = [
    ("bn", [(BENGALI, name)])
    for name in (
        "মীরা দেবী শর্মা",  # reph
        "শ্যামল ব্যানার্জি",  # ya-phalaa
        "র\u200d্যাচেল র্যাজা",  # ra with ya-phalaa, and reph over ya
        "কৃষ্ণেন্দু চট্টোপাধ্যায়",
        "জ্যোতির্ময় ভট্টাচার্য",
        "সৌমিত্র দেববর্মা",  # vowel signs on both sides of a consonant
        "ঐশ্বর্যা ক্ষেত্রী",
        "ইন্দ্রজিৎ হালদার",  # khanda ta
        "ৰাজকুমাৰী ৱাংখেম",  # ra and wa of Assam and Manipur
        "বিষ্ণুপ্রিয়া ওয়াংজিং",
    )
]
MEETEI_NAMES = [
    ("mni-Mtei", [(MEETEI, name)])
    for name in (
        "ꯃꯤꯔꯥ ꯗꯦꯕꯤ ꯁꯔꯃꯥ",
        "ꯊꯣꯡꯕꯝ ꯇꯣꯝꯕꯤ",  # lonsum letters
        "ꯏꯕꯣꯆꯧꯕꯥ ꯉꯥꯡꯒꯣꯝ",
        "ꯂꯥꯏꯁ꯭ꯔꯝ ꯀ꯭ꯔꯤꯁ꯭ꯅꯥ",  # apun iyek, the sign of a conjunct
        "ꯅꯤꯡꯊꯧꯖꯝ ꯁꯅꯥꯇꯣꯝꯕꯥ",
        "ꯑꯣꯏꯅꯥꯝ ꯆꯥꯎꯕꯥ",
        "ꯍꯩꯁ꯭ꯅꯥꯝ ꯕꯨꯗꯤ",
        "ꯋꯥꯔꯦꯄꯝ ꯌꯥꯏꯃꯥ",
        "ꯂꯩꯃꯥ ꯇꯝꯐꯥ",
        "ꯈꯨꯃꯨꯛꯆꯝ ꯄꯤꯛꯂꯨ꯫ ꯱꯲",  # cheikhei and digits
    )
]
MIXED_NAMES = [
    ("en", [(LATIN, "Meera "), (DEVANAGARI, "किर्ति शर्मा")]),
    ("hi", [(DEVANAGARI, "श्रीमती "), (LATIN, "D’Souza ("), (DEVANAGARI, "त्रिपाठी)")]),
    ("bn", [(BENGALI, "ব্যানার্জি "), (MEETEI, "ꯊꯣꯡꯕꯝ "), (LATIN, "Tombi")]),
    ("mni-Mtei", [(MEETEI, "ꯀ꯭ꯔꯤꯁ꯭ꯅꯥ"), (LATIN, "-"), (MEETEI, "ꯂꯥꯏꯁ꯭ꯔꯝ "), (LATIN, "2 "), (DEVANAGARI, "क्षेत्र।")]),
]
ALL_NAMES = LATIN_NAMES + DEVANAGARI_NAMES + BENGALI_NAMES + MEETEI_NAMES + MIXED_NAMES

Parts = list[tuple[str, str]]
SCALE = 4  # pixels per point: 288 dpi
NO_SHAPING, NO_POSITIONING = "no shaping", "no positioning"


def address(record: CertificateRecord) -> str:
    return f"HTTPS://LEARN.MODEL-DISTRICT.EXAMPLE/C/{record.serial}"


def printed(record: CertificateRecord, language: str = "en") -> bytes:
    return certificate_pdf(record, address(record), language)


def named(tag: str, parts: Parts, **changes: Any) -> CertificateRecord:
    return replace(MEERA, name="".join(text for _, text in parts), name_language=tag, **changes)


@contextmanager
def opened(pdf: bytes) -> Iterator[tuple[pdfium.PdfDocument, pdfium.PdfPage]]:
    document = pdfium.PdfDocument(pdf)
    page = document[0]
    try:
        yield document, page
    finally:
        page.close()
        document.close()


# --- the line as the PDF has it ---------------------------------------------------------------------------------------


def font_size(text: pdfium.PdfObject) -> float:
    size = ctypes.c_float()
    assert pdfium_raw.FPDFTextObj_GetFontSize(text.raw, size)
    return size.value * text.get_matrix().a


def font_name(text: pdfium.PdfObject) -> str:
    """The name of the font file that the text is drawn with."""
    font = pdfium_raw.FPDFTextObj_GetFont(text.raw)
    name = ctypes.create_string_buffer(200)
    assert pdfium_raw.FPDFFont_GetBaseFontName(font, name, len(name))
    return name.value.decode().split("+")[1]


def texts_of(page: pdfium.PdfPage) -> list[pdfium.PdfObject]:
    return [found for found in page.get_objects() if found.type == pdfium_raw.FPDF_PAGEOBJ_TEXT]


def line_in(pdf: bytes, size: float, weight: str) -> tuple[int, float, float, set[str]]:
    """The ink of the line set in this size and weight, where its first glyph stands, and its fonts."""
    with opened(pdf) as (_, page):
        line = [
            text for text in texts_of(page) if abs(font_size(text) - size) < 0.01 and font_name(text).endswith(weight)
        ]
        assert line, f"no line of {size} points"
        kept = {ctypes.addressof(text.raw.contents) for text in line}
        start = line[0].get_matrix()
        fonts = {font_name(text) for text in line}
        for found in list(page.get_objects()):
            if ctypes.addressof(found.raw.contents) not in kept:
                page.remove_obj(found)
        return line_of_ink(page, start.f, size), start.e, start.f, fonts


# --- the same line from HarfBuzz --------------------------------------------------------------------------------------


@cache
def faces(stem: str) -> tuple[uharfbuzz.Font, TTFont]:
    path = FONT_FOLDER / f"{stem}.ttf"
    return uharfbuzz.Font(uharfbuzz.Face(uharfbuzz.Blob.from_file_path(str(path)))), TTFont(path)


def shaped(stem: str, text: str, tag: str, without: str = "") -> list[tuple[str, int, int, int]]:
    """The glyphs of a run: name, advance, and offset to the right and up, in units of the font."""
    font, tables = faces(stem)
    if without == NO_SHAPING:  # one glyph a character, side by side, as a naive PDF writer sets them
        cmap, widths = tables.getBestCmap(), tables["hmtx"]
        return [(cmap[ord(sign)], widths[cmap[ord(sign)]][0], 0, 0) for sign in text]
    buffer = uharfbuzz.Buffer()
    buffer.add_str(text)
    buffer.guess_segment_properties()
    buffer.language = tag.split("-")[0]
    features = {"kern": False, "mark": False, "mkmk": False, "dist": False, "abvm": False, "blwm": False}
    uharfbuzz.shape(font, buffer, features if without == NO_POSITIONING else {})
    return [
        (tables.getGlyphName(info.codepoint), place.x_advance, place.x_offset, place.y_offset)
        for info, place in zip(buffer.glyph_infos, buffer.glyph_positions, strict=True)
    ]


class PathPen(BasePen):
    """Draws a font's outlines into a PDFium path, moved and scaled."""

    def __init__(self, glyphs: Any, path: Any, scale: float) -> None:
        super().__init__(glyphs)
        self.path, self.scale, self.x, self.y = path, scale, 0.0, 0.0

    def at(self, point: tuple[float, float]) -> tuple[float, float]:
        return self.x + point[0] * self.scale, self.y + point[1] * self.scale

    def _moveTo(self, point: Any) -> None:
        pdfium_raw.FPDFPath_MoveTo(self.path, *self.at(point))

    def _lineTo(self, point: Any) -> None:
        pdfium_raw.FPDFPath_LineTo(self.path, *self.at(point))

    def _curveToOne(self, first: Any, second: Any, end: Any) -> None:
        pdfium_raw.FPDFPath_BezierTo(self.path, *self.at(first), *self.at(second), *self.at(end))

    def _closePath(self) -> None:
        pdfium_raw.FPDFPath_Close(self.path)


def line_from_harfbuzz(tag: str, parts: Parts, size: float, weight: str, x: float, y: float, without: str = "") -> int:
    document = pdfium.PdfDocument.new()
    page = document.new_page(841.89, 595.276)
    path = pdfium_raw.FPDFPageObj_CreateNewPath(0, 0)
    for family, text in parts:
        stem = f"{family}-{weight}"
        tables = faces(stem)[1]
        glyphs = tables.getGlyphSet()
        pen = PathPen(glyphs, path, size / tables["head"].unitsPerEm)
        for name, advance, right, up in shaped(stem, text, tag, without):
            pen.x, pen.y = x + right * pen.scale, y + up * pen.scale
            glyphs[name].draw(pen)
            x += advance * pen.scale
    pdfium_raw.FPDFPath_SetDrawMode(path, pdfium_raw.FPDF_FILLMODE_WINDING, False)
    pdfium_raw.FPDFPageObj_SetFillColor(path, 0, 0, 0, 255)
    pdfium_raw.FPDFPage_InsertObject(page.raw, path)
    pdfium_raw.FPDFPage_GenerateContent(page.raw)
    picture = line_of_ink(page, y, size)
    page.close()
    document.close()
    return picture


# --- pictures ---------------------------------------------------------------------------------------------------------

STRIDE = 3400  # bytes a row; the page is 3368 pixels wide
DARK = bytes(1 if level < 128 else 0 for level in range(256))


def pixels(page: pdfium.PdfPage, low: float, high: float) -> bytes:
    """The page between two heights, in points from its foot: a byte a pixel, 1 where there is ink, STRIDE a row."""
    bitmap = page.render(scale=SCALE, grayscale=True, draw_annots=False, crop=(0, low, 0, page.get_height() - high))
    rows = bytes(bitmap.buffer)
    stride, width, height = bitmap.stride, bitmap.width, bitmap.height
    bitmap.close()
    assert width < STRIDE
    margin = b"\xff" * (STRIDE - width)
    levels = b"".join(rows[row * stride : row * stride + width] + margin for row in range(height))
    return levels.translate(DARK)


def line_of_ink(page: pdfium.PdfPage, baseline: float, size: float) -> int:
    """The strip of the page around a line, as one long number, so that two strips can be compared at once."""
    return int.from_bytes(pixels(page, baseline - size, baseline + 1.5 * size), "big")


def grown(picture: int) -> int:
    """The picture with each pixel of ink spread to its eight neighbours."""
    wide = picture | picture << 8 | picture >> 8
    return wide | wide << 8 * STRIDE | wide >> 8 * STRIDE


def without_partner(one: int, other: int) -> int:
    """How many pixels of ink of either picture are further than one pixel from ink of the other."""
    return (one & ~grown(other)).bit_count() + (other & ~grown(one)).bit_count()


def label(case: tuple[str, Parts]) -> str:
    return "".join(text for _, text in case[1])


@pytest.mark.parametrize("case", ALL_NAMES, ids=label)
def test_a_name_is_drawn_as_harfbuzz_shapes_it(case):
    tag, parts = case
    found, x, y, fonts = line_in(printed(named(tag, parts)), 40, "Bold")
    assert found.bit_count() > 5000
    assert fonts == {f"{family}-Bold" for family, _ in parts}
    strays = without_partner(found, line_from_harfbuzz(tag, parts, 40, "Bold", x, y))
    assert strays == 0


@pytest.mark.parametrize("case", ALL_NAMES[::3], ids=label)
def test_the_smaller_line_of_other_names_is_shaped_too(case):
    tag, parts = case
    record = replace(MEERA, other_names=((tag, label(case)),))
    found, x, y, fonts = line_in(printed(record, "hi"), 15, "Regular")
    assert fonts == {f"{family}-Regular" for family, _ in parts}
    strays = without_partner(found, line_from_harfbuzz(tag, parts, 15, "Regular", x, y))
    assert strays == 0


@pytest.mark.parametrize("case", DEVANAGARI_NAMES + BENGALI_NAMES + MIXED_NAMES, ids=label)
def test_a_name_set_letter_by_letter_would_be_noticed(case):
    tag, parts = case
    found, x, y, _ = line_in(printed(named(tag, parts)), 40, "Bold")
    strays = without_partner(found, line_from_harfbuzz(tag, parts, 40, "Bold", x, y, NO_SHAPING))
    assert strays > 1000


@pytest.mark.parametrize("case", MEETEI_NAMES[2:5] + LATIN_NAMES[6:7] + DEVANAGARI_NAMES[:1], ids=label)
def test_a_mark_out_of_place_would_be_noticed(case):
    tag, parts = case
    found, x, y, _ = line_in(printed(named(tag, parts)), 40, "Bold")
    strays = without_partner(found, line_from_harfbuzz(tag, parts, 40, "Bold", x, y, NO_POSITIONING))
    assert strays > 100


def test_another_vowel_sign_would_be_noticed():
    found, x, y, _ = line_in(printed(named("hi", [(DEVANAGARI, "मीरा देवी")])), 40, "Bold")
    other = line_from_harfbuzz("hi", [(DEVANAGARI, "मिरा देवी")], 40, "Bold", x, y)
    strays = without_partner(found, other)
    assert strays > 1000


# --- what the page says -----------------------------------------------------------------------------------------------


def words_of(pdf: bytes) -> str:
    with opened(pdf) as (_, page):
        text_page = page.get_textpage()
        text: str = text_page.get_text_bounded()
        text_page.close()
        return " ".join(text.split())


def test_the_page_says_what_the_record_says():
    words = words_of(printed(MEERA))
    for expected in (
        "Certificate of completion",
        "Meera Devi Sharma",
        "AI for Good Governance",
        "Model District Collectorate",
        "23 November 2026",
        "Final test taken online, without a supervisor",
        grouped_serial(MEERA.serial),
        "https://learn.model-district.example/verify",
        "Learning record 0123456789abcdef",
    ):
        assert expected in words, expected
    assert "0123456789abcdef0" not in words


def test_the_page_is_written_in_hindi_too():
    words = words_of(printed(MEERA, "hi"))
    for expected in ("23 नवंबर 2026", "सुशासन के लिए एआई", "AI for Good Governance", WORDS["hi"]["checked"]):
        # PDFium leaves out some of the spaces between Devanagari words.
        assert expected.replace(" ", "") in words.replace(" ", ""), expected
    assert "Final test" not in words
    assert words_of(printed(MEERA, "mni-Mtei")) == words_of(printed(MEERA))


@pytest.mark.parametrize("evidence", ["supervised", "checked", "waived"])
def test_the_page_says_what_the_completion_rests_on(evidence):
    words = words_of(printed(replace(MEERA, evidence=evidence)))
    assert [kind for kind in ("supervised", "checked", "waived") if WORDS["en"][kind] in words] == [evidence]


def test_a_date_is_written_in_words():
    assert written_date(date(2026, 11, 23), "en") == "23 November 2026"
    assert written_date(date(2026, 11, 23), "hi") == "23 नवंबर 2026"
    assert {written_date(date(2026, month, 1), "hi").split()[1] for month in range(1, 13)} >= {"जनवरी", "दिसंबर"}


@pytest.mark.parametrize("words", [WORDS, STATEMENT_WORDS], ids=["certificate", "statement"])
def test_both_languages_say_the_same_things_in_letters_we_can_draw(words):
    assert words["en"].keys() == words["hi"].keys()
    for sentence in (*words["en"].values(), *words["hi"].values()):
        assert missing_glyphs(sentence) == ()


def test_nobody_takes_a_statement_for_the_certificate():
    words = words_of(printed(STATEMENT))
    for expected in (
        "Statement of completion of one module",
        "has completed the module Scores: deciding about people",
        "Module of the course AI for Good Governance",
        "Module quiz taken online, without a supervisor",
    ):
        assert expected in words, expected
    assert "certificate" not in words.casefold()


@pytest.mark.parametrize("record", [MEERA, FOUR_SCRIPTS], ids=["Latin", "Devanagari"])
def test_title_and_author_carry_the_holders_name(record):
    with opened(printed(record)) as (document, _):
        about = document.get_metadata_dict()
    assert about["Author"] == record.name
    assert record.name in about["Title"]
    assert "AI for Good Governance" in about["Title"]
    assert about["Keywords"] == record.serial
    assert about["CreationDate"].startswith("D:20261123")


def test_the_page_is_a4_landscape_and_announces_its_language():
    pdf = printed(FOUR_SCRIPTS, "hi")
    with opened(pdf) as (document, page):
        assert len(document) == 1
        assert [round(side) for side in page.get_size()] == [842, 595]
        assert document.is_tagged()
    (catalogue,) = re.findall(rb"/Type/Catalog.*", pdf)
    assert b"/Lang(hi)" in catalogue
    assert b"<pdfuaid:part>1</pdfuaid:part>" in pdf


def test_a_name_is_data_never_markup():
    hostile = '#read("/etc/passwd") *bold* $x^2$ <a> \\u{41} // @b [c]'
    assert hostile in words_of(printed(replace(MEERA, name=hostile)))


LONG = {
    "two lines": "Venkatanarasimharajuvaripeta Lakshmi Satyanarayana Chattopadhyaya Bhattacharyyaa",
    "no space": "Venkatanarasimharajuvaripeta" * 3,
    "widest": "W" * 80,
    "Devanagari": "श्रीमती वेङ्कटनरसिंहराजुवारिपेटा लक्ष्मी सत्यनारायण चट्टोपाध्याय भट्टाचार्य राजल",
    "Bengali": "শ্রীমতী বেঙ্কটনরসিংহরাজুবারিপেটা লক্ষ্মী সত্যনারায়ণ চট্টোপাধ্যায় ভট্টাচার্য রাজ",
    "Meetei Mayek": "ꯁꯔꯤꯃꯇꯤ ꯚꯦꯉꯀꯇꯅꯔꯁꯤꯡꯍꯔꯥꯖꯨꯚꯥꯔꯤꯄꯦꯇꯥ ꯂꯛꯁꯃꯤ ꯁꯇꯌꯅꯥꯔꯥꯌꯟ ꯆꯠꯇꯣꯄꯥꯙꯌꯥꯌ ꯚꯠꯇꯥꯆꯥꯔꯌ ꯔꯥꯖꯂꯛꯁꯃꯤ ꯁꯅꯥꯅ",
}


@pytest.mark.parametrize("name", LONG.values(), ids=LONG)
@pytest.mark.parametrize("language", ["en", "hi"])
def test_a_name_of_eighty_characters_stays_inside_the_frame(name, language):
    assert len(name) >= 80
    others = tuple(("en", name) for _ in range(3))
    title = {"en": "AI for Good Governance: " + "what every officer should know, " * 3, "hi": "सुशासन के लिए एआई " * 5}
    record = replace(MEERA, name=name, other_names=others, course_title=title, issuer="State Training Institute, " * 5)
    statement = replace(record, module="scores", module_title=title)
    two = others[:2]
    records = (replace(MEERA, name=name), replace(record, other_names=two), record)
    for given in (*records, replace(statement, other_names=two), statement):
        with opened(printed(given, language)) as (document, page):
            assert len(document) == 1
            boxes = [text.get_bounds() for text in texts_of(page)]
            sizes = [font_size(text) for text in texts_of(page)]
        # The text stands 28.5 mm from the edges; signs may lean out of their width by a hair.
        assert min(left for left, _, _, _ in boxes) > 78
        assert max(right for _, _, right, _ in boxes) < 764
        assert min(bottom for _, bottom, _, _ in boxes) > 50
        assert max(top for _, _, _, top in boxes) < 545
        assert min(sizes) >= 4
        # The lower part begins with labels of 8.5 points; nothing of the upper part may reach down to it.
        upper = boxes[: sizes.index(8.5)]
        assert min(bottom for _, bottom, _, _ in upper) > max(top for _, _, _, top in boxes[len(upper) :])


def test_a_long_name_is_divided_where_that_keeps_it_large():
    with opened(printed(replace(MEERA, name=LONG["two lines"]))) as (_, page):
        bold = [text for text in texts_of(page) if font_name(text) == "NotoSans-Bold" and 25 < font_size(text) < 31]
        heights = {round(text.get_matrix().f) for text in bold}
    assert len(heights) == 2


def test_the_lines_keep_their_distance():
    with opened(printed(replace(FOUR_SCRIPTS, name=LONG["Devanagari"]), "hi")) as (_, page):
        lines: dict[float, tuple[float, float]] = {}
        for text in texts_of(page):
            matrix, (_, bottom, _, top) = text.get_matrix(), text.get_bounds()
            if matrix.e < 640 and matrix.f > 160:
                low, high = lines.get(round(matrix.f), (bottom, top))
                lines[round(matrix.f)] = min(low, bottom), max(high, top)
    spans = sorted(lines.values())
    for (_, top), (bottom, _) in pairwise(spans):
        assert top <= bottom + 1


# --- the code ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "base", ["HTTPS://LEARN.MODEL-DISTRICT.EXAMPLE", "HTTP://127.0.0.1:8000", "https://lower.example/base"]
)
def test_the_code_on_the_page_is_the_address(base):
    """Each module is looked up in the rendered page and compared with the code that segno makes of the address."""
    url = f"{base}/C/{MEERA.serial}"
    expected = [[bool(module) for module in row] for row in segno.make_qr(url, error="q", mask=3).matrix]
    count = len(expected)
    with opened(certificate_pdf(MEERA, url, "en")) as (_, page):
        pictures = [found for found in page.get_objects() if found.type == pdfium_raw.FPDF_PAGEOBJ_PATH]
        corner = pictures[-1].get_matrix()  # the code is drawn last; its path starts at its upper left corner
        picture = pixels(page, 0, page.get_height())
    module = 29 * 72 / 25.4 / count

    def dark(row: int, column: int) -> bool:
        x, y = corner.e + (column + 0.5) * module, 595.276 - corner.f + (row + 0.5) * module
        return picture[int(y * SCALE) * STRIDE + int(x * SCALE)] == 1

    assert [[dark(row, column) for column in range(count)] for row in range(count)] == expected
    # A reader needs four light modules around the code.
    around = [*range(-4, 0), *range(count, count + 4)]
    assert not any(dark(row, column) for row in around for column in range(-4, count + 4))
    assert not any(dark(row, column) for row in range(-4, count + 4) for column in around)


def test_an_upper_case_address_makes_a_coarse_code():
    assert segno.make_qr(address(MEERA), error="q", mask=3).version == 4
    assert segno.make_qr(address(MEERA).lower(), error="q", mask=3).version > 4


def test_an_address_of_another_certificate_is_refused():
    for wrong in (address(MEERA)[:-1], "HTTPS://LEARN.MODEL-DISTRICT.EXAMPLE/", address(MEERA).lower(), ""):
        with pytest.raises(WrongAddress):
            certificate_pdf(MEERA, wrong, "en")


# --- what cannot be drawn ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", ALL_NAMES, ids=label)
def test_nothing_is_missing_from_a_name_we_can_draw(case):
    assert missing_glyphs(label(case)) == ()


@pytest.mark.parametrize(
    ("text", "missing"),
    [
        ("", ()),
        ("Meera\u00a0Devi", ()),
        ("మీరా", ("మ", "ీ", "ర", "ా")),
        ("Meera 😀😀", ("😀",)),
        ("王 Meera", ("王",)),
        ("Meera\nDevi\t\x00\x7f", ("\n", "\t", "\x00", "\x7f")),
        ("Meera\u2028Devi\u2029", ("\u2028", "\u2029")),
        ("\u202eMeera\u200b\ufeff\u00ad", ("\u202e", "\u200b", "\ufeff", "\u00ad")),
        ("Meera\ue000\ud800\uffff", ("\ue000", "\ud800", "\uffff")),
        ("िमीरा", ("ि",)),  # a vowel sign without its letter
        ("मीरा ीा", ("ी", "ा")),
        ("मी\u0301रा", ("\u0301",)),  # an accent that the script's font does not have
        ("Mी", ("ी",)),
        ("क\ufe0f", ("\ufe0f",)),
    ],
)
def test_what_no_font_draws_is_named(text, missing):
    assert missing_glyphs(text) == missing


@pytest.mark.parametrize(
    "change",
    [
        {"name": "మీరా"},
        {"other_names": (("te", "మీరా"),)},
        {"issuer": "王"},
        {"course_title": {"en": "AI 😀"}},
        {"name": "Meera\nDevi"},
    ],
)
def test_a_certificate_with_boxes_for_letters_is_never_made(change):
    with pytest.raises(MissingGlyphs) as refusal:
        printed(replace(MEERA, **change))
    assert refusal.value.characters


# --- the engine -------------------------------------------------------------------------------------------------------


def test_the_same_record_gives_the_same_bytes_in_any_process():
    expected = hashlib.sha256(printed(FOUR_SCRIPTS, "hi")).hexdigest()
    assert hashlib.sha256(printed(FOUR_SCRIPTS, "hi")).hexdigest() == expected
    script = (
        "import hashlib; from tests.exports import test_certificate_pdf as t;"
        "print(hashlib.sha256(t.printed(t.FOUR_SCRIPTS, 'hi')).hexdigest())"
    )
    assert run(script) == expected


def test_threads_do_not_disturb_each_other():
    records = [
        replace(FOUR_SCRIPTS, serial=f"07{number:024d}", name=label(case)) for number, case in enumerate(ALL_NAMES)
    ]
    one_by_one = [printed(record) for record in records]
    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(printed, records)) == one_by_one


def test_a_process_forked_too_late_is_told_instead_of_hanging():
    script = (
        "import os, sys; from tests.exports import test_certificate_pdf as t;"
        "from elearn.exports.certificate_pdf import EngineForked; t.printed(t.MEERA); child = os.fork()\n"
        "if child == 0:\n"
        "    try: t.printed(t.MEERA)\n"
        "    except EngineForked: os._exit(7)\n"
        "    os._exit(1)\n"
        "print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))"
    )
    assert run(script) == "7"


def run(script: str) -> str:
    """What a fresh Python prints."""
    root = str(FONT_FOLDER.parents[2])
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=root, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_the_fonts_are_shipped_with_their_licence():
    licence = (FONT_FOLDER / "OFL.txt").read_text(encoding="utf-8")
    assert "SIL OPEN FONT LICENSE Version 1.1" in licence
    for path in sorted(FONT_FOLDER.glob("*.ttf")):
        names = TTFont(path)["name"]
        assert names.getDebugName(0) in licence
        assert "SIL Open Font License, Version 1.1" in names.getDebugName(13)
    assert json.dumps(sorted(path.stem for path in FONT_FOLDER.glob("*.ttf"))) == json.dumps(
        sorted(f"{stem}-{weight}" for stem in (LATIN, DEVANAGARI, BENGALI, MEETEI) for weight in ("Regular", "Bold"))
    )
