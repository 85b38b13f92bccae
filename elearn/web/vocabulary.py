"""What templates may call beside labels, dates and numbers: names in the reader's language, places to go, reasons."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from flask import current_app, request
from markupsafe import Markup, escape
from werkzeug.exceptions import HTTPException

from elearn.domain.course import Course, Module
from elearn.domain.questions import Words
from elearn.domain.roles import Viewer
from elearn.domain.status import Requirement
from elearn.i18n import best_of, language
from elearn.services import library
from elearn.services.learning import CourseView, Step
from elearn.web import answers, steps, words


class Programme(NamedTuple):
    """What stands in the header: a title, its language, and the course it is the title of ("" where there is none)."""

    title: str
    language: str
    course_id: str


class Line(NamedTuple):
    """A requirement and where it is met."""

    requirement: Requirement
    place: steps.Place


class Group(NamedTuple):
    """The requirements of one module and its number; without a module, those of the whole course."""

    module: Module | None
    number: int
    lines: list[Line]

    @property
    def met(self) -> int:
        return sum(line.requirement.met for line in self.lines)


def programme() -> Programme:
    """The first course gives the site its name; before there is one, the organisation does."""
    courses = library.courses()
    if not courses:
        return Programme(organisation(), language(), "")
    title, found = best_of(courses[0].title, language(), courses[0].languages)
    return Programme(title, found, courses[0].id)


def organisation() -> str:
    return str(current_app.config["ELEARN"].organisation)


def here() -> str:
    """The address of this page, to come back to after changing the language."""
    if request.method in ("GET", "HEAD"):
        return request.full_path.rstrip("?")
    try:
        current_app.create_url_adapter(request).match(method="GET")  # type: ignore[union-attr]
    except HTTPException:
        return "/"
    return request.path


def who(viewer: Viewer) -> Markup:
    """The name of whoever is signed in, in its own language."""
    return Markup("<span{}>{}</span>").format(lang_of(viewer.name_language), viewer.name)


def lang_of(tag: str, around: str = "") -> Markup:
    """A lang attribute where a passage is in another language than the page, or than what is around it."""
    return Markup("") if tag == (around or language()) else Markup(' lang="{}"').format(tag)


def titled(texts: Words, tag: str) -> Markup:
    """A title in the language asked for, marked where it had to fall back to another."""
    text, found = best_of(texts, tag)
    return escape(text) if found == tag else Markup('<span lang="{}">{}</span>').format(found, text)


def plain(texts: Words) -> str:
    """A title as text alone, for places that take no markup."""
    return best_of(texts, language())[0]


def place_of(course: Course, act: Step | Requirement) -> steps.Place:
    return steps.place(course, act.kind, act.subject, language())


def groups_of(view: CourseView) -> list[Group]:
    """The requirements module by module, in the order of the course; last those of no module."""
    lines = [Line(one, place_of(view.course, one)) for one in view.status.requirements]
    modules = view.course.modules
    found = [
        Group(module, number, [line for line in lines if line.place.module_id == module.id])
        for number, module in enumerate(modules, start=1)
    ]
    known = {module.id for module in modules}
    found.append(Group(None, 0, [line for line in lines if line.place.module_id not in known]))
    return [group for group in found if group.lines]


def instead_of(view: CourseView, module: Module) -> list[Module]:
    """The other modules of a choice that this one belongs to."""
    groups = [group for group in view.route.any_of if module.id in group]
    return [other for group in groups for name in group if name != module.id and (other := view.course.module(name))]


def module_of(view: CourseView) -> str:
    """The id of the module that comes next; "" where nothing does, or where the whole course is meant."""
    return place_of(view.course, view.next).module_id if view.next else ""


def may_test_out(view: CourseView, module: Module) -> bool:
    """Whether the quiz of a module, taken now, may still credit its lessons."""
    quiz, untouched = view.course.quiz(module.id), not any(one.path in view.done for one in module.lessons)
    tried = any(
        one.subject == module.id and (one.met or "percent" in one.arguments) for one in view.status.requirements
    )
    asked = any(one.path in view.needs.lessons for one in module.lessons)
    return bool(view.course.test_out_percent and quiz and untouched and asked and not tried)


def minutes_left(view: CourseView) -> int:
    """Minutes of the lessons on the route that are not done yet, as the lessons state them."""
    missing = [one for one in view.status.requirements if one.kind == "lesson" and not one.met]
    return sum(place_of(view.course, one).minutes for one in missing)


FOR_TEMPLATES: dict[str, Callable[..., Any]] = {
    "programme": programme,
    "organisation": organisation,
    "here": here,
    "lang_of": lang_of,
    "who": who,
    "titled": titled,
    "plain": plain,
    "place_of": place_of,
    "groups_of": groups_of,
    "instead_of": instead_of,
    "module_of": module_of,
    "may_test_out": may_test_out,
    "minutes_left": minutes_left,
    "lesson_url": steps.lesson_url,
    "lesson_titles": steps.lesson_titles,
    "minutes_of": steps.minutes_of,
    "quiz_label": steps.quiz_label,
    "quiz_title": steps.quiz_title,
    "error_sentence": answers.error_sentence,
    "why_missing": words.why_missing,
    "why_hurried": words.why_hurried,
    "met_word": words.met_word,
    "duration": words.duration,
    "why_closed": words.why_closed,
    "evidence_words": words.evidence_words,
    "basis_words": words.basis_words,
    "certificate_word": words.certificate_word,
    "provider_word": words.provider_word,
    "verdict_heading": words.verdict_heading,
    "verdict_sentence": words.verdict_sentence,
    "device_words": words.device_words,
    "role_word": words.role_word,
    "event_words": words.event_words,
    "source_grade": words.source_grade,
}
