"""Formulas are worked out exactly, refuse what is none, and numbers are written as India writes them."""

from __future__ import annotations

from contextlib import suppress
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from elearn.domain.formula import LONGEST, BadFormula, grouped, worked_out

NUMBERS = {"files": Decimal(10000), "rate": Decimal(2)}


@pytest.mark.parametrize(
    ("formula", "value"),
    [
        ("files × rate ÷ 100", "200"),
        ("(files - files * rate / 100) / 20", "490"),
        ("1 ÷ 3", "0.33"),
        ("2 / 3", "0.67"),
        ("0.005", "0.01"),
        ("0.1 + 0.2", "0.3"),
        ("−rate", "-2"),
        ("100 * 180 / (180 + 490)", "26.87"),
    ],
)
def test_it_is_worked_out(formula: str, value: str) -> None:
    assert worked_out(formula, NUMBERS) == Decimal(value)


@pytest.mark.parametrize(
    ("formula", "code"),
    [
        *[(text, "form") for text in ("", "2 +", "files.real", "f()", "2 ** 9", "'a'", "[1]", "True", "1 if 2 else 3")],
        ("1,000 + 1", "form"),
        ("1" * (LONGEST + 1), "form"),
        ("(" * 99, "form"),
        ("1if 2 else 3", "form"),
        ("1j", "form"),
        ("people", "name"),
        ("1 / (rate - 2)", "zero"),
        ("files * files * files * files", "large"),
        ("1e400", "form"),
    ],
)
def test_what_is_none_is_refused(formula: str, code: str) -> None:
    with pytest.raises(BadFormula) as refused:
        worked_out(formula, NUMBERS)
    assert refused.value.code == code


@given(st.text(max_size=250))
def test_any_text_is_worked_out_or_refused(text: str) -> None:
    with suppress(BadFormula):
        worked_out(text, NUMBERS)


@pytest.mark.parametrize(
    ("number", "written"),
    [
        ("0", "0"),
        ("999", "999"),
        ("1000", "1,000"),
        ("100000", "1,00,000"),
        ("1234567.50", "12,34,567.5"),
        ("-10000", "−10,000"),
        ("26.87", "26.87"),
        ("5.00", "5"),
    ],
)
def test_numbers_are_grouped_as_in_india(number: str, written: str) -> None:
    assert grouped(Decimal(number)) == written
