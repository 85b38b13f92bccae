"""A score is made in one place, and never in anybody's favour by rounding."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from elearn.domain.grading import grade, percent_of
from elearn.domain.questions import Given, Multiple, Numeric, Option, Question, Single


def asked(count: int, domain: str = "A", first: int = 0) -> list[Question]:
    """Questions whose first option is right."""
    options = (Option({}, {}, True), Option({}, {}, False))
    return [
        Single(id=f"q{n}", stem={}, explanation={}, domain=domain, options=options) for n in range(first, first + count)
    ]


def answered(questions: list[Question], right: int) -> dict[str, Given]:
    """The first so many right, the others wrong."""
    return {q.id: (0,) if n < right else (1,) for n, q in enumerate(questions)}


def test_all_right_is_a_hundred_percent() -> None:
    questions = asked(8)
    score = grade(questions, answered(questions, 8), 75, {})
    assert (score.earned, score.possible, score.percent, score.passed) == (8, 8, 100, True)
    assert score.right == {q.id: True for q in questions}


def test_exactly_the_pass_mark_passes() -> None:
    questions = asked(10)
    assert grade(questions, answered(questions, 7), 70, {}).passed
    assert not grade(questions, answered(questions, 6), 70, {}).passed


@pytest.mark.parametrize(("earned", "possible"), [(699, 1000), (23, 33), (16, 23), (9, 13)])
def test_almost_seventy_never_passes_at_seventy(earned: int, possible: int) -> None:
    assert 69 <= 100 * earned / possible < 70
    questions = asked(possible)
    score = grade(questions, answered(questions, earned), 70, {})
    assert (score.percent, score.passed) == (69, False)


@given(st.integers(0, 60), st.integers(1, 60), st.integers(0, 100))
def test_a_pass_is_a_pass_without_any_rounding(earned: int, possible: int, needed: int) -> None:
    earned = min(earned, possible)
    questions = asked(possible)
    score = grade(questions, answered(questions, earned), needed, {})
    assert score.passed == (100 * earned >= needed * possible)
    assert score.percent <= 100 * earned / possible < score.percent + 1


def test_two_of_three_fresh_questions_pass_at_two_thirds() -> None:
    questions = asked(3)
    assert grade(questions, answered(questions, 2), percent_of(2, 3), {}).passed
    assert not grade(questions, answered(questions, 1), percent_of(2, 3), {}).passed


def test_every_kind_is_marked() -> None:
    options = (Option({}, {}, True), Option({}, {}, False), Option({}, {}, True))
    questions: list[Question] = [
        *asked(1),
        Multiple(id="many", stem={}, explanation={}, options=options),
        Numeric(id="number", stem={}, explanation={}, answer=Decimal("26.9"), tolerance=Decimal("0.5")),
    ]
    assert grade(questions, {"q0": (0,), "many": (0, 2), "number": "27"}, 100, {}).passed
    half = grade(questions, {"q0": (0,), "many": (0,), "number": "30"}, 100, {})
    assert half.right == {"q0": True, "many": False, "number": False}


def test_an_unanswered_question_earns_nothing() -> None:
    questions = asked(4)
    score = grade(questions, {"q0": (0,), "q1": None}, 50, {})
    assert (score.earned, score.possible, score.percent, score.passed) == (1, 4, 25, False)
    assert score.right == {"q0": True, "q1": False, "q2": False, "q3": False}


def test_nothing_marked_right_does_not_pass_for_saying_nothing() -> None:
    """No option is right, so the key is empty; an empty answer must not match it."""
    question = Multiple(id="q", stem={}, explanation={}, options=(Option({}, {}, False),))
    assert not grade([question], {"q": None}, 1, {}).passed
    assert not grade([question], {}, 1, {}).passed


def test_answers_to_questions_that_were_not_asked_earn_nothing() -> None:
    questions = asked(2)
    score = grade(questions, {"elsewhere": (0,), "q0": (0,)}, 50, {})
    assert (score.earned, set(score.right)) == (1, {"q0", "q1"})


def test_no_questions_are_no_pass() -> None:
    assert percent_of(0, 0) == 0
    assert not grade([], {}, 70, {}).passed


def test_a_missed_floor_fails_whatever_the_sum() -> None:
    law, rest = asked(4, "D"), asked(16, "A", first=4)
    answers = {**answered(law, 2), **answered(rest, 16)}
    score = grade([*rest, *law], answers, 70, {"D": 60})
    assert (score.percent, score.passed, score.floors_missed) == (90, False, ("D",))


def test_a_floor_that_is_just_met_holds() -> None:
    law, rest = asked(5, "D"), asked(5, "A", first=5)
    answers = {**answered(law, 3), **answered(rest, 5)}
    score = grade([*rest, *law], answers, 70, {"D": 60})
    assert (score.percent, score.passed, score.floors_missed) == (80, True, ())


def test_a_floor_is_rounded_down_like_the_score() -> None:
    law, rest = asked(42, "D"), asked(58, "A", first=42)  # 25 of 42 is 59.5 %
    score = grade([*rest, *law], {**answered(law, 25), **answered(rest, 58)}, 70, {"D": 60})
    assert score.floors_missed == ("D",)


def test_floors_met_do_not_make_up_for_the_sum() -> None:
    law, rest = asked(4, "D"), asked(6, "A", first=4)
    score = grade([*law, *rest], {**answered(law, 4), **answered(rest, 0)}, 70, {"D": 60})
    assert (score.passed, score.floors_missed) == (False, ())


def test_a_floor_in_a_domain_that_was_not_asked_cannot_be_missed() -> None:
    questions = asked(4)
    assert grade(questions, answered(questions, 4), 70, {"D": 60}).passed


def test_missed_floors_are_named_in_order() -> None:
    questions = [*asked(1, "D"), *asked(1, "B", first=1), *asked(1, "A", first=2)]
    assert grade(questions, {}, 70, {"D": 60, "A": 50, "B": 50}).floors_missed == ("A", "B", "D")
