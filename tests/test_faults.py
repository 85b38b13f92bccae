"""What may be lost when much happens at once, when the server is killed, or when clients misbehave: nothing that was
acknowledged. Against the shipped server as a process of its own, over HTTP on this machine.

KILL_ROUNDS says how often the server is killed; 5 without it.
"""

from __future__ import annotations

import os
import re
import shutil
import socket
import sqlite3
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from html import unescape
from http.client import HTTPException
from itertools import count
from pathlib import Path
from statistics import quantiles
from threading import Barrier, Event, Lock
from time import perf_counter
from typing import Any
from uuid import uuid4

import pytest
from flask import Flask
from sqlalchemy import insert

from config import from_environment
from elearn import create_app
from elearn.domain.course import Course
from elearn.domain.ledger import broken_at
from elearn.domain.questions import Given as Answered
from elearn.domain.questions import Question
from elearn.models.database import db, writing
from elearn.models.learning import Answer, Attempt, CheckAnswer, LessonRecord
from elearn.models.people import Password
from elearn.services import library, passwords, people, quizzes
from tests import records
from tests.given import COURSE, PASSWORD, Given, Person
from tests.server import Answer as Response
from tests.server import Browser, Fields, Server, served_from

WRITERS = 50
WRITERS_AT_THE_KILL = 30
OFFICE_AT_ONE_ADDRESS = 200
KILL_ROUNDS = int(os.environ.get("KILL_ROUNDS", "5"))
GIGABYTE = 1024**3
JSON = {"Accept": "application/json"}

INPUT = re.compile(r"<input\b[^>]*>")
ATTRIBUTE = re.compile(r'\b(type|name|value)="([^"]*)"')


@dataclass
class House:
    """A server on data of its own, the same data from inside, and who is there."""

    server: Server
    app: Flask
    given: Given
    course: Course

    def crowd(self, size: int) -> list[Person]:
        """So many officers who may sign in."""
        made = [self.given.officer(f"Officer {n}", password="") for n in range(size)]
        kept = passwords.hash_of(PASSWORD)
        with writing() as connection:
            rows = [{"officer_id": one.id, "hash": kept, "set_at": self.given.now} for one in made]
            connection.execute(insert(Password), rows)
        return made


@pytest.fixture(scope="module")
def house(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory, now: datetime) -> Iterator[House]:
    """One house for all tests here but the two that need their own: its start is dearer than most of them."""
    yield from opened(copied(sqlite_template, tmp_path_factory.mktemp("house")), now)


@pytest.fixture
def house_to_kill(sqlite_template: Path, tmp_path: Path, now: datetime) -> Iterator[House]:
    yield from opened(copied(sqlite_template, tmp_path), now)


@pytest.fixture
def postgres_house(sqlite_template: Path, postgres_url: str, tmp_path: Path, now: datetime) -> Iterator[House]:
    yield from opened(copied(sqlite_template, tmp_path, postgres_url, workers=2), now)


def copied(template: Path, folder: Path, database_url: str = "", workers: int = 1) -> Server:
    """A server with compiled content, keys and an empty, migrated database."""
    shutil.copytree(template, folder, dirs_exist_ok=True)
    url = database_url or f"sqlite:///{folder / 'house.sqlite3'}"
    return served_from(folder, url, workers)


def opened(server: Server, now: datetime) -> Iterator[House]:
    app = create_app(from_environment(server.settings))
    with app.app_context():
        try:
            server.start()
            yield House(server, app, Given(app, now), library.course(COURSE))
        finally:
            server.stop()
            db.engine.dispose()


# What officers do, over HTTP


