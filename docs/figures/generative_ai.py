"""Draws the figures of the module on generative AI, in both languages: `python -m docs.figures.generative_ai`."""

from __future__ import annotations

from collections.abc import Iterable
from xml.sax.saxutils import escape

from docs.figures import COURSE, write

FOLDER = COURSE / "03-generative-ai"
LANGUAGES = ("en", "hi")
INK, GREY, PAPER, LINE = "#1d2433", "#596275", "#fbfaf7", "#dedad0"
INDIGO, INDIGO_PALE, SAFFRON, SAFFRON_PALE = "#2b3f91", "#eceffa", "#e08a1e", "#fdf1df"

# Twenty old notices of a fictional district, by the word that follows.
NOTICES = {("Sunday", "रविवार"): 12, ("Saturday", "शनिवार"): 5, ("Monday", "सोमवार"): 3}
# The word for "help"; the Manipuri one is not drawn as text, since a picture cannot bring its own letters.
HELP = ("help", "मदद", "ꯃꯇꯦꯡ")


def text(x: float, y: float, words: str, size: int = 26, fill: str = INK, *, bold: bool = False, at: str = "") -> str:
    """One line of words; `at` is an SVG text-anchor."""
    weight = ' font-weight="700"' if bold else ""
    anchor = f' text-anchor="{at}"' if at else ""
    place = f'x="{x:g}" y="{y:g}" font-family="sans-serif" font-size="{size}"'
    return f'<text {place}{weight}{anchor} fill="{fill}">{escape(words)}</text>'


def box(x: float, y: float, width: float, height: float, fill: str, stroke: str = LINE, round_: int = 12) -> str:
    """A box with rounded corners and a thin edge."""
    place = f'x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="{round_}"'
    return f'<rect {place} fill="{fill}" stroke="{stroke}" stroke-width="2"/>'


def arrow(x: float, y: float, length: float) -> str:
    """An arrow downwards from (x, y)."""
    end = y + length
    path = f"M{x:g} {y:g}V{end:g}M{x - 8:g} {end - 9:g}L{x:g} {end:g}L{x + 8:g} {end - 9:g}"
    return f'<path d="{path}" fill="none" stroke="{INK}" stroke-width="3" stroke-linecap="round"/>'


def badge(x: float, y: float, mark: str, fill: str = INDIGO) -> str:
    """A filled circle with a figure in it."""
    circle = f'<circle cx="{x:g}" cy="{y:g}" r="22" fill="{fill}"/>'
    return circle + text(x, y + 9, mark, 26, "#ffffff", bold=True, at="middle")


def named(name: str, language: str, title: str, height: int, parts: Iterable[str]) -> tuple[str, str]:
    """A figure's file and what is in it; the Hindi one is called name.hi.svg."""
    size = f'viewBox="0 0 640 {height}" width="640" height="{height}"'
    ground = f'<rect x="0" y="0" width="640" height="{height}" rx="16" fill="{PAPER}"/>'
    lines = [f'<svg xmlns="http://www.w3.org/2000/svg" {size}>', ground, f"<title>{escape(title)}</title>"]
    file = f"{name}.svg" if language == "en" else f"{name}.{language}.svg"
    return file, "\n".join([*lines, *parts, "</svg>"]) + "\n"


def next_word(n: int) -> tuple[str, str]:
    """The text so far, the shares of three next words, and the loop."""
    so_far = ("The office is closed on", "कार्यालय बंद रहता है")[n]
    parts = [box(20, 20, 600, 84, INDIGO_PALE), text(44, 72, so_far, 28, bold=True)]
    end = (392, 318)[n]
    parts.append(f'<path d="M{end} 78H{end + 130}" stroke="{SAFFRON}" stroke-width="4" stroke-dasharray="10 8"/>')
    parts.append(text(44, 148, ("What comes next?", "आगे क्या आएगा?")[n], 24, GREY))
    total, y = sum(NOTICES.values()), 170
    for words, count in NOTICES.items():
        percent = 100 * count / total
        parts.append(text(44, y + 34, words[n], 28, bold=True))
        parts.append(box(190, y + 4, 4.8 * percent, 40, SAFFRON if y == 170 else SAFFRON_PALE, SAFFRON, 6))
        parts.append(text(202 + 4.8 * percent, y + 34, f"{percent:.0f} %", 28))
        y += 60
    lot = ("One is picked by lot, added, and again.", "एक पर्ची निकली, जुड़ी, और फिर वही।")[n]
    asks = ("No step asks: which office?", "कोई कदम नहीं पूछता: कौन-सा कार्यालय?")[n]
    parts += [arrow(66, y + 14, 34), text(96, y + 40, lot), text(44, y + 94, asks, 26, INDIGO, bold=True)]
    return named("next-word", LANGUAGES[n], ("Shares of three next words", "तीन अगले शब्दों के हिस्से")[n], y + 124, parts)


