"""What is claimed of the shipped course and content alone decides; and that a course which breaks a claim is told."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from math import comb
from pathlib import Path
from types import MappingProxyType

import pytest

from docs.review import cues, numbers, proof
from docs.review.chance import at_least, chi_square_tail, spread
from docs.review.proof import BY_CONTENT, Case, Claim
from docs.review.sheets import SHIPPED, every_choice
from elearn.domain.course import Course
from elearn.domain.questions import Numeric, Option, Question, Single

Shown = Callable[[Case], Iterator[Claim]]


@pytest.fixture
def case(shipped_course: Course) -> Case:
    """The shipped course."""
    return Case(shipped_course)


@pytest.mark.parametrize("shown", BY_CONTENT, ids=lambda shown: shown.__name__)
def test_the_claims_hold_of_the_shipped_course(case: Case, shown: Shown) -> None:
    claims = list(shown(case))
    assert claims
    assert {claim.claim: (claim.figure, claim.against) for claim in claims if not claim.holds} == {}


# A course that breaks a claim


def asking(case: Case, change: Callable[[Question], Question]) -> Case:
    """The course with every question changed."""
    course = case.course
    modules = tuple(replace(one, bank=tuple(map(change, one.bank))) for one in course.modules)
    quizzes = tuple(replace(one, bank=tuple(map(change, one.bank))) for one in course.quizzes)
    return replace(case, course=replace(course, modules=modules, quizzes=quizzes))


def fails(shown: Shown, case: Case) -> list[str]:
    """The claims that do not hold, each with what speaks against it."""
    return [" ".join((claim.claim, *claim.against)) for claim in shown(case) if not claim.holds]


def of_single(change: Callable[[Sequence[Option]], Sequence[Option]]) -> Callable[[Question], Question]:
    """Changes the options of questions with one right answer."""
    return lambda question: (
        replace(question, options=tuple(change(question.options))) if isinstance(question, Single) else question
    )


def key_first(options: Sequence[Option]) -> Sequence[Option]:
    return sorted(options, key=lambda option: not option.right)


def key_longest(options: Sequence[Option]) -> Sequence[Option]:
    def longer(option: Option) -> Option:
        return replace(option, text={tag: text + " and so on" * 30 for tag, text in option.text.items()})

    return [longer(option) if option.right else option for option in options]


def test_an_outcome_that_is_not_taught_or_asked_is_told(case: Case) -> None:
    outcome = next(iter(case.course.outcomes))
    untaught = replace(case, course=without_lessons_on(case.course, outcome))
    unasked = asking(case, lambda question: replace(question, outcome="") if question.outcome == outcome else question)
    for broken in (untaught, unasked):
        assert [outcome in told for told in fails(proof.outcomes, broken)] == [True]


def without_lessons_on(course: Course, outcome: str) -> Course:
    modules = tuple(
        replace(module, lessons=tuple(lesson for lesson in module.lessons if outcome not in lesson.outcomes))
        for module in course.modules
    )
    return replace(course, modules=modules)


def test_a_small_bank_and_a_missing_feedback_are_told(case: Case) -> None:
    first, *others = case.course.modules
    small = replace(case, course=replace(case.course, modules=(replace(first, bank=first.bank[:5]), *others)))
    assert [f"{first.id}: 5" in told for told in fails(proof.banks, small)] == [True]
    silent = asking(case, of_single(lambda options: [replace(option, feedback={"en": "Yes."}) for option in options]))
    assert len(fails(proof.banks, silent)) == 1
    words = dict.fromkeys(case.course.languages, "so " * 45)
    wordy = asking(case, of_single(lambda options: [replace(option, feedback=words) for option in options]))
    assert len(fails(proof.banks, wordy)) == 1


def test_a_key_that_always_stands_first_is_told(case: Case) -> None:
    assert fails(proof.places, asking(case, of_single(key_first)))


def test_a_key_that_is_always_the_longest_is_told(case: Case) -> None:
    broken = asking(case, of_single(key_longest))
    assert len(fails(proof.lengths, broken)) == len(case.course.languages)
    assert len(fails(proof.strategies, broken)) == len(case.course.languages)


def test_a_changed_number_is_told(case: Case, tmp_path: Path) -> None:
    folder = shutil.copytree(SHIPPED, tmp_path / "course")
    lesson = folder / "02-scores" / "02-rare-things.hi.md"
    lesson.write_text(lesson.read_text("utf-8").replace("26.9", "29.6"), "utf-8")
    languages = case.course.languages
    told = [file for row in numbers.scores() for file in numbers.missing(row, folder, languages)]
    assert told == ["02-scores/02-rare-things.hi.md"]


def test_a_figure_that_its_script_does_not_draw_is_told(case: Case, tmp_path: Path) -> None:
    folder = shutil.copytree(SHIPPED, tmp_path / "course")
    (folder / "03-generative-ai" / "bytes.hi.svg").unlink()
    (folder / "02-scores" / "another.svg").write_text("<svg/>")
    (told,) = fails(proof.figures, replace(case, folder=folder))
    assert "generative_ai: bytes.hi.svg" in told
    assert "scores: another.svg" in told


def test_a_fact_without_a_source_and_a_review_overdue_are_told(case: Case) -> None:
    leading = case.course.languages[0]
    first, *others = case.course.facts[leading]
    unsourced = {**case.course.facts, leading: (replace(first, url=""), *others)}
    broken = replace(case, course=replace(case.course, facts=MappingProxyType(unsourced)))
    assert [first.id in told for told in fails(proof.sources, broken)] == [True]
    due = min(fact.review_by for fact in case.course.facts[leading])
    assert not fails(proof.reviews, replace(case, today=due))
    assert fails(proof.reviews, replace(case, today=due + timedelta(days=1)))


def test_the_table_shows_each_claim_and_what_speaks_against_it() -> None:
    claims = [Claim("short", "1 of 1", True), Claim("much longer", "0 of 2", False, ("this", "that"))]
    assert list(proof.table(claims)) == [
        "holds  short        1 of 1",
        "FAILS  much longer  0 of 2",
        "       - this",
        "       - that",
        "1 of 2 claims hold.",
    ]


# What chance does


@pytest.mark.parametrize(("chi_square", "freedom"), [(3.841, 1), (5.991, 2), (7.815, 3), (11.070, 5), (18.307, 10)])
def test_the_chi_square_tail_agrees_with_printed_tables(chi_square: float, freedom: int) -> None:
    assert chi_square_tail(chi_square, freedom) == pytest.approx(0.05, abs=5e-5)


def test_with_equal_chances_the_tail_is_the_binomial_one() -> None:
    exact = sum(comb(12, k) * 0.25**k * 0.75 ** (12 - k) for k in range(5, 13))
    assert at_least(5, [0.25] * 12) == pytest.approx(exact)
    assert at_least(0, []) == 1


def test_a_spread_of_single_keys_is_pearsons_and_one_of_pairs_weighs_their_variance() -> None:
    singles = spread([(3, [0])] * 6 + [(3, [1])] * 3 + [(3, [2])] * 3)
    assert singles.chi_square == pytest.approx((2**2 + 1 + 1) / 4)
    assert singles.freedom == 2
    # Each of the six pairs of four places once: as even as it can be.
    pairs = spread([(4, [a, b]) for a in range(4) for b in range(a + 1, 4)])
    assert (pairs.chi_square, pairs.freedom) == (0, 3)
    assert spread([]).p == 1


def test_ties_of_a_strategy_are_decided_by_lot() -> None:
    assert cues.hit([1, 3, 2], [1]) == 1
    assert cues.hit([1, 3, 3], [1]) == 1 / 2
    assert cues.hit([0, 0, 0, 0], [1, 2]) == 1 / 6
    assert cues.hit([5, 1, 1, 1], [0, 2]) == 1 / 3
    assert cues.hit([5, 1, 1, 1], [1, 2]) == 0


def test_no_question_of_the_shipped_course_is_passed_over(case: Case) -> None:
    choices = [question for quiz in case.banks() for question in quiz.bank if not isinstance(question, Numeric)]
    assert {question.id for question in choices} == {question.id for question in every_choice(case.course)}
