"""The hamlets' page groups, counts and draws what the server does, saves it, and works without scripts."""

from __future__ import annotations

import json
import random
from typing import Any
from urllib.parse import parse_qs

import pytest
from playwright.sync_api import Page, expect

from elearn.domain.labs import LABS, Run
from elearn.domain.labs.chance import mulberry32
from elearn.domain.labs.hamlets import COUNTS, DISTANCES, LANGUAGES, STARTS, STEPS
from elearn.domain.labs.valley import COLUMNS, ROWS
from tests.browser.labs import SITE, Open, all_text, differences, figures_in_page

NAME = "hamlets"
LAB = LABS[NAME]
ALL_SETTINGS = [
    *({"step": "density", "eps": eps} for eps in DISTANCES),
    *({"step": "kmeans", "k": k, "start": start} for k in COUNTS for start in STARTS),
]


def some_choices(chance: random.Random) -> dict[str, Any]:
    """Anything an officer could choose; mostly plans, because there are most of them."""
    if chance.random() < 0.25:
        return dict(chance.choice(ALL_SETTINGS))
    return {"step": "water", "sites": [chance.choice(COLUMNS) + chance.choice(ROWS) for _ in range(2)]}


def ran(*made: dict[str, Any]) -> tuple[Run, ...]:
    return tuple((choices, LAB.run(choices)) for choices in made)


def drawn(page: Page) -> list[str]:
    """The maps as they stand in the page."""
    script = "all => all.map(({ children }) => [...children].map((one) => one.outerHTML.replaceAll('\"', '')))"
    maps: list[str] = page.locator("[data-drawn]").evaluate_all(script)
    return maps


@pytest.mark.browser
@pytest.mark.parametrize("language", LANGUAGES)
def test_page_and_server_agree_on_500_random_runs(open_lab: Open, language: str) -> None:
    page, _ = open_lab(NAME, language)
    chance = random.Random(f"agree-{language}")
    made = [*ALL_SETTINGS, *(some_choices(chance) for _ in range(500 - len(ALL_SETTINGS)))]
    told = figures_in_page(page, NAME, language, made)
    for choices, figures in zip(made, told, strict=True):
        assert differences(LAB.run(choices), figures) == [], choices
    assert len({str(figures) for figures in told}) > 300


@pytest.mark.browser
@pytest.mark.parametrize("language", LANGUAGES)
def test_page_and_server_show_the_same_after_any_runs(open_lab: Open, language: str) -> None:
    """Sentences, tables and maps, to the letter."""
    page, _ = open_lab(NAME, language)
    chance = random.Random(f"shown-{language}")
    for _history in range(8):
        made = [*(some_choices(chance) for _ in range(25)), *chance.sample(ALL_SETTINGS, 10)]
        view = LAB.view(language, ran(*made))
        for step in STEPS:
            latest = next(choices for choices in reversed(made) if choices["step"] == step)
            script = f"""async ([data, latest]) => {{
                const lab = await import("/static/labs/{NAME}.js");
                return JSON.stringify(lab.shown(data, latest, data.tried[latest.step]));
            }}"""
            shown = json.loads(page.evaluate(script, [view["data"], latest]))
            server = {name: view["steps"][step][name] for name in ("says", "picture", "tables")}
            assert differences(json.loads(json.dumps(server)), shown) == []


@pytest.mark.browser
def test_page_and_server_draw_the_same_by_chance(open_lab: Open) -> None:
    page, _ = open_lab(NAME)
    script = """async (seeds) => {
        const { mulberry32 } = await import("/static/labs/frame.js");
        return seeds.map((seed) => { const draw = mulberry32(seed); return [draw(), draw(), draw()]; });
    }"""
    seeds = [0, 1, 7, 160916, 2**31, 2**32 - 1]
    draws = [mulberry32(seed) for seed in seeds]
    assert page.evaluate(script, seeds) == [[draw() for _ in range(3)] for draw in draws]


