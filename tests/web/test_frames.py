"""What all readers of a page share is rendered once; what is one reader's own never reaches another."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask

from elearn.web.frames import MOST_FRAMES, frame_of, kept_frame, slot
from tests.given import COURSE, Given, wrong_answer
from tests.pages import Visitor

Visit = Callable[..., Visitor]


def test_slots_are_filled_in_their_places() -> None:
    frame = frame_of(f"<p>{slot('name')} has {slot('count')}, says {slot('name')}.</p>")
    assert frame.filled({"name": "Meera", "count": "3"}) == "<p>Meera has 3, says Meera.</p>"


def test_a_page_without_slots_is_itself() -> None:
    assert frame_of("<p>plain</p>").filled({}) == "<p>plain</p>"


def test_a_slot_without_a_value_is_a_mistake() -> None:
    with pytest.raises(KeyError):
        frame_of(str(slot("name"))).filled({})


def test_a_value_that_looks_like_a_slot_stays_text() -> None:
    assert frame_of(str(slot("name"))).filled({"name": str(slot("other"))}) == slot("other")


def test_a_frame_is_rendered_once_and_the_shelf_has_an_end(sqlite_app: Flask) -> None:
    rendered: list[int] = []

    def render(number: int) -> str:
        rendered.append(number)
        return str(number)

    assert [kept_frame(("t", 1), lambda: render(1)).filled({}) for _ in range(3)] == ["1", "1", "1"]
    assert rendered == [1]
    for number in range(MOST_FRAMES + 1):
        kept_frame(("t", number), lambda: "x")
    assert len(sqlite_app.extensions["elearn.frames"]) <= MOST_FRAMES


def test_two_readers_of_a_lesson_share_nothing_of_their_own(given: Given, visit: Visit) -> None:
    meera, anil = given.officer("Meera"), given.officer("Anil")
    lesson = given.course.lessons()[0]
    address = f"/courses/{COURSE}/{lesson.path}"
    given.checks_answered(meera, lesson, wrong_answer)
    first, second = visit(meera), visit(anil)
    hers, his = first.open(address), second.open(address)
    assert "Not quite." in hers.text
    assert "Not quite." not in his.text
    assert "Meera" in hers.html
    assert "Meera" not in his.html
    assert first.token() in hers.html
    assert first.token() not in his.html
    values = {one.get("value") for one in hers.root.all("input", type="radio")}
    assert values
    assert values.isdisjoint({one.get("value") for one in his.root.all("input", type="radio")})


def test_a_typed_answer_cannot_open_a_slot(given: Given, visit: Visit) -> None:
    meera = visit(given.officer("Meera"))
    lesson, check = next(
        (lesson, check) for lesson in given.course.lessons() for check in lesson.checks if check.kind == "numeric"
    )
    address = f"/courses/{COURSE}/{lesson.path}"
    response = meera.post(f"{address}/checks/{check.id}", {check.id: f"{slot('csrf')}{slot('none')}"})
    assert response.status_code == 422
