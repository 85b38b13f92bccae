"""The door as a visitor meets it: signing in and out, one's account, a forgotten password, the first one."""

from __future__ import annotations

import re
import socket
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import pyotp
import pytest
from aiosmtpd.controller import Controller
from flask import Flask
from sqlalchemy import update

from config import Provider
from elearn.models.database import writing
from elearn.models.people import SignIn
from elearn.services import accounts, one_time_links, people, second_factor
from elearn.web.words import provider_word
from tests.given import PASSWORD, Given
from tests.pages import Visitor

WEAK = {"short": "at least 10", "password123": "first that people guess"}


# Signing in


def test_an_officer_signs_in_and_is_where_she_wanted_to_go(given: Given) -> None:
    meera = given.officer("Meera")
    visitor = given.visit()
    visitor.get("/account")
    assert visitor.address == "/sign-in"
    visitor.submit("/sign-in", email=meera.email, password=PASSWORD)
    assert visitor.address == "/account"
    assert visitor.page
    assert meera.email in visitor.page.text


@pytest.mark.parametrize(("label", "word"), [(Provider.label, "एकल साइन-इन"), ("State SSO", "State SSO")])
def test_a_provider_is_called_as_the_operator_has_it(sqlite_app: Flask, label: str, word: str) -> None:
    with sqlite_app.test_request_context(headers={"Accept-Language": "hi"}):
        assert provider_word(Provider("https://sso.model.test", "elearn", "secret", label)) == word


def test_a_wrong_pair_keeps_the_email_and_says_one_thing(given: Given) -> None:
    meera = given.officer("Meera")
    visitor = given.visit()
    told = []
    for email in (meera.email, "nobody@model.test"):
        visitor.get("/sign-in?next=/account")
        answer = visitor.submit("/sign-in", email=email, password="not the right one")
        assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "no-store")
        assert visitor.page
        field = visitor.page.by_id("email")
        assert (field.get("value"), field.get("aria-invalid")) == (email, "true")
        assert visitor.page.links[visitor.page.by_id("email-error").text] == "#email"
        assert visitor.page.fields(visitor.page.form("/sign-in"))["next"] == "/account"
        told.append(answer.text.replace(email, "").replace(visitor.token(), ""))
    assert told[0] == told[1]


def test_the_password_is_never_sent_back(given: Given) -> None:
    visitor = given.visit()
    visitor.get("/sign-in")
    assert "not the right one" not in visitor.submit("/sign-in", email="x@y.test", password="not the right one").text


def test_too_many_tries_says_when(given: Given) -> None:
    meera = given.officer("Meera")
    visitor = given.visit()
    visitor.get("/sign-in")
    for _ in range(5):
        visitor.submit("/sign-in", email=meera.email, password="not the right one")
    answer = visitor.submit("/sign-in", email=meera.email, password=PASSWORD)
    assert answer.status_code == 429
    assert 1 <= int(answer.headers["Retry-After"]) <= 30
    assert visitor.page
    assert re.search(r"try again in \d+ second", visitor.page.by_id("email-error").text)


@pytest.mark.parametrize(
    "elsewhere", ["//evil.test", "https://evil.test/", "/\\evil.test", "\\evil", "javascript:x", "/ok\n"]
)
def test_nobody_is_led_to_another_site(given: Given, elsewhere: str) -> None:
    meera = given.officer("Meera")
    visitor = given.visit()
    visitor.get("/sign-in", query_string={"next": elsewhere})
    answer = visitor.post("/sign-in", {"email": meera.email, "password": PASSWORD, "next": elsewhere}, follow=False)
    assert (answer.status_code, answer.headers["Location"]) == (302, "/")


def test_each_sign_in_has_a_new_token_and_the_one_before_ends(sqlite_app: Flask, given: Given) -> None:
    meera = given.officer("Meera")
    visitor = given.visit(meera)
    first, csrf = session_of(visitor), visitor.token()
    visitor.post("/sign-in", {"email": meera.email, "password": PASSWORD})
    assert session_of(visitor) != first
    assert visitor.token() != csrf
    assert accounts.viewer_of(first, given.now) is None


