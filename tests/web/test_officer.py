"""An officer's trips through her pages: a lesson, its checks and lab, a quiz, the final, and where she stands."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import pytest
from werkzeug.datastructures import MultiDict

from elearn.domain.course import Lesson, Quiz
from elearn.domain.labs import LABS
from elearn.domain.questions import Multiple, Numeric, Question, Single
from elearn.services import learning, quizzes
from elearn.web.answers import said_at
from tests.given import COURSE, Given, Person, right_answer, wrong_answer
from tests.pages import Page, Visitor

Visit = Callable[..., Visitor]
Q = TypeVar("Q", Single, Multiple, Numeric)

HOME = f"/courses/{COURSE}"
FRAGMENT = {"X-Fragment": "1", "Accept": "text/html"}
JSON = {"Accept": "application/json"}


def address(lesson: Lesson) -> str:
    return f"{HOME}/{lesson.path}"


def lesson_with(given: Given, kind: type[Question]) -> tuple[Lesson, Question]:
    """The first lesson with a check of this kind."""
    found = ((lesson, c) for lesson in given.course.lessons() for c in lesson.checks if isinstance(c, kind))
    return next(found)


def values(question: Question, seed: str, answer: object, shuffled: bool = True) -> list[str]:
    """What a form sends for this answer."""
    if isinstance(question, Numeric):
        return [str(answer)]
    assert isinstance(answer, tuple)
    return [value for value, index in question.offered(seed, shuffled) if index in answer]


def check_fields(person: Person, check: Question, answer: object) -> dict[str, Any]:
    return {check.id: values(check, f"check/{person.id}", answer, shuffled=False)}


def the_lab(given: Given) -> tuple[str, Lesson]:
    """The name of the course's first lab and the lesson it belongs to."""
    name = given.course.routes[0].needs.labs[0]
    lesson = given.course.lesson_of_lab(name)
    assert lesson
    return name, lesson


def all_chosen(page: Page, lab: str) -> MultiDict[str, str]:
    """The form of a lab with the first choice wherever nothing is chosen yet."""
    form = page.form(f"/labs/{lab}")
    sent = page.fields(form)
    for control in page.controls(form):
        name = control.get("name") or ""
        if control.tag == "select" and not sent.get(name):
            sent[name] = next(filter(None, (option.get("value") for option in control.all("option"))))
    return sent


def module_quiz(given: Given) -> Quiz:
    quiz = given.course.quiz(given.course.modules[0].id)
    assert quiz
    return quiz


def begin(given: Given, visitor: Visitor, quiz: Quiz) -> str:
    """Starts an attempt as an officer does; returns its id."""
    visitor.open(f"{HOME}/quizzes/{quiz.id}")
    visitor.submit(f"/quizzes/{quiz.id}")
    return visitor.address.rpartition("/")[2]


def attempt_that_asks_a_number(given: Given, visitor: Visitor, person: Person) -> tuple[str, Numeric]:
    return attempt_that_asks(given, visitor, person, Numeric)


def attempt_that_asks(given: Given, visitor: Visitor, person: Person, kind: type[Q]) -> tuple[str, Q]:
    """Attempts ask what was not asked before, so one of the first few asks a question of this kind."""
    for _ in range(10):
        attempt = begin(given, visitor, module_quiz(given))
        for question in view_of(person, attempt).questions:
            if isinstance(question, kind):
                return attempt, question
        quizzes.submit_attempt(person.id, attempt, {}, datetime.now(UTC))
    raise AssertionError(f"the module's bank has no {kind.__name__}")


def all_answers(view: quizzes.AttemptView, answer: Callable[[Question], object] = right_answer) -> dict[str, Any]:
    return {q.id: values(q, view.seed, answer(q)) for q in view.questions}


def view_of(person: Person, attempt: str) -> quizzes.AttemptView:
    return quizzes.attempt_view(person.id, attempt, datetime.now(UTC))


def opened(visitor: Visitor) -> Page:
    assert visitor.page
    return visitor.page


# Lessons


def test_the_dashboard_leads_to_the_first_lesson(given: Given, visit: Visit) -> None:
    meera = visit(given.officer("Meera"))
    page = meera.open("/")
    assert page.heading == "Begin your course"
    meera.click("Begin")
    assert meera.address == address(given.course.lessons()[0])


