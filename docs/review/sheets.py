"""Question sheets without any right answer, for people who answer them blind; and their answers, read back.

`python -m docs.review.sheets LANGUAGE [--options-only]` prints every question of the course as numbered lines. A reader
writes `number: letters` (or a number) a line; the file is kept in docs/review/blind/ under the reader's own name, with
the language and the kind of sheet in it: `reader-1.en.whole.txt`, `reader-1.hi.options.txt`. Each line also carries a
mark of what was shown, so that an answer to a question that was changed since no longer counts.
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
from elearn.domain.questions import Given, Numeric, Question, UnreadableAnswer, number_in

ROOT = Path(__file__).parents[2]
SHIPPED = ROOT / "content" / "ai-for-good-governance"
BLIND = Path(__file__).parent / "blind"
SEED = "blind"
LETTERS = "ABCDEFGHIJ"

_NAME = re.compile(r"(?P<reader>[a-z0-9-]+)\.(?P<language>[a-z]{2,3})\.(?P<kind>whole|options)\.txt")
_LINE = re.compile(r"(?P<id>[a-z0-9-]+) (?P<mark>[0-9a-f]{8}): *(?P<answer>.+)")


@dataclass(frozen=True, slots=True)
class Answered:
    """One blind answer: whose, to which question, and whether it is the key's."""

    reader: str
    language: str
    kind: str
    question: Question
    right: bool


def shipped(folder: Path = SHIPPED) -> Course:
    """The course as it stands in the repository."""
    course, problems = compile_course(folder)
    assert course, [problem.code for problem in problems]
    return course


def every_question(course: Course) -> tuple[Question, ...]:
    """All questions of the module banks and of the final, each once."""
    found = {question.id: question for quiz in course.quizzes for question in quiz.bank}
    return tuple(found.values())


def sheet(course: Course, language: str, options_only: bool = False) -> Iterator[str]:
    """The questions as a reader sees them: the options in an order that says nothing."""
    for question in every_question(course):
        if options_only and isinstance(question, Numeric):
            continue
        yield f"{question.id} {mark_of(question, language, options_only)}"
        if not options_only:
            yield f"  {_plain(question.stem[language])}"
        if isinstance(question, Numeric):
            yield "  (a number)"
            continue
        if question.many:
            yield f"  ({len(question.key())} of these)"
        for letter, (_, index) in zip(LETTERS, question.offered(SEED), strict=False):
            yield f"  {letter}. {_plain(question.options[index].text[language])}"


def mark_of(question: Question, language: str, options_only: bool = False) -> str:
    """Changes with anything the reader of a sheet sees."""
    shown = [] if options_only else [question.stem[language]]
    if not isinstance(question, Numeric):
        shown += [question.options[index].text[language] for _, index in question.offered(SEED)]
    return sha256("\n".join(shown).encode()).hexdigest()[:8]


def blind_answers(course: Course, folder: Path = BLIND) -> list[Answered]:
    """All answers that were given to what the course still asks."""
    questions = {question.id: question for question in every_question(course)}
    found = []
    for path in sorted(folder.glob("*.txt")):
        name = _NAME.fullmatch(path.name)
        assert name, f"{path.name} is not called reader.language.kind.txt"
        language, only = name["language"], name["kind"] == "options"
        for line in path.read_text("utf-8").splitlines():
            match = _LINE.fullmatch(line.strip())
            question = questions.get(match["id"]) if match else None
            if match and question and match["mark"] == mark_of(question, language, only):
                right = question.is_right(_given(question, match["answer"]))
                found.append(Answered(name["reader"], language, name["kind"], question, right))
    return found


def _given(question: Question, answer: str) -> Given:
    if isinstance(question, Numeric):
        try:
            return str(number_in(answer))
        except UnreadableAnswer:
            return None
    order = [index for _, index in question.offered(SEED)]
    chosen = [LETTERS.index(letter) for letter in re.findall(r"[A-J]", answer)]
    return tuple(sorted(order[place] for place in chosen if place < len(order)))


def _plain(html: str) -> str:
    return " ".join(text_of(re.sub(r"</(p|li|td|th|tr)>", " / ", html)).split())


if __name__ == "__main__":
    print("\n".join(sheet(shipped(), sys.argv[1], "--options-only" in sys.argv)))  # noqa: T201
