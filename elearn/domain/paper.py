"""Which questions an attempt asks, when it ends, and when the next one may begin."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import islice, product
from random import Random

from elearn.domain.course import Course, Needs, QuizRules, Route
from elearn.domain.questions import Question

GRACE = timedelta(seconds=60)
"""Added to a timed attempt's end: a slow line must not cost the last answer."""

AHEAD = timedelta(hours=2)
"""What lies further ahead than clocks differ was written while the clock stood wrong."""


def draw(bank: Sequence[Question], rules: QuizRules, seed: str, times_seen: Mapping[str, int]) -> list[Question]:
    """The questions of one attempt, in order. What the officer has met least comes first; the seed decides the rest.

    With a blueprint, so many of each domain as it says; without, `rules.draw` from the whole bank.
    """
    chance = Random(seed)  # noqa: S311 - a draw to be repeatable, not a secret
    shuffled = list(bank)
    chance.shuffle(shuffled)
    shuffled.sort(key=lambda q: times_seen.get(q.id, 0))
    if not rules.blueprint:
        drawn = shuffled[: rules.draw]
    else:
        drawn = [q for domain, n in rules.blueprint.items() for q in [x for x in shuffled if x.domain == domain][:n]]
    chance.shuffle(drawn)
    return drawn


MOST_WAYS = 200


def every_way(route: Route) -> list[Needs]:
    """All that an officer on this route may come to need: every choice among its alternatives, the first 200 of them
    where somebody wrote very many."""
    return [
        Needs(
            lessons=tuple(path for part in (route.needs, *ways) for path in part.lessons),
            labs=tuple(lab for part in (route.needs, *ways) for lab in part.labs),
            quizzes=tuple(quiz for part in (route.needs, *ways) for quiz in part.quizzes),
        )
        for ways in islice(product(*(group.values() for group in route.any_of)), MOST_WAYS)
    ]


def taught(course: Course, needs: Needs) -> frozenset[str]:
    """The outcomes that these lessons teach."""
    return frozenset(
        outcome for lesson in course.lessons() if lesson.path in needs.lessons for outcome in lesson.outcomes
    )


def fitted(
    bank: Sequence[Question], rules: QuizRules, outcomes: Collection[str]
) -> tuple[tuple[Question, ...], QuizRules]:
    """The part of a bank that asks for these outcomes, and rules that it can fill: nobody is tested on what her route
    does not teach.

    Where a domain has too few questions left, the domains that have most to spare ask more, so that as many are drawn
    as the rules say, if there are so many. A floor falls away with the last question of its domain.
    """
    kept = tuple(q for q in bank if q.outcome in outcomes or not q.outcome)
    if not rules.blueprint:
        return kept, replace(rules, draw=min(rules.draw, len(kept)))
    there = {domain: sum(q.domain == domain for q in kept) for domain in rules.blueprint}
    asked = {domain: min(wanted, there[domain]) for domain, wanted in rules.blueprint.items()}
    for _ in range(rules.draw - sum(asked.values())):
        spare = max(asked, key=lambda domain: there[domain] - asked[domain])
        asked[spare] += int(there[spare] > asked[spare])
    blueprint = {domain: number for domain, number in asked.items() if number}
    floors = {domain: floor for domain, floor in rules.floors.items() if domain in blueprint}
    return kept, replace(rules, draw=sum(blueprint.values()), blueprint=blueprint, floors=floors)


def deadline(rules: QuizRules, started_at: datetime) -> datetime | None:
    return started_at + timedelta(minutes=rules.minutes) if rules.minutes else None


def opens_again(rules: QuizRules, submitted: Sequence[datetime], now: datetime) -> datetime | None:
    """When the next attempt may begin, after these failed ones (oldest first); None means now.

    `wait_hours_after: {2: 24}` asks for 24 hours after the second attempt and each later one. An attempt that
    was submitted far ahead of now was so while the clock stood wrong: it keeps nobody waiting for years.
    """
    waits = [hours for after, hours in sorted(rules.wait_hours_after.items()) if len(submitted) >= after]
    if not waits or not submitted or submitted[-1] > now + AHEAD:
        return None
    opens_at = submitted[-1] + timedelta(hours=waits[-1])
    return opens_at if now < opens_at else None