@dataclass
class Officer:
    """Somebody at her browser. She notes what was acknowledged, and the one act of which she does not know."""

    person: Person
    browser: Browser
    token: str = ""
    seconds: list[float] = field(default_factory=list)
    unexpected: list[str] = field(default_factory=list)
    checks: dict[str, tuple[str, str, list[str]]] = field(default_factory=dict)  # act -> lesson, check, values
    done: Counter[str] = field(default_factory=Counter)
    answers: dict[tuple[str, str], list[list[str]]] = field(default_factory=dict)  # the last ones that may stand
    submitted: set[str] = field(default_factory=set)
    doubtful: tuple[str, Fields] | None = None

    def sign_in(self) -> None:
        self.token = token_on(self.browser.get("/sign-in"))
        fields = {"email": self.person.email, "password": PASSWORD, "csrf_token": self.token}
        answer = self.browser.post("/sign-in", fields)
        assert answer.status == 302, f"{self.person.email} could not sign in: {answer.status}"
        self.token = token_on(self.browser.get("/account"))

    def post(self, path: str, fields: Fields, expected: int, **headers: str) -> Response:
        """Sends what changes something. Until its answer has come, nobody knows whether it did."""
        self.doubtful = (path, fields)
        begun = perf_counter()
        answer = self.browser.post(path, {**fields, "csrf_token": self.token}, **headers)
        self.seconds.append(perf_counter() - begun)
        self.doubtful = None
        if answer.status != expected:
            self.unexpected.append(f"{path}: {answer.status}")
        return answer

    def take_lesson(self, path: str) -> None:
        address = f"/courses/{COURSE}/{path}"
        page = self.browser.get(address).text
        for form in page.split("<form")[1:]:
            found = re.search(rf'action="{address}/checks/([^"]+)"', form)
            if found:
                self.answer_check(path, found[1], first_choice(form.split("</form>")[0]))
        self.post(f"{address}/done", {}, 303)
        self.done[path] += 1

    def answer_check(self, lesson: str, check: str, chosen: dict[str, str]) -> None:
        act, values = uuid4().hex, [chosen[check]]
        self.post(f"/courses/{COURSE}/{lesson}/checks/{check}", {check: values, "act_id": act}, 303)
        self.checks[act] = (lesson, check, values)

    def take_quiz(self, quiz: str) -> None:
        address = self.post(f"/courses/{COURSE}/quizzes/{quiz}", {}, 303).location
        attempt = address.rpartition("/")[2]
        page = self.browser.get(address).text
        for question, value in first_choice(page.split('id="attempt"')[1]).items():
            self.save_answer(attempt, question, value)
        self.submit(attempt, {})  # nothing but the attempt: what was saved counts

    def save_answer(self, attempt: str, question: str, value: str) -> None:
        before = self.answers.get((attempt, question), [])
        self.answers[attempt, question] = [*before[-1:], [value]]  # until this one is acknowledged, either may stand
        self.post(f"/attempts/{attempt}/answers", {"answer_of": question, question: value}, 200, **JSON)
        self.answers[attempt, question] = [[value]]

    def submit(self, attempt: str, fields: Fields) -> Response:
        answer = self.post(f"/attempts/{attempt}", fields, 303)
        self.submitted.add(attempt)
        return answer

    def send_the_doubtful_again(self) -> None:
        """As the page's script does after a lost answer: the same act under the same id."""
        if self.doubtful is None:
            return
        path, fields = self.doubtful
        answer = self.browser.post(path, {**fields, "csrf_token": self.token})
        assert answer.status == 303, f"{path} again: {answer.status}"
        if "/checks/" in path:
            lesson, check = re.findall(rf"/courses/{COURSE}/(.+)/checks/(.+)", path)[0]
            self.checks[str(fields["act_id"])] = (lesson, check, list(fields[check]))
        elif path.endswith("/done"):
            self.done[path.removeprefix(f"/courses/{COURSE}/").removesuffix("/done")] += 1
        elif path.startswith("/attempts/") and not path.endswith("/answers"):
            self.submitted.add(path.removeprefix("/attempts/"))
        self.doubtful = None


def token_on(page: Response) -> str:
    found = re.search(r'name="csrf_token" value="([^"]+)"', page.text)
    assert found, "no form on the page"
    return unescape(found[1])


