"""The page on similar cases ranks as the server ranks, saves what was chosen, and works without scripts."""

from __future__ import annotations

import random
from typing import Any
from urllib.parse import parse_qs

import pytest
from playwright.sync_api import Page, expect

from elearn.domain.labs import LABS
from elearn.domain.labs.note_search import LANGUAGES, WAYS
from elearn.domain.labs.similar_cases import CHECKS, DECIDING, ON_POINT
from tests.browser.labs import SITE, Open, all_text, differences, figures_in_page

NAME = "similar-cases"
LAB = LABS[NAME]


def choices(query: str = "en", by: str = "count", **given: Any) -> dict[str, Any]:
    bare = {"stop": False, "stem": False, "marks": [], "nearest": "", "precision": None, "checks": []}
    return {"query": query, "by": by, **bare, **given}


def some_choices(chance: random.Random) -> dict[str, Any]:
    """Anything an officer could choose and answer."""
    return {
        "query": chance.choice(LANGUAGES),
        "by": chance.choice(WAYS),
        "stop": chance.random() < 0.5,
        "stem": chance.random() < 0.5,
        "marks": sorted(chance.sample([*range(1, 61), *ON_POINT * 9], chance.randrange(6))),
        "nearest": chance.choice(["", *DECIDING]),
        "precision": chance.choice([None, 0, 20, 40, 60, 33, 100]),
        "checks": [check for check in CHECKS if chance.random() < 0.4],
    }


def search(page: Page, by: str, query: str = "en", *switches: str) -> None:
    """Presses the search's button with these settings, by keyboard."""
    page.locator(f"input[name='by'][value='{by}']").focus()
    page.keyboard.press("Space")
    page.locator(f"input[name='query'][value='{query}']").focus()
    page.keyboard.press("Space")
    for switch in ("stop", "stem"):
        box = page.locator(f"input[name='{switch}']")
        if box.is_checked() != (switch in switches):
            box.press("Space")
    page.locator("form button").first.press("Enter")


def first_five(page: Page) -> list[int]:
    return [int(row.get_attribute("data-note") or 0) for row in page.locator("[data-first] > li").all()]


@pytest.mark.browser
@pytest.mark.parametrize("language", LANGUAGES)
def test_page_and_server_agree_on_500_random_runs(open_lab: Open, language: str) -> None:
    page, _ = open_lab(NAME, language)
    chance = random.Random(f"agree-{language}")
    ranked = set()
    for _batch in range(10):
        made = [some_choices(chance) for _ in range(50)]
        for choice, figures in zip(made, figures_in_page(page, NAME, language, made), strict=True):
            assert differences(LAB.run(choice), figures) == [], choice
            ranked.add(tuple(figures["order"]))
    # By meaning the two languages' vectors differ a little; all 18 searches were met.
    assert len(ranked) == 18


