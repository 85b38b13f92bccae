"""Whether the options of a question give its key away: where the key stands, how long it is, how it is worded.

`python -m docs.review.cues` prints what every strategy of `STRATEGIES` would reach, for each language. A strategy sees
the options in the order of the sheets and nothing else, but for how many are to be chosen.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from math import comb

from docs.review.chance import Spread, at_least, spread
from docs.review.sheets import SEED, Choice, every_choice, plain, shipped

# Beginnings of words, in English and Hindi.
ABSOLUTE = (
    *("always", "never", "all", "every", "each", "none", "only", "must", "any", "full", "complet", "entire", "wholly"),
    *("हमेशा", "सदा", "कभी", "सभी", "सब", "हर", "केवल", "सिर्फ़", "अवश्य", "पूरा", "पूरी", "पूरे", "पूर्ण", "बिल्कुल", "कोई"),
)
HEDGING = (
    *(
        "may",
        "might",
        "can",
        "could",
        "some",
        "often",
        "usual",
        "mostly",
        "about",
        "perhaps",
        "likely",
        "check",
        "until",
    ),
    *("unless", "सकता", "सकती", "सकते", "कुछ", "शायद", "अक्सर", "प्राय", "लगभग", "क़रीब", "संभव", "जाँच", "जब", "बशर्ते"),
)
CAREFUL = (
    *(
        "check",
        "verif",
        "confirm",
        "compar",
        "read",
        "look",
        "open",
        "ask",
        "test",
        "visit",
        "person",
        "officer",
        "own",
    ),
    *("first", "record", "reason", "जाँच", "सत्याप", "पुष्टि", "मिला", "तुलना", "पढ़", "देख", "खोल", "पूछ", "परख", "व्यक्ति"),
    *("अधिकारी", "अपन", "पहले", "दर्ज", "कारण"),
)
DENYING = (
    "no",
    "not",
    "nor",
    "none",
    "nobody",
    "nothing",
    "neither",
    "without",
    "cannot",
    "नहीं",
    "न",
    "ना",
    "बिना",
    "मत",
)

Texts = Sequence[str]
Strategy = Callable[[Texts, int], float]
"""How much an option, by its place among the texts, looks like the key."""


def words_of(text: str) -> list[str]:
    """The words of an option in small letters; signs of Devanagari belong to their word."""
    return re.findall(r"[\w\u0900-\u097f]+", text.casefold())


def _begins(beginnings: Iterable[str]) -> Strategy:
    """How many words begin like one of these."""
    first = tuple(beginnings)
    return lambda texts, i: sum(word.startswith(first) for word in words_of(texts[i]))


def _among(listed: Iterable[str]) -> Strategy:
    """How many words are one of these."""
    known = frozenset(listed)
    return lambda texts, i: sum(word in known for word in words_of(texts[i]))


def _length(texts: Texts, i: int) -> float:
    return len(texts[i])


def _middle(texts: Texts, i: int) -> float:
    """How near an option stands to the middle."""
    return -abs(2 * i - len(texts) + 1)


def _shared(texts: Texts, i: int) -> float:
    """How many of an option's different words the others have too, counted once for each of them."""
    return sum(len(set(words_of(texts[i])) & set(words_of(other))) for j, other in enumerate(texts) if j != i)


def _marks(texts: Texts, i: int) -> float:
    return sum(c in ",;:“”–()" for c in texts[i])


def _fewest(strategy: Strategy) -> Strategy:
    return lambda texts, i: -strategy(texts, i)