def test_who_is_signed_in_is_not_asked_again(given: Given) -> None:
    visitor = given.visit(given.officer("Meera"))
    answer = visitor.get("/sign-in?next=/account", follow=False)
    assert (answer.status_code, answer.headers["Location"]) == (302, "/account")


def test_a_form_without_its_token_is_refused(given: Given) -> None:
    meera = given.officer("Meera")
    visitor = given.visit()
    visitor.get("/sign-in")
    for token in ("", "wrong", "ग़लत"):
        data = {"email": meera.email, "password": PASSWORD, "csrf_token": token}
        assert visitor.post("/sign-in", data).status_code == 400


def test_signed_out_the_copied_cookie_is_worth_nothing(sqlite_app: Flask, given: Given) -> None:
    visitor = given.visit(given.officer("Meera"))
    thief = Visitor(sqlite_app)
    with visitor.client.session_transaction() as hers, thief.client.session_transaction() as copied:
        copied.update(hers)
    assert thief.get("/account", follow=False).status_code == 200
    visitor.sign_out()
    assert visitor.get("/account", follow=False).status_code == 302
    assert thief.get("/account", follow=False).status_code == 302


def test_signing_out_takes_a_form_and_twice_does_no_harm(given: Given) -> None:
    visitor = given.visit(given.officer("Meera"))
    assert visitor.get("/sign-out").status_code == 405
    assert visitor.post("/sign-out", follow=False).status_code == 302
    assert visitor.post("/sign-out", follow=False).status_code == 302


def test_the_pages_at_the_door_are_kept_nowhere(given: Given) -> None:
    meera = given.officer("Meera", password="")
    link = one_time_links.make(meera.id, given.now)
    for address in ("/sign-in", "/forgotten", f"/first-password/{link}", "/first-password/x"):
        assert given.visit().get(address).headers["Cache-Control"] == "no-store"


# The account


def test_an_account_shows_names_in_their_languages(given: Given) -> None:
    meera = given.officer("Meera", names={"en": "Meera Devi", "hi": "मीरा देवी"})
    page = given.visit(meera).open("/account")
    assert page.root.one("dd", lang="hi").text == "मीरा देवी"
    assert meera.email in page.text


def test_an_account_page_tells_devices_apart(sqlite_app: Flask, given: Given) -> None:
    meera = given.officer("Meera")
    for agent in (
        "Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0 Mobile Safari/537.36",
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/130.0 Safari/537.36 Edg/130.0",
        "<b>nothing known</b>",
    ):
        accounts.sign_in(meera.email, PASSWORD, "10.0.0.1", agent, given.now)
    page = given.visit(meera).open("/account")
    for words in ("Chrome on Android", "Edge on Windows", "A browser"):
        assert words in page.text


def test_a_password_is_changed_and_other_devices_are_out(given: Given) -> None:
    meera = given.officer("Meera")
    here, there = given.visit(meera), given.visit(meera)
    here.open("/account")
    fields = {"current-password": PASSWORD, "new-password": "mango river lamp"}
    here.submit("/account/password", **fields)
    assert here.page
    assert "Your password is changed." in here.page.text
    assert there.get("/account", follow=False).status_code == 302
    given.visit().sign_in(meera.email, "mango river lamp")


@pytest.mark.parametrize(
    ("current", "fresh", "field"),
    [("not the right one", "mango river lamp", "current-password"), *((PASSWORD, w, "new-password") for w in WEAK)],
)
def test_a_password_that_cannot_be_changed_says_why(given: Given, current: str, fresh: str, field: str) -> None:
    visitor = given.visit(given.officer("Meera"))
    visitor.open("/account")
    answer = visitor.submit("/account/password", **{"current-password": current, "new-password": fresh})
    assert visitor.page
    assert visitor.page.by_id(field).get("aria-invalid") == "true"
    assert WEAK.get(fresh, "present password").lower() in visitor.page.by_id(f"{field}-error").text.lower()
    assert fresh not in answer.text.replace(visitor.page.by_id(f"{field}-error").text, "")


