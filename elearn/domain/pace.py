"""How fast a module was gone through, judged from the times the server received acts and from nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from itertools import pairwise

Act = tuple[datetime, str]
"""When the server received an act, and the module it belongs to ("" for a sign-in or a quiz)."""


def credited_seconds(acts: Iterable[Act], read_by: Mapping[str, datetime]) -> dict[str, float]:
    """Seconds credited to each module, until `read_by`: when the last of its lessons was done.

    The time between two acts belongs to the later one, once, however many tabs or devices were open: somebody
    reads, then answers. A sign-in begins the first stretch. An act after `read_by` is no reading of what is already
    done, so that whoever hurried cannot make up for it by waiting.
    """
    seconds: dict[str, float] = {}
    for (before, _), (at, module) in pairwise(sorted(acts)):
        if module in read_by and at <= read_by[module]:
            seconds[module] = seconds.get(module, 0.0) + (at - before).total_seconds()
    return seconds


def too_fast(words: int, seconds: float, fastest_words_per_minute: int) -> bool:
    """Nobody reads faster than the fastest; 0 switches the rule off."""
    return bool(fastest_words_per_minute) and words * 60 > fastest_words_per_minute * seconds