def first_choice(form: str) -> dict[str, str]:
    """The first offered value of each control of a form; a number where one is asked for."""
    chosen: dict[str, str] = {}
    for control in INPUT.findall(form):
        parts = dict(ATTRIBUTE.findall(control))
        if parts["type"] != "hidden":
            chosen.setdefault(unescape(parts["name"]), "42" if parts["type"] == "text" else parts["value"])
    return chosen


def at_once(acts: Sequence[Callable[[], Any]]) -> list[Any]:
    """Does all acts at the same moment, each in a thread; gives what they returned, and raises what one raised."""
    together = Barrier(len(acts))

    def run(act: Callable[[], Any]) -> Any:
        together.wait()
        return act()

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(run, acts))


def signed_in(house: House, size: int) -> list[Officer]:
    officers = [Officer(person, house.server.browser()) for person in house.crowd(size)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(Officer.sign_in, officers))
    return officers


# What must be in the records afterwards


def seen_as(question: Question, seed: str, values: list[str]) -> Any:
    """An answer as the records keep it."""
    given: Answered = question.read(values, seed)
    return list(given) if isinstance(given, tuple) else given


def missing_from_records(house: House, officer: Officer) -> list[str]:
    """What this officer was told is kept, and is not, or not once, or not as she gave it."""
    found: list[str] = []
    who = officer.person.id
    for act, (lesson, check_id, values) in officer.checks.items():
        check = house.course.lesson(*lesson.split("/")).check(check_id)  # type: ignore[union-attr]
        kept = [row.given for row in records.rows(CheckAnswer, id=act, officer_id=who)]
        if kept != [seen_as(check, f"check/{who}", values)]:  # type: ignore[arg-type]
            found.append(f"check {act}: {kept}")
    lessons = Counter(row.lesson for row in records.rows(LessonRecord, officer_id=who))
    found += [f"lesson {path}: {lessons[path]} times" for path in officer.done if lessons[path] != 1]
    for (attempt, question_id), possible in officer.answers.items():
        view = quizzes.attempt_view(who, attempt, datetime.now(UTC))
        question = next(q for q in view.questions if q.id == question_id)
        kept = [row.given for row in records.rows(Answer, attempt_id=attempt, question_id=question_id)]
        if len(possible) == 1 and not officer_doubts(officer, attempt, question_id):
            if kept != [seen_as(question, view.seed, possible[0])]:
                found.append(f"answer {attempt} {question_id}: {kept}")
        elif kept and kept[0] not in [seen_as(question, view.seed, values) for values in possible]:
            found.append(f"doubtful answer {attempt} {question_id}: {kept}")
    results = Counter(entry.reference for entry in records.chain(who) if entry.kind == "attempt_submitted")
    over = {row.id for row in records.rows(Attempt, officer_id=who) if row.submitted_at}
    found += [f"result {attempt}: {results[attempt]} times" for attempt in officer.submitted if results[attempt] != 1]
    found += [f"result {attempt} without an entry" for attempt in over ^ set(results)]
    return found


def officer_doubts(officer: Officer, attempt: str, question_id: str) -> bool:
    """Whether the answer's only try was never acknowledged."""
    path, fields = officer.doubtful or ("", {})
    return path == f"/attempts/{attempt}/answers" and fields.get("answer_of") == question_id


def broken_records(house: House, officer: Officer) -> list[str]:
    """Chains that do not hold and standings that are not what the acts amount to."""
    who, found = officer.person.id, []
    chain = records.chain(who)
    if broken_at(chain) is not None or chain[-1].hash != records.head(who):
        found.append(f"{officer.person.email}: the chain is broken at {broken_at(chain)}")
    kept, afresh = records.standing_of(who), records.status_afresh(who, house.course)
    if (kept.state, kept.requirements_met, kept.requirements_total) != (afresh.state, afresh.met, afresh.total):
        found.append(f"{officer.person.email}: standing {kept.state} {kept.requirements_met}, acts say {afresh.met}")
    return found


