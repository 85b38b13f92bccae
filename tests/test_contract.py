"""What other programs and people's bookmarks rely on: addresses, names, statuses, files and commands.

Seen from outside: a demo of its own, plain HTTP, the `elearn` command, and the trainers' files for the right answers.
A change that breaks a test here breaks somebody's script; it needs a redirect, an alias or a converter beside it.
"""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
import sqlite3
import subprocess
from base64 import urlsafe_b64decode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from hashlib import sha256
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

import pytest
from nacl.exceptions import BadSignatureError
from nacl.signing import VerifyKey

from elearn.domain.labs import LABS
from tests.answer_key import Entry, questions_in
from tests.pages import Page
from tests.server import ELEARN, ROOT, Answer, Browser, Fields, Server, demo_in, environment, serving
from tests.short_course import short_course

PASSWORD = "ai-for-governance"
COURSE = "ai-for-good-governance"
HOME = f"/courses/{COURSE}"
FOLDER = ROOT / "content" / COURSE
MODULE = "plain-words"
MODULE_FOLDER = FOLDER / "01-plain-words"
LIST = f"/supervise/{COURSE}/completions.csv"

HEADER = (
    "employee_number,name,designation,office_code,office,route,due,state,requirements_met,requirements_total,"
    "final_percent,evidence,completed_at,certificate"
)
SERIAL = re.compile(r"[0-9A-HJKMNP-TV-Z]{26}")  # Crockford's base32
PEOPLE = ("stranger", "officer", "officer2", "supervisor", "trainer", "admin")


# Browsers


@dataclass
class Person:
    """Somebody at a browser, who fills in the forms of pages."""

    browser: Browser
    page: Page | None = None

    def open(self, path: str) -> Page:
        answer = self.browser.get(path)
        assert answer.status == 200, f"{path}: {answer.status}"
        self.page = Page(answer, path)  # type: ignore[arg-type]
        assert self.page.mistakes == [], f"{path}: {self.page.mistakes}"
        return self.page

    def token(self) -> str:
        if self.page is None or "csrf_token" not in self.page.html:
            self.open("/verify")
        assert self.page
        return self.page.root.all("input", name="csrf_token")[0].get("value") or ""

    def post(self, path: str, fields: Fields | None = None, **headers: str) -> Answer:
        return self.browser.post(path, {"csrf_token": self.token(), **(fields or {})}, **headers)

    def sign_in(self, name: str) -> Answer:
        self.open("/sign-in")
        answer = self.post("/sign-in", {"email": f"{name}@demo.test", "password": PASSWORD})
        self.page = None
        return answer


def fields_for(page: Page, key: Mapping[str, Entry], names: list[str], right: bool = True) -> dict[str, Any]:
    """What a form sends for these questions, each control found by its name and each option by its label."""
    fields: dict[str, Any] = {}
    for name in names:
        entry = key[name]
        if entry.number:
            fields[name] = entry.number if right else "-1"
        else:
            wrong = next(label for label in entry.labels if label not in entry.right)
            fields[name] = [page.option(name, label) for label in (entry.right if right else [wrong])]
    return fields


def names_in(page: Page, action: str) -> list[str]:
    """The questions that a form asks: the names of its controls, each once."""
    controls = page.controls(page.form(action))
    named = [one.get("name") or "" for one in controls if one.get("type") in ("radio", "checkbox", "text")]
    return list(dict.fromkeys(named))


# The demo, its command, and one officer's whole trip


@dataclass
class House:
    server: Server

    @property
    def data(self) -> Path:
        return self.server.folder / "data"

    def person(self, name: str = "stranger") -> Person:
        somebody = Person(self.server.browser())
        if name != "stranger":
            assert somebody.sign_in(name).status == 302, name
        return somebody

    def elearn(self, *words: object) -> subprocess.CompletedProcess[str]:
        """What the command prints and how it ends, as somebody types it in the folder of the project."""
        settings = {
            "ELEARN_DATA_DIR": str(self.data),
            "ELEARN_SECRET_KEY": (self.data / "secret-key").read_text().strip(),
            "ELEARN_BASE_URL": self.server.url,
            **self.server.settings,
        }
        return elearn(*words, settings=settings)

    def records(self) -> dict[str, list[Any]]:
        """All rows of all tables, without when a sign-in was last seen."""
        with sqlite3.connect(f"file:{self.data / 'elearn.sqlite3'}?mode=ro", uri=True) as connection:
            connection.row_factory = sqlite3.Row
            names = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name").fetchall()
            found = {name: connection.execute(f'SELECT * FROM "{name}"').fetchall() for (name,) in names}
        connection.close()
        return {
            table: [
                tuple(value for key, value in zip(row.keys(), row, strict=True) if key != "seen_at") for row in rows
            ]
            for table, rows in found.items()
        }