def test_other_sign_ins_are_ended_one_by_one_or_all(given: Given) -> None:
    meera = given.officer("Meera")
    here, lost, third = given.visit(meera), given.visit(meera), given.visit(meera)
    page = here.open("/account")
    ids = [b.get("value") or "" for b in page.root.all("button", name="sign-in") if (b.get("value") or "").isdigit()]
    assert len(ids) == 2
    here.submit("/account/sign-ins/end", button=("sign-in", min(ids, key=int)))
    assert [v.get("/account", follow=False).status_code for v in (here, lost, third)] == [200, 302, 200]
    here.open("/account")
    assert "Signed out everywhere else." in here.submit("/account/sign-ins/end", button=("sign-in", "others")).text
    assert [v.get("/account", follow=False).status_code for v in (here, third)] == [200, 302]


@pytest.mark.parametrize(("which", "status"), [("", 303), *((w, 404) for w in ("1", "x", "-1", "9" * 30, "१"))])
def test_a_sign_in_that_is_not_hers_is_left_alone(sqlite_app: Flask, given: Given, which: str, status: int) -> None:
    far = given.visit(given.officer("Far"))  # hers has the number 1
    meera = given.visit(given.officer("Meera"))
    meera.open("/account")
    assert meera.post("/account/sign-ins/end", {"sign-in": which}, follow=False).status_code == status
    assert far.get("/account", follow=False).status_code == 200


def test_a_sign_in_that_has_ended_already_is_no_mistake(given: Given) -> None:
    meera = given.officer("Meera")
    here, _there = given.visit(meera), given.visit(meera)
    page = here.open("/account")
    number = page.root.all("button", name="sign-in")[0].get("value")
    for _ in range(2):
        assert here.post("/account/sign-ins/end", {"sign-in": number}, follow=False).status_code == 303


# The second step


def code_of(secret: str, given: Given) -> str:
    return pyotp.TOTP(secret).at(datetime.now(UTC) + timedelta(seconds=30))


def test_password_then_code_leads_to_where_she_wanted_to_go(given: Given) -> None:
    meera = given.officer("Meera")
    secret, _ = given.second_factor(meera)
    visitor = given.visit()
    visitor.get("/account")
    visitor.submit("/sign-in", email=meera.email, password=PASSWORD)
    assert visitor.address == "/sign-in/code"
    for address in ("/account", "/certificates", "/admin"):
        assert visitor.get(address, follow=False).headers["Location"].startswith("/sign-in?next=")
    visitor.open("/sign-in/code?next=/account")
    visitor.submit("/sign-in/code", code=code_of(secret, given))
    assert visitor.address == "/account"


def test_a_wrong_code_is_told_one_thing_and_never_sent_back(given: Given) -> None:
    meera = given.officer("Meera")
    secret, _ = given.second_factor(meera)
    visitor = given.visit()
    visitor.get("/sign-in?next=/account")
    visitor.submit("/sign-in", email=meera.email, password=PASSWORD)
    told = set()
    for code in (pyotp.TOTP(secret).at(given.now), "no code", "AAAA-BBBB-CCCC-DDDD"):  # used, none, unknown
        answer = visitor.submit("/sign-in/code", code=code)
        assert (answer.status_code, code in answer.text) == (200, False)
        assert visitor.page
        told.add(visitor.page.by_id("code-error").text)
        assert visitor.page.fields(visitor.page.form("/sign-in/code"))["next"] == "/account"
    assert len(told) == 1
    for _ in range(4):  # the one that looked like a recovery code is counted apart
        answer = visitor.submit("/sign-in/code", code="000")
    assert answer.status_code == 429
    assert int(answer.headers["Retry-After"]) > 0


@pytest.mark.parametrize("elsewhere", ["//evil.test", "https://evil.test/", "/\\evil.test"])
def test_the_second_step_leads_to_no_other_site(given: Given, elsewhere: str) -> None:
    meera = given.officer("Meera")
    secret, _ = given.second_factor(meera)
    visitor = given.visit()
    visitor.get("/sign-in")
    answer = visitor.post("/sign-in", {"email": meera.email, "password": PASSWORD, "next": elsewhere}, follow=False)
    assert answer.headers["Location"] == "/sign-in/code"
    data = {"code": code_of(secret, given), "next": elsewhere}
    assert visitor.post("/sign-in/code", data, follow=False).headers["Location"] == "/"


