"""Lab 9's valley: its houses, what two methods make of them, whom water points reach, and how all this is drawn.

155 houses: 90 along a curved road, hamlets of 30, 18 and 9, and 8 homesteads that stand alone. The first method is
DBSCAN (Ester, Kriegel, Sander and Xu, 1996) with groups from 4 houses on. At 80 m it draws 14 groups and leaves out 24
houses, at 100 m 6 groups and 12 houses; from 150 to 500 m 4 groups and 8 houses: the homesteads, who are left out at
every distance. The second is k-means (Lloyd, 1982) from houses drawn by lot. It cuts the road settlement from
every start on offer, and into 4 groups from 99 of the first 100 starts; 4 groups from start 7 cut it into 28, 33 and 29
houses and join the hamlets of 30 and 18.

`static/labs/hamlets.js` computes and draws the same. Coordinates are whole metres from the north-western corner, so
that distances are compared as whole numbers; what is not whole is added up and divided in the order written here.
"""

import math
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from elearn.domain.labs.chance import mulberry32, normal
from elearn.domain.labs.lab import data_of

LEAST = 4  # houses, the one in the middle included, that make a group
ROUNDS = 100  # k-means comes to rest in at most 16 here
LARGE = 20  # the scheme funds habitations of so many houses or more

COLUMNS = "ABCDEFGHIJKLMNO"  # sites for water points: a grid of 250 m
ROWS = tuple(map(str, range(1, 12)))
GRID = 250
REACH = 500

_DATA = data_of(__file__)
HOUSES: Sequence[Sequence[int]] = _DATA["houses"]
SETTLEMENTS: Sequence[int] = _DATA["settlements"]  # how many houses each has, in the order of HOUSES
SHAPES: Sequence[str] = _DATA["shapes"]
PLACES = tuple(place for place, houses in enumerate(SETTLEMENTS) for _ in range(houses))
HOMESTEADS = range(len(HOUSES) - SETTLEMENTS[-1], len(HOUSES))
NOWHERE = -1  # the group of a house in no group

Point = Sequence[float]


def drawn_houses() -> list[list[int]]:
    """The houses as they were once drawn by chance and rounded to whole metres; `valley.json` keeps them."""
    draw = mulberry32(160916)
    houses: list[tuple[float, float]] = []
    for number in range(90):
        along = number / 89
        east = 300 + 3200 * along + normal(draw) * 18
        houses.append((east, 600 + 500 * math.sin(along * math.pi) + normal(draw) * 35))
    for east, south, count, spread in ((900, 2300, 30, 70), (2300, 2500, 18, 55), (3400, 2100, 9, 40)):
        for _ in range(count):
            houses.append((east + normal(draw) * spread, south + normal(draw) * spread))
    houses += ((400, 1600), (1500, 1750), (1650, 2850), (2900, 1700))
    houses += ((3750, 2750), (200, 2750), (2700, 2950), (1250, 1550))
    return [[round(east), round(south)] for east, south in houses]


def _apart(one: Point, other: Point) -> float:
    """The square of the distance."""
    across, down = one[0] - other[0], one[1] - other[1]
    return across * across + down * down


def grouped_by_distance(distance: int) -> list[int]:
    """DBSCAN: the group of each house, numbered as they are met; NOWHERE for a house in none.

    A house at the edge of two groups belongs to the one met first.
    """
    near = [[other for other, there in enumerate(HOUSES) if _apart(here, there) <= distance**2] for here in HOUSES]
    groups = [NOWHERE] * len(HOUSES)
    count = 0
    for house, neighbours in enumerate(near):
        if groups[house] != NOWHERE or len(neighbours) < LEAST:
            continue
        waiting = [house]
        while waiting:
            one = waiting.pop()
            if groups[one] == NOWHERE:
                groups[one] = count
                # Only a house with enough neighbours of its own extends the group.
                waiting += near[one] if len(near[one]) >= LEAST else ()
        count += 1
    return groups


