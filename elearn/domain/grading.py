"""The only place where a score is made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from elearn.domain.questions import Given, Question


@dataclass(frozen=True, slots=True)
class Score:
    """A marked attempt. `right` by question id; `floors_missed` names the domains below their own pass mark."""

    earned: int
    possible: int
    percent: int
    passed: bool
    right: Mapping[str, bool]
    floors_missed: tuple[str, ...] = ()


def percent_of(earned: int, possible: int) -> int:
    # Rounded down: 69.9 % must not become a pass at 70 %.
    return 100 * earned // possible if possible else 0


def grade(
    questions: Sequence[Question], answers: Mapping[str, Given], pass_percent: int, floors: Mapping[str, int]
) -> Score:
    """One point for each question answered exactly right; an unanswered question earns nothing."""
    right = {q.id: (given := answers.get(q.id)) is not None and q.is_right(given) for q in questions}
    missed = tuple(d for d, floor in sorted(floors.items()) if _percent_in(d, questions, right) < floor)
    earned = sum(right.values())
    percent = percent_of(earned, len(questions))
    return Score(earned, len(questions), percent, percent >= pass_percent and not missed, right, missed)


def _percent_in(domain: str, questions: Sequence[Question], right: Mapping[str, bool]) -> int:
    asked = [q.id for q in questions if q.domain == domain]
    # A floor in a domain that was not asked cannot be missed.
    return percent_of(sum(right[i] for i in asked), len(asked)) if asked else 100
