"""Finds passages of lessons and words of the glossary, in every language of a course.

An index in memory for each course that is served, made on its first search: a course is a few hundred passages, and
what is asked for in one script must find what was typed in another way in the same script. SQLite's FTS5 ranks them
(bm25), whatever engine keeps the records.
"""

from __future__ import annotations

import re
import sqlite3
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import unescape
from itertools import groupby
from threading import Lock
from typing import Literal

from flask import current_app

from elearn.domain.course import Course, LessonText

LONGEST_QUERY = 200
MOST_WORDS = 8
MOST_FOUND = 20
LONGEST_PASSAGE = 260

_BLOCK_ENDS = re.compile(r"</(?:p|li|td|th|h[2-6]|figcaption|dd|dt)>")
_NOTE = re.compile(r"\s*<sup>.*?</sup>", re.DOTALL)  # the number of a source says nothing outside its page
_TAG = re.compile(r"<[^>]*>")
_NUKTAS = "\u093c\u09bc"  # a letter with and without its dot is the same word to whoever looks for it
_JOINERS = "\u200c\u200d"

# Without these categories FTS5 takes the vowel signs of Indian scripts for gaps between words.
_TABLE = """CREATE VIRTUAL TABLE passage USING fts5(
    title, body, language UNINDEXED, kind UNINDEXED, subject UNINDEXED, shown UNINDEXED,
    tokenize = "unicode61 remove_diacritics 0 categories 'L* N* Co Mn Mc'")"""
_FIND = """SELECT kind, subject, language, shown FROM passage WHERE passage MATCH ?
    ORDER BY language <> ?, bm25(passage, 4.0, 1.0) LIMIT 400"""


Kind = Literal["lesson", "term"]


@dataclass(frozen=True, slots=True)
class Found:
    """A lesson (`module/lesson`) or a glossary entry (its id) with the passage that fits best, in pieces: (text,
    whether it was looked for)."""

    kind: Kind
    subject: str
    language: str
    passage: tuple[tuple[str, bool], ...]

    @property
    def hits(self) -> int:
        """How many different words of the passage were looked for."""
        return len({folded(text) for text, hit in self.passage if hit})


def search(course: Course, query: str, language: str) -> tuple[Found, ...]:
    """What fits all the words of the query, else what fits some of them; the reader's own language first."""
    words = words_of(query[:LONGEST_QUERY])[:MOST_WORDS]
    if not words:
        return ()
    index = _index_of(course)
    # Quoted, so that nothing a visitor types is an operator of the index; the star finds longer forms of a word too.
    terms = [f'"{word}"*' for word in words]
    rows = index.find(" AND ".join(terms), language) or index.find(" OR ".join(terms), language)
    best: dict[tuple[str, str], Found] = {}
    for kind, subject, row_language, shown in rows:
        found = Found(kind, subject, row_language, _marked(shown, words))
        first = best.setdefault((kind, subject), found)
        # Every passage of a lesson comes with its title; the one that holds what was looked for itself says more.
        if first.language == row_language and found.hits > first.hits:
            best[(kind, subject)] = found
    return tuple(best.values())[:MOST_FOUND]


def folded(text: str) -> str:
    """How words are compared: without case, dots below, joiners and accents on Latin letters."""
    kept: list[str] = []
    for c in unicodedata.normalize("NFD", text.casefold()):
        after_latin = bool(kept) and kept[-1].isascii()
        if c not in _NUKTAS and c not in _JOINERS and not (unicodedata.category(c) == "Mn" and after_latin):
            kept.append(c)
    return unicodedata.normalize("NFC", "".join(kept))


def words_of(text: str) -> list[str]:
    return [piece for piece, is_word in _pieces(folded(text)) if is_word]


class _Index:
    """The passages of one course. One connection for all threads, one question at a time."""

    def __init__(self, course: Course) -> None:
        self.version = course.version
        self._lock = Lock()
        self._connection = sqlite3.connect(":memory:", check_same_thread=False)
        self._connection.execute(_TABLE)
        self._connection.executemany("INSERT INTO passage VALUES (?, ?, ?, ?, ?, ?)", _rows(course))

    def find(self, match: str, language: str) -> list[tuple[Kind, str, str, str]]:
        with self._lock:
            return self._connection.execute(_FIND, (match, language)).fetchall()


def _index_of(course: Course) -> _Index:
    indexes: dict[str, _Index] = current_app.extensions.setdefault("elearn.search", {})
    found = indexes.get(course.id)
    if found is None or found.version != course.version:
        found = indexes[course.id] = _Index(course)
    return found


def _rows(course: Course) -> Iterator[tuple[str, str, str, str, str, str]]:
    for lesson in course.lessons():
        for language, text in lesson.texts.items():
            title = folded(text.title)
            for passage in (text.title, *_passages(text)):
                yield title, folded(passage), language, "lesson", lesson.path, passage
    for term_id, entry in course.glossary.items():
        for language, term in entry["term"].items():
            meaning = entry["means"].get(language, "")
            yield folded(term), folded(meaning), language, "term", term_id, meaning


def _passages(text: LessonText) -> Iterator[str]:
    """The paragraphs, rows and captions of a lesson as plain text."""
    for part in text.parts:
        for block in _BLOCK_ENDS.split(part.value) if part.kind == "html" else ():
            plain = " ".join(unescape(_TAG.sub("", _NOTE.sub("", block))).split())
            if plain:
                yield plain


def _marked(passage: str, words: Sequence[str]) -> tuple[tuple[str, bool], ...]:
    """The passage, cut to what is around the first word that was looked for."""
    pieces = [(text, is_word and folded(text).startswith(tuple(words))) for text, is_word in _pieces(passage)]
    at = next((sum(len(text) for text, _ in pieces[:n]) for n, (_, hit) in enumerate(pieces) if hit), 0)
    start = max(0, at - LONGEST_PASSAGE // 3)
    kept, place = [], 0
    for text, hit in pieces:
        if start <= place < start + LONGEST_PASSAGE:
            kept.append((text, hit))
        place += len(text)
    whole = sum(len(text) for text, _ in kept) == len(passage)
    joined = [("".join(text for text, _ in run), hit) for hit, run in groupby(kept, key=lambda piece: piece[1])]
    return tuple(joined if whole else [*([("… ", False)] if start else []), *joined, (" …", False)])


def _pieces(text: str) -> Iterator[tuple[str, bool]]:
    """Runs of letters, marks and digits, and what stands between them."""
    for is_word, run in groupby(text, key=lambda c: unicodedata.category(c)[0] in "LMN" or c in _JOINERS):
        yield "".join(run), is_word
