"""The interface is whole in every language: no label missing, none left over, every {place} kept."""

from __future__ import annotations

import string
from pathlib import Path

import pytest
from babel.messages.catalog import Message

from elearn.i18n import NAMES, catalogue
from elearn.translations.collect import catalogues, is_translated, labels, read

PATHS = sorted(catalogues())


def places(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def parts(message: Message) -> list[tuple[str, str]]:
    """(English, translation) of a label; of both forms where it depends on a number."""
    if isinstance(message.id, tuple | list):
        return [(message.id[1], text) for text in message.string]
    return [(str(message.id), str(message.string))]


def test_every_language_of_the_interface_has_a_catalogue() -> None:
    assert {path.parent.name for path in PATHS} == set(NAMES) - {"en"}


@pytest.mark.parametrize("path", PATHS, ids=lambda p: p.parent.name)
def test_the_catalogue_has_exactly_the_labels_in_use(path: Path) -> None:
    kept = {tuple(m.id) if isinstance(m.id, tuple | list) else m.id for m in read(path) if m.id}
    assert kept == set(labels()), "run `make catalogue`"


@pytest.mark.parametrize("path", PATHS, ids=lambda p: p.parent.name)
def test_every_label_is_translated_and_keeps_its_places(path: Path) -> None:
    messages = [message for message in read(path) if message.id]
    assert [message.id for message in messages if not is_translated(message)] == []
    for message in messages:
        for english, translated in parts(message):
            assert places(translated) == places(english), message.id


def test_a_label_without_translation_is_shown_in_english() -> None:
    assert catalogue("hi").gettext("no such label") == "no such label"