def test_a_lesson_shows_what_it_is_made_of(given: Given, visit: Visit) -> None:
    lesson = given.course.lessons()[0]
    page = visit(given.officer("Meera")).open(address(lesson))
    assert page.heading == lesson.texts["en"].title
    assert f"Lesson 1 of {len(given.course.modules[0].lessons)}" in page.text
    assert {f"check-{check.id}" for check in lesson.checks} <= {one.get("id") for one in page.root.all("form")}
    assert [one.get("id") for one in page.root.all("li") if (one.get("id") or "").startswith("source-")] == [
        f"source-{source.id}" for source in lesson.texts["en"].sources
    ]


def test_a_lesson_speaks_hindi_where_it_is_asked_to(given: Given, visit: Visit) -> None:
    lesson = given.course.lessons()[0]
    meera = visit(given.officer("Meera"))
    meera.open(address(lesson))
    meera.click("हिन्दी")
    page = opened(meera)
    assert meera.address == address(lesson)
    assert page.root.one("html").get("lang") == "hi"
    assert page.heading == lesson.texts["hi"].title


def test_a_check_tells_what_is_said_to_the_answer(given: Given, visit: Visit) -> None:
    person = given.officer("Meera")
    meera = visit(person)
    lesson, check = lesson_with(given, Single)
    assert isinstance(check, Single)
    meera.open(address(lesson))
    meera.submit(f"/checks/{check.id}", **check_fields(person, check, wrong_answer(check)))
    told = opened(meera).by_id(f"check-{check.id}").text
    assert "Not quite." in told
    meera.submit(f"/checks/{check.id}", **check_fields(person, check, right_answer(check)))
    assert "Right." in opened(meera).by_id(f"check-{check.id}").text
    assert learning.lesson_records(person.id, given.course, lesson).checks[check.id].tries == 2


def test_a_script_gets_the_check_alone(given: Given, visit: Visit) -> None:
    person = given.officer("Meera")
    meera = visit(person)
    lesson, check = lesson_with(given, Single)
    sent = check_fields(person, check, right_answer(check))
    response = meera.post(f"{address(lesson)}/checks/{check.id}", sent, headers=FRAGMENT)
    assert response.status_code == 200
    assert response.text.lstrip().startswith("<form")
    assert 'class="told good"' in response.text


def test_the_same_act_sent_twice_is_one_try(given: Given, visit: Visit) -> None:
    person = given.officer("Meera")
    meera = visit(person)
    lesson, check = lesson_with(given, Single)
    sent = {**check_fields(person, check, right_answer(check)), "act_id": "0123456789abcdef0123456789abcdef"}
    for _ in range(2):
        meera.post(f"{address(lesson)}/checks/{check.id}", sent, headers=FRAGMENT)
    assert learning.lesson_records(person.id, given.course, lesson).checks[check.id].tries == 1


def test_nothing_chosen_is_asked_for_and_not_kept(given: Given, visit: Visit) -> None:
    person = given.officer("Meera")
    meera = visit(person)
    lesson, check = lesson_with(given, Single)
    meera.open(address(lesson))
    response = meera.submit(f"/checks/{check.id}")
    assert response.status_code == 422
    assert "Answer the question first" in opened(meera).by_id(f"check-{check.id}").text
    assert not learning.lesson_records(person.id, given.course, lesson).checks


def test_a_number_that_cannot_be_read_stays_in_its_field(given: Given, visit: Visit) -> None:
    meera = visit(given.officer("Meera"))
    lesson, check = lesson_with(given, Numeric)
    meera.open(address(lesson))
    fields: dict[str, Any] = {check.id: "about <forty>"}
    response = meera.submit(f"/checks/{check.id}", **fields)
    field = opened(meera).by_id(f"answer-{check.id}")
    assert response.status_code == 422
    assert (field.get("value"), field.get("aria-invalid")) == ("about <forty>", "true")
    assert "Write a number" in opened(meera).by_id(f"error-{check.id}").text


