"""An officer's pages: the outline, a lesson with its checks and labs, quizzes and their results, where she stands."""

from __future__ import annotations

import re
from datetime import datetime

from flask import Blueprint, abort, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from elearn.domain.course import Course, Lesson, Module, Quiz
from elearn.domain.labs import LABS, BadChoices
from elearn.domain.questions import Question
from elearn.i18n import NAMES, _, clock, language
from elearn.services import certificates, learning, library, quizzes
from elearn.services.quizzes import AttemptView
from elearn.web.access import current_viewer, now, open_to
from elearn.web.answers import Sent, asked, error_sentence, read_answers, said_at, unanswered
from elearn.web.assets import FOR_EVER
from elearn.web.errors import Told, answer, wants_json
from elearn.web.headers import PICTURE_CSP, asked_again
from elearn.web.lesson_page import Refused, check_html, check_seed, lesson_html, text_of
from elearn.web.steps import lesson_url, lessons_that_teach, place, quiz_title

bp = Blueprint("officer", __name__)

Page = Response | str | tuple[str, int]

_ACT_ID = re.compile(r"[0-9A-Za-z-]{16,40}")


# The course


@bp.get("/courses/<course_id>")
@open_to("officer")
def course_page(course_id: str) -> Response:
    course = library.course(course_id)
    view = learning.course_view(_me(), course)
    return asked_again(make_response(render_template("officer/course.html", course=course, view=view)))


@bp.get("/courses/<course_id>/status")
@open_to("officer")
def status_page(course_id: str) -> str:
    """Why she is complete or not: the same reasons that decide it."""
    course = library.course(course_id)
    view = learning.course_view(_me(), course)
    return render_template("officer/status.html", course=course, view=view)


@bp.get("/courses/<course_id>/media/<picture_hash>/<name>")
@open_to("officer")
def picture(course_id: str, picture_hash: str, name: str) -> Response:
    """A picture of a lesson or a question. Its address holds its hash, so a browser may keep it for ever."""
    data, media_type = library.picture(course_id, picture_hash)
    response = Response(data, content_type=media_type)
    response.headers["Cache-Control"] = FOR_EVER
    response.headers["Content-Security-Policy"] = PICTURE_CSP
    return response


@bp.get("/certificates")
@open_to("officer")
def certificates_page() -> str:
    return render_template("officer/certificates.html", certificates=certificates.of_officer(_me()))


# Lessons


@bp.get("/courses/<course_id>/<module_id>/<lesson_id>")
@open_to("officer")
def lesson_page(course_id: str, module_id: str, lesson_id: str) -> Response:
    return asked_again(make_response(_lesson_page(*library.lesson(course_id, module_id, lesson_id))))


@bp.post("/courses/<course_id>/<module_id>/<lesson_id>/done")
@open_to("officer")
def mark_done(course_id: str, module_id: str, lesson_id: str) -> Page:
    course, module, lesson = library.lesson(course_id, module_id, lesson_id)
    try:
        step = learning.mark_lesson_done(_me(), course, lesson, text_of(course, lesson)[1], now())
    except learning.ChecksOpen as still:
        return _lesson_page(course, module, lesson, Refused(still_open=still.check_ids)), 422
    return redirect(_url_of(course, step), 303)


@bp.post("/courses/<course_id>/<module_id>/<lesson_id>/checks/<check_id>")
@open_to("officer")
def answer_check(course_id: str, module_id: str, lesson_id: str, check_id: str) -> Page:
    course, module, lesson = library.lesson(course_id, module_id, lesson_id)
    check = lesson.check(check_id) or abort(404)
    sent = _read_check(check)
    state = None
    if not sent.errors:
        given, act, at = sent.answers[check.id], _act_id(), said_at(request.form.get("said_at", ""))
        state = learning.answer_check(_me(), course, lesson, check, given, now(), act, at)
    if request.headers.get("X-Fragment"):
        return check_html(current_viewer(), course, lesson, check, state, sent), 422 if sent.errors else 200
    if sent.errors:
        return _lesson_page(course, module, lesson, Refused(sent=sent)), 422
    return redirect(lesson_url(course, lesson, f"check-{check.id}"), 303)


