"""A quiz is taken: started once, answered as it goes, submitted once, and shown for ever as it was."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest
from flask import Flask

from elearn.domain.course import Course, Picture
from elearn.domain.ledger import commitment
from elearn.domain.paper import GRACE
from elearn.domain.questions import Given as Answered
from elearn.domain.questions import Question
from elearn.models.certificates import Certificate
from elearn.models.learning import Answer, Attempt, LessonRecord, QuestionText
from elearn.services import learning, library, quizzes
from elearn.services.quizzes import AlreadySubmitted, NotYours, QuizClosed, TimeIsUp
from tests.at_once import at_once
from tests.given import COURSE, Given, Person, right_answer, wrong_answer
from tests.records import broken_at, chain, count, kinds, rows, salt, standing_of, status_afresh


@pytest.fixture
def module_quiz(given: Given) -> str:
    return given.course.modules[0].id


def all_right(questions: tuple[Question, ...]) -> dict[str, Answered]:
    return {q.id: right_answer(q) for q in questions}


def all_wrong(questions: tuple[Question, ...]) -> dict[str, Answered]:
    return {q.id: wrong_answer(q) for q in questions}


def started(given: Given, person: Person, quiz_id: str) -> tuple[str, tuple[Question, ...]]:
    """An attempt begun now, and its questions."""
    attempt = quizzes.start_attempt(person.id, given.course, given.quiz(quiz_id), given.now)
    return attempt, quizzes.attempt_view(person.id, attempt, given.now).questions


# An attempt from beginning to end


def test_a_quiz_is_taken(app: Flask, given: Given, module_quiz: str) -> None:
    meera, rules = given.officer("Meera"), given.quiz(module_quiz).rules
    begun = given.later(minutes=1)
    attempt, questions = started(given, meera, module_quiz)
    assert len(questions) == rules.draw
    view = quizzes.attempt_view(meera.id, attempt, given.now)
    assert (view.number, view.possible, view.needed) == (1, rules.draw, rules.pass_percent)
    assert (view.started_at, view.submitted_at, view.percent, view.passed) == (begun, None, None, None)
    assert (view.answers, view.right, view.saved_at) == ({}, {}, None)

    ended = given.later(minutes=5)
    quizzes.submit_attempt(meera.id, attempt, all_right(questions), ended)
    view = quizzes.attempt_view(meera.id, attempt, given.later(days=1))
    assert (view.submitted_at, view.earned, view.percent, view.passed) == (ended, rules.draw, 100, True)
    assert view.questions == questions
    assert view.answers == all_right(questions)
    assert view.right == {q.id: True for q in questions}
    assert standing_of(meera.id).requirements_met == 5  # the quiz, and the four lessons it credits


def test_its_ledger_entry_commits_to_the_result(app: Flask, given: Given, module_quiz: str) -> None:
    meera = given.officer("Meera")
    given.lesson_done(meera, given.course.lessons()[0])  # so that nothing is credited after it
    attempt = given.quiz_taken(meera, given.quiz(module_quiz))
    (row,) = rows(Attempt)
    facts = {
        "course": COURSE,
        "quiz": module_quiz,
        "attempt": attempt,
        "earned": row.earned,
        "possible": row.possible,
        "passed": True,
        "version": given.course.version,
    }
    entry = chain(meera.id)[-1]
    assert (entry.kind, entry.reference) == ("attempt_submitted", attempt)
    assert entry.commitment == commitment(salt(meera.id), facts)
    assert broken_at(chain(meera.id)) is None


def test_what_is_half_right_is_told_question_by_question(app: Flask, given: Given, module_quiz: str) -> None:
    meera = given.officer("Meera")
    attempt, questions = started(given, meera, module_quiz)
    first, *others = questions
    answers = {**all_wrong(questions), first.id: right_answer(first), others[0].id: None}
    quizzes.submit_attempt(meera.id, attempt, answers, given.later(minutes=5))
    view = quizzes.attempt_view(meera.id, attempt, given.now)
    assert (view.earned, view.percent, view.passed) == (1, 100 // len(questions), False)
    assert view.right == {q.id: q.id == first.id for q in questions}


def test_before_submission_nothing_says_what_is_right(app: Flask, given: Given, module_quiz: str) -> None:
    meera = given.officer("Meera")
    attempt, questions = started(given, meera, module_quiz)
    quizzes.save_answers(meera.id, attempt, all_right(questions), given.now)
    view = quizzes.attempt_view(meera.id, attempt, given.now)
    assert (view.right, view.earned, view.floors_missed) == ({}, None, ())
    assert all(row.right is None for row in rows(Answer, attempt_id=attempt))


# Started once


def test_two_tabs_share_one_attempt(app: Flask, given: Given, module_quiz: str) -> None:
    meera = given.officer("Meera")
    first, _ = started(given, meera, module_quiz)
    given.later(minutes=3)
    assert started(given, meera, module_quiz)[0] == first
    assert count(Attempt) == 1
    assert quizzes.quiz_view(meera.id, given.course, given.quiz(module_quiz), given.now).open_attempt == first


def test_twenty_starts_at_once_are_one_attempt(app: Flask, given: Given, module_quiz: str) -> None:
    meera, course, quiz, now = given.officer("Meera"), given.course, given.quiz(module_quiz), given.now
    ids = at_once(app, [lambda: quizzes.start_attempt(meera.id, course, quiz, now)] * 20)
    assert len(set(ids)) == count(Attempt) == 1
    assert isinstance(ids[0], str)


def test_a_class_that_starts_at_once_all_gets_its_papers(app: Flask, given: Given, module_quiz: str) -> None:
    """All of them store the same questions for the first time, each in the order of its own paper."""
    officers = [given.officer(f"Officer {n}", password="") for n in range(24)]
    course, quiz, now = given.course, given.quiz(module_quiz), given.now
    ids = at_once(app, [partial(quizzes.start_attempt, o.id, course, quiz, now) for o in officers])
    assert [error for error in ids if isinstance(error, Exception)] == []
    assert len(set(ids)) == count(Attempt) == 24
    assert count(QuestionText) <= len(quiz.bank)


def test_starting_is_a_beginning(app: Flask, given: Given, module_quiz: str) -> None:
    meera = given.officer("Meera")
    started(given, meera, module_quiz)
    assert standing_of(meera.id).state == "in_progress"


def test_each_attempt_draws_what_was_not_seen_yet(app: Flask, given: Given, module_quiz: str) -> None:
    meera = given.officer("Meera")
    quiz = given.quiz(module_quiz)
    assert len(quiz.bank) >= 2 * quiz.rules.draw
    papers = [
        {q.id for q in quizzes.attempt_view(meera.id, given.quiz_taken(meera, quiz), given.now).questions}
        for _ in range(2)
    ]
    assert [len(paper) for paper in papers] == [quiz.rules.draw] * 2
    assert not papers[0] & papers[1]


def test_two_officers_get_different_papers(app: Flask, given: Given, module_quiz: str) -> None:
    meera, far = given.officer("Meera"), given.officer("Far", office="Block Office")
    hers, his = started(given, meera, module_quiz), started(given, far, module_quiz)
    assert [q.id for q in hers[1]] != [q.id for q in his[1]]
    seeds = {row.seed for row in rows(Attempt)}
    assert len(seeds) == 2


# Answered as it goes


def test_answers_are_kept_as_they_are_given(app: Flask, given: Given, module_quiz: str) -> None:
    meera = given.officer("Meera")
    attempt, (first, second, *_) = started(given, meera, module_quiz)
    quizzes.save_answers(meera.id, attempt, {first.id: wrong_answer(first)}, given.later(minutes=1))
    quizzes.save_answers(meera.id, attempt, {first.id: right_answer(first)}, given.later(minutes=1))
    said = given.now - timedelta(minutes=30)
    saved = quizzes.save_answers(
        meera.id, attempt, {second.id: right_answer(second)}, given.later(minutes=1), said_at=said
    )
    view = quizzes.attempt_view(meera.id, attempt, given.now)
    assert view.answers == {first.id: right_answer(first), second.id: right_answer(second)}
    assert saved == view.saved_at == given.now
    (kept,) = rows(Answer, attempt_id=attempt, question_id=second.id)
    assert (kept.said_at, kept.received_at) == (said, given.now)


def test_an_answer_can_be_taken_back(app: Flask, given: Given, module_quiz: str) -> None:
    meera = given.officer("Meera")
    attempt, questions = started(given, meera, module_quiz)
    quizzes.save_answers(meera.id, attempt, all_right(questions), given.now)
    quizzes.save_answers(meera.id, attempt, {questions[0].id: None}, given.later(minutes=1))
    quizzes.submit_attempt(meera.id, attempt, {}, given.later(minutes=1))
    view = quizzes.attempt_view(meera.id, attempt, given.now)
    assert (view.earned, view.right[questions[0].id]) == (len(questions) - 1, False)


def test_saved_answers_count_though_nothing_came_with_the_submission(
    app: Flask, given: Given, module_quiz: str
) -> None:
    meera = given.officer("Meera")
    attempt, questions = started(given, meera, module_quiz)
    quizzes.save_answers(meera.id, attempt, all_right(questions), given.now)
    quizzes.submit_attempt(meera.id, attempt, {}, given.later(minutes=5))
    assert quizzes.attempt_view(meera.id, attempt, given.now).percent == 100


def test_answers_to_what_was_not_asked_are_left_out(app: Flask, given: Given, module_quiz: str) -> None:
    meera = given.officer("Meera")
    attempt, questions = started(given, meera, module_quiz)
    asked = {q.id for q in questions}
    other = next(q for q in given.quiz(module_quiz).bank if q.id not in asked)
    quizzes.save_answers(meera.id, attempt, {other.id: right_answer(other), "no-such": (0,)}, given.now)
    quizzes.submit_attempt(meera.id, attempt, {other.id: right_answer(other)}, given.later(minutes=5))
    assert count(Answer) == 0
    assert quizzes.attempt_view(meera.id, attempt, given.now).earned == 0


# Submitted once


@pytest.mark.parametrize("again", [all_right, all_wrong, lambda questions: {}])
def test_submitted_again_the_first_result_stands(
    app: Flask, given: Given, module_quiz: str, again: Callable[[tuple[Question, ...]], dict[str, Answered]]
) -> None:
    meera = given.officer("Meera")
    attempt, questions = started(given, meera, module_quiz)
    quizzes.submit_attempt(meera.id, attempt, all_wrong(questions), given.later(minutes=5))
    before = (rows(Attempt), rows(Answer), chain(meera.id), standing_of(meera.id))
    quizzes.submit_attempt(meera.id, attempt, again(questions), given.later(minutes=1))
    assert (rows(Attempt), rows(Answer), chain(meera.id), standing_of(meera.id)) == before


def test_twenty_submissions_at_once_are_one_result_and_one_certificate(app: Flask, given: Given) -> None:
    meera = given.officer("Meera")
    given.all_but_the_final(meera)
    given.later(minutes=1)
    attempt, questions = started(given, meera, "final")
    answers, now = all_right(questions), given.later(minutes=9)
    assert at_once(app, [lambda: quizzes.submit_attempt(meera.id, attempt, answers, now)] * 20) == [None] * 20
    assert [row.passed for row in rows(Attempt, quiz="final")] == [True]
    assert count(Certificate, module="") == 1
    told = kinds(meera.id)
    assert told[-3:] == ["attempt_submitted", "completed", "certificate_issued"]
    assert (told.count("completed"), told.count("certificate_issued")) == (1, 1)
    assert broken_at(chain(meera.id)) is None


def test_different_submissions_at_once_are_one_result(app: Flask, given: Given, module_quiz: str) -> None:
    meera = given.officer("Meera")
    attempt, questions = started(given, meera, module_quiz)
    now = given.later(minutes=5)
    sent = [all_right(questions), all_wrong(questions)] * 10
    assert (
        at_once(app, [partial(quizzes.submit_attempt, meera.id, attempt, answers, now) for answers in sent])
        == [None] * 20
    )
    view = quizzes.attempt_view(meera.id, attempt, given.now)
    assert (view.percent, view.answers) in ((100, all_right(questions)), (0, all_wrong(questions)))
    assert kinds(meera.id).count("attempt_submitted") == 1


def test_saving_and_submitting_at_once_loses_no_acknowledged_answer(app: Flask, given: Given, module_quiz: str) -> None:
    meera = given.officer("Meera")
    attempt, questions = started(given, meera, module_quiz)
    now = given.later(minutes=5)
    saves = [partial(quizzes.save_answers, meera.id, attempt, {q.id: right_answer(q)}, now) for q in questions]
    *saved, submitted = at_once(app, [*saves, lambda: quizzes.submit_attempt(meera.id, attempt, {}, now)])
    assert submitted is None
    assert all(result == now or isinstance(result, AlreadySubmitted) for result in saved)
    view = quizzes.attempt_view(meera.id, attempt, given.now)
    assert view.earned == sum(result == now for result in saved)
    assert set(view.answers) == {q.id for q, result in zip(questions, saved, strict=True) if result == now}


def test_no_answer_is_taken_after_the_submission(app: Flask, given: Given, module_quiz: str) -> None:
    meera = given.officer("Meera")
    attempt, questions = started(given, meera, module_quiz)
    quizzes.submit_attempt(meera.id, attempt, all_wrong(questions), given.later(minutes=5))
    with pytest.raises(AlreadySubmitted):
        quizzes.save_answers(meera.id, attempt, all_right(questions), given.now)
    assert quizzes.attempt_view(meera.id, attempt, given.now).answers == all_wrong(questions)


# Somebody else's


def test_somebody_elses_attempt_is_not_there(app: Flask, given: Given, module_quiz: str) -> None:
    meera, far = given.officer("Meera"), given.officer("Far", office="Block Office")
    attempt, questions = started(given, meera, module_quiz)
    quizzes.save_answers(meera.id, attempt, all_right(questions), given.now)
    for name in (attempt, "no-such-attempt", ""):
        with pytest.raises(NotYours):
            quizzes.attempt_view(far.id, name, given.now)
        with pytest.raises(NotYours):
            quizzes.save_answers(far.id, name, all_wrong(questions), given.now)
        with pytest.raises(NotYours):
            quizzes.submit_attempt(far.id, name, all_wrong(questions), given.now)
    view = quizzes.attempt_view(meera.id, attempt, given.now)
    assert (view.submitted_at, view.answers) == (None, all_right(questions))
    assert standing_of(far.id).state == "not_begun"
    assert kinds(far.id)[-1] == "enrolled"


def test_somebody_elses_attempts_are_not_counted(app: Flask, given: Given, module_quiz: str) -> None:
    meera, far = given.officer("Meera"), given.officer("Far", office="Block Office")
    given.quiz_taken(far, given.quiz(module_quiz))
    view = quizzes.quiz_view(meera.id, given.course, given.quiz(module_quiz), given.now)
    assert (view.attempts, view.open_attempt, view.closed) == ((), None, "")


# Time


def test_answers_count_until_the_end_and_its_grace(app: Flask, given: Given) -> None:
    meera = given.officer("Meera")
    given.all_but_the_final(meera)
    attempt, questions = started(given, meera, "final")
    end = given.now + timedelta(minutes=given.quiz("final").rules.minutes)
    assert quizzes.attempt_view(meera.id, attempt, given.now).deadline == end
    quizzes.save_answers(meera.id, attempt, {questions[0].id: right_answer(questions[0])}, end + GRACE)
    assert not quizzes.attempt_view(meera.id, attempt, end + GRACE).time_is_up
    quizzes.submit_attempt(meera.id, attempt, all_right(questions), end + GRACE)
    assert quizzes.attempt_view(meera.id, attempt, end + GRACE).percent == 100


def test_answers_after_the_end_do_not_count_but_saved_ones_do(app: Flask, given: Given) -> None:
    meera = given.officer("Meera")
    given.all_but_the_final(meera)
    attempt, questions = started(given, meera, "final")
    in_time = {q.id: right_answer(q) for q in questions[:3]}
    quizzes.save_answers(meera.id, attempt, in_time, given.later(minutes=5))
    late = given.now + timedelta(minutes=given.quiz("final").rules.minutes) + GRACE + timedelta(microseconds=1)
    assert quizzes.attempt_view(meera.id, attempt, late).time_is_up
    with pytest.raises(TimeIsUp):
        quizzes.save_answers(meera.id, attempt, all_right(questions), late)
    quizzes.submit_attempt(meera.id, attempt, all_right(questions), late)
    view = quizzes.attempt_view(meera.id, attempt, late)
    assert (view.earned, view.submitted_at, view.answers) == (3, late, in_time)
    assert not view.passed


def test_a_quiz_without_a_limit_waits_for_ever(app: Flask, given: Given, module_quiz: str) -> None:
    meera = given.officer("Meera")
    assert given.quiz(module_quiz).rules.minutes == 0
    attempt, questions = started(given, meera, module_quiz)
    quizzes.submit_attempt(meera.id, attempt, all_right(questions), given.later(days=400))
    view = quizzes.attempt_view(meera.id, attempt, given.now)
    assert (view.deadline, view.percent) == (None, 100)


# When an attempt may begin


def test_the_final_opens_when_all_else_is_met(app: Flask, given: Given) -> None:
    meera, final = given.officer("Meera"), given.quiz("final")
    assert quizzes.quiz_view(meera.id, given.course, final, given.now).closed == "before-final"
    with pytest.raises(QuizClosed) as closed:
        quizzes.start_attempt(meera.id, given.course, final, given.now)
    assert (closed.value.code, closed.value.opens_at) == ("before-final", None)
    assert (count(Attempt), standing_of(meera.id).state) == (0, "not_begun")
    given.all_but_the_final(meera)
    assert quizzes.quiz_view(meera.id, given.course, final, given.now).closed == ""
    started(given, meera, "final")


def test_a_second_failed_final_asks_for_a_day(app: Flask, given: Given) -> None:
    meera, final = given.officer("Meera"), given.quiz("final")
    assert dict(final.rules.wait_hours_after) == {2: 24}
    given.all_but_the_final(meera)
    given.quiz_taken(meera, final, wrong_answer)
    given.quiz_taken(meera, final, wrong_answer)  # after the first there is no wait
    opens_at = given.now + timedelta(hours=24)
    for moment in (given.now, opens_at - timedelta(microseconds=1)):
        with pytest.raises(QuizClosed) as closed:
            quizzes.start_attempt(meera.id, given.course, final, moment)
        assert (closed.value.code, closed.value.opens_at) == ("wait", opens_at)
        view = quizzes.quiz_view(meera.id, given.course, final, moment)
        assert (view.closed, view.opens_at, len(view.attempts)) == ("wait", opens_at, 2)
    given.now = opens_at
    assert quizzes.quiz_view(meera.id, given.course, final, opens_at).closed == ""
    third, questions = started(given, meera, "final")
    quizzes.submit_attempt(meera.id, third, all_wrong(questions), given.later(minutes=5))
    view = quizzes.quiz_view(meera.id, given.course, final, given.now)
    assert (view.closed, view.opens_at) == ("wait", given.now + timedelta(hours=24))


def test_an_attempt_left_lying_is_no_way_round_the_wait(app: Flask, given: Given) -> None:
    meera, final = given.officer("Meera"), given.quiz("final")
    given.all_but_the_final(meera)
    given.quiz_taken(meera, final, wrong_answer)
    attempt, questions = started(given, meera, "final")
    given.later(days=3)
    assert started(given, meera, "final")[0] == attempt
    quizzes.submit_attempt(meera.id, attempt, all_right(questions), given.now)
    view = quizzes.quiz_view(meera.id, given.course, final, given.now)
    assert (view.closed, view.opens_at) == ("wait", given.now + timedelta(hours=24))


def test_a_passed_final_is_closed(app: Flask, given: Given) -> None:
    meera, final = given.officer("Meera"), given.quiz("final")
    given.completed(meera)
    given.later(days=30)
    assert quizzes.quiz_view(meera.id, given.course, final, given.now).closed == "complete"
    with pytest.raises(QuizClosed) as closed:
        quizzes.start_attempt(meera.id, given.course, final, given.now)
    assert closed.value.code == "complete"


def test_a_passed_module_quiz_may_be_taken_again_and_the_pass_stays(app: Flask, given: Given, module_quiz: str) -> None:
    meera, quiz = given.officer("Meera"), given.quiz(module_quiz)
    given.quiz_taken(meera, quiz)
    given.quiz_taken(meera, quiz, wrong_answer)
    view = quizzes.quiz_view(meera.id, given.course, quiz, given.now)
    assert [(a.number, a.percent, a.passed) for a in view.attempts] == [(1, 100, True), (2, 0, False)]
    (requirement,) = (r for r in status_afresh(meera.id, given.course).requirements if r.subject == module_quiz)
    assert (requirement.met, requirement.arguments) == (True, {"percent": 100})


def test_a_final_below_a_floor_is_not_passed(app: Flask, given: Given) -> None:
    meera, final = given.officer("Meera"), given.quiz("final")
    ((domain, floor),) = final.rules.floors.items()
    asked_there = final.rules.blueprint[domain]
    wrong = asked_there - (floor * asked_there - 1) // 100  # just enough to miss the floor
    given.all_but_the_final(meera)
    attempt, questions = started(given, meera, "final")
    missed = [q for q in questions if q.domain == domain][:wrong]
    answers = {**all_right(questions), **all_wrong(tuple(missed))}
    quizzes.submit_attempt(meera.id, attempt, answers, given.later(minutes=9))
    view = quizzes.attempt_view(meera.id, attempt, given.now)
    assert view.percent is not None
    assert view.percent >= final.rules.pass_percent
    assert (view.passed, view.floors_missed) == (False, (domain,))
    assert status_afresh(meera.id, given.course).requirements[-1].reason == "below-floor"
    assert standing_of(meera.id).final_percent == view.percent
    assert count(Certificate, module="") == 0


# When the content changes


def rewritten(course: Course) -> Course:
    """Another release: every quiz asks other questions, is harder to pass, and its pictures are gone."""

    def other(question: Question) -> Question:
        return replace(question, id=f"new-{question.id}", stem={"en": "Something else"})

    quizzes_now = tuple(
        replace(
            quiz,
            bank=tuple(other(q) for q in quiz.bank),
            rules=replace(quiz.rules, pass_percent=100, minutes=1, floors={}),
        )
        for quiz in course.quizzes
    )
    return replace(course, version="v2".ljust(64, "0"), quizzes=quizzes_now, pictures=())


def with_a_picture(course: Course, quiz_id: str) -> Course:
    """A course in which every question of a quiz shows one picture."""
    picture = Picture("two-by-two.svg", "ab" * 32, "image/svg+xml", b"<svg xmlns='http://www.w3.org/2000/svg'/>")
    shown = tuple(
        replace(quiz, bank=tuple(replace(q, pictures=(picture.hash,)) for q in quiz.bank))
        if quiz.id == quiz_id
        else quiz
        for quiz in course.quizzes
    )
    return replace(course, quizzes=shown, pictures=(*course.pictures, picture))


def test_a_running_attempt_goes_on_as_it_began(app: Flask, given: Given, module_quiz: str) -> None:
    meera, old, needed = given.officer("Meera"), given.course, given.quiz(module_quiz).rules.pass_percent
    attempt, questions = started(given, meera, module_quiz)
    given.served(rewritten(old))
    view = quizzes.attempt_view(meera.id, attempt, given.later(hours=2))
    assert (view.questions, view.version, view.needed) == (questions, old.version, needed)
    assert (view.deadline, view.time_is_up) == (None, False)
    answers = {**all_right(questions), questions[0].id: None}
    quizzes.submit_attempt(meera.id, attempt, answers, given.now)
    assert quizzes.attempt_view(meera.id, attempt, given.now).passed  # by the rules it began with
    assert chain(meera.id)[-1].kind == "attempt_submitted"


def test_a_past_attempt_is_shown_as_it_was(app: Flask, given: Given, module_quiz: str) -> None:
    meera = given.officer("Meera")
    attempt = given.quiz_taken(meera, given.quiz(module_quiz))
    before = quizzes.attempt_view(meera.id, attempt, given.now)
    given.served(rewritten(given.course))
    assert quizzes.attempt_view(meera.id, attempt, given.now) == before


def test_the_next_attempt_asks_what_is_there_now(app: Flask, given: Given, module_quiz: str) -> None:
    meera = given.officer("Meera")
    given.quiz_taken(meera, given.quiz(module_quiz), wrong_answer)
    given.served(rewritten(given.course))
    _, questions = started(given, meera, module_quiz)
    assert all(q.id.startswith("new-") for q in questions)


def test_pictures_of_past_questions_are_kept(app: Flask, given: Given, module_quiz: str) -> None:
    meera = given.officer("Meera")
    course = given.served(with_a_picture(given.course, module_quiz))
    picture = course.pictures[-1]
    attempt, questions = started(given, meera, module_quiz)
    given.served(rewritten(course))
    assert quizzes.attempt_view(meera.id, attempt, given.now).questions == questions
    assert library.picture(COURSE, picture.hash) == (picture.data, picture.media_type)
    # Pictures that no attempt ever showed are gone with their release.
    for gone in course.pictures[:-1]:
        with pytest.raises(library.NotServed):
            library.picture(COURSE, gone.hash)


def test_a_question_is_stored_once_however_often_it_is_asked(app: Flask, given: Given, module_quiz: str) -> None:
    for n in range(4):
        started(given, given.officer(f"Officer {n}", password=""), module_quiz)
    asked = {(one["id"], one["hash"]) for row in rows(Attempt) for one in row.paper}
    assert count(QuestionText) == len(asked) == len({question_id for question_id, _ in asked})


# Fifty officers on SQLite


def test_a_quiz_taken_first_credits_the_lessons(app: Flask, given: Given, module_quiz: str) -> None:
    meera, quiz = given.officer("Meera"), given.quiz(module_quiz)
    lessons = len(given.course.module(module_quiz).lessons)  # type: ignore[union-attr]
    given.quiz_taken(meera, quiz)
    assert standing_of(meera.id).requirements_met == lessons + 1
    told = learning.course_view(meera.id, given.course).status.requirements[0]
    assert (told.met, told.arguments) == (True, {"credited": 100})
    assert [row.credited for row in rows(LessonRecord)] == [100] * lessons
    assert kinds(meera.id)[-2:] == ["attempt_submitted", "lessons_credited"]


def test_a_quiz_on_questions_seen_before_credits_nothing(app: Flask, given: Given, module_quiz: str) -> None:
    meera, quiz = given.officer("Meera"), given.quiz(module_quiz)
    few = replace(quiz, bank=quiz.bank[: quiz.rules.draw])
    given.quiz_taken(meera, few, wrong_answer)
    given.quiz_taken(meera, few)
    assert standing_of(meera.id).requirements_met == 1


def test_a_quiz_after_the_first_lesson_credits_none(app: Flask, given: Given, module_quiz: str) -> None:
    meera = given.officer("Meera")
    given.lesson_done(meera, given.course.module(module_quiz).lessons[0])  # type: ignore[union-attr]
    given.quiz_taken(meera, given.quiz(module_quiz))
    assert [row.credited for row in rows(LessonRecord)] == [None]


def test_a_quiz_during_which_the_lessons_were_read_credits_none(app: Flask, given: Given, module_quiz: str) -> None:
    meera = given.officer("Meera")
    attempt, questions = started(given, meera, module_quiz)
    given.later(minutes=1)
    given.checks_answered(meera, given.course.module(module_quiz).lessons[0])  # type: ignore[union-attr]
    quizzes.submit_attempt(meera.id, attempt, all_right(questions), given.later(minutes=1))
    assert rows(LessonRecord) == []


def test_less_than_nine_in_ten_credits_none(app: Flask, given: Given, module_quiz: str) -> None:
    meera = given.officer("Meera")
    attempt, questions = started(given, meera, module_quiz)
    answers = {**all_right(questions), questions[0].id: wrong_answer(questions[0])}
    quizzes.submit_attempt(meera.id, attempt, answers, given.later(minutes=5))
    assert rows(LessonRecord) == []


def test_fresh_questions_are_not_asked_in_advance(app: Flask, given: Given, module_quiz: str) -> None:
    meera = given.officer("Meera")
    with pytest.raises(quizzes.QuizClosed) as closed:
        quizzes.start_attempt(meera.id, given.course, given.quiz(f"fresh-{module_quiz}"), given.now)
    assert closed.value.code == "not-asked"
    assert (
        quizzes.quiz_view(meera.id, given.course, given.quiz(f"fresh-{module_quiz}"), given.now).closed == "not-asked"
    )


def test_fifty_officers_save_at_once_and_nothing_is_lost(sqlite_app: Flask, given: Given, module_quiz: str) -> None:
    officers = [given.officer(f"Officer {n}", password="") for n in range(50)]
    course, quiz, now = given.course, given.quiz(module_quiz), given.now

    def take(officer_id: int) -> None:
        attempt = quizzes.start_attempt(officer_id, course, quiz, now)
        questions = quizzes.attempt_view(officer_id, attempt, now).questions
        for question in questions:
            quizzes.save_answers(officer_id, attempt, {question.id: right_answer(question)}, now)
        learning.mark_lesson_done(officer_id, course, replace(course.lessons()[0], checks=()), "en", now)
        quizzes.submit_attempt(officer_id, attempt, {}, now)

    assert at_once(sqlite_app, [partial(take, o.id) for o in officers]) == [None] * 50
    assert [row.percent for row in rows(Attempt)] == [100] * 50
    assert count(Answer) == 50 * quiz.rules.draw
    for officer in officers:
        assert standing_of(officer.id).requirements_met == 2
        assert kinds(officer.id)[-2:] == ["lesson_done", "attempt_submitted"]
        assert broken_at(chain(officer.id)) is None
