"""The other door: to the provider of identities and back."""

from __future__ import annotations

from typing import NamedTuple

from flask import Blueprint, abort, current_app, make_response, redirect, render_template, request, session, url_for
from werkzeug.wrappers import Response

from config import Provider
from elearn.i18n import _
from elearn.services import accounts, federation
from elearn.services.federation import Departure
from elearn.services.spelling import LONGEST_EMAIL
from elearn.web.access import now, open_to, safe_next, viewer_or_none
from elearn.web.auth import ask_code, let_in
from elearn.web.forms import address
from elearn.web.words import provider_word

bp = Blueprint("single_sign_on", __name__)

RETURN = "/sign-in/sso/return"
"""Where the provider sends people back to; it must be told this address beforehand."""

UNDER_WAY = "sso"  # the key in the browser's cookie
MOST_UNDER_WAY = 3  # sign-ins begun in as many tabs; a cookie has room for few
GOOD_FOR = 600  # seconds in which to sign in at the provider
LONGEST_NEXT = 400
RETRY_SECONDS = 30


class Told(NamedTuple):
    """What somebody is told who did not get in: a heading, what it means, and what to do."""

    status: int
    heading: str
    sentence: str
    advice: str


@bp.get("/sign-in/sso")
@open_to("anyone")
def depart() -> Response:
    """Leads to the provider; with `again` also whoever is signed in, to show there anew who she is.

    By GET, since a form may not lead to another site here; all that a stranger who makes somebody follow this link gets
    is that she signs in as herself.
    """
    _provider()
    target, again = safe_next(request.args.get("next")), bool(request.args.get("again"))
    if viewer_or_none() and not again:
        return redirect(target or url_for("public.home"))
    try:
        address, departure = federation.depart(again)
    except (federation.ProviderAway, federation.NotTrusted) as error:
        return _not_in(error, target)
    _keep(departure, target)
    return redirect(address)


@bp.get(RETURN)
@open_to("anyone")
def come_back() -> Response:
    """Takes the provider's answer, once, and only in the browser that asked for it."""
    _provider()
    found = _taken(request.args.get("state", ""))
    if found is None:
        return redirect(url_for("public.home")) if viewer_or_none() else _page(_too_late())
    departure, target = found
    if request.args.get("error") or not request.args.get("code"):
        return _page(_refused(request.args.get("error", "")), target)
    if request.args.get("iss", _provider().issuer) != _provider().issuer:  # RFC 9207
        return _page(_not_trusted(), target)
    try:
        vouched = federation.officer_of(departure, request.args["code"], address(), now())
        token = accounts.sign_in_vouched(
            vouched.officer_id, federation.HOW, address(), request.user_agent.string, now(), vouched.proved_at
        )
    except (federation.ProviderAway, federation.NotTrusted, federation.NotLinked, accounts.WrongPair) as error:
        return _not_in(error, target)
    except accounts.CodeNeeded as asked:
        return ask_code(asked, target)
    return let_in(token, target)


def _keep(departure: Departure, target: str | None) -> None:
    """In the browser's signed cookie: whoever has no such cookie cannot bring the sign-in to its end."""
    kept = target if target and len(ascii(target)) <= LONGEST_NEXT else ""
    row = [departure.state, departure.nonce, departure.verifier, kept, int(now().timestamp())]
    session[UNDER_WAY] = [*session.get(UNDER_WAY, []), row][-MOST_UNDER_WAY:]


def _taken(state: str) -> tuple[Departure, str | None] | None:
    """The sign-in of this name that the browser has under way, which it has no more then."""
    rows = session.get(UNDER_WAY, [])
    found = next((row for row in rows if row[0] == state), None)
    if found is None:
        return None
    session[UNDER_WAY] = [row for row in rows if row is not found]
    *trip, target, begun = found
    return (Departure(*trip), target or None) if abs(now().timestamp() - begun) <= GOOD_FOR else None


def _not_in(error: Exception, target: str | None) -> Response:
    if isinstance(error, federation.ProviderAway):
        response = _page(_away(), target)
        response.headers["Retry-After"] = str(RETRY_SECONDS)
        return response
    if isinstance(error, federation.NotLinked):
        return _page(_not_linked(error.reason, error.told[:LONGEST_EMAIL]), target)
    return _page(_not_linked("disabled", "") if isinstance(error, accounts.WrongPair) else _not_trusted(), target)


def _page(told: Told, target: str | None = None) -> Response:
    page = render_template("auth/single_sign_on.html", told=told, next=target, provider=provider_word(_provider()))
    return make_response(page, told.status)


def _not_linked(reason: str, shown: str) -> Told:
    provider = provider_word(_provider())
    sentence = {
        "unverified": _("{provider} has not verified your e-mail address, {told}.", provider=provider, told=shown),
        "missing": _("{provider} does not tell us who you are in our records.", provider=provider),
        "taken": _(
            "The account with {told} is already linked with another sign-in at {provider}.",
            provider=provider,
            told=shown,
        ),
        "ambiguous": _("More than one officer here has the employee number {told}.", told=shown),
        "disabled": _("Your account here is closed."),
    }.get(reason) or _("{provider} knows you as {told}; no officer here has that.", provider=provider, told=shown)
    advice = _("Please show this page to your training office: they can put it right. Nothing was changed.")
    return Told(403, _("No account here is linked to you"), sentence, advice)


def _too_late() -> Told:
    return Told(
        400,
        _("Please begin again"),
        _("This sign-in was begun in another browser, or too long ago, or it was finished already."),
        _("Go back to the sign-in page and begin once more."),
    )


def _refused(code: str) -> Told:
    provider = provider_word(_provider())
    if code == "access_denied":
        sentence = _("The sign-in at {provider} was cancelled.", provider=provider)
    else:
        sentence = _("{provider} did not sign you in.", provider=provider)
    return Told(400, _("You are not signed in"), sentence, _("Try again, or sign in with your password here."))


def _away() -> Told:
    return Told(
        503,
        _("{provider} does not answer", provider=provider_word(_provider())),
        _("We could not reach it just now. Your account here is not affected."),
        _("Try again in a minute, or sign in with your password here."),
    )


def _not_trusted() -> Told:
    return Told(
        502,
        _("You are not signed in"),
        _(
            "The answer of {provider} could not be relied on, so you were not signed in.",
            provider=provider_word(_provider()),
        ),
        _("Try again. If it happens again, tell your training office the time: the reason is in our log."),
    )


def _provider() -> Provider:
    provider: Provider | None = current_app.config["ELEARN"].oidc
    if provider is None:
        abort(404)
    return provider
