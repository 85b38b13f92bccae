"""The next-word machine's page computes what the server computes, saves it, and works without scripts."""

from __future__ import annotations

import random
from typing import Any
from urllib.parse import parse_qs

import pytest
from playwright.sync_api import Page, expect

from elearn.domain.labs import LABS
from elearn.domain.labs.next_word import BYTES, DRAWS, GUESSED, LANGUAGES, OPENINGS
from elearn.domain.labs.trigrams import WEIGHTS
from tests.browser.labs import SITE, Open, all_text, differences, figures_in_page, sample_history

NAME = "next-word"
LAB = LABS[NAME]
FALSE_ENDS = {"en": "is kept in the strong room .", "hi": "ज़िला कार्यालय के कोष कक्ष में रखा जाता है ।"}


def some_choices(chance: random.Random, language: str) -> dict[str, Any]:
    """Anything an officer could choose: words picked one after another, the machine let loose, bytes counted."""
    if chance.random() < 0.1:
        guesses = {script: int(chance.choice(BYTES)) for script in GUESSED}
        return {"part": "bytes", "language": language, "bytes": guesses}
    made: dict[str, Any] = {
        "part": "sentence",
        "language": language,
        "opening": chance.choice(list(OPENINGS[language])),
    }
    made |= {
        "words": [],
        "temperature": chance.choice(list(WEIGHTS)),
        "draw": int(chance.choice(DRAWS)),
        "write": False,
    }
    for _ in range(chance.choice((0, 0, 1, 3, 8, 40))):
        offered = len(LAB.run(made)["next"])
        if not offered:
            break
        made["words"] = [*made["words"], min(int(chance.expovariate(0.7)), offered - 1)]
    return made | {"write": chance.random() < 0.6}


@pytest.mark.browser
@pytest.mark.parametrize("language", LANGUAGES)
def test_page_and_server_agree_on_500_random_runs(open_lab: Open, language: str) -> None:
    page, _ = open_lab(NAME, language)
    chance = random.Random(f"agree-{language}")
    made = [some_choices(chance, language) for _ in range(500)]
    told = [each for at in range(0, 500, 50) for each in figures_in_page(page, NAME, language, made[at : at + 50])]
    verdicts = set()
    for choices, figures in zip(made, told, strict=True):
        server = LAB.run(choices)
        assert differences(server, figures) == [], choices
        verdicts.add(server.get("verdict"))
    assert verdicts == {None, "open", "copied", "false", "invented", "new"}


@pytest.mark.browser
@pytest.mark.parametrize("language", LANGUAGES)
def test_page_and_server_agree_on_every_false_sentence(open_lab: Open, language: str) -> None:
    page, _ = open_lab(NAME, language)
    made = [
        {"part": "sentence", "language": language, "opening": opening, "words": []}
        | {"temperature": temperature, "draw": int(draw), "write": True}
        for opening in OPENINGS[language]
        for temperature in WEIGHTS
        for draw in DRAWS
    ]
    told = figures_in_page(page, NAME, language, made)
    server = [LAB.run(choices) for choices in made]
    assert differences(server, told) == []
    assert sum(figures["verdict"] == "false" for figures in server) > 50


def press_word(page: Page, word: str) -> None:
    """The next word chosen from the keyboard; afterwards the focus is on the likeliest of the new ones."""
    shown = LAB.view("hi" if word == "।" else "en", [])["words"]["full_stop"] if word in ".।" else word
    page.locator("[data-next]").get_by_role("button", name=shown, exact=True).focus()
    page.keyboard.press("Enter")


