"""A supervisor's pages: the completion list of her offices' people on screen, as a file, and the file's hash."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any, BinaryIO

from flask import Blueprint, current_app, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from elearn.domain.status import STATES
from elearn.services import library, reports
from elearn.web.access import current_viewer, now, open_to

bp = Blueprint("supervisor", __name__)

MOST_OFFICES = 300
"""Offices offered as a list; among more, a code is typed faster than found, and the page stays light."""

BLOCK = 64 * 1024


@bp.get("/supervise")
@open_to("supervisor")
def courses_page() -> Response | str:
    courses = library.courses()
    if len(courses) == 1:
        return redirect(url_for(".people_page", course_id=courses[0].id))
    return render_template("supervisor/courses.html", courses=courses)


@bp.get("/supervise/<course_id>")
@open_to("supervisor")
def people_page(course_id: str) -> str:
    course, filters, moment, sort = library.course(course_id), _filters(), now(), _sort()
    scope = reports.scope_of(current_viewer(), moment)
    return render_template(
        "supervisor/people.html",
        course=course,
        view=reports.completion_page(scope, course.id, filters, sort, request.args.get("page", 1, type=int)),
        filters=filters,
        kept=_kept(filters, sort),
        sort=sort,
        states=STATES,
        offices=reports.offices_in(scope),
        most_offices=MOST_OFFICES,
        moment=moment,
        zone=f"{_local(moment):%Z}",
    )


@bp.get("/supervise/<course_id>/completions.csv")
@open_to("supervisor")
def completions_csv(course_id: str) -> Response:
    course, filters, moment = library.course(course_id), _filters(), now()
    address = request.remote_addr or ""
    made = reports.download_completions(current_viewer(), course.id, filters, address, moment)
    response = Response(_blocks(made.file), content_type="text/csv; charset=utf-8")
    response.call_on_close(made.file.close)  # also where nothing of it was read, as for HEAD
    response.content_length = made.size
    response.headers.set("Content-Disposition", "attachment", filename=_file_name(course.id, filters, moment))
    return _with_proof(response, made)


@bp.get("/supervise/<course_id>/completions.csv.sha256")
@open_to("supervisor")
def completions_sha256(course_id: str) -> Response:
    """The hash of the file that the same filters give at this moment, as `sha256sum -c` reads it."""
    course, filters, moment = library.course(course_id), _filters(), now()
    made = reports.prove_completions(reports.scope_of(current_viewer(), moment), course.id, filters, moment)
    made.file.close()
    name = _file_name(course.id, filters, moment)
    response = Response(f"{made.sha256}  {name}\n", content_type="text/plain; charset=utf-8")
    response.headers.set("Content-Disposition", "attachment", filename=f"{name}.sha256")
    return _with_proof(response, made)


def _blocks(file: BinaryIO) -> Iterator[bytes]:
    with file:
        while block := file.read(BLOCK):
            yield block


def _filters() -> reports.Filters:
    return reports.Filters(*(request.args.get(name, "") for name in ("office", "state", "q")))


def _sort() -> str:
    asked = request.args.get("sort", "")
    return asked if asked.removeprefix("-") in reports.SORTS else ""


def _kept(filters: reports.Filters, sort: str) -> dict[str, Any]:
    """What the links of the page carry on, without what says nothing."""
    asked = {"office": filters.office, "state": filters.state, "q": filters.q, "sort": sort}
    return {name: value for name, value in asked.items() if value}


def _with_proof(response: Response, made: reports.Export) -> Response:
    """What proves a file goes ahead of it, and never into it as an extra row."""
    response.headers["X-As-Of"] = _local(made.as_of).isoformat("T", "seconds")
    response.headers["X-Row-Count"] = str(made.rows)
    response.headers["X-SHA256"] = made.sha256
    return response


def _file_name(course_id: str, filters: reports.Filters, moment: datetime) -> str:
    # Codes of offices are plain ASCII; whatever else stands in the address is no office, and splits no header.
    office = re.sub(r"[^A-Z0-9._-]+", "-", filters.office) or "all-offices"
    return f"completions-{course_id}-{office}-{_local(moment):%Y-%m-%d}.csv"


def _local(moment: datetime) -> datetime:
    """In the zone of the site, whose day and offset a supervisor writes under her list."""
    return moment.astimezone(current_app.config["ELEARN"].timezone)
