"""Pages that need no sign-in: the start, language, privacy, help, health, and the check of certificates."""

from __future__ import annotations

from datetime import timedelta
from typing import NamedTuple

from flask import Blueprint, abort, current_app, make_response, redirect, render_template, request, url_for
from werkzeug.datastructures import FileStorage
from werkzeug.wrappers import Response

from elearn.domain.certificate import grouped_serial
from elearn.i18n import NAMES, _, language, language_cookie
from elearn.services import certificates, health, learning, library, people
from elearn.web.access import now, open_to, safe_next, viewer_or_none
from elearn.web.addresses import by_any_name
from elearn.web.headers import asked_again
from elearn.web.vocabulary import FOR_TEMPLATES

bp = Blueprint("public", __name__)
bp.record_once(lambda state: state.app.jinja_env.globals.update(FOR_TEMPLATES))

LANGUAGE_SECONDS = 365 * 24 * 3600
LARGEST_DOCUMENT = 100 * 1024
SECURITY_TXT_HOLDS = timedelta(days=180)  # RFC 9116 advises less than a year
NOT_FOR_ROBOTS = ("/language/", "/sign-in", "/forgotten", "/first-password/")


class Problem(NamedTuple):
    """What is wrong with one field of a form, in a sentence."""

    field: str
    sentence: str


@bp.get("/")
@open_to("anyone")
def home() -> Response | str:
    viewer = viewer_or_none()
    if viewer is None:
        courses = library.courses()
        page = render_template("public/welcome.html", course=courses[0] if courses else None)
        return asked_again(make_response(page))
    return render_template(
        "officer/dashboard.html",
        views=learning.dashboard(viewer.officer_id),
        supervised=people.offices_at(paths) if (paths := viewer.office_paths("supervisor")) else (),
        visitor_name=(viewer.name, viewer.name_language),
    )


@bp.get("/language/<tag>")
@open_to("anyone")
def set_language(tag: str) -> Response:
    """Keeps the language of the pages for a year and goes back to where the reader was."""
    if tag not in NAMES:
        abort(404)
    response = redirect(safe_next(request.args.get("next")) or url_for(".home"))
    secure = current_app.config["ELEARN"].https
    response.set_cookie(
        language_cookie(), tag, max_age=LANGUAGE_SECONDS, secure=secure, httponly=True, samesite="Lax", path="/"
    )
    return response


@bp.get("/privacy")
@open_to("anyone")
def privacy() -> Response:
    return asked_again(
        make_response(render_template("public/privacy.html", log_days=current_app.config["ELEARN"].access_log_days))
    )


@bp.get("/accessibility")
@open_to("anyone")
def accessibility() -> Response:
    return asked_again(make_response(render_template("public/accessibility.html")))


@bp.get("/help")
@open_to("anyone")
def help_page() -> Response:
    return asked_again(make_response(render_template("public/help.html")))


@bp.get("/health/live")
@open_to("anyone")
@by_any_name
def live() -> Response:
    return make_response({"live": True})


@bp.get("/health/ready")
@open_to("anyone")
@by_any_name
def ready() -> Response:
    """Whether this process can serve, and if not, what is missing, in short codes for whoever watches it."""
    missing = list(health.missing())
    return make_response({"ready": not missing, "missing": missing}, 503 if missing else 200)


@bp.get("/certificates/<serial>")
@open_to("anyone")
def certificate_page(serial: str) -> Response:
    """Whether a certificate is genuine, and what it says. Never who else the officer is, nor how well she did."""
    try:
        found = certificates.find(serial)
    except certificates.UnknownCertificate:
        return _unknown_certificate()
    page = render_template("public/certificate.html", certificate=found, grouped_serial=grouped_serial)
    return _not_indexed(make_response(page))


@bp.get("/C/<serial>")
@open_to("anyone")
def short_certificate(serial: str) -> Response:
    """The address in the printed code: short, so that the code is coarse and scans well."""
    return redirect(url_for(".certificate_page", serial=serial))


