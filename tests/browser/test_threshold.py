"""The threshold explorer's page computes what the server computes, follows each move, and works without scripts."""

from __future__ import annotations

import random
from typing import Any
from urllib.parse import parse_qs

import pytest
from playwright.sync_api import Page, expect

from elearn.domain.labs import LABS
from elearn.domain.labs.threshold import FIRST, LANGUAGES, LINES
from tests.browser.labs import SITE, Open, all_text, differences, figures_in_page, sample_history

NAME = "threshold"
LAB = LABS[NAME]
PICTURE = ("[data-curve]", "points"), ("[data-yours]", "d"), ("[data-cheapest]", "cx"), ("[data-cheapest]", "cy")


def some_choices(chance: random.Random) -> dict[str, Any]:
    """Anything an officer could choose, ties and empty boxes among it."""
    price = lambda: 100 * chance.choice((0, chance.randint(0, 60), chance.randint(0, 1000)))  # noqa: E731
    threshold = chance.choice((chance.choice(LINES), chance.choice((1, 29, 57, 58, 98, 99))))
    people = {"verifiers": chance.randint(1, 50), "days": chance.randint(1, 60)}
    return {"threshold": threshold, "wrong_price": price(), "missed_price": price(), **people}


def shown(page: Page) -> tuple[str, list[str | None], list[list[str]]]:
    """All that the page says, the marks of its picture, and the lengths of its bars."""
    marks = [page.locator(place).get_attribute(name) for place, name in PICTURE]
    bars = page.locator("meter").evaluate_all("(bars) => bars.map((bar) => [bar.max, bar.value].map(String))")
    return all_text(page), marks, bars


def set_number(page: Page, field: str, written: str) -> None:
    """By keyboard, as over an old number."""
    page.locator(f"#lab-number-{field}").focus()
    page.keyboard.press("Control+a")
    page.keyboard.type(written)


@pytest.mark.browser
@pytest.mark.parametrize("language", LANGUAGES)
def test_page_and_server_agree_on_500_random_runs(open_lab: Open, language: str) -> None:
    page, _ = open_lab(NAME, language)
    chance = random.Random(f"agree-{language}")
    made = [some_choices(chance) for _ in range(500)]
    told = figures_in_page(page, NAME, language, made)
    for choices, figures in zip(made, told, strict=True):
        assert differences(LAB.run(choices), figures) == [], choices
    assert len({figures["cheapest"] for figures in told}) > 15
    assert len({figures["flagged"] for figures in told}) > 60


@pytest.mark.browser
@pytest.mark.parametrize("language", LANGUAGES)
def test_page_and_server_show_the_same_for_any_plan(open_lab: Open, language: str) -> None:
    """Numbers, sentences, table, curve and bars, drawn as the fields change and drawn by the server."""
    page, site = open_lab(NAME, language)
    chance = random.Random(f"shown-{language}")
    for _ in range(12):
        choices = some_choices(chance)
        site.runs[:] = ()
        page.goto(SITE)
        for field, value in LAB.fields(choices).items():
            page.locator(f"#lab-number-{field}").fill(value)
        page.evaluate("document.querySelector('.lab form').requestSubmit()")
        expect(page.locator("[data-saved]")).to_contain_text(":")
        page.locator("[data-saved]").evaluate("(told) => { told.textContent = ''; }")
        drawn = shown(page)
        assert [run[0] for run in site.runs] == [choices]
        page.goto(SITE)
        assert shown(page) == drawn, choices


@pytest.mark.browser
@pytest.mark.parametrize("language", LANGUAGES)
def test_an_officer_reaches_the_result_by_keyboard_alone(open_lab: Open, language: str) -> None:
    page, site = open_lab(NAME, language)
    record = page.locator("form button")
    page.locator("#lab-number-threshold").focus()
    page.keyboard.press("Tab")
    slider = page.locator("#lab-slider")
    expect(slider).to_be_focused()
    for _ in range(20):
        page.keyboard.press("ArrowLeft")
    expect(page.locator("#lab-number-threshold")).to_have_value("0.30")
    expect(page.locator("[data-shown=live]")).to_contain_text("1,603")
    expect(page.locator("[data-shown=wrong]")).to_have_text("1,218")
    record.press("Enter")
    expect(page.locator("[data-saved]")).to_contain_text(":")

    set_number(page, "threshold", "0.5")
    expect(slider).to_have_value("0.5")
    set_number(page, "wrong_price", "6000")
    page.keyboard.press("Enter")  # from within a field
    expect(page.locator("[data-task='move-cheapest']")).to_have_class("met")
    expect(page.locator("[data-reached]")).to_be_hidden()
    expect(page.locator("[data-visits]")).to_have_class("told bad")

    set_number(page, "threshold", ".74")
    expect(page.locator("[data-visits]")).to_have_class("told good")
    record.press("Enter")
    expect(page.locator("[data-reached]")).to_be_visible()
    expect(page.locator("[data-tasks-done]")).to_contain_text("3/3")
    assert [choices["threshold"] for choices, _ in site.runs] == [30, 50, 74]
    assert LAB.reached(site.runs)
    assert page.locator("[data-runs] tr").count() == 3

    page.locator("#lab-note").focus()
    page.keyboard.type("seven words are in this short note")
    expect(page.locator("[data-note-count]")).to_contain_text("7")
    page.locator("summary").last.press("Enter")
    expect(page.locator("details").last).to_contain_text("0.74")


