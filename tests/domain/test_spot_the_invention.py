"""Lab 5 (b): the key stays on the server until a run is sent, and a wrong "supported" weighs more than other slips."""

from __future__ import annotations

import json
import re
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from elearn.domain.labs import LABS, BadChoices, Run
from elearn.domain.labs import spot_the_invention as lab_module
from elearn.domain.labs.spot_the_invention import CIRCULAR, DATA, LANGUAGES, MARKS, STATEMENTS, total

LAB = LABS["spot-the-invention"]
RIGHT = {row["id"]: [row["mark"], row["line"]] for row in STATEMENTS}
OF_KIND = {mark: [row["id"] for row in STATEMENTS if row["mark"] == mark] for mark in MARKS}


def choices(language: str = "en", **marks: Sequence[Any]) -> dict[str, Any]:
    """All right, but for the statements named."""
    return {"language": language, "marks": RIGHT | {id_: list(mark) for id_, mark in marks.items()}}


def ran(language: str = "en", **marks: Sequence[Any]) -> Run:
    made = choices(language, **marks)
    return made, LAB.run(made)


def form(**fields: str | None) -> dict[str, list[str]]:
    sent: dict[str, str | None] = {**LAB.fields(choices()), **{n.replace("_", "-"): v for n, v in fields.items()}}
    return {"csrf_token": ["t" * 90], **{name: [value] for name, value in sent.items() if value is not None}}


# The circular and its summary


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_circular_has_about_250_words_in_numbered_lines(language: str) -> None:
    assert len(CIRCULAR) == 18
    assert 240 <= sum(len(line[language].split()) for line in CIRCULAR) <= 280


def test_five_are_supported_three_contradicted_and_two_absent() -> None:
    assert Counter(row["mark"] for row in STATEMENTS) == {"supported": 5, "contradicted": 3, "absent": 2}
    assert all((row["line"] == 0) == (row["mark"] == "absent") for row in STATEMENTS)
    assert all(0 <= row["line"] <= len(CIRCULAR) for row in STATEMENTS)


@pytest.mark.parametrize("language", LANGUAGES)
def test_reasons_name_the_deciding_line_and_hints_do_not(language: str) -> None:
    number = re.compile(r"(?:[Ll]ine|पंक्ति) (\d+)")
    for row in STATEMENTS:
        named = [int(found) for found in number.findall(row["why"][language])]
        assert named == [row["line"]] if row["line"] else row["line"] not in named
        assert not number.search(row["hint"][language])


def test_every_sentence_is_there_in_both_languages_with_the_same_places() -> None:
    for code, sentence in DATA["words"].items():
        assert set(sentence) == set(LANGUAGES), code
        places = [set(re.findall(r"\{(\w+)\}", sentence[language])) for language in LANGUAGES]
        assert places[0] == places[1], code
    assert unicodedata.is_normalized("NFC", json.dumps(DATA, ensure_ascii=False))


# The key


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_before_a_run_is_the_same_whatever_the_key(language: str, monkeypatch: pytest.MonkeyPatch) -> None:
    before = json.dumps(LAB.view(language, []), ensure_ascii=False)
    secret = dict.fromkeys(LANGUAGES, "secret")
    other = [
        row
        | {"mark": MARKS[(MARKS.index(row["mark"]) + 1) % 3], "line": 18 - row["line"], "why": secret, "hint": secret}
        for row in STATEMENTS
    ]
    monkeypatch.setattr(lab_module, "STATEMENTS", other)
    assert json.dumps(LAB.view(language, []), ensure_ascii=False) == before
    assert "secret" in json.dumps(LAB.view(language, [ran(language)]))


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_reason_and_no_hint_is_in_the_page_before_a_run(language: str) -> None:
    before = json.dumps(LAB.view(language, []), ensure_ascii=False)
    for row in STATEMENTS:
        assert row["text"][language] in before
        assert row["why"][language] not in before
        assert row["hint"][language] not in before


def test_a_wrong_mark_is_answered_with_a_hint_not_with_the_answer() -> None:
    trusting = {row["id"]: ["supported", 1] for row in STATEMENTS}
    told = {mark["id"]: mark["told"] for mark in ran(**trusting)[1]["marks"]}
    for row in STATEMENTS:
        assert told[row["id"]] == row["hint"]["en"]