@pytest.mark.browser
@pytest.mark.parametrize("language", LANGUAGES)
def test_an_officer_reaches_the_result_by_keyboard_alone(open_lab: Open, language: str) -> None:
    page, site = open_lab(NAME, language)
    words = LAB.view(language, [])["words"]
    page.locator("#lab-opening").focus()
    page.keyboard.press("ArrowDown")
    expect(page.locator("#lab-opening")).to_have_value("leave")
    for word in FALSE_ENDS[language].split():
        press_word(page, word)
        focused = "[data-next] button >> nth=0" if word not in ".।" else "button[value=back]"
        expect(page.locator(focused)).to_be_focused()
    expect(page.locator("[data-verdict]")).to_contain_text(words["verdict_false"])
    expect(page.locator("[data-task='false']")).to_have_class("met")

    page.keyboard.press("Tab")  # from "Take back a word" to "Begin again"
    page.keyboard.press("Enter")
    expect(page.locator("[data-verdict]")).to_be_hidden()
    draw = LAB.sample_runs(language)[0]["draw"]
    for temperature in ("0.5", "2"):
        page.locator("[name=temperature]").focus()
        page.keyboard.type(temperature)
        expect(page.locator("[name=temperature]")).to_have_value(temperature)
        page.keyboard.press("Tab")
        for _ in range(draw - int(page.locator("[name=draw]").input_value())):
            page.keyboard.press("ArrowDown")
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
    expect(page.locator("[data-task='temperature']")).to_have_class("met")
    assert page.locator("[data-runs] tr").count() == 3

    for script, count in (("en", 4), ("hi", 15), ("mni", 12)):
        page.locator(f"#lab-bytes-{script}").focus()
        for _ in range(1 + BYTES.index(str(count))):
            page.keyboard.press("ArrowDown")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("[data-reached]")).to_be_visible()
    assert [choices["part"] for choices, _ in site.runs] == ["sentence", "sentence", "sentence", "bytes"]
    assert LAB.reached(site.runs)


@pytest.mark.browser
@pytest.mark.parametrize("language", LANGUAGES)
def test_the_script_draws_the_same_page_as_the_server(open_lab: Open, language: str) -> None:
    """Written, chosen and counted by the script, and read again from the server, the page reads the same."""
    for at in range(4):
        history = sample_history(NAME, language)
        page, site = open_lab(NAME, language)
        opening = page.locator("#lab-opening")
        opening.select_option("leave")
        for choices, _ in history[: at + 1]:
            if choices["part"] == "bytes":
                for script in GUESSED:
                    page.locator(f"#lab-bytes-{script}").select_option(str(choices["bytes"][script]))
                page.locator("[data-bytes-form] button").click()
                continue
            page.locator("[name=temperature]").select_option(choices["temperature"])
            page.locator("[name=draw]").select_option(str(choices["draw"]))
            for rank in choices["words"]:
                page.locator("[data-next] button").nth(rank).click()
            if choices["write"]:
                page.get_by_role("button", name=LAB.view(language, [])["words"]["write"]).click()
        expect(page.locator("[data-saved]").nth(1 if at == 3 else 0)).to_contain_text(":")
        page.locator("[data-saved]").evaluate_all("(all) => { for (const told of all) told.textContent = ''; }")
        drawn = all_text(page)
        page.goto(SITE)
        expect(page.locator("[data-print]")).to_be_visible()
        assert len(site.runs) == at + 1
        assert all_text(page) == drawn


@pytest.mark.browser
@pytest.mark.parametrize("opening", ["blank", "flood", "drone"])
def test_the_script_says_what_the_model_looked_at_as_the_server_does(open_lab: Open, opening: str) -> None:
    page, _ = open_lab(NAME)
    page.locator("#lab-opening").select_option(opening)
    made = {"part": "sentence", "language": "en", "opening": opening, "words": [], "temperature": "1", "draw": 1}
    for rank in (0, 1, 0):
        made["words"] = [*made["words"], rank]
        page.locator("[data-next] button").nth(rank).click()
        choices = made | {"write": False}
        view = LAB.view("en", [(choices, LAB.run(choices))])
        expect(page.locator("[data-looked]")).to_have_text(view["looked"])
        expect(page.locator("[data-sentence]")).to_have_text(view["sentence"])
        assert page.locator("[data-next] button").all_inner_texts() == [row["shown"] for row in view["next"]]
        assert page.locator("[data-next] [data-percent]").all_inner_texts() == [
            percent for row in view["next"] for percent in row["percents"]
        ]


