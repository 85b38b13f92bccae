"""A lesson in a real browser: light on the wire, and its checks are answered in place."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic

import pytest
from playwright.sync_api import Locator, Page, expect

from elearn.domain.course import Course
from tests.browser.house import COURSE, LESSONS, PATIENCE, PHONE, WIDE, Desk, label, new_officer, records_of, sign_in

pytestmark = pytest.mark.browser

MOST_BYTES = 60 * 1024
MOST_REQUESTS, MOST_WITH_LAB = 4, 8
FIRST, LAST = "four-kinds", "indian-landscape"

Reader = Callable[..., Page]


@pytest.fixture
def reader(desk: Desk) -> Reader:
    """reader(PHONE) is a browser of that size in which a new officer has signed in."""

    def reader_(viewport: dict[str, int] = WIDE) -> Page:
        with records_of(desk.house) as given:
            officer = new_officer(given)
        page = desk.open(viewport)
        sign_in(page, officer.email)
        return page

    return reader_


def weigh(page: Page, address: str) -> tuple[list[str], float]:
    """Opens a page with nothing kept from before, with all its pictures: the addresses it asked for, and all that came
    over the line, headers too, in bytes."""
    asked: dict[str, str] = {}
    weights: dict[str, float] = {}
    page.goto("about:blank")  # whatever the page before still wanted is given up
    session = page.context.new_cdp_session(page)
    session.on("Network.requestWillBeSent", lambda told: asked.update({told["requestId"]: told["request"]["url"]}))
    session.on("Network.loadingFinished", lambda told: weights.update({told["requestId"]: told["encodedDataLength"]}))
    session.on("Network.loadingFailed", lambda told: asked.pop(told["requestId"], None))
    session.send("Network.enable")
    session.send("Network.clearBrowserCache")
    session.send("Network.setCacheDisabled", {"cacheDisabled": True})
    page.goto(address)
    page.evaluate("for (const picture of document.images) picture.loading = 'eager'")
    page.wait_for_load_state("networkidle")
    end = monotonic() + PATIENCE / 1000
    while not asked.keys() <= weights.keys():
        assert monotonic() < end, f"never finished: {[asked[one] for one in asked.keys() - weights.keys()]}"
        page.evaluate("0")  # lets the events of the line come in
    session.detach()
    return list(asked.values()), sum(weights[request] for request in asked)


@pytest.mark.parametrize("tag", ["en", "hi"])
def test_every_lesson_is_light(reader: Reader, course: Course, tag: str) -> None:
    """Beside its pictures it asks for little; a lab brings a style sheet and a font, its script, and what all share."""
    page = reader(PHONE)
    page.goto(f"/language/{tag}")
    for lesson in course.lessons():
        asked, weight = weigh(page, f"/courses/{COURSE}/{lesson.path}")
        others = [address for address in asked if "/media/" not in address]
        assert len(others) <= (MOST_WITH_LAB if lesson.labs else MOST_REQUESTS), asked
        assert weight <= MOST_BYTES, (weight, asked)


def top_of(element: Locator) -> float:
    """Where it begins, in pixels below the upper edge of the window."""
    box = element.bounding_box()
    assert box
    return box["y"]


@pytest.mark.parametrize("viewport", [WIDE, PHONE], ids=["wide", "phone"])
def test_an_answered_check_stays_where_it_is(reader: Reader, viewport: dict[str, int]) -> None:
    page = reader(viewport)
    page.goto(f"{LESSONS}/{FIRST}")
    check = page.locator("[data-check]").first
    told = check.locator(".told")
    check.locator("label.option").first.click()
    # At the top of the window, so that there is room below for what is said to the answer.
    check.evaluate("(form) => form.scrollIntoView({ block: 'start', behavior: 'instant' })")
    top = top_of(check)
    check.get_by_role("button").click()
    expect(told).to_be_in_viewport(ratio=1)
    expect(told).to_be_focused()
    assert abs(top_of(check) - top) <= 1
    said = told.text_content() or ""
    check.locator("label.option").last.click()
    check.get_by_role("button").click()
    expect(told).not_to_have_text(said)
    assert abs(top_of(check) - top) <= 1


def test_without_a_line_a_check_says_so_and_takes_the_answer_later(reader: Reader, desk: Desk) -> None:
    page = reader()
    page.goto(f"{LESSONS}/{LAST}")
    check = page.locator("[data-check]").first
    check.locator("label.option").first.click()
    desk.complaints.expected.add("ERR_INTERNET_DISCONNECTED")
    page.context.set_offline(True)
    check.get_by_role("button").click()
    expect(check.get_by_role("alert")).to_contain_text(label("en", "No network."))
    page.context.set_offline(False)
    check.get_by_role("button").click()
    expect(check.locator(".told")).to_be_visible()
    page.reload()
    expect(check.locator(".told")).to_be_visible()
