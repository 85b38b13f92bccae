"""Every answer carries the same protection, pages or files, errors or not; and says how long it may be kept."""

from __future__ import annotations

import gzip
import re
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from sqlalchemy.exc import OperationalError
from werkzeug.exceptions import TooManyRequests
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

FORM = "application/x-www-form-urlencoded"
PART = b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n\r\n'
MANY_PARTS = PART * 1001 + b"--b--\r\n"
NESTED_PARTS = b"".join(
    b'--b\r\nContent-Disposition: form-data; name="a"\r\nContent-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n'
    % (depth, depth)
    for depth in range(200)
)

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
    secure = make_app(sqlite_url, base_url="https://localhost").test_client().get("/privacy")
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


# Every kind of answer, whole


@pytest.fixture
def site(make_app: Callable[..., Flask], sqlite_url: str) -> Flask:
    """A site as its visitors reach it: over https, with pages that fail in known ways."""
    app = make_app(sqlite_url, base_url="https://localhost")
    app.testing = False

    def fail(how: str) -> str:
        if how == "away":
            raise OperationalError("SELECT secret", {}, Exception("database is locked"))
        if how == "busy":
            raise TooManyRequests(retry_after=30)
        raise RuntimeError("a secret detail")

    app.add_url_rule("/fail/<how>", view_func=open_to("anyone")(fail))
    return app


OVER_HTTPS = {**ALWAYS, "Strict-Transport-Security": "max-age=31536000; includeSubDomains"}
PAGE = {"Content-Type", "Content-Length", "Cache-Control", "Vary"}

# (method, address, more, status, the names of its headers beside the protection)
KINDS: list[tuple[str, str, dict[str, Any], int, set[str]]] = [
    ("GET", "/privacy", {}, 200, {*PAGE, "ETag"}),
    ("HEAD", "/privacy", {}, 200, {*PAGE, "ETag"}),
    ("OPTIONS", "/privacy", {}, 200, {*PAGE, "Allow"}),
    ("TRACE", "/privacy", {"headers": {"X-Secret": "s"}}, 405, {*PAGE, "Allow"}),
    ("TRACK", "/privacy", {}, 405, {*PAGE, "Allow"}),
    ("PUT", "/privacy", {"data": b"x"}, 405, {*PAGE, "Allow"}),
    ("GET", "/sign-in", {}, 200, {*PAGE, "Set-Cookie"}),
    ("GET", "/account", {}, 302, {*PAGE, "Location"}),
    ("GET", "/language/hi?next=/help", {}, 302, {*PAGE, "Location", "Set-Cookie"}),
    ("POST", "/sign-in", {"data": {"email": "a"}}, 400, PAGE),
    ("POST", "/sign-in", {"data": b"a=" + b"x" * 70_000, "content_type": FORM}, 413, PAGE),
    ("POST", "/sign-in", {"data": b"a=&" * 1001, "content_type": FORM}, 413, PAGE),
    ("POST", "/verify", {"data": b"x" * 2_100_000, "content_type": FORM}, 413, PAGE),
    ("POST", "/verify", {"data": MANY_PARTS, "content_type": "multipart/form-data; boundary=b"}, 413, PAGE),
    ("POST", "/verify", {"data": NESTED_PARTS, "content_type": "multipart/form-data; boundary=b"}, 400, PAGE),
    ("POST", "/verify", {"data": b"x", "content_type": "multipart/form-data"}, 400, PAGE),
    ("GET", "/no-such-page", {}, 404, PAGE),
    ("GET", "/no-such-page", {"headers": {"Accept": "application/json"}}, 404, PAGE),
    ("GET", "/static/0/css/style.css", {}, 404, PAGE),
    ("GET", "/fail/busy", {}, 429, {*PAGE, "Retry-After"}),
    ("GET", "/fail/ours", {}, 500, PAGE),
    ("GET", "/fail/away", {}, 503, {*PAGE, "Retry-After"}),
    ("GET", "/health/live", {}, 200, PAGE),
    ("GET", "/robots.txt", {}, 200, PAGE),
    ("GET", "/.well-known/jwks.json", {}, 200, PAGE),
]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: f"{kind[0]} {kind[1]} {kind[3]}")
def test_every_kind_of_answer_has_these_headers_and_no_others(
    site: Flask, kind: tuple[str, str, dict[str, Any], int, set[str]]
) -> None:
    method, address, more, status, names = kind
    response = site.test_client().open(address, method=method, base_url="https://localhost", **more)
    assert response.status_code == status
    assert {name: response.headers.get(name) for name in OVER_HTTPS} == OVER_HTTPS
    assert set(response.headers.keys()) == {*OVER_HTTPS, *names}
    if status >= 400:
        assert response.headers["Cache-Control"] == "no-store"
        assert "secret" not in response.text


