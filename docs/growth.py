"""The table and the picture of docs/performance.md, from what `python -m bench.growth --json docs/growth.json` found.

`python -m docs.growth` draws docs/pictures/growth.svg and prints the tables, to be put into the page.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from math import log10
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent
ACTS = {
    "lesson page": "#2b3f91",
    "lesson done": "#e08a1e",
    "answer saved": "#2f7d4f",
    "dashboard": "#8a4fa3",
    "list": "#596275",
}
ENGINES = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}
INK, LINE, PAPER = "#1d2433", "#dedad0", "#fbfaf7"
WIDTH, HEIGHT, LEFT, TOP, SIDE = 760, 330, 56, 56, 270
MOST = 1.4  # times the cost at the smallest size


def main() -> None:
    found = json.loads((FOLDER / "growth.json").read_text())
    (FOLDER / "pictures" / "growth.svg").write_text(picture(found))
    sys.stdout.write("\n".join(tables(found)) + "\n")


def tables(found: dict[str, Any]) -> Iterator[str]:
    """Markdown: what one act costs by size, and what the mixed load reached."""
    sizes = [str(size) for size in found["sizes"]]
    for engine, name in ENGINES.items():
        one = found.get(engine)
        if not one:
            continue
        yield f"\n**{name}, one act, µs by the clock (of which CPU of the application)**\n"
        yield "| act | " + " | ".join(f"{int(size):,} officers" for size in sizes) + " | largest ÷ smallest |"
        yield "|---|" + "---:|" * (len(sizes) + 1)
        for act, by_size in one["alone"].items():
            cells = [f"{by_size[size][1] * 1e6:,.0f} ({by_size[size][0] * 1e6:,.0f})" for size in sizes]
            ratio = by_size[sizes[-1]][1] / by_size[sizes[0]][1]
            yield f"| {act} | {' | '.join(cells)} | {ratio:.2f} |"
        space = " | ".join(f"{one['bytes'][size] / 1e6:,.0f} MB" for size in sizes)
        yield f"| database | {space} | |"
        yield f"\n**{name}, sixteen connections that never pause, all acts mixed**\n"
        yield "| officers | acts a second | failed | " + " | ".join(f"{act}, p50 / p95 ms" for act in ACTS) + " |"
        yield "|---:|---:|---:|" + "---:|" * len(ACTS)
        for size in sizes:
            mixed = one["together"][size]
            waits = " | ".join("{:.0f} / {:.0f}".format(*(1000 * one for one in mixed["p50_p95"][act])) for act in ACTS)
            yield f"| {int(size):,} | {mixed['rate']:.0f} | {mixed['failed']} | {waits} |"


def picture(found: dict[str, Any]) -> str:
    """Both engines side by side: the cost of each act against the number of officers, as multiples of the smallest."""
    engines = [engine for engine in ENGINES if engine in found]
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}">',
        "<title>The cost of an act against the number of officers: the lines stay level</title>",
        f'<rect width="{WIDTH}" height="{HEIGHT}" rx="12" fill="{PAPER}"/>',
    ]
    for number, engine in enumerate(engines):
        parts += _chart(found, engine, LEFT + number * (SIDE + 80))
    for number, (act, colour) in enumerate(ACTS.items()):
        x = LEFT + number * 138
        parts.append(f'<rect x="{x}" y="{HEIGHT - 28}" width="14" height="4" fill="{colour}"/>')
        parts.append(_text(x + 20, HEIGHT - 22, act))
    return "\n".join([*parts, "</svg>"]) + "\n"


def _chart(found: dict[str, Any], engine: str, left: int) -> Iterator[str]:
    sizes, bottom = found["sizes"], HEIGHT - 70
    low, high = log10(sizes[0]), log10(sizes[-1])

    def x(size: int) -> float:
        return left + SIDE * (log10(size) - low) / ((high - low) or 1)

    def y(ratio: float) -> float:
        return bottom - (bottom - TOP) * min(ratio, MOST) / MOST

    yield _text(left, TOP - 24, ENGINES[engine], bold=True)
    for ratio, dash in ((0.0, ""), (0.5, ""), (1.0, ""), (1.15, ' stroke-dasharray="4 4"')):
        yield f'<path d="M{left} {y(ratio):.1f}h{SIDE}" stroke="{LINE if not dash else INK}"{dash}/>'
        yield _text(left - 8, y(ratio) + 4, f"{ratio:g} ×", at="end")
    for size in sizes:
        yield _text(x(size), bottom + 20, f"{size:,}", at="middle")
    for act, colour in ACTS.items():
        by_size = found[engine]["alone"][act]
        smallest = by_size[str(sizes[0])][1]
        points = " ".join(f"{x(size):.1f},{y(by_size[str(size)][1] / smallest):.1f}" for size in sizes)
        yield f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2.5"/>'


def _text(x: float, y: float, words: str, at: str = "start", bold: bool = False) -> str:
    weight = ' font-weight="700"' if bold else ""
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-family="sans-serif" font-size="13" text-anchor="{at}"{weight} '
        f'fill="{INK}">{words}</text>'
    )


if __name__ == "__main__":
    main()
