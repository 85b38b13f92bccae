"""The certificate as a page to print: A4 landscape, the name in its own script, a code that leads to the check."""

from __future__ import annotations

import io
import json
import os
import threading
import unicodedata
from collections.abc import Mapping
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from elearn.domain.certificate import CertificateRecord, grouped_serial

if TYPE_CHECKING:
    from segno import QRCode
    from typst import Compiler

_HERE = Path(__file__).parent
FONT_FOLDER = _HERE / "fonts"
_TEMPLATE = _HERE / "certificate.typ"

# Each family as its font files name it, and the files' common beginning. Latin comes first: it also draws what belongs
# to no script.
FAMILIES = {
    "Noto Sans": "NotoSans",
    "Noto Sans Devanagari": "NotoSansDevanagari",
    "Noto Sans Bengali": "NotoSansBengali",
    "Noto Sans MeeteiMayek": "NotoSansMeeteiMayek",
}
_JOINERS = "\u200c\u200d"

WORDS = {
    "en": {
        "heading": "Certificate of completion",
        "certifies": "This is to certify that",
        "completed": "has completed the course",
        "issued_on": "Date of issue",
        "evidence": "Basis of this certificate",
        "supervised": "Final test taken in a supervised session",
        "checked": "Final test taken online, without a supervisor",
        "waived": "Some requirements waived by the competent authority",
        "serial": "Certificate number",
        "check": "To check this certificate, scan the code, or enter the number at",
        "record": "Learning record",
        "qr": "QR code leading to the page that checks this certificate",
    },
    "hi": {
        "heading": "पूर्णता प्रमाण-पत्र",
        "certifies": "प्रमाणित किया जाता है कि",
        "completed": "ने यह कोर्स पूरा किया है",
        "issued_on": "जारी करने की तारीख़",
        "evidence": "इस प्रमाण-पत्र का आधार",
        "supervised": "अंतिम परीक्षा निरीक्षक की उपस्थिति में दी गई",
        "checked": "अंतिम परीक्षा ऑनलाइन दी गई, बिना निरीक्षक के",
        "waived": "कुछ शर्तों से सक्षम प्राधिकारी द्वारा छूट",
        "serial": "प्रमाण-पत्र संख्या",
        "check": "प्रमाण-पत्र जाँचने के लिए कोड स्कैन करें, या यह संख्या यहाँ लिखें:",
        "record": "अध्ययन अभिलेख",
        "qr": "क्यूआर कोड, जो इस प्रमाण-पत्र की जाँच के पेज पर ले जाता है",
    },
}
# What a statement about one module says otherwise, so that nobody takes it for the certificate of the course.
STATEMENT_WORDS = {
    "en": {
        "heading": "Statement of completion of one module",
        "completed": "has completed the module",
        "of_course": "Module of the course",
        "evidence": "Basis of this statement",
        "checked": "Module quiz taken online, without a supervisor",
        "serial": "Number of this statement",
        "check": "To check this statement, scan the code, or enter the number at",
        "qr": "QR code leading to the page that checks this statement",
    },
    "hi": {
        "heading": "एक मॉड्यूल का पूर्णता पत्र",
        "completed": "ने यह मॉड्यूल पूरा किया है",
        "of_course": "यह इस कोर्स का एक मॉड्यूल है:",
        "evidence": "इस पूर्णता पत्र का आधार",
        "checked": "मॉड्यूल क्विज़ ऑनलाइन दिया गया, बिना निरीक्षक के",
        "serial": "पूर्णता पत्र संख्या",
        "check": "इस पूर्णता पत्र को जाँचने के लिए कोड स्कैन करें, या यह संख्या यहाँ लिखें:",
        "qr": "क्यूआर कोड, जो इस पूर्णता पत्र की जाँच के पेज पर ले जाता है",
    },
}
_MONTHS = {
    "en": "January February March April May June July August September October November December",
    "hi": "जनवरी फ़रवरी मार्च अप्रैल मई जून जुलाई अगस्त सितंबर अक्टूबर नवंबर दिसंबर",
}


class WrongAddress(ValueError):
    """The address for the code does not lead to this certificate."""


class EngineForked(RuntimeError):
    """A process that has made a certificate has forked; in the child the engine would wait for ever."""


