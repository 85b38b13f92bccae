"""The whole trip to a real provider and back, between real processes, by a browser that fills in its forms."""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from urllib.parse import parse_qs, urlsplit

import pytest
from flask_migrate import upgrade
from sqlalchemy import select, update

from config import from_environment
from elearn import create_app
from elearn.models.database import db, reading, writing
from elearn.models.people import AccessLog, FederatedIdentity, Officer, SignIn
from elearn.services import people
from tests.given import PASSWORD, Given, Person
from tests.pages import Page
from tests.provider import RealProvider, Somebody, path_of, providing
from tests.server import ELEARN, ROOT, Answer, Browser, Server, environment, served_from, serving

BEGIN, RETURN = "/sign-in/sso", "/sign-in/sso/return"
AWAY_WITHIN = 15  # seconds: what the provider is given, and what a busy machine takes on top


@dataclass
class House:
    """Our server and the provider beside it; `given` works on the server's own records."""

    server: Server
    provider: RealProvider
    given: Given

    def begin(self, browser: Browser, target: str = "") -> str:
        """The provider's address that a press on the button leads to."""
        answer = browser.get(f"{BEGIN}?next={target}" if target else BEGIN)
        assert answer.status == 302, answer.text
        assert answer.location.startswith(self.provider.issuer)
        return answer.location

    def come_back(self, browser: Browser, name: str, target: str = "", answer: str = "accept") -> Answer:
        """The answer of ours to somebody who went to the provider and signed in there."""
        led = self.provider.sign_in(self.begin(browser, target), name, answer)
        assert led.startswith(self.server.url + RETURN), led
        return browser.get(path_of(led))

    def known_as(self, people_there: list[Somebody], verifies: bool = True) -> None:
        """Starts the provider anew, with other people, or another word on their e-mails, and with new keys."""
        self.provider.stop()
        self.provider.people, self.provider.verifies = people_there, verifies
        self.provider.start()


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder, beside = tmp_path_factory.mktemp("house"), tmp_path_factory.mktemp("provider")
    with _house(folder, beside) as running:
        yield running


@contextmanager
def _house(folder: Path, beside: Path) -> Iterator[House]:
    server = served_from(folder)
    provider = RealProvider(beside, server.url + RETURN)
    known = provider.settings()
    oidc = {"ISSUER": known.issuer, "CLIENT_ID": known.client_id, "CLIENT_SECRET": known.client_secret}
    oidc |= {"LABEL": "Canaille"}
    server.settings = {**server.settings, **{f"ELEARN_OIDC_{name}": value for name, value in oidc.items()}}
    app = create_app(from_environment(server.settings))
    with app.app_context():
        upgrade()
        given = Given(app, datetime.now(UTC))
        meera, left = given.officer("Meera", password=""), given.officer("Left", password="")
        people.disable_officer(left.id, given.now)
        provider.people = [
            Somebody("meera", meera.email),
            Somebody("left", left.email),
            Somebody("nobody", "nobody@model.test"),
        ]
        with providing(provider), serving(server):
            yield House(server, provider, given)
        db.engine.dispose()


def page_of(answer: Answer) -> Page:
    page = Page(answer, RETURN)  # type: ignore[arg-type]
    assert page.mistakes == []
    return page


def who_is(browser: Browser) -> str:
    """The e-mail on the account page, or nothing for somebody who is not signed in."""
    answer = browser.get("/account")
    return Page(answer, "/account").root.all("dd")[1].text if answer.status == 200 else ""  # type: ignore[arg-type]


def email_of(house: House, name: str) -> str:
    return next(one.email for one in house.provider.people if one.name == name)


# The trip


def test_an_officer_comes_in_by_the_provider_and_is_where_she_wanted_to_go(house: House) -> None:
    browser = house.server.browser()
    assert browser.get("/account").location == "/sign-in?next=/account"
    page = Page(browser.get("/sign-in?next=/account"), "/sign-in")  # type: ignore[arg-type]
    assert page.mistakes == []
    assert page.links["Sign in with Canaille"] == f"{BEGIN}?next=/account"
    answer = house.come_back(browser, "meera", "/account")
    assert (answer.status, answer.location) == (302, "/account")
    assert who_is(browser) == email_of(house, "meera")


