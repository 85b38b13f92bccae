"""The door: signing in and out, one's own account, a forgotten password, and the first one."""

from __future__ import annotations

from typing import cast

from flask import Blueprint, abort, current_app, make_response, redirect, render_template, request, url_for
from flask_login import current_user
from werkzeug.wrappers import Response

from config import Config
from elearn.i18n import _
from elearn.services import accounts, mail, one_time_links, second_factor
from elearn.services.passwords import LONGEST, SHORTEST
from elearn.services.spelling import LONGEST_EMAIL
from elearn.web import access
from elearn.web.access import SignedIn, current_viewer, now, open_to, safe_next, viewer_or_none
from elearn.web.forms import Problem, address, device, later, when, whole
from elearn.web.words import provider_word

bp = Blueprint("auth", __name__)


@bp.get("/sign-in")
@open_to("anyone")
def sign_in_page() -> Response | str:
    if viewer_or_none():
        return redirect(safe_next(request.args.get("next")) or url_for("public.home"))
    return _sign_in_page(next=request.args.get("next"))


@bp.post("/sign-in")
@open_to("anyone")
def sign_in() -> Response | str:
    email = request.form.get("email", "")
    try:
        token = accounts.sign_in(email, request.form.get("password", ""), address(), device(), now())
    except accounts.WrongPair:
        sentence = _("This e-mail and password do not belong together. Check both and try again.")
        return _sign_in_page(email=email, problem=Problem("email", sentence), next=request.form.get("next"))
    except accounts.TooManyTries as wait:
        page = _sign_in_page(email=email, problem=Problem("email", when(wait)), next=request.form.get("next"))
        return later(page, wait)
    except accounts.CodeNeeded as asked:
        return ask_code(asked, request.form.get("next"))
    return let_in(token, request.form.get("next"))


@bp.get("/sign-in/code")
@open_to("anyone")
def code_page() -> Response | str:
    """The second step of signing in; only this browser's, and only while it waits."""
    half = access.half()
    if viewer_or_none() or not half or not second_factor.is_half_signed_in(half, now()):
        return redirect(url_for(".sign_in_page", next=safe_next(request.args.get("next"))))
    return _code_page(request.args.get("next"))


@bp.post("/sign-in/code")
@open_to("anyone")
def code() -> Response | str:
    next_page = request.form.get("next")
    try:
        token = second_factor.finish_sign_in(access.half(), request.form.get("code", ""), address(), device(), now())
    except second_factor.HalfGone:
        return redirect(url_for(".sign_in_page", next=safe_next(next_page), done="late"))
    except second_factor.WrongCode:
        sentence = _("That code does not fit. Enter the next code from your phone, or check the recovery code.")
        return _code_page(next_page, Problem("code", sentence))
    except accounts.TooManyTries as wait:
        return later(_code_page(next_page, Problem("code", when(wait))), wait)
    return let_in(token, next_page)


@bp.post("/sign-out")
@open_to("anyone")
def sign_out() -> Response:
    end_the_one_before()
    access.end()
    response = redirect(url_for("public.home"))
    # On a shared computer the next one must not find her pages by the Back button.
    response.headers["Clear-Site-Data"] = '"cache"'
    return response


@bp.get("/account")
@open_to("officer")
def account_page() -> str:
    return _account_page()


@bp.post("/account/password")
@open_to("officer")
def change_password() -> Response | str:
    """Replaces the officer's own password; she shows the one she has."""
    viewer, form = current_viewer(), request.form
    try:
        accounts.change_password(
            viewer.officer_id,
            viewer.sign_in_id,
            form.get("current-password", ""),
            form.get("new-password", ""),
            address(),
            now(),
        )
    except accounts.WrongPair:
        return _account_page(problem=Problem("current-password", _("This is not your present password.")))
    except accounts.WeakPassword as why:
        return _account_page(problem=Problem("new-password", weakness(why.reason)))
    except accounts.TooManyTries as wait:
        return later(_account_page(problem=Problem("current-password", when(wait))), wait)
    return redirect(url_for(".account_page", done="password"), 303)


@bp.post("/account/sign-ins/end")
@open_to("officer")
def end_sign_ins() -> Response:
    """Ends one other sign-in of the officer, or all others."""
    viewer = current_viewer()
    which = request.form.get("sign-in", "")
    if which == "others":
        accounts.end_all_sign_ins(viewer.officer_id, now(), keep=viewer.sign_in_id)
    elif which:
        try:
            accounts.end_sign_in(viewer.officer_id, whole(which) or 0, now())
        except accounts.NoSuchSignIn:
            abort(404)
    return redirect(url_for(".account_page", done="others-ended" if which == "others" else "ended"), 303)


@bp.get("/forgotten")
@open_to("anyone")
def forgotten_page() -> str:
    return render_template("auth/forgotten.html", by_mail=bool(_config().mail_url), asked=False, problem=None)


