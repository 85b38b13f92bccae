"""What browser tests share: one Chromium, one running server, and pages none of which may complain."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from elearn.authoring.compiler import compile_course
from elearn.domain.course import Course
from tests.browser.house import COURSE, PATIENCE, Desk, House, shipped
from tests.browser.house import chromium as running_chromium
from tests.browser.labs import Open, opening
from tests.server import ROOT

expect.set_options(timeout=PATIENCE)


# Until the end of this folder only: a synchronous Playwright leaves its event loop in the thread, and two of them
# cannot share one.
@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    with running_chromium() as browser:
        yield browser


@pytest.fixture(scope="package")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """The shipped server with its demo people."""
    with shipped(tmp_path_factory.mktemp("house")) as running:
        yield running


@pytest.fixture(scope="package")
def course() -> Course:
    """The course as its files say, with the right answers that no page may show before its time."""
    compiled, problems = compile_course(ROOT / "content" / COURSE)
    assert compiled, problems
    return compiled


@pytest.fixture
def desk(chromium: Browser, house: House) -> Iterator[Desk]:
    """Opens pages on the running server; at the end, none of them may have complained."""
    desk = Desk(chromium, house)
    yield desk
    desk.close()
    assert desk.complaints.found == [], "\n".join(desk.complaints.found)


@pytest.fixture
def open_lab(chromium: Browser) -> Iterator[Open]:
    """Opens practice labs by themselves."""
    with opening(chromium) as open_:
        yield open_