def elearn(*words: object, settings: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [ELEARN, *map(str, words)],
        cwd=ROOT,
        env=environment(settings or {}),
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("contract")
    content = {"ELEARN_CONTENT_DIR": str(short_course(folder / "content"))}
    with serving(replace(demo_in(folder), settings=content)) as server:
        yield House(server)


@dataclass
class Trip:
    """What one officer met on the way, in the order in which she met it."""

    officer: Person
    statuses: dict[str, int] = field(default_factory=dict)
    before_anything: dict[str, str] = field(default_factory=dict)  # all she could read, by address
    before_the_final: dict[str, str] = field(default_factory=dict)
    values: list[list[str]] = field(default_factory=list)  # of each attempt's options
    attempts: list[str] = field(default_factory=list)
    first_result: str = ""
    fresh_asked: int = 0
    serial: str = ""


@pytest.fixture(scope="module")
def trip(house: House) -> Trip:
    """The demo's first officer takes the whole course, as somebody who knows the answers and does not read."""
    trip = Trip(house.person("officer"))
    officer = trip.officer
    bank = questions_in(MODULE_FOLDER / "questions.en.md")
    address = start(trip, MODULE)
    trip.before_anything = everything_readable(officer, [address])
    submit(trip, address, bank, "partly", some=3)
    trip.first_result = officer.open(address).text
    trip.statuses["submitted again"] = officer.post(address).status
    for path in sorted(MODULE_FOLDER.glob("0*.en.md")):
        take_lesson(trip, path)
    take_quiz(trip, MODULE, bank)
    trip.fresh_asked = take_quiz(trip, f"fresh-{MODULE}", bank)
    address = start(trip, "final")
    trip.before_the_final = everything_readable(officer, [address])
    submit(trip, address, questions_in(FOLDER / "final" / "questions.en.md"), "final")
    found = re.search(r'href="/certificates/([^"./]+)"', officer.browser.get("/certificates").text)
    assert found, "no certificate"
    trip.serial = found[1]
    return trip


def start(trip: Trip, quiz: str) -> str:
    officer = trip.officer
    officer.open(f"{HOME}/quizzes/{quiz}")
    answer = officer.post(f"{HOME}/quizzes/{quiz}")
    trip.statuses[f"start {quiz}"] = answer.status
    assert re.fullmatch(r"/attempts/[0-9a-z-]+", answer.location), answer.location
    trip.attempts.append(answer.location)
    return answer.location


def submit(trip: Trip, address: str, key: Mapping[str, Entry], name: str, some: int | None = None) -> int:
    officer = trip.officer
    page = officer.open(address)
    names = names_in(page, address)
    controls = [one for one in page.root.all("input") if one.get("name") in names and one.get("type") != "text"]
    trip.values.append([one.get("value") or "" for one in controls])
    answer = officer.post(address, fields_for(page, key, names[:some]))
    trip.statuses[f"submit {name}"] = answer.status
    assert answer.location == address
    return len(names)


def take_quiz(trip: Trip, quiz: str, key: Mapping[str, Entry]) -> int:
    return submit(trip, start(trip, quiz), key, quiz)


def take_lesson(trip: Trip, path: Path) -> None:
    officer = trip.officer
    address = f"{HOME}/{MODULE}/{re.findall(r'^id: (.+)$', path.read_text(), re.M)[0].split()[0]}"
    too_early = officer.post(f"{address}/done").status
    for check, entry in questions_in(path).items():
        trip.statuses["done too early"] = too_early
        page = officer.open(address)
        answer = officer.post(f"{address}/checks/{check}", fields_for(page, {check: entry}, [check]))
        trip.statuses[f"check {check}"] = answer.status
    if "name: grievance-sorter" in path.read_text():
        for run in LABS["grievance-sorter"].sample_runs("en"):
            fields = LABS["grievance-sorter"].fields(run)
            trip.statuses["lab"] = officer.post(f"{address}/labs/grievance-sorter", fields).status
    for time in ("done", "done again"):
        trip.statuses[f"{time} {path.stem}"] = officer.post(f"{address}/done").status


def everything_readable(person: Person, begin: list[str]) -> dict[str, str]:
    """Every page, file and picture that can be reached by links from here, in both languages, as its text."""
    found: dict[str, str] = {}
    for tag in ("en", "hi"):
        person.browser.cookies["language"] = tag
        todo = ["/", *begin]
        while todo:
            address = todo.pop()
            if f"{tag} {address}" in found:
                continue
            answer = person.browser.get(address)
            text = unescape(answer.body.decode(errors="replace"))
            found[f"{tag} {address}"] = " ".join(re.sub(r"<[^>]*>", " ", text).split()) + "\n" + text
            links = re.findall(r'(?:href|src|action|formaction)="([^"]+)"', text) if "<html" in text else []
            if answer.location:
                links.append(answer.location)
            inside = {urlsplit(urljoin(address, link))._replace(fragment="").geturl() for link in links}
            todo += [one for one in inside if one.startswith("/") and not one.startswith(("/language", "/sign-out"))]
    person.browser.cookies["language"] = "en"
    return found


# Signing in


def test_the_sign_in_form_has_the_promised_fields(house: House) -> None:
    page = house.person().open("/sign-in")
    fields = page.fields(page.form("/sign-in"))
    assert {"email", "password", "csrf_token"} <= set(fields)
    assert page.root.one("input", name="csrf_token").get("type") == "hidden"
    assert page.root.one("input", name="password").get("type") == "password"


@pytest.mark.parametrize("path", [HOME, f"{HOME}/status", "/account", f"{LIST}?office=MD-COL"])
def test_whoever_is_not_signed_in_is_sent_to_sign_in_and_back(house: House, path: str) -> None:
    stranger = house.person()
    answer = stranger.browser.get(path)
    assert answer.status == 302
    assert answer.location.startswith("/sign-in?next=")
    page = stranger.open(answer.location)
    fields = page.fields(page.form("/sign-in"))
    answer = stranger.browser.post("/sign-in", {**fields, "email": "supervisor@demo.test", "password": PASSWORD})
    assert (answer.status, answer.location) == (302, path)


def test_wrong_pairs_get_one_same_answer(house: House) -> None:
    def told(email: str) -> tuple[int, str]:
        stranger = house.person()
        answer = stranger.post("/sign-in", {"email": email, "password": "not this one"})
        return answer.status, re.sub(r'name="csrf_token" value="[^"]*"', "", answer.text).replace(email, "…")

    known, unknown = told("trainer@demo.test"), told("nobody@demo.test")
    assert known == unknown
    assert known[0] == 200
    assert 'name="password"' in known[1]


def test_too_many_tries_are_told_when_to_come_back(house: House) -> None:
    stranger = house.person()
    answers = [stranger.post("/sign-in", {"email": "guess@demo.test", "password": f"try {n}"}) for n in range(8)]
    assert answers[0].status == 200
    assert answers[-1].status == 429
    assert 0 < int(answers[-1].headers["Retry-After"]) <= 60


@pytest.mark.parametrize("name", PEOPLE[1:])
def test_the_demo_people_can_sign_in_and_out(house: House, name: str) -> None:
    somebody = house.person(name)
    assert somebody.browser.get("/account").status == 200
    somebody.open("/account")
    assert somebody.post("/sign-out").status == 302
    assert somebody.browser.get("/account").status == 302


@pytest.mark.parametrize(("target", "leads_to"), [("/help", "/help"), ("//evil.test", "/"), ("https://evil.test", "/")])
def test_the_language_is_chosen_by_an_address(house: House, target: str, leads_to: str) -> None:
    stranger = house.person()
    answer = stranger.browser.get(f"/language/hi?next={target}")
    assert (answer.status, answer.location) == (302, leads_to)
    assert stranger.open("/help").root.one("html").get("lang") == "hi"


# The trip


def test_what_an_officer_sends_is_answered_as_promised(trip: Trip) -> None:
    refused = {name: status for name, status in trip.statuses.items() if status != 303}
    assert refused == {"done too early": 422}


def test_quizzes_have_the_promised_ids(house: House) -> None:
    officer = house.person("officer2")
    assert {officer.browser.get(f"{HOME}/quizzes/{quiz}").status for quiz in (MODULE, f"fresh-{MODULE}", "final")} == {
        200
    }
    assert officer.browser.get(f"{HOME}/quizzes/none").status == 404


def test_a_partly_answered_attempt_is_submitted_by_a_post(trip: Trip) -> None:
    assert trip.statuses["submit partly"] == 303
    assert "3 of 8 right" in trip.first_result
    assert trip.officer.open(trip.attempts[0]).text == trip.first_result


def test_option_values_tell_nothing(trip: Trip) -> None:
    values = [value for of_attempt in trip.values for value in of_attempt]
    assert [value for value in values if not re.fullmatch(r"[0-9a-f]{12}", value)] == []
    assert len(values) == len(set(values))  # another attempt at the same questions has others


def test_a_hurried_module_asks_three_questions(trip: Trip) -> None:
    assert trip.fresh_asked == 3
    status = trip.officer.open(f"{HOME}/status")
    assert status.root.all("li", class_="miss") == []


def test_the_status_links_each_requirement_to_its_act(house: House) -> None:
    page = house.person("officer2").open(f"{HOME}/status")
    links = [one.all("a")[0].get("href") or "" for one in page.root.all("li") if one.has_class("miss")]
    assert len(links) == 4 + 1 + 1 + 1  # lessons, lab, quiz, final
    assert all(link.startswith(HOME) for link in links)


# What no page may tell


def test_nothing_is_told_of_any_question_before_it_is_answered(trip: Trip) -> None:
    said = [
        piece
        for path in [*FOLDER.glob("*/questions.*.md"), *MODULE_FOLDER.glob("0*.md")]
        for entry in questions_in(path).values()
        for piece in entry.said_afterwards
    ]
    assert len(said) > 300
    assert [(address, piece) for address, text in trip.before_anything.items() for piece in said if piece in text] == []


def test_nothing_is_told_of_the_final_while_it_runs(trip: Trip) -> None:
    said = [p for e in questions_in(FOLDER / "final/questions.en.md").values() for p in e.said_afterwards]
    said += [p for e in questions_in(FOLDER / "final/questions.hi.md").values() for p in e.said_afterwards]
    assert [
        (address, piece) for address, text in trip.before_the_final.items() for piece in said if piece in text
    ] == []


def test_nothing_is_told_of_any_question_of_the_shipped_course(tmp_path: Path) -> None:
    """All its modules at once: their lessons, their labs, and a quiz begun in each."""
    modules = re.findall(r"^modules: \[(.+)\]$", (FOLDER / "course.yaml").read_text(), re.M)[0].split(", ")
    with serving(demo_in(tmp_path)) as server:
        trip = Trip(House(server).person("officer"))
        readable = everything_readable(trip.officer, [start(trip, module) for module in modules])
    lessons = list(FOLDER.glob("0*/0*.md"))
    assert sum(f"{HOME}/{module}/" in address for address in readable for module in modules) >= len(lessons)
    files = [*FOLDER.glob("*/questions.*.md"), *lessons]
    said = [piece for path in files for entry in questions_in(path).values() for piece in entry.said_afterwards]
    assert len(said) > 1500
    assert [(address, piece) for address, text in readable.items() for piece in said if piece in text] == []


def test_the_same_search_finds_what_is_told_afterwards(trip: Trip) -> None:
    asked = trip.officer.open(trip.attempts[0])
    entries = [e for e in questions_in(MODULE_FOLDER / "questions.en.md").values() if f"question-{e.id}" in asked.html]
    explanations = [entry.said_afterwards[-1] for entry in entries]
    assert len(explanations) == 8
    text = " ".join(unescape(re.sub(r"<[^>]*>", " ", asked.html)).split())
    assert [piece for piece in explanations if piece not in text] == []


def test_the_crawl_came_everywhere(trip: Trip) -> None:
    for address in (HOME, f"{HOME}/status", f"{HOME}/quizzes/final", trip.attempts[0], "/account", "/certificates"):
        assert f"hi {address}" in trip.before_anything
    assert sum(".js" in address for address in trip.before_anything) >= 3
    assert sum(f"{HOME}/{MODULE}/" in address for address in trip.before_anything) >= 8


def test_right_and_wrong_options_look_alike(house: House) -> None:
    officer = house.person("officer2")
    officer.open(f"{HOME}/quizzes/{MODULE}")
    page = officer.open(officer.post(f"{HOME}/quizzes/{MODULE}").location)
    for name in names_in(page, page.address):
        controls = page.root.all("input", name=name)
        shapes = {frozenset(set(one.attributes) - {"id", "checked"}) for one in controls}
        assert len(shapes) == 1
        assert shapes.pop() <= {"type", "name", "value", "class", "inputmode", "autocomplete", "maxlength"}
        # Only the first one has an id, so that a message can lead to the question.
        assert [one.get("id") is not None for one in controls] == [True] + [False] * (len(controls) - 1)


def test_saving_an_answer_tells_nothing_of_it(house: House) -> None:
    officer = house.person("officer2")
    officer.open(f"{HOME}/quizzes/{MODULE}")
    page = officer.open(officer.post(f"{HOME}/quizzes/{MODULE}").location)
    name = next(name for name in names_in(page, page.address) if len(page.root.all("input", name=name)) > 1)
    told = []
    for control in page.root.all("input", name=name):
        fields = {"answer_of": name, name: control.get("value") or ""}
        answer = officer.post(f"{page.address}/answers", fields, Accept="application/json")
        told.append((answer.status, {**json.loads(answer.text), "saved_at": "", "seconds_left": 0}))
    assert told == [told[0]] * len(told)
    assert told[0][0] == 200


# Reading changes nothing


@pytest.mark.parametrize("name", ["stranger", "officer2", "trainer", "admin"])
def test_reading_writes_nothing(house: House, name: str) -> None:
    somebody = house.person(name)
    before = house.records()
    assert len(everything_readable(somebody, ["/sign-in", "/forgotten", "/health/ready", "/verify"])) > 10
    assert house.records() == before


def test_a_download_is_noted_and_nothing_else(house: House) -> None:
    supervisor = house.person("supervisor")
    before = house.records()
    assert supervisor.browser.get(LIST).status == 200
    supervisor.open(f"/supervise/{COURSE}")
    after = house.records()
    assert {table for table in after if after[table] != before[table]} == {"access_log", "ledger", "ledger_head"}
    assert len(after["access_log"]) == len(before["access_log"]) + 1
    assert len(after["ledger"]) == len(before["ledger"]) + 1


# Who may open what


def routes(house: House) -> list[tuple[str, str]]:
    """(method, rule) of every page there is, as `elearn routes` lists them."""
    done = house.elearn("routes")
    assert done.returncode == 0, done.stderr
    lines = (line.split() for line in done.stdout.splitlines()[2:])
    return [(method.strip(","), words[-1]) for words in lines for method in words[1:-1]]


@pytest.fixture(scope="module")
def all_routes(house: House) -> list[tuple[str, str]]:
    return routes(house)


ANYONE = (200,) * 6
SIGNED_IN = (302, 200, 200, 200, 200, 200)
HERS = (302, 200, 404, 404, 404, 404)
SUPERVISOR = (302, 403, 403, 200, 403, 403)
TRAINER = (302, 403, 403, 403, 200, 403)
ADMINISTRATOR = (302, 403, 403, 403, 403, 200)
ADMINISTERED = (302, 403, 403, 403, 403, 303)
NOBODY = (302, 403, 403, 403, 403, 404)
ABSENT = (302, 404, 404, 404, 404, 404)

# rule -> [(address, what each of PEOPLE gets)]; {serial} and {attempt} are the first officer's.
READING: dict[str, list[tuple[str, tuple[int, ...]]]] = {
    "/": [("/", ANYONE)],
    "/sign-in": [("/sign-in", (200, 302, 302, 302, 302, 302))],
    "/sign-in/sso": [("/sign-in/sso", (404,) * 6)],  # where no provider is configured
    "/sign-in/sso/return": [("/sign-in/sso/return?state=x&code=x", (404,) * 6)],
    "/sign-in/code": [("/sign-in/code", (302,) * 6)],
    "/forgotten": [("/forgotten", ANYONE)],
    "/first-password/<token>": [("/first-password/guessed", (404,) * 6)],
    "/language/<tag>": [("/language/en", (302,) * 6), ("/language/xx", (404,) * 6)],
    "/privacy": [("/privacy", ANYONE)],
    "/accessibility": [("/accessibility", ANYONE)],
    "/help": [("/help", ANYONE)],
    "/verify": [("/verify", ANYONE)],
    "/.well-known/jwks.json": [("/.well-known/jwks.json", ANYONE)],
    "/.well-known/security.txt": [("/.well-known/security.txt", (404,) * 6)],  # where no contact is named
    "/robots.txt": [("/robots.txt", ANYONE)],
    "/health/live": [("/health/live", ANYONE)],
    "/health/ready": [("/health/ready", ANYONE)],
    "/static/<mark>/<path:name>": [("/static/0/css/style.css", (404,) * 6), ("/static/0/../config.py", (404,) * 6)],
    "/certificates/<serial>": [("/certificates/{serial}", ANYONE), ("/certificates/" + "0" * 26, (404,) * 6)],
    "/certificates/<serial>.pdf": [("/certificates/{serial}.pdf", ANYONE), ("/certificates/1.pdf", (404,) * 6)],
    "/certificates/<serial>.json": [("/certificates/{serial}.json", ANYONE), ("/certificates/1.json", (404,) * 6)],
    "/C/<serial>": [("/C/{serial}", (302,) * 6)],
    "/account": [("/account", SIGNED_IN)],
    "/account/second-factor": [("/account/second-factor", SIGNED_IN)],
    "/account/second-factor/code.svg": [("/account/second-factor/code.svg", ABSENT)],
    "/admin": [("/admin", ADMINISTRATOR)],
    "/admin/officers": [("/admin/officers?q=me", ADMINISTRATOR), ("/admin/officers?office=NONE", ADMINISTRATOR)],
    "/admin/officers/<int:officer_id>": [
        ("/admin/officers/1", ADMINISTRATOR),
        ("/admin/officers/0", NOBODY),
        (f"/admin/officers/{2**64}", (404,) * 6),
    ],
    "/admin/offices": [("/admin/offices", ADMINISTRATOR)],
    "/admin/log": [
        ("/admin/log", ADMINISTRATOR),
        ("/admin/log?event=refused&officer=MD-0142&day=2026-11-23&before=9", ADMINISTRATOR),
        ("/admin/log?officer=nobody&day=9999-12-31", ADMINISTRATOR),
    ],
    "/certificates": [("/certificates", SIGNED_IN)],
    "/courses/<course_id>": [(HOME, SIGNED_IN), ("/courses/none", ABSENT)],
    "/courses/<course_id>/status": [(f"{HOME}/status", SIGNED_IN), ("/courses/none/status", ABSENT)],
    "/courses/<course_id>/<module_id>/<lesson_id>": [
        (f"{HOME}/{MODULE}/four-kinds", SIGNED_IN),
        (f"{HOME}/{MODULE}/none", ABSENT),
    ],
    "/courses/<course_id>/search": [(f"{HOME}/search?q=rule", SIGNED_IN), ("/courses/none/search", ABSENT)],
    "/courses/<course_id>/glossary": [(f"{HOME}/glossary", SIGNED_IN), ("/courses/none/glossary", ABSENT)],
    "/courses/<course_id>/sources": [(f"{HOME}/sources", SIGNED_IN), ("/courses/none/sources", ABSENT)],
    "/courses/<course_id>/report": [(f"{HOME}/report", SIGNED_IN), ("/courses/none/report", ABSENT)],
    "/trainer": [("/trainer", (302, 403, 403, 403, 302, 403))],
    "/trainer/reports": [("/trainer/reports", TRAINER), ("/trainer/reports?closed=1", TRAINER)],
    "/courses/<course_id>/media/<picture_hash>/<name>": [(f"{HOME}/media/0/questions.en.md", ABSENT)],
    "/courses/<course_id>/quizzes/<quiz_id>": [(f"{HOME}/quizzes/final", SIGNED_IN), (f"{HOME}/quizzes/0", ABSENT)],
    "/attempts/<attempt_id>": [("{attempt}", HERS), ("/attempts/0", ABSENT)],
    "/supervise": [("/supervise", (302, 403, 403, 302, 403, 403))],
    "/supervise/<course_id>": [
        (f"/supervise/{COURSE}", SUPERVISOR),
        (f"/supervise/{COURSE}?office=MD-BLK", SUPERVISOR),
        ("/supervise/none", (302, 403, 403, 404, 403, 403)),
    ],
    "/supervise/<course_id>/completions.csv": [(LIST, SUPERVISOR)],
    "/supervise/<course_id>/completions.csv.sha256": [(f"{LIST}.sha256", SUPERVISOR)],
}

FOUND_BY_ALL = (302, 303, 303, 303, 303, 303)

# The same for what is sent, each with a good token and nothing that is needed: 422 asks for it.
SENDING: dict[str, list[tuple[str, tuple[int, ...]]]] = {
    "/sign-in": [("/sign-in", ANYONE)],
    "/sign-in/code": [("/sign-in/code", (302,) * 6)],
    "/sign-out": [("/sign-out", (302,) * 6)],
    "/forgotten": [("/forgotten", ANYONE)],
    "/first-password/<token>": [("/first-password/guessed", (404,) * 6)],
    "/verify": [("/verify", (422,) * 6)],
    "/account/password": [("/account/password", SIGNED_IN)],
    "/account/sign-ins/end": [("/account/sign-ins/end", FOUND_BY_ALL)],
    "/account/my-data": [("/account/my-data", SIGNED_IN)],
    "/account/second-factor/confirm": [("/account/second-factor/confirm", FOUND_BY_ALL)],
    "/account/second-factor/recovery-codes": [("/account/second-factor/recovery-codes", FOUND_BY_ALL)],
    "/account/second-factor/off": [("/account/second-factor/off", FOUND_BY_ALL)],
    "/account/second-factor": [("/account/second-factor", FOUND_BY_ALL)],
    # On one of the demo's people without a sign-in of her own.
    **{
        f"/admin/officers/<int:officer_id>/{act}": [
            (f"/admin/officers/1/{act}", found),
            (f"/admin/officers/0/{act}", NOBODY),
        ]
        for act, found in {
            "sign-ins/end": ADMINISTERED,
            "link": ADMINISTRATOR,
            "roles": (302, 403, 403, 403, 403, 422),
            "roles/end": ADMINISTERED,
            "second-factor/reset": ADMINISTERED,
            "disable": ADMINISTERED,
            "enable": ADMINISTERED,
        }.items()
    },
    "/courses/<course_id>/<module_id>/<lesson_id>/done": [
        (f"{HOME}/{MODULE}/none/done", ABSENT),
        (f"{HOME}/{MODULE}/four-kinds/done", (302, 303, 422, 422, 422, 422)),
    ],
    "/courses/<course_id>/<module_id>/<lesson_id>/checks/<check_id>": [
        (f"{HOME}/{MODULE}/four-kinds/checks/none", ABSENT)
    ],
    "/courses/<course_id>/<module_id>/<lesson_id>/labs/<lab_name>": [
        (f"{HOME}/{MODULE}/four-kinds/labs/grievance-sorter", ABSENT),
        (f"{HOME}/{MODULE}/learning-from-examples/labs/grievance-sorter", (302, 422, 422, 422, 422, 422)),
    ],
    "/courses/<course_id>/quizzes/<quiz_id>": [
        (f"{HOME}/quizzes/none", ABSENT),
        (f"{HOME}/quizzes/final", FOUND_BY_ALL),  # back to its page, which says why it is closed
    ],
    "/courses/<course_id>/report": [
        (f"{HOME}/report", (302, 422, 422, 422, 422, 422)),
        ("/courses/none/report", ABSENT),
    ],
    "/trainer/reports/<int:report_id>": [("/trainer/reports/1", (302, 403, 403, 403, 404, 403))],
    "/attempts/<attempt_id>/answers": [("{attempt}/answers", (302, 303, 404, 404, 404, 404))],
    "/attempts/<attempt_id>": [("{attempt}", (302, 303, 404, 404, 404, 404))],
}


def test_every_route_stands_in_the_table(all_routes: list[tuple[str, str]]) -> None:
    assert {rule for method, rule in all_routes if method == "GET"} == set(READING)
    assert {rule for method, rule in all_routes if method == "POST"} == set(SENDING)
    assert {method for method, _ in all_routes} == {"GET", "POST"}


@pytest.mark.parametrize("place", range(len(PEOPLE)), ids=PEOPLE)
def test_nobody_opens_what_is_not_theirs(house: House, trip: Trip, place: int) -> None:
    somebody, wrong = house.person(PEOPLE[place]), []
    for address, expected in (row for rows in READING.values() for row in rows):
        address = address.format(serial=trip.serial, attempt=trip.attempts[0])
        got = somebody.browser.get(address).status
        if got != expected[place]:
            wrong.append(f"GET {address}: {got}, not {expected[place]}")
    assert wrong == []


@pytest.mark.parametrize("place", range(len(PEOPLE)), ids=PEOPLE)
def test_nobody_sends_what_is_not_theirs(house: House, trip: Trip, place: int) -> None:
    wrong = []
    for address, expected in (row for rows in SENDING.values() for row in rows):
        somebody = house.person(PEOPLE[place])
        address = address.format(attempt=trip.attempts[0])
        got = somebody.post(address, {"email": f"{PEOPLE[place]}@nowhere.test"}).status
        if got != expected[place]:
            wrong.append(f"POST {address}: {got}, not {expected[place]}")
    assert wrong == []
    assert trip.officer.open(trip.attempts[0]).text == trip.first_result


def test_a_form_without_its_token_is_refused_everywhere(house: House, trip: Trip) -> None:
    officer, another = house.person("officer"), house.person("officer2")
    token, before, wrong = another.token(), house.records(), []
    for address, expected in (row for rows in SENDING.values() for row in rows):
        address = address.format(attempt=trip.attempts[0])
        refused = 403 if expected[1] == 403 else 400  # the door comes before the form
        for fields in ({}, {"csrf_token": ""}, {"csrf_token": "ꯃꯤꯔꯥ"}, {"csrf_token": token}):
            status = officer.browser.post(address, fields).status
            if status != refused:
                wrong.append(f"{address} with {fields}: {status}")
    assert wrong == []
    after = house.records()
    for records in (before, after):
        del records["access_log"]  # who was refused at a door is noted there
    assert after == before


def test_another_ones_sign_in_cannot_be_ended(house: House) -> None:
    officer, another = house.person("officer"), house.person("officer2")
    another.open("/account")
    for number in range(60):
        another.browser.post("/account/sign-ins/end", {"csrf_token": another.token(), "sign-in": str(number)})
    assert officer.browser.get("/account").status == 200


def test_a_body_that_is_too_large_is_refused(house: House) -> None:
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    assert house.person().browser.ask("POST", "/verify", b"a=" + b"x" * 3_000_000, form).status == 413


# Certificates


def test_a_certificate_is_found_under_its_serial_in_any_case(house: House, trip: Trip) -> None:
    stranger = house.person()
    assert SERIAL.fullmatch(trip.serial)
    for spelling in (trip.serial, trip.serial.lower()):
        page = stranger.open(f"/certificates/{spelling}")
        assert page.heading == "Meera Devi"
        assert "valid" in page.text
        short = stranger.browser.get(f"/C/{spelling}")
        assert short.location.upper() == f"/certificates/{trip.serial}".upper()


def test_a_certificate_tells_nothing_that_is_nobodys_business(house: House, trip: Trip) -> None:
    public = house.person().browser.get(f"/certificates/{trip.serial}").text
    signed = house.person().browser.get(f"/certificates/{trip.serial}.json").text
    for private in ("demo.test", "MD-0142", "100 %", '"percent"'):
        assert private not in public + signed


def test_a_certificate_comes_as_pdf_and_as_signed_record(house: House, trip: Trip) -> None:
    browser = house.person().browser
    pdf, record = browser.get(f"/certificates/{trip.serial}.pdf"), browser.get(f"/certificates/{trip.serial}.json")
    assert pdf.headers.get_content_type() == "application/pdf"
    assert pdf.body.startswith(b"%PDF-")
    assert record.headers.get_content_type() == "application/json"
    assert json.loads(record.text)["record"]["serial"] == trip.serial


def test_anybodys_verifier_agrees_with_the_published_keys(house: House, trip: Trip) -> None:
    browser = house.person().browser
    keys = json.loads(browser.get("/.well-known/jwks.json").text)["keys"]
    assert all(set(key) == {"kty", "crv", "x", "kid", "use", "alg"} for key in keys)
    token = json.loads(browser.get(f"/certificates/{trip.serial}.json").text)["jws"]
    signed, _, signature = token.rpartition(".")
    header, payload = (json.loads(decoded(part)) for part in signed.split("."))
    key = VerifyKey(decoded(next(key["x"] for key in keys if key["kid"] == header["kid"])))
    key.verify(signed.encode(), decoded(signature))
    assert payload["serial"] == trip.serial
    with pytest.raises(BadSignatureError):
        key.verify(signed.encode() + b"A", decoded(signature))


def decoded(part: str) -> bytes:
    return urlsafe_b64decode(part + "=" * (-len(part) % 4))


def test_anyone_can_check_a_serial_and_a_file(house: House, trip: Trip) -> None:
    stranger = house.person()
    answer = stranger.post("/verify", {"serial": " ".join(re.findall(".{1,5}", trip.serial.lower()))})
    assert (answer.status, answer.location) == (303, f"/certificates/{trip.serial}")
    assert stranger.post("/verify", {"serial": "0" * 26}).status == 422
    document = stranger.browser.get(f"/certificates/{trip.serial}.json").body
    assert "This certificate is valid" in uploaded(stranger, document)
    assert "This is not as we signed it" in uploaded(stranger, document.replace(b"Meera", b"Leela"))


def uploaded(person: Person, document: bytes) -> str:
    """The page after a file was chosen on it."""
    edge = "----a-line-that-is-in-no-file"
    parts = [
        f'--{edge}\r\nContent-Disposition: form-data; name="csrf_token"\r\n\r\n{person.token()}\r\n'.encode(),
        f'--{edge}\r\nContent-Disposition: form-data; name="document"; filename="c.json"\r\n\r\n'.encode() + document,
        f"\r\n--{edge}--\r\n".encode(),
    ]
    kind = {"Content-Type": f"multipart/form-data; boundary={edge}"}
    return person.browser.ask("POST", "/verify", b"".join(parts), kind).text


# Lists


def rows_of(body: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(body.decode("utf-8-sig"), newline="")))


