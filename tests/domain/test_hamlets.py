"""Lab 9: its seed draws the valley, the methods group as their sources say, and only real choices are read."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

import pytest

from elearn.domain.labs import LABS, BadChoices, Run, valley
from elearn.domain.labs.chance import mulberry32, normal
from elearn.domain.labs.hamlets import COUNTS, DATA, LANGUAGES, STARTS, STEPS
from elearn.domain.labs.valley import COLUMNS, HOMESTEADS, HOUSES, NOWHERE, PLACES, ROWS, SETTLEMENTS, site

LAB = LABS["hamlets"]
SITES = [column + row for column in COLUMNS for row in ROWS]


def density(eps: int) -> dict[str, Any]:
    return {"step": "density", "eps": eps}


def kmeans(k: int = 4, start: int = 7) -> dict[str, Any]:
    return {"step": "kmeans", "k": k, "start": start}


def water(*sites: str) -> dict[str, Any]:
    return {"step": "water", "sites": list(sites)}


def ran(*made: dict[str, Any]) -> list[Run]:
    return [(choices, LAB.run(choices)) for choices in made]


# Chance


def test_chance_comes_out_as_in_the_page() -> None:
    """The first draws of seed 7 in a browser; tests/browser/test_hamlets.py compares more."""
    draw = mulberry32(7)
    assert [math.floor(draw() * 2**32) for _ in range(3)] == [50271532, 266108690, 4195786334]


def test_normal_draws_are_around_0_and_about_1_wide() -> None:
    draw = mulberry32(1)
    drawn = [normal(draw) for _ in range(5000)]
    assert abs(sum(drawn) / 5000) < 0.05
    assert abs(sum(value * value for value in drawn) / 5000 - 1) < 0.05


# The valley


def test_the_houses_are_those_that_the_seed_draws() -> None:
    assert [list(house) for house in HOUSES] == valley.drawn_houses()
    assert list(SETTLEMENTS) == [90, 30, 18, 9, 8]
    assert len({tuple(house) for house in HOUSES}) == len(HOUSES) == len(PLACES) == 155
    assert all(0 < east < 4000 and 0 < south < 3000 for east, south in HOUSES)


def test_every_sentence_is_there_in_both_languages_with_the_same_places() -> None:
    for code, sentence in DATA["words"].items():
        assert set(sentence) == set(LANGUAGES), code
        places = [set(re.findall(r"\{(\w+)\}", sentence[language])) for language in LANGUAGES]
        assert places[0] == places[1], code


# What the lesson promises


@pytest.mark.parametrize(
    ("eps", "sizes", "left_out", "funded"),
    [
        (80, [11, 6, 5, 15, 5, 8, 8, 4, 4, 4, 6, 28, 18, 9], 24, 28),
        (100, [24, 49, 14, 29, 18, 9], 12, 102),
        *((eps, [90, 30, 18, 9], 8, 120) for eps in (150, 200, 300, 400, 500)),
    ],
)
def test_the_distance_makes_the_groups_but_always_leaves_out_the_homesteads(
    eps: int, sizes: list[int], left_out: int, funded: int
) -> None:
    figures = LAB.run(density(eps))
    assert (figures["sizes"], figures["left_out"], figures["funded"]) == (sizes, left_out, funded)
    assert figures["homesteads"] == 8
    assert [figures["groups"][house] for house in HOMESTEADS] == [NOWHERE] * 8


def test_at_80_m_the_road_settlement_shatters() -> None:
    groups = LAB.run(density(80))["groups"][:90]
    assert (len(set(groups) - {NOWHERE}), groups.count(NOWHERE)) == (11, 14)


def test_four_groups_from_start_7_cut_the_road_settlement_and_join_two_hamlets() -> None:
    figures = LAB.run(kmeans(4, 7))
    assert figures["parts"] == [28, 33, 29]
    assert figures["made_of"] == [[28, 0, 0, 0, 1], [33, 0, 0, 0, 1], [29, 0, 0, 9, 2], [0, 30, 18, 0, 4]]
    assert figures["funded"] == 155


def test_the_road_settlement_is_cut_from_every_start_on_offer_and_nearly_every_other() -> None:
    assert all(len(LAB.run(kmeans(k, start))["parts"]) >= 2 for k in COUNTS for start in STARTS)
    assert [start for start in range(100) if len(LAB.run(kmeans(4, start))["parts"]) < 2] == [71]


@pytest.mark.parametrize("k", COUNTS)
def test_each_start_on_offer_draws_another_map(k: int) -> None:
    """Two maps are one where the same houses are together, whatever the groups are called."""
    maps = set()
    for start in STARTS:
        names: dict[int, int] = {}
        maps.add(tuple(names.setdefault(group, len(names)) for group in LAB.run(kmeans(k, start))["groups"]))
    assert len(maps) == len(STARTS)


def test_two_points_reach_the_most_houses_where_they_reach_no_homestead() -> None:
    reached = {name: frozenset(LAB.run(water(name, name))["served"]) for name in SITES}
    best = [0] * 9
    good = 0
    for one, other in combinations(SITES, 2):
        houses = reached[one] | reached[other]
        homesteads = len(houses.intersection(HOMESTEADS))
        best[homesteads] = max(best[homesteads], len(houses))
        good += len(houses) >= 45 and homesteads >= 2
    assert best[:4] == [58, 53, 56, 49]
    assert best[4:] == [0] * 5
    assert good == 62


def test_one_point_moved_a_little_costs_two_houses_and_brings_two_homesteads() -> None:
    first, second = (LAB.run(water("D10", other)) for other in ("G4", "F5"))
    assert (first["houses"], first["grouped"], first["homesteads"]) == (58, 58, 0)
    assert (second["houses"], second["grouped"], second["homesteads"]) == (56, 54, 2)
    assert math.dist(site("G4"), site("F5")) == pytest.approx(353.55, abs=0.01)
    two, eight = HOUSES[HOMESTEADS[1]], HOUSES[HOMESTEADS[7]]
    assert math.dist(two, eight) == pytest.approx(320.16, abs=0.01)


# The methods


def chain(monkeypatch: pytest.MonkeyPatch, *places: tuple[int, int]) -> None:
    monkeypatch.setattr(valley, "HOUSES", places)


def test_a_group_needs_four_houses_and_grows_only_from_houses_that_have_four(monkeypatch: pytest.MonkeyPatch) -> None:
    chain(monkeypatch, (0, 0), (10, 0), (20, 0), (110, 0), (120, 0), (220, 0), (400, 0), (410, 0), (420, 0))
    # 110 and 120 see four houses each and join the three in the west; 220 is at the edge and leads no further.
    assert valley.grouped_by_distance(100) == [0, 0, 0, 0, 0, 0, NOWHERE, NOWHERE, NOWHERE]
    assert valley.grouped_by_distance(50) == [NOWHERE] * 9


def test_a_house_between_two_groups_goes_to_the_one_met_first(monkeypatch: pytest.MonkeyPatch) -> None:
    chain(monkeypatch, (-60, 0), (-50, 0), (-40, 0), (-50, 5), (0, 0), (60, 0), (50, 0), (40, 0), (50, 5))
    assert valley.grouped_by_distance(40) == [0, 0, 0, 0, 0, 1, 1, 1, 1]


def test_centres_come_to_rest_in_the_middle_of_their_houses() -> None:
    for k in COUNTS:
        for start in STARTS:
            figures = LAB.run(kmeans(k, start))
            assert len(figures["centres"]) == len(figures["sizes"]) == k
            for group, centre in enumerate(figures["centres"]):
                mine = [house for house, its in zip(HOUSES, figures["groups"], strict=True) if its == group]
                for axis in (0, 1):
                    assert centre[axis] == pytest.approx(sum(house[axis] for house in mine) / len(mine))


def test_a_point_reaches_500_m_and_not_a_metre_more(monkeypatch: pytest.MonkeyPatch) -> None:
    assert site("F5") == [1500, 1250]
    assert LAB.run(water("F5", "A1"))["far"][1] == 500
    assert HOMESTEADS[1] in LAB.run(water("F5", "A1"))["served"]
    monkeypatch.setattr(valley, "REACH", 499)
    assert HOMESTEADS[1] not in LAB.run(water("F5", "A1"))["served"]


@pytest.mark.parametrize("choices", [density(100), kmeans(5, 9), water("D10", "F5")])
def test_the_figures_agree_with_each_other_and_survive_the_database(choices: dict[str, Any]) -> None:
    figures = LAB.run(choices)
    assert json.loads(json.dumps([choices, figures])) == [choices, figures]
    assert LAB.run(choices) == figures
    if choices["step"] == "water":
        assert figures["houses"] == len(figures["served"]) == sum(figures["by_place"])
        assert figures["grouped"] + figures["homesteads"] == figures["houses"]
    else:
        assert sum(figures["sizes"]) + figures["groups"].count(NOWHERE) == 155


# Reading a form


def form(choices: Mapping[str, Any], **other: list[str]) -> dict[str, list[str]]:
    sent = {name: [value] for name, value in LAB.fields(dict(choices)).items()}
    return {"csrf_token": ["t" * 90], **sent, **other}


def without(choices: Mapping[str, Any], field: str) -> dict[str, list[str]]:
    return {name: values for name, values in form(choices).items() if name != field}


@pytest.mark.parametrize("choices", [density(80), kmeans(3, 9), water("A1", "O11"), water("D10", "D10")])
def test_a_form_is_read(choices: dict[str, Any]) -> None:
    assert LAB.read(form(choices)) == choices


HUGE = "x" * 10_000_000
PLAN = water("D10", "F5")


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        ({}, "missing-choice"),
        (without(density(80), "step"), "missing-choice"),
        (without(density(80), "eps"), "missing-choice"),
        (without(kmeans(), "k"), "missing-choice"),
        (without(kmeans(), "start"), "missing-choice"),
        (without(PLAN, "column-2"), "missing-site"),
        (without(PLAN, "row-1"), "missing-site"),
        (form(PLAN) | {"row-1": [""]}, "missing-site"),
        (form(PLAN) | {"row-1": []}, "missing-site"),
        (form(density(80)) | {"step": ["map"]}, "not-possible"),
        (form(density(80)) | {"eps": ["90"]}, "not-possible"),
        (form(density(80)) | {"eps": ["८०"]}, "not-possible"),
        (form(density(80)) | {"eps": ["80.0"]}, "not-possible"),
        (form(kmeans()) | {"k": ["155"]}, "not-possible"),
        (form(kmeans()) | {"start": ["-1"]}, "not-possible"),
        (form(PLAN) | {"column-1": ["P"]}, "not-possible"),
        (form(PLAN) | {"column-1": ["AB"]}, "not-possible"),
        (form(PLAN) | {"row-2": ["12"]}, "not-possible"),
        (form(PLAN) | {"row-2": ["0"]}, "not-possible"),
        (form(density(80)) | {"eps": ["80", "100"]}, "given-twice"),
        (form(density(80)) | {"step": ["density", "water"]}, "given-twice"),
        (form(PLAN) | {"column-1": ["A", "A"]}, "given-twice"),
        (form(density(80)) | {"eps": [HUGE]}, "not-possible"),
        (form(PLAN) | {"row-1": [HUGE]}, "not-possible"),
        (form(density(80)) | {"step": [HUGE]}, "not-possible"),
    ],
)
def test_what_nobody_could_have_chosen_is_refused_by_name(sent: Mapping[str, Sequence[str]], code: str) -> None:
    with pytest.raises(BadChoices) as refused:
        LAB.read(sent)
    assert refused.value.code == code
    assert len(str(refused.value)) < 200
    for language in LANGUAGES:
        assert 10 < len(LAB.refusal(language, refused.value)) < 200


def test_fields_of_other_steps_change_nothing() -> None:
    many = {f"column-{number}": ["A"] for number in range(100_000)}
    assert LAB.read(form(density(80)) | form(PLAN) | many | {"step": ["density"]}) == density(80)


# The result


NOTHING = {"distances": "no-distance", "starts": "no-start", "water": "no-plan"}


@pytest.mark.parametrize(
    ("made", "why"),
    [
        ([], {}),
        ([density(100)], {"distances": "few-distances"}),
        ([density(100), density(100), density(100)], {"distances": "few-distances"}),
        ([density(100), density(200)], {"distances": "few-distances"}),
        ([density(150), density(200), density(300)], {"distances": "no-short-distance"}),
        ([density(150), density(200), density(300), density(80)], {"distances": ""}),
        ([density(80), density(100), density(500)], {"distances": ""}),
        ([kmeans(4, 7)], {"starts": "one-start"}),
        ([kmeans(4, 7), kmeans(4, 7)], {"starts": "one-start"}),
        ([kmeans(4, 7), kmeans(5, 1)], {"starts": "one-start"}),
        ([kmeans(4, 7), kmeans(5, 1), kmeans(4, 1)], {"starts": ""}),
        ([water("D10", "G4")], {"water": "few-homesteads"}),
        ([water("E8", "E8")], {"water": "few-houses"}),
        ([water("D10", "F5")], {"water": ""}),
        ([water("D10", "F5"), water("A1", "A1")], {"water": ""}),
    ],
)
def test_what_is_still_to_do_follows_from_the_runs(made: list[dict[str, Any]], why: dict[str, str]) -> None:
    runs, why = ran(*made), NOTHING | why
    for language in LANGUAGES:
        tasks = LAB.todo(language, runs)
        assert {task["code"]: task["why"] for task in tasks} == why
        assert all(task["text"] and bool(task["why_text"]) == bool(task["why"]) for task in tasks)
        assert all("{" not in task["why_text"] for task in tasks)
        assert [task["state"] for task in tasks] == ["missing" if reason else "met" for reason in why.values()]
    assert LAB.reached(runs) is False


def test_the_result_is_reached_in_any_order_and_not_lost() -> None:
    runs = ran(*LAB.sample_runs("en"))
    assert LAB.reached(runs[::-1])
    assert LAB.reached([*runs, *ran(water("A1", "A1"), density(500))])
    assert not any(LAB.reached(runs[:count]) for count in range(len(runs)))


def test_a_plan_counts_from_45_houses_and_2_homesteads_on() -> None:
    """Stored figures decide, whatever data they were computed from."""
    *others, (choices, figures) = ran(*LAB.sample_runs("en"))
    others = [run for run in others if run[0]["step"] != "water"]
    for houses, homesteads, reached in ((45, 2, True), (44, 2, False), (45, 1, False), (155, 8, True)):
        plan = (choices, figures | {"houses": houses, "homesteads": homesteads})
        assert LAB.reached([*others, plan]) is reached


def test_what_is_missing_is_told_in_the_officers_own_numbers() -> None:
    whys = [
        task["why_text"] for task in LAB.todo("en", ran(density(200), density(100), kmeans(5, 9), water("D10", "G4")))
    ]
    assert whys[0].startswith("So far: 100, 200\u00a0m.")
    assert whys[1] == "You drew 5 groups from start 9. Keep the 5 groups and choose another start."
    assert whys[2].startswith("Your last plan: 58 houses, homesteads among them: 0.")


# What the page is given


@pytest.mark.parametrize("language", LANGUAGES)
def test_before_the_first_run_there_is_a_plain_map(language: str) -> None:
    view = LAB.view(language, [])
    assert (view["language"], view["reached"], view["distance"], view["count"], view["start"]) == (
        *(language, False, 100),
        *(4, 7),
    )
    assert [view["steps"][step]["ran"] for step in STEPS] == [False] * 3
    assert all(view["steps"][step]["picture"] for step in STEPS)
    assert view["sites"] == ["", ""]
    assert len(json.dumps(view["data"])) < 8_000


def test_the_view_goes_on_from_the_latest_run_of_each_step() -> None:
    view = LAB.view("en", ran(density(200), kmeans(5, 1), water("D10", "F5"), density(80), density(200), density(100)))
    density_, kmeans_, water_ = (view["steps"][step] for step in STEPS)
    assert density_["says"]["headline"] == "6 groups, 12 houses left out"
    assert [row["cells"] for row in density_["tables"]["tried"]] == [
        ["80\u00a0m", "14", "24", "8", "28"],
        ["100\u00a0m", "6", "12", "8", "102"],
        ["200\u00a0m", "4", "8", "8", "120"],
    ]
    assert density_["tables"]["homesteads"][6]["cells"] == ["H7", "501\u00a0m", "80, 100, 200\u00a0m"]
    assert kmeans_["says"]["headline"] == "The road settlement is cut into 2 parts: 46 + 44"
    assert "up to 1,085\u00a0m from its centre" in kmeans_["says"]["detail"]
    assert water_["says"]["all-detail"] == "houses reached (36.1\u00a0%), points at D10, F5"
    assert water_["says"]["grouped-detail"].endswith("(36.7\u00a0%)")
    assert (view["distance"], view["count"], view["start"], view["sites"]) == (100, 5, 1, ["D10", "F5"])


def test_each_group_on_the_map_has_a_look_of_its_own() -> None:
    figures = LAB.run(density(80))
    marks = [one for one in valley.density_picture(80, figures) if one["css"].startswith("mark g")]
    shapes = [re.sub(r"M\d+ \d+", "", mark["d"]).split("z")[0] for mark in marks]
    assert len({(mark["css"], shape) for mark, shape in zip(marks, shapes, strict=True)}) == 14
    assert len({("hollow" in mark["css"], shape) for mark, shape in zip(marks, shapes, strict=True)}) == 14


def test_a_reader_of_a_third_language_is_given_english() -> None:
    runs = ran(density(100))
    assert LAB.view("mni-Mtei", runs)["steps"] == LAB.view("en", runs)["steps"]


def test_only_the_latest_plans_are_listed() -> None:
    view = LAB.view("en", ran(*(water("A1", name) for name in SITES[:30])))
    rows = [row["cells"][0] for row in view["steps"]["water"]["tables"]["tried"]]
    assert rows == [f"A1, {name}" for name in SITES[10:30]]