def complaints(house: House, officers: Sequence[Officer]) -> list[str]:
    return [
        line
        for officer in officers
        for line in (*officer.unexpected, *missing_from_records(house, officer), *broken_records(house, officer))
    ]


# Many at once


def test_fifty_writers_on_sqlite_lose_and_double_nothing(house: House) -> None:
    fifty_writers(house)


@pytest.mark.postgres
def test_fifty_writers_on_postgresql_lose_and_double_nothing(postgres_house: House) -> None:
    fifty_writers(postgres_house)


def fifty_writers(house: House) -> None:
    officers = signed_in(house, WRITERS)
    lessons = [lesson for lesson in house.course.lessons() if lesson.checks][:2]
    module = house.course.modules[0].id

    def work(officer: Officer) -> None:
        for lesson in lessons:
            officer.take_lesson(lesson.path)
        officer.take_quiz(module)

    at_once([lambda officer=officer: work(officer) for officer in officers])
    assert complaints(house, officers) == []
    each = {CheckAnswer: sum(len(one.checks) for one in lessons), LessonRecord: len(lessons), Attempt: 1}
    for officer in officers:
        who = officer.person.id
        assert {table: records.count(table, officer_id=who) for table in each} == each
        (attempt,) = records.rows(Attempt, officer_id=who)
        assert records.count(Answer, attempt_id=attempt.id) == attempt.possible
    assert "locked" not in house.server.log
    assert "Traceback" not in house.server.log
    seconds = [second for officer in officers for second in officer.seconds]
    report(f"{WRITERS} writers, {len(seconds)} writes: p95 {quantiles(seconds, n=20)[-1]:.2f} s")


def report(line: str) -> None:
    """For `pytest -s`: what was measured, which no test depends on."""
    sys.stdout.write(f"\n{line}\n")


def test_twenty_submissions_of_one_attempt_are_one_result(house: House) -> None:
    (meera,) = signed_in(house, 1)
    module = house.course.modules[0].id
    address = meera.post(f"/courses/{COURSE}/quizzes/{module}", {}, 303).location
    form = {**first_choice(meera.browser.get(address).text), "csrf_token": meera.token}
    browsers = [Browser(house.server.url, dict(meera.browser.cookies)) for _ in range(20)]
    answers = at_once([lambda one=one: one.post(address, form) for one in browsers])
    assert [(answer.status, answer.location) for answer in answers] == [(303, address)] * 20
    assert records.kinds(meera.person.id).count("attempt_submitted") == 1
    (attempt,) = records.rows(Attempt, officer_id=meera.person.id)
    assert records.count(Answer, attempt_id=attempt.id) == attempt.possible
    assert broken_records(house, meera) == []


def test_a_lesson_marked_done_twenty_times_at_once_is_done_once(house: House) -> None:
    (meera,) = signed_in(house, 1)
    lesson = house.course.lessons()[0]
    house.given.checks_answered(meera.person, lesson)
    form = {"csrf_token": meera.token}
    browsers = [Browser(house.server.url, dict(meera.browser.cookies)) for _ in range(20)]
    answers = at_once([lambda one=one: one.post(f"/courses/{COURSE}/{lesson.path}/done", form) for one in browsers])
    assert [answer.status for answer in answers] == [303] * 20
    assert records.count(LessonRecord, officer_id=meera.person.id) == 1
    assert records.kinds(meera.person.id).count("lesson_done") == 1
    assert broken_records(house, meera) == []


def test_twenty_starts_of_a_quiz_at_once_are_one_attempt(house: House) -> None:
    (meera,) = signed_in(house, 1)
    form, quiz = {"csrf_token": meera.token}, f"/courses/{COURSE}/quizzes/{house.course.modules[0].id}"
    browsers = [Browser(house.server.url, dict(meera.browser.cookies)) for _ in range(20)]
    answers = at_once([lambda one=one: one.post(quiz, form) for one in browsers])
    assert {answer.status for answer in answers} == {303}
    assert len({answer.location for answer in answers}) == 1
    assert records.count(Attempt, officer_id=meera.person.id) == 1


# Killed in the middle


