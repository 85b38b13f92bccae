"""What is wrong with a page is found by whoever looks at it: otherwise the trips would prove little."""

from __future__ import annotations

import pytest

from tests.browser.house import PHONE, Complaints, Desk
from tests.browser.lookout import Lookout

pytestmark = pytest.mark.browser

WRONG = """<img src="/static/none.svg" alt=""><a href="/nowhere">१</a><a href="/help#nowhere">२</a>
  <button>Continue</button><p aria-label="Question 3">३</p><p>Somebody forgot this.</p>
  <p lang="en">This says what it is.</p><p>TF-IDF</p><p>Asha Rani</p>
  <details><summary>४</summary><p class="wide">५</p></details>"""


def test_what_is_wrong_with_a_page_is_found(desk: Desk) -> None:
    desk.complaints.expected.add("status of 404")
    page, complaints = desk.open(PHONE), Complaints(desk.house.url)
    lookout = Lookout(page, "hi", complaints, ("Asha Rani", "Department of Information Technology"))
    page.goto("/language/hi?next=/help")
    lookout.look()
    assert complaints.found == []
    page.evaluate("(wrong) => document.querySelector('main').insertAdjacentHTML('beforeend', wrong)", WRONG)
    page.evaluate("document.styleSheets[0].insertRule('.wide { width: 500px }')")
    lookout.look()
    home = desk.house.url
    assert [one.removeprefix(f"{home}/help: ") for one in complaints.found] == [
        "an untranslated label: Continue",
        "an untranslated label: Question 3",
        "in another language than it says: Somebody forgot this.",
        "160 px wider than its window",
        f"the picture {home}/static/none.svg is not shown",
        f"the link {home}/nowhere answers 404",
        f"the link {home}/help#nowhere leads to no part of its page",
    ]
    page.goto("/language/en?next=/help")
    lookout.look()
    assert f"{home}/help: not in हिन्दी" in complaints.found
    page.goto("/nowhere")
    assert complaints.found[-1] == f"{home}/nowhere: status 404"
