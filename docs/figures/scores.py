"""Draws the figures of the module on scores from its numbers: `python -m docs.figures.scores`."""

from __future__ import annotations

from docs.figures import COURSE, write

FOLDER = COURSE / "02-scores"
INK, SOFT, LINE, PAPER = "#1d2433", "#596275", "#dedad0", "#fbfaf7"
BLUE, PALE_BLUE, AMBER, PALE_AMBER = "#2b3f91", "#eceffa", "#e08a1e", "#fdf1df"

FLAGGED_OF_60, FLAGGED_OF_940 = 45, 45  # threshold 0.6, 1,000 applications
FILES, CATCHES, WRONGLY = 10_000, 0.90, 0.05  # the tool of the lesson on rare things
BASE_RATES = (1, 2, 5, 10)  # ineligible in 100
MISTAKES = ((0.3, 1218, 58), (0.5, 308, 180), (0.7, 54, 302))  # wrong flags and missed cases of the practice
SEASON, INCOME, LIMIT = 4, 30_000, 9_000


def grouped(number: float) -> str:
    """1,00,000: the last three digits, then pairs."""
    head, tail = divmod(round(number), 1000)
    pairs = f"{tail:03d}" if head else str(tail)
    while head:
        head, pair = divmod(head, 100)
        pairs = f"{pair:02d},{pairs}" if head else f"{pair},{pairs}"
    return pairs


def text(x: float, y: float, words: str, size: int = 26, fill: str = INK, bold: bool = False, at: str = "") -> str:
    weight = ' font-weight="700"' if bold else ""
    anchor = f' text-anchor="{at}"' if at else ""
    place = f'<text x="{x:g}" y="{y:g}" font-family="sans-serif" font-size="{size}"{weight} fill="{fill}"{anchor}>'
    return f"{place}{words}</text>"


def box(x: float, y: float, wide: float, high: float, fill: str, edge: str = LINE, width: int = 2, rx: int = 12) -> str:
    stroke = f' stroke="{edge}" stroke-width="{width}"' if width else ""
    return f'<rect x="{x:g}" y="{y:g}" width="{wide:g}" height="{high:g}" rx="{rx}" fill="{fill}"{stroke}/>'


def stroke(path: str, colour: str, width: int = 3, dashes: str = "") -> str:
    dashed = f' stroke-dasharray="{dashes}"' if dashes else ""
    return f'<path d="{path}" fill="none" stroke="{colour}" stroke-width="{width}" stroke-linecap="round"{dashed}/>'


def two_by_two(words: list[str]) -> tuple[int, list[str]]:
    """Four counts in four boxes; the two errors have a heavy edge and say so."""
    title, ineligible, eligible, flagged, left, rightly, wrongly, missed, rightly_left = words
    counts = (FLAGGED_OF_60, FLAGGED_OF_940, 60 - FLAGGED_OF_60, 940 - FLAGGED_OF_940)
    names = (rightly, wrongly, missed, rightly_left)
    parts = [text(226, 50, title, 25, SOFT)]
    parts += [text(x, 94, name, 26, INK, True, "middle") for x, name in ((321, ineligible), (521, eligible))]
    for i, (count, name) in enumerate(zip(counts, names, strict=True)):
        x, y = 226 + i % 2 * 200, 114 + i // 2 * 152
        fill, edge, width = (PALE_AMBER, AMBER, 4) if i in (1, 2) else (PALE_BLUE, LINE, 2)
        parts.append(box(x, y, 190, 140, fill, edge, width))
        parts.append(text(x + 95, y + 68, grouped(count), 46, INK, True, "middle"))
        parts.append(text(x + 95, y + 112, name, 24, INK, False, "middle"))
    for y, name, total in ((176, flagged, counts[0] + counts[1]), (328, left, counts[2] + counts[3])):
        parts += [text(206, y, name, 26, INK, True, "end"), text(206, y + 36, grouped(total), 26, SOFT, False, "end")]
    return 428, parts


def rare_things(words: list[str]) -> tuple[int, list[str]]:
    """A bar of all flags for each base rate; its dark part is the flags that are right."""
    of, right_flags, false_flags, right = words
    parts = [box(28, 26, 24, 24, BLUE, width=0, rx=4), text(64, 47, right_flags, 25)]
    parts += [box(328, 26, 24, 24, PALE_AMBER, AMBER, 2, 4), text(364, 47, false_flags, 25)]
    for row, rate in enumerate(BASE_RATES):
        bad = FILES * rate / 100
        caught, wrong = bad * CATCHES, (FILES - bad) * WRONGLY
        share, y = caught / (caught + wrong), 86 + row * 104
        parts.append(text(28, y + 18, of.format(rate), 26, INK, True))
        counted = right.format(grouped(caught), grouped(caught + wrong), f"{100 * share:.1f}")
        parts.append(text(612, y + 18, counted, 24, INK, False, "end"))
        parts.append(box(28, y + 32, 584, 40, PALE_AMBER, AMBER, 2, 6))
        parts.append(box(28, y + 32, 584 * share, 40, BLUE, width=0, rx=6))
    return 86 + 4 * 104, parts