def grouped_around_centres(count: int, start: int) -> tuple[list[int], list[Point]]:
    """k-means: the group of each house, and the centres. A house as near to two centres goes to the earlier one."""
    draw = mulberry32(start)
    drawn: list[int] = []
    while len(drawn) < count:
        house = math.floor(draw() * len(HOUSES))
        if house not in drawn:
            drawn.append(house)
    centres: list[Point] = [HOUSES[house] for house in drawn]
    groups: list[int] = []
    for _ in range(ROUNDS):
        groups = [min(range(count), key=lambda group: _apart(house, centres[group])) for house in HOUSES]
        middles = [_middle(_houses_of(groups, group), centres[group]) for group in range(count)]
        if middles == centres:
            break
        centres = middles
    return groups, centres


def _houses_of(groups: Sequence[int], group: int) -> list[Sequence[int]]:
    return [house for house, its in zip(HOUSES, groups, strict=True) if its == group]


def _middle(houses: Sequence[Point], before: Point) -> Point:
    """The middle of a group's houses; an empty group keeps its centre."""
    if not houses:
        return before
    return [sum(east for east, _ in houses) / len(houses), sum(south for _, south in houses) / len(houses)]


def site(name: str) -> list[int]:
    """Where a site of the grid is: B3 is 500 m from the west and 750 m from the north."""
    return [(COLUMNS.index(name[0]) + 1) * GRID, int(name[1:]) * GRID]


def _sizes(groups: Sequence[int]) -> list[int]:
    return [groups.count(group) for group in range(max(groups) + 1)]


def _funded(sizes: Sequence[int]) -> int:
    return sum(size for size in sizes if size >= LARGE)


def density(eps: int) -> dict[str, Any]:
    """`sizes` are the groups' houses; `homesteads` are those left out; `funded` is houses in groups large enough."""
    groups = grouped_by_distance(eps)
    sizes = _sizes(groups)
    return {
        "groups": groups,
        "sizes": sizes,
        "left_out": groups.count(NOWHERE),
        "homesteads": sum(groups[house] == NOWHERE for house in HOMESTEADS),
        "funded": _funded(sizes),
    }


def kmeans(k: int, start: int) -> dict[str, Any]:
    """`made_of` counts each group's houses by settlement; `far` is metres from each homestead to its centre."""
    groups, centres = grouped_around_centres(k, start)
    sizes = _sizes(groups)
    made_of = [[0] * len(SETTLEMENTS) for _ in sizes]
    for group, place in zip(groups, PLACES, strict=True):
        made_of[group][place] += 1
    return {
        "groups": groups,
        "centres": centres,
        "sizes": sizes,
        "made_of": made_of,
        "parts": [row[0] for row in made_of if row[0]],
        "far": [math.sqrt(_apart(HOUSES[house], centres[groups[house]])) for house in HOMESTEADS],
        "funded": _funded(sizes),
    }


def water(sites: Sequence[str]) -> dict[str, Any]:
    """`served` holds the reached houses by number; `far` is metres from each homestead to the nearer point."""
    points = [site(name) for name in sites]
    served = [
        number for number, house in enumerate(HOUSES) if any(_apart(house, point) <= REACH**2 for point in points)
    ]
    by_place = [sum(PLACES[house] == place for house in served) for place in range(len(SETTLEMENTS))]
    return {
        "served": served,
        "houses": len(served),
        "by_place": by_place,
        "grouped": len(served) - by_place[-1],
        "homesteads": by_place[-1],
        "far": [math.sqrt(min(_apart(HOUSES[house], point) for point in points)) for house in HOMESTEADS],
    }


def nearest(house: int) -> float:
    """Metres from a house to the one nearest to it."""
    return math.sqrt(min(_apart(HOUSES[house], other) for number, other in enumerate(HOUSES) if number != house))


# What is drawn: paths {"css", "d"} and texts {"css", "x", "y", "text"}, in metres.


def _path(css: str, shape: str, places: Sequence[Point]) -> dict[str, Any]:
    return {"css": css, "d": "".join(f"M{x} {y}{shape}" for x, y in places)}


