"""Lab 8: the notes teach what the lesson says, searches rank as their sources say, and only real choices are read."""

from __future__ import annotations

import json
import math
import re
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import pytest

from elearn.domain.labs import LABS, BadChoices, Run
from elearn.domain.labs.chance import mulberry32, normal
from elearn.domain.labs.meanings import LENGTH, vectors
from elearn.domain.labs.note_search import (
    COMMON,
    DATA,
    LANGUAGES,
    NOTES,
    SEARCHES,
    Search,
    driving_words,
    ranking,
    stemmed,
)
from elearn.domain.labs.similar_cases import CHECKS, DECIDING, ON_POINT, POINT
from elearn.domain.labs.text import tokens

LAB = LABS["similar-cases"]
BEST = ["exists", "good-law"]

# For each search: the first five notes, how many per cent of them are on the point, and how many notes share no word.
REFERENCE = {
    "en-count": ([18, 2, 43, 25, 4], 0, 12),
    "en-count-stem": ([18, 2, 43, 25, 4], 0, 12),
    "en-count-stop": ([18, 31, 2, 16, 25], 20, 28),
    "en-count-stop-stem": ([18, 31, 16, 25, 2], 20, 20),
    "en-weights": ([18, 16, 58, 25, 31], 20, 12),
    "en-weights-stem": ([18, 16, 35, 25, 31], 40, 12),
    "en-weights-stop": ([18, 16, 25, 31, 2], 20, 28),
    "en-weights-stop-stem": ([18, 16, 25, 31, 35], 40, 20),
    "en-meaning": ([52, 16, 44, 2, 35], 60, 0),
    "hi-count": ([57, 1, 54, 52, 34], 20, 48),
    "hi-count-stem": ([57, 1, 52, 54, 34], 20, 48),
    "hi-count-stop": ([57, 52, 14, 34, 3], 20, 53),
    "hi-count-stop-stem": ([57, 52, 14, 34, 3], 20, 52),
    "hi-weights": ([57, 52, 54, 1, 14], 20, 48),
    "hi-weights-stem": ([57, 52, 1, 54, 14], 20, 48),
    "hi-weights-stop": ([57, 52, 14, 34, 10], 20, 53),
    "hi-weights-stop-stem": ([57, 52, 14, 34, 10], 20, 52),
    "hi-meaning": ([52, 16, 44, 2, 35], 60, 0),
}


def choices(query: str = "en", by: str = "weights", **given: Any) -> dict[str, Any]:
    bare = {"stop": False, "stem": False, "marks": [], "nearest": "", "precision": None, "checks": []}
    return {"query": query, "by": by, **bare, **given}


def ran(query: str = "en", by: str = "weights", **given: Any) -> Run:
    made = choices(query, by, **given)
    return made, LAB.run(made)


def form(query: str = "en", by: str = "weights", **sent: str) -> dict[str, list[str]]:
    """A form as a browser sends it; `mark_18="1"` is the box of note 18."""
    fields = {name.replace("_", "-"): [value] for name, value in sent.items()}
    return {"csrf_token": ["t" * 90], "query": [query], "by": [by], **fields}


# The notes


def test_there_are_60_notes_12_of_them_in_hindi_only() -> None:
    assert [note.number for note in NOTES] == list(range(1, 61))
    assert Counter(note.lang for note in NOTES) == {"en": 48, "hi": 12}
    assert {note.domain for note in NOTES} == {row["id"] for row in DATA["domains"]}
    assert min(Counter(note.domain for note in NOTES).values()) >= 9
    assert {note.point for note in NOTES} == {row["id"] for row in DATA["points"]}


def test_three_notes_are_on_the_point_one_of_them_in_hindi_and_one_on_land() -> None:
    assert [(number, NOTES[number - 1].lang) for number in ON_POINT] == [(16, "en"), (35, "en"), (52, "hi")]
    assert [NOTES[number - 1].domain for number in ON_POINT] == ["records", "pension", "acquisition"]