def test_she_is_asked_by_the_provider_whether_we_may_know(house: House) -> None:
    browser = house.server.browser()
    house.provider.stop()
    house.provider.trusted = False
    house.provider.start()
    try:
        page = page_of(answer := house.come_back(browser, "meera", answer="deny"))
        assert (answer.status, page.heading) == (400, "You are not signed in")
        assert "cancelled" in page.text
        assert who_is(browser) == ""
        assert house.come_back(browser, "meera").status == 302
        assert who_is(browser) == email_of(house, "meera")
    finally:
        house.provider.stop()
        house.provider.trusted = True
        house.provider.start()


def test_each_sign_in_is_new_is_noted_and_ends_the_one_before(house: House) -> None:
    browser = house.server.browser()
    house.come_back(browser, "meera")
    before = dict(browser.cookies)
    browser.cookies.pop("elearn")
    house.come_back(browser, "meera")
    assert browser.cookies["elearn"] != before["elearn"]
    with reading() as connection:
        query = select(AccessLog.detail).where(AccessLog.event == "sign_in").order_by(AccessLog.id.desc())
        assert connection.execute(query.limit(1)).scalar_one() == "single sign-on"


def test_signed_in_she_is_led_on_at_once(house: House) -> None:
    browser = house.server.browser()
    house.come_back(browser, "meera")
    answer = browser.get(f"{BEGIN}?next=/account")
    assert (answer.status, answer.location) == (302, "/account")


def test_signing_in_again_there_proves_who_is_there(house: House) -> None:
    """The provider knows her still, by its own cookie, and asks for her password all the same."""
    ours, theirs = house.server.browser(), house.provider.browser()
    led = house.provider.sign_in(house.begin(ours, "/account"), "meera", browser=theirs)
    ours.get(path_of(led))
    with writing() as connection:
        connection.execute(update(SignIn).values(proved_at=None))
    page = page_of(_begins_second_factor(house, ours))
    assert page.heading == "Please confirm that it is you"
    assert not page.root.all("input", name="proof-password")  # she has none
    again = page.links["Sign in again with Canaille"]
    assert again == f"{BEGIN}?again=1&next=/account/second-factor"
    address = ours.get(again).location
    led = house.provider.sign_in(address, "meera", browser=theirs)
    assert ours.get(path_of(led)).location == "/account/second-factor"
    page = page_of(_begins_second_factor(house, ours))
    assert page.heading == "Second factor"


def _begins_second_factor(house: House, browser: Browser) -> Answer:
    where = "/account/second-factor"
    token = page_of(browser.get(where)).root.all("input", name="csrf_token")[0].get("value")
    answer = browser.post(where, {"csrf_token": token}, Referer=house.server.url + where)
    return browser.get(answer.location) if answer.status == 303 else answer


def test_without_a_link_nobody_is_sent_to_the_provider_for_a_proof(house: House) -> None:
    """With it she would come back as somebody else, or as nobody."""
    far = house.given.officer("Farida")
    browser = house.server.browser()
    page = Page(browser.get("/sign-in"), "/sign-in")  # type: ignore[arg-type]
    token = page.root.all("input", name="csrf_token")[0].get("value") or ""
    browser.post("/sign-in", {"csrf_token": token, "email": far.email, "password": PASSWORD})
    with writing() as connection:
        connection.execute(update(SignIn).values(proved_at=None))
    page = page_of(_begins_second_factor(house, browser))
    assert page.root.all("input", name="proof-password")
    assert not [text for text in page.links if "again" in text]


@pytest.mark.parametrize("elsewhere", ["//evil.test", "https://evil.test/", "/%5Cevil.test", "javascript:x"])
def test_nobody_is_led_to_another_site(house: House, elsewhere: str) -> None:
    assert house.come_back(house.server.browser(), "meera", elsewhere).location == "/"


def test_a_long_way_back_still_fits_into_the_cookie(house: House) -> None:
    browser = house.server.browser()
    for _ in range(5):
        house.begin(browser, "/search?q=" + "%E0%A4%95" * 300)
    assert len(browser.cookies["elearn"]) < 3500
    assert house.come_back(browser, "meera", "/search?q=%E0%A4%95").location == "/search?q=%E0%A4%95"


