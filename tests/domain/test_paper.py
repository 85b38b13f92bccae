"""Which questions are asked, how long there is, and how long one waits."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from elearn.domain.course import Needs, QuizRules, Route
from elearn.domain.paper import GRACE, MOST_WAYS, deadline, draw, every_way, fitted, opens_again
from elearn.domain.questions import Option, Question, Single

NINE = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


def bank(**domains: int) -> list[Question]:
    """bank(A=6, D=4): questions A0 to A5 and D0 to D3."""
    options = (Option({}, {}, True), Option({}, {}, False))
    return [
        Single(id=f"{domain}{n}", stem={}, explanation={}, domain=domain, options=options)
        for domain, count in domains.items()
        for n in range(count)
    ]


def asking(outcome: str, **domains: int) -> list[Question]:
    return [replace(question, id=f"{outcome}-{question.id}", outcome=outcome) for question in bank(**domains)]


def ids(questions: list[Question]) -> list[str]:
    return [q.id for q in questions]


# Which questions


def test_as_many_as_the_rules_say_and_no_question_twice() -> None:
    drawn = ids(draw(bank(A=20), QuizRules(8, 75), "seed", {}))
    assert len(drawn) == len(set(drawn)) == 8


def test_the_same_seed_draws_the_same_paper_again() -> None:
    rules, questions = QuizRules(8, 75), bank(A=20)
    assert ids(draw(questions, rules, "seed", {})) == ids(draw(questions, rules, "seed", {}))
    with_blueprint = QuizRules(10, 70, blueprint={"A": 6, "D": 4})
    mixed = bank(A=10, D=10)
    assert ids(draw(mixed, with_blueprint, "seed", {})) == ids(draw(mixed, with_blueprint, "seed", {}))


def test_other_seeds_draw_other_papers() -> None:
    papers = {tuple(ids(draw(bank(A=20), QuizRules(8, 75), f"seed-{n}", {}))) for n in range(30)}
    assert len(papers) == 30


def test_the_first_question_is_not_always_from_the_same_place() -> None:
    rules, mixed = QuizRules(10, 70, blueprint={"A": 6, "D": 4}), bank(A=6, D=4)
    first = {ids(draw(mixed, rules, f"seed-{n}", {}))[0][0] for n in range(30)}
    assert first == {"A", "D"}


def test_what_was_seen_least_comes_first() -> None:
    seen = {f"A{n}": 1 for n in range(12)} | {"A0": 5}
    drawn = set(ids(draw(bank(A=20), QuizRules(8, 75), "seed", seen)))
    assert drawn == {f"A{n}" for n in range(12, 20)}
    more = set(ids(draw(bank(A=20), QuizRules(19, 75), "seed", seen)))
    assert more == {f"A{n}" for n in range(1, 20)}


def test_a_bank_is_gone_through_before_anything_comes_again() -> None:
    seen: Counter[str] = Counter()
    for n in range(5):
        drawn = ids(draw(bank(A=20), QuizRules(8, 75), f"seed-{n}", seen))
        seen.update(drawn)
        assert max(seen.values()) - min(seen[f"A{n}"] for n in range(20)) <= 1


def test_a_blueprint_draws_so_many_of_each_domain() -> None:
    rules = QuizRules(10, 70, blueprint={"A": 6, "D": 4})
    for n in range(20):
        drawn = draw(bank(A=15, B=5, D=9), rules, f"seed-{n}", {"A0": 1, "D1": 2})
        assert Counter(q.domain for q in drawn) == {"A": 6, "D": 4}


def test_a_blueprint_too_draws_the_least_seen_of_each_domain() -> None:
    seen = {"A0": 1, "A1": 1, "D0": 3}
    drawn = ids(draw(bank(A=4, D=3), QuizRules(4, 70, blueprint={"A": 2, "D": 2}), "seed", seen))
    assert set(drawn) == {"A2", "A3", "D1", "D2"}


def test_a_small_bank_gives_what_it_has() -> None:
    assert sorted(ids(draw(bank(A=3), QuizRules(8, 75), "seed", {}))) == ["A0", "A1", "A2"]
    assert draw([], QuizRules(8, 75), "seed", {}) == []


@given(st.integers(0, 30), st.integers(0, 12), st.text(max_size=12), st.dictionaries(st.text(), st.integers(0, 9)))
def test_a_draw_is_always_part_of_the_bank(size: int, count: int, seed: str, seen: dict[str, int]) -> None:
    drawn = ids(draw(bank(A=size), QuizRules(count, 75), seed, seen))
    assert len(drawn) == len(set(drawn)) == min(size, count)
    assert set(drawn) <= set(ids(bank(A=size)))


# How long


def test_a_timed_quiz_ends_and_an_untimed_one_does_not() -> None:
    assert deadline(QuizRules(10, 70, minutes=20), NINE) == NINE + timedelta(minutes=20)
    assert deadline(QuizRules(8, 75), NINE) is None
    assert timedelta(0) < GRACE <= timedelta(minutes=2)


def test_the_second_failure_asks_for_a_day() -> None:
    rules = QuizRules(10, 70, wait_hours_after={2: 24})
    monday = [NINE + timedelta(hours=h) for h in range(4)]
    assert opens_again(rules, [], NINE) is None
    assert opens_again(rules, monday[:1], NINE) is None
    assert opens_again(rules, monday[:2], monday[1]) == monday[1] + timedelta(hours=24)
    assert opens_again(rules, monday[:3], monday[2] + timedelta(hours=23)) == monday[2] + timedelta(hours=24)
    assert opens_again(rules, monday[:3], monday[2] + timedelta(hours=24)) is None


def test_a_clock_that_stood_wrong_keeps_nobody_waiting_for_years() -> None:
    rules = QuizRules(10, 70, wait_hours_after={2: 24})
    assert opens_again(rules, [NINE, NINE + timedelta(hours=1)], NINE) == NINE + timedelta(hours=25)
    for ahead in (timedelta(days=7), timedelta(days=12 * 365)):
        assert opens_again(rules, [NINE, NINE + ahead], NINE) is None


def test_waits_may_grow() -> None:
    rules = QuizRules(10, 70, wait_hours_after={4: 72, 1: 1, 2: 24})
    failed = [NINE + timedelta(days=n) for n in range(5)]
    last = [failed[max(n - 1, 0)] for n in range(6)]
    hours = [(opens_again(rules, failed[:n], last[n]) or failed[0]) - last[n] for n in range(6)]
    assert [int(wait.total_seconds() // 3600) for wait in hours] == [0, 1, 24, 24, 72, 72]


def test_without_a_rule_nobody_waits() -> None:
    assert opens_again(QuizRules(8, 75), [NINE, NINE], NINE) is None


# What a route does not teach is not asked


def test_only_outcomes_of_the_route_are_asked() -> None:
    questions = [*asking("1.a", A=4), *asking("9.a", E=4)]
    rules = QuizRules(4, 70, floors={"A": 60, "E": 60}, blueprint={"A": 2, "E": 2})
    kept, fit = fitted(questions, rules, {"1.a"})
    assert ids(list(kept)) == ids(questions[:4])
    assert (fit.draw, fit.blueprint, fit.floors) == (4, {"A": 4}, {"A": 60})
    assert len(draw(kept, fit, "seed", {})) == 4


def test_a_bank_that_can_fill_the_blueprint_is_asked_by_it() -> None:
    questions = [*asking("1.a", A=9, D=3), *asking("9.a", E=4)]
    rules = QuizRules(8, 70, blueprint={"A": 4, "D": 2, "E": 2})
    assert fitted(questions, rules, {"1.a", "9.a"}) == (tuple(questions), rules)
    assert fitted(questions, rules, {"1.a"})[1].blueprint == {"A": 6, "D": 2}


def test_too_few_questions_are_all_asked() -> None:
    assert fitted(asking("1.a", A=3), QuizRules(8, 70), {"1.a"})[1].draw == 3
    assert fitted(asking("1.a", A=3), QuizRules(8, 70, blueprint={"A": 8}), {"1.a"})[1].draw == 3
    assert fitted(asking("1.a", A=3), QuizRules(8, 70, blueprint={"A": 8}), set())[1].draw == 0


def test_every_choice_among_alternatives_is_a_way_and_very_many_are_not_all_looked_at() -> None:
    group = {"words": Needs(("words/kinds",)), "law": Needs(("law/rules",))}
    route = Route("leader", {}, Needs(quizzes=("final",)), (group, group))
    assert [way.lessons for way in every_way(route)][:2] == [
        ("words/kinds", "words/kinds"),
        ("words/kinds", "law/rules"),
    ]
    assert len(every_way(replace(route, any_of=(group,) * 40))) == MOST_WAYS
