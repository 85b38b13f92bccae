"""The security page says nothing of files and tests that are not there, and leaves no requirement out."""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "security.md"
STATES = ("met", "not met", "partly met", "does not apply", "by the operator")
MADE = {"dist/elearn.cdx.json"}  # what a command writes

# Sections of ASVS 5.0 and their last requirement of level 1 or 2. V10, 6.6 and 6.8 are answered as a whole; 6.7 and
# 8.4.2 and the like are of level 3; V17 is about WebRTC.
LAST = """
1.1:2 1.2:9 1.3:11 1.4:3 1.5:2 2.1:3 2.2:3 2.3:4 2.4:1 3.2:2 3.3:4 3.4:6 3.5:5 3.7:2 4.1:3 4.2:1 4.3:2
4.4:4 5.1:1 5.2:3 5.3:2 5.4:3 6.1:3 6.2:12 6.3:4 6.4:4 6.5:5 7.1:3 7.2:4 7.3:2 7.4:5 7.5:2 7.6:2 8.1:2
8.2:3 8.3:1 8.4:1 9.1:3 9.2:4 11.1:2 11.2:3 11.3:3 11.4:3 11.5:1 11.6:1 12.1:3 12.2:2 12.3:4 13.1:1 13.2:5
13.3:2 13.4:5 14.1:2 14.2:4 14.3:3 15.1:3 15.2:3 15.3:7 16.1:1 16.2:5 16.3:4 16.4:3 16.5:3
"""


def quoted() -> list[str]:
    return re.findall(r"`([^`]+)`", PAGE.read_text())


def rows(heading: str) -> list[list[str]]:
    """The cells of the table under a heading, without its first two lines."""
    section = PAGE.read_text().split(f"\n## {heading}")[1].split("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


@lru_cache
def functions(path: Path) -> set[str]:
    return set(re.findall(r"^(?:async )?def (\w+)", path.read_text(), re.M))


def missing(references: list[str]) -> list[str]:
    """The files and tests among these that are not there."""
    found = []
    for reference in references:
        name, _, function = reference.partition("::")
        path = ROOT / name
        looks_like_a_path = "/" in name and not name.startswith("/") and " " not in name
        if (looks_like_a_path and name not in MADE and not path.exists()) or (
            function and function not in functions(path)
        ):
            found.append(reference)
    return found


def test_every_file_and_test_that_is_named_is_there() -> None:
    references = [one for one in quoted() if "/" in one or "::" in one]
    assert len(references) > 100
    assert missing(references) == []


def test_a_name_of_nothing_would_be_found() -> None:
    assert missing(["tests/nowhere.py"]) == ["tests/nowhere.py"]
    named = ["tests/test_security_page.py::missing", "tests/test_security_page.py::nothing"]
    assert missing(named) == named[1:]


def numbers(cell: str) -> set[str]:
    """1.2.4–1.2.5, 1.3.1 as three numbers."""
    found = set()
    for part in cell.split(", "):
        first, _, last = part.partition("–")
        section, _, low = first.rpartition(".")
        found |= {f"{section}.{n}" for n in range(int(low), int((last or first).rpartition(".")[2]) + 1)}
    return found


def test_every_requirement_of_the_standard_is_answered_once() -> None:
    answered = [one for row in rows("OWASP ASVS") if row[0].count(".") > 1 for one in numbers(row[0])]
    sections = [word.split(":") for word in LAST.split()]
    expected = {f"{section}.{number}" for section, last in sections for number in range(1, int(last) + 1)}
    answered = [one for one in answered if not one.startswith("10.")]
    assert sorted(answered) == sorted(set(answered)), "answered twice"
    assert set(answered) - expected == {one for one in answered if one.startswith(("6.6", "6.8"))}
    assert expected - set(answered) == set()


def test_every_row_says_how_it_stands_and_why() -> None:
    for heading in ("OWASP ASVS", "GIGW", "CERT-In", "DPDP"):
        table = rows(heading)
        assert len(table) >= 4
        for row in table:
            state, proof = row[-2], row[-1]
            assert state in STATES, row
            assert len(proof) > 8, row
            if state == "met" and heading == "OWASP ASVS":
                assert "`" in proof or "this page" in proof or "by the operator" in proof, row
