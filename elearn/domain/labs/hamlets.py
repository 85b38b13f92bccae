"""Practice lab 9: an officer groups the houses of a valley by two methods, then places two water points.

What the methods make of the valley is in `valley.py`; this is what the officer chooses, is told and has to do.
`static/labs/hamlets.js` computes the same and shows it in the same words.
"""

import functools
import math
from collections.abc import Mapping, Sequence
from typing import Any

from elearn.domain.labs import valley
from elearn.domain.labs.lab import BadChoices, Run, data_of, only, spoken
from elearn.domain.labs.valley import COLUMNS, HOMESTEADS, HOUSES, LARGE, NOWHERE, ROWS, SETTLEMENTS, letter, name_of

LANGUAGES = ("en", "hi")
STEPS = ("density", "kmeans", "water")

DISTANCES = (80, 100, 150, 200, 300, 400, 500)  # metres within which the first method looks for neighbours
FIRST_DISTANCE = 100
SHORT = 150  # below this distance the road settlement breaks
COUNTS = (3, 4, 5, 6)
STARTS = (1, 2, 7, 9)  # four seeds that lead to four different maps, whatever the number of groups
FIRST_DRAWING = (4, 7)
POINTS = 2

DISTANCES_TO_TRY = 3
HOUSES_TO_REACH = 45
HOMESTEADS_TO_REACH = 2
SHOWN_PLANS = 20

# The sentences the script needs; all others are in the page already.
SCRIPT_WORDS = (
    *("density_headline", "density_detail", "kmeans_headline", "kmeans_detail"),
    *("water_all", "water_all_detail", "water_grouped", "water_grouped_detail"),
    *("water_homesteads", "water_homesteads_detail"),
    *("metres", "yes", "no", "none", "state_met", "state_missing", "saving", "saved", "waiting", "refused"),
)

DATA = data_of(__file__)
WORDS: Mapping[str, Mapping[str, str]] = {
    tag: {code: sentence[tag] for code, sentence in DATA["words"].items()} for tag in LANGUAGES
}
PLACES: Mapping[str, Sequence[str]] = {tag: [name[tag] for name in DATA["settlements"]] for tag in LANGUAGES}


# What is said and listed beside the map. A row is {"mark": look and shape of its group or None, "cells"}.


def _metres(language: str, count: float) -> str:
    """Rounded up, so that nothing looks nearer than a limit that it misses."""
    return WORDS[language]["metres"].format(count=f"{math.ceil(count):,}")


def _percent(part: int, whole: int) -> str:
    """With one digit behind the point, rounded down: 36.1."""
    return f"{1000 * part // whole / 10:.1f}"


def _row(*cells: str | int, group: int | None = None) -> dict[str, Any]:
    mark = None if group is None else valley.marks_of(group, [(0, 0)])
    return {"mark": mark, "cells": [str(cell) for cell in cells]}


def _density_shown(language: str, latest: Run, tried: Sequence[Run]) -> dict[str, Any]:
    words, (choices, figures) = WORDS[language], latest
    told = figures | {"eps": choices["eps"], "groups": len(figures["sizes"])}
    groups = [
        _row(letter(group), size, words["yes"] if size >= LARGE else words["no"], group=group)
        for group, size in enumerate(figures["sizes"])
    ]
    homesteads = []
    for number, house in enumerate(HOMESTEADS):
        left_out = [str(run[0]["eps"]) for run in tried if run[1]["groups"][house] == NOWHERE]
        at = words["metres"].format(count=", ".join(left_out)) if left_out else "–"
        homesteads.append(_row(name_of(number), _metres(language, valley.nearest(house)), at))
    rows = [
        _row(_metres(language, one["eps"]), len(made["sizes"]), made["left_out"], made["homesteads"], made["funded"])
        for one, made in tried
    ]
    return {
        "says": {code: words[f"density_{code}"].format(**told) for code in ("headline", "detail")},
        "picture": valley.density_picture(choices["eps"], figures),
        "tables": {
            "groups": [*groups, _row(words["none"], figures["left_out"], "–")],
            "homesteads": homesteads,
            "tried": rows,
        },
    }


def _parts(figures: Mapping[str, Any]) -> str:
    return " + ".join(map(str, figures["parts"]))


def _kmeans_shown(language: str, latest: Run, tried: Sequence[Run]) -> dict[str, Any]:
    words, (choices, figures) = WORDS[language], latest
    told = choices | {"cuts": len(figures["parts"]), "parts": _parts(figures), "funded": figures["funded"]}
    told |= {"far": _metres(language, max(figures["far"]))}
    groups = [
        _row(letter(group), *made_of, figures["sizes"][group], group=group)
        for group, made_of in enumerate(figures["made_of"])
    ]
    homesteads = [
        _row(name_of(number), letter(figures["groups"][house]), _metres(language, figures["far"][number]))
        for number, house in enumerate(HOMESTEADS)
    ]
    rows = [_row(one["k"], one["start"], _parts(made), made["funded"]) for one, made in tried]
    return {
        "says": {code: words[f"kmeans_{code}"].format(**told) for code in ("headline", "detail")},
        "picture": valley.kmeans_picture(figures),
        "tables": {"groups": groups, "homesteads": homesteads, "tried": rows},
    }


