"""Answers on their way in and out: what a form brought for each question, and what a template needs to show one."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from werkzeug.datastructures import MultiDict

from elearn.domain.questions import Given, Numeric, Question, Single, UnreadableAnswer
from elearn.i18n import _

LONGEST_TYPED = 60


@dataclass(frozen=True, slots=True)
class Sent:
    """What a form brought, by question id: the answers that could be read; for the others what was typed and why it
    could not be read, as a code."""

    answers: dict[str, Given] = field(default_factory=dict)
    typed: dict[str, str] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Asked:
    """One question as a page shows it. `offered` are (opaque value, index as authored) of a choice; `right` is None
    before the answer was marked."""

    question: Question
    number: int
    offered: tuple[tuple[str, int], ...]
    given: Given
    typed: str = ""
    error: str = ""
    right: bool | None = None

    @property
    def chosen(self) -> tuple[int, ...]:
        return self.given if isinstance(self.given, tuple) else ()


def read_answers(
    questions: Iterable[Question], form: MultiDict[str, str], seed: str, only: Collection[str] = ()
) -> Sent:
    """The answers in a form whose controls are named by question ids; to the questions in `only`, or to all.

    A form says nothing about a question that it does not hold, so that it takes no answer away. Of boxes without a
    tick a browser sends nothing: that they were there is told by `shown`. Radio buttons cannot be unticked at all, so
    none of them is no answer taken back, but a page opened earlier in another tab.
    """
    sent, shown = Sent(), {*only, *form, *form.getlist("shown")}
    for question in questions:
        if only and question.id not in only:
            continue
        values = form.getlist(question.id)
        try:
            given = question.read(values, seed)
        except UnreadableAnswer as unreadable:
            sent.errors[question.id] = unreadable.code
            sent.typed[question.id] = "".join(c for c in values[0][:LONGEST_TYPED] if c.isprintable())
            continue
        if given is not None or (question.id in shown and not isinstance(question, Single)):
            sent.answers[question.id] = given
    return sent


def asked(
    question: Question,
    seed: str,
    given: Given,
    *,
    number: int = 0,
    sent: Sent | None = None,
    right: bool | None = None,
    shuffled: bool = True,
) -> Asked:
    """A question ready to be shown, with what was just sent before what was saved."""
    offered = () if isinstance(question, Numeric) else tuple(question.offered(seed, shuffled))
    if sent and question.id in sent.answers:
        given = sent.answers[question.id]
    typed, error = (sent.typed.get(question.id, ""), sent.errors.get(question.id, "")) if sent else ("", "")
    return Asked(question, number, offered, given, typed, error, right)


def unanswered(questions: Iterable[Question], saved: Mapping[str, Given], sent: Sent) -> tuple[str, ...]:
    """The questions that have no answer, neither saved nor just sent, and no unreadable one either."""
    known = {**saved, **sent.answers}
    return tuple(q.id for q in questions if known.get(q.id) is None and q.id not in sent.errors)


def said_at(text: str) -> datetime | None:
    """When the browser says that an answer was given: an ISO time with its zone. Anything else is no time."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else None


def error_sentence(code: str) -> str:
    """What to do about an answer that could not be read."""
    if code == "not-a-number":
        return _("Write a number, for example 1,200 or 12.5.")
    if code == "no-answer":
        return _("Answer the question first, then check it.")
    if code in ("choose-one", "one-number"):
        return _("Give one answer only.")
    return _("Choose one of the answers on this page.")
