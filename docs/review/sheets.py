"""Question sheets without any right answer, for readers who answer them blind; and their answers, read back.

`python -m docs.review.sheets LANGUAGE [--options-only]` prints every question of the course. Each begins with a mark of
eight signs and not with its id, because ids can say something about the answer. A reader writes `mark: letters` (or
`mark: number`), a line for each question; `id mark: letters` is read too. The file is kept in docs/review/blind/ under
a name for the reader, the language and the kind of sheet: `reader-1.en.whole.txt`, `reader-1.hi.options.txt`.
The mark changes with what was shown, so that an answer to a question that was changed since no longer counts.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from elearn.authoring.compiler import compile_course
from elearn.authoring.wordcount import text_of
from elearn.domain.course import Course
from elearn.domain.questions import Given, Multiple, Numeric, Question, Single, UnreadableAnswer, number_in

ROOT = Path(__file__).parents[2]
SHIPPED = ROOT / "content" / "ai-for-good-governance"
BLIND = Path(__file__).parent / "blind"
SEED = "blind"
LETTERS = "ABCDEFGHIJ"

_NAME = re.compile(r"(?P<reader>[a-z0-9-]+)\.(?P<language>[a-z]{2,3})\.(?P<kind>whole|options)\.txt")
_LINE = re.compile(r"(?:(?P<id>[a-z0-9-]+) +)?(?P<mark>[0-9a-f]{8}): *(?P<answer>.*)")

Choice = Single | Multiple


@dataclass(frozen=True, slots=True)
class Answered:
    """One blind answer: whose, to which question (None if it was changed since), and whether it is the key's."""

    reader: str
    language: str
    kind: str
    question: Question | None
    right: bool


def shipped(folder: Path = SHIPPED) -> Course:
    """The course as it stands in the repository."""
    course, problems = compile_course(folder)
    assert course, [problem.code for problem in problems]
    return course


def every_question(course: Course) -> tuple[Question, ...]:
    """All questions of the module banks and of the final, each once, with the numbers that the sheets' seed gives."""
    found = {question.id: question for quiz in course.quizzes for question in quiz.bank}
    return tuple(question.posed(SEED) for question in found.values())


def every_choice(course: Course) -> tuple[Choice, ...]:
    """Those of them that offer options."""
    return tuple(question for question in every_question(course) if not isinstance(question, Numeric))


def sheet(course: Course, language: str, options_only: bool = False) -> Iterator[str]:
    """The questions as a reader sees them: the options in an order that says nothing."""
    for mark, question in marked(course, language, options_only).items():
        yield mark
        if not options_only:
            yield from (f"  {line}" for line in lines_of(question.stem[language]))
        if isinstance(question, Numeric):
            yield "  (a number)"
            continue
        if question.many:
            yield f"  ({len(question.key())} of these)"
        for letter, (_, index) in zip(LETTERS, question.offered(SEED), strict=False):
            yield f"  {letter}. {plain(question.options[index].text[language])}"


def marked(course: Course, language: str, options_only: bool = False) -> dict[str, Question]:
    """The questions of a sheet by their marks, which change with anything that its reader sees."""
    found: dict[str, Question] = {}
    for question in every_choice(course) if options_only else every_question(course):
        mark = _mark_of(question, language, options_only)
        while mark in found:  # by their options alone two questions may look the same
            mark = _mark(mark)
        found[mark] = question
    return found


def _mark_of(question: Question, language: str, options_only: bool) -> str:
    shown = [] if options_only else [question.stem[language]]
    if not isinstance(question, Numeric):
        shown += [question.options[index].text[language] for _, index in question.offered(SEED)]
    return _mark("\n".join(shown))


def _mark(shown: str) -> str:
    return sha256(shown.encode()).hexdigest()[:8]


def blind_answers(course: Course, folder: Path = BLIND) -> list[Answered]:
    """All answers that were given. What cannot be read as an answer, or was left empty, is not right."""
    found = []
    for path in sorted(folder.glob("*.txt")):
        name = _NAME.fullmatch(path.name)
        assert name, f"{path.name} is not called reader.language.kind.txt"
        language, only = name["language"], name["kind"] == "options"
        asked = {("", mark): question for mark, question in marked(course, language, only).items()}
        asked |= {(question.id, _mark_of(question, language, only)): question for question in asked.values()}
        # Of two answers to the same question the later one counts.
        for named, answer in dict(_lines(path)).items():
            question = asked.get(named)
            right = question is not None and question.is_right(given(question, answer))
            found.append(Answered(name["reader"], language, name["kind"], question, right))
    return found


def _lines(path: Path) -> Iterator[tuple[tuple[str, str], str]]:
    """((id or "", mark), answer) of each line."""
    for number, line in enumerate(path.read_text("utf-8").splitlines(), start=1):
        match = _LINE.fullmatch(line.strip())
        assert match or not line.strip(), f"{path.name}, line {number}, is not mark: answer"
        if match:
            yield (match["id"] or "", match["mark"]), match["answer"]


def given(question: Question, answer: str) -> Given:
    """A written answer as the course keeps it; None for what is neither letters nor a number."""
    if isinstance(question, Numeric):
        try:
            return str(number_in(answer))
        except UnreadableAnswer:
            return None
    order = [index for _, index in question.offered(SEED)]
    letters = re.sub(r"[\s,;+&.]+|\band\b", "", answer).upper()
    if not letters or not set(letters) <= set(LETTERS[: len(order)]):
        return None
    return tuple(sorted({order[LETTERS.index(letter)] for letter in letters}))


def lines_of(html: str) -> list[str]:
    """The words of a question, a paragraph or a row of a table in each line."""
    cells = re.sub(r"</t[dh]>\s*(?=<t[dh])", " | ", html)
    return [line for part in re.split(r"</(?:p|li|tr)>", cells) if (line := plain(part))]


def plain(html: str) -> str:
    """The words of a piece of HTML in one line."""
    return " ".join(text_of(html).split())


if __name__ == "__main__":
    print("\n".join(sheet(shipped(), sys.argv[1], "--options-only" in sys.argv)))  # noqa: T201
