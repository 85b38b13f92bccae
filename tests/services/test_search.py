"""Passages are found by words in any of the course's scripts, however they were typed."""

from __future__ import annotations

import unicodedata

import pytest
from flask import Flask
from hypothesis import given as anything
from hypothesis import settings
from hypothesis import strategies as st

from elearn.services.search import LONGEST_PASSAGE, MOST_FOUND, folded, search, words_of
from tests.given import Given


def subjects(given: Given, query: str, language: str = "en") -> list[str]:
    return [found.subject for found in search(given.course, query, language)]


def test_a_lesson_is_found_with_the_passage_that_fits(sqlite_app: Flask, given: Given) -> None:
    found = search(given.course, "vendor training inference", "en")
    lesson = next(one for one in found if one.kind == "lesson")
    assert lesson.subject == "plain-words/learning-from-examples"
    assert {text.casefold() for text, hit in lesson.passage if hit} <= {"vendor", "training", "inference"}
    assert lesson.hits


def test_a_passage_reads_as_a_sentence_without_the_numbers_of_its_sources(sqlite_app: Flask, given: Given) -> None:
    (found, *_) = [one for one in search(given.course, "natural justice", "en") if one.kind == "lesson"]
    passage = "".join(text for text, _ in found.passage)
    assert "natural justice: the person" in passage
    assert " ." not in passage
    assert not any(sign.isdigit() for sign in passage.partition("meet them")[2][:3])


def test_a_word_of_the_glossary_is_found_by_its_name(sqlite_app: Flask, given: Given) -> None:
    assert "machine-learning" in subjects(given, "machine learning")
    assert "machine-learning" in subjects(given, "मशीन लर्निंग", "hi")


def test_hindi_is_found_whichever_language_the_page_is_in(sqlite_app: Flask, given: Given) -> None:
    assert subjects(given, "शिकायत", "en")
    assert {one.language for one in search(given.course, "शिकायत", "hi")} == {"hi"}


@pytest.mark.parametrize(
    ("typed", "written"),
    [
        ("ज़िला", "जिला"),
        (unicodedata.normalize("NFC", "\u0958लम"), "कलम"),
        ("शक्\u200dति", "शक्ति"),
        ("Café", "cafe"),
        ("INFERENCE", "inference"),
    ],
)
def test_two_ways_to_write_a_word_are_one(typed: str, written: str) -> None:
    assert folded(typed) == folded(written)
    assert words_of(f"{typed}, {written}!") == [folded(written)] * 2


def test_the_beginning_of_a_word_is_enough(sqlite_app: Flask, given: Given) -> None:
    assert set(subjects(given, "infer")) >= {"inference"}


def test_where_nothing_fits_all_words_what_fits_some_is_shown(sqlite_app: Flask, given: Given) -> None:
    assert "inference" in subjects(given, "inference zanzibar")
    assert subjects(given, "zanzibar") == []


def test_what_is_typed_is_never_an_operator(sqlite_app: Flask, given: Given) -> None:
    for query in ('"', "AND", "NOT training", "title:training", "training*", "NEAR(a b)", "'; --", "(", "^a", "", "·"):
        search(given.course, query, "en")
    assert subjects(given, "a" * 5000) == []


def test_any_text_gets_an_answer(sqlite_app: Flask, given: Given) -> None:
    @settings(max_examples=80, deadline=None)
    @anything(st.text(max_size=80))
    def ask(query: str) -> None:
        found = search(given.course, query, "en")
        assert len(found) <= MOST_FOUND
        assert all(sum(len(text) for text, _ in one.passage) <= 2 * LONGEST_PASSAGE for one in found)

    ask()
