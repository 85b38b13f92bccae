"""How names, e-mails, numbers and codes are written before they are kept, and which are refused."""

from __future__ import annotations

import re
import unicodedata

LONGEST_NAME = 200
LONGEST_EMAIL = 254
LONGEST_NUMBER = 60
LONGEST_CODE = 40

_JOINERS = "\u200c\u200d"
# Blank or joining characters that Unicode does not count among the formats, and that nobody types in a name.
_UNSEEN = re.compile("[\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0\ufe00-\ufe0f]")
_SPACES = re.compile("[ \u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]+")  # the category Zs
_VIRAMAS = frozenset("\u094d\u09cd\u0a4d\u0acd\u0b4d\u0bcd\u0c4d\u0ccd\u0d4d\u0dca\uabed")
_EMAIL = re.compile(r"[a-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9-]{2,63}")
_CODE = re.compile(r"[A-Z0-9][A-Z0-9._-]*")
_TAG = re.compile(r"[a-z]{2,3}(-[A-Z][a-z]{3})?(-[A-Z]{2})?")
_SCRIPTS = ((0x0900, 0x097F, "hi"), (0x0980, 0x09FF, "bn"), (0xABC0, 0xABFF, "mni-Mtei"), (0xAAE0, 0xAAFF, "mni-Mtei"))


class BadName(ValueError):
    """A name that is missing or too long, or holds characters that cannot be seen. The message is a sentence."""


class BadEmail(ValueError):
    """Something that is not an e-mail address. The message is a sentence."""


class BadNumber(ValueError):
    """An employee number that is too long or holds characters that cannot be seen. The message is a sentence."""


class BadCode(ValueError):
    """An office code with other signs than letters, figures, dot, hyphen and underscore. The message is a sentence."""


def clean_name(text: str, what: str = "The name") -> str:
    """A name as it is kept: NFC, trimmed, single spaces. Raises BadName."""
    name = _tidied(text)
    if not name:
        raise BadName(f"{what} is missing.")
    if not any(c.isalpha() for c in name):
        raise BadName(f"{what} has no letters.")
    _refuse(name, what, LONGEST_NAME, BadName)
    return name


def clean_words(text: str, what: str = "The designation", longest: int = LONGEST_NAME) -> str:
    """A designation, a reason: like a name, but it may be empty. Raises BadName."""
    words = _tidied(text)
    _refuse(words, what, longest, BadName)
    return words


def clean_email(text: str) -> str:
    """An e-mail as it is kept, case-folded. Raises BadEmail."""
    email = unicodedata.normalize("NFC", text[: 4 * LONGEST_EMAIL]).strip().casefold()
    if not email:
        raise BadEmail("The e-mail is missing.")
    if len(email) > LONGEST_EMAIL or not _EMAIL.fullmatch(email) or ".." in email:
        raise BadEmail("The e-mail must look like name@office.gov.in, in Latin letters.")
    return email


def clean_number(text: str) -> str | None:
    """An employee number as it is kept, in capitals; None when it is empty. Raises BadNumber."""
    number = _tidied(text).upper()
    _refuse(number, "The employee number", LONGEST_NUMBER, BadNumber)
    return number or None


def clean_code(text: str) -> str:
    """An office code as it is kept, in capitals. Raises BadCode."""
    code = unicodedata.normalize("NFC", text).strip().upper()
    if len(code) > LONGEST_CODE or not _CODE.fullmatch(code):
        raise BadCode("An office code has letters, figures, dots, hyphens and underscores only, at most 40.")
    return code


def clean_tag(text: str) -> str:
    """A language tag that a name is kept under: en, hi, mni-Mtei. Raises BadName."""
    if not is_tag(text):
        raise BadName("A name is kept under a language tag such as en, hi or mni-Mtei.")
    return text


def comparable(text: str) -> str:
    """What somebody looks for, trimmed; "" where it holds what no database can compare, such as a zero byte."""
    return text.strip() if text.strip().isprintable() else ""


def is_tag(text: str) -> bool:
    return bool(_TAG.fullmatch(text))


def language_of(name: str) -> str:
    """The tag a name is kept under when nobody said in which language it is: told from its first letter's script."""
    for character in name:
        if character.isalpha():
            return next((tag for first, last, tag in _SCRIPTS if first <= ord(character) <= last), "en")
    return "en"


def _tidied(text: str) -> str:
    # Cut first, to a length that is refused in any case: normalising takes time that grows with its square.
    return _SPACES.sub(" ", unicodedata.normalize("NFC", text[: 10 * LONGEST_NAME])).strip()


def _refuse(text: str, what: str, longest: int, error: type[ValueError]) -> None:
    if len(text) > longest:
        raise error(f"{what} is longer than {longest} characters.")
    if text.isprintable() and not _UNSEEN.search(text):
        return
    for place, character in enumerate(text):
        if _is_unseen(text, place, character):
            raise error(f"{what} holds a character that cannot be seen (U+{ord(character):04X}).")


def _is_unseen(text: str, place: int, character: str) -> bool:
    if character in _JOINERS:
        return not _joins(text, place)
    # Not printable: controls, formats such as bidi overrides, surrogates, private use, unassigned, line ends.
    return not character.isprintable() or bool(_UNSEEN.match(character))


def _joins(text: str, place: int) -> bool:
    """Whether a joiner stands where Indic spelling has one: between two Indic characters, or after a virama."""
    before, after = text[place - 1 : place], text[place + 1 : place + 2]
    return before in _VIRAMAS or (_is_indic(before) and _is_indic(after))


def _is_indic(character: str) -> bool:
    return bool(character) and (0x0900 <= ord(character) <= 0x0DFF or 0xAAE0 <= ord(character) <= 0xABFF)
