"""What readers look up, and how an error they find reaches the trainers."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from elearn.services import feedback
from tests.given import COURSE, Given
from tests.pages import Visitor

Visit = Callable[..., Visitor]
HOME = f"/courses/{COURSE}"
LESSON = "plain-words/four-kinds"


def test_a_search_shows_the_passage_and_leads_to_its_lesson(given: Given, visit: Visit) -> None:
    meera = visit(given.officer("Meera"))
    page = meera.open(f"{HOME}/search?q=inference")
    assert page.heading == "Search"
    assert page.root.all("mark")[0].text.casefold().startswith("inference")
    assert any(address.startswith(f"{HOME}/plain-words/") for address in page.links.values())
    assert page.root.one("input", name="q").get("value") == "inference"


def test_a_search_that_finds_nothing_says_what_to_try(given: Given, visit: Visit) -> None:
    page = visit(given.officer("Meera")).open(f"{HOME}/search?q=zanzibar")
    assert "Nothing was found." in page.text
    assert "<script>" not in visit(given.officer("Far")).open(f"{HOME}/search?q=<script>").html


def test_every_word_of_the_course_is_in_the_glossary(given: Given, visit: Visit) -> None:
    meera = visit(given.officer("Meera"))
    meera.open("/language/hi")
    page = meera.open(f"{HOME}/glossary")
    assert {one.get("id") for one in page.root.one("dl").all("div")} == {f"term-{key}" for key in given.course.glossary}
    assert "मशीन लर्निंग" in page.text


def test_every_fact_of_the_course_is_in_the_sources(given: Given, visit: Visit) -> None:
    page = visit(given.officer("Meera")).open(f"{HOME}/sources")
    told = {one.get("id") for shelf in page.root.all("ol") for one in shelf.all("li")}
    assert told == {f"source-{source.id}" for source in given.course.facts["en"]}
    assert "Robodebt" in page.text
    assert "checked" in page.text


def test_a_reported_error_reaches_the_trainer_and_is_closed(given: Given, visit: Visit) -> None:
    meera, tara = visit(given.officer("Meera")), visit(given.trainer())
    lesson = meera.open(f"{HOME}/{LESSON}")
    meera.open(lesson.links["Report an error here"])
    assert meera.submit(f"{HOME}/report", text="Two and two are five in the table.").status_code == 200
    sent = meera.page
    assert sent is not None
    assert sent.heading == "Thank you"
    assert sent.links["Go back to where you were"] == f"{HOME}/{LESSON}"

    reports = tara.open("/trainer")
    assert "Two and two are five in the table." in reports.text
    assert "Meera" not in reports.text
    assert f"{HOME}/{LESSON}" in reports.links.values()
    (form,) = [one for one in reports.root.all("form") if "/trainer/reports/" in (one.get("action") or "")]
    tara.submit(str(form.get("action")))
    assert tara.page is not None
    assert "Nothing is waiting." in tara.page.text
    closed = tara.open("/trainer/reports?closed=1")
    assert "Two and two are five" in closed.text
    assert feedback.count_open() == 0


def test_an_empty_report_is_told_and_loses_nothing(given: Given, visit: Visit) -> None:
    meera = visit(given.officer("Meera"))
    meera.open(f"{HOME}/report?about={LESSON}")
    assert meera.submit(f"{HOME}/report", text="   ").status_code == 422
    again = meera.page
    assert again is not None
    assert "Please write what is wrong" in again.text
    assert again.root.one("input", name="about").get("value") == LESSON


@pytest.mark.parametrize("about", ["", "nothing/here", "<b>", "m1-scan-size", "machine-learning", "x" * 4000])
def test_a_report_may_be_about_anything(given: Given, visit: Visit, about: str) -> None:
    form = visit(given.officer("Meera")).open(f"{HOME}/report?about={about}")
    known = about if about in given.course.glossary or about.startswith("m1-") else ""
    assert form.root.one("input", name="about").get("value") == known


def test_only_trainers_read_reports(given: Given, visit: Visit) -> None:
    for person in (given.officer("Meera"), given.supervisor(), given.administrator()):
        assert visit(person).get("/trainer/reports").status_code == 403
    tara = visit(given.trainer())
    tara.open("/trainer/reports")
    assert tara.post("/trainer/reports/99").status_code == 404
