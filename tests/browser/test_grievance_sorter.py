"""The grievance sorter's page computes what the server computes, saves it, and works without scripts."""

from __future__ import annotations

import random
from typing import Any
from urllib.parse import parse_qs

import pytest
from playwright.sync_api import expect

from elearn.domain.labs import LABS
from elearn.domain.labs.grievance_sorter import DEPARTMENTS, LANGUAGES, LEARN, tokens
from tests.browser.labs import SITE, Open, all_text, differences, figures_in_page

NAME = "grievance-sorter"
LAB = LABS[NAME]


def right(size: int, language: str = "en") -> dict[str, Any]:
    labels = {complaint.id: complaint.department for complaint in LEARN[:size]}
    return {"language": language, "size": size, "labels": labels}


def some_choices(chance: random.Random, language: str) -> dict[str, Any]:
    """Anything an officer could choose: from all right to labels thrown by dice or all the same."""
    choices = right(chance.choice((12, 24, 48)), language)
    labels, kind = choices["labels"], chance.choice(("few", "few", "dice", "same", "two"))
    if kind == "few":
        labels.update({each: chance.choice(DEPARTMENTS) for each in chance.sample(sorted(labels), chance.randrange(9))})
    else:
        possible = {"dice": 4, "two": 2, "same": 1}[kind]
        few = chance.sample(DEPARTMENTS, possible)
        labels.update({each: chance.choice(few) for each in labels})
    return choices


IMPORT = 'const lab = await import("/static/labs/frame.js");'


@pytest.mark.browser
@pytest.mark.parametrize("language", LANGUAGES)
def test_page_and_server_agree_on_500_random_runs(open_lab: Open, language: str) -> None:
    page, _ = open_lab(NAME, language)
    chance = random.Random(f"agree-{language}")
    decided = set()
    for _batch in range(10):
        made = [some_choices(chance, language) for _ in range(50)]
        told = figures_in_page(page, NAME, language, made)
        for choices, figures in zip(made, told, strict=True):
            server = LAB.run(choices)
            assert differences(server, figures) == [], choices
            decided.add(tuple(told["decision"] for told in server["tests"]))
    assert len(decided) > 100


@pytest.mark.browser
def test_page_and_server_see_the_same_words(open_lab: Open) -> None:
    page, _ = open_lab(NAME)
    texts = [
        "शक्\u200dति ख\u093cराब \u0959राब, ज़िला।",
        "ΟΔΟΣ İstanbul STRASSE ẞ é e\u0301",
        "constructor __proto__ toString",
        "কলের মিটার বন্ধ, ꯌꯨꯝ ২৪ ½ ² Ⅷ",
        "🚰 a\u0300\u0301b x_y a-b 4.5 \u00ad\ufeff",
        "",
        *(complaint.text[language] for complaint in LEARN for language in LANGUAGES),
    ]
    seen = page.evaluate(f"async (texts) => {{ {IMPORT} return texts.map(lab.tokens); }}", texts)
    assert seen == [tokens(text) for text in texts]


@pytest.mark.browser
@pytest.mark.parametrize("language", LANGUAGES)
def test_an_officer_reaches_the_result_by_keyboard_alone(open_lab: Open, language: str) -> None:
    page, site = open_lab(NAME, language)
    words = LAB.view(language, [])["words"]
    for number, complaint in enumerate(LEARN[:12]):
        choose = page.locator(f"#lab-{complaint.id}")
        if number == 0:
            choose.focus()
        else:
            page.keyboard.press("Tab")
        expect(choose).to_be_focused()
        for _ in range(1 + DEPARTMENTS.index(complaint.department)):
            page.keyboard.press("ArrowDown")
        expect(choose).to_have_value(complaint.department)
    train = page.get_by_role("button", name=words["train"])
    train.focus()
    page.keyboard.press("Enter")
    expect(page.locator("[data-headline]")).to_contain_text("16")
    expect(page.locator("[data-saved]")).to_contain_text(words["saved"].split("{time}")[1 if language == "hi" else 0])

    page.locator("input[value='12']").focus()
    page.keyboard.press("ArrowDown")
    train.focus()
    page.keyboard.press("Enter")
    expect(page.locator("[data-headline]")).to_contain_text("22")
    expect(page.locator("[data-task='train-well']")).to_have_class("met")
    expect(page.locator("[data-reached]")).to_be_hidden()

    page.locator("summary").first.press("Enter")
    roads = [complaint.id for complaint in LEARN[:24] if complaint.department == "roads"]
    for each in roads[:4]:
        page.locator(f"#lab-{each}").press("ArrowUp")
        expect(page.locator(f"#lab-{each}")).to_have_value("water")
    train.press("Enter")
    expect(page.locator("[data-reached]")).to_be_visible()
    expect(page.locator(f"[data-note='{roads[0]}']")).to_be_visible()
    assert [len(figures["wrong"]) for _, figures in site.runs] == [0, 0, 4]
    assert LAB.reached(site.runs)
    assert page.locator("[data-runs] tr").count() == 3

    page.get_by_role("button", name=words["restore"]).press("Enter")
    train.press("Enter")
    expect(page.locator("[data-headline]")).to_contain_text("22")


