"""Mistakes planted in a copy of the shipped course are each found at their place, and nothing else is."""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest

from elearn.authoring.compiler import compile_course
from elearn.domain.course import Course
from elearn.domain.problems import Problem
from tests.authoring.course_maker import MARK, told

SHIPPED = Path(__file__).parent.parent.parent / "content" / "ai-for-good-governance"


@dataclass(frozen=True)
class Planted:
    """The first place in `file` that looks like `pattern` becomes `new`, in which MARK stands where it must be told.

    `$1` to `$3` stand for the groups of the pattern. `file` may name one of several by its order: the first lesson in
    Hindi is `*/0*.hi.md`, the second one `*/0*.hi.md#2`.
    """

    code: str
    file: str
    pattern: str
    new: str

    def path(self, folder: Path) -> Path:
        name, _, number = self.file.partition("#")
        return sorted(folder.glob(name))[int(number or 1) - 1]

    def plant(self, folder: Path) -> tuple[str, int, int, str]:
        path = self.path(folder)
        text = path.read_text(encoding="utf-8")
        found = re.search(self.pattern, text, re.MULTILINE | re.DOTALL)
        assert found, f"{path.name} has nothing like {self.pattern}"
        new = re.sub(r"\$(\d)", lambda group: found[int(group[1])], self.new)
        spoilt = text[: found.start()] + new + text[found.end() :]
        before = spoilt[: spoilt.index(MARK)] if MARK in spoilt else ""
        path.write_text(spoilt.replace(MARK, ""), encoding="utf-8")
        line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
        return str(path.relative_to(folder)), line, column, self.code


def compiled(folder: Path) -> tuple[Course | None, list[Problem]]:
    """As of the day on which its youngest fact was verified: a planted mistake is the same on any day."""
    days = re.findall(r"verified_on: (\d{4}-\d\d-\d\d)", (SHIPPED / "facts.yaml").read_text(encoding="utf-8"))
    return compile_course(folder, None, date.fromisoformat(max(days)))


# A check with one right answer: its opening, the lines before the first option, the first option marked wrong.
SINGLE = r"^```check( \{#[a-z0-9-]+\}\n[^`]*?)^- \[x\]([^`]*?^```$)"
WRONG_FIRST = r"^- \[ \]([^`#]*?)^- \[x\]"

PLANTED = [
    Planted("quiz-no-key", "*/0*.en.md", SINGLE, f"{MARK}```check$1- [ ]$2"),
    Planted("alt-missing", "*/0*.hi.md", r"!\[[^\]]+\]\(", f"{MARK}![]("),
    Planted("picture-missing", "*/0*.en.md#2", r"!\[([^\]]+)\]\([a-z.-]+svg", f"{MARK}![$1](no-such.svg"),
    Planted("drift-key", "*/0*.hi.md#2", WRONG_FIRST, f"- [{MARK}x]$1- [ ]"),
    Planted("unknown-term", "*/0*.en.md#3", r"\[\[", f"{MARK}[[no-such-"),
    Planted("link-scheme", "*/0*.hi.md#3", r"\Z", f"\n{MARK}[।](javascript:alert(1))\n"),
    Planted("unknown-key", "*/0*.en.md#4", r"^exercise_minutes:", f"{MARK}exercise_minuts:"),
    Planted("unknown-fact", "*/0*.hi.md#4", r"\[@", f"{MARK}[@no-such-"),
    Planted("drift-front", "*/module.hi.md", r"^outcomes: \[1\.a, ", f"outcomes: {MARK}["),
    Planted("missing-attribute", "*/questions.en.md", r"\{(#[a-z0-9-]+) outcome=[^ ]+ ", f"{MARK}{{$1 "),
    Planted("option-no-feedback", "*/questions.hi.md", r"^(- \[ \] [^\n]+)\n  > [^\n]+\n", f"{MARK}$1\n"),
    Planted("raw-html", "final/questions.en.md", r"^> ([^\n]+)$", f"> $1{MARK}<br>"),
    Planted("bidi-character", "final/questions.hi.md", r"^> ([^\n]+)$", f"> $1{MARK}\u202e"),
    Planted("missing-words", "glossary.yaml", r"^  term: \{(en: [^,}]+), hi: [^,}]+\}", f"  {MARK}term: {{$1}}"),
    Planted("wrong-value", "facts.yaml", r"^    grade: P$", f"    grade: {MARK}Q"),
    Planted("wrong-value", "course.yaml", r"module: \{draw: 8, pass: \d+", f"module: {{draw: 8, pass: {MARK}175"),
    Planted("svg-unsafe", "*/*.svg", r"</svg>", f"{MARK}<script>alert(1)</script></svg>"),
]


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    return shutil.copytree(SHIPPED, tmp_path / SHIPPED.name)


def test_shipped_course_has_no_error(copy: Path) -> None:
    course, problems = compiled(copy)
    assert course
    assert {problem.code for problem in problems} <= {"not-reviewed", "stale-fact"}


def test_every_planted_mistake_is_found_at_its_place_and_nothing_else(copy: Path) -> None:
    before = set(told(compiled(copy)[1], copy))
    expected = [planted.plant(copy) for planted in PLANTED]
    course, problems = compiled(copy)
    assert course is None
    assert len(PLANTED) >= 15
    assert sorted(set(told(problems, copy)) - before) == sorted(expected)
    assert before <= set(told(problems, copy))


@pytest.mark.parametrize("planted", PLANTED, ids=lambda planted: f"{planted.code} in {planted.file}")
def test_a_planted_mistake_is_found_alone(copy: Path, planted: Planted) -> None:
    before = set(told(compiled(copy)[1], copy))
    expected = planted.plant(copy)
    assert set(told(compiled(copy)[1], copy)) - before == {expected}