@pytest.mark.browser
def test_words_can_be_taken_back_and_only_whole_sentences_are_kept(open_lab: Open) -> None:
    page, site = open_lab(NAME)
    page.locator("#lab-opening").select_option("leave")
    for _ in range(3):
        page.locator("[data-next] button").first.click()
    expect(page.locator("[data-sentence]")).to_have_text("The leave register is kept in")
    page.locator("button[value=back]").click()
    expect(page.locator("[data-sentence]")).to_have_text("The leave register is kept")
    page.locator("button[value=begin]").click()
    expect(page.locator("[data-sentence]")).to_have_text("The leave register")
    page.locator("button[value=back]").click()
    expect(page.locator("[data-sentence]")).to_have_text("The leave register")
    assert site.bodies == []
    page.locator("button[value=write]").click()
    expect(page.locator("[data-saved]").first).to_contain_text("Saved")
    # The officer's own words stay, and may be gone on from again.
    page.locator("[data-next] button").first.click()
    expect(page.locator("[data-sentence]")).to_have_text("The leave register is")
    assert page.locator("[data-chips] .written").count() == 0
    assert [choices["write"] for choices, _ in site.runs] == [True]


@pytest.mark.browser
def test_the_page_goes_on_from_where_the_officer_left_it(open_lab: Open) -> None:
    page, site = open_lab(NAME, "en", sample_history(NAME, "en"))
    page.locator("button[value=back]").click()
    expect(page.locator("[data-sentence]")).to_have_text("The leave register is kept in the strong room")
    page.locator("[data-next] button").first.click()
    expect(page.locator("[data-verdict]")).to_contain_text("Fluent and false")
    expect(page.locator("[data-saved]").first).to_contain_text("Saved")
    assert site.runs[-1][0] == site.runs[2][0]


@pytest.mark.browser
def test_what_is_typed_never_leaves_the_page(open_lab: Open) -> None:
    page, site = open_lab(NAME)
    page.locator("#lab-reason").fill("zanzibar because")
    page.locator("button[value=write]").click()
    expect(page.locator("[data-saved]").first).to_contain_text("Saved")
    for script in GUESSED:
        page.locator(f"#lab-bytes-{script}").select_option("4")
    page.locator("[data-bytes-form] button").click()
    expect(page.locator("[data-saved]").nth(1)).to_contain_text("Saved")
    expect(page.locator("[data-task='bytes'] [data-why]")).to_contain_text("Count again: पृष्ठ")
    assert "zanzibar" not in "".join(site.bodies)
    sentence, counted = map(parse_qs, site.bodies)
    assert set(sentence) == {"csrf_token", "part", "language", "opening", "begun", "temperature", "draw", "go"}
    assert set(counted) == {"csrf_token", "part", "language", "bytes-en", "bytes-hi", "bytes-mni"}


@pytest.mark.browser
def test_without_the_network_sentences_wait_and_are_then_saved(open_lab: Open) -> None:
    page, site = open_lab(NAME)
    site.away = True
    for temperature in ("0.5", "2"):
        page.locator("[name=temperature]").select_option(temperature)
        page.locator("button[value=write]").click()
    expect(page.locator("[data-saved]").first).to_have_text("Not saved yet; waiting for the network: 2")
    assert page.locator("[data-runs] tr").count() == 2
    site.away = False
    page.evaluate("dispatchEvent(new Event('online'))")
    expect(page.locator("[data-saved]").first).to_contain_text("Saved")
    assert [choices["temperature"] for choices, _ in site.runs] == ["0.5", "2"]


@pytest.mark.browser
@pytest.mark.parametrize("language", LANGUAGES)
def test_without_scripts_the_form_does_the_same(open_lab: Open, language: str) -> None:
    page, site = open_lab(NAME, language, java_script_enabled=False)
    words = LAB.view(language, [])["words"]
    page.locator("#lab-opening").select_option("leave")
    page.get_by_role("button", name=words["begin"]).click()
    for word in FALSE_ENDS[language].split():
        shown = words["full_stop"] if word in ".।" else word
        page.locator("[data-next]").get_by_role("button", name=shown, exact=True).click()
    expect(page.locator("[data-verdict]")).to_contain_text(words["verdict_false"])
    page.get_by_role("button", name=words["begin"]).click()
    for temperature in ("0.5", "2"):
        page.locator("[name=temperature]").select_option(temperature)
        page.locator("[name=draw]").select_option(str(LAB.sample_runs(language)[0]["draw"]))
        page.get_by_role("button", name=words["write"]).click()
    for script, count in (("en", "4"), ("hi", "15"), ("mni", "12")):
        page.locator(f"#lab-bytes-{script}").select_option(count)
    page.get_by_role("button", name=words["check"]).click()
    expect(page.locator("[data-reached]")).to_be_visible()
    assert LAB.reached(site.runs)
    assert page.locator("[data-runs] tr").count() == 3
