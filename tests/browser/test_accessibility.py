"""Every kind of page for every kind of reader: no barrier that axe finds, nothing sideways, nothing hard to hit."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from elearn.services import feedback, one_time_links, quizzes
from tests.browser.house import COURSE, PHONE, WIDE, Desk, House, new_officer, records_of, sign_in
from tests.given import right_answer, wrong_answer

pytestmark = pytest.mark.browser

COURSE_PAGE = f"/courses/{COURSE}"
STATUS = f"{COURSE_PAGE}/status"
LIST = f"/supervise/{COURSE}"
AXE = Axe().axe_script
EVERY_PART_OPEN = "document.querySelectorAll('details').forEach((part) => { part.open = true; })"
RUN_AXE = """axe.run(document, {resultTypes: ["violations"]}).then(({violations}) =>
  violations.map(({id, nodes}) => `${id}: ${nodes.slice(0, 3).map(({html}) => html).join(" | ")}`))"""
SIDEWAYS = """document.scrollingElement.scrollWidth > document.scrollingElement.clientWidth
  ? [`${document.scrollingElement.scrollWidth} px wide in a window of ${document.scrollingElement.clientWidth}`] : []"""
# Links within sentences are as high as their lines; everything that stands by itself is hit with a thumb.
TOO_SMALL = """[...document.querySelectorAll(
    "button, .button, select, summary, label.option, input:not([type=hidden], [type=radio], [type=checkbox]), "
    + "header a, footer a, .outline a, .need > li > a")]
  .filter((one) => one.checkVisibility() && !one.closest(".skip, [hidden]"))
  .filter((one) => one.getBoundingClientRect().height < 43.9)
  .map((one) => `${Math.round(one.getBoundingClientRect().height)} px high: ${one.outerHTML.slice(0, 120)}`)"""

LOOKS = [(viewport, scheme) for viewport in (WIDE, PHONE) for scheme in ("light", "dark")]


WHO = ["stranger", "beginner", "reader", "midway", "hurried", "failed", "complete", "supervisor", "trainer"]


@dataclass(frozen=True)
class Scene:
    """Who looks ("" is a stranger) and at what: addresses, and what is then done there."""

    visitor: str
    addresses: tuple[str, ...]


@pytest.fixture(scope="package")
def scenes(house: House) -> dict[str, Scene]:
    """Visitors in every state of the course, and all pages that they find there."""
    with records_of(house) as given:
        course, start = given.course, given.now
        done, midway, hurried, failed = (new_officer(given) for _ in range(4))
        given.completed(done)
        given.now = start
        given.lesson_done(midway, course.lessons()[0])
        given.checks_answered(midway, course.lessons()[1], wrong_answer)
        given.lab_reached(midway, "grievance-sorter")
        given.now = start
        given.all_but_the_final(hurried, minutes_a_lesson=0.1)
        passed = given.quiz_taken(hurried, given.quiz("plain-words"), right_answer)
        running = quizzes.start_attempt(hurried.id, course, given.quiz("plain-words"), datetime.now(UTC))
        given.now = start
        given.all_but_the_final(failed)
        below = given.quiz_taken(failed, given.quiz("final"), wrong_answer)
        link = one_time_links.make(done.id, datetime.now(UTC))
        feedback.report_error(midway.id, course, "plain-words/four-kinds", "hi", "दो और दो पाँच नहीं होते।", start)
    # One lesson without a lab, and every lab there is.
    lessons = [f"{COURSE_PAGE}/{lesson.path}" for n, lesson in enumerate(course.lessons()) if lesson.labs or not n]
    final, module, fresh = (f"{COURSE_PAGE}/quizzes/{name}" for name in ("final", "plain-words", "fresh-plain-words"))
    public = ("/", "/sign-in", "/forgotten", "/verify", "/privacy", "/accessibility", "/help")
    links = (f"/first-password/{link}", "/first-password/used-up", "/certificates/0", "/nowhere")
    own = ("/", COURSE_PAGE, STATUS, "/certificates", "/account")
    looked_up = tuple(
        f"{COURSE_PAGE}/{page}" for page in ("search?q=score", "search?q=zanzibar", "glossary", "sources")
    )
    report = f"{COURSE_PAGE}/report?about=plain-words/four-kinds"
    return {
        "stranger": Scene("", (*public, *links)),
        "beginner": Scene("officer@demo.test", (*own, lessons[0], module, final, LIST)),
        "reader": Scene("officer@demo.test", (*looked_up, report, f"{report}&sent=1")),
        "midway": Scene(midway.email, ("/", COURSE_PAGE, STATUS, *lessons)),
        "hurried": Scene(hurried.email, ("/", STATUS, fresh, f"/attempts/{running}", f"/attempts/{passed}", module)),
        "failed": Scene(failed.email, (f"/attempts/{below}", STATUS, final)),
        "complete": Scene(done.email, ("/", STATUS, "/certificates", "certificate", "statement")),
        "supervisor": Scene("supervisor@demo.test", (LIST, f"{LIST}?state=complete", f"{LIST}?q=nobody")),
        "trainer": Scene("trainer@demo.test", ("/trainer/reports", "/trainer/reports?closed=1")),
    }


def barriers(page: Page) -> Iterator[str]:
    """What is wrong with the page that is open, in each size and colour scheme."""
    page.evaluate(AXE)
    page.evaluate(EVERY_PART_OPEN)
    for viewport, scheme in LOOKS:
        page.set_viewport_size(viewport)  # type: ignore[arg-type] # a dict with these two keys
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        for found in (*page.evaluate(RUN_AXE), *page.evaluate(SIDEWAYS), *page.evaluate(TOO_SMALL)):
            yield f"{page.url} {viewport['width']} {scheme}: {found}"


def visit(page: Page, address: str) -> None:
    if address == "certificate":
        page.goto("/certificates")
        page.locator("main .card .bar a").last.click()
        page.wait_for_url("**/certificates/*")
    elif address == "statement":
        page.goto("/certificates")
        page.locator("main .need a").first.click()
        page.wait_for_url("**/certificates/*")
    else:
        page.goto(address)


@pytest.mark.parametrize("tag", ["en", "hi"])
@pytest.mark.parametrize("who", WHO)
def test_no_page_has_a_barrier(desk: Desk, scenes: dict[str, Scene], who: str, tag: str) -> None:
    scene = scenes[who]
    desk.complaints.expected |= {"status of 403", "status of 404"}
    page = desk.open()
    if scene.visitor:
        sign_in(page, scene.visitor)
    page.goto(f"/language/{tag}")
    found = []
    for address in scene.addresses:
        visit(page, address)
        found += barriers(page)
    assert found == [], json.dumps(found, indent=1, ensure_ascii=False)


def test_a_barrier_would_be_found(desk: Desk) -> None:
    page = desk.open()
    page.goto("/help")
    assert list(barriers(page)) == []
    desk.complaints.expected.add("status of 404")
    page.evaluate("""document.querySelector("main").insertAdjacentHTML("beforeend",
      `<img src="/static/none.svg"><button>Go</button><p class="faint">Hardly to be read</p>`)""")
    page.evaluate("document.styleSheets[0].insertRule('.faint { color: #777; background: #666; width: 500px }')")
    found = "\n".join(barriers(page))
    assert "1280 light: image-alt" in found
    assert "360 dark: color-contrast" in found
    assert "360 light: 520 px wide in a window of 360" in found
    assert " px high: <button>Go</button>" in found
