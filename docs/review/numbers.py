"""The numbers of the course that are worked out and not quoted: worked out again here, and looked for in its files.

They count as found where one line of the file, or one column of a table, holds all numbers of a row, in every language.
Where a practice makes the numbers, its own rules make them here; those that only the practice shows are compared with
what is told beside its rules. To add one, write a `_row` beside its siblings.
"""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from functools import cache
from itertools import zip_longest
from math import ceil, dist, prod
from pathlib import Path

from docs.figures import generative_ai as drawn_words
from docs.figures import habitations as drawn_map
from docs.figures import hamlets
from docs.figures import legal_cases as drawn_file
from docs.figures import scores as drawn_scores
from docs.review.sheets import ROOT
from elearn.domain.formula import grouped
from elearn.domain.labs import threshold, valley
from elearn.domain.labs.note_search import NOTES
from elearn.domain.labs.spot_the_invention import CIRCULAR

Number = int | float | Fraction


@dataclass(frozen=True, slots=True)
class Worked:
    """What was worked out, what it is told in, and the files where all of that stands in one line.

    A figure or word may have alternatives, `twice|दो बार`. `lesson.md` means the lesson in every language.
    """

    what: str
    told: tuple[str, ...]
    files: tuple[str, ...]


def number(value: Number, places: int = 0) -> str:
    """As the course writes it: 1,218 or 26.9, halves rounded up."""
    exact = Fraction(value)
    step = Decimal(1).scaleb(-places)
    return grouped((Decimal(exact.numerator) / Decimal(exact.denominator)).quantize(step, ROUND_HALF_UP))


def percent(part: Number, whole: Number, places: int = 0) -> str:
    return number(100 * Fraction(part) / Fraction(whole), places)


def _row(what: str, file: str, *told: str | int, also: tuple[str, ...] = ()) -> Worked:
    return Worked(what, tuple(one if isinstance(one, str) else number(one) for one in told), (file, *also))


# AI in plain words

PEOPLE_2011 = {"Manipur": 28_55_794, "Maharashtra": 11_23_74_333}  # Census of India 2011, final population totals
CALLS = {"Manipur": 1_691, "Maharashtra": 5_60_854}