def test_after_a_careful_run_every_statement_shows_its_reason() -> None:
    _, figures = ran(s01=("absent", 0), s02=("contradicted", 5))
    assert [mark["state"] for mark in figures["marks"]][:3] == ["wrong", "line", "right"]
    assert figures["marks"][1]["told"] == "Contradicted. Line 4 says the next working day, not the one before."
    assert figures["marks"][3]["told"].startswith("Not in the source. No line speaks of announcements.")


# The score


@pytest.mark.parametrize(
    ("marks", "expected"),
    [
        ({}, {"right": 10, "line": 0, "false_support": 0, "wrong": 0, "points": 10, "of": 10}),
        ({"s02": ("supported", 4)}, {"right": 9, "line": 0, "false_support": 1, "wrong": 0, "points": 7, "of": 10}),
        ({"s02": ("absent", 0)}, {"right": 9, "line": 0, "false_support": 0, "wrong": 1, "points": 9, "of": 10}),
        ({"s01": ("absent", 0)}, {"right": 9, "line": 0, "false_support": 0, "wrong": 1, "points": 9, "of": 10}),
        ({"s04": ("supported", 0)}, {"right": 9, "line": 0, "false_support": 1, "wrong": 0, "points": 7, "of": 10}),
        ({"s04": ("contradicted", 3)}, {"right": 9, "line": 0, "false_support": 0, "wrong": 1, "points": 9, "of": 10}),
        ({"s03": ("supported", 0)}, {"right": 9, "line": 1, "false_support": 0, "wrong": 0, "points": 9, "of": 10}),
        ({"s03": ("supported", 5)}, {"right": 9, "line": 1, "false_support": 0, "wrong": 0, "points": 9, "of": 10}),
        ({"s04": ("absent", 7)}, {"right": 10, "line": 0, "false_support": 0, "wrong": 0, "points": 10, "of": 10}),
    ],
)
def test_a_wrong_supported_costs_more_than_a_wrong_not_found(
    marks: Mapping[str, Sequence[Any]], expected: Mapping[str, int]
) -> None:
    figures = ran(**marks)[1]
    assert {key: figures[key] for key in expected} == expected


def test_all_taken_on_trust_ends_below_zero() -> None:
    trusting = LAB.sample_runs("en")[0]
    assert LAB.run(trusting)["points"] == 5 - 2 * 5
    assert LAB.view("en", [(trusting, LAB.run(trusting))])["headline"] == "\u22125 of 10 points"


def test_the_sum_is_made_from_the_states_alone() -> None:
    states = ["right"] * 3 + ["line"] * 2 + ["false_support"] * 4 + ["wrong"]
    assert total(states) == {"right": 3, "line": 2, "false_support": 4, "wrong": 1, "points": -5, "of": 10}


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_figures_survive_the_database_and_speak_the_runs_language(language: str) -> None:
    made, figures = ran(language)
    assert json.loads(json.dumps([made, figures])) == [made, figures]
    assert LAB.run(made) == figures
    assert figures["marks"][0]["told"].startswith({"en": "Supported. Line 3", "hi": "समर्थित। पंक्ति 3"}[language])


# Reading a form


def test_a_form_is_read_and_an_absent_statement_needs_no_line() -> None:
    assert LAB.read(form()) == choices()
    assert LAB.read(form(mark_s01="absent", line_s01="3")) == choices(s01=("absent", 0))
    assert LAB.read(form(line_s01=None)) == choices(s01=("supported", 0))
    assert LAB.read(form(line_s01="")) == choices(s01=("supported", 0))


HUGE = "x" * 10_000_000


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        ({}, "missing-choice"),
        (form(language=None), "missing-choice"),
        (form(language="mr"), "not-possible"),
        (form(mark_s07=None), "missing-mark"),
        (form(mark_s07=""), "missing-mark"),
        (form(mark_s07="true"), "not-possible"),
        (form(mark_s07=HUGE), "not-possible"),
        (form(line_s07="19"), "not-possible"),
        (form(line_s07="-1"), "not-possible"),
        (form(line_s07="३"), "not-possible"),
        (form(line_s07=HUGE), "not-possible"),
        (form(mark_s11="supported"), "unknown-statement"),
        (form(line_s11="1"), "unknown-statement"),
        (form(mark_="supported"), "unknown-statement"),
        (form() | {"mark-" + HUGE: ["supported"]}, "unknown-statement"),
        (form() | {"mark-s01": ["supported", "absent"]}, "given-twice"),
        (form() | {"line-s01": ["1", "2"]}, "given-twice"),
        (form() | {f"mark-s{number}": ["absent"] for number in range(100_000)}, "unknown-statement"),
    ],
)
def test_what_nobody_could_have_chosen_is_refused_by_name(sent: Mapping[str, Sequence[str]], code: str) -> None:
    with pytest.raises(BadChoices) as refused:
        LAB.read(sent)
    assert refused.value.code == code
    assert len(str(refused.value)) < 200
    for language in LANGUAGES:
        assert 10 < len(LAB.refusal(language, refused.value)) < 200