def test_notes_are_short_different_written_in_one_form_and_say_what_was_held() -> None:
    texts = [f"{note.head} {note.text}" for note in NOTES]
    assert len(set(texts)) == 60
    assert [text for text in texts if not 40 <= len(text.split()) <= 80] == []
    assert [text for text in texts if not unicodedata.is_normalized("NFC", text)] == []
    held = {"en": "Held: ", "hi": "निर्णय: "}
    assert [note.number for note in NOTES if note.text.count(held[note.lang]) != 1] == []
    assert [note.number for note in NOTES if not re.fullmatch("[^.।]+[.।]", note.head)] == []


def test_no_note_names_a_party_a_court_an_act_or_a_year() -> None:
    """Capitals inside a sentence are those of an office and of months."""
    for note in NOTES:
        inside = re.findall(r"(?<![.:;] )(?<!^)\b[A-Z]\w+", f"{note.head} {note.text}")
        assert set(inside) <= {"Collector", "June", "January"}, note.number
        assert not re.search(r"\b(1[89]|20)\d\d\b|[०-९]", note.text), note.number


def test_every_sentence_is_there_in_both_languages_with_the_same_places() -> None:
    for code, sentence in DATA["words"].items():
        assert set(sentence) == set(LANGUAGES), code
        places = [set(re.findall(r"\{(\w+)\}", sentence[language])) for language in LANGUAGES]
        assert places[0] == places[1], code
    for row in (*DATA["points"], *DATA["domains"]):
        assert set(row["name"]) == set(LANGUAGES)


# The vectors


def test_the_vectors_are_what_the_seeded_script_makes() -> None:
    abouts = [row["about"] for row in DATA["notes"]]
    made = vectors(DATA["seed"], DATA["concepts"], [*abouts, *[DATA["case_about"]] * 2])
    assert made[:60] == [note.vector for note in NOTES]
    assert made[60:] == [DATA["case_vector"][language] for language in LANGUAGES]
    assert {len(vector) for vector in made} == {LENGTH}
    assert set().union(*abouts) == set(DATA["concepts"])


def test_the_generator_gives_the_reference_sequence() -> None:
    draw = mulberry32(160916)
    expected = [0.08068221737630665, 0.29974989662878215, 0.466222487622872, 0.2452054275199771]
    assert [draw() for _ in range(4)] == expected
    assert normal(mulberry32(1)) == pytest.approx(normal(mulberry32(1)))


# What the lesson promises


def test_every_search_ranks_as_the_lesson_was_written_for() -> None:
    assert len(SEARCHES) == 18
    for code, search in SEARCHES.items():
        ranked = ranking(search)
        five = [number for number, _ in ranked[:5]]
        none = sum(similarity == 0 for _, similarity in ranked)
        assert (five, 20 * len(set(five).intersection(ON_POINT)), none) == REFERENCE[code], code


def test_nearest_by_words_is_always_about_the_amount_and_never_about_the_time() -> None:
    for search in SEARCHES.values():
        first = NOTES[ranking(search)[0][0] - 1]
        assert first.point == (POINT if search.by == "meaning" else "rate")
        assert first.point in DECIDING


def test_words_of_one_language_share_none_with_a_note_in_the_other() -> None:
    for search in SEARCHES.values():
        if search.by != "meaning":
            similar = dict(ranking(search))
            assert {similar[note.number] for note in NOTES if note.lang != search.query} == {0}


def test_by_meaning_two_notes_on_other_points_stand_among_the_first_five() -> None:
    for language in LANGUAGES:
        five = [number for number, _ in ranking(Search(language, "meaning", False, False))[:5]]
        assert [NOTES[number - 1].point for number in five] == [POINT, POINT, "end", "entitled", POINT]