def price_of_mistakes(words: list[str]) -> tuple[int, list[str]]:
    """Two bars for each threshold; as one shrinks the other grows."""
    line, wrongly, missed = words
    parts: list[str] = []
    for row, (threshold, wrong, miss) in enumerate(MISTAKES):
        y = 22 + row * 152
        parts.append(text(28, y + 28, f"{line} {threshold}", 27, INK, True))
        for offset, count, name, fill in ((42, wrong, wrongly, AMBER), (88, miss, missed, BLUE)):
            wide = max(4, 330 * count / MISTAKES[0][1])
            parts.append(box(28, y + offset, wide, 34, fill, width=0, rx=4))
            parts.append(text(40 + wide, y + offset + 26, f"{grouped(count)} {name}", 25))
    return 22 + 3 * 152, parts


def lawful_first(words: list[str]) -> tuple[int, list[str]]:
    """Twelve months of income, the limit, and the average that lies above it in each of them."""
    months, average_words, limit_words, income_words = words
    base, scale, average = 402, 300 / INCOME, SEASON * INCOME / 12
    parts = [text(28, 48, income_words, 25, INK, True)]
    parts += [box(30 + 49 * m, base - INCOME * scale, 36, INCOME * scale, BLUE, width=0, rx=4) for m in range(SEASON)]
    parts.append(stroke(f"M22 {base}H618" + "".join(f"M{48 + 49 * month} {base}v8" for month in range(12)), INK))
    parts.append(stroke(f"M22 {base - average * scale:g}H618", AMBER, 4))
    parts.append(stroke(f"M22 {base - LIMIT * scale:g}H618", INK, 3, "10 9"))
    parts.append(text(618, base - average * scale - 16, average_words.format(grouped(average)), 25, INK, True, "end"))
    parts.append(text(618, base - LIMIT * scale + 40, limit_words.format(grouped(LIMIT)), 25, INK, False, "end"))
    parts.append(text(320, base + 42, months, 25, SOFT, False, "middle"))
    return base + 64, parts


FIGURES = {
    "two-by-two": two_by_two,
    "rare-things": rare_things,
    "price-of-mistakes": price_of_mistakes,
    "lawful-first": lawful_first,
}
WORDS = {
    "two-by-two": {
        "en": "1,000 applications in four boxes|What was true|Ineligible|Eligible|Flagged|Not flagged"
        "|right flags|wrong flags|missed|left rightly",
        "hi": "1,000 आवेदन, चार ख़ाने|सच्चाई क्या थी|अपात्र|पात्र|निशान लगा|नहीं लगा|सही निशान|ग़लत निशान|छूट गए|ठीक ही छोड़े",
    },
    "rare-things": {
        "en": "Rarer things, more false flags|{} in 100 ineligible|right flags|false flags|{} of {}: {} %",
        "hi": "बात जितनी दुर्लभ, उतने अधिक निशान ग़लत|100 में {} अपात्र|सही निशान|ग़लत निशान|{1} में {0}: {2} %",
    },
    "price-of-mistakes": {
        "en": "One kind of mistake shrinks, the other grows|Threshold|wrong flags|missed",
        "hi": "एक तरह की ग़लती घटती है, दूसरी बढ़ती है|सीमा-मान|ग़लत निशान|छूटे",
    },
    "lawful-first": {
        "en": "The average exceeds the limit every month, the income in four|12 months|average Rs {}|limit Rs {}"
        "|Rs 30,000 in 4 months, nothing in 8",
        "hi": "औसत हर महीने सीमा से ऊपर, आय केवल चार महीनों में|12 महीने|औसत {} रु.|सीमा {} रु.|4 महीने 30,000 रु., 8 महीने कुछ नहीं",
    },
}


def figures() -> dict[str, str]:
    """What is in each file of the module's figures, in both languages."""
    drawn = {}
    for name, draw in FIGURES.items():
        for language, joined in WORDS[name].items():
            title, *words = joined.split("|")
            high, parts = draw(words)
            head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 640 {high}" width="640" height="{high}">'
            paper = f'<rect x="0" y="0" width="640" height="{high}" rx="16" fill="{PAPER}"/>\n<title>{title}</title>'
            file = f"{name}{'' if language == 'en' else '.' + language}.svg"
            drawn[file] = "\n".join([head, paper, *parts, "</svg>"]) + "\n"
    return drawn


if __name__ == "__main__":
    write(FOLDER, figures())