def test_what_is_downloaded_is_protected_and_kept_nowhere(given: Given, visit: Visit) -> None:
    boss = visit(given.supervisor())
    for name in ("completions.csv", "completions.csv.sha256"):
        response = boss.get(f"/supervise/{COURSE}/{name}")
        assert response.status_code == 200
        assert protection(response) == ALWAYS
        assert response.headers["Cache-Control"] == "no-store"
        assert response.headers["Content-Disposition"].startswith("attachment; filename=completions-")


# Cookies


def test_cookies_are_set_byte_for_byte_over_https(site: Flask) -> None:
    client = site.test_client()
    (session,) = client.get("/sign-in", base_url="https://localhost").headers.getlist("Set-Cookie")
    name, _, rest = session.partition("=")
    assert name == "__Host-elearn"
    assert rest.split("; ", 1)[1] == "Secure; HttpOnly; Path=/; SameSite=Lax"
    (language,) = client.get("/language/hi", base_url="https://localhost").headers.getlist("Set-Cookie")
    name, _, rest = language.partition("=")
    assert name == "__Host-language"
    assert re.fullmatch(r"hi; Expires=[^;]+; Max-Age=31536000; Secure; HttpOnly; Path=/; SameSite=Lax", rest)
    assert '<html lang="hi"' in client.get("/help", base_url="https://localhost").text


def test_a_cookie_of_another_kind_or_signature_brings_nobody(given: Given, visit: Visit) -> None:
    meera = visit(given.officer("Meera"))
    cookie = meera.client.get_cookie("elearn")
    assert cookie
    value = cookie.value
    unsigned, other = value.rsplit(".", 1)[0], f"{value[:-2]}AA" if not value.endswith("AA") else f"{value[:-2]}BB"
    for forged in (unsigned, f"{unsigned}.", other, value[1:], value + "x", "a" * 3000, "\u00e9", ""):
        stranger = visit()
        stranger.client.set_cookie("elearn", forged)
        assert stranger.get("/account", follow=False).status_code == 302


def test_signing_out_empties_what_the_browser_kept(given: Given, visit: Visit) -> None:
    meera = visit(given.officer("Meera"))
    meera.open("/account")
    answer = meera.submit("/sign-out", follow=False)
    assert answer.headers["Clear-Site-Data"] == '"cache"'
    assert re.match(r"elearn=; Expires=Thu, 01 Jan 1970 [^;]+; Max-Age=0; ", answer.headers["Set-Cookie"])


# Shared machines


def test_a_page_of_one_officer_is_never_confirmed_to_the_next(given: Given, visit: Visit) -> None:
    """On a shared computer the second officer's browser may still have the first one's page, with its tag."""
    first = visit(given.officer("Meera")).get(LESSON)
    second = visit(given.officer("Leela")).get(LESSON, headers={"If-None-Match": first.headers["ETag"]})
    stranger = visit().get(LESSON, headers={"If-None-Match": first.headers["ETag"]}, follow=False)
    assert (second.status_code, stranger.status_code) == (200, 302)
    assert second.headers["ETag"] != first.headers["ETag"]
    assert first.headers["Cache-Control"] == "private, no-cache"


@pytest.mark.parametrize("tags", ["*", 'W/"' + "0" * 32 + '"', '"' * 3000, "W/", '"a", ' * 500])
def test_no_tag_but_the_pages_own_saves_sending_it(given: Given, visit: Visit, tags: str) -> None:
    answer = visit(given.officer("Meera")).get(LESSON, headers={"If-None-Match": tags})
    assert answer.status_code in ((200, 304) if tags == "*" else (200,))


def test_a_cache_in_between_keeps_nothing_but_files(given: Given, visit: Visit) -> None:
    """Nothing that a name at the end of the address could make a cache take for a file of everybody's."""
    meera = visit(given.officer("Meera"))
    for address in ("/account/x.css", "/account.css", f"{LESSON}/a.js", "/account;a.css", "/account%2fa.css"):
        assert meera.get(address).status_code == 404
        assert meera.get(address).headers["Cache-Control"] == "no-store"
