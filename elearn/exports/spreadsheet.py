"""Lists go out as files: CSV that a spreadsheet opens without running anything in it, and JSON lines for programs.

Rows are written as they come, so a list of any length needs no more memory than a short one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, tzinfo
from hashlib import sha256
from itertools import islice
from typing import BinaryIO, cast

Cell = str | int | date | datetime | None

BOM = "\ufeff".encode()
"""Without it Excel reads UTF-8 as the code page of the office's PC, and every Indian name turns to rubbish."""

ROWS_AT_ONCE = 1000

# OWASP ASVS 5.0, 1.2.10, with the full-width forms, which some spreadsheets fold to the plain ones. Spaces, quotes
# and invisible characters are looked through, since a program that imports the cell may drop them.
_FORMULA = re.compile(r"[\t\r\n]|[\s\x00-\x1f\"'`‘’“”\u200b-\u200f\u2060\ufeff]*[=+\-@＝＋－＠]")


@dataclass(frozen=True, slots=True)
class Written:
    """What was written: rows without the header, bytes, and their SHA-256 in lower-case hex."""

    rows: int
    size: int
    sha256: str


def neutral(text: str) -> str:
    """Keeps a spreadsheet from running an officer's name as a formula: a leading apostrophe makes it text."""
    return f"'{text}" if _FORMULA.match(text) else text


def write_csv(header: Sequence[str], rows: Iterable[Sequence[Cell]], file: BinaryIO, zone: tzinfo) -> Written:
    """UTF-8 with BOM, CRLF, the header always. Numbers and days go as they are, moments as ISO 8601 with the offset
    of `zone`, nothing as an empty cell."""
    return _write(file, _csv_blocks(header, rows, zone))


def write_jsonl(header: Sequence[str], rows: Iterable[Sequence[Cell]], file: BinaryIO, zone: tzinfo) -> Written:
    """One JSON object a line, its keys those of the header. Text goes as it is: no program runs it."""
    return _write(file, _json_blocks(header, rows, zone))


def _write(file: BinaryIO, blocks: Iterable[tuple[int, bytes]]) -> Written:
    digest, count, size = sha256(), 0, 0
    for rows, data in blocks:
        file.write(data)
        digest.update(data)
        count += rows
        size += len(data)
    return Written(count, size, digest.hexdigest())


def _csv_blocks(header: Sequence[str], rows: Iterable[Sequence[Cell]], zone: tzinfo) -> Iterator[tuple[int, bytes]]:
    yield 0, BOM + ",".join(header).encode() + b"\r\n"
    for block in _blocks(rows):
        # By columns: a hundred thousand rows are written in the time that the csv module takes for fifty thousand.
        columns = [_csv_column(column, zone) for column in zip(*block, strict=True)]
        lines = map(",".join, zip(*columns, strict=True))
        yield len(block), ("\r\n".join(lines) + "\r\n").encode()


def _csv_column(column: Sequence[Cell], zone: tzinfo) -> Sequence[str]:
    only_text = set(map(type, column)) == {str}
    texts = cast(Sequence[str], column) if only_text else [_csv_text(cell, zone) for cell in column]
    # No formula begins with a letter or a digit, and of most columns each cell does.
    if any(first and not first.isalnum() for first in {text[:1] for text in texts}):
        # What is not text stays as it is: -5 as a number is no formula.
        texts = [neutral(text) if isinstance(cell, str) else text for text, cell in zip(texts, column, strict=True)]
    together = "".join(texts)
    return [_quoted(text) for text in texts] if any(c in together for c in ',"\r\n') else texts


def _csv_text(cell: Cell, zone: tzinfo) -> str:
    if isinstance(cell, datetime):
        return _moment(cell, zone)
    return "" if cell is None else str(cell)


def _quoted(text: str) -> str:
    """As RFC 4180 says: in quotes where it holds a comma, a quote or a line end, its own quotes doubled."""
    return '"' + text.replace('"', '""') + '"' if any(c in text for c in ',"\r\n') else text


def _json_blocks(header: Sequence[str], rows: Iterable[Sequence[Cell]], zone: tzinfo) -> Iterator[tuple[int, bytes]]:
    for block in _blocks(rows):
        lines = (
            json.dumps(
                {name: _json_value(cell, zone) for name, cell in zip(header, row, strict=True)}, ensure_ascii=False
            )
            for row in block
        )
        yield len(block), "".join(f"{line}\n" for line in lines).encode()


def _blocks(rows: Iterable[Sequence[Cell]]) -> Iterator[list[Sequence[Cell]]]:
    rest = iter(rows)
    while block := list(islice(rest, ROWS_AT_ONCE)):
        yield block


def _moment(moment: datetime, zone: tzinfo) -> str:
    return moment.astimezone(zone).isoformat("T", "seconds")


def _json_value(cell: Cell, zone: tzinfo) -> str | int | None:
    if isinstance(cell, datetime):
        return _moment(cell, zone)
    return cell.isoformat() if isinstance(cell, date) else cell