def test_no_two_notes_are_so_near_that_a_last_digit_could_decide() -> None:
    for search in SEARCHES.values():
        similar = sorted({similarity for _, similarity in ranking(search)})
        assert min(other - one for one, other in pairwise(similar)) > 1000


def test_equal_notes_stand_in_the_order_of_their_numbers() -> None:
    for search in SEARCHES.values():
        assert list(ranking(search)) == sorted(ranking(search), key=lambda row: (-row[1], row[0]))


def test_what_drives_the_first_note_is_the_subject_once_common_words_are_left_out() -> None:
    assert driving_words(Search("en", "count", False, False))[0] == ("the", "of", "was")
    assert driving_words(Search("en", "count", True, False))[0] == ("compensation", "land", "paddy")
    assert driving_words(Search("hi", "weights", True, True))[0][0] == "मुआवज़"
    assert driving_words(Search("en", "meaning", True, True)) == ((),) * 5


# The ranking


def plainly(query: str, number: int, weighed: bool) -> float:
    """The cosine of case and note, from the formula and nothing of the lab's own."""
    texts = {note.number: tokens(f"{note.head} {note.text}") for note in NOTES}
    case = [word for word in tokens(DATA["case"][query]) if any(word in words for words in texts.values())]

    def weight(word: str) -> float:
        return math.log2(60 / sum(word in words for words in texts.values())) if weighed else 1.0

    def length(words: Sequence[str]) -> float:
        return math.hypot(*(words.count(word) * weight(word) for word in set(words)))

    note = texts[number]
    shared = math.fsum(case.count(word) * note.count(word) * weight(word) ** 2 for word in set(case))
    return shared / (length(case) * length(note))


@pytest.mark.parametrize("by", ["count", "weights"])
@pytest.mark.parametrize(("query", "number"), [("en", 18), ("en", 16), ("en", 9), ("hi", 57), ("hi", 52)])
def test_similarity_is_the_cosine_of_weighed_counts(by: str, query: str, number: int) -> None:
    similar = dict(ranking(Search(query, by, False, False)))
    assert similar[number] / 1e9 == pytest.approx(plainly(query, number, by == "weights"), abs=1e-9)


def test_similarity_by_meaning_is_the_cosine_of_the_vectors() -> None:
    case, note = DATA["case_vector"]["hi"], NOTES[43].vector
    cosine = sum(a * b for a, b in zip(case, note, strict=True)) / (math.hypot(*case) * math.hypot(*note))
    assert dict(ranking(Search("hi", "meaning", False, False)))[44] / 1e9 == pytest.approx(cosine, abs=1e-9)


@pytest.mark.parametrize(
    ("word", "stem"),
    [
        ("acquired", "acquir"),
        ("acquire", "acquir"),
        ("acquisition", "acquisition"),
        ("compensation", "compens"),
        ("compensated", "compens"),
        ("days", "day"),
        ("day", "day"),
        ("was", "was"),
        ("ed", "ed"),
        ("410", "410"),
        ("मुआवज़े", "मुआवज़"),
        ("मुआवज़ा", "मुआवज़"),
        ("दिनों", "दिन"),
        ("सूचनाएँ", "सूचन"),
        ("की", "की"),
    ],
)
def test_one_ending_is_cut_if_enough_stays(word: str, stem: str) -> None:
    assert stemmed(unicodedata.normalize("NFC", word)) == unicodedata.normalize("NFC", stem)


def test_common_words_are_words_as_the_search_sees_them() -> None:
    assert [word for word in COMMON if tokens(word) != [word]] == []
    assert {"the", "of", "was", "का", "में"} <= COMMON


def test_the_figures_agree_with_each_other_and_survive_the_database() -> None:
    made, figures = ran(by="meaning", marks=[16, 18, 52], nearest=POINT, precision=40, checks=["exists", "score"])
    assert json.loads(json.dumps([made, figures])) == [made, figures]
    assert LAB.run(made) == figures
    assert sorted(figures["order"]) == list(range(1, 61))
    assert figures["similarity"] == sorted(figures["similarity"], reverse=True)
    assert (figures["hits"], figures["good"], figures["bad"]) == (3, [16, 52], [18])
    assert (figures["nearest"], figures["precision"]) == ("right", "wrong")
    assert figures["checks"] == {"right": 1, "wrong": 1}


