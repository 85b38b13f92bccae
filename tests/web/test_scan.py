"""A scan of every address: each role, somebody else's ids, no token, the wrong method, values meant to break things.

It finds the addresses by itself; what each role may open stands beside its view (`@open_to`) and, once more, in the
table of tests/test_contract.py. A new view needs its mark and its line there, and nothing here.

SCAN_TURNS says how many hostile values each field of each form is tried with; 3 without it, 18 are all of them.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from elearn.domain.roles import Entry
from elearn.models.database import reading
from elearn.models.tables import Base
from elearn.web.access import open_to
from tests.given import COURSE, Given
from tests.pages import Visitor
from tests.test_contract import READING, SENDING

TURNS = int(os.environ.get("SCAN_TURNS", "3"))
HOUSE = Path(__file__).parents[2] / "elearn"
SAFE = {"GET", "HEAD", "OPTIONS"}
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "TRACE", "PROPFIND")
ROLES: dict[str, set[Entry]] = {
    "stranger": {"anyone"},
    "Meera": {"anyone", "officer"},
    "Far": {"anyone", "officer"},
    "Boss": {"anyone", "officer", "supervisor"},
    "Tara": {"anyone", "officer", "trainer"},
    "Admin": {"anyone", "officer", "administrator"},
}
# A value that there is for each part of an address; for a name that is not here a number or a word will do.
PARTS = {
    "course_id": COURSE,
    "module_id": "plain-words",
    "lesson_id": "four-kinds",
    "lab_name": "grievance-sorter",
    "quiz_id": "plain-words",
    "tag": "hi",
}
HOSTILE = (
    "0",
    "-1",
    "9" * 25,
    "1e9",
    "..",
    "../../config.py",
    "%2e%2e%2f",
    "'; DROP TABLE officer --",
    "%' OR '1'='1",
    "a\x00b",
    "a\r\nSet-Cookie: x=y",
    "<script>alert(1)</script>",
    "{{ 7 * 7 }}",
    "मीरा ꯃꯤꯔꯥ \u202e\u200d",
    "\U0001f600" * 50,
    "\ud800",
    "é" * 3000,
    "http://evil.test/",
)


@dataclass
class House:
    """The application, one visitor for each role, and an address for each rule."""

    app: Flask
    visitors: dict[str, Visitor]
    parts: dict[str, object]

    @property
    def rules(self) -> list[Rule]:
        return sorted(self.app.url_map.iter_rules(), key=lambda rule: rule.rule)

    def address(self, rule: Rule, **parts: object) -> str:
        values = {name: self.parts.get(name, 1) for name in rule.arguments} | parts
        adapter = self.app.url_map.bind("localhost")
        return adapter.build(rule.endpoint, values, append_unknown=False)

    def entries(self, rule: Rule) -> set[Entry]:
        return set(getattr(self.app.view_functions[rule.endpoint], "open_to", ()))

    def ask(self, who: str, method: str, address: str, **more: Any) -> TestResponse:
        visitor = self.visitors[who]
        if method not in SAFE and "data" not in more and "headers" not in more:
            more["data"] = {"csrf_token": visitor.token()}
        return visitor._ask(method, address, **more)

    def address_of_check(self) -> str:
        return "/courses/{course_id}/{module_id}/{lesson_id}/checks/{check_id}".format(**self.parts)

    def records(self) -> dict[str, list[tuple[Any, ...]]]:
        """Every row of every table, but for who was refused where and which sign-in is in use."""
        found = {}
        with reading() as connection:
            for table in Base.metadata.sorted_tables:
                if table.name != "access_log":
                    columns = [column for column in table.columns if column.name != "seen_at"]
                    found[table.name] = sorted(map(tuple, connection.execute(select(*columns))), key=repr)
        return found


def opened(given: Given) -> House:
    meera = given.officer("Meera")
    people = {
        "stranger": None,
        "Meera": meera,
        "Far": given.officer("Far", office="Block Office"),
        "Boss": given.supervisor(office="Block Office"),
        "Tara": given.trainer(),
        "Admin": given.administrator(),
    }
    attempt = given.quiz_taken(meera, given.quiz("plain-words"))
    visitors = {name: given.visit(person) for name, person in people.items()}
    check = given.course.modules[0].lessons[0].checks[0].id
    return House(given.app, visitors, {**PARTS, "attempt_id": attempt, "check_id": check})


@pytest.fixture
def house(given: Given) -> House:
    return opened(given)


# Every address is known


def strays(app: Flask) -> list[str]:
    """What a route lacks: the mark of who may enter, or its line in the table of the contract."""
    found = []
    for rule in app.url_map.iter_rules():
        if not getattr(app.view_functions[rule.endpoint], "open_to", ()):
            found.append(f"{rule.rule}: mark {rule.endpoint} with @open_to(...)")
        for method in rule.methods or ():
            table = {"GET": READING, "POST": SENDING}.get(method)
            if table is not None and rule.rule not in table:
                found.append(f"{rule.rule}: a line for {method} in tests/test_contract.py")
            if table is None and method not in SAFE:
                found.append(f"{rule.rule}: {method} is no method of ours")
    return sorted(found)


def test_every_route_is_marked_and_stands_in_the_table(sqlite_app: Flask) -> None:
    assert strays(sqlite_app) == []


def test_a_route_that_was_forgotten_is_named_and_stays_closed(sqlite_app: Flask, given: Given) -> None:
    def forgotten() -> str:
        return "for nobody"

    sqlite_app.add_url_rule("/forgotten-mark", view_func=forgotten, methods=["GET", "POST"])
    sqlite_app.add_url_rule("/forgotten-line", "forgotten_line", open_to("anyone")(lambda: "for all"), methods=["PUT"])
    assert strays(sqlite_app) == [
        "/forgotten-line: PUT is no method of ours",
        "/forgotten-mark: a line for GET in tests/test_contract.py",
        "/forgotten-mark: a line for POST in tests/test_contract.py",
        "/forgotten-mark: mark forgotten with @open_to(...)",
    ]
    house = opened(given)
    answers = {who: house.ask(who, method, "/forgotten-mark") for who in ROLES for method in ("GET", "POST")}
    assert {answer.status_code for answer in answers.values()} == {403}


# Each role


@pytest.mark.parametrize("who", ROLES)
def test_a_role_gets_past_the_doors_that_are_open_to_it_and_no_other(house: House, who: str) -> None:
    wrong = []
    for rule in house.rules:
        may_enter = bool(house.entries(rule) & ROLES[who])
        for method in sorted({"GET", "POST"} & (rule.methods or set())):
            address = house.address(rule)
            answer = house.ask(who, method, address)
            to_the_door = answer.location is not None and answer.location.startswith("/sign-in?next=")
            refused = to_the_door if who == "stranger" else answer.status_code == 403
            if refused == may_enter or answer.status_code >= 500:
                wrong.append(f"{who}: {method} {address} answers {answer.status_code}")
            if rule.endpoint == "auth.sign_out" and who != "stranger":
                house.visitors[who] = again(house, who)
    assert wrong == []


def again(house: House, who: str) -> Visitor:
    """The same person, signed in once more."""
    email = re.findall(r"[a-z]+\d+@model\.test", str(house.records()["officer"]))
    visitor = Visitor(house.app)
    visitor.sign_in(next(one for one in email if one.startswith(who.lower())), "three words together")
    return visitor


@pytest.mark.parametrize("who", [who for who in ROLES if who != "Meera"])
def test_an_attempt_is_its_officers_alone(house: House, who: str) -> None:
    before, wrong = house.records(), []
    of_attempts = [rule for rule in house.rules if "attempt_id" in rule.arguments]
    for rule in of_attempts:
        for method in sorted({"GET", "POST"} & (rule.methods or set())):
            status = house.ask(who, method, house.address(rule)).status_code
            if status != (302 if who == "stranger" else 404):
                wrong.append(f"{who}: {method} {rule.rule} answers {status}")
    assert wrong == []
    assert house.records() == before
    assert len(of_attempts) >= 2


# No token


def without_token(visitor: Visitor, others: str) -> Iterator[dict[str, Any]]:
    """Requests as another site could make a browser send them, and some that only look as if they had a token."""
    own = visitor.token()
    yield {"data": {}}
    yield {"data": {"csrf_token": ""}}
    yield {"data": {"csrf_token": others}}
    yield {"data": {"csrf_token": own[:-1]}}
    yield {"data": {"csrf_token": "ꯃꯤꯔꯥ"}}
    yield {"data": {}, "query_string": {"csrf_token": own}}
    yield {"data": f'{{"csrf_token": "{own}"}}', "content_type": "application/json"}
    yield {"data": f"csrf_token={own}", "content_type": "text/plain"}
    yield {"data": {}, "headers": {"Cookie2": f"csrf_token={own}", "X-CSRF-Token": ""}}


@pytest.mark.parametrize("who", ROLES)
def test_nothing_is_taken_without_its_token(house: House, who: str) -> None:
    before, wrong = house.records(), []
    visitor, others = house.visitors[who], house.visitors["Far" if who != "Far" else "Meera"].token()
    for rule in house.rules:
        if not (rule.methods or set()) - SAFE:
            continue
        may_enter = bool(house.entries(rule) & ROLES[who])
        expected = 400 if may_enter else 302 if who == "stranger" else 403  # the door comes before the form
        for forged in without_token(visitor, others):
            status = visitor._ask("POST", house.address(rule), **forged).status_code
            if status != expected:
                wrong.append(f"{who}: {rule.rule} with {forged}: {status}")
    assert wrong == []
    assert house.records() == before


# The wrong method


@pytest.mark.parametrize("who", ["stranger", "Meera", "Admin"])
def test_a_method_that_an_address_does_not_take_does_nothing(house: House, who: str) -> None:
    taken: dict[str, set[str]] = {}
    for rule in house.rules:
        taken.setdefault(house.address(rule), set()).update(rule.methods or ())
    before, wrong = house.records(), []
    for address, methods in taken.items():
        for method in (one for one in METHODS if one not in methods):
            answer = house.ask(who, method, address)
            if answer.status_code != 405 or set(answer.headers["Allow"].split(", ")) != methods:
                wrong.append(f"{who}: {method} {address} answers {answer.status_code}")
    assert wrong == []
    assert house.records() == before


def test_a_method_cannot_be_named_in_another_place(house: House) -> None:
    before = house.records()
    for name in ("X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"):
        answer = house.ask("Meera", "GET", "/sign-out", headers={name: "POST"})
        assert answer.status_code == 405
    assert house.ask("Meera", "GET", "/sign-out?_method=POST").status_code == 405
    assert house.records() == before


def test_reading_and_asking_what_is_allowed_write_nothing(house: House) -> None:
    before, wrong = house.records(), []
    for rule in house.rules:
        if "completions" in rule.rule:
            continue  # a download is noted, which tests/test_contract.py looks at
        for who in ROLES:
            for method in sorted(SAFE & (rule.methods or set())):
                answer = house.ask(who, method, house.address(rule))
                if method == "HEAD" and answer.data:
                    wrong.append(f"{who}: {method} {rule.rule} has a body")
    assert wrong == []
    assert house.records() == before


# What is meant to break things


def openers(house: House, rule: Rule) -> list[str]:
    """Somebody of each role that the rule is for; and where it is for anybody, an officer too."""
    entries = house.entries(rule)
    least = {"officer": "Meera", "supervisor": "Boss", "trainer": "Tara", "administrator": "Admin"}
    return ["stranger", "Meera"] if "anyone" in entries else [least[entry] for entry in least if entry in entries]


def test_no_part_of_an_address_is_a_failure_of_ours(house: House) -> None:
    wrong = []
    for rule in (rule for rule in house.rules if rule.arguments):
        base = house.address(rule)
        for name, value, who in product(rule.arguments, HOSTILE, openers(house, rule)[-1:]):
            address = base.replace(f"/{house.parts.get(name, 1)}", f"/{quoted(value)}", 1)
            for method in sorted({"GET", "POST"} & (rule.methods or set())):
                status = house.ask(who, method, address).status_code
                if status >= 500:
                    wrong.append(f"{who}: {method} {address!r}: {status}")
    assert wrong == []


def quoted(value: str) -> str:
    return "".join(f"%{byte:02x}" for byte in value.encode("utf-8", "surrogatepass"))[:3000]


def field_names() -> set[str]:
    """Every name of a field that a template offers or a view reads."""
    sources = [*(HOUSE / "templates").rglob("*.html"), *(HOUSE / "web").glob("*.py")]
    text = "".join(path.read_text() for path in sources)
    return set(re.findall(r'name="([a-zA-Z_-]+)"', text)) | set(
        re.findall(r'(?:form|args|files)(?:\.get\w*)?[\[(]"([a-zA-Z_-]+)"', text)
    )


def test_no_field_of_a_form_or_query_is_a_failure_of_ours(app: Flask, given: Given) -> None:
    house, names, wrong = opened(given), sorted(field_names() - {"csrf_token"}), []
    assert {"email", "password", "new-password", "q", "office", "page", "serial", "text"} <= set(names)
    for rule in house.rules:
        if rule.endpoint == "auth.sign_out":
            continue
        for who, turn in product(openers(house, rule), range(TURNS)):
            # Another value in each field, and with each turn the next one.
            values = {name: HOSTILE[(place + turn) % len(HOSTILE)][:900] for place, name in enumerate(names)}
            sent: dict[str, Any] = {name: value.encode("utf-8", "surrogatepass") for name, value in values.items()}
            for method in sorted({"GET", "POST"} & (rule.methods or set())):
                token = house.visitors[who].token()
                more = {"query_string": sent} if method == "GET" else {"data": {**sent, "csrf_token": token}}
                status = house.ask(who, method, house.address(rule), **more).status_code
                if status >= 500:
                    wrong.append(f"{who}: {method} {rule.rule} in turn {turn}: {status}")
    assert wrong == []


def test_fields_that_nobody_asked_for_change_nothing(house: House, given: Given) -> None:
    """Mass assignment: roles, owners, scores and times are never taken from a form."""
    more = {
        "role": "administrator",
        "roles": "administrator",
        "is_admin": "1",
        "officer_id": "1",
        "office": "COLLECTORATE",
        "score": "100",
        "percent": "100",
        "earned": "99",
        "completed_at": "2020-01-01",
        "id": "1",
        "state": "complete",
    }
    far = house.visitors["Far"]
    fields = {"csrf_token": far.token(), **more}
    lesson = f"/courses/{COURSE}/plain-words/four-kinds"
    assert far._ask("POST", f"{lesson}/done", data=fields).status_code == 422
    started = far._ask("POST", f"/courses/{COURSE}/quizzes/plain-words", data=fields)
    result = far._ask("POST", started.location, data=fields)
    assert result.status_code == 303
    assert "0 of 8 right" in far.open(started.location).text
    assert far.get("/admin").status_code in (403, 404)
    assert far.get(f"/supervise/{COURSE}").status_code == 403
    assert len(house.records()["role"]) == 3


def test_a_field_sent_twice_counts_once_and_the_query_never_counts_as_the_form(house: House, given: Given) -> None:
    """Parameter pollution: the first one holds, and what stands in the address is no part of a form."""
    visitor = Visitor(house.app)
    token = visitor.token()
    email = house.records()["officer"]
    known = re.findall(r"meera\d+@model\.test", str(email))[0]
    pair = f"csrf_token={token}&email={known}&password=three+words+together"
    in_the_address = visitor._ask("POST", f"/sign-in?{pair}", data={"csrf_token": token})
    assert in_the_address.status_code == 200  # the form again
    body = f"csrf_token={token}&email=nobody@model.test&email={known}&password=three+words+together"
    twice = visitor._ask("POST", "/sign-in", data=body, content_type="application/x-www-form-urlencoded")
    assert twice.status_code == 200
    meera, radio = house.visitors["Meera"], given.course.modules[0].lessons[0].checks[0]
    values = [value for value, _ in radio.offered("", False)] if hasattr(radio, "offered") else ["1", "2"]
    form = {"csrf_token": meera.token(), radio.id: values[:2]}
    assert meera._ask("POST", house.address_of_check(), data=form).status_code == 422
