"""Draws the figures of the module on habitation mapping: `python -m docs.figures.habitations`."""

from __future__ import annotations

from math import dist

from docs.figures import COURSE, hamlets, write
from docs.figures.habitation_marks import (
    BLUE,
    GREEN,
    INK,
    OCHRE,
    PALE,
    RING,
    SCALE,
    SHAPES,
    SOFT,
    WARM,
    marks,
    on_page,
    outline,
    oval,
    page,
    panel,
    stroke,
    text,
)

FOLDER = COURSE / "05-habitations"
SHARED, PLANS, REACH = (740, 1960), ((1660, 1040), (1440, 1260)), 500
GROUND, MARKED, BOTH = 400, 380, 360
TOP = 40
REACH_OF_A_GROUP, FEWEST, START = 150, 4, 7

WORDS: dict[str, dict[str, tuple[str, ...]]] = {
    "en": {
        "three-counts": ("One place, three true counts", "1 village: the boundary", "4 habitations: the four outlines",
                         "155 houses: every dot", "8 of them in no outline"),
        "two-methods": ("The same 155 houses, grouped in two ways", "By distance: 4 groups", "8 houses in no group",
                        "By centres: 4 groups", "The road-side cut in three,", "two hamlets joined"),
        "missed-and-invented": ("Two errors of one map", "On the ground", "On the map", "in both",
                                "only on the ground:", "omission", "only on the map:", "commission"),
        "two-plans": ("Two plans for two water points", "Plan A", "Plan B", "{} of 155 houses", "{} of the 8 alone"),
    },
    "hi": {
        "three-counts": ("एक जगह, तीन सही गिनतियाँ", "1 गाँव: सीमा-रेखा", "4 बसावटें: चार घेरे",
                         "155 घर: हर बिंदु", "इनमें 8 किसी घेरे में नहीं"),
        "two-methods": ("वही 155 घर, दो तरह के समूह", "दूरी से: 4 समूह", "8 घर किसी समूह में नहीं",
                        "केंद्र से: 4 समूह", "सड़क वाली बसावट के तीन टुकड़े,", "दो टोले एक में"),
        "missed-and-invented": ("एक नक्शे की दो त्रुटियाँ", "ज़मीन पर", "नक्शे पर", "दोनों में", "केवल ज़मीन पर:",
                                "छूटने की त्रुटि", "केवल नक्शे पर:", "ग़लत जोड़ की त्रुटि"),
        "two-plans": ("दो जल-बिंदुओं की दो योजनाएँ", "योजना क", "योजना ख", "155 में से {} घर", "8 अकेले घरों में से {}"),
    },
}  # fmt: skip


def three_counts(words: tuple[str, ...]) -> tuple[int, list[str]]:
    places, group = hamlets.houses(), hamlets.by_distance(hamlets.houses(), REACH_OF_A_GROUP, FEWEST)
    edge = "M14 250L10 20L300 40L628 10L630 260L612 458L330 464L110 452L10 456Z"
    parts = [stroke(edge, SOFT, fill="#ffffff", dash="10 8")]
    parts += [outline([p for p, g in zip(places, group, strict=True) if g == n], TOP) for n in range(4)]
    parts += [marks(places[:-8], TOP, "dot", INK)]
    parts += [marks(places[-8:], TOP, shape, OCHRE) for shape in ("dot", "ring")]
    keys = (stroke("M24 508H72", SOFT, dash="10 8"), oval(48, 550, 24, 13), stroke("M36 592h0m12 0h0m12 0h0", INK, 8),
            stroke(f"M48 634{RING}M48 634h0", OCHRE, 4))  # fmt: skip
    for i, (key, line) in enumerate(zip(keys, words, strict=True)):
        parts += [key, text(92, 517 + 42 * i, line, 27)]
    return 660, parts


