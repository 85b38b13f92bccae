"""Before a dangerous act: asks once more who is there, and then goes on with the act and what was typed for it."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar, cast

from flask import current_app, render_template, request, url_for

from elearn.i18n import _
from elearn.services import accounts, federation, proof, second_factor
from elearn.web.access import current_viewer, now, safe_next, where_they_were
from elearn.web.forms import Problem, address, later, when
from elearn.web.words import provider_word

View = TypeVar("View", bound=Callable[..., Any])

PASSWORD, CODE, BEFORE = "proof-password", "proof-code", "proof-before"


def needs_proof(view: View) -> View:
    """For views that take a form. Where password and code were shown too long ago, the form comes back with all that
    it brought, hidden, and two fields more; sent again with these, it is the same form and the same act."""

    @wraps(view)
    def proved_first(*arguments: Any, **values: Any) -> Any:
        viewer, moment = current_viewer(), now()
        if proof.is_fresh(viewer.sign_in_id, moment):
            return view(*arguments, **values)
        if PASSWORD not in request.form:
            return _proof_page()
        shown = (request.form[PASSWORD], request.form.get(CODE, ""))
        try:
            proof.prove(viewer.officer_id, viewer.sign_in_id, *shown, address(), moment)
        except proof.NotProved:
            return _proof_page(Problem(PASSWORD, _("That does not fit. Check what you entered and try again.")))
        except accounts.TooManyTries as wait:
            return later(_proof_page(Problem(PASSWORD, when(wait))), wait)
        return view(*arguments, **values)

    return cast(View, proved_first)


def _proof_page(problem: Problem | None = None) -> str:
    viewer = current_viewer()
    kept = [(name, value) for name, value in request.form.items(multi=True) if name not in _NOT_KEPT]
    provider = current_app.config["ELEARN"].oidc
    return render_template(
        "auth/proof.html",
        kept=kept,
        problem=problem,
        email=accounts.account_of(viewer.officer_id, now()).email,
        with_code=second_factor.is_set_up(viewer.officer_id),
        back=_back(),
        before=safe_next(request.form.get(BEFORE)) or safe_next(where_they_were()),
        before_field=BEFORE,
        provider=provider_word(provider) if federation.is_linked(viewer.officer_id) else "",
        with_password=accounts.has_password(viewer.officer_id),
    )


def _back() -> str:
    """Where the act was begun: on an officer's page, or on one's own account."""
    officer_id = (request.view_args or {}).get("officer_id")
    return url_for("auth.account_page") if officer_id is None else url_for("admin.officer_page", officer_id=officer_id)


_NOT_KEPT = frozenset({"csrf_token", PASSWORD, CODE, BEFORE})
