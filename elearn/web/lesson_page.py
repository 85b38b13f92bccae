"""Puts a lesson's page together: the frame that all its readers share, and what is this reader's own."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from flask import render_template, url_for

from elearn.domain.course import Course, Lesson, LessonText, Module
from elearn.domain.labs import LABS, Run
from elearn.domain.questions import Question
from elearn.domain.roles import Viewer
from elearn.i18n import language
from elearn.services.learning import CheckState, LessonRecords
from elearn.web.access import csrf_token, now
from elearn.web.answers import Asked, Sent, asked
from elearn.web.frames import kept_frame, slot
from elearn.web.steps import lesson_url
from elearn.web.vocabulary import who

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Refused:
    """What is to be told of a form that was not taken: a check's answer, checks still open, a lab's choices."""

    sent: Sent | None = None
    still_open: tuple[str, ...] = ()
    lab_problems: Mapping[str, str] | None = None


def check_seed(viewer: Viewer) -> str:
    """What the option values of this officer's checks are made from."""
    return f"check/{viewer.officer_id}"


def text_of(course: Course, lesson: Lesson) -> tuple[LessonText, str]:
    """The lesson in the reader's language, else in the first of the course that it has; and which one it is."""
    tag = next(tag for tag in (language(), *course.languages, *lesson.texts) if tag in lesson.texts)
    return lesson.texts[tag], tag


def lesson_html(
    viewer: Viewer,
    course: Course,
    module: Module,
    lesson: Lesson,
    records: LessonRecords,
    refused: Refused | None = None,
) -> str:
    """The whole page, as this reader sees it."""
    refused, tag, token = refused or Refused(), language(), csrf_token()
    # Few combinations are ever met: most people take the lessons of a module in their order.
    done = tuple(one.path in records.done for one in module.lessons)
    stale = tuple(source.is_stale(now().date()) for source in text_of(course, lesson)[0].sources)
    roles = (viewer.may_enter("supervisor"), viewer.may_enter("trainer"))
    key = ("lesson", course.version, lesson.path, tag, roles, done, refused.still_open, stale)
    frame = kept_frame(key, lambda: _render_frame(course, module, lesson, records, refused.still_open))
    values = {"csrf": token, "who": who(viewer)}
    for check in lesson.checks:
        state = records.checks.get(check.id)
        values[f"check {check.id}"] = check_html(viewer, course, lesson, check, state, refused.sent)
    for name in lesson.labs:
        problem = (refused.lab_problems or {}).get(name, "")
        values[f"lab {name}"] = _lab_html(course, lesson, name, records.runs.get(name, ()), problem)
    return frame.filled(values)


def check_html(
    viewer: Viewer,
    course: Course,
    lesson: Lesson,
    check: Question,
    state: CheckState | None,
    sent: Sent | None = None,
) -> str:
    """One check with what is said to its latest answer, or with what was just sent and could not be read."""
    tag, given = language(), state.given if state else None
    shown = asked(check, check_seed(viewer), given, sent=sent, shuffled=False)
    said = (shown.given, shown.typed, shown.error, state is not None and state.right)
    key = ("check", course.version, lesson.path, check.id, tag, said)
    frame = kept_frame(key, lambda: _render_check(course, lesson, shown, state, tag))
    return frame.filled({"csrf": csrf_token(), **{f"value {index}": value for value, index in shown.offered}})


def _render_frame(
    course: Course, module: Module, lesson: Lesson, records: LessonRecords, still_open: tuple[str, ...]
) -> str:
    tag, (text, text_language) = language(), text_of(course, lesson)
    return render_template(
        "officer/lesson.html",
        course=course,
        module=module,
        lesson=lesson,
        text=text,
        text_language=text_language,
        done=records.done,
        module_number=course.modules.index(module) + 1,
        number_here=module.lessons.index(lesson) + 1,
        check_numbers={check.id: number for number, check in enumerate(lesson.checks, start=1)},
        labs=[LABS[name].view(tag, ()) for name in lesson.labs],
        checked_on=_oldest_check(text),
        today=now().date(),
        still_open=still_open,
        page_url=lesson_url(course, lesson),
        slot=slot,
        csrf_token=lambda: slot("csrf"),
        who=lambda _viewer: slot("who"),
    )


def _render_check(course: Course, lesson: Lesson, check: Asked, state: CheckState | None, tag: str) -> str:
    offered = tuple((slot(f"value {index}"), index) for _value, index in check.offered)
    return render_template(
        "parts/check.html",
        check=replace(check, offered=offered),
        state=state,
        course=course,
        lesson=lesson,
        lang=tag,
        csrf_token=lambda: slot("csrf"),
    )


def _lab_html(course: Course, lesson: Lesson, name: str, runs: tuple[Run, ...], problem: str) -> str:
    """A lab as the reader left it; before the first run it is the same for all."""
    if runs or problem:
        return _render_lab(course, lesson, name, runs, problem, csrf_token())
    key = ("lab", course.version, lesson.path, name, language())
    frame = kept_frame(key, lambda: _render_lab(course, lesson, name, (), "", slot("csrf")))
    return frame.filled({"csrf": csrf_token()})


def _render_lab(course: Course, lesson: Lesson, name: str, runs: tuple[Run, ...], problem: str, token: str) -> str:
    tag = language()
    return render_template(
        f"labs/{name}.html",
        lab=_view_of_lab(name, tag, runs),
        problem=problem,
        action=url_for(
            "officer.run_lab", course_id=course.id, module_id=lesson.module_id, lesson_id=lesson.id, lab_name=name
        ),
        csrf_token=token,
        lang=tag,
    )


def _view_of_lab(name: str, tag: str, runs: tuple[Run, ...]) -> dict[str, Any]:
    """The lab as its runs left it. A lab grows, and a run may speak of what it no longer has: the lab then begins
    afresh, and the page with its lesson is shown in any case."""
    try:
        return LABS[name].view(tag, runs)
    except (LookupError, ValueError, TypeError):
        log.exception("lab %s cannot show an older run", name)
        return LABS[name].view(tag, ())


def _oldest_check(text: LessonText) -> date | None:
    return min((source.verified_on for source in text.sources), default=None)
