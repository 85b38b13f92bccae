"""Collects every label of the interface into the catalogues, keeping what is translated: `make catalogue`.

Labels are the arguments of `_` and `n_` in templates and code. A label that is no longer used goes; a new one comes
in empty, and the page shows English until somebody has translated it.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

HOUSE = Path(__file__).parent.parent
KEYWORDS = {"_": None, "n_": (1, 2)}
METHODS = [("**.py", "python"), ("templates/**.html", "jinja2")]


def labels() -> dict[str | tuple[str, str], list[str]]:
    """Every label, with the files it stands in."""
    found: dict[str | tuple[str, str], list[str]] = {}
    for file, _, message, *_ in extract_from_dir(str(HOUSE), METHODS, keywords=KEYWORDS, comment_tags=("TR:",)):
        label = tuple(message) if isinstance(message, tuple | list) else message
        if label:
            found.setdefault(label, []).append(file)  # type: ignore[arg-type]
    return found


def catalogues() -> Iterator[Path]:
    return Path(__file__).parent.glob("*/messages.po")


def read(path: Path) -> Catalog:
    with path.open("rb") as file:
        return read_po(file, locale=path.parent.name)


def collect() -> int:
    """Brings every catalogue up to date; returns how many labels still have no translation."""
    missing = 0
    for path in catalogues():
        kept = read(path)
        fresh = _empty(kept, path.parent.name)
        for label, files in sorted(labels().items(), key=str):
            old = kept.get(label if isinstance(label, str) else label[0])
            string = old.string if old and old.id == label else ""
            message = fresh.add(label, string, locations=[(file, 0) for file in sorted(set(files))])
            message.flags.discard("python-format")  # babel takes "70 % in" for a %i; places here are in braces
        with path.open("wb") as file:
            write_po(file, fresh, width=110, include_lineno=False, omit_header=False)
        missing += sum(1 for message in fresh if message.id and not is_translated(message))
    return missing


def _empty(kept: Catalog, tag: str) -> Catalog:
    """A catalogue without labels under the same header: its plural rule and dates stay as the translator left them."""
    fresh = Catalog(locale=tag, project="elearn", charset="utf-8", fuzzy=False, header_comment=kept.header_comment)
    fresh.mime_headers = kept.mime_headers
    return fresh


def is_translated(message: Message) -> bool:
    return all(message.string) if isinstance(message.string, tuple | list) else bool(message.string)


if __name__ == "__main__":
    left = collect()
    sys.stdout.write(f"{left} labels without a translation\n")