def three_gates(n: int) -> tuple[str, str]:
    """Three questions to a citation, with the place where each is answered."""
    gates = (
        (("Does it exist?", "क्या यह है?"), ("Search the court's own site", "न्यायालय की साइट पर खोजिए")),
        (("Does it say so?", "क्या यही कहता है?"), ("Open that very paragraph", "वही पैरा खोलकर पढ़िए")),
        (("Does it still stand?", "क्या अब भी मान्य है?"), ("Look for a later order", "बाद का आदेश देखिए")),
    )
    parts: list[str] = []
    for i, (question, place) in enumerate(gates):
        y = 20 + 132 * i
        parts += [box(20, y, 600, 104, INDIGO_PALE), badge(64, y + 52, str(i + 1))]
        parts += [text(108, y + 44, question[n], 28, bold=True), text(108, y + 82, place[n])]
        if i:
            parts.append(arrow(64, y - 25, 22))
    parts.append(box(20, 416, 600, 64, SAFFRON_PALE, SAFFRON))
    out = ("Stops at any gate? Strike it out.", "किसी दरवाज़े पर रुका? काट दीजिए।")[n]
    parts.append(text(44, 457, out, bold=True))
    return named("three-gates", LANGUAGES[n], ("Three gates for a citation", "हवाले के तीन दरवाज़े")[n], 500, parts)


def byte_rows(n: int) -> tuple[str, str]:
    """One word in three languages, a square for each byte, a group for each sign."""
    manipuri = ("Manipuri, in Meetei Mayek", "मणिपुरी, मीतै मयेक में")
    names = (("English: help", "अंग्रेज़ी: help"), ("Hindi: मदद", "हिंदी: मदद"), manipuri)
    parts: list[str] = []
    for i, (name, word) in enumerate(zip(names, HELP, strict=True)):
        y, count, x = 20 + 124 * i, len(word.encode()), 44
        parts += [box(20, y, 600, 108, "#ffffff"), text(44, y + 40, name[n], 26, bold=True)]
        parts.append(text(596, y + 40, f"{count} {('bytes', 'बाइट')[n]}", 26, INDIGO, bold=True, at="end"))
        for sign, letter in enumerate(word):
            for _ in letter.encode():
                parts.append(box(x, y + 56, 32, 36, (INDIGO, SAFFRON)[sign % 2], PAPER, 5))
                x += 36
            x += 8
    one = ("Each group is one letter or sign.", "हर समूह एक अक्षर या चिह्न है।")[n]
    two = ("Bytes are not tokens: measure on your tool.", "बाइट टोकन नहीं: अपने उपकरण पर मापिए।")[n]
    parts += [text(44, 424, one, 24, GREY), text(44, 462, two, 24, INK)]
    return named("bytes", LANGUAGES[n], ("One word in bytes", "एक शब्द, बाइट में")[n], 486, parts)


def grounding(n: int) -> tuple[str, str]:
    """Four steps of a grounded answer, and the three places where it can fail."""
    steps = (
        (("Question", "प्रश्न"), ("", ""), ("", "")),
        (("Search", "खोज"), ("Brings an old", "पुराना या ग़लत"), ("or wrong paper", "काग़ज़ ले आई")),
        (("Passages", "मिले हुए अंश"), ("Nothing found,", "कुछ मिला नहीं,"), ("yet it answers", "फिर भी उत्तर")),
        (("Answer + source", "उत्तर + स्रोत"), ("Says more", "पंक्ति से अधिक"), ("than the line", "बात कह दी")),
    )
    parts: list[str] = []
    for i, (step, first, second) in enumerate(steps):
        y = 20 + 116 * i
        parts += [box(20, y, 262, 84, INDIGO_PALE), text(151, y + 51, step[n], 28, bold=True, at="middle")]
        if i:
            parts += [arrow(151, y - 29, 24), box(310, y, 310, 84, SAFFRON_PALE, SAFFRON)]
            parts += [badge(348, y + 42, str(i)), text(386, y + 36, first[n]), text(386, y + 68, second[n])]
    parts.append(text(310, 71, ("Where it can fail", "चूक कहाँ हो सकती है")[n], 26, GREY))
    return named("grounding", LANGUAGES[n], ("A grounded answer", "स्रोत-आधारित उत्तर")[n], 472, parts)


def figures() -> dict[str, str]:
    """What is in each file of the module's figures, in both languages."""
    return dict(draw(n) for n in range(len(LANGUAGES)) for draw in (next_word, three_gates, byte_rows, grounding))


if __name__ == "__main__":
    write(FOLDER, figures())
