"""Practice lab 3: an officer draws a line across 10,000 scored files: whom it reaches, who can be visited, who pays.

Thresholds move in steps of 0.01 and are kept as hundredths, so the page needs no more than how many eligible and how
many ineligible files have a score in each hundredth. `static/labs/threshold.js` computes the same from them, in whole
numbers throughout; the two agree exactly.

What the lesson builds on: of the 443 ineligible files a threshold of 0.30 flags 385 and of the others 1,218; 0.50
flags 263 and 308; 0.70 flags 141 and 54. In 5 days 6 verifiers can visit 150 homes, which is enough from 0.74 on.
While only a missed case has a price the cheapest threshold is 0.05; it is 0.59 when a wrong stop has half that price.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from elearn.domain.labs.chance import mulberry32, normal
from elearn.domain.labs.lab import BadChoices, Run, data_of, grouped, only, spoken

LANGUAGES = ("en", "hi")
SEED = 20250821
FILES = 10_000

LINES = range(1, 100)  # every threshold, in hundredths
HOMES = 5  # that a verifier can visit in a day
TEAM = {"verifiers": 6, "days": 5}

# Finance counts the treasury's loss, a year's pension, and not the family's.
FIRST = {"threshold": 50, "wrong_price": 0, "missed_price": 12_000, **TEAM}

LINES_WANTED, LINES_APART = 3, 20
VISITS_WANTED = 100
CHEAPEST_MOVED = 10
TABLE_STEP = 5
SHOWN_RUNS = 20

# The curve's picture in its own units; ten of them across are one hundredth of the score.
ACROSS, DEEP = 10, 440

# Sentences made of the figures, wherever the page shows them.
SENTENCES = (
    *("precision_says", "recall_says", "false_positive_says", "capacity_sum", "families_sum", "treasury_sum"),
    *("cheapest_says", "live", "visits_short", "prices_short"),
)
SCRIPT_WORDS = (
    *SENTENCES,
    *("all_visited", "not_all_visited", "note_count", "tasks_done", "state_met", "state_missing"),
    *("saving", "saved", "waiting", "refused"),
)

DATA = data_of(__file__)
WORDS: Mapping[str, Mapping[str, str]] = {
    tag: {code: sentence[tag] for code, sentence in DATA["words"].items()} for tag in LANGUAGES
}


@dataclass(frozen=True, slots=True)
class File:
    """One invented file: whether its records are complete, whether it is truly ineligible, and the tool's score."""

    complete: bool
    ineligible: bool
    score: float


def files() -> Iterator[File]:
    """The 10,000 files. Missing records look like a risk to the tool, and make its scores less steady."""
    draw = mulberry32(SEED)
    for _ in range(FILES):
        complete, ineligible = draw() < 0.7, draw() < 0.04
        shift, spread = (0, 0.95) if complete else (0.6, 1.15)
        risk = -2.2 + (2.4 if ineligible else 0) + shift + normal(draw) * spread
        yield File(complete, ineligible, 1 / (1 + math.exp(-risk)))


def hundredths(some: Iterator[File]) -> list[int]:
    """How many of these files have a score in each hundredth: from 0.00, from 0.01, up to from 0.99."""
    counts = [0] * 100
    for file in some:
        counts[max(line for line in range(100) if file.score >= line / 100)] += 1
    return counts


@dataclass(frozen=True, slots=True)
class Counts:
    """The four boxes of the two-by-two table: flagged rightly and wrongly, missed, and rightly left alone."""

    right: int
    wrong: int
    missed: int
    left: int

    @property
    def flagged(self) -> int:
        return self.right + self.wrong


def _counts(line: int) -> Counts:
    eligible, ineligible = DATA["eligible"], DATA["ineligible"]
    return Counts(sum(ineligible[line:]), sum(eligible[line:]), sum(ineligible[:line]), sum(eligible[:line]))