def test_sign_ins_begun_in_two_tabs_both_come_to_their_end(house: House) -> None:
    browser = house.server.browser()
    first, second = house.begin(browser, "/account"), house.begin(browser, "/help")
    led = house.provider.sign_in(first, "meera")
    assert browser.get(path_of(led)).location == "/account"
    # Signed in by the first, the second has nothing left to do.
    led = house.provider.sign_in(second, "meera")
    assert browser.get(path_of(led)).location == "/"


def test_a_changed_email_there_neither_loses_nor_steals(house: House) -> None:
    """The provider also has new keys afterwards, which the server has to fetch."""
    browser = house.server.browser()
    house.come_back(browser, "meera")
    was, others = house.provider.people, house.given.officer("Far", password="")
    house.known_as([Somebody("meera", others.email), Somebody("thief", email_of(house, "meera"))])
    try:
        again, thief = house.server.browser(), house.server.browser()
        house.come_back(again, "meera")
        assert who_is(again) == was[0].email
        page = page_of(answer := house.come_back(thief, "thief"))
        assert answer.status == 403
        assert "already linked with another sign-in at Canaille" in page.text
    finally:
        house.known_as(list(was))


# Refusals


def test_who_has_no_account_is_told_whom_to_ask_and_none_is_made(house: House) -> None:
    before = officers()
    browser = house.server.browser()
    page = page_of(answer := house.come_back(browser, "nobody"))
    assert (answer.status, page.heading) == (403, "No account here is linked to you")
    assert "Canaille knows you as nobody@model.test" in page.text
    assert "training office" in page.text
    assert (officers(), who_is(browser)) == (before, "")


def officers() -> tuple[int, int]:
    with reading() as connection:
        tables = (Officer.id, FederatedIdentity.officer_id)
        one, other = (len(connection.execute(select(column)).all()) for column in tables)
    return one, other


def test_who_is_shut_out_stays_out(house: House) -> None:
    browser = house.server.browser()
    page = page_of(house.come_back(browser, "left"))
    assert "Your account here is closed." in page.text
    assert who_is(browser) == ""


def test_where_the_provider_verifies_nothing_nobody_new_is_linked(house: House) -> None:
    fresh = house.given.officer("Fresh", password="")
    was = list(house.provider.people)
    house.known_as([*was, Somebody("fresh", fresh.email)], verifies=False)
    try:
        page = page_of(answer := house.come_back(house.server.browser(), "fresh"))
        assert (answer.status, "has not verified" in page.text) == (403, True)
        assert linked(fresh) == 0
    finally:
        house.known_as(was)


def linked(person: Person) -> int:
    with reading() as connection:
        query = select(FederatedIdentity.subject).where(FederatedIdentity.officer_id == person.id)
        return len(connection.execute(query).all())


def test_another_browser_gets_nothing_by_her_answer(house: House) -> None:
    """Neither a thief who saw the address, nor somebody who is to be signed in unawares as another."""
    hers, other = house.server.browser(), house.server.browser()
    led = house.provider.sign_in(house.begin(hers), "meera")
    house.begin(other)
    page = page_of(answer := other.get(path_of(led)))
    assert (answer.status, page.heading) == (400, "Please begin again")
    assert who_is(other) == ""
    assert hers.get(path_of(led)).status == 302


def test_an_answer_is_taken_once_even_by_a_copied_cookie(house: House) -> None:
    hers = house.server.browser()
    address = house.begin(hers)
    copied = Browser(hers.url, dict(hers.cookies))
    led = house.provider.sign_in(address, "meera")
    assert hers.get(path_of(led)).status == 302
    assert hers.get(path_of(led)).location == "/"  # she reloads the page
    page = page_of(answer := copied.get(path_of(led)))
    assert (answer.status, page.heading) == (502, "You are not signed in")
    assert who_is(copied) == ""
    assert "invalid_grant" in house.server.log
    refuse_traces(house)


@pytest.mark.parametrize("query", ["", "?code=x", "?state=x&code=x", "?error=access_denied", "?state=%00&code=%00"])
def test_an_answer_to_nothing_asks_to_begin_again(house: House, query: str) -> None:
    page = page_of(answer := house.server.browser().get(RETURN + query))
    assert (answer.status, page.heading) == (400, "Please begin again")


