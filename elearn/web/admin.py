"""An administrator's pages: officers found and looked after, offices, and the access log."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import TypedDict

from flask import Blueprint, abort, current_app, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from elearn.domain.roles import ROLES
from elearn.i18n import _
from elearn.services import access_log, accounts, directory, one_time_links, people, second_factor
from elearn.services.spelling import LONGEST_EMAIL, comparable
from elearn.web import words
from elearn.web.access import current_viewer, now, open_to
from elearn.web.forms import Problem, address, whole
from elearn.web.proof import needs_proof

bp = Blueprint("admin", __name__)

FEW_ENTRIES = 10

# What the form for a role offers: a supervisor is one of an office unless it is said that she is one of all.
EVERYWHERE = "supervisor-everywhere"


@bp.get("/admin")
@open_to("administrator")
def home() -> str:
    latest, _more = access_log.entries(access_log.Asked(), FEW_ENTRIES)
    return render_template("admin/home.html", entries=latest)


@bp.get("/admin/officers")
@open_to("administrator")
def officers_page() -> str:
    asked = {"q": request.args.get("q", "")[:200], "office": request.args.get("office", "")[:40]}
    problem = None
    try:
        after = whole(request.args.get("after", "")) or 0
        found = directory.find_officers(asked["q"], asked["office"], after, now())
    except people.NoSuchOffice:
        found = directory.FoundPage((), None)
        problem = Problem("office", _("There is no office with this code."))
    return render_template("admin/officers.html", found=found, asked=asked, problem=problem)


@bp.get("/admin/officers/<int:officer_id>")
@open_to("administrator")
def officer_page(officer_id: int) -> str:
    return _officer_page(officer_id)


@bp.post("/admin/officers/<int:officer_id>/sign-ins/end")
@open_to("administrator")
def end_sign_ins(officer_id: int) -> Response:
    """Ends one sign-in of the officer, or all."""
    _person(officer_id)
    which = request.form.get("sign-in", "")
    if which == "all":
        accounts.end_all_sign_ins(officer_id, now(), **_acting())
        return _back_to(officer_id, "all-signed-out")
    if which:
        try:
            accounts.end_sign_in(officer_id, whole(which) or 0, now(), **_acting())
        except accounts.NoSuchSignIn:
            abort(404)
    return _back_to(officer_id, "signed-out" if which else "")


@bp.post("/admin/officers/<int:officer_id>/disable")
@open_to("administrator")
@needs_proof
def disable(officer_id: int) -> Response:
    _person(officer_id)
    try:
        people.disable_officer(officer_id, now(), **_acting())
    except people.NotYourself:
        return _told(officer_id, Problem("disable", _("You cannot shut yourself out. Another administrator can.")))
    return _back_to(officer_id, "disabled")


@bp.post("/admin/officers/<int:officer_id>/enable")
@open_to("administrator")
@needs_proof
def enable(officer_id: int) -> Response:
    _person(officer_id)
    try:
        people.enable_officer(officer_id, now(), **_acting())
    except people.NoSuchOfficer:  # she was erased
        abort(404)
    return _back_to(officer_id, "enabled")


@bp.post("/admin/officers/<int:officer_id>/link")
@open_to("administrator")
@needs_proof
def link(officer_id: int) -> str:
    """A one-time link to hand over; it is on this page and nowhere else."""
    person = _person(officer_id)
    if person.disabled_at:
        abort(404)
    token = one_time_links.make(officer_id, now(), **_acting())
    link = f"{current_app.config['ELEARN'].base_url}{url_for('auth.first_password_page', token=token)}"
    return render_template("admin/link.html", person=person, address=link, hours=one_time_links.FIRST_HOURS)


@bp.post("/admin/officers/<int:officer_id>/roles")
@open_to("administrator")
@needs_proof
def grant_role(officer_id: int) -> Response:
    _person(officer_id)
    chosen, office = request.form.get("role", ""), request.form.get("office", "").strip()[:40]
    role = "supervisor" if chosen == EVERYWHERE else chosen
    if role not in ROLES:
        return _told(officer_id, Problem("role", _("Choose a role.")))
    place = office if chosen == "supervisor" else None
    if place == "":
        return _told(officer_id, Problem("office", _("Enter the code of the office too.")))
    try:
        is_new = people.grant_role(officer_id, role, place, now(), **_acting())
    except people.NoSuchOffice:
        return _told(officer_id, Problem("office", _("There is no office with this code.")))
    if not is_new:
        return _told(officer_id, Problem("role", _("This officer has that role already.")))
    return _back_to(officer_id, "role")


@bp.post("/admin/officers/<int:officer_id>/roles/end")
@open_to("administrator")
@needs_proof
def end_role(officer_id: int) -> Response:
    """Takes away the role whose button was pressed: its name and the code of the office, with a space between."""
    _person(officer_id)
    role, _space, office = request.form.get("held", "")[:80].partition(" ")
    try:
        people.end_role(officer_id, role, office or None, now(), **_acting())
    except people.NotYourself:
        sentence = _("You cannot give up your own administration. Another administrator can take it from you.")
        return _told(officer_id, Problem("held", sentence))
    except (people.NoSuchRole, people.NoSuchOffice):
        pass  # taken away already, from another page
    return _back_to(officer_id, "role-ended")


@bp.post("/admin/officers/<int:officer_id>/second-factor/reset")
@open_to("administrator")
@needs_proof
def reset_second_factor(officer_id: int) -> Response:
    """For a lost device."""
    _person(officer_id)
    second_factor.reset(officer_id, now(), **_acting())
    return _back_to(officer_id, "factor-reset")


@bp.get("/admin/offices")
@open_to("administrator")
def offices_page() -> str:
    q = request.args.get("q", "")[:200]
    after = comparable(request.args.get("after", ""))
    return render_template("admin/offices.html", found=directory.find_offices(q, after), q=q)


@bp.get("/admin/log")
@open_to("administrator")
def log_page() -> str:
    asked = {name: request.args.get(name, "")[:LONGEST_EMAIL] for name in ("event", "officer", "day")}
    problem, officer_id, since = None, None, None
    try:
        officer_id = people.find_officer(asked["officer"]) if asked["officer"].strip() else None
    except people.NoSuchOfficer:
        problem = Problem("officer", _("There is nobody with this e-mail address or employee number."))
    try:
        since = _beginning_of(asked["day"]) if asked["day"] else None
    except (ValueError, OverflowError):
        problem = problem or Problem("day", _("Write the day as 2026-11-23."))
    until = since + timedelta(days=1) if since else None
    found = access_log.Asked(
        comparable(asked["event"]), officer_id, since, until, whole(request.args.get("before", ""))
    )
    entries, older = access_log.entries(found, access_log.PAGE if problem is None else 0)
    return render_template(
        "admin/log.html", entries=entries, older=older, asked=asked, problem=problem, events=words.events()
    )


class _Acting(TypedDict):
    by: int
    address: str


def _acting() -> _Acting:
    """Who acts, and from where, as the access log keeps it."""
    return {"by": current_viewer().officer_id, "address": address()}


def _beginning_of(day: str) -> datetime:
    """Midnight where this installation stands. Raises ValueError, OverflowError."""
    zone = current_app.config["ELEARN"].timezone
    return datetime.combine(date.fromisoformat(day), time(), tzinfo=zone).astimezone(UTC)


def _person(officer_id: int) -> people.Person:
    """Raises NoSuchOfficer, which is a 404."""
    return people.person(officer_id, now())


def _officer_page(officer_id: int, problem: Problem | None = None) -> str:
    person = _person(officer_id)
    latest, _more = access_log.entries(access_log.Asked(officer_id=officer_id), FEW_ENTRIES)
    return render_template(
        "admin/officer.html",
        person=person,
        problem=problem,
        typed={name: request.form.get(name, "")[:40] for name in ("role", "office")},
        sign_ins=accounts.sign_ins_of(officer_id, now()),
        has_password=accounts.has_password(officer_id),
        factor=second_factor.state_of(officer_id),
        entries=latest,
        done=request.args.get("done", ""),
        everywhere=EVERYWHERE,
        me=current_viewer(),
    )


def _told(officer_id: int, problem: Problem) -> Response:
    return make_response(_officer_page(officer_id, problem), 422)


def _back_to(officer_id: int, done: str) -> Response:
    return redirect(url_for(".officer_page", officer_id=officer_id, done=done or None), 303)