@pytest.mark.browser
@pytest.mark.parametrize("language", LANGUAGES)
def test_an_officer_reaches_the_result_by_keyboard_alone(open_lab: Open, language: str) -> None:
    page, site = open_lab(NAME, language)
    part = {step: page.locator(f"[data-step={step}]") for step in STEPS}

    def choose(step: str, name: str, *keys: str) -> None:
        part[step].locator(f"[name={name}]").focus()
        for key in keys:
            page.keyboard.press(key)

    def go(step: str) -> None:
        part[step].locator("button").press("Enter")
        expect(part[step].locator("[data-saved]")).to_contain_text(":")

    part["density"].locator("[name=eps]").focus()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")  # 100 m is chosen already
    expect(part["density"].locator("[data-headline]")).to_contain_text("12")
    for distance in ("ArrowDown", "ArrowDown"):
        choose("density", "eps", distance)
        go("density")
    expect(part["density"].locator("[data-headline]")).to_contain_text("8")
    expect(page.locator("[data-task=distances]")).to_have_class("met")
    assert part["density"].locator("[data-rows=tried] tr").count() == 3

    go("kmeans")
    expect(part["kmeans"].locator("[data-headline]")).to_contain_text("28 + 33 + 29")
    choose("kmeans", "start", "ArrowUp")
    go("kmeans")
    expect(page.locator("[data-task=starts]")).to_have_class("met")
    expect(page.locator("[data-reached]")).to_be_hidden()

    for name, value in (("column-1", "D"), ("row-1", "10"), ("column-2", "F"), ("row-2", "5")):
        choose("water", name, *value)
        expect(part["water"].locator(f"[name={name}]")).to_have_value(value)
    go("water")
    expect(part["water"].locator("[data-all]")).to_contain_text("56")
    expect(page.locator("[data-reached]")).to_be_visible()
    assert [run[0] for run in site.runs] == [
        *({"step": "density", "eps": eps} for eps in (100, 150, 200)),
        *({"step": "kmeans", "k": 4, "start": start} for start in (7, 2)),
        {"step": "water", "sites": ["D10", "F5"]},
    ]
    assert LAB.reached(site.runs)


@pytest.mark.browser
@pytest.mark.parametrize("language", LANGUAGES)
def test_the_script_draws_the_same_page_as_the_server(open_lab: Open, language: str) -> None:
    """Drawn by the script, and read again from the server after the runs were saved, everything reads the same."""
    earlier = ({"step": "density", "eps": 500}, {"step": "kmeans", "k": 6, "start": 9})
    page, site = open_lab(NAME, language, ran(*earlier, {"step": "water", "sites": ["A1", "O11"]}))
    page.locator("[name=eps]").select_option("80")
    page.locator("[name=k]").select_option("4")
    for name, value in (("column-1", "D"), ("row-1", "10"), ("column-2", "F"), ("row-2", "5")):
        page.locator(f"[name={name}]").select_option(value)
    for step in STEPS:
        page.locator(f"[data-step={step}] button").click()
        expect(page.locator(f"[data-step={step}] [data-saved]")).to_contain_text(":")
        page.locator(f"[data-step={step}] [data-saved]").evaluate("(told) => { told.textContent = ''; }")
    text, maps = all_text(page), drawn(page)
    page.goto(SITE)
    expect(page.locator("[data-map]")).to_be_visible()
    assert len(site.runs) == 6
    assert all_text(page) == text
    assert drawn(page) == maps
    assert page.locator(".lab-mark").count() == 14 + 4


