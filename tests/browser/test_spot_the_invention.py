"""The page of "Spot the invention" adds up what the server marked, holds no key, and works without scripts."""

from __future__ import annotations

import random
from typing import Any
from urllib.parse import parse_qs

import pytest
from markupsafe import escape
from playwright.sync_api import Page, expect

from elearn.domain.labs import LABS
from elearn.domain.labs.spot_the_invention import LANGUAGES, LINES, MARKS, STATEMENTS
from tests.browser.labs import SITE, Open, all_text, differences, figures_in_page, rendered

NAME = "spot-the-invention"
LAB = LABS[NAME]


def some_choices(chance: random.Random, language: str) -> dict[str, Any]:
    """Anything an officer could choose, from marks thrown by dice to all right."""
    care = chance.random()
    marks = {
        row["id"]: [row["mark"], row["line"]]
        if chance.random() < care
        else [chance.choice(MARKS), chance.choice(LINES)]
        for row in STATEMENTS
    }
    return {"language": language, "marks": marks}


@pytest.mark.browser
@pytest.mark.parametrize("language", LANGUAGES)
def test_page_and_server_make_the_same_sums_of_500_random_runs(open_lab: Open, language: str) -> None:
    """The page cannot mark, because it holds no key; what it makes of the server's marks must agree."""
    page, _ = open_lab(NAME, language)
    chance = random.Random(f"agree-{language}")
    server = [LAB.run(some_choices(chance, language)) for _ in range(500)]
    told = figures_in_page(page, NAME, language, [figures["marks"] for figures in server])
    for figures, sums in zip(server, told, strict=True):
        expected = {key: value for key, value in figures.items() if key != "marks"}
        assert differences(expected, sums) == []
    assert len({figures["points"] for figures in server}) > 10


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_before_a_run_holds_no_key(language: str) -> None:
    """Every statement's controls are the same but for its name, and no reason or hint is there."""
    page = rendered(NAME, lab=LAB.view(language, []))
    parts = page.split("<fieldset")[1:]
    plain = {
        part.split("</fieldset>")[0]
        .replace(row["id"], "id")
        .replace(escape(row["text"][language]), "text")
        .split("</small>")[1]
        for row, part in zip(STATEMENTS, parts, strict=True)
    }
    assert len(plain) == 1
    assert " checked" not in plain.pop()
    for row in STATEMENTS:
        for secret in (row["why"][language], row["hint"][language]):
            assert secret not in page
            assert escape(secret) not in page


def mark(page: Page, statement: str, kind: str, line: int) -> None:
    page.locator(f"[name=mark-{statement}][value={kind}]").check()
    page.locator(f"[name=line-{statement}]").select_option(str(line))


@pytest.mark.browser
@pytest.mark.parametrize("language", LANGUAGES)
def test_an_officer_reaches_the_result_by_keyboard_alone(open_lab: Open, language: str) -> None:
    page, site = open_lab(NAME, language)
    page.locator(".lab-source").focus()
    for row in STATEMENTS:
        page.keyboard.press("Tab")
        page.keyboard.press("Space")
        for _ in range(MARKS.index(row["mark"])):
            page.keyboard.press("ArrowDown")
        expect(page.locator(f"[name=mark-{row['id']}][value={row['mark']}]")).to_be_focused()
        page.keyboard.press("Tab")
        for _ in range(row["line"]):
            page.keyboard.press("ArrowDown")
        expect(page.locator(f"[name=line-{row['id']}]")).to_have_value(str(row["line"]))
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("[data-headline]")).to_contain_text("10")
    expect(page.locator("[data-reached]")).to_be_visible()
    expect(page.locator("[data-statement=s02] [data-reason]")).to_have_text(
        LAB.run(site.runs[0][0])["marks"][1]["told"]
    )
    assert LAB.reached(site.runs)


@pytest.mark.browser
def test_a_focused_control_is_not_hidden_behind_the_circular(open_lab: Open) -> None:
    page, _ = open_lab(NAME, viewport={"width": 360, "height": 740}, reduced_motion="reduce")
    page.locator("form .button").focus()
    for _ in range(20):
        page.keyboard.press("Shift+Tab")
        top, source = page.evaluate(
            "[document.activeElement.getBoundingClientRect().top, "
            "document.querySelector('.lab-source').getBoundingClientRect().bottom]"
        )
        assert top >= source