@pytest.mark.parametrize(
    "change", ["code=made-up", "error=server_error&error_description=<script>", "iss=https://evil.test"]
)
def test_an_answer_that_was_tampered_with_signs_nobody_in(house: House, change: str) -> None:
    browser = house.server.browser()
    parts = urlsplit(house.provider.sign_in(house.begin(browser), "meera"))
    sent = {name: values[0] for name, values in parse_qs(parts.query).items()}
    name, _, value = change.partition("=")
    changed = "&".join(f"{key}={word}" for key, word in {**sent, name: value}.items())
    page = page_of(answer := browser.get(f"{parts.path}?{changed}"))
    assert answer.status in (400, 502)
    assert page.heading == "You are not signed in"
    assert "<script>" not in answer.text
    assert who_is(browser) == ""


def test_the_ways_in_are_opened_not_posted_and_kept_nowhere(house: House) -> None:
    browser = house.server.browser()
    for path in (BEGIN, RETURN):
        assert browser.post(path).status == 405
        assert browser.get(path).headers["Cache-Control"] == "no-store"


def test_hindi_is_spoken_here_too(house: House) -> None:
    browser = house.server.browser()
    browser.get("/language/hi")
    page = page_of(house.come_back(browser, "nobody"))
    assert page.root.one("html").get("lang") == "hi"
    assert "Canaille" in page.text


def test_what_is_kept_of_it_is_told(house: House) -> None:
    assert "If you sign in with Canaille" in house.server.browser().get("/privacy").text


def test_without_a_provider_there_is_no_such_door(given: Given) -> None:
    visitor = given.visit()
    assert [visitor.get(path).status_code for path in (BEGIN, RETURN)] == [404, 404]
    assert not [link for link in visitor.open("/sign-in").links.values() if "sso" in link]
    assert "sign in with" not in visitor.open("/privacy").text.lower()


def test_a_link_is_undone_from_the_shell_and_made_anew(house: House) -> None:
    browser = house.server.browser()
    house.come_back(browser, "meera")
    words = [ELEARN, "officer", "unlink-sso", email_of(house, "meera")]
    done = subprocess.run(
        words, cwd=ROOT, env=environment(house.server.settings), capture_output=True, text=True, check=True
    )
    assert "linked with no single sign-on any more" in done.stdout
    assert who_is(browser) == ""
    assert house.come_back(browser, "meera").status == 302
    assert who_is(browser) == email_of(house, "meera")


# Away


def test_a_provider_that_is_down_or_silent_is_told_in_time_and_the_others_go_on(house: House) -> None:
    browsers = [house.server.browser() for _ in range(3)]
    led = [house.provider.sign_in(house.begin(browser), "meera") for browser in browsers]
    house.provider.stop()
    try:
        page = page_of(answer := browsers[0].get(path_of(led[0])))
        assert (answer.status, page.heading) == (503, "Canaille does not answer")
        assert answer.headers["Retry-After"]
        with socket.create_server(("127.0.0.1", house.provider.port)):  # takes connections and never says a word
            began = monotonic()
            page = page_of(answer := browsers[1].get(path_of(led[1])))
            assert (answer.status, page.heading) == (503, "Canaille does not answer")
            assert monotonic() - began < AWAY_WITHIN
            assert "no answer within" in house.server.log
            refuse_traces(house)
    finally:
        house.provider.start()
    assert house.come_back(browsers[2], "meera").status == 302


def refuse_traces(house: House) -> None:
    """The log holds reasons, and neither traces of the program nor anything of a person or a secret."""
    for never in ("Traceback", house.provider.settings().client_secret, "@model.test", "code="):
        assert never not in house.server.log


def test_it_opens_a_sign_in_like_any_other(house: House) -> None:
    browser = house.server.browser()
    house.come_back(browser, "meera")
    with reading() as connection:
        token_hash = connection.execute(select(SignIn.token_hash).order_by(SignIn.id.desc()).limit(1)).scalar_one()
    assert token_hash not in str(browser.cookies)
    token = Page(browser.get("/account"), "/account").root.all("input", name="csrf_token")[0].get("value")  # type: ignore[arg-type]
    copied = Browser(browser.url, dict(browser.cookies))
    assert browser.post("/sign-out", {"csrf_token": str(token)}).status == 302
    assert (who_is(browser), who_is(copied)) == ("", "")
