"""Picks the reader's language and speaks it: labels from the catalogues, dates and numbers as India writes them.

Catalogues are `translations/<tag>/messages.po`, read once when the app starts; a label is then one dictionary
look-up. A label without a translation is shown in English, never guessed.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from datetime import date, datetime
from functools import lru_cache
from gettext import GNUTranslations, NullTranslations
from pathlib import Path
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import format_decimal
from flask import current_app, g, has_request_context, request
from markupsafe import Markup

NAMES = {"en": "English", "hi": "हिन्दी"}
"""The languages of the interface, each in its own words. English is the language of the source."""

LANGUAGE_COOKIE = "language"
TRANSLATIONS = Path(__file__).parent / "translations"


@lru_cache
def catalogue(tag: str) -> NullTranslations:
    """The labels in one language; English, and any language without a catalogue, has none."""
    path = TRANSLATIONS / tag / "messages.po"
    if not path.exists():
        return NullTranslations()
    with path.open("rb") as po:
        messages = read_po(po, locale=tag)
    compiled = io.BytesIO()
    write_mo(compiled, messages)
    compiled.seek(0)
    return GNUTranslations(compiled)


def language() -> str:
    """The language of this request: her cookie, else what her browser asks for, else the site's default."""
    if not has_request_context():
        return "en"
    if "language" not in g:
        chosen = request.cookies.get(language_cookie())
        g.language = chosen if chosen in NAMES else request.accept_languages.best_match(NAMES) or _default()
    return str(g.language)


def language_cookie() -> str:
    """The name of the cookie: on an https site one that no other host of the domain can set."""
    return f"__Host-{LANGUAGE_COOKIE}" if current_app.config["ELEARN"].https else LANGUAGE_COOKIE


def _default() -> str:
    return str(current_app.config["ELEARN"].default_language)


def _(message: str, /, **values: object) -> str:
    """A label in the reader's language, its {named} places filled in."""
    text = catalogue(language()).gettext(message)
    return text.format(**values) if values else text


def n_(one: str, many: str, count: int, /, **values: object) -> str:
    """A label that depends on a number, which is {count} in it."""
    text = catalogue(language()).ngettext(one, many, count)
    return text.format(count=number(count), **values)


def number(value: int) -> str:
    """1,00,000: Indian grouping, Western digits."""
    return _number(value)


@lru_cache(maxsize=2048)
def _number(value: int) -> str:
    return str(format_decimal(value, locale=Locale("en", "IN")))


def day(moment: datetime | date | None, tag: str = "") -> str:
    """23 November 2026, in the zone of the site."""
    if moment is None:
        return ""
    local = moment.astimezone(_zone()).date() if isinstance(moment, datetime) else moment
    return _day(local, tag or language())


@lru_cache(maxsize=2048)
def _day(value: date, tag: str) -> str:
    return format_date(value, "d MMMM y", locale=Locale(tag, "IN"))


def clock(moment: datetime) -> str:
    """14:02, in the zone of the site."""
    return f"{moment.astimezone(_zone()):%H:%M}"


def _zone() -> ZoneInfo:
    zone: ZoneInfo = current_app.config["ELEARN"].timezone
    return zone


def best_of(words: object, tag: str, order: Sequence[str] = ("en",)) -> tuple[str, str]:
    """(text, language) of `words` in the language asked for, else in the first of `order` it has, else in any."""
    assert hasattr(words, "get")
    for candidate in (tag, *order, *words):  # type: ignore[misc]
        text = words.get(candidate)
        if text:
            return str(text), str(candidate)
    return "", tag


def said(words: object, tag: str) -> Markup:
    """`words` as HTML in the reader's language, marked with its own `lang` where it had to fall back."""
    text, found = best_of(words, tag)
    return Markup(text) if found == tag else Markup(f'<span lang="{found}">{text}</span>')  # noqa: S704 - compiled and cleaned