def _text(css: str, x: int, y: int, text: str) -> dict[str, Any]:
    return {"css": css, "x": x, "y": y, "text": text}


def _ring(radius: int) -> str:
    """A circle around the place a path has come to."""
    return f"m{-radius} 0a{radius} {radius} 0 1 0 {2 * radius} 0a{radius} {radius} 0 1 0 {-2 * radius} 0"


def name_of(homestead: int) -> str:
    """What a homestead is called: H1 for the first."""
    return f"H{homestead + 1}"


def _named_homesteads() -> list[dict[str, Any]]:
    names = []
    for number, house in enumerate(HOMESTEADS):
        x, y = HOUSES[house]
        # To the right of the house, unless the map ends there.
        css, beside = ("name", x + 50) if x < 3600 else ("name end", x - 50)
        names.append(_text(css, beside, y + 40, name_of(number)))
    return names


def letter(group: int) -> str:
    """What a group is called: A for the first."""
    return chr(ord("A") + group)


def marks_of(group: int, places: Sequence[Point]) -> dict[str, Any]:
    """A group's houses: a colour of five and a shape of seven, hollow from the eighth group on."""
    css = f"mark g{group % 5}" + (" hollow" if group >= len(SHAPES) else "")
    return _path(css, SHAPES[group % len(SHAPES)], places)


def _grouped_marks(groups: Sequence[int]) -> list[dict[str, Any]]:
    return [marks_of(group, _houses_of(groups, group)) for group in range(max(groups) + 1)]


def density_picture(eps: int, figures: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The groups with their letters, and a cross for each house in none, in a ring as wide as the distance."""
    groups = figures["groups"]
    left_out = _houses_of(groups, NOWHERE)
    letters = []
    for group in range(len(figures["sizes"])):
        houses = _houses_of(groups, group)
        middle = (min(x for x, _ in houses) + max(x for x, _ in houses)) // 2
        letters.append(_text("letter", middle, min(y for _, y in houses) - 60, letter(group)))
    crosses = _path("mark out", "m-32-32l64 64m0-64l-64 64", left_out)
    return [
        _path("ring", _ring(eps), left_out),
        *_grouped_marks(groups),
        *(crosses, *letters, *_named_homesteads()),
    ]


def kmeans_picture(figures: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The groups with their centres, and each homestead's way to the centre of its group."""
    groups = figures["groups"]
    # Half metres up, as Math.round does; round() would go to the even one.
    centres = [[math.floor(x + 0.5), math.floor(y + 0.5)] for x, y in figures["centres"]]
    ways = []
    for house in HOMESTEADS:
        (x, y), (to_x, to_y) = HOUSES[house], centres[groups[house]]
        ways.append(f"M{x} {y}L{to_x} {to_y}")
    letters = [_text("letter", x, y - 80, letter(group)) for group, (x, y) in enumerate(centres)]
    return [
        {"css": "way", "d": "".join(ways)},
        *_grouped_marks(groups),
        _path("centre", "m-60 0h120m-60-60v120", centres),
        *(*letters, *_named_homesteads()),
    ]


def water_picture(sites: Sequence[str] = (), served: Collection[int] = ()) -> list[dict[str, Any]]:
    """Two points, the houses within their reach, and all others."""
    points = [site(name) for name in sites]
    marks = []
    for css, inside in (("mark far", False), ("mark near", True)):
        for shape, numbers in ((SHAPES[0], range(HOMESTEADS[0])), (SHAPES[2], HOMESTEADS)):
            marks.append(_path(css, shape, [HOUSES[number] for number in numbers if (number in served) == inside]))
    names = [_text("letter", x, y + 175, f"P{number}") for number, (x, y) in enumerate(points, start=1)]
    return [
        _path("reach", _ring(REACH), points),
        *marks,
        _path("site", "m0-50l50 50l-50 50l-50-50z", points),
        *(*names, *_named_homesteads()),
    ]


def plain_picture() -> list[dict[str, Any]]:
    """The houses before anybody has grouped them."""
    return [_path("mark plain", SHAPES[0], HOUSES), *_named_homesteads()]