STRATEGIES: dict[str, Strategy] = {
    "the first": lambda texts, i: -i,
    "the last": lambda texts, i: i,
    "in the middle": _middle,
    "the middle number": lambda texts, i: _middle(texts, i) if all(any(map(str.isdigit, t)) for t in texts) else 0,
    "the longest": _length,
    "any but the longest": lambda texts, i: _length(texts, i) < max(map(len, texts)),
    "the shortest": _fewest(_length),
    "any but the shortest": lambda texts, i: _length(texts, i) > min(map(len, texts)),
    "most words": lambda texts, i: len(words_of(texts[i])),
    "fewest words": lambda texts, i: -len(words_of(texts[i])),
    "fewest absolutes": _fewest(_begins(ABSOLUTE)),
    "most absolutes": _begins(ABSOLUTE),
    "most hedging": _begins(HEDGING),
    "most careful": _begins(CAREFUL),
    "fewest denials": _fewest(_among(DENYING)),
    "most denials": _among(DENYING),
    "most like the others": _shared,
    "least like the others": _fewest(_shared),
    "most marks": _marks,
    "with a digit": lambda texts, i: any(c.isdigit() for c in texts[i]),
    "without a digit": lambda texts, i: not any(c.isdigit() for c in texts[i]),
}


@dataclass(frozen=True, slots=True)
class Reached:
    """What share of questions a strategy gets right, in percent, and what blind choice would get."""

    strategy: str
    percent: float
    chance: float

    @property
    def points(self) -> float:
        return self.percent - self.chance


def by_chance(question: Choice) -> float:
    """How often blind choice hits the key of a question that says how many options are right."""
    return 1 / comb(len(question.options), len(question.key()))


def hit(scores: Sequence[float], key: Sequence[int]) -> float:
    """How often the highest scores are the key, when ties are decided by lot."""
    cut = sorted(scores, reverse=True)[len(key) - 1]
    above = {i for i, score in enumerate(scores) if score > cut}
    tied = {i for i, score in enumerate(scores) if score == cut}
    if not above <= set(key) <= above | tied:
        return 0.0
    return 1 / comb(len(tied), len(key) - len(above))


def as_offered(question: Choice, language: str) -> tuple[list[str], tuple[int, ...]]:
    """The texts of the options in the order of the sheets, and the places of the right ones."""
    order = [index for _, index in question.offered(SEED)]
    texts = [plain(question.options[index].text[language]) for index in order]
    return texts, tuple(place for place, index in enumerate(order) if question.options[index].right)


def reached(questions: Sequence[Choice], language: str) -> list[Reached]:
    """Every strategy over all these questions, the most successful first."""
    offered = [as_offered(question, language) for question in questions]
    chance = 100 * sum(map(by_chance, questions)) / len(questions)
    found = []
    for name, strategy in STRATEGIES.items():
        hits = (hit([strategy(texts, i) for i in range(len(texts))], key) for texts, key in offered)
        found.append(Reached(name, 100 * sum(hits) / len(questions), chance))
    return sorted(found, key=lambda one: -one.percent)


def places(questions: Iterable[Choice], seed: str = "") -> Spread:
    """How evenly the right options are spread over the places: as authored, or as offered with a seed."""
    keys = []
    for question in questions:
        order = [index for _, index in question.offered(seed, shuffled=bool(seed))]
        right = [place for place, index in enumerate(order) if question.options[index].right]
        keys.append((len(order), right))
    return spread(keys)


@dataclass(frozen=True, slots=True)
class Extreme:
    """How many questions have a right option as their only longest or shortest one, among how many that have an only
    one; how many chance would give; and how often chance gives at least so many."""

    count: int
    of: int
    expected: float
    p: float


def extreme(questions: Iterable[Choice], language: str, longest: bool) -> Extreme:
    """The length of the key, in characters."""
    count, chances = 0, []
    for question in questions:
        lengths = [len(plain(option.text[language])) * (1 if longest else -1) for option in question.options]
        if lengths.count(max(lengths)) == 1:
            count += question.options[lengths.index(max(lengths))].right
            chances.append(len(question.key()) / len(lengths))
    return Extreme(count, len(chances), sum(chances), at_least(count, chances))


def main() -> None:
    """Prints what every strategy reaches."""
    course = shipped()
    questions = every_choice(course)
    for language in course.languages:
        for one in reached(questions, language):
            print(f"{language}  {one.strategy:22} {one.percent:5.1f} %  {one.points:+5.1f} points")  # noqa: T201


if __name__ == "__main__":
    main()