@bp.post("/courses/<course_id>/<module_id>/<lesson_id>/labs/<lab_name>")
@open_to("officer")
def run_lab(course_id: str, module_id: str, lesson_id: str, lab_name: str) -> Page:
    course, module, lesson = library.lesson(course_id, module_id, lesson_id)
    lab = LABS[lab_name] if lab_name in lesson.labs else abort(404)
    try:
        choices = lab.read(request.form.to_dict(flat=False))
    except BadChoices as problem:
        return _lab_refused(course, module, lesson, lab_name, problem)
    act, at = _act_id(), said_at(request.form.get("said_at", ""))
    figures, reached = learning.run_lab(_me(), course, lesson, lab_name, choices, now(), act, at)
    if not wants_json():
        return redirect(lesson_url(course, lesson, f"lab-{lab_name}"), 303)
    runs = learning.lesson_records(_me(), course, lesson).runs.get(lab_name, ())
    return make_response({"figures": figures, "reached": reached, "todo": lab.todo(language(), runs)})


# Quizzes


@bp.get("/courses/<course_id>/quizzes/<quiz_id>")
@open_to("officer")
def quiz_page(course_id: str, quiz_id: str) -> str:
    course, quiz = _quiz(course_id, quiz_id)
    view = quizzes.quiz_view(_me(), course, quiz, now())
    return render_template("officer/quiz.html", course=course, view=view)


@bp.post("/courses/<course_id>/quizzes/<quiz_id>")
@open_to("officer")
def start_attempt(course_id: str, quiz_id: str) -> Response:
    course, quiz = _quiz(course_id, quiz_id)
    try:
        attempt_id = quizzes.start_attempt(_me(), course, quiz, now())
    except quizzes.QuizClosed:
        return redirect(url_for(".quiz_page", course_id=course_id, quiz_id=quiz_id), 303)  # it says why
    return redirect(url_for(".attempt_page", attempt_id=attempt_id), 303)


@bp.get("/attempts/<attempt_id>")
@open_to("officer")
def attempt_page(attempt_id: str) -> str:
    """The questions while the attempt runs; afterwards the result."""
    view = quizzes.attempt_view(_me(), attempt_id, now())
    return _result_page(view) if view.submitted_at else _questions_page(view)


@bp.post("/attempts/<attempt_id>/answers")
@open_to("officer")
def save_answers(attempt_id: str) -> Page:
    """Keeps the answers of a form: all of them, or those of the questions that a script names in `answer_of`."""
    paper = quizzes.paper(_me(), attempt_id)
    sent = read_answers(paper.questions, request.form, paper.seed, request.form.getlist("answer_of"))
    saved = quizzes.save_answers(_me(), attempt_id, sent.answers, now(), said_at(request.form.get("said_at", "")))
    if wants_json():
        errors = {question_id: error_sentence(code) for question_id, code in sent.errors.items()}
        return make_response(
            {"saved_at": clock(saved), "seconds_left": _seconds_left(paper.deadline), "errors": errors}
        )
    if sent.errors:
        return _questions_page(quizzes.attempt_view(_me(), attempt_id, now()), sent), 422
    return redirect(_back_to_attempt(attempt_id), 303)


@bp.post("/attempts/<attempt_id>")
@open_to("officer")
def submit_attempt(attempt_id: str) -> Page:
    """Submits what is saved and sent. Only the page's own button asks first whether something was forgotten; and only
    when the clock submits is an answer that cannot be read left out in silence."""
    view = quizzes.attempt_view(_me(), attempt_id, now())
    sent = read_answers(view.questions, request.form, view.seed)
    missing = unanswered(view.questions, view.answers, sent) if "ask_first" in request.form else ()
    unreadable = sent.errors if "time_up" not in request.form else {}
    if not view.submitted_at and not view.time_is_up and (unreadable or missing):
        quizzes.save_answers(_me(), attempt_id, sent.answers, now())
        return _questions_page(view, sent, missing), 422
    quizzes.submit_attempt(_me(), attempt_id, sent.answers, now())
    return redirect(url_for(".attempt_page", attempt_id=attempt_id), 303)


