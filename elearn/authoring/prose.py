"""Lines of prose before Markdown sees them: how big and deep they may be, their headings, one way of writing lists."""

from __future__ import annotations

import re

from elearn.authoring.findings import Place
from elearn.authoring.page import Page
from elearn.authoring.source import Passage

LONGEST_PASSAGE = 20_000
MOST_MARKS = 200
DEEPEST = 6
MOST_CELLS = 1_000
MOST_SIGNS = 6_000
"""Lines and signs of markup in one file. A long lesson has 300; this many take two seconds."""

_SIGNS = re.compile(r"[`\[<&{|*_!\\]")
_HEADING = re.compile(r"(?P<marks>#{1,6})(?:[ \t]+(?P<text>.*))?$")
_INNER_HEADING = re.compile(r"(?:[ \t]+|[ \t]*(?:>|[-*+][ \t])[ \t>]*)#{1,6}[ \t]")
_UNDERLINE = re.compile(r"(?:=+|-+)[ \t]*$")
_RULE = re.compile(r" {0,3}(?:(?:\*[ \t]*){3,}|(?:-[ \t]*){3,}|(?:_[ \t]*){3,})$")
_MARKER = re.compile(r"[ \t]*(?:>|[-*+](?=[ \t])|\d{1,9}[.)](?=[ \t]))")
_ITEM = re.compile(r"(?P<marker>[-*+]|\d{1,9}[.)])[ \t]+(?=\S)")
_SEPARATOR = re.compile(r"[ \t]*\|?[ \t]*:?-+:?[ \t]*(?:\|[ \t]*:?-+:?[ \t]*)*\|?[ \t]*$")

# A list may follow a line of text directly if it begins like this; "2024. was dry" is no list.
_BEGINS_A_LIST = ("-", "*", "+", "1.", "1)")


def within_bounds(passage: Passage, page: Page) -> bool:
    """Whether Markdown may see this text: it is small and flat enough to cost little, whatever it says."""
    page.signs += sum(1 + 2 * _depth(line.text) + len(_SIGNS.findall(line.text)) for line in passage.lines)
    if page.signs > MOST_SIGNS:
        if not page.full:
            passage.source.tell(passage.start, "too-much-markup", most=MOST_SIGNS)
        page.full = True
        return False
    if sum(len(line.text) + 1 for line in passage.lines) > LONGEST_PASSAGE:
        passage.source.tell(passage.start, "passage-too-long", most=LONGEST_PASSAGE)
        return False
    marks = cells = columns = 0
    for line in passage.lines:
        text = line.text
        marks = marks + text.count("*") + text.count("_") if text.strip() else 0
        columns = text.strip().strip("|").count("|") + 1 if _SEPARATOR.match(text) else columns if text.strip() else 0
        cells += columns
        if marks > MOST_MARKS:
            passage.source.tell(line.place, "too-many-marks", most=MOST_MARKS)
        elif cells > MOST_CELLS:
            passage.source.tell(line.place, "table-too-big", most=MOST_CELLS)
        elif not _RULE.match(text) and _depth(text) > DEEPEST:
            passage.source.tell(line.place, "nested-too-deep", most=DEEPEST)
        else:
            continue
        return False
    return True


def _depth(text: str) -> int:
    """How many quotes and lists a line opens, its indentation counted as lists."""
    spaces = text.expandtabs(4)
    depth, at = (len(spaces) - len(spaces.lstrip())) // 4, 0
    while marker := _MARKER.match(text, at):
        depth, at = depth + 1, marker.end()
    return depth


def look_at_lines(passage: Passage, page: Page, headings: bool) -> None:
    """Rules about whole lines: heading levels, underlined headings, headings inside lists and quotes."""
    before = ""
    for line in passage.lines:
        heading = _HEADING.match(line.text)
        if heading and heading["text"] is not None:
            _look_at_heading(page, line.place, len(heading["marks"]), headings)
        elif _INNER_HEADING.match(line.text):
            page.source.tell(line.place, "heading-not-at-margin")
        elif before and _UNDERLINE.match(line.text) and "|" not in before:
            page.source.tell(line.place, "underlined-heading")
        plain = line.text.strip() and not heading and not _MARKER.match(line.text)
        before = line.text if plain else ""


def _look_at_heading(page: Page, place: Place, level: int, allowed: bool) -> None:
    if not allowed:
        page.source.tell(place, "heading-in-question")
        return
    if level == 1:
        page.source.tell(place, "heading-one")
    elif level > page.heading_level + 1:
        page.source.tell(place, "heading-skips", before=page.heading_level, level=level)
    page.heading_level = level


def regular(lines: list[str], quoted: bool = False) -> list[str]:
    """The same lines, written the one way Python-Markdown reads as every other Markdown viewer does.

    List items are indented by four spaces a level (trainers indent by two or three); lists and tables that follow a
    line of text directly get the blank line that Python-Markdown needs; `#` is a heading at the left margin only.
    """
    out: list[str] = []
    inside: list[int] = []  # columns where the texts of the open list items begin
    index = 0
    while index < len(lines):
        if lines[index].startswith(">"):
            end = next((i for i in range(index, len(lines)) if not lines[i].startswith(">")), len(lines))
            inner = [line[2:] if line.startswith("> ") else line[1:] for line in lines[index:end]]
            out += ["", *(f"> {line}".rstrip() for line in regular(inner, True))]
            inside, index = [], end
            continue
        following = lines[index + 1] if index + 1 < len(lines) else ""
        out += _regular_line(lines[index].expandtabs(4), following, inside, out, quoted)
        index += 1
    return out


def _regular_line(line: str, following: str, inside: list[int], out: list[str], quoted: bool) -> list[str]:
    text = line.lstrip(" ")
    indent, after_blank = len(line) - len(text), not out or not out[-1].strip()
    if not text:
        return [""]
    if _RULE.match(line) and not inside:
        return ["", "---", ""]
    item, in_list = _ITEM.match(text), bool(inside)
    if not item and inside and indent < inside[-1] and not after_blank:
        return ["    " * len(inside) + text]  # a lazy line goes on with the item above
    while inside and indent < inside[-1]:
        inside.pop()
    margin = "    " * len(inside)
    if item and (after_blank or in_list or item["marker"] in _BEGINS_A_LIST):
        inside.append(indent + item.end())
        marker = item["marker"].replace(")", ".") if item["marker"][0].isdigit() else "-"
        return [*([] if in_list else [""]), f"{margin}{marker} {text[item.end() :]}"]
    if text.startswith("#"):
        return _regular_heading(text, margin, quoted)
    begins_table = text.startswith("|") and _SEPARATOR.match(following) and not after_blank and "|" not in out[-1]
    begins_block = begins_table or (margin and text.startswith(">"))
    return [*([""] if begins_block else []), margin + text]


def _regular_heading(text: str, margin: str, quoted: bool) -> list[str]:
    heading = _HEADING.match(text)
    if not heading or heading["text"] is None or margin or quoted:
        return [f"{margin}\\{text}"]
    words = heading["text"].strip()
    bare = words.rstrip("#")
    if bare != words and (not bare or bare[-1] in " \t"):
        words = bare.strip()  # `## Heading ##`
    return ["", f"{heading['marks']} " + words.replace("\\#", "#").replace("#", "\\#"), ""]