def test_a_lesson_with_open_checks_leads_to_them(given: Given, visit: Visit) -> None:
    person = given.officer("Meera")
    meera = visit(person)
    lesson = given.course.lessons()[0]
    meera.open(address(lesson))
    response = meera.submit(f"{lesson.path}/done")
    assert response.status_code == 422
    links = opened(meera).root.one("div", role="alert").all("a")
    assert [link.get("href") for link in links] == [f"#check-{check.id}" for check in lesson.checks]
    assert learning.course_view(person.id, given.course).done == frozenset()


def test_a_lesson_is_done_once_and_leads_to_the_next(given: Given, visit: Visit) -> None:
    person = given.officer("Meera")
    meera = visit(person)
    first, second = given.course.lessons()[:2]
    given.checks_answered(person, first)
    meera.open(address(first))
    meera.submit(f"{first.path}/done")
    assert meera.address == address(second)
    outline = opened(meera).root.one("nav", class_="outline")
    done = [link.get("href") for link in outline.all("a") if link.all("span", class_="tick")]
    assert done == [address(first)]
    meera.post(f"{address(first)}/done")
    assert learning.course_view(person.id, given.course).done == {first.path}


def test_a_lab_runs_without_a_script(given: Given, visit: Visit) -> None:
    person = given.officer("Meera")
    meera = visit(person)
    name, lesson = the_lab(given)
    sent = all_chosen(meera.open(address(lesson)), name)
    meera.post(f"{address(lesson)}/labs/{name}", sent)
    assert meera.address == address(lesson)
    assert len(learning.lesson_records(person.id, given.course, lesson).runs[name]) == 1


def test_a_script_gets_the_figures_of_a_lab_and_what_is_to_do(given: Given, visit: Visit) -> None:
    person = given.officer("Meera")
    meera = visit(person)
    name, lesson = the_lab(given)
    sent = all_chosen(meera.open(address(lesson)), name)
    response = meera.post(f"{address(lesson)}/labs/{name}", sent, headers=JSON)
    assert response.json
    assert set(response.json) == {"figures", "reached", "todo"}
    assert response.json["todo"] == LABS[name].todo(
        "en", learning.lesson_records(person.id, given.course, lesson).runs[name]
    )


def test_impossible_choices_in_a_lab_are_told_where_they_stand(given: Given, visit: Visit) -> None:
    meera = visit(given.officer("Meera"))
    name, lesson = the_lab(given)
    meera.open(address(lesson))
    page = meera.post(f"{address(lesson)}/labs/{name}", {"size": "a million"})
    program = meera.post(f"{address(lesson)}/labs/{name}", {"size": "a million"}, headers=JSON)
    assert (page.status_code, program.status_code) == (422, 422)
    assert program.json
    assert program.json["message"]


@pytest.mark.parametrize("tail", ["checks/none", "labs/none"])
def test_acts_on_what_a_lesson_has_not_are_not_found(given: Given, visit: Visit, tail: str) -> None:
    meera = visit(given.officer("Meera"))
    assert meera.post(f"{address(given.course.lessons()[0])}/{tail}").status_code == 404


# Quizzes


def test_a_quiz_is_taken_and_passed(given: Given, visit: Visit) -> None:
    person = given.officer("Meera")
    meera = visit(person)
    quiz = module_quiz(given)
    attempt = begin(given, meera, quiz)
    meera.submit(f"/attempts/{attempt}", **all_answers(view_of(person, attempt)))
    page = opened(meera)
    assert meera.address == f"/attempts/{attempt}"
    assert page.heading == "Passed"
    assert "100 %" in page.text
    assert meera.open(f"{HOME}/quizzes/{quiz.id}").root.all("tbody")[0].text.startswith("Attempt 1")


def test_questions_are_plain_controls_with_opaque_values(given: Given, visit: Visit) -> None:
    person = given.officer("Meera")
    meera = visit(person)
    attempt = begin(given, meera, module_quiz(given))
    view = view_of(person, attempt)
    page = opened(meera)
    named = {one.get("name") for one in page.controls(page.form(f"/attempts/{attempt}"))}
    assert {q.id for q in view.questions} <= named
    question = next(q for q in view.questions if isinstance(q, Single))
    (index,) = question.key()
    assert page.option(question.id, question.options[index].text["en"]) == values(question, view.seed, (index,))[0]