COUNTS = {line: _counts(line) for line in LINES}
INELIGIBLE = COUNTS[1].right + COUNTS[1].missed
ELIGIBLE = FILES - INELIGIBLE

POSSIBLE: Mapping[str, Mapping[str, int]] = {
    # As people write it: 0.30, 0.3, .30 or .3.
    "threshold": {
        written: line
        for line in LINES
        for full in (f"0.{line:02d}",)
        for written in (full, full[1:], full.rstrip("0"), full[1:].rstrip("0"))
    },
    "wrong_price": {str(price): price for price in range(0, 100_001, 100)},
    "missed_price": {str(price): price for price in range(0, 100_001, 100)},
    "verifiers": {str(count): count for count in range(1, 51)},
    "days": {str(count): count for count in range(1, 61)},
}
"""What each field of the form may hold, and what it means."""


def _line(line: int) -> str:
    return f"0.{line:02d}"


def _rupees(amount: int) -> str:
    return f"₹\u00a0{grouped(amount)}"


def _share(part: int, whole: int) -> str:
    """A share in percent with one decimal, rounded half up; a dash where there is nothing to divide by."""
    if not whole:
        return "–"
    tenths = (2000 * part + whole) // (2 * whole)
    return f"{tenths // 10}.{tenths % 10}\u00a0%"


def _totals(choices: Mapping[str, int]) -> dict[int, int]:
    """What all mistakes cost at each threshold, in rupees, if every flagged pension were stopped."""
    wrong_price, missed_price = choices["wrong_price"], choices["missed_price"]
    return {line: counts.wrong * wrong_price + counts.missed * missed_price for line, counts in COUNTS.items()}


def _fits(run: Run) -> bool:
    """Whether the district's own team can visit every flagged home, and is not sent home early."""
    choices, figures = run
    own_team = all(choices[field] == count for field, count in TEAM.items())
    return own_team and VISITS_WANTED <= figures["flagged"] <= figures["capacity"]


def _apart(runs: Sequence[Run]) -> list[int]:
    """As many of the recorded thresholds as possible that are far enough from each other, lowest first."""
    chosen: list[int] = []
    for line in sorted(run[0]["threshold"] for run in runs):
        if not chosen or line - chosen[-1] >= LINES_APART:
            chosen.append(line)
    return chosen


def _moved(runs: Sequence[Run]) -> int:
    """How far apart the cheapest thresholds of all recorded prices are, in hundredths."""
    cheapest: list[int] = [figures["cheapest"] for _, figures in runs]
    return max(cheapest) - min(cheapest)


def _why_lines_missing(runs: Sequence[Run]) -> str:
    if not runs:
        return "no-line"
    return "" if len(_apart(runs)) >= LINES_WANTED else "lines-near"


def _why_not_visited(runs: Sequence[Run]) -> str:
    """Of the latest plan, because that is the one an officer goes on from."""
    if not runs:
        return "no-visits"
    if any(map(_fits, runs)):
        return ""
    choices, figures = runs[-1]
    if any(choices[field] != count for field, count in TEAM.items()):
        return "other-team"
    return "too-many" if figures["flagged"] > figures["capacity"] else "too-few"


def _why_not_moved(runs: Sequence[Run]) -> str:
    if not runs:
        return "no-prices"
    if _moved(runs) >= CHEAPEST_MOVED:
        return ""
    prices = {(run[0]["wrong_price"], run[0]["missed_price"]) for run in runs}
    return "same-prices" if len(prices) == 1 else "small-move"


def _told(runs: Sequence[Run]) -> dict[str, str]:
    """What the reasons may name."""
    if not runs:
        return {}
    choices, figures = runs[-1]
    return {
        "apart": ", ".join(map(_line, _apart(runs))),
        "move": _line(_moved(runs)),
        "threshold": _line(choices["threshold"]),
        "flagged": grouped(figures["flagged"]),
        "missed": grouped(figures["missed"]),
        "cheapest": _line(figures["cheapest"]),
    }


