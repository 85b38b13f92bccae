"""Reads a roster file and judges each row by itself: a good row as it is to be kept, or why it is refused."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from elearn.services.spelling import (
    BadCode,
    BadEmail,
    BadName,
    BadNumber,
    clean_code,
    clean_email,
    clean_name,
    clean_number,
    clean_words,
    is_tag,
    language_of,
)

NEEDED = ("name", "email", "employee_number", "office", "designation")
POSSIBLE = ("name_hi", "name_mni", "route", "language")
LARGEST_FILE = 64 * 1024 * 1024

Outcome = Literal["added", "unchanged", "changed", "refused"]

SENTENCES: Mapping[str, str] = {
    "added": "New officer.",
    "unchanged": "Nothing to change.",
    "changed": "Changed: {what}.",
    "unknown-column": "The column “{column}” is not known. The columns are {columns}.",
    "missing-column": "The column “{column}” is missing.",
    "column-twice": "The column “{column}” is there twice.",
    "cells": "This row has {found} cells; the first line has {expected}.",
    "bad-name": "{reason}",
    "bad-email": "{reason}",
    "bad-number": "{reason}",
    "bad-office": "{reason}",
    "no-office": "The office is missing.",
    "no-such-office": "There is no office with the code “{code}”.",
    "no-such-route": "There is no route “{route}”. The routes are {routes}.",
    "bad-language": "“{language}” is not a language tag such as en, hi or mni-Mtei.",
    "two-names": "“name” and “{column}” are two different names in one language.",
    "email-twice": "Line {line} has the same e-mail.",
    "number-twice": "Line {line} has the same employee number.",
    "number-of-another": "Employee number {number} belongs to an officer with another e-mail.",
    "email-of-another": "This e-mail belongs to the officer with employee number {number}.",
}
"""What a verdict's code says; the places in braces are its arguments."""


class Unreadable(ValueError):
    """The file as a whole cannot be read as a roster. The message is a sentence that says what to do."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one row. `line` is where it begins in the file, 1 for the header."""

    line: int
    outcome: Outcome
    code: str
    arguments: Mapping[str, str | int] = field(default_factory=dict)

    @property
    def sentence(self) -> str:
        return SENTENCES[self.code].format(**self.arguments)


@dataclass(slots=True)
class Row:
    """A row as it is to be kept. An empty route or language: as it is, or the first."""

    line: int
    names: dict[str, str]
    primary: str
    email: str
    number: str | None
    office: str
    designation: str
    route: str
    language: str


class Refused(Exception):
    """A row that is not taken: `code` is one of SENTENCES, with its arguments."""

    def __init__(self, code: str, /, **arguments: str | int) -> None:
        super().__init__(code)
        self.code, self.arguments = code, arguments


def read_rows(data: bytes, routes: set[str]) -> tuple[list[Row], list[Verdict], bool]:
    """(good rows, verdicts on the others, whether the header is good) of a file's bytes. `routes` are those that a
    row may name; where there are none, any. Raises Unreadable."""
    header, raw, bad_header = _parsed(_decoded(data))
    if bad_header:
        return [], bad_header, False
    refused: list[Verdict] = []
    return _judged_alone(header, raw, routes, refused), refused, True


# Reading the file


def _decoded(data: bytes) -> str:
    """The text of the file. Raises Unreadable with what to do about it."""
    if len(data) > LARGEST_FILE:
        raise Unreadable(f"The file is larger than {LARGEST_FILE // 2**20} MB. Import it in parts.")
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise Unreadable("The file is in UTF-16 (“Unicode text”). Save it as “CSV UTF-8” and import that.")
    if data.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        raise Unreadable("This is a spreadsheet, not a CSV file. Save it as “CSV UTF-8” and import that.")
    if b"\0" in data:
        raise Unreadable("The file holds zero bytes, so it is not a CSV file in UTF-8. Save it as “CSV UTF-8”.")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise Unreadable(
            f"Line {line} is not in UTF-8; the file is probably in Windows-1252 (plain “CSV”). "
            "Save it as “CSV UTF-8” and import that."
        ) from None


