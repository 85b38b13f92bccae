"""Problems as lines for a terminal, as JSON for a program, as annotations for a pipeline."""

from __future__ import annotations

import json
from collections.abc import Iterable

from elearn.domain.problems import Problem


def as_text(problems: Iterable[Problem]) -> str:
    """One line each: `path:line:col: severity[code] message hint`; empty if there is none."""
    return "".join(f"{problem}\n" for problem in problems)


def as_json(problems: Iterable[Problem]) -> str:
    """A list of objects with the keys `path line column severity code message hint`."""
    keys = ("path", "line", "column", "severity", "code", "message", "hint")
    rows = [{key: getattr(problem, key) for key in keys} for problem in problems]
    return json.dumps(rows, ensure_ascii=False, indent=1) + "\n"


def as_github(problems: Iterable[Problem]) -> str:
    """Workflow commands that mark the lines of a pull request."""
    return "".join(
        f"::{p.severity} file={_property(p.path)},line={p.line},col={p.column},title={_property(p.code)}"
        f"::{_data(f'{p.message} {p.hint}'.rstrip())}\n"
        for p in problems
    )


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
