"""What chance alone would do: the two tests that the proof needs, in the standard library."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import erfc, exp, gamma, sqrt


@dataclass(frozen=True, slots=True)
class Spread:
    """How unevenly something is spread over places: Pearson's chi-square, its freedom, and how often chance alone
    spreads at least so unevenly."""

    chi_square: float
    freedom: int

    @property
    def p(self) -> float:
        return chi_square_tail(self.chi_square, self.freedom)


def spread(keys: Iterable[tuple[int, Sequence[int]]]) -> Spread:
    """Of keys as (number of options, places of the right ones).

    Where several options are right, their places exclude each other, so that each count varies less than it would
    with independent ones; for a single right option this is the usual sum of (observed - expected)² / expected.
    """
    counts: dict[int, list[int]] = defaultdict(list)
    expected: dict[int, float] = defaultdict(float)
    variance: dict[int, float] = defaultdict(float)
    for options, places in keys:
        seen, right = counts[options] or [0] * options, len(places)
        counts[options] = [count + (place in places) for place, count in enumerate(seen)]
        expected[options] += right / options
        variance[options] += right * (options - right) / (options * (options - 1))
    kinds = [options for options in counts if variance[options]]
    chi_square = sum((count - expected[kind]) ** 2 / variance[kind] for kind in kinds for count in counts[kind])
    return Spread(chi_square, sum(kind - 1 for kind in kinds))


def chi_square_tail(chi_square: float, freedom: int) -> float:
    """The chance of a chi-square at least so large, by Q(a + 1, x) = Q(a, x) + xᵃ e⁻ˣ / Γ(a + 1) from Q(1/2, x) or
    Q(1, x) (NIST Digital Library of Mathematical Functions, 8.8.6 and 8.4.6)."""
    x = chi_square / 2
    a = 1.0 if freedom % 2 == 0 else 0.5
    q = exp(-x) if freedom % 2 == 0 else erfc(sqrt(x))
    while a < freedom / 2:
        q += x**a * exp(-x) / gamma(a + 1)
        a += 1
    return q if freedom else 1.0


def at_least(count: int, chances: Sequence[float]) -> float:
    """The chance that at least so many of independent events happen. With equal chances this is the binomial tail."""
    happened = [1.0]  # the chance of each number of events so far
    for chance in chances:
        happened = [
            before * chance + here * (1 - chance)
            for before, here in zip([0.0, *happened], [*happened, 0.0], strict=True)
        ]
    return sum(happened[count:])