def test_nothing_answered_is_neither_right_nor_wrong() -> None:
    _, figures = ran(by="count")
    assert (figures["nearest"], figures["precision"], figures["checks"]) == ("", "", {"right": 0, "wrong": 0})
    assert ran(by="count", precision=0)[1]["precision"] == "right"


# Reading a form


def test_a_form_is_read() -> None:
    assert LAB.read(form()) == choices()
    sent = form("hi", "meaning", mark_52="1", mark_9="1", stop="1", check_good_law="1", check_exists="1")
    assert LAB.read(sent) == choices("hi", "meaning", stop=True, marks=[9, 52], checks=BEST)
    answered = form(seen="en-weights-stem", stem="1", nearest="rate", precision="040")
    assert LAB.read(answered) == choices(stem=True, nearest="rate", precision=40)
    assert LAB.read(form(seen="en-weights", precision="0")) == choices(precision=0)
    assert LAB.read(form(seen="", nearest="", precision="")) == choices()


def test_answers_about_another_ranking_are_left_out() -> None:
    """Without a script they are still in the form when the next search is sent."""
    for seen in ("en-count", "hi-weights", "en-weights-stop", ""):
        assert LAB.read(form(seen=seen, nearest="rate", precision="40", mark_18="1")) == choices(marks=[18])


def test_by_meaning_the_switches_make_no_other_ranking() -> None:
    sent = form(by="meaning", stop="1", seen="en-meaning", precision="60")
    assert LAB.read(sent) == choices(by="meaning", stop=True, precision=60)


HUGE = "x" * 10_000_000


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        ({}, "missing-choice"),
        ({"query": ["en"]}, "missing-choice"),
        ({"by": ["count"]}, "missing-choice"),
        (form(query="mr"), "not-possible"),
        (form(by="google"), "not-possible"),
        (form() | {"by": ["count", "count"]}, "given-twice"),
        (form(stop="yes"), "not-possible"),
        (form(stem=HUGE), "not-possible"),
        (form(mark_0="1"), "unknown-box"),
        (form(mark_61="1"), "unknown-box"),
        (form(mark_07="1"), "unknown-box"),
        (form(mark_="1"), "unknown-box"),
        (form() | {"mark-१": ["1"]}, "unknown-box"),
        (form(mark_7="2"), "not-possible"),
        (form() | {"mark-7": ["1", "1"]}, "given-twice"),
        (form(**{f"mark_{number}": "1" for number in range(1, 7)}), "too-many-marks"),
        (form() | {"mark-" + HUGE: ["1"]}, "unknown-box"),
        (form() | {f"mark-n{number}": ["1"] for number in range(100_000)}, "unknown-box"),
        (form(check_luck="1"), "unknown-box"),
        (form(nearest="boundary"), "not-possible"),
        (form(nearest=HUGE), "not-possible"),
        (form(seen="en-magic"), "not-possible"),
        (form() | {"seen": ["en-count", "en-count"]}, "given-twice"),
        (form(precision="101"), "bad-precision"),
        (form(precision="-1"), "bad-precision"),
        (form(precision="0.4"), "bad-precision"),
        (form(precision="4e1"), "bad-precision"),
        (form(precision="४०"), "bad-precision"),
        (form(precision="40\n"), "bad-precision"),
        (form(precision="9" * 10_000_000), "bad-precision"),
        (form() | {"precision": ["40", "40"]}, "given-twice"),
    ],
)
def test_what_nobody_could_have_chosen_is_refused_by_name(sent: Mapping[str, Sequence[str]], code: str) -> None:
    with pytest.raises(BadChoices) as refused:
        LAB.read(sent)
    assert refused.value.code == code
    assert len(str(refused.value)) < 200
    for language in LANGUAGES:
        assert 10 < len(LAB.refusal(language, refused.value)) < 200


