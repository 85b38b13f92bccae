"""Blind sheets show nothing that gives a key away, and answers come back to the questions they were given to."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from docs.review.proof import Case, Claim, blind
from docs.review.sheets import SEED, blind_answers, every_question, given, lines_of, marked, sheet
from elearn.domain.course import Course
from elearn.domain.questions import Numeric, Question

LETTERS = "ABCDEFGHIJ"


@pytest.fixture
def course(shipped_course: Course) -> Course:
    """The shipped course, and not the small one."""
    return shipped_course


def key_of(question: Question) -> str:
    """The right answer as a reader would write it."""
    if isinstance(question, Numeric):
        return str(question.answer)
    order = [index for _, index in question.offered(SEED)]
    return " ".join(LETTERS[place] for place, index in enumerate(order) if question.options[index].right)


def answer(course: Course, folder: Path, reader: str, kind: str, key: bool = True) -> None:
    """Writes a reader's answers in English: the key, or always the first option."""
    asked = marked(course, "en", kind == "options")
    lines = [f"{mark}: {key_of(question) if key else 'A'}" for mark, question in asked.items()]
    (folder / f"{reader}.en.{kind}.txt").write_text("\n".join(lines), "utf-8")


def told(course: Course, folder: Path, kind: str) -> Claim:
    """The claim on English sheets of this kind."""
    return next(
        claim for claim in blind(Case(course, blind=folder)) if claim.claim.startswith("en") and kind in claim.claim
    )


def test_no_mark_stands_for_two_questions_and_no_sheet_shows_an_id_or_a_formula(course: Course) -> None:
    ids = {question.id for question in every_question(course)}
    for language in course.languages:
        for options_only in (False, True):
            lines = list(sheet(course, language, options_only))
            assert len(marked(course, language, options_only)) == sum(not line.startswith(" ") for line in lines)
            assert not [line for line in lines if "{" in line or "[@" in line]
            assert not ids & set(" ".join(lines).split())


def test_answers_that_are_the_key_agree_with_it(course: Course, tmp_path: Path) -> None:
    answer(course, tmp_path, "reader-1", "whole")
    claim = told(course, tmp_path, "whole")
    assert claim.holds
    assert claim.figure == f"100.0 % of {len(every_question(course))} answers; readers: 1"


def test_a_key_found_without_its_question_is_told(course: Course, tmp_path: Path) -> None:
    answer(course, tmp_path, "reader-1", "options")
    assert not told(course, tmp_path, "options").holds
    answer(course, tmp_path, "reader-1", "options", key=False)
    answer(course, tmp_path, "reader-2", "options", key=False)
    assert told(course, tmp_path, "options").holds
    assert "readers: 2" in told(course, tmp_path, "options").figure


def test_without_answers_to_all_questions_the_claim_does_not_hold(course: Course, tmp_path: Path) -> None:
    assert told(course, tmp_path, "whole").figure == "no answers yet"
    answer(course, tmp_path, "reader-1", "whole")
    file = tmp_path / "reader-1.en.whole.txt"
    file.write_text("\n".join(file.read_text("utf-8").splitlines()[1:]), "utf-8")
    claim = told(course, tmp_path, "whole")
    assert not claim.holds
    assert claim.against == (f"1 of {len(every_question(course))} questions wait for an answer",)


def test_an_answer_to_a_question_that_was_changed_no_longer_counts(course: Course, tmp_path: Path) -> None:
    answer(course, tmp_path, "reader-1", "whole")
    asked = course.quizzes[0].bank[0]
    changed = replace(asked, stem={tag: text + " And why?" for tag, text in asked.stem.items()})
    quizzes = tuple(
        replace(quiz, bank=tuple(changed if q.id == changed.id else q for q in quiz.bank)) for quiz in course.quizzes
    )
    answers = blind_answers(replace(course, quizzes=quizzes), tmp_path)
    assert [one.question for one in answers].count(None) == 1
    assert "(1 to questions changed since)" in told(replace(course, quizzes=quizzes), tmp_path, "whole").figure


def test_answers_are_read_as_people_write_them(course: Course, tmp_path: Path) -> None:
    mark, question = next((m, q) for m, q in marked(course, "en").items() if not isinstance(q, Numeric) and q.many)
    key = key_of(question)
    for written in (key, key.lower(), key.replace(" ", ", "), key.replace(" ", " and "), key.replace(" ", "")):
        assert question.is_right(given(question, written))
    for written in ("", "?", "none of these", "J"):
        assert given(question, written) is None
    file = tmp_path / "reader-1.en.whole.txt"
    for line in (f"{mark}: {key}", f"{question.id} {mark}: {key}"):
        file.write_text(f"{line[: line.index(':')]}: A\n\n{line}\n")
        assert [one.right for one in blind_answers(course, tmp_path)] == [True]
    file.write_text(f"another-id {mark}: {key}\n")
    assert [one.question for one in blind_answers(course, tmp_path)] == [None]


def test_a_file_that_cannot_be_read_is_named(course: Course, tmp_path: Path) -> None:
    file = tmp_path / "reader-1.en.whole.txt"
    file.write_text("the first one is B\n")
    with pytest.raises(AssertionError, match=r"reader-1.en.whole.txt, line 1"):
        blind_answers(course, tmp_path)
    file.rename(tmp_path / "notes.txt")
    with pytest.raises(AssertionError, match=r"notes.txt is not called"):
        blind_answers(course, tmp_path)


def test_a_table_is_shown_row_by_row() -> None:
    table = "<p>Who?</p><table><tr><th>A</th> <th>B</th></tr><tr><td>1</td> <td>2</td></tr></table>"
    assert lines_of(table) == ["Who?", "A | B", "1 | 2"]