def test_no_answer_leaves_the_server_before_the_attempt_is_over(given: Given, visit: Visit) -> None:
    person = given.officer("Meera")
    meera = visit(person)
    attempt = begin(given, meera, module_quiz(given))
    page = opened(meera)
    for question in view_of(person, attempt).questions:
        assert question.explanation["en"] not in page.html
        for option in () if isinstance(question, Numeric) else question.options:
            assert option.feedback["en"] not in page.html


def test_a_failed_attempt_shows_why_and_where_it_is_taught(given: Given, visit: Visit) -> None:
    person = given.officer("Meera")
    meera = visit(person)
    attempt = begin(given, meera, module_quiz(given))
    view = view_of(person, attempt)
    meera.submit(f"/attempts/{attempt}", **all_answers(view, wrong_answer))
    page = opened(meera)
    assert page.heading == "Not passed yet"
    assert "Worth reading again" in page.text
    question = view.questions[0]
    shown = page.by_id(f"question-{question.id}")
    taught = [lesson for lesson in given.course.lessons() if question.outcome in lesson.outcomes]
    assert address(taught[0]) in [link.get("href") for link in shown.all("a")]
    assert "Not right." in shown.text


def test_answers_are_saved_by_the_button_and_stay(given: Given, visit: Visit) -> None:
    person = given.officer("Meera")
    meera = visit(person)
    attempt = begin(given, meera, module_quiz(given))
    view = view_of(person, attempt)
    question = view.questions[0]
    page = opened(meera)
    sent = page.fields(page.form(f"/attempts/{attempt}"))
    sent.setlist(question.id, values(question, view.seed, right_answer(question)))
    meera.post(f"/attempts/{attempt}/answers", sent)
    page = opened(meera)
    assert meera.address == f"/attempts/{attempt}"
    assert page.fields(page.form(f"/attempts/{attempt}")).getlist(question.id) == sent.getlist(question.id)
    assert page.root.one("p", role="status").text.startswith("Saved ")


def test_a_script_saves_one_answer_and_leaves_the_others(given: Given, visit: Visit) -> None:
    person = given.officer("Meera")
    meera = visit(person)
    attempt = begin(given, meera, module_quiz(given))
    view = view_of(person, attempt)
    for question in view.questions[:2]:
        chosen = values(question, view.seed, right_answer(question))
        sent = {"answer_of": question.id, question.id: chosen, "said_at": "2026-11-23T10:00:00Z"}
        response = meera.post(f"/attempts/{attempt}/answers", sent, headers=JSON)
        assert response.json
        assert response.json["errors"] == {}
    assert set(view_of(person, attempt).answers) == {question.id for question in view.questions[:2]}


def test_a_form_takes_no_answer_away_that_it_does_not_hold(given: Given, visit: Visit) -> None:
    person = given.officer("Meera")
    meera = visit(person)
    attempt = begin(given, meera, module_quiz(given))
    view = view_of(person, attempt)
    for question_id, chosen in all_answers(view).items():
        meera.post(f"/attempts/{attempt}/answers", {question_id: chosen})
    meera.post(f"/attempts/{attempt}", {})
    assert view_of(person, attempt).percent == 100


def test_boxes_that_are_all_unticked_take_the_answer_back(given: Given, visit: Visit) -> None:
    person = given.officer("Meera")
    meera = visit(person)
    attempt, question = attempt_that_asks(given, meera, person, Multiple)
    view = view_of(person, attempt)
    meera.open(f"/attempts/{attempt}")
    meera.submit(f"/attempts/{attempt}", button=("ask_first", "yes"), **{question.id: all_answers(view)[question.id]})
    assert view_of(person, attempt).answers[question.id] == question.key()
    meera.submit(f"/attempts/{attempt}", button=("ask_first", "yes"), **{question.id: None})
    assert view_of(person, attempt).answers[question.id] is None


def test_unanswered_questions_are_asked_about_once(given: Given, visit: Visit) -> None:
    person = given.officer("Meera")
    meera = visit(person)
    attempt = begin(given, meera, module_quiz(given))
    view = view_of(person, attempt)
    sent = all_answers(view)
    left = view.questions[2].id
    del sent[left]
    response = meera.submit(f"/attempts/{attempt}", button=("ask_first", "yes"), **sent)
    page = opened(meera)
    assert response.status_code == 422
    assert page.by_id("summary").one("h2").text == "1 question has no answer: submit anyway?"
    assert [link.get("href") for link in page.by_id("summary").all("a")] == [f"#answer-{left}"]
    assert page.by_id("summary").one("button").get("name") is None
    meera.submit(f"/attempts/{attempt}")
    assert f"{len(sent)} of {len(view.questions)} right" in opened(meera).text