def test_what_was_acknowledged_survives_a_killed_server(house_to_kill: House) -> None:
    house = house_to_kill
    officers = signed_in(house, WRITERS_AT_THE_KILL)
    for number in range(KILL_ROUNDS):
        work_until_killed(house, officers, after=60 + 37 * number % 90)
        assert integrity(house) == "ok"
        assert complaints(house, officers) == [], f"round {number}"
        house.server.start()
        for officer in officers:
            officer.send_the_doubtful_again()
        assert complaints(house, officers) == [], f"round {number}, after the lost answers were sent again"
    for officer in officers:
        assert records.count(CheckAnswer, officer_id=officer.person.id) == len(officer.checks)
    assert "locked" not in house.server.log


def work_until_killed(house: House, officers: Sequence[Officer], after: int) -> None:
    """All work on until the server is killed, which happens once so many acts of this round were acknowledged."""
    module, lessons = house.course.modules[0].id, house.course.lessons()
    acknowledged, lock, enough, over = count(1), Lock(), Event(), Event()

    def note() -> None:
        with lock:
            if next(acknowledged) >= after:
                enough.set()

    def work(officer: Officer) -> None:
        real = officer.post

        def noted(*arguments: Any, **more: Any) -> Response:
            answer = real(*arguments, **more)
            note()
            return answer

        officer.post = noted  # type: ignore[method-assign]
        try:
            while not over.is_set():
                officer.take_quiz(module)
                for lesson in lessons:
                    officer.take_lesson(lesson.path)
        except (OSError, HTTPException):
            pass  # the server is gone
        finally:
            officer.post = real  # type: ignore[method-assign]

    with ThreadPoolExecutor(len(officers)) as pool:
        working = [pool.submit(work, officer) for officer in officers]
        assert enough.wait(300), "the writers did not get anywhere"
        house.server.kill()
        over.set()
    for one in working:
        one.result()


def integrity(house: House) -> str:
    with sqlite3.connect(house.app.config["SQLALCHEMY_DATABASE_URI"].removeprefix("sqlite:///")) as connection:
        (found,) = connection.execute("PRAGMA integrity_check").fetchone()
    connection.close()
    return str(found)


# The door


def test_an_office_of_two_hundred_signs_in_from_one_address(house: House) -> None:
    browsers = [house.server.browser() for _ in range(OFFICE_AT_ONE_ADDRESS)]
    with ThreadPoolExecutor(8) as pool:
        tokens = list(pool.map(lambda one: token_on(one.get("/sign-in")), browsers))
    crowd = house.crowd(OFFICE_AT_ONE_ADDRESS)
    forms = [
        {"email": person.email, "password": PASSWORD, "csrf_token": token}
        for person, token in zip(crowd, tokens, strict=True)
    ]
    before, begun = held_by(house.server), perf_counter()
    answers = at_once([lambda b=b, f=f: b.post("/sign-in", f) for b, f in zip(browsers, forms, strict=True)])
    after = held_by(house.server)
    assert {(answer.status, answer.location) for answer in answers} == {(302, "/")}
    # Within a minute on two cores; counted as the processor's time, since a test machine has other work too.
    assert after.seconds - before.seconds < 2 * 60
    assert after.most_memory < GIGABYTE
    report(f"{len(answers)} sign-ins: {perf_counter() - begun:.1f} s, {after.seconds - before.seconds:.1f} s of CPU")


@dataclass(frozen=True)
class Held:
    """What a server's processes took so far, together: seconds of processor time, and bytes at their most."""

    seconds: float
    most_memory: int


def held_by(server: Server) -> Held:
    assert server.process
    ticks, kilobytes = 0, 0
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if os.getpgid(int(folder.name)) == server.process.pid:
                ticks += sum(map(int, (folder / "stat").read_text().rpartition(")")[2].split()[11:13]))
                kilobytes += int(re.findall(r"VmHWM:\s*(\d+)", (folder / "status").read_text())[0])
        except OSError:
            continue  # it has just ended
    return Held(ticks / os.sysconf("SC_CLK_TCK"), kilobytes * 1024)


