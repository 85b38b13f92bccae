"""Where a step of a course is found and what it is called: lessons, labs and quizzes as places to go."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Literal

from flask import url_for

from elearn.domain.course import Course, Lesson, Quiz
from elearn.domain.labs import LABS
from elearn.domain.questions import Words
from elearn.i18n import _

Kind = Literal["lesson", "lab", "quiz", "fresh", "final"]


@dataclass(frozen=True, slots=True)
class Place:
    """A place to go: its address, what kind of thing it is in the reader's language, its title, the module it
    belongs to ("" for the final), and how long it takes in minutes (0 where nobody can say)."""

    url: str
    label: str
    title: Words
    module_id: str
    minutes: int = 0


def place(course: Course, kind: str, subject: str, language: str) -> Place:
    """Where the act is done that a step or a requirement names. An act no longer in the course leads to its outline."""
    if kind == "lesson":
        module_id, _slash, lesson_id = subject.partition("/")
        lesson = course.lesson(module_id, lesson_id)
        return _lesson(course, lesson, language) if lesson else _gone(course, subject)
    if kind == "lab":
        home = course.lesson_of_lab(subject)
        return _lab(course, home, subject, language) if home else _gone(course, subject)
    quiz = course.quiz(subject)
    return _quiz(course, quiz) if quiz else _gone(course, subject)


def lesson_url(course: Course, lesson: Lesson, anchor: str = "") -> str:
    return url_for(
        "officer.lesson_page",
        course_id=course.id,
        module_id=lesson.module_id,
        lesson_id=lesson.id,
        _anchor=anchor or None,
    )


def lesson_titles(lesson: Lesson) -> Words:
    return {tag: text.title for tag, text in lesson.texts.items()}


def minutes_of(lesson: Lesson, language: str) -> int:
    """How long the lesson takes in this language; in its first one where it is not translated."""
    text = lesson.texts.get(language) or next(iter(lesson.texts.values()))
    return text.minutes


def lessons_that_teach(course: Course, outcome: str) -> tuple[Lesson, ...]:
    return tuple(lesson for lesson in course.lessons() if outcome in lesson.outcomes) if outcome else ()


def _lesson(course: Course, lesson: Lesson, language: str) -> Place:
    url, minutes = lesson_url(course, lesson), minutes_of(lesson, language)
    return Place(url, _("Lesson"), lesson_titles(lesson), lesson.module_id, minutes)


def _lab(course: Course, lesson: Lesson, name: str, language: str) -> Place:
    url, label = lesson_url(course, lesson, f"lab-{name}"), lab_label(name, language)
    return Place(url, label, lesson_titles(lesson), lesson.module_id)


def _quiz(course: Course, quiz: Quiz) -> Place:
    url = url_for("officer.quiz_page", course_id=course.id, quiz_id=quiz.id)
    return Place(url, quiz_label(quiz), quiz_title(course, quiz), quiz.module_id, quiz.rules.minutes)


@cache
def lab_label(name: str, language: str) -> str:
    """What the lab calls itself: a module may have two, and a list must tell them apart."""
    return str(LABS[name].view(language, ())["words"]["title"])


def quiz_label(quiz: Quiz) -> str:
    """What kind of quiz it is."""
    if quiz.kind == "module":
        return _("Module quiz")
    if quiz.kind == "fresh":
        return _("Three fresh questions")
    return _("Final test") if quiz.kind == "final" else _("Test before you begin")


def quiz_title(course: Course, quiz: Quiz) -> Words:
    """The title of the module a quiz belongs to; the final and the pre-test are named by their kind alone."""
    module = course.module(quiz.module_id)
    return module.title if module else {}


def _gone(course: Course, subject: str) -> Place:
    return Place(url_for("officer.course_page", course_id=course.id), _("Course"), course.title, "")