def test_a_plain_submission_asks_nothing(given: Given, visit: Visit) -> None:
    person = given.officer("Meera")
    meera = visit(person)
    attempt = begin(given, meera, module_quiz(given))
    response = meera.post(f"/attempts/{attempt}", {}, follow=False)
    assert (response.status_code, response.headers["Location"]) == (303, f"/attempts/{attempt}")
    assert view_of(person, attempt).percent == 0


def test_the_page_s_own_button_asks_and_enter_only_saves(given: Given, visit: Visit) -> None:
    meera = visit(given.officer("Meera"))
    attempt = begin(given, meera, module_quiz(given))
    page = opened(meera)
    buttons = [one for one in page.controls(page.form(f"/attempts/{attempt}")) if one.tag == "button"]
    assert buttons[0].get("formaction") == f"/attempts/{attempt}/answers"
    assert buttons[0].get("name") is None
    assert ("ask_first", "yes") in [(one.get("name"), one.get("value")) for one in buttons]


def test_when_the_clock_submits_what_cannot_be_read_is_left_out(given: Given, visit: Visit) -> None:
    person = given.officer("Meera")
    meera = visit(person)
    attempt, numeric = attempt_that_asks_a_number(given, meera, person)
    sent = {**all_answers(view_of(person, attempt)), numeric.id: ["a few"]}
    assert meera.post(f"/attempts/{attempt}", {**sent, "time_up": "yes"}, follow=False).status_code == 303
    view = view_of(person, attempt)
    assert (view.earned, view.right.get(numeric.id)) == (len(view.questions) - 1, None)


def test_an_unreadable_number_keeps_all_other_answers(given: Given, visit: Visit) -> None:
    person = given.officer("Meera")
    meera = visit(person)
    attempt, numeric = attempt_that_asks_a_number(given, meera, person)
    view = view_of(person, attempt)
    meera.submit(f"/attempts/{attempt}", **{**all_answers(view), numeric.id: ["a few"]})
    page = opened(meera)
    assert page.by_id(f"answer-{numeric.id}").get("value") == "a few"
    assert "Write a number" in page.by_id("summary").text
    assert set(view_of(person, attempt).answers) == {q.id for q in view.questions} - {numeric.id}
    assert not view_of(person, attempt).submitted_at


def test_changing_the_language_keeps_what_was_ticked(given: Given, visit: Visit) -> None:
    person = given.officer("Meera")
    meera = visit(person)
    attempt = begin(given, meera, module_quiz(given))
    view = view_of(person, attempt)
    button = opened(meera).root.one("button", name="switch_to")
    assert (button.get("form"), button.get("value")) == ("attempt", "hi")
    meera.post(button.get("formaction") or "", {**all_answers(view), "switch_to": "hi"})
    assert meera.address == f"/attempts/{attempt}"
    assert opened(meera).root.one("html").get("lang") == "hi"
    assert len(view_of(person, attempt).answers) == len(view.questions)


def test_a_second_submission_gives_the_first_result(given: Given, visit: Visit) -> None:
    person = given.officer("Meera")
    meera = visit(person)
    attempt = begin(given, meera, module_quiz(given))
    view = view_of(person, attempt)
    meera.submit(f"/attempts/{attempt}", **all_answers(view))
    again = meera.post(f"/attempts/{attempt}", all_answers(view, wrong_answer), follow=False)
    assert (again.status_code, again.headers["Location"]) == (303, f"/attempts/{attempt}")
    assert view_of(person, attempt).percent == 100


def test_an_answer_after_the_end_is_told_so(given: Given, visit: Visit) -> None:
    person = given.officer("Meera")
    meera = visit(person)
    attempt = given.quiz_taken(person, module_quiz(given))
    late = {"answer_of": "any"}
    page = meera.post(f"/attempts/{attempt}/answers", late, follow=False)
    program = meera.post(f"/attempts/{attempt}/answers", late, headers=JSON)
    assert (page.status_code, page.headers["Location"]) == (303, f"/attempts/{attempt}")
    assert (program.status_code, program.json and program.json["error"]) == (409, "attempt-over")