@pytest.mark.browser
@pytest.mark.parametrize("language", LANGUAGES)
def test_the_script_draws_the_same_page_as_the_server(open_lab: Open, language: str) -> None:
    """Trained by the script, and read again from the server after the run was saved, the result reads the same."""
    page, site = open_lab(NAME, language, ((right(12, language), LAB.run(right(12, language))),))
    page.locator("input[value='24']").check()
    page.locator("#lab-c03").select_option("water")
    page.locator("form button").first.click()
    expect(page.locator("[data-saved]")).to_contain_text(":")
    page.locator("[data-saved]").evaluate("(told) => { told.textContent = ''; }")
    drawn = all_text(page)
    page.goto(SITE)
    expect(page.locator("#lab-typed")).to_be_visible()
    assert len(site.runs) == 2
    assert all_text(page) == drawn
    assert LEARN[2].text[language] in drawn


@pytest.mark.browser
def test_what_is_typed_never_leaves_the_page(open_lab: Open) -> None:
    page, site = open_lab(NAME)
    page.get_by_role("textbox").first.fill("zanzibar secret pump")
    page.locator("[data-ask]").click()
    expect(page.locator("[data-answer]")).to_have_text("Train the machine first.")
    page.locator("#lab-reason").fill("zanzibar because")
    for complaint in LEARN[:12]:
        page.locator(f"#lab-{complaint.id}").select_option(complaint.department)
    page.locator("form button").first.click()
    expect(page.locator("[data-saved]")).to_contain_text("Saved")
    page.get_by_role("textbox").first.press("Enter")
    expect(page.locator("[data-answer]")).to_contain_text("Water supply")
    expect(page.locator("[data-answer]")).to_contain_text("knows 1 of 3 words")
    assert len(site.bodies) == 1
    assert "zanzibar" not in site.bodies[0]
    sent = parse_qs(site.bodies[0])
    assert {name.split("-")[0] for name in sent} == {"csrf_token", "language", "size", "label"}


@pytest.mark.browser
def test_without_the_network_runs_wait_and_are_then_saved(open_lab: Open) -> None:
    page, site = open_lab(NAME, "en", ((right(12), LAB.run(right(12))),))
    site.away = True
    for size in ("12", "24"):
        page.locator(f"input[value='{size}']").check()
        page.locator("form button").first.click()
    expect(page.locator("[data-headline]")).to_contain_text("22 of 24")
    expect(page.locator("[data-saved]")).to_have_text("Not saved yet; runs waiting for the network: 2")
    site.away = False
    page.evaluate("dispatchEvent(new Event('online'))")
    expect(page.locator("[data-saved]")).to_contain_text("Saved")
    expect(page.locator("[data-task='train-well']")).to_have_class("met")
    assert [choices["size"] for choices, _ in site.runs] == [12, 12, 24]


@pytest.mark.browser
def test_a_refused_run_is_told_and_not_sent_for_ever(open_lab: Open) -> None:
    page, site = open_lab(NAME, "en", ((right(12), LAB.run(right(12))),))
    site.status = 403
    page.locator("form button").first.click()
    expect(page.locator("[data-saved]")).to_contain_text("This run was not saved.")
    site.status = 200
    page.locator("form button").first.click()
    expect(page.locator("[data-saved]")).to_contain_text("Saved")
    assert len(site.runs) == 2


@pytest.mark.browser
def test_a_form_without_all_labels_is_not_sent(open_lab: Open) -> None:
    page, site = open_lab(NAME)
    page.locator("form button").first.click()
    expect(page.locator("#lab-c01")).to_be_focused()
    assert site.bodies == []


@pytest.mark.browser
@pytest.mark.parametrize("language", LANGUAGES)
def test_without_scripts_the_form_does_the_same(open_lab: Open, language: str) -> None:
    page, site = open_lab(NAME, language, java_script_enabled=False)
    assert page.locator("#lab-typed").is_hidden()
    for complaint in LEARN[:12]:
        page.locator(f"#lab-{complaint.id}").select_option(complaint.department)
    page.locator("input[value='24']").check()
    page.locator("form button").first.click()
    expect(page.locator("[data-headline]")).to_contain_text("22")
    expect(page.locator("[data-judged^='e-']").first).to_be_visible()
    roads = [complaint.id for complaint in LEARN[:24] if complaint.department == "roads"]
    page.locator("summary").first.click()
    for each in roads[:4]:
        page.locator(f"#lab-{each}").select_option("water")
    page.locator("form button").first.click()
    expect(page.locator("[data-reached]")).to_be_visible()
    assert page.locator("[data-runs] tr").count() == 2
    assert LAB.reached(site.runs)
