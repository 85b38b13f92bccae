"""Formulas in numeric questions: their numbers vary from attempt to attempt, and the key is worked out anew."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

LONGEST = 200
MOST_DECIMALS = 2

_SIGNS = str.maketrans({"×": "*", "÷": "/", "−": "-", "\u00a0": " "})
_FORM = re.compile(r"(?:[0-9]+(?:\.[0-9]+)?(?![\w.])|[a-z][a-z0-9_]*|[-+*/() ])+")
_OPERATIONS = {
    ast.Add: Fraction.__add__,
    ast.Sub: Fraction.__sub__,
    ast.Mult: Fraction.__mul__,
    ast.Div: Fraction.__truediv__,
}


class BadFormula(ValueError):
    """The formula cannot be read or worked out. `code`: `form`, `name` (an unknown one), `zero`, `large`."""

    def __init__(self, code: str, name: str = "") -> None:
        super().__init__(f"{code} {name}".strip())
        self.code, self.name = code, name


def worked_out(formula: str, numbers: Mapping[str, Decimal]) -> Decimal:
    """The value of a formula of + - × ÷, brackets, numbers and names, exact and then rounded to two decimals, halves
    up. Raises BadFormula."""
    plain = formula.translate(_SIGNS).strip()
    if len(plain) > LONGEST or not _FORM.fullmatch(plain):
        raise BadFormula("form")
    try:
        tree = ast.parse(plain, mode="eval")
    except (SyntaxError, MemoryError, RecursionError):
        raise BadFormula("form") from None
    value = _value(tree.body, numbers)
    if abs(value) >= 10**12:
        raise BadFormula("large")
    step = Decimal(1).scaleb(-MOST_DECIMALS)
    return (Decimal(value.numerator) / Decimal(value.denominator)).quantize(step, ROUND_HALF_UP)


def grouped(number: Decimal) -> str:
    """A number as India writes it: 12,34,567.5, without zeros at its end."""
    sign, digits = "−" if number < 0 else "", f"{abs(number):f}"
    whole, _, rest = digits.partition(".")
    head, tail = whole[:-3], whole[-3:]
    pairs = [head[max(0, end - 2) : end] for end in range(len(head), 0, -2)][::-1]
    rest = rest.rstrip("0")
    return sign + ",".join([*pairs, tail]) + (f".{rest}" if rest else "")


def _value(node: ast.expr, numbers: Mapping[str, Decimal]) -> Fraction:
    if isinstance(node, ast.BinOp) and type(node.op) in _OPERATIONS:
        left, right = _value(node.left, numbers), _value(node.right, numbers)
        if isinstance(node.op, ast.Div) and not right:
            raise BadFormula("zero")
        return _OPERATIONS[type(node.op)](left, right)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return -_value(node.operand, numbers)
    if isinstance(node, ast.Constant) and type(node.value) in (int, float):
        return Fraction(str(node.value))
    if isinstance(node, ast.Name):
        if node.id not in numbers:
            raise BadFormula("name", node.id)
        return Fraction(numbers[node.id])
    raise BadFormula("form")