def _shown(words: Mapping[str, str], choices: Mapping[str, int], figures: Mapping[str, int]) -> dict[str, str]:
    """Every number and sentence that changes with the choices, as it stands on the page."""
    best = COUNTS[figures["cheapest"]]
    counts = {**figures, **choices, "eligible": ELIGIBLE, "ineligible": INELIGIBLE}
    counts |= {
        "not_flagged": FILES - figures["flagged"],
        "spare": max(0, figures["capacity"] - figures["flagged"]),
        "cheapest_wrong": best.wrong,
        "cheapest_missed": best.missed,
    }
    rupees = ("wrong_price", "missed_price", "families", "treasury", "total", "cheapest_total")
    shown = {name: (_rupees if name in rupees else grouped)(count) for name, count in counts.items()}
    shown |= {
        "threshold": _line(choices["threshold"]),
        "cheapest": _line(figures["cheapest"]),
        "precision": _share(figures["right"], figures["flagged"]),
        "recall": _share(figures["right"], INELIGIBLE),
        "false_positive": _share(figures["wrong"], ELIGIBLE),
    }
    visits = words["not_all_visited" if figures["unvisited"] else "all_visited"].format(**shown)
    return shown | {code: words[code].format(**shown) for code in SENTENCES} | {"visit_says": visits}


def _round_top(value: int) -> int:
    """The top of a scale: the lowest of 1, 2, 3, 4, 5, 6 and 8 times a power of ten that is not below the value."""
    power = 1
    while 8 * power < value:
        power *= 10
    return next(power * digit for digit in (1, 2, 3, 4, 5, 6, 8) if power * digit >= value)