@bp.errorhandler(quizzes.AlreadySubmitted)
@bp.errorhandler(quizzes.TimeIsUp)
def attempt_is_over(error: quizzes.AlreadySubmitted | quizzes.TimeIsUp) -> Response:
    """An answer came too late: the attempt's own page says what counts."""
    if wants_json():
        return answer(409, Told("attempt-over", "", _("This attempt is over. What was saved until then counts.")))
    return redirect(url_for(".attempt_page", attempt_id=str(error)), 303)


# What the views above share


def _me() -> int:
    return current_viewer().officer_id


def _act_id() -> str:
    """The id a script gave an act, so that a repeat after a lost answer is recognised; "" for none of ours."""
    given = request.form.get("act_id", "")
    return given if _ACT_ID.fullmatch(given) else ""


def _lesson_page(course: Course, module: Module, lesson: Lesson, refused: Refused | None = None) -> str:
    viewer = current_viewer()
    records = learning.lesson_records(viewer.officer_id, course, lesson)
    return lesson_html(viewer, course, module, lesson, records, refused)


def _read_check(check: Question) -> Sent:
    """What was answered. Nothing at all is told as an error: an empty answer would teach nothing."""
    sent = read_answers([check], request.form, check_seed(current_viewer()))
    if not sent.errors and sent.answers.get(check.id) is None:
        sent.errors[check.id] = "no-answer"
    return sent


def _lab_refused(course: Course, module: Module, lesson: Lesson, lab_name: str, problem: BadChoices) -> Page:
    sentence = LABS[lab_name].refusal(language(), problem)
    if wants_json():
        return answer(422, Told(problem.code, "", sentence))
    return _lesson_page(course, module, lesson, Refused(lab_problems={lab_name: sentence})), 422


def _url_of(course: Course, step: learning.Step | None) -> str:
    """Where the next thing that is missing is done; where nothing is, the page that says so."""
    if step is None:
        return url_for(".status_page", course_id=course.id)
    return place(course, step.kind, step.subject, language()).url


def _quiz(course_id: str, quiz_id: str) -> tuple[Course, Quiz]:
    course = library.course(course_id)
    return course, course.quiz(quiz_id) or abort(404)


def _questions_page(view: AttemptView, sent: Sent | None = None, missing: tuple[str, ...] = ()) -> str:
    course, quiz = _quiz(view.course_id, view.quiz_id)
    sent = sent or Sent()
    given = view.answers.get
    questions = [asked(q, view.seed, given(q.id), number=n, sent=sent) for n, q in enumerate(view.questions, start=1)]
    return render_template(
        "officer/attempt.html",
        course=course,
        quiz=quiz,
        about=quiz_title(course, quiz),
        view=view,
        questions=questions,
        sent=sent,
        missing=missing,
        seconds_left=_seconds_left(view.deadline),
        page_url=url_for(".attempt_page", attempt_id=view.id),
    )


def _result_page(view: AttemptView) -> str:
    course, quiz = _quiz(view.course_id, view.quiz_id)
    questions = [
        asked(q, view.seed, view.answers.get(q.id), number=n, right=view.right.get(q.id, False))
        for n, q in enumerate(view.questions, start=1)
    ]
    taught = {q.id: lessons_that_teach(course, q.outcome) for q in view.questions}
    wrong = [one.question.id for one in questions if not one.right]
    to_read = {lesson.path: lesson for question_id in wrong for lesson in taught[question_id]}
    return render_template(
        "officer/result.html",
        course=course,
        quiz=quiz,
        about=quiz_title(course, quiz),
        view=view,
        questions=questions,
        taught=taught,
        to_read=list(to_read.values()),
        waits=quizzes.quiz_view(_me(), course, quiz, now()).closed == "wait",
        next_url=_url_of(course, learning.course_view(_me(), course).next),
    )


def _seconds_left(deadline: datetime | None) -> int | None:
    """Seconds until the attempt ends by the server's clock; None for one without a limit."""
    return max(0, int((deadline - now()).total_seconds())) if deadline else None


def _back_to_attempt(attempt_id: str) -> str:
    """The attempt's page; in another language where the form asked for it."""
    page, tag = url_for(".attempt_page", attempt_id=attempt_id), request.form.get("switch_to", "")
    return url_for("public.set_language", tag=tag, next=page) if tag in NAMES else page
