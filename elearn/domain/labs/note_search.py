"""Ranks the lab's 60 case notes by how near they lie to the officer's case, by words or by meaning.

The cosine of two vectors (Salton, Wong and Yang, Communications of the ACM 18, 1975): of word counts; of counts times
log2(notes / notes with the word) (Spärck Jones, Journal of Documentation 28, 1972), the lesson's number of halvings;
and of the vectors made by `meanings.py`. `static/labs/similar-cases.js` ranks the same: every sum runs in the order
written here, similarities are compared in whole billionths, and equal ones stand in the order of the notes' numbers.
"""

import functools
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

from elearn.domain.labs.lab import data_of
from elearn.domain.labs.text import tokens

LANGUAGES = ("en", "hi")
WAYS = ("count", "weights", "meaning")
SWITCHES = ("stop", "stem")

FIRST = 5
SHOWN_WORDS = 3
BILLION = 1e9

# A weight for each word, or for each place of a hand-made vector.
Vector = Mapping[Any, float]

DATA = data_of(str(Path(__file__).with_name("similar_cases.json")))


@dataclass(frozen=True, slots=True)
class Note:
    """One invented case note in one language; `head` is its first sentence and `text` the rest."""

    number: int
    domain: str
    point: str
    lang: str
    head: str
    text: str
    vector: Sequence[int]


class Search(NamedTuple):
    """One of the 18 searches an officer can make; by meaning, the two switches change nothing."""

    query: str
    by: str
    stop: bool
    stem: bool

    @property
    def code(self) -> str:
        """Its name in forms and figures: the same for searches that rank the same."""
        switched = [name for name in SWITCHES if getattr(self, name) and self.by != "meaning"]
        return "-".join((self.query, self.by, *switched))


NOTES = tuple(
    Note(*(row[key] for key in ("number", "domain", "point", "lang", "head", "text", "vector")))
    for row in DATA["notes"]
)
SEARCHES = {search.code: search for search in map(Search._make, product(LANGUAGES, WAYS, (False, True), (False, True)))}
COMMON = frozenset(word for language in LANGUAGES for word in DATA["common"][language].split())


def stemmed(word: str) -> str:
    """The word without the first ending of the lists that fits and leaves enough of it.

    No ending is written in both scripts, so a word's language need not be known. A teaching rule, much shorter than
    Porter's for English (Program 14, 1980) or Ramanathan and Rao's for Hindi (EACL workshop, 2003).
    """
    for rule in DATA["endings"]:
        for end in rule["ends"]:
            if word.endswith(end) and len(word) - len(end) >= rule["keep"]:
                return word.removesuffix(end)
    return word


def _counts(text: str, stop: bool, stem: bool) -> Counter[str]:
    """How often each word occurs, in the order of first occurrence."""
    words = [word for word in tokens(text) if not (stop and word in COMMON)]
    return Counter(map(stemmed, words) if stem else words)


@functools.cache
def _counted(stop: bool, stem: bool) -> tuple[Sequence[Counter[str]], Counter[str]]:
    """The counts of every note, and in how many notes each word occurs."""
    counts = [_counts(f"{note.head} {note.text}", stop, stem) for note in NOTES]
    return counts, Counter(word for count in counts for word in count)


def _by_words(search: Search) -> tuple[Vector, Sequence[Vector]]:
    """The case and every note as weighed words. Words that occur in no note are left out of the case."""
    counts, spread = _counted(search.stop, search.stem)

    def weighed(count: Mapping[str, int]) -> dict[str, float]:
        if search.by == "count":
            return {word: float(often) for word, often in count.items() if word in spread}
        return {word: often * math.log2(len(NOTES) / spread[word]) for word, often in count.items() if word in spread}

    case = _counts(DATA["case"][search.query], search.stop, search.stem)
    return weighed(case), [weighed(count) for count in counts]


def _by_meaning(search: Search) -> tuple[Vector, Sequence[Vector]]:
    case = DATA["case_vector"][search.query]
    return dict(enumerate(case)), [dict(enumerate(note.vector)) for note in NOTES]


def _dot(one: Vector, other: Vector) -> float:
    # Added up one by one in the first one's order: sum() rounds differently from Python 3.12 on.
    total = 0.0
    for key, value in one.items():
        total += value * other.get(key, 0.0)
    return total


def billionths(value: float) -> int:
    """In whole billionths, because the last digits of two machines may differ."""
    return math.floor(BILLION * value + 0.5)


@functools.cache
def ranking(search: Search) -> tuple[tuple[int, int], ...]:
    """Every note's number and its similarity to the case in billionths, nearest first, equal ones by number."""
    case, notes = _by_meaning(search) if search.by == "meaning" else _by_words(search)
    rows = []
    for note, vector in zip(NOTES, notes, strict=True):
        lengths = math.sqrt(_dot(case, case)) * math.sqrt(_dot(vector, vector))
        rows.append((note.number, billionths(_dot(case, vector) / lengths) if lengths else 0))
    return tuple(sorted(rows, key=lambda row: (-row[1], row[0])))


@functools.cache
def driving_words(search: Search) -> tuple[tuple[str, ...], ...]:
    """The three shared words that add most to the similarity of each of the first five notes; none by meaning."""
    if search.by == "meaning":
        return ((),) * FIRST
    case, notes = _by_words(search)
    told = []
    for number, _ in ranking(search)[:FIRST]:
        note = notes[number - 1]
        adds = {word: billionths(weight * note[word]) for word, weight in case.items() if word in note}
        told.append(tuple(sorted((word for word in adds if adds[word]), key=lambda word: -adds[word])[:SHOWN_WORDS]))
    return tuple(told)