@pytest.mark.browser
def test_a_touch_on_the_map_moves_a_point_and_the_map_follows(open_lab: Open) -> None:
    page, site = open_lab(NAME)
    part = page.locator("[data-step=water]")

    def touch(east: int, south: int) -> None:
        frame = part.locator("[data-map] rect")
        frame.scroll_into_view_if_needed()
        box = frame.bounding_box()
        assert box
        page.mouse.click(box["x"] + box["width"] * east / 4000, box["y"] + box["height"] * south / 3000)

    touch(1060, 2440)
    expect(part.locator("[name=column-1]")).to_have_value("D")
    expect(part.locator("[name=row-1]")).to_have_value("10")
    expect(part.locator("[name=tap]").nth(1)).to_be_checked()  # the other point has no place yet
    assert part.locator("[data-drawn] .letter").all_text_contents() == ["P1"]
    touch(1750, 1000)
    touch(1510, 1330)
    assert part.locator("[data-drawn] .letter").all_text_contents() == ["P1", "P2"]
    part.locator("[name=tap]").first.check()
    touch(5, 5)
    expect(part.locator("[name=column-1]")).to_have_value("A")
    touch(1000, 2500)
    assert site.bodies == []
    part.locator("button").click()
    expect(part.locator("[data-homesteads]")).to_have_text("2 of 8")
    expect(part.locator("[data-saved]")).to_contain_text("Saved")
    assert [run[0]["sites"] for run in site.runs] == [["D10", "F5"]]


@pytest.mark.browser
def test_what_is_typed_never_leaves_the_page(open_lab: Open) -> None:
    page, site = open_lab(NAME)
    page.locator("#lab-sign").fill("zanzibar")
    for name in ("column-1", "row-1", "column-2", "row-2"):
        page.locator(f"[name={name}]").select_option(index=3)
    for step in STEPS:
        page.locator(f"[data-step={step}] button").click()
        expect(page.locator(f"[data-step={step}] [data-saved]")).to_contain_text("Saved")
    names = [set(parse_qs(body)) for body in site.bodies]
    common = {"csrf_token", "step"}
    assert names == [
        {*common, "eps"},
        {*common, "k", "start"},
        {*common, "column-1", "row-1", "column-2", "row-2"},
    ]
    assert not any("zanzibar" in body for body in site.bodies)


@pytest.mark.browser
def test_without_the_network_runs_wait_and_are_then_saved(open_lab: Open) -> None:
    """The line beside the button pressed last tells of all that wait."""
    page, site = open_lab(NAME)
    site.away = True
    lines = [page.locator(f"[data-step={step}] [data-saved]") for step in ("density", "kmeans")]
    page.locator("[data-step=density] button").click()
    expect(lines[0]).to_contain_text("waiting for the network: 1")
    page.locator("[data-step=kmeans] button").click()
    expect(lines[1]).to_contain_text("waiting for the network: 2")
    expect(lines[0]).to_have_text("")
    expect(page.locator("[data-step=kmeans] [data-headline]")).to_contain_text("28 + 33 + 29")
    site.away = False
    page.evaluate("dispatchEvent(new Event('online'))")
    expect(lines[1]).to_contain_text("Saved")
    assert [run[0]["step"] for run in site.runs] == ["density", "kmeans"]


@pytest.mark.browser
def test_a_plan_without_both_sites_is_not_sent(open_lab: Open) -> None:
    page, site = open_lab(NAME)
    page.locator("[name=column-1]").select_option("D")
    page.locator("[data-step=water] button").click()
    expect(page.locator("[name=row-1]")).to_be_focused()
    assert site.bodies == []


@pytest.mark.browser
@pytest.mark.parametrize("language", LANGUAGES)
def test_without_scripts_the_forms_do_the_same(open_lab: Open, language: str) -> None:
    page, site = open_lab(NAME, language, java_script_enabled=False)
    assert page.locator("[name=tap]").first.is_hidden()
    for choices in LAB.sample_runs(language):
        part = page.locator(f"[data-step={choices['step']}]")
        for name, value in LAB.fields(choices).items():
            if name != "step":
                part.locator(f"[name={name}]").select_option(value)
        part.locator("button").click()
    expect(page.locator("[data-reached]")).to_be_visible()
    expect(page.locator("[data-homesteads]")).to_contain_text("2")
    assert [run[0] for run in site.runs] == LAB.sample_runs(language)
    expect(page.locator("[name=eps]")).to_have_value("200")
    assert page.locator("[data-step=water] [data-rows=tried] tr").count() == 2