def plain_words() -> Iterator[Worked]:
    """Calls for each lakh of people, and what a sorter's accuracy means at the desk."""
    for_each_lakh = [Fraction(CALLS[state] * 1_00_000, PEOPLE_2011[state]) for state in CALLS]
    yield _row("calls for each lakh of people", "01-plain-words/03-good-bad-must-not.md", *map(number, for_each_lakh))
    lesson = "01-plain-words/02-learning-from-examples.md"
    yield _row("accuracy of the sorter", lesson, 18, 24, percent(18, 24))
    yield _row("complaints that begin at the wrong desk", lesson, 2000, percent(18, 24), 2000 * 6 // 24)
    yield _row("the same, after better labels", lesson, percent(3, 24, 1), 2000 * 3 // 24)


# Scores, thresholds and errors


def scores() -> Iterator[Worked]:
    """The two-by-two table, base rates, thresholds of the practice, and the average that a rule does not ask for."""
    yield from _two_by_two()
    yield from _base_rates()
    yield from _thresholds()
    lesson, figure = "02-scores/04-lawful-first.md", "02-scores/lawful-first.svg"
    months, income, limit = drawn_scores.SEASON, drawn_scores.INCOME, drawn_scores.LIMIT
    by_month = [income if month < months else 0 for month in range(12)]
    average = Fraction(sum(by_month), 12)
    above = sum(month > limit for month in by_month)
    yield _row("average income", lesson, sum(by_month), 12, number(average))
    yield _row("months above the limit, by average and by month", lesson, 12 * (average > limit), above)
    yield _row("months above the limit", lesson, 12 * (average > limit))
    yield _row("what is due for the other months", lesson, above, 1000 * (12 - above))
    yield _row("the figure of the average", figure, number(average), limit, income)


def _two_by_two() -> Iterator[Worked]:
    lesson = "02-scores/01-score-is-not-a-decision.md"
    right, wrong = drawn_scores.FLAGGED_OF_60, drawn_scores.FLAGGED_OF_940
    yield _row("precision", lesson, right, right + wrong, percent(right, right + wrong))
    yield _row("recall", lesson, right, 60, percent(right, 60))
    yield _row("false-positive rate", lesson, wrong, 940, percent(wrong, 940, 1))
    yield _row("accuracy", lesson, right, 940 - wrong, percent(right + 940 - wrong, 1000))
    boxes = (right, wrong, 60 - right, 940 - wrong)
    yield _row("the figure of the four boxes", "02-scores/two-by-two.svg", *boxes, right + wrong)


def _flags(rate: int, wrongly: Fraction = Fraction(1, 20)) -> tuple[int, int, str]:
    """Of 10,000 files, `rate` in 100 of them ineligible: caught, wrongly flagged, and the share of right flags."""
    caught, wrong = Fraction(10_000 * rate, 100) * Fraction(9, 10), (10_000 - 100 * rate) * wrongly
    return int(caught), int(wrong), percent(caught, caught + wrong, 1)


def _base_rates() -> Iterator[Worked]:
    lesson, figure = "02-scores/02-rare-things.md", "02-scores/rare-things.svg"
    for rate in (1, 2, 5, 10):
        caught, wrong, right = _flags(rate)
        yield _row(
            f"right flags where {rate} in 100 are ineligible", lesson, caught, caught + wrong, right, also=(figure,)
        )
    caught, wrong, _ = _flags(2)
    yield _row("files at 2 in 100", lesson, 200, 9_800, 10_000)
    yield _row("flags at 2 in 100", lesson, caught, wrong, caught + wrong)
    yield _row("not flagged at 2 in 100", lesson, 200 - caught, 9_800 - wrong, 10_000 - caught - wrong)
    yield _row("wrong flags at 1 in 100", lesson, _flags(1)[1])
    yield _row("a tool that wrongly flags 1 in 100", lesson, *_flags(2, Fraction(1, 100))[1:])


def _thresholds() -> Iterator[Worked]:
    lesson, figure = "02-scores/03-price-of-mistakes.md", "02-scores/price-of-mistakes.svg"
    files = list(threshold.files())
    ineligible = sum(file.ineligible for file in files)
    flags = {line: [file for file in files if file.score >= line] for line in (0.3, 0.5, 0.7)}
    right = {line: sum(file.ineligible for file in flagged) for line, flagged in flags.items()}
    wrong = {line: len(flagged) - right[line] for line, flagged in flags.items()}
    missed = {line: ineligible - right[line] for line in flags}
    rules = "elearn/domain/labs/threshold.py"
    yield _row("truly ineligible", lesson, len(files), ineligible, also=(rules,))
    for line, flagged in flags.items():
        days = ceil(len(flagged) / (6 * threshold.HOMES))
        yield _row(f"threshold {line}", lesson, str(line), len(flagged), wrong[line], missed[line], days)
        yield _row(f"the figure of threshold {line}", figure, str(line), wrong[line], missed[line])
        yield _row(f"the practice's threshold {line}", rules, f"{line:.2f}", right[line], wrong[line])
    yield _row("right flags", lesson, *right.values())
    visits = threshold.TEAM["verifiers"] * threshold.HOMES
    yield _row("visits a day, and in the days that are left", lesson, visits, visits * threshold.TEAM["days"])
    for one_wrong, one_missed in ((1, 10), (1, 5), (3, 1)):
        # The third row of the table reads "1 wrong = 3 missed".
        sums = [wrong[line] * one_wrong + missed[line] * one_missed for line in flags]
        yield _row(f"{one_wrong} to {one_missed}", lesson, *sums)
    incomplete = [file for file in files if not file.complete]
    unlucky = sum(file.score >= 0.5 and not file.ineligible for file in incomplete)
    yield _row("wrong flags on incomplete records", lesson, unlucky, wrong[0.5], len(incomplete), len(files))


# Generative AI


def generative_ai() -> Iterator[Worked]:
    """Shares of next words, bytes of words, and what a test of sixty questions means in a month."""
    lesson, notices = "03-generative-ai/01-next-word.md", drawn_words.NOTICES.values()
    for count in notices:
        yield _row("share of a next word", lesson, count, percent(count, sum(notices)))
    ten = prod([Fraction(95, 100)] * 10)
    yield _row("ten details, each right in 95 of 100", lesson, "0.95", f"{float(ten):.2f}")
    yield _row("drafts with all ten right", lesson, 100, percent(ten, 1))
    lesson = "03-generative-ai/03-languages-and-tokens.md"
    for word in ("help", "मदद", "ꯃꯇꯦꯡ", "artificial intelligence", "कृत्रिम बुद्धिमत्ता"):
        yield _row(f"signs and bytes of {word}", lesson, word, len(word), len(word.encode()))
    figure = "03-generative-ai/bytes.svg"
    yield _row("the figure of bytes", figure, *(len(word.encode()) for word in drawn_words.HELP))
    page = len(b"page"), len("ꯂꯃꯥꯏ".encode())
    yield _row("bytes of page", "03-generative-ai/questions.md", page[1], page[0], page[1] - page[0])
    for tokens in (1_600, 2_000, 3_200):
        yield _row("notices that fit into 8,000 tokens", lesson, tokens, 8_000 // tokens)
    lesson = "03-generative-ai/04-grounding.md"
    yield _row("shares of good answers", lesson, 41, 50, percent(41, 50), percent(6, 10))
    false = 1_000 * 9 // 50, 200 * 4 // 10
    yield _row("unsupported answers a month", lesson, *false)
    yield _row("unsupported answers a month, together", lesson, sum(false))
    yield _row("lines of the practice's circular", lesson, len(CIRCULAR))
    yield _row("the same, after cleaning", lesson, 1_000 * 4 // 50, 200 // 10, 1_000 * 4 // 50 + 200 // 10)


# Legal cases


def legal_cases() -> Iterator[Worked]:
    """A file's days, words and their weights, precision at 5, and one Monday of a legal cell."""
    yield from _days()
    yield from _searches()
    lesson = "04-legal-cases/04-five-numbers.md"
    yield _row("an average that hides", lesson, number(Fraction(2 + 9 * 80, 10), 1))
    entries, overlap = 7 + 6 + (2 + 4) + 5, 5
    yield _row("entries that ring", lesson, entries)
    yield _row("different matters", lesson, entries - overlap, percent(entries - overlap, 312), 312)
    yield _row("minutes for each matter", lesson, number(Fraction(90 * 60, 312)))
    yield _row("hours for the urgent ones and for the rest", lesson, 19, 3 * 19, 90 - 3 * 19)


def _days() -> Iterator[Worked]:
    lesson, figure, reached = "04-legal-cases/01-life-of-a-case.md", "04-legal-cases/life-of-a-case.svg", 0
    for waiting, work in drawn_file.STAGES:
        reached += waiting + work
        yield _row("a stage of the file", lesson, waiting, work, reached)
    waited, worked = (sum(days) for days in zip(*drawn_file.STAGES, strict=True))
    yield _row("days of waiting and of work", lesson, waited, worked, waited + worked, also=(figure,))
    yield _row("days late", lesson, reached, reached - 90)
    yield _row("days late with a faster draft", lesson, 4 - 1, reached - 90 - (4 - 1))
    yield _row("the day of filing with a reminder", lesson, 33, 16, 33 - 16, reached - (33 - 16))
    yield _row("days left to wait", lesson, 90 - 72, 90 - 72 - (1 + 4), 17 + 8)


def _searches() -> Iterator[Worked]:
    lesson, figure = "04-legal-cases/02-similar-case.md", "04-legal-cases/words-and-weights.svg"
    weights = {word: _halvings(drawn_file.NOTES, notes) for word, notes in drawn_file.WORDS.items()}
    for place, (word, notes) in enumerate(drawn_file.WORDS.items()):
        counts = [note[place] for note in drawn_file.COUNTS]
        yield _row(f"the weight of “{word}”", lesson, word, notes, weights[word])
        yield _row(f"“{word}” in four notes", lesson, word, *counts)
    plain = [sum(note) for note in drawn_file.COUNTS]
    weighed = [sum(n * w for n, w in zip(note, weights.values(), strict=True)) for note in drawn_file.COUNTS]
    yield _row("plain counts", lesson, *plain)
    yield _row("weighed counts", lesson, *weighed)
    yield _row("the figure of both", figure, *plain, *weighed)
    yield _row("the weight of “possession”", lesson, 64, 4, HALVINGS[_halvings(64, 4)])
    on_point, found = set("BDEF"), {"Keyword": "ACBGE", "TF-IDF": "CBEAF", "Embedding": "BDCEH"}
    right = [len(on_point & set(five)) for five in found.values()]
    yield _row("precision at 5", lesson, right[0], percent(right[0], 5), right[1], percent(right[1], 5))
    spoken = Counter(note.lang for note in NOTES)
    yield _row("notes of the practice", lesson, spoken.total(), spoken["en"], spoken["hi"])


HALVINGS = {3: "three halvings|तीन बार", 4: "four halvings|चार बार", 5: "five halvings|पाँच बार"}


def _halvings(notes: int, found: int) -> int:
    """How often the notes can be halved until so many are left."""
    return 0 if notes <= found else 1 + _halvings(notes // 2, found)


# Habitations


def habitations() -> Iterator[Worked]:
    """Whom a line leaves out, two ways of grouping, two errors of a map, two plans for water."""
    yield from _left_out()
    yield from _groupings()
    yield from _errors()
    yield from _water()


def _left_out() -> Iterator[Worked]:
    lesson, sizes = "05-habitations/01-what-a-map-leaves-out.md", valley.SETTLEMENTS
    houses, large = sum(sizes), sum(size for size in sizes if size >= valley.LARGE)
    outside = houses - large
    yield _row("houses in habitations of 20 or more", lesson, 90, 30, large, outside, percent(outside, houses))
    yield _row("houses in habitations", lesson, houses - sizes[-1], sizes[-1], percent(sizes[-1], houses))
    dots = [Fraction(600 * 500, size * size) for size in (5, 50, 1000)]
    yield _row("dots of a house", lesson, *map(number, dots[:2]))
    yield _row("dots of a hut", lesson, 8, 10, 400 * 500 // (50 * 50))


SPELT = {size: str(size) for size in range(10)} | {2: "two single homes|दोनों अकेले घर", 8: "eight houses|आठ घर"}


def _groupings() -> Iterator[Worked]:
    """The practice shows what its methods draw; what is expected of them is told beside its rules."""
    lesson, figure = "05-habitations/02-from-picture-to-points.md", "05-habitations/two-methods.svg"
    rules = "elearn/domain/labs/valley.py"
    for metres in (80, 100, 150, 500):
        made = valley.density(metres)
        yield _row(f"by distance, {metres} m", rules, metres, len(made["sizes"]), made["left_out"])
    steady = valley.density(150)
    groups, left_out = len(steady["sizes"]), steady["left_out"]
    yield _row("by distance, 150 m", lesson, 150, groups, left_out)
    yield _row("with a least number of 1", lesson, groups, left_out, groups + left_out)
    path = [(float(place), 0.0) for place in (0, 40, 80, 120, 250, 290, 330, 370, 600, 900)]
    for metres in (50, 150):
        group = hamlets.by_distance(path, metres, 3)
        yield _row(
            f"ten houses, {metres} m", lesson, metres, len(set(group) - {hamlets.NOISE}), group.count(hamlets.NOISE)
        )
    sizes = Counter(hamlets.by_centres(path, 2, drawn_map.START)).values()
    yield _row("ten houses by centres", lesson, *(SPELT[size] for size in sizes))
    made = valley.kmeans(4, 7)
    joined = next([size for size in row[:-1] if size] for row in made["made_of"] if not row[0])
    yield _row("by centres, 4 groups from start 7", rules, 4, 7, *made["parts"], *joined)
    yield _row("the figure of both", figure, groups, left_out, len(made["sizes"]))


def _errors() -> Iterator[Worked]:
    lesson, figure = "05-habitations/03-ground-truth.md", "05-habitations/missed-and-invented.svg"
    ground, marked, both = drawn_map.GROUND, drawn_map.MARKED, drawn_map.BOTH
    yield _row("5 % of 2,000 houses", lesson, percent(95, 100), 2_000, 2_000 * 5 // 100)
    roofs = Fraction(155 * 40, 12 * 1000**2)
    yield _row("share of roofs in the dots", lesson, percent(roofs, 1, 2))
    yield _row("an empty map's accuracy", lesson, percent(1 - roofs, 1, 2))
    for whole in (ground, marked):
        share = whole - both, whole, percent(whole - both, whole, 1)
        yield _row("omission or commission", lesson, *share, also=(figure,))
    yield _row("omission in the check", lesson, 250 - 225, 250, percent(25, 250), percent(240 - 225, 240, 2))
    for houses, found in ((300, 288), (100, 72), (400, 360)):
        yield _row("omission by access", lesson, houses, found, houses - found, percent(houses - found, houses))


def _water() -> Iterator[Worked]:
    lesson = "05-habitations/04-from-map-to-service.md"
    reached = [_reached(second) for second in drawn_map.PLANS]
    homes = len(valley.HOUSES), len(valley.HOMESTEADS)
    for whole, alone in ((homes[0], 0), (homes[0] - homes[1], -1), (homes[1], 1)):
        counts = [near if alone == 0 else near - single if alone < 0 else single for near, single in reached]
        cells = [cell for count in counts for cell in (number(count), percent(count, whole))]
        yield _row(f"houses of {whole} near water", lesson, whole, *cells)
    yield _row("between the two places", lesson, number(round(dist(*drawn_map.PLANS), -1)))
    yield _row("false warnings", lesson, 15 - 9, 15, percent(15 - 9, 15), 12 - 9, 12, percent(12 - 9, 12))


def _reached(second: tuple[int, int]) -> tuple[int, int]:
    """How many of all houses, and of the single homes, lie near one of the two points."""
    points = drawn_map.SHARED, second
    near = [any(dist(house, point) <= drawn_map.REACH for point in points) for house in valley.HOUSES]
    return sum(near), sum(near[house] for house in valley.HOMESTEADS)


MODULES = {
    "plain-words": plain_words,
    "scores": scores,
    "generative-ai": generative_ai,
    "legal-cases": legal_cases,
    "habitations": habitations,
}


# Looking for them


def missing(worked: Worked, folder: Path, languages: Sequence[str]) -> list[str]:
    """The files in which a row is not found, by their names in the course's folder or in the house."""
    names = {name: None for file in worked.files for name in _in_each(file, languages)}
    return [name for name in names if not any(_holds(line, worked.told) for line in _lines(_path(folder, name)))]


def _in_each(file: str, languages: Sequence[str]) -> list[str]:
    """`lesson.md` is lesson.hi.md in Hindi; figures of the leading language carry no tag; rules speak none."""
    name, _, ending = file.rpartition(".")
    if ending == "py":
        return [file]
    tagged = [f"{name}.{tag}.{ending}" for tag in languages]
    return [file, *tagged[1:]] if ending == "svg" else tagged


def _path(folder: Path, name: str) -> Path:
    return ROOT / name if name.endswith(".py") else folder / name


@cache
def _lines(path: Path) -> list[str]:
    """The lines of a text, and the columns of its tables; the words of a figure, or what a file of rules says of
    itself, are one line."""
    text = path.read_text("utf-8")
    if path.suffix == ".py":
        return [ast.get_docstring(ast.parse(text)) or ""]
    if path.suffix == ".svg":
        return [re.sub("<[^>]+>", " ", text)]
    tables = re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE)
    columns = (zip_longest(*(row.split("|") for row in table.splitlines()), fillvalue="") for table in tables)
    return text.splitlines() + [" | ".join(column) for table in columns for column in table]


def _holds(line: str, told: Sequence[str]) -> bool:
    there = Counter(re.findall(r"\d+(?:,\d+)*(?:\.\d+)?", line))
    numbers = Counter(one for one in told if one[0].isdigit())
    words = [one.split("|") for one in told if not one[0].isdigit()]
    return numbers <= there and all(any(word in line for word in either) for either in words)