def test_too_many_ticks_are_told_by_their_number() -> None:
    with pytest.raises(BadChoices) as refused:
        LAB.read(form(**{f"mark_{number}": "1" for number in range(1, 8)}))
    assert "7" in LAB.refusal("en", refused.value)
    assert "7" in LAB.refusal("hi", refused.value)


# The result


COUNTED, WEIGHED, MEANT = ran(by="count"), ran(stop=True, stem=True), ran(by="meaning")
TRAP = ran(stop=True, stem=True, nearest="rate")
BY_WORDS, BY_MEANING = ran(stop=True, stem=True, precision=40), ran(by="meaning", precision=60)
FOUND = ran(by="meaning", marks=[16, 35, 52])
CHECKED = ran(by="count", checks=BEST)


@pytest.mark.parametrize(
    ("runs", "why"),
    [
        ([], {"trap": "no-run", "precision": "no-run", "miss": "no-run", "three": "no-run", "checks": "no-checks"}),
        (
            [MEANT],
            {
                "trap": "words-first",
                "precision": "no-number",
                "miss": "words-first",
                "three": "no-marks",
                "checks": "no-checks",
            },
        ),
        ([COUNTED], {"trap": "no-answer", "precision": "no-number", "miss": "other-way"}),
        ([ran(nearest="excuse")], {"trap": "read-again"}),
        ([ran(by="meaning", nearest=POINT)], {"trap": "words-first"}),
        ([TRAP, MEANT], {"trap": ""}),
        ([ran(precision=60)], {"precision": "count-again"}),
        ([BY_WORDS], {"precision": "meaning-too"}),
        ([BY_MEANING], {"precision": "words-too"}),
        ([BY_WORDS, ran(by="meaning", precision=40)], {"precision": "count-again"}),
        ([BY_WORDS, BY_MEANING, ran(precision=60)], {"precision": ""}),
        ([COUNTED, MEANT], {"miss": "mark-it"}),
        ([COUNTED, ran("hi", "count")], {"miss": "mark-it"}),
        ([COUNTED, ran("hi", "count", marks=[52])], {"miss": ""}),
        ([ran("hi", "count", marks=[52])], {"miss": "other-way"}),
        ([ran("hi", "count"), ran(stem=True, marks=[35])], {"miss": ""}),
        ([COUNTED, MEANT, WEIGHED], {"miss": "other-way"}),
        ([MEANT, ran(by="count", marks=[52])], {"miss": "other-way"}),
        ([FOUND, COUNTED], {"miss": "", "three": ""}),
        ([ran(marks=[16, 18])], {"three": "marks-off"}),
        ([ran(marks=[16, 18, 35, 52])], {"three": "marks-off"}),
        ([ran(checks=["exists"])], {"checks": "checks-off"}),
        ([ran(checks=["exists", "good-law", "quoted"])], {"checks": "checks-off"}),
        ([CHECKED, COUNTED], {"checks": ""}),
        ([TRAP, BY_WORDS, BY_MEANING, FOUND], {"trap": "", "precision": "", "miss": "", "three": ""}),
        ([TRAP, BY_WORDS, BY_MEANING, FOUND, CHECKED], dict.fromkeys(("trap", "miss", "three", "checks"), "")),
    ],
)
def test_what_is_still_to_do_follows_from_the_runs(runs: list[Run], why: dict[str, str]) -> None:
    for language in LANGUAGES:
        tasks = LAB.todo(language, runs)
        told = {task["code"]: task["why"] for task in tasks}
        assert {code: told[code] for code in why} == why
        assert all(task["text"] and bool(task["why_text"]) == bool(task["why"]) for task in tasks)
        assert all("{" not in task["why_text"] for task in tasks)
        assert [task["state"] for task in tasks] == ["missing" if task["why"] else "met" for task in tasks]
    assert LAB.reached(runs) == (not any(told.values()))