def _water_shown(language: str, latest: Run, tried: Sequence[Run]) -> dict[str, Any]:
    words, (choices, figures) = WORDS[language], latest
    told = {code: figures[code] for code in ("houses", "grouped", "homesteads")}
    percents = {"all": _percent(told["houses"], len(HOUSES)), "grouped": _percent(told["grouped"], HOMESTEADS[0])}
    says = {}
    for code in ("all", "grouped", "homesteads"):
        values = {"percent": percents.get(code), "sites": ", ".join(choices["sites"])}
        says[code] = words[f"water_{code}"].format(**told)
        says[f"{code}-detail"] = words[f"water_{code}_detail"].format(**values)
    places = list(map(_row, PLACES[language], SETTLEMENTS, figures["by_place"]))
    served = set(figures["served"])
    homesteads = [
        _row(name_of(number), _metres(language, figures["far"][number]), words["yes" if house in served else "no"])
        for number, house in enumerate(HOMESTEADS)
    ]
    rows = [
        _row(", ".join(one["sites"]), made["houses"], made["grouped"], made["homesteads"])
        for one, made in tried[-SHOWN_PLANS:]
    ]
    return {
        "says": says,
        "picture": valley.water_picture(choices["sites"], figures["served"]),
        "tables": {"places": places, "homesteads": homesteads, "tried": rows},
    }


SHOWN = {"density": _density_shown, "kmeans": _kmeans_shown, "water": _water_shown}


def _of(step: str, runs: Sequence[Run]) -> list[Run]:
    return [run for run in runs if run[0]["step"] == step]


def _order(run: Run) -> tuple[int, ...]:
    """Settings are listed by size, plans as they come."""
    choices = run[0]
    return tuple(choices[name] for name in ("eps", "k", "start") if name in choices)


def _tried(step: str, runs: Sequence[Run]) -> list[Run]:
    """Each choice once."""
    different: list[Run] = []
    for run in _of(step, runs):
        if all(run[0] != other[0] for other in different):
            different.append(run)
    return sorted(different, key=_order)


def _step(step: str, language: str, runs: Sequence[Run]) -> dict[str, Any]:
    """A step of the practice as the officer left it; empty tables and a plain map before its first run."""
    tried, mine = _tried(step, runs), _of(step, runs)
    if mine:
        return {"ran": True, "choices": mine[-1][0], **SHOWN[step](language, mine[-1], tried)}
    plain = valley.water_picture() if step == "water" else valley.plain_picture()
    return {"ran": False, "choices": {}, "says": {}, "picture": plain, "tables": {}}


@functools.cache
def _given(language: str) -> Mapping[str, Any]:
    """The part of the script's data that is the same for everyone."""
    return {
        "houses": HOUSES,
        "settlements": [
            {"houses": houses, "name": name} for houses, name in zip(SETTLEMENTS, PLACES[language], strict=True)
        ],
        "shapes": valley.SHAPES,
        "words": {code: WORDS[language][code] for code in SCRIPT_WORDS},
    }


def _why_not_distances(runs: Sequence[Run]) -> str:
    tried = {run[0]["eps"] for run in _of("density", runs)}
    if not tried:
        return "no-distance"
    if len(tried) < DISTANCES_TO_TRY:
        return "few-distances"
    return "" if min(tried) < SHORT else "no-short-distance"


def _why_not_starts(runs: Sequence[Run]) -> str:
    drawn = {(run[0]["k"], run[0]["start"]) for run in _of("kmeans", runs)}
    if not drawn:
        return "no-start"
    # A count that stands there twice was drawn from two starts.
    return "" if len(drawn) > len({k for k, _ in drawn}) else "one-start"


def _good(plan: Mapping[str, Any]) -> bool:
    return bool(plan["houses"] >= HOUSES_TO_REACH and plan["homesteads"] >= HOMESTEADS_TO_REACH)


def _why_not_water(runs: Sequence[Run]) -> str:
    plans = [figures for _, figures in _of("water", runs)]
    if not plans:
        return "no-plan"
    if any(map(_good, plans)):
        return ""
    return "few-homesteads" if plans[-1]["homesteads"] < HOMESTEADS_TO_REACH else "few-houses"


def _told(language: str, runs: Sequence[Run]) -> dict[str, Any]:
    """What sentences about the runs so far may name."""
    told: dict[str, Any] = {}
    for step in ("kmeans", "water"):
        for choices, figures in _of(step, runs)[-1:]:
            told |= choices | {name: figures[name] for name in ("houses", "homesteads") if name in figures}
    tried = ", ".join(str(run[0]["eps"]) for run in _tried("density", runs))
    return told | {"tried": WORDS[language]["metres"].format(count=tried)}


