"""Pace, from the times at which the server received acts and from nothing else."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import permutations

from hypothesis import given
from hypothesis import strategies as st

from elearn.domain.pace import credited_seconds, too_fast

NINE = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


def at(minutes: float) -> datetime:
    return NINE + timedelta(minutes=minutes)


def credited(*acts: tuple[float, str], **read_by: float) -> dict[str, float]:
    """Minutes credited, from acts in minutes after nine; a module without `read_by` is read until the end."""
    end = {module: at(10**6) for _, module in acts if module}
    until = {**end, **{module: at(m) for module, m in read_by.items()}}
    seconds = credited_seconds([(at(minutes), module) for minutes, module in acts], until)
    return {module: s / 60 for module, s in seconds.items()}


def test_the_time_before_an_act_belongs_to_it() -> None:
    assert credited((0, ""), (8, "words"), (10, "words")) == {"words": 10}


def test_a_sign_in_begins_the_first_stretch() -> None:
    """Without it, nothing says when the reading began; what came before it is not reading."""
    assert credited((8, "words"), (10, "words")) == {"words": 2}
    assert credited((0, "words"), (500, ""), (508, "words")) == {"words": 8}


def test_two_tabs_are_not_two_readers() -> None:
    tabs = credited((0, ""), (2, "words"), (3, "law"), (4, "words"), (5, "law"), (10, "words"))
    assert tabs == {"words": 8, "law": 2}
    assert sum(tabs.values()) == 10


def test_a_quiz_is_credited_to_nobody() -> None:
    assert credited((0, ""), (5, "words"), (6, ""), (26, ""), (30, "law")) == {"words": 5, "law": 4}


def test_acts_in_any_order_give_the_same_sum() -> None:
    acts = [(0.0, ""), (5.0, "words"), (7.0, "law"), (9.0, "words")]
    assert all(credited(*order) == {"words": 7, "law": 2} for order in permutations(acts))


def test_waiting_after_the_last_lesson_is_no_reading() -> None:
    """Somebody who clicked through in a minute, and answers one check again an hour later."""
    assert credited((0, ""), (1, "words"), (61, "words"), words=1) == {"words": 1}


def test_a_module_still_being_read_is_judged_by_nothing() -> None:
    acts = [(at(0), ""), (at(5), "words")]
    assert credited_seconds(acts, {}) == {}


def test_nothing_done_is_nothing_credited() -> None:
    assert credited() == {}
    assert credited((0, "")) == {}


@given(st.lists(st.tuples(st.floats(0, 600), st.sampled_from(["", "words", "law"])), max_size=30))
def test_no_minute_is_ever_credited_twice(acts: list[tuple[float, str]]) -> None:
    moments = sorted(minutes for minutes, _ in acts)
    whole = moments[-1] - moments[0] if moments else 0.0
    assert sum(credited(*acts).values()) <= whole + 1e-3


def test_six_hundred_words_a_minute_is_still_reading() -> None:
    assert not too_fast(600, 60, 600)
    assert not too_fast(3000, 300.0, 600)
    assert too_fast(601, 60, 600)
    assert too_fast(600, 59.999, 600)
    assert too_fast(1, 0, 600)


def test_nothing_to_read_cannot_be_read_too_fast() -> None:
    assert not too_fast(0, 0, 600)


def test_zero_switches_the_rule_off() -> None:
    assert not too_fast(10**6, 0, 0)