def test_signing_out_ends_a_copied_cookie_too(house: House) -> None:
    (meera,) = signed_in(house, 1)
    copied = Browser(house.server.url, dict(meera.browser.cookies))
    assert copied.get("/account").status == 200
    meera.post("/sign-out", {}, 302)
    answer = copied.get("/account")
    assert (answer.status, answer.location) == (302, "/sign-in?next=/account")


def test_disabling_an_officer_ends_her_sign_in_at_once(house: House) -> None:
    (meera,) = signed_in(house, 1)
    assert meera.browser.get("/account").status == 200
    people.disable_officer(meera.person.id, datetime.now(UTC))
    assert meera.browser.get("/account").status == 302
    form = {"email": meera.person.email, "password": PASSWORD, "csrf_token": token_on(meera.browser.get("/sign-in"))}
    assert meera.browser.post("/sign-in", form).status == 200


# Clients that misbehave

HALF_SENT = {
    "nothing": b"",
    "part of a head": b"POST /sign-in HTTP/1.1\r\nHost: a.test\r\nContent-Le",
    "part of a body": b"POST /sign-in HTTP/1.1\r\nHost: a.test\r\nContent-Length: 1000\r\n\r\nemail=",
    "part of a chunk": b"POST /sign-in HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n10\r\nemai",
    "part of too much": b"POST /verify HTTP/1.1\r\nHost: a.test\r\nContent-Length: 60000000\r\n\r\nx",
    "a whole one, then part": b"GET /help HTTP/1.1\r\nHost: a.test\r\n\r\nGET /he",
}


@pytest.mark.parametrize("sent", HALF_SENT)
def test_a_hundred_half_sent_requests_shut_nobody_out(house: House, sent: str) -> None:
    (meera,) = house.crowd(1)
    clients = [socket.create_connection(("127.0.0.1", house.server.port)) for _ in range(100)]
    try:
        for client in clients:
            client.sendall(HALF_SENT[sent])
        Officer(meera, house.server.browser()).sign_in()
    finally:
        for client in clients:
            client.close()


def test_clients_that_never_hang_up_shut_nobody_out(house: House) -> None:
    (meera,) = house.crowd(1)
    clients = [socket.create_connection(("127.0.0.1", house.server.port)) for _ in range(100)]
    try:
        for client in clients:
            client.sendall(b"GET /help HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n")
        for client in clients:
            while client.recv(65536):
                pass  # the whole answer and its end; our own end stays open
        Officer(meera, house.server.browser()).sign_in()
    finally:
        for client in clients:
            client.close()


@pytest.mark.parametrize("path", ["/sign-in", "/verify", "/nowhere"])
def test_a_body_of_sixty_megabytes_is_refused_and_told_so(house: House, path: str) -> None:
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = house.server.browser().ask("POST", path, b"x" * 60_000_000, form)
    assert answer.status == (404 if path == "/nowhere" else 413)
    assert house.server.browser().get("/help").status == 200


def test_a_client_that_asks_before_it_sends_is_answered(house: House) -> None:
    with socket.create_connection(("127.0.0.1", house.server.port)) as client:
        client.sendall(b"POST /verify HTTP/1.1\r\nHost: a.test\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n")
        assert client.recv(100).startswith(b"HTTP/1.1 100 ")
        client.sendall(b"a=1")
        said = b""
        while b"HTTP/1.1 400" not in said:  # no CSRF token; what matters is that it came to be judged
            piece = client.recv(65536)
            assert piece, said
            said += piece


def test_the_server_stops_though_a_browser_holds_a_connection(house: House) -> None:
    with socket.create_connection(("127.0.0.1", house.server.port)):
        assert house.server.browser().get("/help").status == 200
        begun = perf_counter()
        house.server.stop()
        stopped_in = perf_counter() - begun
    house.server.start()
    assert stopped_in < 25  # without a word from us gunicorn would wait thirty seconds for it
