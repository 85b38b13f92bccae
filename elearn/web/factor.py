"""An officer's own second factor: set up, given fresh recovery codes, turned off."""

from __future__ import annotations

from contextlib import suppress

from flask import Blueprint, Response, abort, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from elearn.exports.qr import qr_svg
from elearn.i18n import _
from elearn.services import accounts, second_factor
from elearn.web import access
from elearn.web.access import current_viewer, now, open_to, safe_next
from elearn.web.forms import Problem, address, later, when
from elearn.web.headers import PICTURE_CSP
from elearn.web.proof import needs_proof

bp = Blueprint("factor", __name__)


@bp.get("/account/second-factor")
@open_to("officer")
def second_factor_page() -> str:
    return _page()


@bp.get("/account/second-factor/code.svg")
@open_to("officer")
def picture() -> Response:
    """What a phone reads the secret from, while it is being set up and no longer."""
    viewer = current_viewer()
    try:
        setting = second_factor.setting_of(viewer.officer_id, viewer.sign_in_id, now())
    except second_factor.NotBegun:
        abort(404)
    response = Response(qr_svg(setting.address), content_type="image/svg+xml")
    response.headers["Content-Security-Policy"] = PICTURE_CSP
    return response


@bp.post("/account/second-factor")
@open_to("officer")
@needs_proof
def begin() -> AnyResponse:
    """Makes a secret. Asks who is there first: whoever finds a screen unlocked could else lock its owner out."""
    viewer = current_viewer()
    with suppress(second_factor.AlreadySetUp):  # from another tab: the page says so
        second_factor.begin(viewer.officer_id, viewer.sign_in_id, now())
    return redirect(url_for(".second_factor_page", next=_next()), 303)


@bp.post("/account/second-factor/confirm")
@open_to("officer")
@needs_proof
def confirm() -> AnyResponse | str:
    """Takes the first code; shows the recovery codes, this once. Asks who is there too: with a code that the proof
    kept for too long the page comes back for another one."""
    viewer = current_viewer()
    try:
        codes = second_factor.confirm(
            viewer.officer_id, viewer.sign_in_id, request.form.get("code", ""), address(), now()
        )
    except second_factor.NotBegun:
        return redirect(url_for(".second_factor_page", next=_next()), 303)
    except second_factor.WrongCode:
        sentence = _(
            "That code does not fit. Look whether the phone's clock is right, and enter the code it shows now."
        )
        return _page(Problem("code", sentence))
    except accounts.TooManyTries as wait:
        return later(_page(Problem("code", when(wait))), wait)
    return _codes_page(codes, is_new=True)


@bp.post("/account/second-factor/recovery-codes")
@open_to("officer")
@needs_proof
def recovery_codes() -> AnyResponse | str:
    """Fresh ones in the place of those before."""
    try:
        return _codes_page(second_factor.fresh_recovery_codes(current_viewer().officer_id, address(), now()))
    except second_factor.NotBegun:
        return redirect(url_for(".second_factor_page"), 303)


@bp.post("/account/second-factor/off")
@open_to("officer")
@needs_proof
def turn_off() -> AnyResponse:
    viewer = current_viewer()
    second_factor.turn_off(viewer.officer_id, viewer.sign_in_id, address(), now())
    return redirect(url_for("auth.account_page", done="factor-off"), 303)


def _page(problem: Problem | None = None) -> str:
    viewer = current_viewer()
    state = second_factor.state_of(viewer.officer_id)
    try:
        setting = second_factor.setting_of(viewer.officer_id, viewer.sign_in_id, now())
    except second_factor.NotBegun:
        setting = None  # not yet, in another sign-in, or too long ago: it is begun anew
    return render_template(
        "factor/second_factor.html",
        state=state,
        setting=setting,
        problem=problem,
        next=_next(),
        owed=access.owes_second_factor(viewer),
    )


def _codes_page(codes: tuple[str, ...], is_new: bool = False) -> str:
    return render_template("factor/codes.html", codes=codes, is_new=is_new, next=_next() or url_for("public.home"))


def _next() -> str | None:
    """Where somebody was going who had to set this up first."""
    return safe_next(request.values.get("next"))