@bp.get("/certificates/<serial>.pdf")
@open_to("anyone")
def certificate_pdf(serial: str) -> Response:
    try:
        found = certificates.find(serial)
        response = make_response(certificates.pdf(serial, language()))
    except certificates.UnknownCertificate:
        return _unknown_certificate()
    response.content_type = "application/pdf"
    response.headers["Content-Disposition"] = f'attachment; filename="certificate-{found.serial}.pdf"'
    return _not_indexed(response)


@bp.get("/certificates/<serial>.json")
@open_to("anyone")
def certificate_document(serial: str) -> Response:
    try:
        found = certificates.find(serial)
        response = make_response(certificates.document(serial))
    except certificates.UnknownCertificate:
        return _unknown_certificate()
    response.headers["Content-Disposition"] = f'attachment; filename="certificate-{found.serial}.json"'
    return _not_indexed(response)


@bp.get("/.well-known/jwks.json")
@open_to("anyone")
def public_keys() -> Response:
    response = make_response(dict(certificates.public_keys()))
    # Verifiers elsewhere ask often, and keys change about once a year.
    response.headers["Cache-Control"] = "public, max-age=3600"
    return response


@bp.get("/.well-known/security.txt")
@open_to("anyone")
def security_txt() -> Response:
    """Whom to tell about a weakness of this site, as RFC 9116 has it; nothing where the operator named nobody."""
    config = current_app.config["ELEARN"]
    if not config.security_contact:
        abort(404)
    # The whole day, so that the file stays the same from one minute to the next.
    expires = now().replace(hour=0, minute=0, second=0, microsecond=0) + SECURITY_TXT_HOLDS
    lines = [f"Contact: {config.security_contact}", f"Expires: {expires:%Y-%m-%dT%H:%M:%SZ}"]
    lines.append(f"Preferred-Languages: {', '.join(NAMES)}")
    if config.https:
        lines.append(f"Canonical: {config.base_url}{request.path}")
    return _plain("".join(f"{line}\n" for line in lines))


@bp.get("/robots.txt")
@open_to("anyone")
def robots_txt() -> Response:
    """Search engines may find what anyone may read; what is worth nothing to them is left out. It hides nothing:
    what is not for everybody is behind the door, and certificates say `noindex` themselves."""
    return _plain("User-agent: *\n" + "".join(f"Disallow: {path}\n" for path in NOT_FOR_ROBOTS))


@bp.get("/verify")
@open_to("anyone")
def verify_page() -> str:
    return _verify_page(serial=request.args.get("serial", "")[:60])


@bp.post("/verify")
@open_to("anyone")
def verify() -> Response | str | tuple[str, int]:
    serial, document = request.form.get("serial", "").strip(), request.files.get("document")
    if document and document.filename:
        return _verify_document(document)
    if not serial:
        return _verify_page(problem=Problem("serial", _("Enter the number, or choose a file."))), 422
    try:
        found = certificates.find(serial)
    except certificates.UnknownCertificate:
        sentence = _("No certificate of ours has this number. Compare it with the paper, group by group.")
        return _verify_page(problem=Problem("serial", sentence), serial=serial[:60]), 422
    return redirect(url_for(".certificate_page", serial=found.serial), 303)


def _verify_document(document: FileStorage) -> str | tuple[str, int]:
    data = document.stream.read(LARGEST_DOCUMENT + 1)
    if len(data) > LARGEST_DOCUMENT:
        sentence = _("This file is larger than 100 KB, so it is not a signed record of ours.")
        return _verify_page(problem=Problem("document", sentence)), 422
    verdict, record = certificates.check_document(data)
    return _verify_page(verdict=verdict, record=record)


def _verify_page(**shown: object) -> str:
    return render_template(
        "public/verify.html", **{"serial": "", "problem": None, "verdict": "", "record": None, **shown}
    )


def _plain(text: str) -> Response:
    response = make_response(text)
    response.content_type = "text/plain; charset=utf-8"
    response.headers["Cache-Control"] = "public, max-age=3600"
    return response


def _unknown_certificate() -> Response:
    return _not_indexed(make_response(render_template("public/unknown_certificate.html"), 404))


def _not_indexed(response: Response) -> Response:
    response.headers["X-Robots-Tag"] = "noindex"
    return response