def test_a_missing_mark_is_told_by_its_number() -> None:
    with pytest.raises(BadChoices) as refused:
        LAB.read(form(mark_s07=None))
    assert "7" in LAB.refusal("en", refused.value)
    assert "7" in LAB.refusal("hi", refused.value)


# The result

ALL_RIGHT, TWO_SLIPS = ran(), ran(s01=("absent", 0), s03=("supported", 5))
THREE_SLIPS = ran(s01=("absent", 0), s03=("supported", 5), s02=("absent", 0))
ONE_FALSE_SUPPORT = ran(s04=("supported", 0))


@pytest.mark.parametrize(
    ("runs", "why"),
    [
        ([], ("no-run", "first-mark")),
        ([THREE_SLIPS], ("", "few-right")),
        ([ONE_FALSE_SUPPORT], ("", "false-support")),
        ([ONE_FALSE_SUPPORT, THREE_SLIPS], ("", "few-right")),
        ([THREE_SLIPS, ONE_FALSE_SUPPORT], ("", "false-support")),
        ([TWO_SLIPS], ("", "")),
        ([ALL_RIGHT], ("", "")),
        ([ALL_RIGHT, ONE_FALSE_SUPPORT], ("", "")),
        ([ran("hi", s01=("absent", 0), s03=("supported", 5))], ("", "")),
    ],
)
def test_what_is_still_to_do_follows_from_the_runs(runs: list[Run], why: tuple[str, str]) -> None:
    for language in LANGUAGES:
        tasks = LAB.todo(language, runs)
        assert {task["code"]: task["why"] for task in tasks} == dict(zip(("mark", "careful"), why, strict=True))
        assert all(task["text"] and bool(task["why_text"]) == bool(task["why"]) for task in tasks)
        assert all("{" not in task["why_text"] for task in tasks)
        assert [task["state"] for task in tasks] == ["missing" if reason else "met" for reason in why]
    assert LAB.reached(runs) == (not any(why))


# What the page is given


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_view_holds_everything_in_one_language(language: str) -> None:
    view = LAB.view(language, [])
    assert (view["language"], view["ran"], view["reached"], view["runs"]) == (language, False, False, [])
    assert (len(view["circular"]), len(view["statements"]), len(view["lines"])) == (18, 10, 19)
    assert {(row["mark"], row["line"], row["state"], row["told"]) for row in view["statements"]} == {("", 0, "", "")}


def test_the_view_goes_on_from_the_latest_run_in_the_readers_language() -> None:
    view = LAB.view("hi", [ALL_RIGHT, ONE_FALSE_SUPPORT])
    assert view["headline"] == "10 में से 7 अंक"
    assert [row["points"] for row in view["runs"]] == ["10", "7"]
    assert [row["mark"] for row in view["statements"]][3] == "supported"
    assert view["statements"][0]["told"].startswith("समर्थित। पंक्ति 3")
    assert view["statements"][3]["state"] == "false_support"


def test_a_reader_of_a_third_language_is_given_english() -> None:
    assert LAB.view("mni-Mtei", [ALL_RIGHT])["headline"] == LAB.view("en", [ALL_RIGHT])["headline"]


def test_only_the_latest_runs_are_listed() -> None:
    rows = LAB.view("en", [ALL_RIGHT] * 30)["runs"]
    assert [row["number"] for row in rows] == list(range(11, 31))


def test_marks_of_each_kind_stand_apart() -> None:
    """No kind may be told by its place: nowhere three of one kind in a row."""
    order = [row["mark"] for row in STATEMENTS]
    assert all(len(set(order[at : at + 3])) > 1 for at in range(8))
    assert {mark: len(ids) for mark, ids in OF_KIND.items()} == {"supported": 5, "contradicted": 3, "absent": 2}
