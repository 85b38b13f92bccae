"""The site answers to its own name and to no other, whoever claims what, and leads nobody away."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime

import pytest
from aiosmtpd.controller import Controller
from flask import Flask, request
from werkzeug.test import TestResponse

from elearn.web.access import safe_next
from tests.given import COURSE, Given
from tests.pages import Visitor
from tests.server import free_port

Make = Callable[..., Flask]

SITE = {"base_url": "https://learn.example.gov.in", "trusted_hosts": ("10.0.0.5", "learn.state.example")}

NOT_OURS = (
    "evil.test",
    "learn.example.gov.in.evil.test",
    "evil.learn.example.gov.in",
    "learn.example.gov.in@evil.test",
    "learn.example.gov.in:80@evil.test",
    "learn.example.gov.in:port",
    "learn.example.gov.in:443:443",
    "learn.example.gov.in:123456",
    "learn.example.gov.in evil.test",
    "learn.example.gov.in,evil.test",
    "learn.example.gov.in/",
    "learn.example.gov.in.",
    "lea\u0280n.example.gov.in",
    "localhost",
    "127.0.0.1",
    "[::1]",
    "10.0.0.50",
    "",
)

# Where a `next` may try to lead; each must lead nowhere but here.
HOSTILE_NEXT = (
    "//evil.test",
    "///evil.test",
    "////evil.test//",
    "/\\evil.test",
    "\\/evil.test",
    "\\\\evil.test",
    "/\\/evil.test",
    "/\t/evil.test",
    "/\n/evil.test",
    "/\r/evil.test",
    "\t//evil.test",
    " //evil.test",
    "\x00//evil.test",
    "/\x00/evil.test",
    "/ /evil.test",
    "http://evil.test",
    "https://evil.test/",
    "HTTPS://evil.test/",
    "https:evil.test",
    "https:/evil.test",
    "https:///evil.test",
    "http:\\\\evil.test",
    "ftp://evil.test",
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)",
    "java\nscript:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    "vbscript:x",
    "mailto:a@evil.test",
    "file:///etc/passwd",
    "evil.test",
    "evil.test/path",
    "www.evil.test",
    "@evil.test",
    ".evil.test",
    "..//evil.test",
    "./evil.test",
    "?next=//evil.test",
    "#//evil.test",
    ":80//evil.test",
    "%2f%2fevil.test",
    "%5cevil.test",
    "\u3000//evil.test",
    "\u2028//evil.test",
    "\uff0f\uff0fevil.test",
    "\u202e//evil.test",
    "/x\r\nSet-Cookie: a=b",
    "/x\nLocation: //evil.test",
    "/" + "a" * 3000,
    "",
)
# What looks odd and stays here.
HARMLESS_NEXT = (
    "/account",
    "/courses/x?a=b&c=//d",
    "/@evil.test",
    "/%2f%2fevil.test",
    "/.//evil.test",
    "/मीरा",
    "/;//e",
)


@pytest.fixture
def site(make_app: Make, sqlite_url: str) -> Flask:
    return make_app(sqlite_url, **SITE)


def asked(app: Flask, host: str | None, path: str = "/help", **headers: str) -> TestResponse:
    environ = {"HTTP_HOST": host} if host is not None else {}
    return app.test_client().get(path, headers=headers, environ_overrides=environ)


@pytest.mark.parametrize(
    "host",
    [
        "learn.example.gov.in",
        "LEARN.example.gov.in",
        "learn.example.gov.in:443",
        "10.0.0.5:8000",
        "learn.state.example",
    ],
)
def test_the_site_answers_to_its_own_names_on_any_port(site: Flask, host: str) -> None:
    assert asked(site, host).status_code == 200


@pytest.mark.parametrize("host", NOT_OURS)
def test_any_other_name_gets_a_page_that_does_not_repeat_it(site: Flask, host: str) -> None:
    response = asked(site, host, "/help", Accept="text/html")
    assert response.status_code == 400
    assert "This is not the address of this site" in response.text
    assert "evil" not in response.text + str(response.headers)


def test_a_program_is_told_by_a_code(site: Flask) -> None:
    response = asked(site, "evil.test", Accept="application/json")
    assert (response.status_code, response.json and response.json["error"]) == (400, "wrong-host")


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:8123", "[::1]:8123", "LOCALHOST"])
def test_a_site_of_this_machine_goes_by_all_its_names(make_app: Make, sqlite_url: str, host: str) -> None:
    assert asked(make_app(sqlite_url, base_url="http://127.0.0.1:8000"), host).status_code == 200


def test_how_it_is_may_be_asked_by_any_name_and_nothing_else(site: Flask) -> None:
    by_address = {path: asked(site, "192.0.2.7", path).status_code for path in ("/health/live", "/health/ready", "/")}
    assert by_address == {"/health/live": 200, "/health/ready": 200, "/": 400}
    marked = {name for name, view in site.view_functions.items() if getattr(view, "by_any_name", False)}
    assert marked == {"public.live", "public.ready"}


# Proxies


def seen(make_app: Make, url: str, proxies: int, forwarded: str, **headers: str) -> tuple[str, str, str]:
    """(address, scheme, host) that the application takes a request for."""
    app, told = make_app(url, trusted_proxies=proxies), []
    app.before_request_funcs.setdefault(None, []).insert(
        0, lambda: told.append((request.remote_addr, request.scheme, request.host))
    )
    app.test_client().get(
        "/help",
        headers={"X-Forwarded-For": forwarded, **headers} if forwarded else headers,
        environ_overrides={"REMOTE_ADDR": "192.0.2.1"},
    )
    address, scheme, host = told[0]
    return str(address), scheme, host


SPOOFED = "203.0.113.66"


@pytest.mark.parametrize(
    ("proxies", "forwarded", "expected"),
    [
        (0, SPOOFED, "192.0.2.1"),
        (0, f"{SPOOFED}, 198.51.100.7", "192.0.2.1"),
        (1, "", "192.0.2.1"),
        (1, "198.51.100.7", "198.51.100.7"),
        (1, f"{SPOOFED}, 198.51.100.7", "198.51.100.7"),
        (1, f"{SPOOFED},{SPOOFED}, 198.51.100.7", "198.51.100.7"),
        (2, "198.51.100.7", "192.0.2.1"),  # fewer than there should be: somebody came round the first proxy
        (2, "198.51.100.7, 192.0.2.2", "198.51.100.7"),
        (2, f"{SPOOFED}, 198.51.100.7, 192.0.2.2", "198.51.100.7"),
    ],
)
def test_an_address_is_taken_from_as_many_proxies_as_there_are(
    make_app: Make, sqlite_url: str, proxies: int, forwarded: str, expected: str
) -> None:
    assert seen(make_app, sqlite_url, proxies, forwarded)[0] == expected


def test_without_a_proxy_no_forwarded_header_counts(make_app: Make, sqlite_url: str) -> None:
    spoofed = {
        "X-Forwarded-Host": "evil.test",
        "X-Forwarded-Proto": "https",
        "X-Forwarded-Port": "444",
        "X-Forwarded-Prefix": "/evil",
        "X-Real-IP": SPOOFED,
        "Forwarded": f"for={SPOOFED};host=evil.test;proto=https",
        "Client-IP": SPOOFED,
    }
    assert seen(make_app, sqlite_url, 0, SPOOFED, **spoofed) == ("192.0.2.1", "http", "localhost")


def test_behind_a_proxy_a_forwarded_host_must_be_ours_too(make_app: Make, sqlite_url: str) -> None:
    app = make_app(sqlite_url, trusted_proxies=1, **SITE)
    assert asked(app, "10.0.0.5", **{"X-Forwarded-Host": "learn.example.gov.in"}).status_code == 200
    poisoned = asked(app, "learn.example.gov.in", **{"X-Forwarded-Host": "evil.test"})
    assert poisoned.status_code == 400
    assert "evil" not in poisoned.text + str(poisoned.headers)
    assert poisoned.headers["Cache-Control"] == "no-store"


# Letters


class Box:
    """What the mail server has received."""

    def __init__(self) -> None:
        self.letters: list[str] = []

    async def handle_DATA(self, _server: object, _session: object, envelope: object) -> str:
        self.letters.append(envelope.content.decode())  # type: ignore[attr-defined]
        return "250 OK"


@pytest.fixture
def post_office() -> Iterator[tuple[Box, int]]:
    box, port = Box(), free_port()
    controller = Controller(box, hostname="127.0.0.1", port=port)
    controller.start()
    yield box, port
    controller.stop()


def test_no_stranger_chooses_where_a_one_time_link_leads(
    make_app: Make, sqlite_url: str, post_office: tuple[Box, int], now: datetime
) -> None:
    box, port = post_office
    app = make_app(sqlite_url, mail_url=f"smtp://127.0.0.1:{port}", trusted_proxies=1, base_url="http://localhost")
    with app.app_context():
        given = Given(app, now)
        meera = given.officer("Meera")
        for poison in ({"Host": "evil.test"}, {"X-Forwarded-Host": "evil.test"}, {"Referer": "http://evil.test/"}):
            visitor = Visitor(app)
            visitor.get("/forgotten")
            # Closed, because the letter goes out once the answer is out.
            visitor.post("/forgotten", {"email": meera.email}, headers=poison).close()
    (letter,) = box.letters  # of the one with an odd Referer, which is no lie about the host
    assert "http://localhost/first-password/" in letter
    assert "evil" not in letter


# Where one is led


def test_the_table_of_hostile_addresses_is_long() -> None:
    assert len(set(HOSTILE_NEXT)) >= 40


@pytest.mark.parametrize("target", HOSTILE_NEXT)
def test_nothing_hostile_is_an_address_of_this_site(sqlite_app: Flask, target: str) -> None:
    assert safe_next(target) is None
    response = sqlite_app.test_client().get("/language/hi", query_string={"next": target})
    assert response.headers["Location"] == "/"
    assert "Set-Cookie" in response.headers
    assert len(response.headers.getlist("Set-Cookie")) == 1
    door = Visitor(sqlite_app).open("/sign-in", query_string={"next": target})
    assert door.fields(door.form("/sign-in")).get("next", "") == ""


@pytest.mark.parametrize("target", HARMLESS_NEXT)
def test_what_only_looks_odd_stays_on_this_site(sqlite_app: Flask, target: str) -> None:
    response = sqlite_app.test_client().get("/language/hi", query_string={"next": target})
    location = response.headers["Location"]
    assert location.startswith("/")
    assert not location.startswith("//")
    assert location.isascii()


def test_after_signing_in_nobody_is_led_away_either(given: Given) -> None:
    meera = given.officer("Meera")
    for target in HOSTILE_NEXT[:8]:
        visitor = given.visit()
        visitor.get("/sign-in")
        form = {"email": meera.email, "password": "three words together", "next": target}
        assert visitor.post("/sign-in", form, follow=False).headers["Location"] == "/"


def test_a_form_sent_from_elsewhere_does_not_bring_its_senders_address_back(visit: Callable[..., Visitor]) -> None:
    visitor = visit()
    referrers = (
        "http://evil.test//evil.test/x",
        "http://localhost//evil.test",
        "http://[::1",
        "http://localhost\\@evil",
    )
    for referrer in referrers:
        answer = visitor.post(
            f"/courses/{COURSE}/plain-words/four-kinds/done", headers={"Referer": referrer}, follow=False
        )
        assert (answer.status_code, answer.headers["Location"]) in ((302, "/sign-in"), (302, "/sign-in?next=/"))


def test_a_number_that_no_row_can_have_leads_nowhere(given: Given, visit: Callable[..., Visitor]) -> None:
    tara = visit(given.trainer())
    for number in ("0", str(2**63 - 1), str(2**63), "9" * 400):
        assert tara.post(f"/trainer/reports/{number}").status_code == 404
