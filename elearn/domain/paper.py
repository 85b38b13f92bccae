"""Which questions an attempt asks, when it ends, and when the next one may begin."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from random import Random

from elearn.domain.course import QuizRules
from elearn.domain.questions import Question

GRACE = timedelta(seconds=60)
"""Added to a timed attempt's end: a slow line must not cost the last answer."""


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


def deadline(rules: QuizRules, started_at: datetime) -> datetime | None:
    return started_at + timedelta(minutes=rules.minutes) if rules.minutes else None


def opens_again(rules: QuizRules, submitted: Sequence[datetime]) -> datetime | None:
    """When the next attempt may begin, after these failed ones (oldest first); None means now.

    `wait_hours_after: {2: 24}` asks for 24 hours after the second attempt and each later one.
    """
    waits = [hours for after, hours in sorted(rules.wait_hours_after.items()) if len(submitted) >= after]
    return submitted[-1] + timedelta(hours=waits[-1]) if waits and submitted else None
