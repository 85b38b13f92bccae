"""Errors that officers report reach the trainers, say nothing of who wrote them, and are closed once."""

from __future__ import annotations

import pytest
from flask import Flask

from elearn.models.feedback import ErrorReport
from elearn.services import feedback
from elearn.services.feedback import LONGEST_REPORT, MOST_A_DAY, EmptyReport, NoSuchReport, TooManyReports
from tests.given import COURSE, Given, Person
from tests.records import rows


def reported(
    given: Given, person: Person, text: str = "The sum is wrong.", about: str = "plain-words/four-kinds"
) -> None:
    feedback.report_error(person.id, given.course, about, "en", text, given.later(minutes=1))


def test_a_report_reaches_the_trainers(app: Flask, given: Given) -> None:
    meera = given.officer("Meera")
    reported(given, meera)
    (report,) = feedback.error_reports(closed=False)
    assert (report.course, report.about, report.language, report.text) == (
        COURSE,
        "plain-words/four-kinds",
        "en",
        "The sum is wrong.",
    )
    assert (report.version, report.at, report.closed_at) == (given.course.version, given.now, None)
    assert not {"officer", "officer_id", "name"} & set(feedback.Report.__dataclass_fields__)
    assert rows(ErrorReport)[0].officer_id == meera.id


def test_it_is_closed_once_and_can_be_opened_again(app: Flask, given: Given) -> None:
    meera, tara = given.officer("Meera"), given.trainer()
    reported(given, meera, "first")
    reported(given, meera, "second")
    first, second = feedback.error_reports(closed=False)
    feedback.close_report(first.id, tara.id, given.now)
    feedback.close_report(first.id, tara.id, given.later(days=1))
    assert [one.text for one in feedback.error_reports(closed=False)] == ["second"]
    (closed,) = feedback.error_reports(closed=True)
    assert closed.closed_at is not None
    assert closed.closed_at < given.now
    feedback.reopen_report(first.id)
    assert [one.text for one in feedback.error_reports(closed=False)] == ["first", "second"]
    assert feedback.count_open() == 2
    for unknown in (second.id + 99, -1):
        with pytest.raises(NoSuchReport):
            feedback.close_report(unknown, tara.id, given.now)
        with pytest.raises(NoSuchReport):
            feedback.reopen_report(unknown)


@pytest.mark.parametrize("text", ["", "  \n ", "\x00\x1b\u202e"])
def test_nothing_is_no_report(app: Flask, given: Given, text: str) -> None:
    with pytest.raises(EmptyReport):
        reported(given, given.officer("Meera"), text)
    assert rows(ErrorReport) == []


def test_a_text_is_kept_without_what_steers_a_screen(app: Flask, given: Given) -> None:
    reported(given, given.officer("Meera"), "\x1b[31m शक्\u200dति\r\nab\u202ec" + "x" * 5000)
    (report,) = feedback.error_reports(closed=False)
    assert report.text.startswith("[31m शक्\u200dति\nabc")
    assert len(report.text) == LONGEST_REPORT


def test_so_many_a_day_and_no_more(app: Flask, given: Given) -> None:
    meera, far = given.officer("Meera"), given.officer("Far", office="Block Office")
    for number in range(MOST_A_DAY):
        reported(given, meera, f"number {number}")
    with pytest.raises(TooManyReports):
        reported(given, meera)
    reported(given, far)
    given.later(days=1)
    reported(given, meera)
    assert len(rows(ErrorReport)) == MOST_A_DAY + 2


def test_the_same_report_again_is_the_one_that_waits(app: Flask, given: Given) -> None:
    meera, far, tara = given.officer("Meera"), given.officer("Far", office="Block Office"), given.trainer()
    for _ in range(MOST_A_DAY + 1):
        reported(given, meera)
    reported(given, meera, about="plain-words/learning")
    reported(given, far)
    assert len(rows(ErrorReport)) == 3
    feedback.close_report(feedback.error_reports(closed=False)[0].id, tara.id, given.now)
    reported(given, meera)  # closed, and still wrong: a report of its own
    assert len(rows(ErrorReport)) == 4
