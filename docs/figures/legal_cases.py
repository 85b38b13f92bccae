"""Draws the figures of the module legal-cases, in both languages: `python -m docs.figures.legal_cases`."""

from __future__ import annotations

from html import escape

from docs.figures import COURSE, write

FOLDER = COURSE / "04-legal-cases"
INK, SOFT, BLUE, AMBER = "#1d2433", "#596275", "#2b3f91", "#e08a1e"
PALE, CREAM, RULE, PAPER = "#eceffa", "#fdf1df", "#dedad0", "#fbfaf7"
NOTES = 64
WORDS = {"compensation": 32, "delay": 16, "interest": 8}  # in how many of the notes each word stands
COUNTS = ((5, 0, 0), (1, 1, 1), (2, 1, 1), (0, 0, 0))  # the same words in the notes A, B, C and D
STAGES = ((19, 1), (14, 3), (33, 2), (17, 1), (8, 4))  # days of waiting and of work

# What each figure says, its title first.
FILE = {
    "en": "One file: days of waiting and of work|Order reaches the office|Opinion of counsel|Note and approvals"
    "|Sanction|Draft, vetting, filing|waiting|work|{} waiting + {} work = {} days|The limit was 90 days.",
    "hi": "एक फ़ाइल: रुकने और काम के दिन|आदेश कार्यालय पहुँचा|वकील की राय|टिप्पणी और अनुमोदन|स्वीकृति"
    "|मसौदा, परीक्षण, दाख़िला|रुकी|काम|{} रुकी + {} काम = {} दिन|सीमा 90 दिन की थी।",
}
SEARCH = {
    "en": "Four notes, counted and weighed|A|Rate: another point|B|Our point|C|Another Act: another point|D"
    "|Our point, in Hindi|plain count|count × weight",
    "hi": "चार टिप्पणियाँ, गिनती और भार से|क|दर: दूसरा प्रश्न|ख|हमारा प्रश्न|ग|दूसरा अधिनियम: दूसरा प्रश्न|घ"
    "|हमारा प्रश्न, हिंदी में|सीधी गिनती|गिनती × भार",
}
SHELVES = {
    "en": "Three shelves of court rules on AI|In force|follow it|Supreme Court judgments;"
    "|your High Court's orders|Draft|prepare for it|Regulations of 2026:|disclosure, bans|Advice"
    "|learn from it|White paper of 2025|and other guides|Sources reach to July 2026",
    "hi": "एआई पर अदालती नियमों के तीन ख़ाने|लागू|मानिए|उच्चतम न्यायालय के निर्णय;|उच्च न्यायालय के निर्देश"
    "|मसौदा|तैयारी कीजिए|2026 के विनियम:|प्रकटीकरण, वर्जित उपयोग|सलाह|सीखिए|2025 का श्वेत पत्र"
    "|और दूसरे मार्गदर्शन|स्रोत जुलाई 2026 तक के",
}
NUMBERS = {
    "en": "Five numbers for Monday morning|Limitation days left|Next hearing|Orders not complied with"
    "|No instructions to counsel|Money at stake|Date of the last update|beside each matter",
    "hi": "सोमवार की पाँच संख्याएँ|समय-सीमा के बचे दिन|अगली सुनवाई|जिन आदेशों का पालन नहीं हुआ"
    "|वकील को निर्देश नहीं|दाँव पर लगी रकम|पिछले अद्यतन की तारीख़|हर मामले के आगे",
}


def text(x: float, y: float, words: str, size: int = 25, fill: str = INK, bold: bool = False, end: str = "") -> str:
    """A line of words; `end` anchors it elsewhere than at its beginning."""
    weight = ' font-weight="700"' if bold else ""
    anchor = f' text-anchor="{end}"' if end else ""
    said = escape(words, quote=False)
    look = f'font-family="sans-serif" font-size="{size}"{weight} fill="{fill}"{anchor}'
    return f'<text x="{x:g}" y="{y:g}" {look}>{said}</text>'


def box(x: float, y: float, wide: float, high: float, fill: str, edge: str = "", turn: int = 4, more: str = "") -> str:
    """A rectangle, with an edge where a colour for it is given."""
    stroke = f' stroke="{edge}" stroke-width="2"' if edge else ""
    return f'<rect x="{x:g}" y="{y:g}" width="{wide:g}" height="{high:g}" rx="{turn}" fill="{fill}"{stroke}{more}/>'


def drawing(title: str, high: int, parts: list[str]) -> str:
    """The whole picture, on paper of its own so that it can be read in the dark."""
    opening = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 640 {high}" width="640" height="{high}">'
    return "\n".join([opening, box(0, 0, 640, high, PAPER, turn=16), f"<title>{title}</title>", *parts, "</svg>\n"])