@pytest.mark.browser
@pytest.mark.parametrize("language", LANGUAGES)
def test_the_script_draws_the_same_page_as_the_server(open_lab: Open, language: str) -> None:
    first = some_choices(random.Random("first"), language)
    page, site = open_lab(NAME, language, ((first, LAB.run(first)),))
    for number, row in enumerate(STATEMENTS):
        mark(page, row["id"], *(("supported", 1) if number < 4 else (row["mark"], row["line"])))
    page.locator("form .button").click()
    expect(page.locator("[data-saved]")).to_contain_text(":")
    page.locator("[data-saved]").evaluate("(told) => { told.textContent = ''; }")
    drawn = all_text(page)
    page.goto(SITE)
    expect(page.locator("[data-print]")).to_be_visible()
    assert len(site.runs) == 2
    assert all_text(page) == drawn
    assert STATEMENTS[3]["hint"][language] in drawn
    assert STATEMENTS[9]["why"][language] in drawn


@pytest.mark.browser
def test_what_was_told_of_a_mark_goes_when_the_mark_changes(open_lab: Open) -> None:
    trusting = LAB.sample_runs("en")[0]
    page, _ = open_lab(NAME, "en", ((trusting, LAB.run(trusting)),))
    expect(page.locator("[data-statement=s02] [data-told]")).to_contain_text("wrong “supported”")
    page.locator("[name=mark-s02][value=contradicted]").check()
    expect(page.locator("[data-statement=s02] [data-told]")).to_be_hidden()
    expect(page.locator("[data-statement=s03] [data-told]")).to_be_visible()


@pytest.mark.browser
def test_what_is_typed_never_leaves_the_page(open_lab: Open) -> None:
    page, site = open_lab(NAME)
    page.locator("#lab-reason").fill("zanzibar because")
    for row in STATEMENTS:
        mark(page, row["id"], row["mark"], row["line"])
    page.locator("form .button").click()
    expect(page.locator("[data-saved]")).to_contain_text("saved")
    assert len(site.bodies) == 1
    assert "zanzibar" not in site.bodies[0]
    assert {name.split("-")[0] for name in parse_qs(site.bodies[0])} == {"csrf_token", "language", "mark", "line"}


@pytest.mark.browser
def test_without_the_network_a_run_waits_and_is_then_marked(open_lab: Open) -> None:
    page, site = open_lab(NAME)
    site.away = True
    for row in STATEMENTS:
        mark(page, row["id"], row["mark"], row["line"])
    page.locator("form .button").click()
    expect(page.locator("[data-saved]")).to_have_text("Not checked yet; runs waiting for the network: 1")
    expect(page.locator("[data-after-run]")).to_be_hidden()
    site.away = False
    page.evaluate("dispatchEvent(new Event('online'))")
    expect(page.locator("[data-headline]")).to_have_text("10 of 10 points")
    expect(page.locator("[data-reached]")).to_be_visible()


@pytest.mark.browser
def test_a_form_without_all_marks_is_not_sent(open_lab: Open) -> None:
    page, site = open_lab(NAME)
    page.locator("form .button").click()
    expect(page.locator("[name=mark-s01]").first).to_be_focused()
    assert site.bodies == []


@pytest.mark.browser
@pytest.mark.parametrize("language", LANGUAGES)
def test_without_scripts_the_form_does_the_same(open_lab: Open, language: str) -> None:
    page, site = open_lab(NAME, language, java_script_enabled=False)
    for choices in LAB.sample_runs(language):
        for statement, (kind, line) in choices["marks"].items():
            mark(page, statement, kind, line)
        page.locator("form .button").click()
        expect(page.locator("[data-headline]")).not_to_be_empty()
    expect(page.locator("[data-reached]")).to_be_visible()
    assert page.locator("[data-runs] tr").count() == 2
    assert LAB.reached(site.runs)
