"""What every practice lab is: choices read from a form, re-run by the server, and a result that can be reached."""

import json
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

# A row of the lab's history: the officer's choices and the figures the server found for them.
Run = tuple[dict[str, Any], dict[str, Any]]


class BadChoices(ValueError):
    """A form holds something no officer could have chosen, or misses something every officer must choose."""

    def __init__(self, code: str, **arguments: str | int) -> None:
        self.code = code
        self.arguments = arguments
        told = ", ".join(f"{name}={value}" for name, value in arguments.items())
        super().__init__(f"{code}: {told}" if told else code)


class Lab(Protocol):
    """One practice lab. Its page script computes the same figures; only the server's are stored and believed."""

    @property
    def name(self) -> str:
        """The name lessons call it by, also the name of its script and template."""
        ...

    def read(self, form: Mapping[str, Sequence[str]]) -> dict[str, Any]:
        """The officer's choices in a submitted form, fit for JSON. Fields of the page itself (a CSRF token) are left
        alone. Raises BadChoices."""
        ...

    def fields(self, choices: dict[str, Any]) -> dict[str, str]:
        """The form fields that a browser sends for these choices: what `read` reads."""
        ...

    def run(self, choices: dict[str, Any]) -> dict[str, Any]:
        """The figures these choices lead to, fit for JSON: counts are ints, probabilities floats from 0 to 1.
        The same choices always give the same figures."""
        ...

    def todo(self, language: str, runs: Sequence[Run]) -> list[dict[str, Any]]:
        """Every task of the practice, each with its code, its state (`met` or `missing`), why, and the words."""
        ...

    def reached(self, runs: Sequence[Run]) -> bool:
        """Whether these stored runs, oldest first, reach the practice's result."""
        ...

    def refusal(self, language: str, problem: BadChoices) -> str:
        """What to tell the officer whose form was refused."""
        ...

    def sample_runs(self, language: str) -> list[dict[str, Any]]:
        """Choices that reach the result, in order: for demo people and for tests."""
        ...

    def view(self, language: str, runs: Sequence[Run]) -> dict[str, Any]:
        """All that the lab's template needs, in one language (English where the lab does not speak the language)."""
        ...


def only(form: Mapping[str, Sequence[str]], field: str, possible: Collection[str]) -> str | None:
    """The one value of a field, None where it is absent or empty. Raises BadChoices if doubled or impossible."""
    values = form.get(field, ())
    if len(values) > 1:
        raise BadChoices("given-twice", field=field)
    if not values or not values[0]:
        return None
    if values[0] not in possible:
        # Cut short, because whoever invents a value may invent a long one.
        raise BadChoices("not-possible", field=field, value=values[0][:40])
    return values[0]


def data_of(module_file: str) -> dict[str, Any]:
    """A lab's words and data: the JSON file beside its module."""
    data: dict[str, Any] = json.loads(Path(module_file).with_suffix(".json").read_text("utf-8"))
    return data


def spoken(language: str, languages: Sequence[str]) -> str:
    """The language the lab speaks to this reader: the first where it does not speak the reader's."""
    return language if language in languages else languages[0]


def grouped(count: int) -> str:
    """A count as it is written in India: 1,00,000."""
    head, tail = str(count)[:-3], str(count)[-3:]
    while head:
        head, tail = head[:-2], f"{head[-2:]},{tail}"
    return tail