class MissingGlyphs(ValueError):
    """The certificate holds characters that no shipped font can draw; `characters` lists them."""

    def __init__(self, characters: tuple[str, ...]) -> None:
        super().__init__(f"No font draws {', '.join(f'U+{ord(sign):04X}' for sign in characters)}.")
        self.characters = characters


def certificate_pdf(record: CertificateRecord, verify_url: str, language: str) -> bytes:
    """The certificate as a PDF of one A4 page, the same bytes for the same arguments.

    `verify_url` is the short upper-case address `BASE/C/<SERIAL>` (upper case keeps the code coarse, so that it scans
    from a worn print); `language` is `en` or `hi` for the words of the page, with English for any other tag. Raises
    WrongAddress and MissingGlyphs, and EngineForked where a server forked after its first certificate. May be called
    from several threads at once.
    """
    if not verify_url.endswith(f"/C/{record.serial}"):
        raise WrongAddress("The address for the code ends in /C/ and the serial of the certificate.")
    language = language if language in WORDS else "en"
    inputs = {"certificate": json.dumps(_page(record, verify_url, language), ensure_ascii=False)}
    issued = datetime.combine(record.issued_on, datetime.min.time(), UTC)
    with _COMPILING:
        pdf = _compiler().compile(format="pdf", sys_inputs=inputs, timestamp=issued, pdf_standards="ua-1")
    assert isinstance(pdf, bytes)
    return pdf


def missing_glyphs(text: str) -> tuple[str, ...]:
    """The characters of a text that cannot be drawn, each once, in their order; empty if all can.

    Counts what no shipped font has, control and formatting characters (all but the joiners ZWJ and ZWNJ), line
    breaks, and a combining mark without a letter before it in the same font: it would be set on a dotted circle.
    """
    return tuple(dict.fromkeys(sign for sign, family in _placed(text) if family is None))


def written_date(day: date, language: str) -> str:
    """The date in words: `23 November 2026`, `23 नवंबर 2026`."""
    return f"{day.day} {_MONTHS[language].split()[day.month - 1]} {day.year}"


# One compiler takes a few milliseconds a page and keeps fonts and template parsed, but is not made for several
# threads at once; waiting in turn is cheaper than a compiler, with its fonts, for each thread.
_COMPILING = threading.Lock()


def _compiler() -> Compiler:
    compiler, process = _compiler_and_process()
    # The engine works with threads of its own, and a fork leaves those behind. Said aloud rather than hung.
    if process != os.getpid():
        raise EngineForked("Make the first certificate after the server has forked its workers, not before.")
    return compiler


@cache
def _compiler_and_process() -> tuple[Compiler, int]:
    # Imported here: the engine is 80 MB on disk, and most processes never print a certificate.
    import typst

    fonts = typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=[str(FONT_FOLDER)])
    compiler = typst.Compiler(input=str(_TEMPLATE), root=str(_HERE), font_paths=fonts, ignore_system_fonts=True)
    return compiler, os.getpid()


def _page(record: CertificateRecord, verify_url: str, language: str) -> dict[str, Any]:
    """Everything the template shows, as plain data."""
    of_module = bool(record.module)
    words = _words(language, of_module)
    other = "hi" if language == "en" else "en"
    title, *other_titles = _in_order(record.module_title if of_module else record.course_title, language)
    phrases, of_other = _phrases(language, of_module), _phrases(other, of_module)
    halves = _halves(record.name)
    base = verify_url.removesuffix(f"/C/{record.serial}")
    return {
        "language": language,
        "document-title": f"{words['heading']}: {record.name}, {title[1]}",
        "holder": record.name,
        "keywords": [record.serial],
        "issued-on": {"year": record.issued_on.year, "month": record.issued_on.month, "day": record.issued_on.day},
        "words": phrases,
        "other-heading": of_other["heading"],
        "issuer": _phrase(language, record.issuer),
        "name": {
            "whole": _phrase(record.name_language, record.name),
            "halves": [_phrase(record.name_language, half) for half in halves],
        },
        "other-names": [_phrase(tag, name) for tag, name in record.other_names],
        # Only names in three or more further scripts, each on a line of its own, can be too much for the page; asking
        # the engine takes a quarter of its time, so it is asked only then.
        "may-be-tall": len(record.other_names) > 2 and sum(len(name) for _, name in record.other_names) > 60,
        "title": _phrase(*title),
        "other-titles": [_phrase(tag, text) for tag, text in other_titles],
        "of-module": of_module,
        "of-course": [_phrase(tag, text) for tag, text in _in_order(record.course_title, language)],
        "date": _phrase(language, written_date(record.issued_on, language)),
        "evidence": phrases[record.evidence],
        "serial": grouped_serial(record.serial).replace(" ", "\u00a0"),
        "chain-head": record.chain_head[:16],
        "verify-url": verify_url,
        "check-at": _phrase("en", f"{base.lower()}/verify"),
        "qr": _qr_picture(verify_url),
        "qr-words": words["qr"],
    }


