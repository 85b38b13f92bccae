"""The invented map of the practice on hamlets: its 155 houses, and the two ways of grouping them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import cos, dist, log, pi, sin, sqrt

Point = tuple[float, float]
"""Metres from the corner of the map at the top left."""

SEED, NOISE = 160916, -1
HAMLETS = ((900, 2300, 30, 70), (2300, 2500, 18, 55), (3400, 2100, 9, 40))
HOMESTEADS: tuple[Point, ...] = (
    (400, 1600), (1500, 1750), (1650, 2850), (2900, 1700), (3750, 2750), (200, 2750), (2700, 2950), (1250, 1550),
)  # fmt: skip


def mulberry32(state: int) -> Callable[[], float]:
    """The random numbers of the practice, one for one."""

    def draw() -> float:
        nonlocal state
        state = (state + 0x6D2B79F5) % 2**32
        t = (state ^ state >> 15) * (state | 1) % 2**32
        t = (t + (t ^ t >> 7) * (t | 61)) % 2**32 ^ t
        return (t ^ t >> 14) / 2**32

    return draw


def houses() -> list[Point]:
    """90 houses along a valley road, hamlets of 30, 18 and 9, and the eight homesteads."""
    draw = mulberry32(SEED)

    def normal() -> float:
        return sqrt(-2 * log(1 - draw())) * cos(2 * pi * draw())

    along = [i / 89 for i in range(90)]
    places = [(300 + 3200 * t + normal() * 18, 600 + 500 * sin(t * pi) + normal() * 35) for t in along]
    for x, y, number, spread in HAMLETS:
        places += [(x + normal() * spread, y + normal() * spread) for _ in range(number)]
    return [*places, *HOMESTEADS]


def by_distance(places: Sequence[Point], reach: float, least: int) -> list[int]:
    """DBSCAN: the group of each house, or NOISE."""
    near = [[j for j, other in enumerate(places) if dist(place, other) <= reach] for place in places]
    group: list[int | None] = [None] * len(places)
    last = -1
    for i in range(len(places)):
        if group[i] is None and len(near[i]) < least:
            group[i] = NOISE
        elif group[i] is None:
            last += 1
            _grow(i, last, near, group, least)
    return [NOISE if g is None else g for g in group]


def _grow(first: int, number: int, near: list[list[int]], group: list[int | None], least: int) -> None:
    waiting, group[first] = list(near[first]), number
    while waiting:
        j = waiting.pop()
        if group[j] is None and len(near[j]) >= least:
            waiting += near[j]
        if group[j] in (None, NOISE):
            group[j] = number


def by_centres(places: Sequence[Point], number: int, seed: int) -> list[int]:
    """k-means, begun at houses that the seed picks."""
    draw, centres = mulberry32(seed), list[Point]()
    while len(centres) < number:
        place = places[int(draw() * len(places))]
        if place not in centres:
            centres.append(place)
    group: list[int] = []
    for _ in range(100):
        group = [min(range(number), key=[dist(place, c) for c in centres].__getitem__) for place in places]
        members = [[p for p, g in zip(places, group, strict=True) if g == c] for c in range(number)]
        centres = [(sum(x for x, _ in m) / len(m), sum(y for _, y in m) / len(m)) for m in members]
    return group