def legend(y: float, pale: str, dark: str, second: float) -> list[str]:
    """What the two kinds of bar mean."""
    first = [box(28, y - 20, 24, 22, PALE, BLUE), text(62, y, pale)]
    return [*first, box(second, y - 20, 24, 22, BLUE, BLUE), text(second + 34, y, dark)]


def life_of_a_case(said: str) -> str:
    """Five stages, each a bar of waiting followed by a bar of work."""
    title, *stages, waiting, work, total, limit = said.split("|")
    parts, day = legend(50, waiting, work, 300), 12.5
    for row, (stage, (waited, worked)) in enumerate(zip(stages, STAGES, strict=True)):
        y = 78 + row * 80
        parts += [text(28, y + 26, stage), box(28, y + 38, waited * day, 28, PALE, BLUE)]
        parts += [box(28 + waited * day, y + 38, worked * day, 28, BLUE, BLUE)]
        parts += [text(42 + (waited + worked) * day, y + 61, f"{waited} + {worked}", 25, INK, bold=True)]
    waited, worked = sum(w for w, _ in STAGES), sum(w for _, w in STAGES)
    parts += [box(20, 488, 600, 92, CREAM, RULE, 12)]
    parts += [text(40, 524, total.format(waited, worked, waited + worked), 26, INK, bold=True), text(40, 562, limit)]
    return drawing(title, 598, parts)


def words_and_weights(said: str) -> str:
    """Four notes, each with its plain count above its weighted one."""
    title, *notes, count, weighed = said.split("|")
    weights = [(NOTES // found).bit_length() - 1 for found in WORDS.values()]  # how often the notes can be halved
    parts = legend(50, count, weighed, 320)
    for row, found in enumerate(COUNTS):
        y, letter, point = 76 + row * 108, notes[2 * row], notes[2 * row + 1]
        parts += [f'<circle cx="50" cy="{y + 52}" r="24" fill="{BLUE}"/>']
        parts += [text(50, y + 61, letter, 26, "#ffffff", bold=True, end="middle"), text(96, y + 26, point)]
        scores = (sum(found), sum(n * weight for n, weight in zip(found, weights, strict=True)))
        for line, (score, fill) in enumerate(zip(scores, (PALE, BLUE), strict=True)):
            at = y + 38 + line * 30
            parts += [box(96, at, max(score * 62, 3), 24, fill, BLUE)]
            parts += [text(110 + score * 62, at + 21, str(score), 25, INK, bold=True)]
    return drawing(title, 516, parts)


def three_shelves_of_rules(said: str) -> str:
    """In force, draft and advice; the draft has a broken edge."""
    title, *shelves, day = said.split("|")
    parts = []
    for row, (fill, more) in enumerate(((CREAM, ""), ("#ffffff", ' stroke-dasharray="10 8"'), (PALE, ""))):
        y, (name, what, one, two) = 20 + row * 116, shelves[4 * row : 4 * row + 4]
        parts += [box(20, y, 600, 100, fill, AMBER if row == 0 else BLUE, 10, more)]
        parts += [text(40, y + 43, name, 28, INK, bold=True), text(40, y + 78, what, 24, SOFT)]
        parts += [f'<path d="M232 {y + 18}V{y + 82}" stroke="{RULE}" stroke-width="2"/>']
        parts += [text(252, y + 43, one, 26), text(252, y + 78, two, 26)]
    return drawing(title, 424, [*parts, text(28, 402, day, 24, SOFT)])


def five_numbers(said: str) -> str:
    """Five lines with their numbers, and the date of the last update below."""
    title, *lines, update, where = said.split("|")
    parts = []
    for row, line in enumerate(lines):
        y = 20 + row * 72
        parts += [box(20, y, 600, 60, PALE, RULE, 12), f'<circle cx="58" cy="{y + 30}" r="22" fill="{BLUE}"/>']
        parts += [text(58, y + 39, str(row + 1), 26, "#ffffff", bold=True, end="middle")]
        parts += [text(98, y + 40, line, 28, INK, bold=True)]
    parts += [box(20, 384, 600, 92, CREAM, AMBER, 12), text(40, 422, update, 28, INK, bold=True)]
    return drawing(title, 494, [*parts, text(40, 458, where, 25, SOFT)])


def figures() -> dict[str, str]:
    """What is in each file of the module's figures, in both languages."""
    drawn = {}
    for language, ending in (("en", "svg"), ("hi", "hi.svg")):
        for name, figure in (
            ("life-of-a-case", life_of_a_case(FILE[language])),
            ("words-and-weights", words_and_weights(SEARCH[language])),
            ("three-shelves-of-rules", three_shelves_of_rules(SHELVES[language])),
            ("five-numbers", five_numbers(NUMBERS[language])),
        ):
            drawn[f"{name}.{ending}"] = figure
    return drawn


if __name__ == "__main__":
    write(FOLDER, figures())
