"""When something cannot be answered, people get a page that says what to do and programs get a code."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask, abort
from sqlalchemy.exc import OperationalError
from werkzeug.exceptions import TooManyRequests

from elearn.web.access import open_to
from tests.given import COURSE, Given
from tests.pages import Visitor

LESSON = f"/courses/{COURSE}/plain-words/four-kinds"
JSON = {"Accept": "application/json"}

Visit = Callable[..., Visitor]


@pytest.fixture
def failing(sqlite_app: Flask) -> Flask:
    """The application with pages that fail in known ways, as it would in production."""
    sqlite_app.testing = False

    def fail(how: str) -> str:
        if how == "database":
            raise OperationalError("SELECT secret", {}, Exception("database is locked"))
        if how == "busy":
            raise TooManyRequests(retry_after=30)
        if how == "large":
            abort(413)
        raise RuntimeError("a secret detail")

    sqlite_app.add_url_rule("/fail/<how>", view_func=open_to("anyone")(fail), methods=["GET", "POST"])
    return sqlite_app


def test_an_unknown_address_leads_back_to_the_start(visit: Visit) -> None:
    visitor = visit()
    response = visitor.get("/no-such-page")
    assert response.status_code == 404
    assert visitor.page
    assert visitor.page.heading == "Page not found"
    assert visitor.page.links["To the start page"] == "/"


@pytest.mark.parametrize("address", ["/courses/none", f"/courses/{COURSE}/plain-words/none", "/attempts/0"])
def test_what_is_not_served_is_not_found(given: Given, visit: Visit, address: str) -> None:
    assert visit(given.officer("Meera")).get(address).status_code == 404


def test_an_old_form_is_asked_for_again(given: Given, visit: Visit) -> None:
    meera = visit(given.officer("Meera"))
    response = meera.post(f"{LESSON}/done", {"csrf_token": "from another day"})
    assert response.status_code == 400
    assert "This page was open too long. Go back, reload the page, and send again." in response.text


def test_a_token_that_is_not_ascii_is_refused_like_any_other(given: Given, visit: Visit) -> None:
    assert visit(given.officer("Meera")).post(f"{LESSON}/done", {"csrf_token": "é"}).status_code == 400


def test_the_wrong_role_is_told_whom_to_ask(given: Given, visit: Visit) -> None:
    response = visit(given.officer("Meera")).get(f"/supervise/{COURSE}")
    assert response.status_code == 403
    assert "ask your training office" in response.text


def test_an_address_for_forms_says_what_it_takes(given: Given, visit: Visit) -> None:
    response = visit(given.officer("Meera")).get(f"{LESSON}/done")
    assert response.status_code == 405
    assert "POST" in response.headers["Allow"]


def test_too_many_tries_say_when_to_come_back(failing: Flask) -> None:
    response = failing.test_client().get("/fail/busy")
    assert (response.status_code, response.headers["Retry-After"]) == (429, "30")


def test_a_database_that_is_away_is_told_as_not_now(failing: Flask) -> None:
    response = failing.test_client().get("/fail/database")
    assert (response.status_code, response.headers["Retry-After"]) == (503, "5")
    assert "Not available just now" in response.text
    assert "SELECT" not in response.text


def test_what_was_sent_can_be_sent_again_when_the_database_is_back(failing: Flask) -> None:
    visitor = Visitor(failing)
    visitor.get("/")
    visitor.post("/fail/database", {"answer": "<b>forty</b>", "other": "two"})
    assert visitor.page
    kept = visitor.page.fields(visitor.page.form("/fail/database"))
    assert (kept["answer"], kept["other"], kept["csrf_token"]) == ("<b>forty</b>", "two", visitor.token())


def test_a_password_is_never_repeated(failing: Flask) -> None:
    visitor = Visitor(failing)
    visitor.get("/")
    response = visitor.post("/fail/database", {"email": "meera@model.test", "password": "three words together"})
    assert "three words together" not in response.text


def test_an_error_of_ours_is_told_without_its_details(failing: Flask) -> None:
    response = failing.test_client().get("/fail/ours")
    assert response.status_code == 500
    assert "Something went wrong" in response.text
    assert "secret" not in response.text


@pytest.mark.parametrize(
    ("address", "status", "code"),
    [
        ("/no-such-page", 404, "not-found"),
        ("/fail/database", 503, "unavailable"),
        ("/fail/busy", 429, "too-many"),
        ("/fail/large", 413, "too-large"),
        ("/fail/ours", 500, "server-error"),
    ],
)
def test_programs_get_a_code_and_a_sentence(failing: Flask, address: str, status: int, code: str) -> None:
    response = failing.test_client().get(address, headers=JSON)
    assert (response.status_code, response.mimetype) == (status, "application/json")
    assert response.json
    assert response.json["error"] == code
    assert response.json["message"].endswith(".")


def test_a_body_that_is_too_large_is_refused(visit: Visit) -> None:
    visitor = visit()
    visitor.get("/verify")
    assert visitor.post("/verify", {"serial": "0" * 3_000_000}).status_code == 413


def test_errors_speak_the_readers_language_and_come_back_to_no_form(given: Given, visit: Visit) -> None:
    meera = visit(given.officer("Meera"))
    meera.post(f"{LESSON}/checks/none")
    assert meera.page
    switch = meera.page.links["हिन्दी"]
    assert switch == "/language/hi?next=/"


def test_a_strange_host_name_is_no_failure_of_ours(sqlite_app: Flask) -> None:
    response = sqlite_app.test_client().get("/privacy", headers={"Host": "evil.example\\@x"})
    assert response.status_code < 500