@pytest.mark.browser
@pytest.mark.parametrize("language", LANGUAGES)
def test_an_officer_reaches_the_result_by_keyboard_alone(open_lab: Open, language: str) -> None:
    page, site = open_lab(NAME, language)
    words = LAB.view(language, [])["words"]
    check = page.get_by_role("button", name=words["check"])
    expect(check.first).to_be_hidden()

    search(page, "count")
    expect(page.locator("[data-headline]")).to_contain_text("18")
    expect(page.locator("[data-saved]")).to_contain_text(":")
    assert first_five(page) == [18, 2, 43, 25, 4]
    search(page, "weights", "en", "stop", "stem")
    assert first_five(page) == [18, 16, 25, 31, 35]
    page.locator("[data-note='18'] summary").press("Enter")
    expect(page.locator("[data-note='18'] details p")).to_be_visible()
    for note in (16, 35):
        page.locator(f"input[name='mark-{note}']").press("Space")
    page.locator("#lab-nearest").press("ArrowDown")
    expect(page.locator("#lab-nearest")).to_have_value("rate")
    page.locator("#lab-precision").press_sequentially("40")
    page.keyboard.press("Enter")
    expect(page.locator("[data-told='nearest']")).to_have_class("told good")
    expect(page.locator("[data-told='precision']")).to_have_class("told good")
    expect(page.locator("[data-task='trap']")).to_have_class("met")
    expect(page.locator("[data-task='miss']")).to_have_class("miss")

    search(page, "meaning", "en", "stop", "stem")
    assert first_five(page) == [52, 16, 44, 2, 35]
    expect(page.locator("#lab-precision")).to_have_value("")
    expect(page.locator("[data-told='precision']")).to_be_hidden()
    page.locator("input[name='mark-52']").press("Space")
    page.locator("#lab-precision").press_sequentially("60")
    for right in ("exists", "good-law"):
        page.locator(f"input[name='check-{right}']").press("Space")
    expect(page.locator("[data-reached]")).to_be_hidden()
    check.last.press("Enter")
    expect(page.locator("[data-reached]")).to_be_visible()
    expect(page.locator("[data-told='marks']")).to_have_class("told good")
    assert page.locator("[data-tried] tr").count() == 3
    assert LAB.reached(site.runs)
    assert [choice["precision"] for choice, _ in site.runs] == [None, None, 40, None, 60]


@pytest.mark.browser
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("by", WAYS)
def test_the_script_draws_the_same_page_as_the_server(open_lab: Open, language: str, by: str) -> None:
    """Drawn by the script, and read again from the server after it was saved, the result reads the same."""
    before = choices(language, "weights", stem=True, marks=[16], precision=40)
    page, site = open_lab(NAME, language, ((before, LAB.run(before)),))
    search(page, by, "hi", "stop", "stem")
    page.locator("details:has([data-others]) > summary").click()
    for note in (18, 52):
        page.locator(f"input[name='mark-{note}']").check()
    page.locator("#lab-nearest").select_option("rate")
    page.locator("#lab-precision").fill("20")
    page.locator("input[name='check-exists']").check()
    page.locator("form button").last.click()
    expect(page.locator("[data-told='marks']")).to_contain_text("2")
    expect(page.locator("[data-task='checks'] [data-why]")).not_to_have_text(LAB.todo(language, [])[4]["why_text"])
    page.locator("[data-saved]").evaluate("(told) => { told.textContent = ''; }")
    drawn = all_text(page)
    page.goto(SITE)
    expect(page.locator("[data-print]")).to_be_visible()
    assert len(site.runs) == 3
    assert all_text(page) == drawn
    assert first_five(page) == site.runs[-1][1]["order"][:5]


@pytest.mark.browser
def test_the_script_reads_the_notes_from_the_page(open_lab: Open) -> None:
    """They stand there once, in whatever order the latest search left them; the data of the page have none."""
    given = choices("hi", "weights")
    page, _ = open_lab(NAME, "en", ((given, LAB.run(given)),))
    assert "notes" not in page.evaluate("JSON.parse(document.querySelector('[type=\"application/json\"]').textContent)")
    search(page, "weights", "en", "stop")
    assert first_five(page) == [18, 16, 25, 31, 2]


@pytest.mark.browser
def test_what_is_typed_never_leaves_the_page(open_lab: Open) -> None:
    page, site = open_lab(NAME)
    page.locator("#lab-note").fill("zanzibar note")
    search(page, "count")
    expect(page.locator("[data-saved]")).to_contain_text("Saved")
    page.locator("#lab-precision").fill("0")
    page.locator("form button").last.click()
    expect(page.locator("[data-told='precision']")).to_contain_text("Right: 0 of the first five")
    expect(page.locator("[data-task='precision']")).to_contain_text("Now search by meaning")
    assert len(site.bodies) == 2
    assert "zanzibar" not in "".join(site.bodies)
    sent = parse_qs(site.bodies[1], keep_blank_values=True)
    assert set(sent) == {"csrf_token", "seen", "by", "query", "nearest", "precision"}


