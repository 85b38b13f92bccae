"""What the figures of the module on habitation mapping are made of."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from docs.figures.hamlets import Point

INK, SOFT, BLUE, OCHRE, GREEN = "#1d2433", "#596275", "#2b3f91", "#b45f06", "#0f6b5c"
PAPER, LINE, PALE, WARM = "#fbfaf7", "#dedad0", "#eceffa", "#fdf1df"
BLOCK = "m-5-5h10v10h-10z"
SHAPES = {"dot": "h0", "square": "m-3-3h6v6h-6z", "triangle": "m0-5l5 9h-10z", "cross": "m-4-4l8 8m0-8l-8 8"}
RING = "m-9 0a9 9 0 1 0 18 0a9 9 0 1 0-18 0"
SCALE = 0.156
"""Units of the page for a metre."""


def page(title: str, height: int, parts: Sequence[str]) -> str:
    size = f'viewBox="0 0 640 {height}" width="640" height="{height}"'
    paper = f'<rect x="0" y="0" width="640" height="{height}" rx="16" fill="{PAPER}"/>'
    opening = f'<svg xmlns="http://www.w3.org/2000/svg" {size}>'
    return "\n".join((opening, paper, f"<title>{title}</title>", *parts, "</svg>\n"))


def stroke(d: str, colour: str, width: int = 3, *, fill: str = "none", dash: str = "") -> str:
    more = f' stroke-dasharray="{dash}"' if dash else ' stroke-linecap="round" stroke-linejoin="round"'
    return f'<path d="{d}" fill="{fill}" stroke="{colour}" stroke-width="{width}"{more}/>'


def oval(x: float, y: float, rx: float, ry: float) -> str:
    size = f'cx="{x:g}" cy="{y:g}" rx="{rx:g}" ry="{ry:g}"'
    return f'<ellipse {size} fill="{PALE}" stroke="{BLUE}" stroke-width="3"/>'


def on_page(place: Point, top: float) -> tuple[int, int]:
    return round(16 + (place[0] - 100) * SCALE), round(top + (place[1] - 420) * SCALE)


def marks(places: Iterable[Point], top: float, shape: str, colour: str) -> str:
    drawn = {**SHAPES, "block": BLOCK, "ring": RING}[shape]
    d = "".join(f"M{x} {y}{drawn}" for x, y in (on_page(place, top) for place in places))
    fill = colour if shape in ("square", "block", "triangle") else "none"
    return stroke(d, colour, {"dot": 8, "cross": 3, "ring": 3}.get(shape, 1), fill=fill)


def text(x: float, y: float, words: str, size: int, colour: str = INK, *, bold: bool = False, anchor: str = "") -> str:
    more = (' font-weight="700"' if bold else "") + (f' text-anchor="{anchor}"' if anchor else "")
    return f'<text x="{x:g}" y="{y:g}" font-family="sans-serif" font-size="{size}"{more} fill="{colour}">{words}</text>'


def panel(y: float, height: float, fill: str = "#ffffff") -> str:
    frame = f'<rect x="12" y="{y:g}" width="616" height="{height:g}" rx="12"'
    return f'{frame} fill="{fill}" stroke="{LINE}" stroke-width="2"/>'


def outline(places: Sequence[Point], top: float, pad: int = 24) -> str:
    """A band around houses along a road, or an oval around a hamlet."""
    points = [on_page(place, top) for place in places]
    if len(points) == 90:
        steps = [points[i] for i in range(0, 90, 8)] + [points[-1]]
        line = "M" + "L".join(f"{x} {y}" for x, y in steps)
        return stroke(line, BLUE, 52) + stroke(line, PALE, 46)
    xs, ys = [x for x, _ in points], [y for _, y in points]
    middle = (min(xs) + max(xs)) / 2, (min(ys) + max(ys)) / 2
    return oval(*middle, (max(xs) - min(xs)) / 2 + pad, (max(ys) - min(ys)) / 2 + pad)