def test_the_half_signed_in_browser_has_another_token_before_and_after(sqlite_app: Flask, given: Given) -> None:
    """So that nobody can have put one there; and the sign-in it came with has ended."""
    meera, far = given.officer("Meera"), given.officer("Far")
    secret, _ = given.second_factor(meera)
    visitor = given.visit(far)
    first, tokens = session_of(visitor), [visitor.token()]
    visitor.post("/sign-in", {"email": meera.email, "password": PASSWORD})
    assert accounts.viewer_of(first, given.now) is None
    tokens.append(visitor.token())
    with visitor.client.session_transaction() as session:
        half = str(session["half"])
        assert "_user_id" not in session
    visitor.post("/sign-in/code", {"code": code_of(secret, given)})
    tokens.append(visitor.token())
    assert len(set(tokens)) == 3
    assert session_of(visitor) not in (first, half)
    with visitor.client.session_transaction() as session:
        assert "half" not in session


def test_the_second_step_waits_in_the_browser_that_took_the_first(given: Given) -> None:
    meera = given.officer("Meera")
    secret, _ = given.second_factor(meera)
    visitor, another = given.visit(), given.visit()
    visitor.get("/sign-in")
    visitor.submit("/sign-in", email=meera.email, password=PASSWORD)
    another.post("/sign-in/code", {"code": code_of(secret, given)})
    assert another.address == "/sign-in"
    assert another.page
    assert "Please begin again." in another.page.text
    assert another.get("/sign-in/code", follow=False).status_code == 302
    visitor.open("/sign-in/code")
    visitor.submit("/sign-in/code", code=code_of(secret, given))
    assert visitor.address == "/"


# Setting it up


def test_a_second_factor_is_set_up_from_its_picture_and_recovery_codes_are_shown_once(given: Given) -> None:
    meera = given.officer("Meera")
    visitor = given.visit(meera)
    assert visitor.get("/account/second-factor/code.svg").status_code == 404
    visitor.open("/account/second-factor")
    visitor.submit("/account/second-factor")
    assert visitor.page
    picture = visitor.get(visitor.page.root.one("img").get("src") or "")
    assert (picture.mimetype, picture.headers["Cache-Control"]) == ("image/svg+xml", "no-store")
    assert "sandbox" in picture.headers["Content-Security-Policy"]
    key = _key_on(visitor)
    assert " ".join(key[i : i + 4] for i in range(0, 32, 4)) in visitor.open("/account/second-factor").text
    visitor.submit("/confirm", code="not it")
    assert visitor.page.by_id("code").get("aria-invalid") == "true"
    answer = visitor.submit("/confirm", code=pyotp.TOTP(key).now())
    assert answer.headers["Cache-Control"] == "no-store"
    codes = [one.text for one in visitor.page.root.all("li", class_="serial")]
    assert len(codes) == 10
    assert visitor.get("/account/second-factor/code.svg").status_code == 404
    page = visitor.open("/account/second-factor")
    assert key[:4] not in page.text
    assert not any(code in page.html for code in codes)
    assert "10 recovery codes" in visitor.open("/account/second-factor").text


def _key_on(visitor: Visitor) -> str:
    """The secret, as the page at hand writes it out."""
    assert visitor.page
    return next(one.text for one in visitor.page.root.all("span") if one.has_class("key")).replace(" ", "")


def test_another_device_of_hers_is_not_shown_what_waits(given: Given) -> None:
    meera = given.officer("Meera")
    visitor, left_open = given.visit(meera), given.visit(meera)
    visitor.open("/account/second-factor")
    visitor.submit("/account/second-factor")
    key = _key_on(visitor)
    assert key[:4] not in left_open.open("/account/second-factor").text
    assert left_open.get("/account/second-factor/code.svg").status_code == 404
    left_open.post("/account/second-factor/confirm", {"code": pyotp.TOTP(key).now()})
    assert second_factor.state_of(meera.id) == second_factor.State()


