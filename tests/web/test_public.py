"""What anybody may do: read what this is, change the language, check a certificate, ask whether the system is well."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from werkzeug.datastructures import MultiDict

from elearn.services import certificates, learning
from tests.given import COURSE, Given, Person
from tests.pages import Visitor

Visit = Callable[..., Visitor]


@pytest.fixture
def holder(given: Given) -> tuple[Person, str]:
    """Meera, who has completed the course, and the serial of her certificate."""
    person = given.officer("Meera Devi", names={"en": "Meera Devi", "hi": "मीरा देवी"})
    given.now -= timedelta(hours=3)
    given.completed(person)
    return person, learning.course_view(person.id, given.course).certificate


def with_file(visitor: Visitor, data: bytes) -> None:
    visitor.open("/verify")
    sent = MultiDict({"csrf_token": visitor.token(), "serial": ""})
    sent.add("document", (io.BytesIO(data), "certificate.json"))  # type: ignore[arg-type]
    visitor.post("/verify", sent, content_type="multipart/form-data")


def test_a_stranger_is_told_what_this_is(visit: Visit) -> None:
    page = visit().open("/")
    assert page.heading == "AI for Good Governance"
    assert page.links["Sign in"] == "/sign-in"


@pytest.mark.parametrize("address", ["/privacy", "/accessibility", "/help"])
@pytest.mark.parametrize("tag", ["en", "hi"])
def test_what_is_true_of_this_site_is_told_to_anyone(visit: Visit, address: str, tag: str) -> None:
    visitor = visit()
    visitor.speak(tag)
    page = visitor.open(address)
    assert page.root.one("html").get("lang") == tag
    assert "Model District Administration" in page.root.text


def test_the_language_is_kept_and_the_page_with_it(visit: Visit) -> None:
    visitor = visit()
    visitor.open("/help")
    response = visitor.get("/language/hi?next=/help", follow=False)
    cookie = response.headers["Set-Cookie"]
    assert (response.status_code, response.headers["Location"]) == (302, "/help")
    assert "Max-Age=31536000" in cookie
    assert "SameSite=Lax" in cookie
    assert visitor.open("/help").root.one("html").get("lang") == "hi"


def test_the_browsers_language_counts_until_one_is_chosen(visit: Visit) -> None:
    visitor = visit()
    assert visitor.open("/help", headers={"Accept-Language": "hi-IN,hi;q=0.9"}).root.one("html").get("lang") == "hi"


@pytest.mark.parametrize("target", ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:1", ""])
def test_changing_the_language_never_leads_away(visit: Visit, target: str) -> None:
    response = visit().client.get("/language/hi", query_string={"next": target})
    assert response.headers["Location"] == "/"


def test_a_language_that_is_not_spoken_is_not_found(visit: Visit) -> None:
    assert visit().get("/language/xx").status_code == 404


def test_a_certificate_says_what_was_issued_and_no_more(visit: Visit, holder: tuple[Person, str]) -> None:
    person, serial = holder
    page = visit().open(f"/certificates/{serial}")
    assert page.heading == "Meera Devi"
    assert "This certificate is valid." in page.text
    assert "Final test taken online, without a supervisor" in page.text
    assert page.root.one("p", lang="hi").text == "मीरा देवी"
    assert page.response.headers["X-Robots-Tag"] == "noindex"
    for secret in (person.email, "MD-0001", "100 %"):
        assert secret not in page.html


def test_a_certificate_is_found_however_its_number_is_typed(visit: Visit, holder: tuple[Person, str]) -> None:
    _, serial = holder
    visitor = visit()
    assert visitor.get(f"/C/{serial.lower()}", follow=False).headers["Location"].startswith("/certificates/")
    visitor.open("/verify")
    visitor.submit("/verify", serial=" ".join(serial[i : i + 4].lower() for i in range(0, 26, 4)))
    assert visitor.address == f"/certificates/{serial}"


def test_the_documents_of_a_certificate(visit: Visit, holder: tuple[Person, str]) -> None:
    _, serial = holder
    visitor = visit()
    pdf, record = visitor.get(f"/certificates/{serial}.pdf"), visitor.get(f"/certificates/{serial}.json")
    assert (pdf.mimetype, pdf.data[:5]) == ("application/pdf", b"%PDF-")
    assert record.json == certificates.document(serial)
    assert all(answer.headers["Cache-Control"] == "no-store" for answer in (pdf, record))


def test_an_unknown_number_is_not_found_and_says_so(visit: Visit) -> None:
    visitor = visit()
    for address in ("/certificates/" + "0" * 26, "/certificates/nonsense", f"/certificates/{'0' * 26}.pdf"):
        response = visitor.get(address)
        assert response.status_code == 404
        assert "No certificate of ours has this number" in response.text


def test_a_revoked_certificate_says_since_when_and_why(given: Given, visit: Visit, holder: tuple[Person, str]) -> None:
    _, serial = holder
    certificates.revoke(serial, "Issued to the wrong person", given.now)
    visitor = visit()
    page = visitor.open(f"/certificates/{serial}")
    assert "This certificate was revoked on" in page.text
    assert "Issued to the wrong person" in page.text
    assert "Download the certificate (PDF)" not in page.links


def test_a_signed_record_is_checked_word_by_word(visit: Visit, holder: tuple[Person, str]) -> None:
    _, serial = holder
    document = json.dumps(certificates.document(serial)).encode()
    visitor = visit()
    with_file(visitor, document)
    assert visitor.page
    assert "This certificate is valid" in visitor.page.text
    with_file(visitor, document.replace(b"Meera Devi", b"Someone Else"))
    assert "This is not as we signed it" in visitor.page.text


def test_a_statement_is_never_called_a_certificate(given: Given, visit: Visit, holder: tuple[Person, str]) -> None:
    person, _ = holder
    statement = next(one for one in certificates.of_officer(person.id) if one.record.module)
    visitor = visit()
    with_file(visitor, json.dumps(certificates.document(statement.serial)).encode())
    assert visitor.page
    told = visitor.page.root.one("div", class_="told good")
    assert told.one("b").text == "This statement is valid"
    assert told.all("a")[0].text == "The page of this statement"
    assert "certificate" not in told.text.casefold()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"not JSON",
        b"\xff\xfe\x00",
        b"[]",
        b"{" * 5000,
        b"[" * 100_000,
        b'{"jws":' * 12_000,
        b"9" * 100_000,
        b'{"jws": 1e99999, "record": -1e99999}',
        b'{"jws": "\\ud800", "record": {"serial": "\\ud800"}}',
        b'{"jws": null, "record": []}',
        b'{"jws": "a.b.c", "record": {}}',
        b"%PDF-1.7",
        b"PK\x03\x04",
    ],
)
def test_any_other_file_is_no_record_of_ours(visit: Visit, data: bytes) -> None:
    visitor = visit()
    with_file(visitor, data)
    assert visitor.page
    assert "This is not as we signed it" in visitor.page.text


def test_a_file_that_is_too_large_is_refused_at_its_field(visit: Visit) -> None:
    visitor = visit()
    with_file(visitor, b" " * 102_401)
    assert visitor.page
    assert "larger than 100 KB" in visitor.page.by_id("document-error").text


def test_an_empty_form_is_asked_for_again(visit: Visit) -> None:
    visitor = visit()
    visitor.open("/verify")
    assert visitor.submit("/verify").status_code == 422
    assert visitor.page
    assert visitor.page.by_id("serial-error").text == "Enter the number, or choose a file."


def test_the_public_keys_hold_nothing_private(visit: Visit) -> None:
    keys = visit().get("/.well-known/jwks.json").json
    assert keys
    assert [set(key) >= {"kty", "crv", "x", "kid"} and "d" not in key for key in keys["keys"]] == [True]


def test_supervisors_find_their_lists_and_officers_do_not(given: Given, visit: Visit) -> None:
    boss, meera = visit(given.supervisor()), visit(given.officer("Meera"))
    assert boss.open("/").links["Completion lists"] == f"/supervise/{COURSE}"
    assert "Completion lists" not in meera.open("/").links


# Files for programs


def test_whom_to_tell_of_a_weakness_is_a_file_where_the_operator_named_somebody(
    make_app: Callable[..., Flask], sqlite_url: str
) -> None:
    config = {"base_url": "https://localhost", "security_contact": "mailto:security@example.gov.in"}
    response = make_app(sqlite_url, **config).test_client().get("/.well-known/security.txt")
    assert (response.status_code, response.content_type) == (200, "text/plain; charset=utf-8")
    fields = dict(line.split(": ", 1) for line in response.text.splitlines())
    expires = datetime.fromisoformat(fields.pop("Expires"))
    assert fields == {
        "Contact": "mailto:security@example.gov.in",
        "Preferred-Languages": "en, hi",
        "Canonical": "https://localhost/.well-known/security.txt",
    }
    assert timedelta(days=178) < expires - datetime.now(UTC) < timedelta(days=365)
    assert response.text.endswith("\n")


def test_nobody_is_promised_where_nobody_was_named(visit: Visit) -> None:
    assert visit().get("/.well-known/security.txt").status_code == 404


def test_search_engines_are_told_what_is_worth_nothing_and_nothing_that_is_hidden(visit: Visit) -> None:
    response = visit().get("/robots.txt")
    assert (response.status_code, response.content_type) == (200, "text/plain; charset=utf-8")
    first, *rules = response.text.splitlines()
    assert first == "User-agent: *"
    assert all(rule.startswith("Disallow: /") for rule in rules)
    assert "/admin" not in response.text
    assert "/certificates" not in response.text  # these say `noindex`, which only a robot that may read them can see