@pytest.mark.browser
def test_nothing_focused_lies_under_the_line_that_follows_the_page(open_lab: Open) -> None:
    page, _ = open_lab(NAME, "hi", viewport={"width": 320, "height": 480}, reduced_motion="reduce")
    page.locator("#lab-number-threshold").focus()
    for _ in range(12):
        page.keyboard.press("Tab")
        hidden = page.evaluate(
            """() => {
                const [it, bar] = [document.activeElement, document.querySelector(".watch")];
                return !bar.contains(it) && bar.closest("form").contains(it)
                    && it.getBoundingClientRect().bottom > bar.getBoundingClientRect().top;
            }"""
        )
        assert not hidden, page.evaluate("document.activeElement.outerHTML.slice(0, 200)")


@pytest.mark.browser
def test_a_number_out_of_range_moves_nothing_and_is_not_sent(open_lab: Open) -> None:
    page, site = open_lab(NAME)
    for field, written in (("threshold", "1.5"), ("threshold", ""), ("threshold", "0.505"), ("wrong_price", "-1")):
        page.goto(SITE)
        before = shown(page)
        page.locator(f"#lab-number-{field}").fill(written)
        page.locator("form button").click()
        expect(page.locator(f"#lab-number-{field}")).to_be_focused()
        assert shown(page) == before
    assert site.bodies == []


@pytest.mark.browser
@pytest.mark.parametrize("language", LANGUAGES)
def test_the_script_changes_nothing_on_a_page_that_the_server_drew(open_lab: Open, language: str) -> None:
    plain, _ = open_lab(NAME, language, sample_history(NAME, language), java_script_enabled=False)
    scripted, _ = open_lab(NAME, language, sample_history(NAME, language))
    expect(scripted.locator("#lab-slider")).to_have_value("0.74")
    for place in ("[data-shown]", "[data-total]", "[data-top]", "[data-runs] td"):
        assert scripted.locator(place).all_text_contents() == plain.locator(place).all_text_contents()
    for place, name in PICTURE:
        assert scripted.locator(place).get_attribute(name) == plain.locator(place).get_attribute(name)


@pytest.mark.browser
def test_what_is_typed_never_leaves_the_page(open_lab: Open) -> None:
    page, site = open_lab(NAME)
    page.locator("#lab-note").fill("zanzibar and nothing else")
    page.locator("#lab-note").press("Control+Enter")
    page.locator("form button").click()
    expect(page.locator("[data-saved]")).to_contain_text("Saved")
    assert len(site.bodies) == 1
    assert "zanzibar" not in site.bodies[0]
    assert set(parse_qs(site.bodies[0])) == {"csrf_token", *FIRST}


@pytest.mark.browser
def test_without_the_network_it_works_and_plans_are_saved_later(open_lab: Open) -> None:
    page, site = open_lab(NAME)
    site.away = True
    for threshold in ("0.30", "0.70"):
        page.locator("#lab-number-threshold").fill(threshold)
        page.locator("form button").click()
    expect(page.locator("[data-shown=right]")).to_have_text("141")
    expect(page.locator("[data-saved]")).to_have_text("Not saved yet; plans waiting for the network: 2")
    site.away = False
    page.evaluate("dispatchEvent(new Event('online'))")
    expect(page.locator("[data-saved]")).to_contain_text("Saved")
    assert [choices["threshold"] for choices, _ in site.runs] == [30, 70]


@pytest.mark.browser
@pytest.mark.parametrize("language", LANGUAGES)
def test_without_scripts_the_form_does_the_same(open_lab: Open, language: str) -> None:
    page, site = open_lab(NAME, language, java_script_enabled=False)
    assert page.locator("#lab-slider").is_hidden()
    assert page.locator("[data-note-count]").is_hidden()
    for threshold, wrong_price in (("0.3", "0"), ("0.50", "6000"), ("0.74", "6000")):
        page.locator("#lab-number-threshold").fill(threshold)
        page.locator("#lab-number-wrong_price").fill(wrong_price)
        page.locator("form button").click()
    expect(page.locator("[data-shown=flagged]").first).to_have_text("148")
    expect(page.locator("[data-reached]")).to_be_visible()
    assert page.locator("[data-runs] tr").count() == 3
    assert LAB.reached(site.runs)
