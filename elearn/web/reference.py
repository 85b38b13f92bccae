"""What a reader of a course looks up: words, sources, passages; and where she reports an error."""

from __future__ import annotations

from typing import NamedTuple

from flask import Blueprint, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from elearn.domain.course import Course, Lesson, Module, Source
from elearn.domain.questions import Words
from elearn.i18n import _, best_of, language
from elearn.services import feedback, library, search
from elearn.web.access import current_viewer, now, open_to
from elearn.web.headers import asked_again
from elearn.web.steps import lesson_titles, lesson_url

bp = Blueprint("reference", __name__)


class Hit(NamedTuple):
    """Something found, and where it stands."""

    found: search.Found
    url: str
    title: Words


class Cited(NamedTuple):
    """A source with the lessons that cite it."""

    source: Source
    lessons: list[Lesson]

    @property
    def module_id(self) -> str:
        """The module that cites it first; "" for what only questions and module pages cite."""
        return self.lessons[0].module_id if self.lessons else ""


class Shelf(NamedTuple):
    """The sources of a module and its number; without a module, what is cited by none of the lessons."""

    module: Module | None
    number: int
    cited: list[Cited]


@bp.get("/courses/<course_id>/search")
@open_to("officer")
def search_page(course_id: str) -> str:
    course, query = library.course(course_id), request.args.get("q", "")[: search.LONGEST_QUERY].strip()
    found = search.search(course, query, language())
    hits = [_hit(course, one) for one in found]
    return render_template("reference/search.html", course=course, query=query, hits=hits)


@bp.get("/courses/<course_id>/glossary")
@open_to("officer")
def glossary_page(course_id: str) -> Response:
    course, tag = library.course(course_id), language()
    entries = sorted(course.glossary.items(), key=lambda entry: search.folded(best_of(entry[1]["term"], tag)[0]))
    page = render_template("reference/glossary.html", course=course, entries=entries)
    return asked_again(make_response(page))


@bp.get("/courses/<course_id>/sources")
@open_to("officer")
def sources_page(course_id: str) -> Response:
    """Every dated, counted or legal statement of the course with its source, and the lessons that rest on it."""
    course, tag = library.course(course_id), language()
    spoken = tag if tag in course.facts else course.languages[0]
    citing: dict[str, list[Lesson]] = {}
    for lesson in course.lessons():
        for source in lesson.texts[spoken].sources if spoken in lesson.texts else ():
            citing.setdefault(source.id, []).append(lesson)
    cited = [Cited(source, citing.get(source.id, [])) for source in course.facts.get(spoken, ())]
    page = render_template(
        "reference/sources.html", course=course, shelves=_shelves(course, cited), spoken=spoken, today=now().date()
    )
    return asked_again(make_response(page))


@bp.get("/courses/<course_id>/report")
@open_to("officer")
def report_page(course_id: str) -> str:
    course = library.course(course_id)
    about = about_of(course, request.args.get("about", ""))
    return render_template("reference/report.html", course=course, about=about, sent="sent" in request.args)


@bp.post("/courses/<course_id>/report")
@open_to("officer")
def send_report(course_id: str) -> Response | tuple[str, int]:
    """Keeps the report. What was typed is not lost when it cannot be taken."""
    course = library.course(course_id)
    about, text = about_of(course, request.form.get("about", "")), request.form.get("text", "")
    try:
        feedback.report_error(current_viewer().officer_id, course, about.key, language(), text, now())
    except feedback.EmptyReport:
        problem, status = _("Please write what is wrong, in a few words."), 422
    except feedback.TooManyReports:
        problem, status = _("You have reported much today, thank you. Please send the next one tomorrow."), 429
    else:
        return redirect(url_for(".report_page", course_id=course.id, about=about.key, sent=1), 303)
    page = render_template("reference/report.html", course=course, about=about, text=text, problem=problem)
    return page, status


class About(NamedTuple):
    """What a report is about: its key, its name, and the page to go back to."""

    key: str
    title: Words
    url: str


def about_of(course: Course, key: str) -> About:
    """A lesson by its path, a question or a term by its id; else the course as a whole."""
    module_id, _slash, lesson_id = key.partition("/")
    lesson = course.lesson(module_id, lesson_id)
    if lesson:
        return About(lesson.path, lesson_titles(lesson), lesson_url(course, lesson))
    home = url_for("officer.course_page", course_id=course.id)
    if key in course.glossary:
        term = course.glossary[key]["term"]
        return About(key, term, url_for("reference.glossary_page", course_id=course.id, _anchor=f"term-{key}"))
    quiz = next((quiz for quiz in course.quizzes if any(question.id == key for question in quiz.bank)), None)
    if quiz:
        about_quiz = url_for("officer.quiz_page", course_id=course.id, quiz_id=quiz.id)
        return About(key, {course.languages[0]: key}, about_quiz)
    return About("", course.title, home)


def _shelves(course: Course, cited: list[Cited]) -> list[Shelf]:
    modules = [*enumerate(course.modules, start=1), (0, None)]
    shelves = [
        Shelf(module, number, [one for one in cited if one.module_id == (module.id if module else "")])
        for number, module in modules
    ]
    return [shelf for shelf in shelves if shelf.cited]


def _hit(course: Course, found: search.Found) -> Hit:
    about = about_of(course, found.subject)
    return Hit(found, about.url, about.title)
