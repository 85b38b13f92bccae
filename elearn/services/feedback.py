"""Officers report errors in the course; trainers read the reports and close them."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, insert, select, update

from elearn.domain.course import Course
from elearn.models.database import reading, writing
from elearn.models.feedback import ErrorReport
from elearn.models.people import Officer

LONGEST_REPORT = 2000
MOST_A_DAY = 20
MOST_SHOWN = 500


class EmptyReport(ValueError):
    """Nothing was written."""


class TooManyReports(Exception):
    """More reports from one officer in a day than anybody can read."""


class NoSuchReport(LookupError):
    """No report has this number."""


@dataclass(frozen=True, slots=True)
class Report:
    """A report as trainers see it: no word on who wrote it, so that nobody hesitates to."""

    id: int
    course: str
    about: str
    language: str
    version: str
    text: str
    at: datetime
    closed_at: datetime | None


def report_error(officer_id: int, course: Course, about: str, language: str, text: str, now: datetime) -> None:
    """Keeps what an officer found wrong. `about` is a lesson's path, the id of a question or a term, or "" for the
    course. The same words about the same place, while the first report waits, are that report: a double click, or a
    form sent again after a lost answer. Raises EmptyReport, TooManyReports."""
    written = _tidied(text)
    if not written:
        raise EmptyReport
    with writing() as connection:
        # Locked, or many reports sent at once would all find the day's measure not yet full.
        connection.execute(select(Officer.id).where(Officer.id == officer_id).with_for_update())
        waiting = select(ErrorReport.id).where(
            ErrorReport.officer_id == officer_id,
            ErrorReport.course == course.id,
            ErrorReport.about == about,
            ErrorReport.text == written,
            ErrorReport.closed_at.is_(None),
        )
        if connection.execute(waiting.limit(1)).first():
            return
        lately = select(func.count()).where(
            ErrorReport.officer_id == officer_id, ErrorReport.at > now - timedelta(days=1)
        )
        if connection.execute(lately).scalar_one() >= MOST_A_DAY:
            raise TooManyReports
        connection.execute(
            insert(ErrorReport).values(
                officer_id=officer_id,
                course=course.id,
                about=about,
                language=language,
                version=course.version,
                text=written,
                at=now,
            )
        )


def error_reports(closed: bool) -> tuple[Report, ...]:
    """The reports that wait, oldest first; or those that were closed, the latest first."""
    columns = [getattr(ErrorReport, name) for name in Report.__dataclass_fields__]
    query = select(*columns).limit(MOST_SHOWN)
    if closed:
        query = query.where(ErrorReport.closed_at.is_not(None)).order_by(ErrorReport.closed_at.desc())
    else:
        query = query.where(ErrorReport.closed_at.is_(None)).order_by(ErrorReport.at, ErrorReport.id)
    with reading() as connection:
        return tuple(Report(*row) for row in connection.execute(query))


def count_open() -> int:
    with reading() as connection:
        return int(connection.execute(select(func.count()).where(ErrorReport.closed_at.is_(None))).scalar_one())


def close_report(report_id: int, by: int, now: datetime) -> None:
    """Closes a report; closed twice is closed once. Raises NoSuchReport."""
    with writing() as connection:
        if connection.execute(select(ErrorReport.id).where(ErrorReport.id == report_id)).first() is None:
            raise NoSuchReport(report_id)
        connection.execute(
            update(ErrorReport)
            .where(ErrorReport.id == report_id, ErrorReport.closed_at.is_(None))
            .values(closed_at=now, closed_by=by)
        )


def reopen_report(report_id: int) -> None:
    """Takes a closing back. Raises NoSuchReport."""
    with writing() as connection:
        reopened = update(ErrorReport).where(ErrorReport.id == report_id).values(closed_at=None, closed_by=None)
        if not connection.execute(reopened).rowcount:
            raise NoSuchReport(report_id)


def _tidied(text: str) -> str:
    """Cut to what is kept, without signs that steer a screen; joiners belong to Indian words and stay."""
    # Cut before it is normalised as well: that takes time that grows with the square of the length.
    plain = unicodedata.normalize("NFC", text[: 2 * LONGEST_REPORT].replace("\r\n", "\n").replace("\t", " "))
    kept = "".join(c for c in plain if c in "\n\u200c\u200d" or unicodedata.category(c)[0] != "C")
    return kept.strip()[:LONGEST_REPORT]
