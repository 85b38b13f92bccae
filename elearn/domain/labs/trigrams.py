"""A model that continues a text word by word, and the text it has read, with the facts that the text settles.

The model counts which word followed which: after the last two words; where that pair was never met, after the last
word; where that was never met either, anywhere (a trigram model with back-off, Jurafsky and Martin, Speech and Language
Processing, chapter 3). Temperature T raises the counts to the power 1/T. Only 0.5, 1 and 2 are offered, because
squares and square roots are the same to the last digit in every machine.
"""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

START = "^"  # stands twice before the first word of a sentence
ENDS = (".", "।")
MOST = 12  # likeliest words that the model keeps
WEIGHTS: Mapping[str, Callable[[int], float]] = {"0.5": lambda count: count * count, "1": float, "2": math.sqrt}
COUNTED = "1"  # the temperature that leaves the counts as they are

_MARKED = re.compile(r"\[(\w+):([^\]]+)\]")


@dataclass(frozen=True, slots=True)
class Fact:
    """What one sentence of the text settles: words `start` to `end` are its one value of that kind."""

    sentence: int
    start: int
    end: int
    kind: str


def cut(sentence: str) -> tuple[str, ...]:
    """A sentence as the model's tokens: its words, and the end mark as a word of its own."""
    return (*(sentence[0].lower() + sentence[1:-1]).split(" "), sentence[-1])


def is_whole(words: Sequence[str]) -> bool:
    """Whether these words have come to the end of a sentence."""
    return bool(words) and words[-1] in ENDS


def joined(words: Sequence[str]) -> str:
    """Tokens as a sentence to read."""
    text = " ".join(words)
    if is_whole(words):
        text = text[:-2] + words[-1]
    return text[:1].upper() + text[1:]


class Text:
    """The text that the model reads in one language, with the facts it settles."""

    def __init__(self, sections: Sequence[Mapping[str, Any]], language: str) -> None:
        """Sections hold a title and sentences in each language; a fact is marked in its sentence as [kind:value]."""
        self.sections = [
            (section["title"][language], [_MARKED.sub(r"\2", sentence) for sentence in section[language]])
            for section in sections
        ]
        self.sentences = [sentence for _, sentences in self.sections for sentence in sentences]
        self.words = [cut(sentence) for sentence in self.sentences]
        self.facts: list[Fact] = []
        marked = (sentence for section in sections for sentence in section[language])
        for number, sentence in enumerate(marked):
            if found := _MARKED.search(sentence):
                start = sentence[: found.start()].count(" ")
                self.facts.append(Fact(number, start, start + len(found[2].split(" ")), found[1]))

    def value(self, fact: Fact) -> tuple[str, ...]:
        return self.words[fact.sentence][fact.start : fact.end]

    def contradicted(self, words: Sequence[str]) -> tuple[Fact, str] | None:
        """The fact that a sentence goes against, and the first word of the value it names instead.

        Such a sentence begins as one that settles a fact, names another value of that kind, and ends as one of them.
        """
        for fact in self.facts:
            begins = self.words[fact.sentence][: fact.start]
            for other in self.facts:
                if other.kind != fact.kind or self.value(other) == self.value(fact):
                    continue
                for end in (self.words[fact.sentence][fact.end :], self.words[other.sentence][other.end :]):
                    if tuple(words) == begins + self.value(other) + end:
                        return fact, self.value(other)[0]
        return None


class Model:
    """How often each word followed two words, one word, or stood anywhere (but at the end)."""

    def __init__(self, sentences: Sequence[Sequence[str]]) -> None:
        self.followers: dict[str, dict[str, int]] = {}
        for sentence in sentences:
            words = [START, START, *sentence]
            for at in range(2, len(words)):
                for context in (f"{words[at - 2]} {words[at - 1]}", words[at - 1], ""):
                    if context or at < len(words) - 1:
                        counts = self.followers.setdefault(context, {})
                        counts[words[at]] = counts.get(words[at], 0) + 1

    def after(self, words: Sequence[str]) -> tuple[int, list[tuple[str, int]]]:
        """How many words it looked at, and the likeliest next words with their counts.

        Of words met equally often, the one met earlier comes first.
        """
        before, last = [START, START, *words][-2:]
        context = next(each for each in (f"{before} {last}", last, "") if each in self.followers)
        ranked = sorted(self.followers[context].items(), key=lambda follower: -follower[1])[:MOST]
        return (2, 1, 0)[(f"{before} {last}", last, "").index(context)], ranked


def shares(counts: Sequence[int], temperature: str) -> list[float]:
    """The share of each word at a temperature; together 1."""
    weights = [WEIGHTS[temperature](count) for count in counts]
    # Added up one by one: sum() rounds differently from Python 3.12 on.
    total = 0.0
    for weight in weights:
        total += weight
    return [weight / total for weight in weights]


def drawn(counts: Sequence[int], temperature: str, lot: float) -> int:
    """Which word a lot from 0 to 1 falls on."""
    reached = 0.0
    for rank, share in enumerate(shares(counts, temperature)):
        reached += share
        if lot < reached:
            return rank
    return len(counts) - 1