def _words(language: str, of_module: bool) -> Mapping[str, str]:
    return WORDS[language] | STATEMENT_WORDS[language] if of_module else WORDS[language]


@cache
def _phrases(language: str, of_module: bool) -> dict[str, dict[str, Any]]:
    """The words that every page of this kind and language shares; not to be changed by who reads them."""
    return {name: _phrase(language, sentence) for name, sentence in _words(language, of_module).items()}


def _in_order(titles: Mapping[str, str], language: str) -> list[tuple[str, str]]:
    """That of the page's language first, then in the order of their tags."""
    return sorted(titles.items(), key=lambda title: (title[0] != language, title[0]))


def _halves(name: str) -> tuple[str, ...]:
    """The name divided at the space nearest its middle; empty if it has none."""
    spaces = [place for place, sign in enumerate(name) if sign == " "]
    if not spaces:
        return ()
    middle = min(spaces, key=lambda place: abs(2 * place + 1 - len(name)))
    return name[:middle], name[middle + 1 :]


def _phrase(tag: str, text: str) -> dict[str, Any]:
    """A text with its language and the font of each of its parts.

    The fonts are chosen here and not by the engine, which would try them one after the other and could divide a
    syllable where two fonts share a joiner.
    """
    runs: list[list[str]] = []
    for sign, family in _placed(text):
        if family is None:
            raise MissingGlyphs(missing_glyphs(text))
        if runs and runs[-1][0] == family:
            runs[-1][1] += sign
        else:
            runs.append([family, sign])
    return {"language": tag.split("-")[0].lower(), "runs": runs}


def _placed(text: str) -> list[tuple[str, str | None]]:
    """Each character with the family that draws it, None where none does.

    A run keeps its font as long as that has the character: spaces, joiners, digits and dandas stay with their script.
    """
    placed: list[tuple[str, str | None]] = []
    family: str | None = None
    previous = " "
    for sign in text:
        found = _family(sign, previous, family)
        placed.append((sign, found))
        family = found or family
        previous = sign if found else " "
    return placed


def _family(sign: str, previous: str, current: str | None) -> str | None:
    kind = unicodedata.category(sign)
    if (kind[0] == "C" and sign not in _JOINERS) or kind in ("Zl", "Zp"):
        return None
    signs = _signs()
    if current is not None and sign in signs[current]:
        found: str | None = current
    else:
        found = next((family for family in FAMILIES if sign in signs[family]), None)
    if kind[0] == "M":
        carried = previous in _JOINERS or unicodedata.category(previous)[0] in "LMN"
        return found if carried and found == current else None
    return found


@cache
def _signs() -> dict[str, frozenset[str]]:
    """The characters that each family has both in its regular and its bold font."""
    # Imported here: most processes never issue a certificate.
    from fontTools.ttLib import TTFont

    def signs_of(stem: str) -> set[int]:
        with TTFont(FONT_FOLDER / f"{stem}.ttf", lazy=True) as font:
            return set(font.getBestCmap() or ())

    return {
        family: frozenset(map(chr, signs_of(f"{stem}-Regular") & signs_of(f"{stem}-Bold")))
        for family, stem in FAMILIES.items()
    }


def qr_code(address: str) -> QRCode:
    """The address as a QR code whose quarter may be lost (level Q): paper gets folded and stamped."""
    # Imported here for the same reason.
    import segno

    # Of the eight masks one is fixed: trying all of them takes longer than the rest of the certificate. A mask evens
    # out light and dark; on random serials this one does so best on average, and every reader knows all eight.
    return segno.make_qr(address, error="q", mask=3)


def _qr_picture(address: str) -> str:
    picture = io.BytesIO()
    qr_code(address).save(picture, kind="svg", xmldecl=False, border=0, dark="#1c1e2b")
    return picture.getvalue().decode("ascii")
