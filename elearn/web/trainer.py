"""A trainer's pages: the errors that officers report in a course."""

from __future__ import annotations

from typing import NamedTuple

from flask import Blueprint, abort, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from elearn.services import feedback, library
from elearn.services.feedback import Report
from elearn.web.access import current_viewer, now, open_to
from elearn.web.reference import About, about_of

bp = Blueprint("trainer", __name__)


class Reported(NamedTuple):
    """A report and what it is about; None where the course is not served any more."""

    report: Report
    about: About | None


@bp.get("/trainer")
@open_to("trainer")
def home() -> Response:
    return redirect(url_for(".reports_page"))


@bp.get("/trainer/reports")
@open_to("trainer")
def reports_page() -> str:
    closed = "closed" in request.args
    reported = [Reported(report, _about(report)) for report in feedback.error_reports(closed)]
    return render_template("trainer/reports.html", reported=reported, closed=closed)


@bp.post("/trainer/reports/<int:report_id>")
@open_to("trainer")
def close_report(report_id: int) -> Response:
    """Closes a report, or opens it again."""
    try:
        if "reopen" in request.form:
            feedback.reopen_report(report_id)
            return redirect(url_for(".reports_page", closed=1), 303)
        feedback.close_report(report_id, current_viewer().officer_id, now())
    except feedback.NoSuchReport:
        abort(404)
    return redirect(url_for(".reports_page"), 303)


def _about(report: Report) -> About | None:
    try:
        return about_of(library.course(report.course), report.about)
    except library.NotServed:
        return None