def test_each_task_alone_keeps_the_result_away() -> None:
    all_five = [TRAP, BY_WORDS, BY_MEANING, FOUND, CHECKED]
    assert LAB.reached(all_five)
    for left_out in range(5):
        assert not LAB.reached(all_five[:left_out] + all_five[left_out + 1 :])


# What the page is given


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_view_before_the_first_search(language: str) -> None:
    view = LAB.view(language, [])
    assert (view["language"], view["ran"], view["reached"], view["tried"]) == (language, False, False, [])
    assert (view["first"], [row["number"] for row in view["others"]]) == ([], list(range(1, 61)))
    assert [query["id"] for query in view["queries"] if query["checked"]] == [language]
    assert not any(row["verdict"] or row["near"] or row["marked"] for row in view["others"])
    assert len(json.dumps(dict(view["data"], notes=[]))) < 25_000
    assert "{" not in view["model_note"]


def test_the_view_goes_on_from_the_latest_run() -> None:
    view = LAB.view("en", [COUNTED, ran(stop=True, stem=True, marks=[16, 18], nearest="rate", precision=40)])
    assert (view["headline"], view["seen"]) == ("Nearest: note 18", "en-weights-stop-stem")
    assert view["headline_detail"] == "Similarity 0.46 of at most 1. Notes that share no word with your case: 20 of 60."
    assert [row["number"] for row in view["first"]] == [18, 16, 25, 31, 35]
    assert [row["verdict"] for row in view["first"][:3]] == [
        "another point: how much is paid for land",
        "on your point",
        "",
    ]
    assert view["first"][0]["driven"] == "compens, padd, land"
    assert view["others"][-1]["near"] == "no word shared"
    assert [(row["search"], row["five"], row["percent"]) for row in view["tried"]] == [
        ("English, counted", "18, 2, 43, 25, 4", "not worked out yet"),
        ("English, weighed, no common words, endings cut", "18, 16, 25, 31, 35", "40\u00a0%"),
    ]
    assert {part: said["good"] for part, said in view["told"].items()} == {
        "marks": False,
        "nearest": True,
        "precision": True,
        "checks": False,
    }
    assert view["told"]["checks"]["text"] == ""
    assert (view["nearest"], view["precision"]) == ("rate", 40)


def test_a_search_tried_twice_is_listed_once_and_keeps_its_figure() -> None:
    runs = [ran(by="meaning", precision=60), ran(by="meaning", stop=True), ran(by="meaning", precision=20)]
    assert [row["percent"] for row in LAB.view("en", runs)["tried"]] == ["60\u00a0%"]


def test_the_latest_run_is_shown_in_the_language_of_the_page() -> None:
    view = LAB.view("hi", [ran(marks=[18])])
    assert view["headline"] == "सबसे पास: टिप्पणी 18"
    assert view["first"][0]["lang"] == "en"
    assert view["first"][0]["verdict"] == "दूसरा प्रश्न: ज़मीन का कितना मूल्य मिले"


def test_a_reader_of_a_third_language_is_given_english() -> None:
    assert LAB.view("mni-Mtei", [WEIGHED])["headline"] == LAB.view("en", [WEIGHED])["headline"]
    assert LAB.sample_runs("mni-Mtei")[0]["query"] == "en"


def test_the_two_checks_are_told_apart_from_what_proves_nothing() -> None:
    assert set(BEST) < set(CHECKS)
    good = LAB.view("en", [CHECKED])["told"]["checks"]
    other = LAB.view("en", [ran(checks=["score", "twice"])])["told"]["checks"]
    assert (good["good"], other["good"]) == (True, False)
    assert "you have 0; ticks that prove nothing: 2" in other["text"]
