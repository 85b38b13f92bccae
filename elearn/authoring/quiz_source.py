"""Questions as trainers write them: a heading or a fenced block, options as a task list, feedback as quotes below."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import product
from math import prod

from elearn.authoring.course_source import LEVELS
from elearn.authoring.findings import Place
from elearn.authoring.folder import SourceText
from elearn.authoring.markup import render_short
from elearn.authoring.page import Page
from elearn.authoring.source import Attributes, Line, Passage, closes, is_fence, split_attributes
from elearn.authoring.wordcount import count_words, text_of
from elearn.domain.formula import BadFormula, worked_out
from elearn.domain.questions import UnreadableAnswer, filled_in, names_in, number_in

KINDS = ("single", "multiple", "numeric")
MOST_OPTIONS = 10
MOST_VARIANTS = 1000
LONGEST_FEEDBACK = 45
LONGEST_STEM = {"en": 70}
LONGEST_STEM_ELSEWHERE = 85

_QUESTION = re.compile(r"##(?!#)[ \t]+(?=\S)")
_OPTION = re.compile(r" {0,3}[-*+] \[(?P<mark>[ xX])\](?:[ \t]+(?=\S)|[ \t]*$)")
_LIKE_OPTION = re.compile(r" {0,3}[-*+][ \t]*\[[^\]\[@]{0,3}\](?!\()|[ \t]+[-*+] \[[ xX]\][ \t]")
_QUOTED = re.compile(r"[ \t]*>[ \t]?")
_NUMBER = re.compile(r" {0,3}=(?!=)[ \t]*")
_VARY = re.compile(r" {0,3}vary:[ \t]*")
_VARIED = re.compile(r"(?P<name>[a-z][a-z0-9_]*)[ \t]*=(?P<values>[^=]+)")
_WHY_NOT = {
    "form": "Use numbers, names, + - × ÷ and brackets",
    "name": "No line `vary: …` gives this name its numbers",
    "zero": "With some of its numbers it divides by zero",
    "large": "With some of its numbers it grows beyond all use",
}
_PLUS_MINUS = re.compile(r"±|\+/-|\+-")


@dataclass(slots=True)
class OptionDraft:
    """An option in one language."""

    place: Place
    mark: Place
    right: bool
    text: str = ""
    feedback: str = ""


@dataclass(slots=True)
class QuestionDraft:
    """A question in one language, as far as it could be read. `kind` is empty if it could not be told."""

    source: SourceText
    place: Place
    attributes: Attributes
    kind: str = ""
    stem: str = ""
    explanation: str = ""
    options: list[OptionDraft] = field(default_factory=list)
    answer: Decimal | None = None
    tolerance: Decimal = Decimal(0)
    formula: str = ""
    vary: dict[str, tuple[Decimal, ...]] = field(default_factory=dict)
    number_place: Place | None = None
    pictures: tuple[str, ...] = ()
    sound: bool = True
    """Nothing was wrong with its form, so that it can be compared with its translation."""

    @property
    def id(self) -> str:
        return self.attributes.id

    def key(self) -> tuple[int, ...]:
        return tuple(i for i, option in enumerate(self.options) if option.right)


@dataclass(slots=True)
class _Parts:
    """The lines of a question sorted by what they are."""

    stem: list[Line] = field(default_factory=list)
    options: list[_OptionLines] = field(default_factory=list)
    numbers: list[Line] = field(default_factory=list)
    vary: list[Line] = field(default_factory=list)
    explanation: list[Line] = field(default_factory=list)
    broken: bool = False


@dataclass(slots=True)
class _OptionLines:
    opening: Line
    mark: Place
    right: bool
    text: list[Line] = field(default_factory=list)
    feedback: list[Line] = field(default_factory=list)


# --- a bank: questions with headings ------------------------------------------------------------------------------


def read_bank(body: Passage, page: Page) -> list[QuestionDraft]:
    """The questions of a bank file."""
    drafts = [_read_banked(opening, lines, page) for opening, lines in _by_heading(body)]
    if not drafts:
        body.source.tell(body.start, "bank-empty")
    return drafts


def _by_heading(body: Passage) -> Iterator[tuple[Line, list[Line]]]:
    """Each heading line with the lines below it."""
    opening: Line | None = None
    inside: list[Line] = []
    ticks = ""
    for line in body.lines:
        if ticks:
            ticks = "" if closes(line.text, ticks) else ticks
        elif not (ticks := is_fence(line.text)) and _QUESTION.match(line.text):
            if opening:
                yield opening, inside
            opening, inside = line, []
            continue
        if opening:
            inside.append(line)
        elif line.text.strip():
            body.source.tell(line.place, "stray-text")
    if opening:
        yield opening, inside


def _read_banked(opening: Line, lines: list[Line], page: Page) -> QuestionDraft:
    heading, attributes = split_attributes(page.source, opening, opening.place)
    marks = _QUESTION.match(heading.text)
    head = heading.from_(marks.end() if marks else len(heading.text))
    draft = _read(head.place, [head], lines, attributes, page)
    for key in ("outcome", "level", "domain"):
        if key not in attributes.values:
            page.source.tell(attributes.place, "missing-attribute", key=key)
    return draft


# --- a check: a question in a fenced block ------------------------------------------------------------------------


def read_check(opening: Line, rest: Line, body: Passage, page: Page) -> QuestionDraft:
    """The question of a ```check block. `rest` is what follows the word `check`."""
    before, attributes = split_attributes(page.source, rest, opening.place)
    if before.text.strip():
        words = before.text.strip()
        page.source.tell(before.from_(before.text.index(words)).place, "unknown-attribute", value=words)
    draft = _read(opening.place, [], list(body.lines), attributes, page)
    if draft.vary:
        draft.source.tell(draft.place, "vary-in-check")
        draft.sound = False
    return draft


# --- what both have in common -------------------------------------------------------------------------------------


def _read(place: Place, head: list[Line], lines: list[Line], attributes: Attributes, page: Page) -> QuestionDraft:
    draft = QuestionDraft(page.source, place, attributes)
    errors = page.source.findings.errors
    _look_at_attributes(draft)
    shown_before = dict(page.shown)
    page.shown.clear()
    parts = _sort(lines, page.source)
    _render_stem(draft, head, parts.stem, page)
    draft.options = [_render_option(option, page) for option in parts.options]
    draft.explanation = render_short(_passage(page.source, parts.explanation), page) if parts.explanation else ""
    draft.kind = _kind(draft)
    if draft.kind == "numeric":
        _read_number(draft, parts)
    elif draft.kind:
        _look_at_options(draft, parts)
    draft.sound = page.source.findings.errors == errors
    draft.pictures = tuple(page.shown)
    page.shown.update(shown_before)
    return draft


def _look_at_attributes(draft: QuestionDraft) -> None:
    attributes, tell = draft.attributes, draft.source.tell
    if "id" not in attributes.places:
        tell(attributes.place, "id-missing")
    kind, level = attributes.values.get("type"), attributes.values.get("level")
    if kind is not None and kind not in KINDS:
        tell(attributes.where("type"), "unknown-type", value=kind, known=KINDS)
    if level is not None and level not in LEVELS:
        tell(attributes.where("level"), "unknown-level", value=level, known=LEVELS, levels=" ".join(LEVELS))


def _sort(lines: list[Line], source: SourceText) -> _Parts:
    """Says of each line what it is: stem, option, feedback, number or explanation."""
    parts, ticks = _Parts(), ""
    for line in lines:
        if ticks:
            ticks = "" if closes(line.text, ticks) else ticks
            _sort_stem_or_stray(line, parts, source)
        elif ticks := is_fence(line.text):
            _sort_stem_or_stray(line, parts, source)
        else:
            _sort_line(line, parts, source)
    return parts


def _sort_line(line: Line, parts: _Parts, source: SourceText) -> None:
    option = _OPTION.match(line.text)
    if option:
        _misplaced_explanation(parts, source)
        mark = line.from_(option.start("mark")).place
        parts.options.append(_OptionLines(line, mark, option["mark"] != " ", [line.from_(option.end())]))
    elif _LIKE_OPTION.match(line.text):
        source.tell(line.from_(len(line.text) - len(line.text.lstrip())).place, "option-malformed")
        parts.broken = True
    elif not parts.options and not parts.numbers and _VARY.match(line.text):
        parts.vary.append(line)
    elif not parts.options and _NUMBER.match(line.text):
        parts.numbers.append(line)
    elif parts.options or parts.numbers:
        _sort_after(line, parts, source)
    else:
        parts.stem.append(line)


def _sort_after(line: Line, parts: _Parts, source: SourceText) -> None:
    """A line after the first option or number: option text, feedback or explanation."""
    quoted = _QUOTED.match(line.text)
    indented = line.text[:1] in (" ", "\t")
    option = parts.options[-1] if parts.options and not parts.explanation else None
    if quoted and indented and option:
        option.feedback.append(line.from_(quoted.end()))
    elif quoted and not indented:
        parts.explanation.append(line.from_(quoted.end()))
    elif not line.text.strip():
        if parts.explanation:
            parts.explanation.append(line)
        elif option and option.feedback:
            option.feedback.append(line)
    elif indented and option and not any(feedback.text.strip() for feedback in option.feedback):
        option.text.append(line.from_(len(line.text) - len(line.text.lstrip())))
    elif _NUMBER.match(line.text):
        source.tell(line.place, "number-in-choice" if parts.options else "number-twice")
    else:
        _sort_stem_or_stray(line, parts, source)


def _sort_stem_or_stray(line: Line, parts: _Parts, source: SourceText) -> None:
    if not parts.options and not parts.numbers:
        parts.stem.append(line)
    elif line.text.strip():
        source.tell(line.from_(len(line.text) - len(line.text.lstrip())).place, "stray-text")


def _misplaced_explanation(parts: _Parts, source: SourceText) -> None:
    """A quote at the margin with another option after it was meant as feedback."""
    if parts.explanation:
        source.tell(Place(parts.explanation[0].number, 1), "feedback-not-indented")
        parts.options[-1].feedback += parts.explanation
        parts.explanation.clear()
        parts.broken = True


def _passage(source: SourceText, lines: list[Line]) -> Passage:
    """These lines without the blank ones around them, ready for Markdown."""
    kept = list(lines)
    while kept and not kept[-1].text.strip():
        kept.pop()
    while kept and not kept[0].text.strip():
        kept.pop(0)
    if kept:
        kept[-1] = Line(kept[-1].number, kept[-1].column, kept[-1].text.rstrip())
    return Passage(source, tuple(kept))


def _render_stem(draft: QuestionDraft, head: list[Line], lines: list[Line], page: Page) -> None:
    more = _passage(page.source, lines)
    blank = [Line(head[0].number, head[0].column + len(head[0].text), "")] if head and more.lines else []
    passage = _passage(page.source, [*head, *blank, *more.lines])
    draft.stem = render_short(passage, page)
    words = count_words(text_of(re.sub(r"<(table|pre)>.*?</\1>", "", draft.stem, flags=re.DOTALL)))
    most = LONGEST_STEM.get(page.library.language, LONGEST_STEM_ELSEWHERE)
    if passage.is_empty():
        draft.source.tell(draft.place, "stem-missing")
    elif words > most:
        draft.source.tell(passage.start, "stem-long", words=words, most=most)


def _render_option(option: _OptionLines, page: Page) -> OptionDraft:
    text, feedback = _passage(page.source, option.text), _passage(page.source, option.feedback)
    place = option.opening.from_(len(option.opening.text) - len(option.opening.text.lstrip())).place
    draft = OptionDraft(place, option.mark, option.right)
    if text.is_empty():
        page.source.tell(place, "option-empty")
    else:
        draft.text = render_short(text, page)
    if feedback.is_empty():
        page.source.tell(place, "option-no-feedback")
    else:
        draft.feedback = render_short(feedback, page)
        words = count_words(text_of(draft.feedback))
        if words > LONGEST_FEEDBACK:
            page.source.tell(feedback.start, "feedback-long", words=words, most=LONGEST_FEEDBACK)
    return draft


def _kind(draft: QuestionDraft) -> str:
    """As written, else by the marks: one `[x]` is single, several are multiple. Empty if it cannot be told."""
    written = draft.attributes.values.get("type", "")
    if written:
        return written if written in KINDS else ""
    if draft.options:
        return "multiple" if len(draft.key()) > 1 else "single"
    draft.source.tell(draft.place, "type-missing")
    return ""


def _look_at_options(draft: QuestionDraft, parts: _Parts) -> None:
    tell, key = draft.source.tell, draft.key()
    for number in parts.numbers:
        tell(number.place, "number-in-choice")
    if not key and not parts.broken:
        tell(draft.place, "quiz-no-key")
    if draft.kind == "single" and len(key) > 1:
        tell(draft.options[key[1]].mark, "two-keys")
    if len(draft.options) < 2 and not parts.broken:
        tell(draft.place, "options-too-few", number=len(draft.options))
    if len(draft.options) > MOST_OPTIONS:
        tell(draft.options[MOST_OPTIONS].place, "options-too-many", number=len(draft.options), most=MOST_OPTIONS)
    seen: dict[str, OptionDraft] = {}
    for option in draft.options:
        first = seen.setdefault(" ".join(option.text.split()).casefold(), option)
        if option.text and first is not option:
            tell(option.place, "option-twice", line=first.place.line)


def _read_number(draft: QuestionDraft, parts: _Parts) -> None:
    """`= 26.9 ± 0.5`: the answer and how far off one may be."""
    tell = draft.source.tell
    if parts.options:
        tell(draft.options[0].place, "options-in-numeric")
    if not parts.numbers:
        tell(draft.place, "number-missing")
        return
    for another in parts.numbers[1:]:
        tell(another.place, "number-twice")
    line = parts.numbers[0]
    sign = _NUMBER.match(line.text)
    written = line.from_(sign.end() if sign else 0)
    draft.number_place = written.place
    answer, tolerance, *more = [*_PLUS_MINUS.split(written.text), "0"]
    try:
        if more[1:]:
            raise UnreadableAnswer("not-a-number")
        draft.tolerance = number_in(tolerance.strip())
        if parts.vary:
            _read_formula(draft, parts, answer.strip(), written.place)
        else:
            draft.answer = number_in(answer.strip())
    except UnreadableAnswer:
        tell(written.place, "number-unreadable", value=written.text.strip())
        return
    if draft.tolerance < 0:
        tell(written.place, "number-unreadable", value=written.text.strip())


def _read_formula(draft: QuestionDraft, parts: _Parts, formula: str, place: Place) -> None:
    """`vary: files = 8,000 | 10,000` lines, and a key that is worked out from them, for every choice of numbers."""
    tell = draft.source.tell
    for line in parts.vary:
        sign = _VARY.match(line.text)
        written = line.from_(sign.end() if sign else 0)
        varied = _VARIED.fullmatch(written.text.strip())
        try:
            if not varied or varied["name"] in draft.vary:
                raise UnreadableAnswer("not-a-number")
            draft.vary[varied["name"]] = tuple(number_in(value.strip()) for value in varied["values"].split("|"))
        except UnreadableAnswer:
            tell(written.place, "vary-unreadable", value=written.text.strip())
            return
    if prod(map(len, draft.vary.values())) > MOST_VARIANTS:
        tell(parts.vary[0].place, "vary-too-much", most=MOST_VARIANTS)
        return
    for name in draft.vary.keys() - set(names_in(draft.stem)):
        tell(draft.place, "vary-unused", name=name)
    try:
        for values in product(*draft.vary.values()):
            numbers = dict(zip(draft.vary, values, strict=True))
            for text in (draft.stem, draft.explanation):
                filled_in(text, numbers)
            answer = worked_out(formula, numbers)
            draft.answer = answer if draft.answer is None else draft.answer
    except BadFormula as problem:
        tell(place, "formula-unreadable", value=problem.name or formula, why=_WHY_NOT[problem.code])
        return
    draft.formula = formula