def test_somebody_elses_attempt_is_not_found(given: Given, visit: Visit) -> None:
    attempt = given.quiz_taken(given.officer("Meera"), module_quiz(given))
    far = visit(given.officer("Far", office="Block Office"))
    answers = [
        far.get(f"/attempts/{attempt}"),
        far.post(f"/attempts/{attempt}"),
        far.post(f"/attempts/{attempt}/answers"),
    ]
    assert [answer.status_code for answer in answers] == [404, 404, 404]


def test_the_final_says_when_it_opens(given: Given, visit: Visit) -> None:
    meera = visit(given.officer("Meera"))
    page = meera.open(f"{HOME}/quizzes/final")
    assert "opens when everything else on your route is met" in page.text
    response = meera.post(f"{HOME}/quizzes/final", follow=False)
    assert (response.status_code, response.headers["Location"]) == (303, f"{HOME}/quizzes/final")


def test_a_result_says_try_again_only_where_that_is_so(given: Given, visit: Visit) -> None:
    person = given.officer("Meera")
    given.now -= timedelta(hours=3)
    given.all_but_the_final(person)
    meera, final = visit(person), given.quiz("final")
    for words in ("Try again", "When you can try again"):
        attempt = given.quiz_taken(person, final, wrong_answer)
        assert meera.open(f"/attempts/{attempt}").links[words] == f"{HOME}/quizzes/final"


def test_a_timed_attempt_shows_its_end(given: Given, visit: Visit) -> None:
    person = given.officer("Meera")
    given.now -= timedelta(hours=3)
    given.all_but_the_final(person)
    meera = visit(person)
    final = given.course.quiz("final")
    assert final
    begin(given, meera, final)
    form = opened(meera).root.one("form", id="attempt")
    assert 60 * final.rules.minutes - 60 < int(form.get("data-seconds-left") or 0) <= 60 * final.rules.minutes
    assert "Ends at " in opened(meera).text


def test_an_attempt_whose_time_is_up_offers_its_result(given: Given, visit: Visit) -> None:
    person = given.officer("Meera")
    given.now -= timedelta(hours=5)
    given.all_but_the_final(person)
    final = given.course.quiz("final")
    assert final
    attempt = quizzes.start_attempt(person.id, given.course, final, given.now)
    meera = visit(person)
    page = meera.open(f"/attempts/{attempt}")
    assert "The time of this attempt is up." in page.text
    meera.submit(f"/attempts/{attempt}")
    assert opened(meera).heading == "Not passed yet"


# Where she stands


def test_the_status_names_each_thing_and_where_it_is_met(given: Given, visit: Visit) -> None:
    person = given.officer("Meera")
    first = given.course.lessons()[0]
    given.lesson_done(person, first)
    page = visit(person).open(f"{HOME}/status")
    view = learning.course_view(person.id, given.course)
    rows = [row for row in page.root.all("li") if row.has_class("met") or row.has_class("miss")]
    assert page.heading == "What is still missing"
    assert len(rows) == view.status.total
    assert [row.one("a").get("href") for row in rows if row.has_class("met")] == [address(first)]
    lessons = {address(lesson) for lesson in given.course.lessons()}
    for row in rows:
        # A lesson says how long it takes; everything else what is asked for.
        assert row.has_class("met") or row.one("a").get("href") in lessons or row.all("small")


def test_a_failed_quiz_is_told_with_its_figures(given: Given, visit: Visit) -> None:
    person = given.officer("Meera")
    quiz = module_quiz(given)
    given.quiz_taken(person, quiz, wrong_answer)
    page = visit(person).open(f"{HOME}/status")
    assert f"0 % reached in 1 attempt, {quiz.rules.pass_percent} % is needed." in page.text


def test_a_hurried_module_asks_three_questions_without_blame(given: Given, visit: Visit) -> None:
    person = given.officer("Meera")
    given.now -= timedelta(hours=1)
    for lesson in given.course.lessons():
        given.lesson_done(person, lesson, minutes=0.05)
    module = given.course.modules[0].id
    page = visit(person).open(f"{HOME}/status")
    assert "faster than it can be read" in page.text
    fresh = [link.get("href") for link in page.root.all("a") if link.text == "Three fresh questions"]
    assert fresh[0] == f"{HOME}/quizzes/fresh-{module}"


