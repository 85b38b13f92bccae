"""Nothing that was answered is lost: not by a reload, a cut line, a closed page, another language or two clicks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.house import COURSE, PHONE, Desk, label, new_officer, records_of, sign_in

pytestmark = pytest.mark.browser

QUIZ = f"/courses/{COURSE}/quizzes/plain-words"
BY_SCRIPT_OR_BY_FORM = pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "plain"])

Begin = Callable[..., Page]


@pytest.fixture
def begin(desk: Desk) -> Begin:
    """begin() is the page of the module quiz that a new officer has just begun on a phone."""

    def begin_(**options: Any) -> Page:
        with records_of(desk.house) as given:
            officer = new_officer(given)
        page = desk.open(PHONE, **options)
        sign_in(page, officer.email)
        page.goto(QUIZ)
        page.locator("main form button").click()
        expect(page.locator("section.question").first).to_be_visible()
        return page

    return begin_


def questions(page: Page) -> list[Locator]:
    return page.locator("section.question").all()


def answer(question: Locator) -> None:
    """Any answer: the first option, or a number."""
    if question.locator("label.option").count():
        question.locator("label.option").first.click()
    else:
        question.get_by_role("textbox").fill("12.5")
        question.get_by_role("textbox").blur()


def expect_answered(page: Page, *numbers: int) -> None:
    for number in numbers:
        question = page.locator("section.question").nth(number - 1)
        if question.locator("label.option").count():
            expect(question.locator("label.option input").first).to_be_checked()
        else:
            expect(question.get_by_role("textbox")).to_have_value("12.5")


def expect_told(page: Page, text: str, **values: object) -> None:
    expect(page.locator("[data-saved]")).to_contain_text(label("en", text, **values))


@BY_SCRIPT_OR_BY_FORM
def test_answers_are_there_after_a_reload(begin: Begin, scripts: bool) -> None:
    page = begin(scripts=scripts)
    for question in questions(page)[:3]:
        answer(question)
    if not scripts:
        page.get_by_role("button", name="Save answers").click()
    expect_told(page, "Saved {time}", time="")
    page.reload()
    expect_answered(page, 1, 2, 3)


def test_a_cut_line_costs_no_answer(begin: Begin, desk: Desk) -> None:
    page = begin()
    answer(questions(page)[0])
    expect_told(page, "Saved {time}", time="")
    desk.complaints.expected.add("ERR_INTERNET_DISCONNECTED")
    page.context.set_offline(True)
    answer(questions(page)[1])
    answer(questions(page)[2])
    expect_told(page, "Answers waiting for the network: {count}", count=2)
    page.context.set_offline(False)
    expect_told(page, "Saved {time}", time="")
    assert page.evaluate("localStorage.length") == 0
    page.reload()
    expect_answered(page, 1, 2, 3)


def test_answers_wait_on_the_device_when_the_page_is_closed_without_a_line(begin: Begin, desk: Desk) -> None:
    page = begin()
    desk.complaints.expected.add("ERR_INTERNET_DISCONNECTED")
    page.context.set_offline(True)
    answer(questions(page)[0])
    answer(questions(page)[1])
    expect_told(page, "Answers waiting for the network: {count}", count=2)
    address = page.url
    page.close()
    page.context.set_offline(False)
    again = page.context.new_page()
    again.goto(address)
    expect_answered(again, 1, 2)
    expect_told(again, "Saved {time}", time="")
    again.evaluate("localStorage.clear()")
    again.reload()
    expect_answered(again, 1, 2)


@BY_SCRIPT_OR_BY_FORM
def test_another_language_keeps_the_answers(begin: Begin, scripts: bool) -> None:
    page = begin(scripts=scripts)
    shown = [question.get_attribute("id") for question in questions(page)]
    for question in questions(page)[:3]:
        answer(question)
    page.locator("header button[lang=hi]").click()
    expect(page.locator("html")).to_have_attribute("lang", "hi")
    assert [question.get_attribute("id") for question in questions(page)] == shown
    expect_answered(page, 1, 2, 3)


@BY_SCRIPT_OR_BY_FORM
def test_two_clicks_submit_once(begin: Begin, scripts: bool) -> None:
    page = begin(scripts=scripts)
    for question in questions(page):
        answer(question)
    page.get_by_role("button", name="Submit my answers").dblclick()
    expect(page.locator(".figures b").first).to_contain_text("%")
    page.goto(QUIZ)
    expect(page.locator("tbody tr")).to_have_count(1)


@BY_SCRIPT_OR_BY_FORM
def test_a_forgotten_question_is_pointed_out_once(begin: Begin, desk: Desk, scripts: bool) -> None:
    desk.complaints.expected.add("status of 422")
    page = begin(scripts=scripts)
    for question in questions(page)[1:]:
        answer(question)
    page.get_by_role("button", name="Submit my answers").click()
    # The link leads into the question: what is typed then is its answer.
    page.locator(".summary").get_by_role("link").click()
    page.keyboard.type("12.5" if questions(page)[0].get_by_role("textbox").count() else " ")
    expect_answered(page, 1)
    page.get_by_role("button", name="Submit anyway").click()
    expect(page.locator(".figures b").first).to_contain_text("%")