class Hamlets:
    """Lab 9, "Draw the hamlets"."""

    name = "hamlets"

    def read(self, form: Mapping[str, Sequence[str]]) -> dict[str, Any]:
        """Choices of one step: {"step": "density", "eps": int}, {"step": "kmeans", "k": int, "start": int} or
        {"step": "water", "sites": two names of the grid}."""
        step = only(form, "step", STEPS)
        if step == "density":
            return {"step": step, "eps": _number(form, "eps", DISTANCES)}
        if step == "kmeans":
            return {"step": step, "k": _number(form, "k", COUNTS), "start": _number(form, "start", STARTS)}
        if step == "water":
            return {"step": step, "sites": [_site(form, number) for number in range(1, POINTS + 1)]}
        raise BadChoices("missing-choice", field="step")

    def fields(self, choices: dict[str, Any]) -> dict[str, str]:
        fields = {name: str(value) for name, value in choices.items() if name != "sites"}
        for number, name in enumerate(choices.get("sites", ()), start=1):
            fields |= {f"column-{number}": name[0], f"row-{number}": name[1:]}
        return fields

    def run(self, choices: dict[str, Any]) -> dict[str, Any]:
        """Figures of one step, as the functions of its name in `valley.py` give them."""
        if choices["step"] == "density":
            return valley.density(choices["eps"])
        if choices["step"] == "kmeans":
            return valley.kmeans(choices["k"], choices["start"])
        return valley.water(choices["sites"])

    def todo(self, language: str, runs: Sequence[Run]) -> list[dict[str, Any]]:
        """A task for each step; they may be done in any order."""
        tag = spoken(language, LANGUAGES)
        words, told = WORDS[tag], _told(tag, runs)
        why = {"distances": _why_not_distances(runs), "starts": _why_not_starts(runs), "water": _why_not_water(runs)}
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
        """Whether three distances were tried, one of them short, as many groups drawn from two starts, and a plan
        made that reaches enough houses and enough homesteads."""
        return all(task["state"] == "met" for task in self.todo("en", runs))

    def refusal(self, language: str, problem: BadChoices) -> str:
        """To choose both sites; or, for what no page of ours sends, to load the page again."""
        code = "bad_missing-site" if problem.code == "missing-site" else "bad_form"
        return WORDS[spoken(language, LANGUAGES)][code]

    def sample_runs(self, language: str) -> list[dict[str, Any]]:
        """Three distances, two starts, then the best plan that forgets the homesteads and one that does not."""
        return [
            *({"step": "density", "eps": eps} for eps in (80, 100, 200)),
            *({"step": "kmeans", "k": 4, "start": start} for start in (7, 1)),
            *({"step": "water", "sites": sites} for sites in (["D10", "G4"], ["D10", "F5"])),
        ]

    def view(self, language: str, runs: Sequence[Run]) -> dict[str, Any]:
        """Everything `templates/labs/hamlets.html` shows, with the latest run of each step on its map.

        `data` is what the script is given; `script`, `modules` and `style` are paths under `static`.
        """
        tag = spoken(language, LANGUAGES)
        steps = {step: _step(step, tag, runs) for step in STEPS}
        return {
            "name": self.name,
            "script": f"labs/{self.name}.js",
            "modules": ["labs/frame.js"],
            "style": "css/labs.css",
            "language": tag,
            "words": WORDS[tag],
            "places": PLACES[tag],
            "distances": [{"value": eps, "text": _metres(tag, eps)} for eps in DISTANCES],
            "distance": steps["density"]["choices"].get("eps", FIRST_DISTANCE),
            "counts": COUNTS,
            "starts": STARTS,
            "count": steps["kmeans"]["choices"].get("k", FIRST_DRAWING[0]),
            "start": steps["kmeans"]["choices"].get("start", FIRST_DRAWING[1]),
            "columns": COLUMNS,
            "rows": ROWS,
            "grid": valley.GRID,
            "sites": steps["water"]["choices"].get("sites", [""] * POINTS),
            "steps": steps,
            "todo": self.todo(tag, runs),
            "reached": self.reached(runs),
            # The script goes on from what was tried; it computes the figures again rather than being sent them.
            "data": {**_given(tag), "tried": {step: [run[0] for run in _tried(step, runs)] for step in STEPS}},
        }


def _number(form: Mapping[str, Sequence[str]], field: str, possible: Sequence[int]) -> int:
    value = only(form, field, tuple(map(str, possible)))
    if value is None:
        raise BadChoices("missing-choice", field=field)
    return int(value)


def _site(form: Mapping[str, Sequence[str]], number: int) -> str:
    column, row = only(form, f"column-{number}", tuple(COLUMNS)), only(form, f"row-{number}", ROWS)
    if column is None or row is None:
        raise BadChoices("missing-site", number=number)
    return column + row


HAMLETS = Hamlets()