def two_methods(words: tuple[str, ...]) -> tuple[int, list[str]]:
    places, parts = hamlets.houses(), []
    looks = tuple(zip(SHAPES, (BLUE, OCHRE, GREEN, INK), strict=True))
    first = hamlets.by_distance(places, REACH_OF_A_GROUP, FEWEST)
    for y, group, lines in ((12, first, words[:2]), (540, hamlets.by_centres(places, 4, START), words[2:])):
        parts += [panel(y, 516 if y == 12 else 552)]
        parts += [marks((p for p, g in zip(places, group, strict=True) if g == n), y + 10, *looks[n]) for n in range(4)]
        parts += [marks(places[-8:], y + 10, "ring", OCHRE if hamlets.NOISE in group else SOFT)]
        parts += [text(36, y + 450 + 36 * i, line, 27, bold=not i) for i, line in enumerate(lines)]
    return 1104, parts


def missed_and_invented(words: tuple[str, ...]) -> tuple[int, list[str]]:
    ground, marked, both, out, omission, never, commission = words
    shape = '<rect x="{}" y="110" width="430" height="170" rx="24" fill="{}" fill-opacity="0.6" stroke="{}" {}/>'
    dashed = 'stroke-width="3" stroke-dasharray="12 7"'
    parts = [shape.format(20, WARM, OCHRE, 'stroke-width="3"'), shape.format(190, PALE, BLUE, dashed)]
    for x, number in ((105, GROUND - BOTH), (320, BOTH), (535, MARKED - BOTH)):
        parts.append(text(x, 206, str(number), 44, INK, bold=True, anchor="middle"))
    parts.append(text(320, 246, both, 26, INK, anchor="middle"))
    sides = ((30, "", OCHRE, ground, GROUND, out, omission), (610, "end", BLUE, marked, MARKED, never, commission))
    for x, anchor, colour, name, whole, where, error in sides:
        share = f"{whole - BOTH} ÷ {whole} = {round(100 * (whole - BOTH) / whole, 1):g} %"
        parts.append(text(x, 52, name, 27, colour, bold=True, anchor=anchor))
        parts.append(text(x, 90, str(whole), 32, colour, bold=True, anchor=anchor))
        parts.append(text(x, 326, where, 26, anchor=anchor))
        parts.append(text(x, 362, error, 28, colour, bold=True, anchor=anchor))
        parts.append(text(x, 400, share, 26, anchor=anchor))
    return 424, parts


def two_plans(words: tuple[str, ...]) -> tuple[int, list[str]]:
    places, parts = hamlets.houses(), []
    for y, name, second in ((12, words[0], PLANS[0]), (526, words[1], PLANS[1])):
        inside = [any(dist(place, point) <= REACH for point in (SHARED, second)) for place in places]
        parts.append(panel(y, 502))
        for point in (SHARED, second):
            x, height = on_page(point, y + 10)
            parts.append(oval(x, height, REACH * SCALE, REACH * SCALE))
            parts.append(stroke(f"M{x - 11} {height}h22m-11-11v22", BLUE, 6))
        parts += [marks(places[:-8], y + 10, "dot", INK), marks(places[-8:], y + 10, "block", OCHRE)]
        parts += [marks((p for p, near in zip(places[-8:], inside[-8:], strict=True) if near), y + 10, "ring", OCHRE)]
        counts = (words[2].format(sum(inside)), words[3].format(sum(inside[-8:])))
        parts += [text(36, y + 444, name, 28, BLUE, bold=True), text(36, y + 482, f"{counts[0]}; {counts[1]}", 26)]
    return 1040, parts


def figures() -> dict[str, str]:
    """What is in each file of the module's figures, in both languages."""
    drawn = {}
    drawings = {"three-counts": three_counts, "two-methods": two_methods,
                "missed-and-invented": missed_and_invented, "two-plans": two_plans}  # fmt: skip
    for language, texts in WORDS.items():
        for name, (title, *words) in texts.items():
            height, parts = drawings[name](tuple(words))
            drawn[f"{name}.svg" if language == "en" else f"{name}.{language}.svg"] = page(title, height, parts)
    return drawn


if __name__ == "__main__":
    write(FOLDER, figures())