def test_a_completed_course_shows_its_certificate(given: Given, visit: Visit) -> None:
    person = given.officer("Meera")
    given.now -= timedelta(hours=3)
    given.completed(person)
    serial = learning.course_view(person.id, given.course).certificate
    meera = visit(person)
    assert meera.open("/").heading == "You have completed your course"
    assert meera.open(f"{HOME}/status").links["See your certificate"] == f"/certificates/{serial}"
    assert meera.open("/certificates").links["Download the certificate (PDF)"] == f"/certificates/{serial}.pdf"


def test_the_outline_marks_what_is_done(given: Given, visit: Visit) -> None:
    person = given.officer("Meera")
    first = given.course.lessons()[0]
    given.lesson_done(person, first)
    page = visit(person).open(HOME)
    rows = {row.all("a")[0].get("href"): row for row in page.root.all("li") if row.within("section")}
    assert rows[address(first)].has_class("met")
    assert not rows[address(given.course.lessons()[1])].has_class("met")


def test_a_module_folds_away_until_it_is_come_to(given: Given, visit: Visit) -> None:
    meera = visit(given.officer("Meera"))
    first, second, *_ = given.course.modules

    def unfolded(page: Page) -> list[str]:
        folds = [fold for fold in page.root.all("section") if fold.has_class("fold")]
        return [fold.get("id") or "" for fold in folds if "open" in fold.all("details")[0].attributes]

    assert unfolded(meera.open(HOME)) == [f"module-{first.id}"]
    assert unfolded(meera.open(f"{HOME}?open={second.id}")) == [f"module-{first.id}", f"module-{second.id}"]


def test_a_choice_of_modules_is_told_on_both_sides(given: Given, visit: Visit) -> None:
    page = visit(given.officer("Meera")).open(HOME)
    asked, instead = (page.by_id(f"module-{name}") for name in ("legal-cases", "habitations"))
    assert "or, in its place, Studio B" in asked.one("h2").text
    assert f"{HOME}?open=habitations#module-habitations" in [link.get("href") for link in asked.all("a")]
    assert "Optional" in instead.text
    assert "in place of another module: Studio A" in instead.text


def test_labs_are_called_by_their_names(given: Given, visit: Visit) -> None:
    page = visit(given.officer("Meera")).open(f"{HOME}/status")
    labs = [given.course.lesson_of_lab(name) for name in given.course.routes[0].needs.labs]
    names = [name for name in page.links if name.startswith("Practice: ")]
    assert len(set(names)) >= len(labs) > 1


def test_statements_are_told_from_the_certificate(given: Given, visit: Visit) -> None:
    person = given.officer("Meera")
    given.now -= timedelta(hours=3)
    given.completed(person)
    meera = visit(person)
    page = meera.open("/certificates")
    cards = [card for card in page.root.all("section") if card.has_class("card")]
    rows = page.root.one("ul", class_="need").all("li")
    assert len(cards) == 1
    assert len(rows) == len(given.course.routes[0].needs.quizzes)
    statement = meera.open(rows[0].all("a")[0].get("href") or "")
    assert "This statement is valid." in statement.text
    assert "does not say that the whole course was completed" in statement.text
    assert "certificate" not in statement.by_id("main").text.casefold()


def test_reading_writes_nothing(given: Given, visit: Visit) -> None:
    person = given.officer("Meera")
    meera = visit(person)
    lesson = given.course.lessons()[0]
    for page in ("/", HOME, f"{HOME}/status", f"{HOME}/quizzes/final", address(lesson), "/certificates"):
        meera.open(page)
    view = learning.course_view(person.id, given.course)
    assert (view.status.state, view.done) == ("not_begun", frozenset())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-11-23T10:00:00Z", datetime(2026, 11, 23, 10, tzinfo=UTC)),
        ("2026-11-23T10:00:00", None),
        ("yesterday", None),
        ("", None),
    ],
)
def test_a_time_is_believed_only_with_its_zone(text: str, expected: datetime | None) -> None:
    assert said_at(text) == expected
