"""Problems are told to people, programs and pipelines."""

from __future__ import annotations

import json

from elearn.authoring.report import as_github, as_json, as_text
from elearn.domain.problems import Problem

PROBLEMS = [
    Problem("content/a, b/01.hi.md", 41, 7, "error", "quiz-no-key", "No option is right: 100 %.", "Mark one."),
    Problem("content/c.yaml", 1, 1, "warning", "stray-file", "मूल", ""),
]


def test_text_is_one_line_each() -> None:
    assert as_text(PROBLEMS) == (
        "content/a, b/01.hi.md:41:7: error[quiz-no-key] No option is right: 100 %. Mark one.\n"
        "content/c.yaml:1:1: warning[stray-file] मूल\n"
    )
    assert as_text([]) == ""


def test_json_has_the_promised_keys() -> None:
    first, second = json.loads(as_json(PROBLEMS))
    assert list(first) == ["path", "line", "column", "severity", "code", "message", "hint"]
    assert (first["line"], first["column"], first["code"], first["hint"]) == (41, 7, "quiz-no-key", "Mark one.")
    assert second["message"] == "मूल"
    assert json.loads(as_json([])) == []


def test_github_escapes_what_would_end_a_field() -> None:
    assert as_github(PROBLEMS).split("\n") == [
        "::error file=content/a%2C b/01.hi.md,line=41,col=7,title=quiz-no-key::No option is right: 100 %25. Mark one.",
        "::warning file=content/c.yaml,line=1,col=1,title=stray-file::मूल",
        "",
    ]