def test_the_completion_list_is_written_as_promised(house: House, trip: Trip) -> None:
    answer = house.person("supervisor").browser.get(LIST)
    assert answer.headers.get_content_type() == "text/csv"
    assert answer.body.startswith(b"\xef\xbb\xbf" + HEADER.encode() + b"\r\n")
    assert answer.body.endswith(b"\r\n")
    assert answer.body.count(b"\n") == answer.body.count(b"\r\n")
    rows = {row["employee_number"]: row for row in rows_of(answer.body)}
    meera = rows["MD-0142"]
    assert meera == {
        **meera,
        "name": "Meera Devi",
        "office_code": "MD-COL",
        "state": "complete",
        "final_percent": "100",
        "evidence": "checked",
        "certificate": trip.serial,
    }
    assert meera["requirements_met"] == meera["requirements_total"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+05:30", meera["completed_at"])
    assert {row["state"] for row in rows.values()} <= {"not_begun", "in_progress", "complete", "exempt"}


def test_a_supervisor_gets_her_office_alone_whatever_she_asks_for(house: House) -> None:
    browser = house.person("supervisor").browser
    assert {row["office_code"] for row in rows_of(browser.get(LIST).body)} == {"MD-COL"}
    for query in ("office=MD", "office=MD-BLK", "q=Rohan", "q=MD-0031", "office=%25", "office=MD-COL&office=MD-BLK"):
        assert {row["office_code"] for row in rows_of(browser.get(f"{LIST}?{query}").body)} <= {"MD-COL"}
        page = Person(browser).open(f"/supervise/{COURSE}?{query}")
        assert not any("Rohan" in row.text for row in page.root.all("tr"))


def test_filters_narrow_the_list(house: House, trip: Trip) -> None:
    browser = house.person("supervisor").browser
    assert trip.serial in [row["certificate"] for row in rows_of(browser.get(f"{LIST}?state=complete").body)]
    assert {row["state"] for row in rows_of(browser.get(f"{LIST}?state=complete").body)} == {"complete"}
    assert [row["name"] for row in rows_of(browser.get(f"{LIST}?q=meera").body)] == ["Meera Devi"]
    assert rows_of(browser.get(f"{LIST}?state=exempt").body) == []
    assert browser.get(f"{LIST}?state=exempt").body == b"\xef\xbb\xbf" + HEADER.encode() + b"\r\n"


def test_what_proves_a_list_travels_in_its_headers_and_beside_it(house: House) -> None:
    browser = house.person("supervisor").browser
    answer, companion = browser.get(LIST), browser.get(f"{LIST}.sha256")
    digest = sha256(answer.body).hexdigest()
    assert answer.headers["X-SHA256"] == digest
    assert answer.headers["X-Row-Count"] == str(len(rows_of(answer.body)))
    assert datetime.fromisoformat(answer.headers["X-As-Of"]).utcoffset() is not None
    name = answer.headers.get_filename()
    assert companion.text == f"{digest}  {name}\n"


# Commands


def test_check_says_how_the_content_is_by_its_exit_status(tmp_path: Path) -> None:
    fine = elearn("check", "content", "--format", "json")
    assert fine.returncode == 0, fine.stdout + fine.stderr
    severities = {one["severity"] for one in json.loads(fine.stdout)}
    assert severities <= {"warning"}
    assert elearn("check", "content", "--strict").returncode == (1 if severities else 0)
    shutil.copytree(ROOT / "content", tmp_path / "content")
    bank = tmp_path / "content" / COURSE / "01-plain-words" / "questions.en.md"
    bank.write_text(bank.read_text().replace("- [x]", "- [ ]", 1))
    broken = elearn("check", tmp_path / "content")
    assert broken.returncode == 1
    line = re.search(rf"^{re.escape(str(bank))}:(\d+):(\d+): error\[([a-z-]+)\] \S.*$", broken.stdout, re.M)
    assert line, broken.stdout
    found = json.loads(elearn("check", tmp_path / "content", "--format", "json").stdout)
    assert all(list(one) == ["path", "line", "column", "severity", "code", "message", "hint"] for one in found)
    assert (str(bank), int(line[1]), int(line[2]), line[3]) in [
        (one["path"], one["line"], one["column"], one["code"]) for one in found
    ]
    assert elearn("check", tmp_path / "content", "--format", "github").stdout.count("::error ") == 1
    assert elearn("check", tmp_path / "nowhere").returncode == 2


def test_a_roster_is_judged_then_taken_then_nothing_new(house: House, tmp_path: Path) -> None:
    roster = tmp_path / "roster.csv"
    roster.write_text(
        "name,email,employee_number,office,designation\r\n"
        "Sita Kumari,sita@model.test,MD-7001,MD-BLK,Clerk\r\n"
        "Gita Rani,gita@model.test,MD-7002,MD-BLK,Clerk\r\n"
    )
    before = house.records()
    assert house.elearn("import", "officers", roster, "--dry-run").returncode == 0
    assert house.records() == before
    first = house.elearn("import", "officers", roster)
    assert (first.returncode, first.stdout.count("added")) == (0, 3), first.stdout
    before = house.records()
    again = house.elearn("import", "officers", roster)
    assert again.returncode == 0
    after = house.records()
    assert {table for table in after if after[table] != before[table]} <= {"access_log"}


def test_a_roster_with_a_bad_row_changes_nothing_and_an_unreadable_one_says_so(house: House, tmp_path: Path) -> None:
    bad, unknown, unreadable = tmp_path / "bad.csv", tmp_path / "unknown.csv", tmp_path / "unreadable.csv"
    header = "name,email,employee_number,office,designation"
    bad.write_text(f"{header}\r\nUma Devi,uma@model.test,MD-7003,MD-BLK,Clerk\r\nNobody,x,MD-7004,NONE,Clerk\r\n")
    unknown.write_text(f"{header},salary\r\nUma Devi,uma@model.test,MD-7003,MD-BLK,Clerk,1\r\n")
    unreadable.write_bytes(b"\xff\xfe\x00\x01\x02")
    before = house.records()
    refused = house.elearn("import", "officers", bad)
    assert refused.returncode == 1
    assert f"{bad}:3:" in refused.stdout
    column = house.elearn("import", "officers", unknown)
    assert column.returncode in (1, 2)
    assert "salary" in column.stdout + column.stderr
    assert house.elearn("import", "officers", unreadable).returncode == 2
    assert house.records() == before


def test_one_officer_is_kept_from_the_shell(house: House) -> None:
    added = house.elearn("officer", "add", "rani@model.test", "--name", "Rani Devi", "--office", "MD-COL")
    assert added.returncode == 0, added.stderr
    links = [re.search(r"https?://\S+", added.stdout), re.search(r"https?://\S+", link(house, "rani@model.test"))]
    rani, words = Person(house.server.browser()), "seven quiet rivers"
    assert links[1]
    path = urlsplit(links[1][0]).path
    rani.open(path)
    assert rani.post(path, {"new-password": words}).status == 303
    assert rani.browser.get(path).status == 404  # good once
    rani.page = None
    rani.open("/sign-in")
    assert rani.post("/sign-in", {"email": "rani@model.test", "password": words}).status == 302
    assert rani.browser.get(f"/supervise/{COURSE}").status == 403
    assert house.elearn("officer", "role", "rani@model.test", "supervisor", "--office", "MD-BLK").returncode == 0
    assert rani.browser.get("/account").status == 302  # a new right begins with a new sign-in
    rani.page = None
    rani.open("/sign-in")
    rani.post("/sign-in", {"email": "rani@model.test", "password": words})
    assert {row["office_code"] for row in rows_of(rani.browser.get(LIST).body)} == {"MD-BLK"}
    assert house.elearn("officer", "disable", "rani@model.test").returncode == 0
    assert rani.browser.get("/account").status == 302
    assert house.elearn("officer", "disable", "nobody@model.test").returncode != 0


def link(house: House, email: str) -> str:
    done = house.elearn("officer", "link", email)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_completions_are_exported_as_a_supervisor_downloads_them(house: House, trip: Trip, tmp_path: Path) -> None:
    file = tmp_path / "list.csv"
    done = house.elearn("export", "completions", COURSE, "--format", "csv", "--office", "MD-COL", "-o", file)
    assert done.returncode == 0, done.stderr
    assert file.read_bytes() == house.person("supervisor").browser.get(LIST).body
    digest = sha256(file.read_bytes()).hexdigest()
    assert (tmp_path / "list.csv.sha256").read_text() == f"{digest}  list.csv\n"
    lines = tmp_path / "list.jsonl"
    everyone = house.elearn("export", "completions", COURSE, "--format", "jsonl", "-o", lines, "--as-of", "2020-01-01")
    assert everyone.returncode == 0, everyone.stderr
    assert lines.read_text() == ""  # nobody was here then
    assert house.elearn("export", "completions", "none", "-o", tmp_path / "x").returncode != 0


def test_certificates_are_verified_from_the_shell_and_revoked_for_all_to_see(
    house: House, trip: Trip, tmp_path: Path
) -> None:
    good, bad = tmp_path / "good.json", tmp_path / "bad.json"
    good.write_bytes(house.person().browser.get(f"/certificates/{trip.serial}.json").body)
    bad.write_bytes(good.read_bytes().replace(b"Meera", b"Leela"))
    valid = house.elearn("certificate", "verify", trip.serial.lower(), good)
    assert (valid.returncode, [line.split()[0] for line in valid.stdout.splitlines()]) == (0, ["valid", "valid"])
    mixed = house.elearn("certificate", "verify", trip.serial, bad, "0" * 26)
    assert mixed.returncode != 0
    assert [line.split()[0] for line in mixed.stdout.splitlines()] == ["valid", "altered", "unknown"]


def test_the_database_is_brought_up_to_date_again_and_again(house: House) -> None:
    before = house.records()
    assert house.elearn("db", "upgrade").returncode == 0
    assert house.records() == before


def test_the_demo_is_served_on_this_machine_only(tmp_path: Path) -> None:
    done = elearn("demo", "--host", "0.0.0.0", "--port", "8000", "--data", tmp_path / "demo")
    assert done.returncode != 0
    assert not (tmp_path / "demo").exists()


def test_the_demo_prints_whom_one_can_sign_in_as(house: House) -> None:
    for name in PEOPLE[1:]:
        assert f"{name}@demo.test" in house.server.log
    assert PASSWORD in house.server.log
    assert house.server.url in house.server.log


def test_what_the_operator_asks_is_answered(house: House) -> None:
    browser = house.person().browser
    assert [browser.get(path).status for path in ("/health/live", "/health/ready")] == [200, 200]


def test_nothing_went_wrong_on_the_way(house: House) -> None:
    assert "Traceback" not in house.server.log


# Last, since it takes the trip's certificate away.


def test_a_revoked_certificate_says_so_everywhere(house: House, trip: Trip) -> None:
    revoked = house.elearn("certificate", "revoke", trip.serial, "--why", "issued by mistake")
    assert revoked.returncode == 0, revoked.stderr
    page = house.person().open(f"/certificates/{trip.serial}")
    assert "revoked" in page.text
    assert "issued by mistake" in page.text
    verified = house.elearn("certificate", "verify", trip.serial)
    assert (verified.returncode != 0, verified.stdout.split()[0]) == (True, "revoked")