@bp.post("/forgotten")
@open_to("anyone")
def forgotten() -> Response | str:
    """The same answer whether there is such an account or not; the letter goes out after the answer."""
    by_mail = bool(_config().mail_url)
    if not by_mail:
        return forgotten_page()
    try:
        link = one_time_links.make_for_forgotten(request.form.get("email", ""), address(), now())
    except accounts.TooManyTries as wait:
        problem = Problem("email", when(wait))
        return later(render_template("auth/forgotten.html", by_mail=True, asked=False, problem=problem), wait)
    response = make_response(render_template("auth/forgotten.html", by_mail=True, asked=True, problem=None))
    if link:
        email, token = link
        config, letter = _config(), _letter(email, token)
        # Sent once the answer is out, so that its time tells nobody whether a letter was sent.
        response.call_on_close(lambda: mail.send(config.mail_url, config.mail_from, letter))
    return response


@bp.get("/first-password/<token>")
@open_to("anyone")
def first_password_page(token: str) -> Response | str:
    return _first_password_page(token)


@bp.post("/first-password/<token>")
@open_to("anyone")
def first_password(token: str) -> Response | str:
    """Sets a password by a one-time link, which is used up by it; then the officer signs in with it."""
    try:
        one_time_links.set_password(token, request.form.get("new-password", ""), now(), address())
    except one_time_links.LinkNotGood:
        return _first_password_page(token)
    except accounts.WeakPassword as why:
        return _first_password_page(token, Problem("new-password", weakness(why.reason)))
    end_the_one_before()
    access.end()
    return redirect(url_for(".sign_in_page", done="password"), 303)


def weakness(reason: str) -> str:
    """Why a password was not taken, and what would be, in the reader's language."""
    return {
        "too-short": _(
            "Use at least {shortest} characters. Three words that do not belong together are good.", shortest=SHORTEST
        ),
        "too-long": _("Use at most {longest} characters.", longest=LONGEST),
        "common": _("This is among the first that people guess. Three words that do not belong together are good."),
        "own": _("Do not use your own name, e-mail or employee number as the password."),
    }[reason]


def _sign_in_page(**shown: object) -> str:
    values = {"email": "", "problem": None, "done": request.args.get("done", ""), **shown}
    values["email"] = str(values["email"])[:LONGEST_EMAIL]
    values["next"] = safe_next(cast(str | None, shown.get("next")))
    values["provider"] = provider_word(provider) if (provider := _config().oidc) else ""
    return render_template("auth/sign_in.html", **values)


def _code_page(next_page: str | None, problem: Problem | None = None) -> str:
    return render_template("auth/code.html", next=safe_next(next_page), problem=problem)


def ask_code(asked: accounts.CodeNeeded, target: str | None) -> Response:
    """The first step is done: this browser is asked for the second."""
    end_the_one_before()
    access.begin_half(asked.half)
    return redirect(url_for("auth.code_page", next=safe_next(target)))


def let_in(token: str, target: str | None) -> Response:
    """Puts a fresh sign-in into this browser; whoever must set up a second factor first is led there."""
    end_the_one_before()
    viewer = access.begin(token)
    if viewer is None:
        return redirect(url_for("auth.sign_in_page", next=safe_next(target)))
    if access.owes_second_factor(viewer):
        return redirect(url_for("factor.second_factor_page", next=safe_next(target)))
    return redirect(safe_next(target) or url_for("public.home"))


def _account_page(problem: Problem | None = None) -> str:
    viewer = current_viewer()
    account = accounts.account_of(viewer.officer_id, now())
    return render_template(
        "auth/account.html",
        account=account,
        here_id=viewer.sign_in_id,
        problem=problem,
        done=request.args.get("done", ""),
        shortest=SHORTEST,
        factor=second_factor.state_of(viewer.officer_id),
    )


def _first_password_page(token: str, problem: Problem | None = None) -> Response | str:
    email = one_time_links.email_of(token, now())
    if email is None:
        return make_response(render_template("auth/link_not_good.html"), 404)
    return render_template("auth/first_password.html", email=email, problem=problem, shortest=SHORTEST)


def _letter(email: str, token: str) -> mail.Letter:
    config = _config()
    address = f"{config.base_url}{url_for('.first_password_page', token=token)}"
    body = "\n\n".join(
        (
            _(
                "Somebody asked for a new password for this e-mail address at {organisation}.",
                organisation=config.organisation,
            ),
            _(
                "If it was you, open this address within {hours} hours and choose one:",
                hours=one_time_links.FORGOTTEN_HOURS,
            ),
            address,
            _("If it was not you, do nothing: your password stays as it is."),
        )
    )
    return mail.Letter(email, _("A new password for your course"), body)


def end_the_one_before() -> None:
    """Ends the sign-in this browser came with, if any."""
    if viewer_or_none():
        accounts.sign_out(cast(SignedIn, current_user).token, now())


def _config() -> Config:
    config: Config = current_app.config["ELEARN"]
    return config