def test_the_first_code_asks_who_is_there_and_goes_on_with_what_was_typed(given: Given) -> None:
    meera = given.officer("Meera")
    visitor = given.visit(meera)
    visitor.open("/account/second-factor")
    visitor.submit("/account/second-factor")
    key = _key_on(visitor)
    with writing() as connection:
        connection.execute(update(SignIn).values(proved_at=given.now - timedelta(minutes=11)))
    visitor.submit("/confirm", code=pyotp.TOTP(key).now())
    assert visitor.page
    assert visitor.page.heading == "Please confirm that it is you"
    assert second_factor.state_of(meera.id) == second_factor.State()
    visitor.submit("/confirm", proof_password=PASSWORD)
    assert visitor.page.heading == "Your recovery codes"
    assert second_factor.state_of(meera.id).set_up_at


def test_turning_it_off_asks_for_password_and_code(given: Given) -> None:
    meera = given.officer("Meera")
    _, codes = given.second_factor(meera)
    visitor = given.visit()
    visitor.get("/sign-in")
    visitor.submit("/sign-in", email=meera.email, password=PASSWORD)
    visitor.submit("/sign-in/code", code=codes[0])
    with writing() as connection:
        connection.execute(update(SignIn).values(proved_at=given.now - timedelta(minutes=11)))
    for address in ("/account/second-factor/off", "/account/second-factor/recovery-codes"):
        visitor.open("/account/second-factor")
        visitor.submit(address)
        visitor.submit(address, proof_password=PASSWORD, proof_code="000")
        assert second_factor.state_of(meera.id).set_up_at
        assert second_factor.state_of(meera.id).codes_left == 9
    visitor.submit(address, proof_password=PASSWORD, proof_code=codes[1])
    assert visitor.page
    assert visitor.page.heading == "Your recovery codes"
    visitor.open("/account/second-factor")
    visitor.submit("/account/second-factor/off")
    assert "Your second factor is turned off." in visitor.page.text
    assert second_factor.state_of(meera.id) == second_factor.State()


# The first password


def test_a_first_password_is_chosen_by_link_and_signs_in(given: Given) -> None:
    meera = given.officer("Meera", password="")
    link = one_time_links.make(meera.id, given.now)
    visitor = given.visit()
    page = visitor.open(f"/first-password/{link}")
    assert meera.email in page.text
    visitor.submit(f"/first-password/{link}", **{"new-password": "mango river lamp"})
    assert visitor.address == "/sign-in"
    assert visitor.page
    assert "Your password is set." in visitor.page.text
    visitor.submit("/sign-in", email=meera.email, password="mango river lamp")
    assert visitor.address == "/"
    assert visitor.get(f"/first-password/{link}").status_code == 404


def test_the_sign_in_before_a_first_password_ends_on_the_server_too(sqlite_app: Flask, given: Given) -> None:
    """Also where it is another's, as on a computer that two share."""
    far, meera = given.officer("Far"), given.officer("Meera", password="")
    visitor = given.visit(far)
    token = session_of(visitor)
    link = one_time_links.make(meera.id, given.now)
    visitor.open(f"/first-password/{link}")
    visitor.submit(f"/first-password/{link}", **{"new-password": "mango river lamp"})
    assert accounts.viewer_of(token, datetime.now(UTC)) is None


