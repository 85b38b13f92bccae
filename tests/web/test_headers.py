"""Every answer carries the same protection, pages or files, errors or not; and says how long it may be kept."""

from __future__ import annotations

import gzip
from collections.abc import Callable

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from elearn.web.access import open_to
from tests.given import COURSE, Given
from tests.pages import Visitor

CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; object-src 'none'; frame-ancestors 'none'"
)
ALWAYS = {
    "Content-Security-Policy": CSP,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": (
        "accelerometer=(), autoplay=(), camera=(), display-capture=(), encrypted-media=(), "
        "fullscreen=(), geolocation=(), gyroscope=(), hid=(), magnetometer=(), microphone=(), midi=(), payment=(), "
        "publickey-credentials-get=(), screen-wake-lock=(), serial=(), usb=(), xr-spatial-tracking=()"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
LESSON = f"/courses/{COURSE}/plain-words/four-kinds"

Visit = Callable[..., Visitor]


def protection(response: TestResponse) -> dict[str, str]:
    return {name: response.headers.get(name, "") for name in ALWAYS}


def boom() -> str:
    raise RuntimeError("a secret detail")


@pytest.fixture
def breaking(sqlite_app: Flask) -> Flask:
    """The application with a page that fails, as it would in production."""
    sqlite_app.testing = False
    sqlite_app.add_url_rule("/boom", view_func=open_to("anyone")(boom))
    return sqlite_app


@pytest.mark.parametrize("address", ["/", "/privacy", "/sign-in", "/verify", "/health/live", "/.well-known/jwks.json"])
def test_what_anyone_may_see_is_protected(visit: Visit, address: str) -> None:
    response = visit().get(address)
    assert response.status_code == 200
    assert protection(response) == ALWAYS


@pytest.mark.parametrize("address", ["/", LESSON, f"/courses/{COURSE}", f"/courses/{COURSE}/status", "/certificates"])
def test_an_officers_pages_are_protected(given: Given, visit: Visit, address: str) -> None:
    response = visit(given.officer("Meera")).get(address)
    assert response.status_code == 200
    assert protection(response) == ALWAYS


def test_redirects_and_refusals_are_protected(given: Given, visit: Visit) -> None:
    stranger, meera = visit(), visit(given.officer("Meera"))
    answers = {
        302: stranger.get(LESSON, follow=False),
        404: stranger.get("/no-such-page"),
        405: stranger.post("/privacy"),
        400: meera.post(f"{LESSON}/done", {"csrf_token": "forged"}),
        403: meera.get(f"/supervise/{COURSE}"),
    }
    assert {status: answer.status_code for status, answer in answers.items()} == {status: status for status in answers}
    assert all(protection(answer) == ALWAYS for answer in answers.values())
    assert all(answer.headers["Cache-Control"] == "no-store" for answer in answers.values())


def test_a_failure_of_ours_is_protected_and_tells_nothing(breaking: Flask) -> None:
    response = breaking.test_client().get("/boom")
    assert response.status_code == 500
    assert protection(response) == ALWAYS
    assert "secret detail" not in response.text
    assert "Traceback" not in response.text


def test_static_files_are_protected_and_kept_for_ever(visit: Visit) -> None:
    visitor = visit()
    sheet = visitor.open("/").root.one("link", rel="stylesheet").attributes["href"]
    response = visitor.get(sheet)
    assert protection(response) == ALWAYS
    assert response.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert response.mimetype == "text/css"


def test_a_picture_is_kept_for_ever_and_may_do_nothing(given: Given, visit: Visit) -> None:
    picture = given.course.pictures[0]
    response = visit(given.officer("Meera")).get(f"/courses/{COURSE}/media/{picture.hash}/{picture.name}")
    policy = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; sandbox"
    assert response.data == picture.data
    assert protection(response) == {**ALWAYS, "Content-Security-Policy": policy}
    assert response.headers["Cache-Control"] == "public, max-age=31536000, immutable"


def test_https_sites_ask_browsers_to_stay_on_https(make_app: Callable[..., Flask], sqlite_url: str) -> None:
    secure = make_app(sqlite_url, base_url="https://learn.example.gov.in").test_client().get("/privacy")
    plain = make_app(sqlite_url).test_client().get("/privacy")
    assert secure.headers["Strict-Transport-Security"] == "max-age=31536000; includeSubDomains"
    assert "Strict-Transport-Security" not in plain.headers


@pytest.mark.parametrize(
    "address", ["/", f"/courses/{COURSE}/status", f"/courses/{COURSE}/quizzes/plain-words", "/certificates"]
)
def test_pages_with_records_are_kept_nowhere(given: Given, visit: Visit, address: str) -> None:
    assert visit(given.officer("Meera")).get(address).headers["Cache-Control"] == "no-store"


def test_a_lesson_read_again_costs_a_short_answer(given: Given, visit: Visit) -> None:
    meera = visit(given.officer("Meera"))
    first = meera.get(LESSON)
    again = meera.get(LESSON, headers={"If-None-Match": first.headers["ETag"]})
    assert first.headers["Cache-Control"] == "private, no-cache"
    assert (again.status_code, again.data) == (304, b"")
    assert protection(again) == ALWAYS
    assert {"Cookie", "Accept-Language", "Accept-Encoding"} <= set(first.vary)


def test_a_lesson_that_changed_is_sent_again(given: Given, visit: Visit) -> None:
    person = given.officer("Meera")
    meera = visit(person)
    before = meera.get(LESSON).headers["ETag"]
    given.checks_answered(person, given.course.lessons()[0])
    changed = meera.get(LESSON, headers={"If-None-Match": before})
    meera.speak("hi")
    hindi = meera.get(LESSON, headers={"If-None-Match": changed.headers["ETag"]})
    assert (changed.status_code, hindi.status_code) == (200, 200)


def test_pages_travel_compressed_and_say_the_same(visit: Visit) -> None:
    visitor = visit()
    plain = visitor.get("/privacy")
    packed = visitor.get("/privacy", headers={"Accept-Encoding": "gzip"})
    assert packed.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed.data) == plain.data
    assert int(packed.headers["Content-Length"]) == len(packed.data) < len(plain.data) / 2
    assert packed.headers["ETag"] == plain.headers["ETag"]


@pytest.mark.parametrize("address", ["/verify?serial=GUESS", "/no-such-page"])
def test_what_may_repeat_a_strangers_text_is_not_compressed(visit: Visit, address: str) -> None:
    assert "Content-Encoding" not in visit().get(address, headers={"Accept-Encoding": "gzip"}).headers


def test_a_browser_that_refuses_gzip_gets_none(visit: Visit) -> None:
    response = visit().get("/privacy", headers={"Accept-Encoding": "gzip;q=0, identity"})
    assert "Content-Encoding" not in response.headers


def test_static_files_travel_compressed(sqlite_app: Flask, visit: Visit) -> None:
    sheet = visit().open("/").root.one("link", rel="stylesheet").attributes["href"]
    client = sqlite_app.test_client()
    packed = client.get(sheet, headers={"Accept-Encoding": "gzip"})
    assert gzip.decompress(packed.data) == client.get(sheet).data
    assert len(packed.data) < 10_000


@pytest.mark.parametrize("change", [("css/style.css", "css/none.css"), ("/static/", "/static/0"), ("css/", "../web/")])
def test_other_static_addresses_are_not_found(visit: Visit, change: tuple[str, str]) -> None:
    visitor = visit()
    sheet = visitor.open("/").root.one("link", rel="stylesheet").attributes["href"]
    assert visitor.get(sheet.replace(*change)).status_code == 404
