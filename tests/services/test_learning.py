"""A lesson is taken: its checks answered, its lab run, done once and only once, and what follows from it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest
from flask import Flask
from sqlalchemy import insert

from elearn.domain.course import Lesson
from elearn.domain.labs import LABS
from elearn.domain.ledger import commitment
from elearn.domain.questions import Given as Answered
from elearn.domain.questions import Question, UnreadableAnswer
from elearn.models.database import writing
from elearn.models.learning import Attempt, CheckAnswer, Enrolment, LabRun, LessonRecord, StandingHistory
from elearn.services import learning, quizzes
from elearn.services.learning import ChecksOpen, CheckState, TooManyTries
from tests.at_once import at_once
from tests.given import COURSE, Given, Person, right_answer, wrong_answer
from tests.records import broken_at, chain, count, kinds, rows, salt, standing_of, status_afresh

LAB = "grievance-sorter"


@pytest.fixture
def lesson(given: Given) -> Lesson:
    """The first lesson of the course, with checks to answer."""
    first = given.course.lessons()[0]
    assert first.checks
    return first


# A lesson is done


def test_a_lesson_is_done(app: Flask, given: Given, lesson: Lesson) -> None:
    meera = given.officer("Meera")
    given.lesson_done(meera, lesson)
    (record,) = rows(LessonRecord, officer_id=meera.id)
    assert (record.course, record.lesson) == (COURSE, lesson.path)
    assert (record.received_at, record.version) == (given.now, given.course.version)
    standing = standing_of(meera.id)
    assert (standing.state, standing.requirements_met, standing.completed_at) == ("in_progress", 1, None)
    assert learning.lesson_records(meera.id, given.course, lesson).done == {lesson.path}


def test_its_ledger_entry_commits_to_what_was_done(app: Flask, given: Given, lesson: Lesson) -> None:
    meera = given.officer("Meera")
    given.lesson_done(meera, lesson)
    entry = chain(meera.id)[-1]
    (record,) = rows(LessonRecord, officer_id=meera.id)
    facts = {"course": COURSE, "lesson": lesson.path, "version": given.course.version}
    assert (entry.kind, entry.reference, entry.at) == ("lesson_done", record.id, given.now)
    assert entry.commitment == commitment(salt(meera.id), facts)
    assert broken_at(chain(meera.id)) is None


def test_the_words_are_those_of_the_language_it_was_read_in(app: Flask, given: Given) -> None:
    meera, first, second = given.officer("Meera"), *given.course.lessons()[:2]
    given.lesson_done(meera, first, language="hi")
    given.lesson_done(meera, second, language="mni-Mtei")
    assert {row.lesson: row.words for row in rows(LessonRecord, officer_id=meera.id)} == {
        first.path: first.texts["hi"].words,
        second.path: second.texts["en"].words,  # no such language: the first of the course
    }


def test_done_twice_is_done_once(app: Flask, given: Given, lesson: Lesson) -> None:
    meera = given.officer("Meera")
    given.lesson_done(meera, lesson)
    first, entries, standing = rows(LessonRecord, officer_id=meera.id), chain(meera.id), standing_of(meera.id)
    for act_id in ("", first[0].id, "another-act"):
        learning.mark_lesson_done(meera.id, given.course, lesson, "en", given.later(hours=1), act_id)
    assert rows(LessonRecord, officer_id=meera.id) == first
    assert (chain(meera.id), standing_of(meera.id)) == (entries, standing)


def test_twenty_clicks_at_once_are_one(app: Flask, given: Given, lesson: Lesson) -> None:
    meera = given.officer("Meera")
    given.checks_answered(meera, lesson)
    course, now = given.course, given.later(minutes=8)
    done = at_once(app, [lambda: learning.mark_lesson_done(meera.id, course, lesson, "en", now)] * 20)
    assert [result for result in done if isinstance(result, Exception)] == []
    assert count(LessonRecord, officer_id=meera.id) == 1
    assert kinds(meera.id).count("lesson_done") == 1
    assert broken_at(chain(meera.id)) is None


def test_open_checks_are_named_and_nothing_is_written(app: Flask, given: Given, lesson: Lesson) -> None:
    meera = given.officer("Meera")
    answered, *still_open = lesson.checks
    learning.answer_check(meera.id, given.course, lesson, answered, right_answer(answered), given.now)
    before = chain(meera.id)
    with pytest.raises(ChecksOpen) as refused:
        learning.mark_lesson_done(meera.id, given.course, lesson, "en", given.later(minutes=8))
    assert refused.value.check_ids == tuple(check.id for check in still_open)
    assert count(LessonRecord) == 0
    assert chain(meera.id) == before
    assert standing_of(meera.id).requirements_met == 0


def test_a_colleagues_answers_do_not_open_the_lesson(app: Flask, given: Given, lesson: Lesson) -> None:
    meera, far = given.officer("Meera"), given.officer("Far", office="Block Office")
    given.checks_answered(far, lesson)
    with pytest.raises(ChecksOpen) as refused:
        learning.mark_lesson_done(meera.id, given.course, lesson, "en", given.now)
    assert len(refused.value.check_ids) == len(lesson.checks)


# Checks


def test_wrong_answers_count_as_answered(app: Flask, given: Given, lesson: Lesson) -> None:
    meera = given.officer("Meera")
    given.checks_answered(meera, lesson, wrong_answer)
    assert not any(row.right for row in rows(CheckAnswer, officer_id=meera.id))
    learning.mark_lesson_done(meera.id, given.course, lesson, "en", given.later(minutes=8))
    assert count(LessonRecord, officer_id=meera.id) == 1


def test_every_try_is_kept(app: Flask, given: Given, lesson: Lesson) -> None:
    meera, check = given.officer("Meera"), lesson.checks[0]
    wrong, right = wrong_answer(check), right_answer(check)
    told = [
        learning.answer_check(meera.id, given.course, lesson, check, answer, given.later(minutes=1))
        for answer in (wrong, right, wrong)
    ]
    assert told == [CheckState(wrong, False, 1), CheckState(right, True, 2), CheckState(wrong, True, 3)]
    kept = sorted(rows(CheckAnswer, officer_id=meera.id), key=lambda row: row.received_at)
    assert [row.right for row in kept] == [False, True, False]
    # The page shows the latest answer, and that it was right once.
    assert learning.lesson_records(meera.id, given.course, lesson).checks == {check.id: told[-1]}


def test_every_kind_of_answer_comes_back_as_it_was_given(app: Flask, given: Given) -> None:
    meera = given.officer("Meera")
    for lesson in given.course.lessons():
        given.later(minutes=1)
        given.checks_answered(meera, lesson)
        found = learning.lesson_records(meera.id, given.course, lesson).checks
        assert found == {check.id: CheckState(right_answer(check), True, 1) for check in lesson.checks}


def test_the_same_try_sent_twice_is_one(app: Flask, given: Given, lesson: Lesson) -> None:
    meera, check = given.officer("Meera"), lesson.checks[0]
    for _ in range(2):
        told = learning.answer_check(
            meera.id, given.course, lesson, check, right_answer(check), given.later(minutes=1), "act-1"
        )
    assert told == CheckState(right_answer(check), True, 1)
    assert [row.id for row in rows(CheckAnswer)] == ["act-1"]


def test_the_same_try_sent_twenty_times_at_once_is_one(app: Flask, given: Given, lesson: Lesson) -> None:
    meera, check, course, now = given.officer("Meera"), lesson.checks[0], given.course, given.now
    answer = right_answer(check)
    told = at_once(app, [lambda: learning.answer_check(meera.id, course, lesson, check, answer, now, "act-1")] * 20)
    assert told == [CheckState(answer, True, 1)] * 20
    assert count(CheckAnswer) == 1


def test_the_clients_time_is_kept_but_counts_for_nothing(app: Flask, given: Given, lesson: Lesson) -> None:
    meera, check = given.officer("Meera"), lesson.checks[0]
    said = given.now - timedelta(days=400)
    learning.answer_check(meera.id, given.course, lesson, check, right_answer(check), given.now, "act-1", said)
    (row,) = rows(CheckAnswer)
    assert (row.said_at, row.received_at) == (said, given.now)


def test_the_first_answer_is_the_beginning(app: Flask, given: Given, lesson: Lesson) -> None:
    meera, check = given.officer("Meera"), lesson.checks[0]
    assert standing_of(meera.id).state == "not_begun"
    for _ in range(3):
        learning.answer_check(meera.id, given.course, lesson, check, wrong_answer(check), given.later(minutes=1))
    assert standing_of(meera.id).state == "in_progress"
    assert [row.state for row in rows(StandingHistory, officer_id=meera.id)] == ["not_begun", "in_progress"]


def test_whoever_was_not_assigned_is_enrolled_by_her_first_act(app: Flask, given: Given, lesson: Lesson) -> None:
    boss = given.supervisor()
    assert count(Enrolment, officer_id=boss.id) == 0
    given.lesson_done(boss, lesson)
    (enrolment,) = rows(Enrolment, officer_id=boss.id)
    assert (enrolment.course, enrolment.route, enrolment.assigned_by) == (COURSE, given.course.routes[0].id, None)
    assert kinds(boss.id).count("enrolled") == 1


def test_an_empty_answer_is_no_try(app: Flask, given: Given, lesson: Lesson) -> None:
    meera, check = given.officer("Meera"), lesson.checks[0]
    with pytest.raises(UnreadableAnswer) as refused:
        learning.answer_check(meera.id, given.course, lesson, check, None, given.now)
    assert refused.value.code == "no-answer"
    assert (count(CheckAnswer), standing_of(meera.id).state) == (0, "not_begun")


def test_tries_without_end_are_refused_and_the_last_one_sent_again_is_not(app: Flask, given: Given) -> None:
    meera, lesson = given.officer("Meera"), given.course.lessons()[0]
    check, other = lesson.checks[:2]
    answer = wrong_answer(check)
    learning.answer_check(meera.id, given.course, lesson, check, answer, given.now, "act-0")
    first = rows(CheckAnswer)[0]._asdict()
    with writing() as connection:
        many = [{**first, "id": f"act-{n}"} for n in range(1, learning.MOST_TRIES)]
        connection.execute(insert(CheckAnswer), many)
    with pytest.raises(TooManyTries):
        learning.answer_check(meera.id, given.course, lesson, check, answer, given.now, "one-more")
    last = f"act-{learning.MOST_TRIES - 1}"
    again = learning.answer_check(meera.id, given.course, lesson, check, answer, given.now, last)
    assert again.tries == count(CheckAnswer) == learning.MOST_TRIES
    # Another check of the same lesson is still open to tries.
    assert learning.answer_check(meera.id, given.course, lesson, other, right_answer(other), given.now).tries == 1


# The lab


def test_runs_reach_the_labs_result(app: Flask, given: Given) -> None:
    meera = given.officer("Meera")
    lesson = given.course.lesson_of_lab(LAB)
    assert lesson is not None
    told = [
        learning.run_lab(meera.id, given.course, lesson, LAB, choices, given.later(minutes=1))
        for choices in LABS[LAB].sample_runs("en")
    ]
    assert [reached for _, reached in told] == [False, True]
    kept = sorted(rows(LabRun, officer_id=meera.id), key=lambda row: row.received_at)
    assert [(row.choices, row.figures, row.reached) for row in kept] == [
        (choices, figures, reached)
        for choices, (figures, reached) in zip(LABS[LAB].sample_runs("en"), told, strict=True)
    ]
    records = learning.lesson_records(meera.id, given.course, lesson)
    assert records.reached == {LAB}
    assert records.runs == {LAB: tuple((row.choices, row.figures) for row in kept)}
    assert standing_of(meera.id).requirements_met == 1


def test_the_same_run_sent_twice_is_one(app: Flask, given: Given) -> None:
    meera = given.officer("Meera")
    lesson = given.course.lesson_of_lab(LAB)
    assert lesson is not None
    good, misled = LABS[LAB].sample_runs("en")
    first = learning.run_lab(meera.id, given.course, lesson, LAB, good, given.now, "run-1")
    # The answer was lost on the way; the same act comes again, whatever stands in it now.
    again = learning.run_lab(meera.id, given.course, lesson, LAB, misled, given.later(minutes=1), "run-1")
    assert again == first
    assert [row.id for row in rows(LabRun)] == ["run-1"]
    assert standing_of(meera.id).requirements_met == 0


def test_runs_without_end_are_refused(app: Flask, given: Given) -> None:
    meera = given.officer("Meera")
    lesson = given.course.lesson_of_lab(LAB)
    assert lesson is not None
    good = LABS[LAB].sample_runs("en")[0]
    learning.run_lab(meera.id, given.course, lesson, LAB, good, given.now, "run-0")
    first = rows(LabRun)[0]._asdict()
    with writing() as connection:
        many = [{**first, "id": f"run-{n}"} for n in range(1, learning.MOST_TRIES)]
        connection.execute(insert(LabRun), many)
    with pytest.raises(TooManyTries):
        learning.run_lab(meera.id, given.course, lesson, LAB, good, given.now, "one-more")
    assert learning.run_lab(meera.id, given.course, lesson, LAB, good, given.now, "run-7") == (first["figures"], False)
    assert count(LabRun) == learning.MOST_TRIES


# What comes next


def test_the_way_through_the_course(app: Flask, given: Given) -> None:
    meera, course = given.officer("Meera"), given.course
    walked = []
    while (view := learning.course_view(meera.id, course)).next is not None:
        walked.append((view.next.kind, view.next.subject))
        _take(given, meera, *walked[-1])
    assert len(walked) == len(set(walked)) == view.status.total
    assert walked[0] == ("lesson", course.lessons()[0].path)
    assert walked[-1] == ("final", "final")
    lab_lesson = course.lesson_of_lab(LAB)
    assert lab_lesson is not None
    assert walked.index(("lab", LAB)) == walked.index(("lesson", lab_lesson.path)) + 1
    assert view.completed_at == given.now
    assert view.certificate_state == "valid"
    assert view.done == set(view.needs.lessons)


def _take(given: Given, person: Person, kind: str, subject: str) -> None:
    module_id, _, lesson_id = subject.partition("/")
    lesson = given.course.lesson(module_id, lesson_id)
    if lesson:
        given.lesson_done(person, lesson)
    elif kind == "lab":
        given.lab_reached(person, subject)
    else:
        given.quiz_taken(person, given.quiz(subject))


def test_courses_one_is_enrolled_in_come_first(app: Flask, given: Given) -> None:
    boss = given.supervisor()
    another = given.served(replace(given.course, id="another-course"))
    assert [view.enrolled for view in learning.dashboard(boss.id)] == [False, False]
    learning.mark_lesson_done(boss.id, another, _bare(another.lessons()[0]), "en", given.now)
    assert [(view.course.id, view.enrolled) for view in learning.dashboard(boss.id)] == [
        ("another-course", True),
        (COURSE, False),
    ]


def _bare(lesson: Lesson) -> Lesson:
    """The lesson without checks, which is done by saying so."""
    return replace(lesson, checks=())


# The pace


def test_a_hurried_module_asks_three_fresh_questions_and_two_clear_it_for_good(app: Flask, given: Given) -> None:
    meera, course = given.officer("Meera"), given.one_module()
    module = course.modules[0]
    fresh, final = given.quiz(f"fresh-{module.id}"), given.quiz("final")
    given.all_but_the_final(meera, minutes_a_lesson=0.05)
    assert [(r.kind, r.subject, r.reason) for r in status_afresh(meera.id, course).requirements if not r.met] == [
        ("fresh", fresh.id, "hurried"),
        ("final", "final", "not-begun"),
    ]
    view = learning.course_view(meera.id, course)
    assert view.next == learning.Step("fresh", fresh.id)
    with pytest.raises(quizzes.QuizClosed) as closed:
        quizzes.start_attempt(meera.id, course, final, given.now)
    assert closed.value.code == "before-final"

    _fresh_taken(given, meera, right=1)
    assert learning.course_view(meera.id, course).next == learning.Step("fresh", fresh.id)
    # Waiting does not clear it: nobody reads backwards.
    given.later(hours=5)
    given.checks_answered(meera, course.lessons()[0])
    assert learning.course_view(meera.id, course).next == learning.Step("fresh", fresh.id)

    _fresh_taken(given, meera, right=2)
    assert learning.course_view(meera.id, course).next == learning.Step("final", "final")
    with pytest.raises(quizzes.QuizClosed):  # for good
        _fresh_taken(given, meera, right=0)
    given.quiz_taken(meera, final)
    assert standing_of(meera.id).state == "complete"


def _fresh_taken(given: Given, person: Person, right: int) -> None:
    """Three fresh questions, the first so many answered right."""
    asked: list[str] = []

    def answer(question: Question) -> Answered:
        asked.append(question.id)
        return right_answer(question) if len(asked) <= right else wrong_answer(question)

    given.quiz_taken(person, given.quiz(f"fresh-{given.course.modules[0].id}"), answer)
    assert len(asked) == 3


def test_fresh_questions_are_ones_the_officer_has_not_seen(app: Flask, given: Given) -> None:
    meera = given.officer("Meera")
    given.all_but_the_final(meera, minutes_a_lesson=0.05)
    module = given.course.modules[0]
    fresh = given.quiz(f"fresh-{module.id}")
    before = {asked["id"] for row in rows(Attempt, officer_id=meera.id, quiz=module.id) for asked in row.paper}
    given.quiz_taken(meera, fresh)
    (attempt,) = rows(Attempt, officer_id=meera.id, quiz=fresh.id)
    assert not before & {asked["id"] for asked in attempt.paper}


def test_reading_at_a_readers_pace_asks_nothing(app: Flask, given: Given) -> None:
    meera = given.officer("Meera")
    given.all_but_the_final(meera, minutes_a_lesson=8)
    assert learning.course_view(meera.id, given.course).next == learning.Step("final", "final")


# Fifty officers on SQLite


def test_fifty_officers_at_once_lose_and_double_nothing(sqlite_app: Flask, given: Given, lesson: Lesson) -> None:
    officers = [given.officer(f"Officer {n}", password="") for n in range(50)]
    course, now = given.course, given.later(minutes=8)

    def take(officer_id: int) -> None:
        for n, check in enumerate(lesson.checks):
            learning.answer_check(officer_id, course, lesson, check, right_answer(check), now, f"{officer_id}-{n}")
        learning.mark_lesson_done(officer_id, course, lesson, "en", now)

    assert at_once(sqlite_app, [partial(take, o.id) for o in officers]) == [None] * 50
    for officer in officers:
        assert count(CheckAnswer, officer_id=officer.id) == len(lesson.checks)
        assert count(LessonRecord, officer_id=officer.id) == 1
        assert standing_of(officer.id).requirements_met == 1
        assert kinds(officer.id).count("lesson_done") == 1
        assert broken_at(chain(officer.id)) is None