def _curve(choices: Mapping[str, int], figures: Mapping[str, int]) -> dict[str, Any]:
    """The total price at each threshold as a picture: its line, the marks on it, and what its top stands for.

    The price at low thresholds would press all the rest flat, so the picture ends at some times the lowest price.
    """
    totals = _totals(choices)
    top = _round_top(min(max(totals.values()), figures["cheapest_total"] * 5 // 2) or max(totals.values()))
    depths = {line: DEEP - total * DEEP // top for line, total in totals.items()}
    return {
        "points": " ".join(f"{ACROSS * line},{depth}" for line, depth in depths.items()),
        "top": _rupees(top),
        "yours": ACROSS * choices["threshold"],
        "cheapest": [ACROSS * figures["cheapest"], depths[figures["cheapest"]]],
    }


def _price_rows(choices: Mapping[str, int]) -> list[dict[str, str]]:
    """The curve as a table, at every twentieth of the score."""
    totals = _totals(choices)
    return [
        {
            "threshold": _line(line),
            "wrong": grouped(COUNTS[line].wrong),
            "missed": grouped(COUNTS[line].missed),
            "total": _rupees(totals[line]),
        }
        for line in LINES[TABLE_STEP - 1 :: TABLE_STEP]
    ]


class Threshold:
    """Lab 3, "Threshold explorer"."""

    name = "threshold"

    def read(self, form: Mapping[str, Sequence[str]]) -> dict[str, Any]:
        """Choices as whole numbers: "threshold" in hundredths, "wrong_price" and "missed_price" in rupees,
        "verifiers" and "days"."""
        choices = {}
        for field, possible in POSSIBLE.items():
            value = only(form, field, possible)
            if value is None:
                raise BadChoices("missing-choice", field=field)
            choices[field] = possible[value]
        return choices

    def fields(self, choices: dict[str, Any]) -> dict[str, str]:
        return {field: str(count) for field, count in choices.items()} | {"threshold": _line(choices["threshold"])}

    def run(self, choices: dict[str, Any]) -> dict[str, Any]:
        """The four counts, the visits, and the bill, all in whole numbers; "cheapest" is a threshold in hundredths.

        Of several equally cheap thresholds the highest is told, because it flags the fewest.
        """
        here, totals = COUNTS[choices["threshold"]], _totals(choices)
        cheapest = min(LINES, key=lambda line: (totals[line], -line))
        a_day = choices["verifiers"] * HOMES
        capacity = a_day * choices["days"]
        return {
            "flagged": here.flagged,
            "right": here.right,
            "wrong": here.wrong,
            "missed": here.missed,
            "left": here.left,
            "capacity": capacity,
            "unvisited": max(0, here.flagged - capacity),
            "days_needed": -(-here.flagged // a_day),
            "families": here.wrong * choices["wrong_price"],
            "treasury": here.missed * choices["missed_price"],
            "total": totals[choices["threshold"]],
            "cheapest": cheapest,
            "cheapest_total": totals[cheapest],
        }

    def todo(self, language: str, runs: Sequence[Run]) -> list[dict[str, Any]]:
        """The three tasks; each may be met by any of the recorded plans, in any order."""
        words, told = WORDS[spoken(language, LANGUAGES)], _told(runs)
        reasons: Mapping[str, Callable[[Sequence[Run]], str]] = {
            "three-lines": _why_lines_missing,
            "visit-all": _why_not_visited,
            "move-cheapest": _why_not_moved,
        }
        why = {code: reason(runs) for code, reason in reasons.items()}
        return [
            {
                "code": code,
                "state": "missing" if reason else "met",
                "why": reason,
                "text": words["todo_" + code],
                "why_text": words["why_" + reason].format(**told) if reason else "",
            }
            for code, reason in why.items()
        ]

    def reached(self, runs: Sequence[Run]) -> bool:
        """Whether three thresholds far enough apart were recorded, one whose flagged homes the district's team can
        all visit, and prices that move the cheapest threshold visibly."""
        return all(task["state"] == "met" for task in self.todo("en", runs))

    def refusal(self, language: str, problem: BadChoices) -> str:
        """What the field must hold; or, for what no page of ours sends, to load the page again."""
        field = problem.arguments["field"] if problem.code in ("missing-choice", "not-possible") else "form"
        return WORDS[spoken(language, LANGUAGES)][f"bad_{field}"]

    def sample_runs(self, language: str) -> list[dict[str, Any]]:
        """The lowest of the three lines at the prices of Finance, then two with the families counted."""
        counted = FIRST | {"wrong_price": 6_000}
        return [FIRST | {"threshold": 30}, counted | {"threshold": 50}, counted | {"threshold": 74}]

    def view(self, language: str, runs: Sequence[Run]) -> dict[str, Any]:
        """Everything `templates/labs/threshold.html` shows, as the latest plan left it.

        `data` is what the script is given; `script`, `modules` and `style` are paths under `static`.
        """
        tag = spoken(language, LANGUAGES)
        words, todo = WORDS[tag], self.todo(tag, runs)
        choices, figures = runs[-1] if runs else (FIRST, self.run(FIRST))
        done = sum(task["state"] == "met" for task in todo)
        return {
            "name": self.name,
            "script": f"labs/{self.name}.js",
            "modules": ["labs/frame.js"],
            "style": "css/labs.css",
            "language": tag,
            "words": words,
            "fields": self.fields(dict(choices)),
            "figures": figures,
            "shown": _shown(words, choices, figures),
            "curve": _curve(choices, figures),
            "prices": _price_rows(choices),
            "runs": [_shown(words, *run) for run in runs[-SHOWN_RUNS:]],
            "todo": todo,
            "tasks_done": words["tasks_done"].format(count=done, of=len(todo)),
            "reached": self.reached(runs),
            "data": {
                "eligible": DATA["eligible"],
                "ineligible": DATA["ineligible"],
                "words": {code: words[code] for code in SCRIPT_WORDS},
            },
        }


THRESHOLD = Threshold()