def test_who_is_shut_out_while_she_signs_in_is_not_signed_in(given: Given, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between the sign-in that was made and the first look at whom it brings."""
    meera, visitor = given.officer("Meera"), given.visit()
    look = accounts.viewer_of

    def too_late(token: str, now: datetime) -> object:
        people.disable_officer(meera.id, given.now)
        return look(token, now)

    visitor.open("/sign-in")
    monkeypatch.setattr(accounts, "viewer_of", too_late)
    answer = visitor.submit("/sign-in", follow=False, email=meera.email, password=PASSWORD)
    assert (answer.status_code, answer.headers["Location"]) == (302, "/sign-in")
    assert visitor.get("/account", follow=False).status_code == 302


@pytest.mark.parametrize("weak", WEAK)
def test_a_weak_first_password_says_why_and_keeps_the_link(given: Given, weak: str) -> None:
    meera = given.officer("Meera", password="")
    link = one_time_links.make(meera.id, given.now)
    visitor = given.visit()
    visitor.open(f"/first-password/{link}")
    visitor.submit(f"/first-password/{link}", **{"new-password": weak})
    assert visitor.page
    assert WEAK[weak] in visitor.page.by_id("new-password-error").text
    assert one_time_links.officer_of(link, given.now)


def test_a_link_that_is_not_good_is_told_so(given: Given) -> None:
    visitor = given.visit()
    assert visitor.get("/first-password/no-such-link").status_code == 404
    assert visitor.page
    assert visitor.page.heading == "This link no longer works"
    assert visitor.post("/first-password/no-such-link", {"new-password": "mango river lamp"}).status_code == 404


# Forgotten


class Box:
    """What the mail server has received, as text."""

    def __init__(self) -> None:
        self.letters: list[tuple[list[str], str]] = []

    async def handle_DATA(self, _server: object, _session: object, envelope: object) -> str:
        self.letters.append((envelope.rcpt_tos, envelope.content.decode()))  # type: ignore[attr-defined]
        return "250 OK"


@pytest.fixture
def box(free_port: int) -> Iterator[Box]:
    received = Box()
    controller = Controller(received, hostname="127.0.0.1", port=free_port)
    controller.start()
    yield received
    controller.stop()


@pytest.fixture
def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def mailing(make_app: Callable[..., Flask], sqlite_url: str, free_port: int) -> Iterator[Given]:
    """An installation that can send letters."""
    app = make_app(sqlite_url, mail_url=f"smtp://127.0.0.1:{free_port}", base_url="http://localhost")
    with app.app_context():
        yield Given(app, datetime.now(UTC))


def ask(visitor: Visitor, email: str) -> str:
    visitor.open("/forgotten")
    response = visitor.submit("/forgotten", email=email)
    assert response.status_code == 200
    text = response.text.replace(visitor.token(), "")
    response.close()  # the letter goes out once the answer is out
    return text


def test_a_forgotten_password_brings_a_letter_with_a_link(mailing: Given, box: Box) -> None:
    meera = mailing.officer("Meera")
    visitor = mailing.visit()
    ask(visitor, meera.email.upper())
    ((to, letter),) = box.letters
    assert to == [meera.email]
    link = re.search(r"http://localhost/first-password/\S+", letter)
    assert link
    visitor.open(urlsplit(link[0]).path)
    visitor.submit(urlsplit(link[0]).path, **{"new-password": "mango river lamp"})
    mailing.visit().sign_in(meera.email, "mango river lamp")


def test_the_answer_does_not_say_whether_there_is_an_account(mailing: Given, box: Box) -> None:
    meera, left = mailing.officer("Meera"), mailing.officer("Left")
    people.disable_officer(left.id, mailing.now)
    answers = {ask(mailing.visit(), email) for email in (meera.email, left.email, "nobody@model.test", "no e-mail", "")}
    assert len(answers) == 1
    assert [to for to, _ in box.letters] == [[meera.email]]


def test_the_answer_is_the_same_when_no_mail_server_answers(mailing: Given) -> None:
    meera = mailing.officer("Meera")
    assert ask(mailing.visit(), meera.email) == ask(mailing.visit(), "nobody@model.test")


def test_without_a_mail_server_the_page_says_whom_to_ask(given: Given) -> None:
    meera = given.officer("Meera")
    visitor = given.visit()
    page = visitor.open("/forgotten")
    assert "make a link for you" in page.text
    assert page.root.all("form", method="post") == []
    assert visitor.post("/forgotten", {"email": meera.email}).status_code == 200
    assert one_time_links.make_for_forgotten(meera.email, "10.0.0.1", given.now + timedelta(seconds=1))


def test_the_door_speaks_hindi(given: Given) -> None:
    visitor = given.visit()
    visitor.speak("hi")
    page = visitor.open("/sign-in")
    assert page.root.one("html").get("lang") == "hi"


def session_of(visitor: Visitor) -> str:
    """The token that the browser keeps."""
    with visitor.client.session_transaction() as session:
        return str(session["_user_id"])