def _parsed(text: str) -> tuple[list[str], list[tuple[int, list[str]]], list[Verdict]]:
    """(header, rows with their line, verdicts on the header). Raises Unreadable."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    rows: list[tuple[int, list[str]]] = []
    line = 1
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                rows.append((line, cells))
            line = reader.line_num + 1
    except csv.Error as error:
        raise Unreadable(_why_not_csv(str(error), line)) from None
    if not rows:
        raise Unreadable("The file is empty. Its first line must name the columns: " + ", ".join(NEEDED) + ".")
    header = [cell.strip().casefold() for cell in rows[0][1]]
    while header and not header[-1]:
        header.pop()
    if len(header) == 1 and any(sign in header[0] for sign in ";\t|"):
        raise Unreadable("The columns are not separated by commas. Save the file as “CSV UTF-8 (comma delimited)”.")
    return header, rows[1:], _judged_header(header)


def _why_not_csv(error: str, line: int) -> str:
    if "field larger" in error:
        return f"A cell that begins in line {line} is far too long. Perhaps a quotation mark is not closed."
    if "unexpected end" in error:
        return f"A quotation mark opened in line {line} is not closed before the file ends."
    return f"Line {line} is not CSV: after a closing quotation mark comes a comma or the end of the line."


def _judged_header(header: Sequence[str]) -> list[Verdict]:
    columns = ", ".join((*NEEDED, *POSSIBLE))
    unknown = [c for c in dict.fromkeys(header) if c not in NEEDED + POSSIBLE]
    return [
        *(refusal(1, "unknown-column", column=column, columns=columns) for column in unknown),
        *(refusal(1, "missing-column", column=column) for column in NEEDED if column not in header),
        *(refusal(1, "column-twice", column=c) for c in dict.fromkeys(header) if header.count(c) > 1),
    ]


def refusal(line: int, code: str, /, **arguments: str | int) -> Verdict:
    return Verdict(line, "refused", code, arguments)


# Judging rows by themselves and against each other


def _judged_alone(
    header: Sequence[str], raw: Iterable[tuple[int, list[str]]], routes: set[str], refused: list[Verdict]
) -> list[Row]:
    """Rows that are good as far as the file itself can say; the others are added to `refused`."""
    good: list[Row] = []
    emails: dict[str, int] = {}
    numbers: dict[str, int] = {}
    for line, cells in raw:
        try:
            row = _row(line, _by_column(header, cells), routes)
            if row.email in emails:
                raise Refused("email-twice", line=emails[row.email])
            if row.number and row.number in numbers:
                raise Refused("number-twice", line=numbers[row.number])
        except Refused as why:
            refused.append(refusal(line, why.code, **why.arguments))
            continue
        emails[row.email] = line
        if row.number:
            numbers[row.number] = line
        good.append(row)
    return good


def _by_column(header: Sequence[str], cells: list[str]) -> dict[str, str]:
    given = list(cells)
    while len(given) > len(header) and not given[-1].strip():
        given.pop()  # spreadsheets write empty cells to the right of the list
    if len(given) != len(header):
        raise Refused("cells", found=len(given), expected=len(header))
    return dict(zip(header, given, strict=True))


def _row(line: int, cells: Mapping[str, str], routes: set[str]) -> Row:
    try:
        names = _names(cells)
        email = clean_email(cells["email"])
        number = clean_number(cells["employee_number"])
        designation = clean_words(cells["designation"])
    except BadName as error:
        raise Refused("bad-name", reason=str(error)) from None
    except BadEmail as error:
        raise Refused("bad-email", reason=str(error)) from None
    except BadNumber as error:
        raise Refused("bad-number", reason=str(error)) from None
    route, language = cells.get("route", "").strip(), cells.get("language", "").strip()
    if route and routes and route not in routes:
        raise Refused("no-such-route", route=route, routes=", ".join(sorted(routes)))
    if language and not is_tag(language):
        raise Refused("bad-language", language=language)
    primary = next(iter(names))
    return Row(line, names, primary, email, number, _office(cells["office"]), designation, route, language)


def _names(cells: Mapping[str, str]) -> dict[str, str]:
    """Names by language, the primary one first. Raises BadName, Refused."""
    name = clean_name(cells["name"])
    names = {language_of(name): name}
    for column, tag in (("name_hi", "hi"), ("name_mni", "mni")):
        if not cells.get(column, "").strip():
            continue
        other = clean_name(cells[column], f"The name in “{column}”")
        kept_under = _manipuri(other) if tag == "mni" else tag
        if names.setdefault(kept_under, other) != other:
            raise Refused("two-names", column=column)
    return names


def _manipuri(name: str) -> str:
    """Manipuri is written in Meetei Mayek, in Bengali letters and in Latin ones: three tags, so that pages and
    certificates know which they have."""
    return {"mni-Mtei": "mni-Mtei", "bn": "mni-Beng"}.get(language_of(name), "mni-Latn")


def _office(text: str) -> str:
    if not text.strip():
        raise Refused("no-office")
    try:
        return clean_code(text)
    except BadCode as error:
        raise Refused("bad-office", reason=str(error)) from None
