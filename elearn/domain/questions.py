"""The kinds of question: how an answer is read and how it is marked.

One class per kind. To add a kind, replicate its nearest sibling here, name it in `Question`, teach
`authoring/quiz_source.py` to read it, and add a template `questions/<kind>.html`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal, InvalidOperation
from hashlib import sha256
from html import unescape
from random import Random
from typing import ClassVar, Literal, Self

from elearn.domain.formula import BadFormula, grouped, worked_out

Words = Mapping[str, str]
"""Text by language tag; in compiled content it is clean HTML."""

Given = str | tuple[int, ...] | None
"""An answer as kept: indices of the options as authored, a number as text, or None for no answer."""

LONGEST_NUMBER = 40


class UnreadableAnswer(ValueError):
    """What was sent is no possible answer to this question. `code` says which sentence to show."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True)
class Option:
    """One of the options of a choice, with what is said to whoever chose it."""

    text: Words
    feedback: Words
    right: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """What questions of every kind have."""

    id: str
    stem: Words
    explanation: Words
    outcome: str = ""
    level: str = ""
    domain: str = ""
    pictures: tuple[str, ...] = ()

    def posed(self, seed: str) -> Self:
        """The question as the attempt with this seed asks it."""
        return self


@dataclass(frozen=True, slots=True, kw_only=True)
class _Choice(_Asked):
    options: tuple[Option, ...]

    def key(self) -> tuple[int, ...]:
        """Indices of the right options, as authored."""
        return tuple(i for i, option in enumerate(self.options) if option.right)

    def read(self, values: Sequence[str], seed: str) -> Given:
        """The chosen options from the opaque values that `offered` gave for the same seed."""
        index_of = {option_value(seed, self.id, i): i for i in range(len(self.options))}
        if any(value not in index_of for value in values):
            raise UnreadableAnswer("no-such-option")
        return tuple(sorted({index_of[value] for value in values})) or None

    def offered(self, seed: str, shuffled: bool = True) -> list[tuple[str, int]]:
        """(opaque value, index as authored) in the order this seed shows them."""
        order = list(range(len(self.options)))
        if shuffled and not self._ascending():
            Random(f"{seed}/{self.id}").shuffle(order)  # noqa: S311 - an order to show, not a secret
        return [(option_value(seed, self.id, i), i) for i in order]

    def _ascending(self) -> bool:
        """Numbers ascend on the page, as authored, so that nobody hunts for one."""
        texts = [next(iter(option.text.values()), "") for option in self.options]
        return all(any(c.isdigit() for c in text) and not any(c.isalpha() for c in _bare(text)) for text in texts)


def _bare(html: str) -> str:
    """The text of a short piece of HTML: without its tags, and with < for &lt;."""
    kept, inside = [], False
    for c in html:
        inside = c == "<" or (inside and c != ">")
        if not inside and c != ">":
            kept.append(c)
    return unescape("".join(kept))


@dataclass(frozen=True, slots=True, kw_only=True)
class Single(_Choice):
    """Exactly one option is right."""

    kind: Literal["single"] = "single"
    many: ClassVar[bool] = False

    def read(self, values: Sequence[str], seed: str) -> Given:
        if len(values) > 1:
            raise UnreadableAnswer("choose-one")
        return _Choice.read(self, values, seed)

    def is_right(self, given: Given) -> bool:
        return given == self.key()


@dataclass(frozen=True, slots=True, kw_only=True)
class Multiple(_Choice):
    """Several options are right; an answer is right when it names exactly these."""

    kind: Literal["multiple"] = "multiple"
    many: ClassVar[bool] = True

    def is_right(self, given: Given) -> bool:
        return given == self.key()


@dataclass(frozen=True, slots=True, kw_only=True)
class Numeric(_Asked):
    """A number within a tolerance. Where it has a formula, its numbers vary from attempt to attempt: texts hold
    `{name}` and `{= formula}`, and `vary` the values each name may take."""

    answer: Decimal
    tolerance: Decimal = Decimal(0)
    formula: str = ""
    vary: Mapping[str, tuple[Decimal, ...]] = field(default_factory=dict)
    kind: Literal["numeric"] = "numeric"

    def posed(self, seed: str) -> Numeric:
        """With one value for each name, the same in every language, and the key that belongs to them."""
        if not self.vary:
            return self
        chance = Random(f"{seed}/{self.id}/numbers")  # noqa: S311 - numbers to show, not a secret
        numbers = {name: chance.choice(values) for name, values in self.vary.items()}
        stem, explanation = (
            {tag: filled_in(text, numbers) for tag, text in texts.items()} for texts in (self.stem, self.explanation)
        )
        answer = worked_out(self.formula, numbers)
        return replace(self, stem=stem, explanation=explanation, answer=answer, formula="", vary={})

    def read(self, values: Sequence[str], seed: str) -> Given:
        if len(values) > 1:
            raise UnreadableAnswer("one-number")
        text = values[0].strip() if values else ""
        return str(number_in(text)) if text else None

    def is_right(self, given: Given) -> bool:
        return isinstance(given, str) and abs(Decimal(given) - self.answer) <= self.tolerance


Question = Single | Multiple | Numeric


_BLANK = re.compile(r"\{(?P<works_out>=)?[ \t]*(?P<inside>[^{}]+?)[ \t]*\}")


def filled_in(text: str, numbers: Mapping[str, Decimal]) -> str:
    """The text with numbers in the place of `{name}` and `{= formula}`. Raises BadFormula."""

    def number(blank: re.Match[str]) -> str:
        if blank["works_out"]:
            return grouped(worked_out(unescape(blank["inside"]), numbers))
        if blank["inside"] not in numbers:
            raise BadFormula("name", blank["inside"])
        return grouped(numbers[blank["inside"]])

    return _BLANK.sub(number, text)


def names_in(text: str) -> list[str]:
    """What stands in single brackets, without the formulas."""
    return [blank["inside"] for blank in _BLANK.finditer(text) if not blank["works_out"]]


def number_in(text: str) -> Decimal:
    """The number an officer typed: Indian grouping, a percent sign, digits of any Indian script.

    Raises UnreadableAnswer("not-a-number").
    """
    if len(text) > LONGEST_NUMBER:
        raise UnreadableAnswer("not-a-number")
    # Decimal digits only: in 10² the last sign is a digit for Unicode too, but the number is not 102.
    plain = "".join(str(unicodedata.decimal(c)) if c.isdecimal() else c for c in text)
    plain = plain.replace(",", "").replace("−", "-").replace("%", "").replace("₹", "").strip()
    plain = "".join(plain.split())
    if not plain or not set(plain) <= set("0123456789.-+"):
        raise UnreadableAnswer("not-a-number")
    try:
        return Decimal(plain)
    except InvalidOperation:
        raise UnreadableAnswer("not-a-number") from None


def option_value(seed: str, question_id: str, index: int) -> str:
    """What stands for an option on the page. It tells nothing about the order the author wrote."""
    return sha256(f"{seed}/{question_id}/{index}".encode()).hexdigest()[:12]