@pytest.mark.browser
def test_an_answer_about_another_ranking_does_not_count(open_lab: Open) -> None:
    page, site = open_lab(NAME)
    search(page, "count")
    page.locator("#lab-precision").fill("0")
    page.locator("input[name='by'][value='weights']").check()
    page.locator("form button").last.click()
    expect(page.locator("#lab-precision")).to_have_value("")
    expect(page.locator("[data-told='precision']")).to_be_hidden()
    assert first_five(page) == [18, 16, 58, 25, 31]
    expect(page.locator("[data-saved]")).to_contain_text("Saved")
    assert [choice["precision"] for choice, _ in site.runs] == [None, None]


@pytest.mark.browser
def test_a_sixth_tick_is_not_taken(open_lab: Open) -> None:
    page, _ = open_lab(NAME)
    page.locator("details:has([data-others]) > summary").click()
    for note in range(1, 6):
        page.locator(f"input[name='mark-{note}']").check()
    page.locator("input[name='mark-6']").click()
    expect(page.locator("input[name='mark-6']")).not_to_be_checked()
    expect(page.locator("[data-too-many]")).to_contain_text("At most five")
    page.locator("input[name='mark-5']").uncheck()
    page.locator("input[name='mark-6']").check()
    expect(page.locator("[data-too-many]")).to_have_text("")


@pytest.mark.browser
def test_without_the_network_searches_wait_and_are_then_saved(open_lab: Open) -> None:
    page, site = open_lab(NAME)
    site.away = True
    search(page, "count")
    search(page, "meaning")
    assert first_five(page) == [52, 16, 44, 2, 35]
    expect(page.locator("[data-saved]")).to_have_text("Not saved yet; waiting for the network: 2")
    site.away = False
    page.evaluate("dispatchEvent(new Event('online'))")
    expect(page.locator("[data-saved]")).to_contain_text("Saved")
    expect(page.locator("[data-task='miss']")).to_contain_text("stands among the first five")
    assert [choice["by"] for choice, _ in site.runs] == ["count", "meaning"]


@pytest.mark.browser
@pytest.mark.parametrize("language", LANGUAGES)
def test_without_scripts_the_form_does_the_same(open_lab: Open, language: str) -> None:
    page, site = open_lab(NAME, language, java_script_enabled=False)
    assert page.locator("[data-print]").is_hidden()

    def send(button: int, by: str, nearest: str = "", precision: str = "") -> None:
        page.locator(f"input[name='by'][value='{by}']").check()
        if nearest:
            page.locator("#lab-nearest").select_option(nearest)
            page.locator("#lab-precision").fill(precision)
        page.locator("form button").nth(button).click()

    first = {"en": ("18", "0"), "hi": ("57", "20")}[language]
    send(0, "count")
    expect(page.locator("[data-headline]")).to_contain_text(first[0])
    send(1, "count", "rate", first[1])
    expect(page.locator("[data-told='precision']")).to_have_class("told good")
    send(0, "meaning")
    expect(page.locator("#lab-precision")).to_have_value("")
    for note in ON_POINT:
        page.locator(f"input[name='mark-{note}']").check()
    for right in ("exists", "good-law"):
        page.locator(f"input[name='check-{right}']").check()
    send(2, "meaning", "start", "60")
    expect(page.locator("[data-reached]")).to_be_visible()
    assert page.locator("[data-tried] tr").count() == 2
    assert LAB.reached(site.runs)


@pytest.mark.browser
def test_whoever_sends_from_a_tick_keeps_her_place_when_the_note_moves(open_lab: Open) -> None:
    page, _ = open_lab(NAME)
    search(page, "count")
    box = page.locator("input[name='mark-18']")
    page.locator("input[name='by'][value='weights']").check()
    box.press("Enter")
    assert first_five(page) == [18, 16, 58, 25, 31]
    expect(box).to_be_focused()
    page.locator("input[name='by'][value='meaning']").check()
    box.press("Enter")
    assert first_five(page) == [52, 16, 44, 2, 35]
    expect(page.locator("[data-others-title]")).to_be_focused()
