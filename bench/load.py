"""What officers wait for when many work at once: the shipped server over HTTP, sixteen connections that never pause.

`python -m bench.load [--connections N] [--seconds S] [--engine sqlite|postgresql]` from the root of the repository.
The server, its data and, where asked for, PostgreSQL are made for this and are gone afterwards. Server and clients
share the machine, so the figures say less about the server alone than about its worst case.
"""

from __future__ import annotations

import argparse
import re
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from html import unescape
from http.client import HTTPConnection, HTTPException
from itertools import cycle
from pathlib import Path
from statistics import quantiles
from time import monotonic, perf_counter
from urllib.parse import urlencode

from flask_migrate import upgrade

from config import from_environment
from elearn import create_app
from elearn.models.database import db
from elearn.services import library, quizzes
from tests import postgres
from tests.given import COURSE, PASSWORD, Given, Person
from tests.server import Server, served_from, serving

BUDGET = "p95 < 1 s"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@dataclass(frozen=True)
class Ready:
    """An officer with all she needs for each of the measured acts: all checks answered, an attempt begun."""

    person: Person
    lessons: tuple[str, ...]
    attempt: str
    answers: list[tuple[str, str]]


@dataclass
class Client:
    """One such officer at one connection that stays open."""

    server: Server
    ready: Ready
    cookie: str = ""
    token: str = ""

    def __post_init__(self) -> None:
        browser = self.server.browser()
        token = _token(browser.get("/sign-in").text)
        form = {"email": self.ready.person.email, "password": PASSWORD, "csrf_token": token}
        assert browser.post("/sign-in", form).status == 302, self.ready.person.email
        self.cookie = "; ".join(f"{name}={value}" for name, value in browser.cookies.items())
        self.token = _token(browser.get("/account").text)
        self.connection = HTTPConnection("127.0.0.1", self.server.port, timeout=60)
        self.next_lesson, self.next_answer = cycle(self.ready.lessons), cycle(self.ready.answers)

    def read_lesson(self) -> None:
        self._ask("GET", f"/courses/{COURSE}/{next(self.next_lesson)}", None, 200)

    def mark_done(self) -> None:
        self._ask("POST", f"/courses/{COURSE}/{next(self.next_lesson)}/done", {}, 303)

    def save_answer(self) -> None:
        question, value = next(self.next_answer)
        fields = {"answer_of": question, question: value}
        self._ask("POST", f"/attempts/{self.ready.attempt}/answers", fields, 200)

    def open_dashboard(self) -> None:
        self._ask("GET", "/", None, 200)

    def read_list(self) -> None:
        self._ask("GET", f"/supervise/{COURSE}", None, 200)

    def _ask(self, method: str, path: str, fields: dict[str, str] | None, expected: int) -> None:
        body = urlencode({**fields, "csrf_token": self.token}) if fields is not None else None
        headers = {"Cookie": self.cookie, "Accept-Encoding": "gzip", **(FORM if fields is not None else {})}
        if path.endswith("/answers"):
            headers["Accept"] = "application/json"
        self.connection.request(method, path, body, headers)
        response = self.connection.getresponse()
        response.read()
        assert response.status == expected, f"{path}: {response.status}"


def main() -> None:
    wanted = _arguments()
    with _installation(wanted.engine) as server:
        clients = _clients(server, wanted.connections)
        print(f"{wanted.engine}, {wanted.connections} connections that never pause, {wanted.seconds} s each:")
        acts: dict[str, Callable[[Client], None]] = {
            "lesson page": Client.read_lesson,
            "lesson done": Client.mark_done,
            "answer saved": Client.save_answer,
        }
        for name, act in acts.items():
            _report(name, *measure(clients, act, wanted.seconds))
        for client in clients:
            client.connection.close()


def measure(clients: list[Client], act: Callable[[Client], None], seconds: float) -> tuple[list[float], int, float]:
    """Seconds of each answer, how many acts failed, and how long it all took."""

    def work(client: Client) -> tuple[list[float], int]:
        taken: list[float] = []
        failed, end = 0, monotonic() + seconds
        while monotonic() < end:
            begun = perf_counter()
            try:
                act(client)
            except (OSError, HTTPException, AssertionError):
                client.connection.close()
                failed += 1
                continue
            taken.append(perf_counter() - begun)
        return taken, failed

    begun = perf_counter()
    with ThreadPoolExecutor(len(clients)) as pool:
        each = list(pool.map(work, clients))
    return [one for taken, _ in each for one in taken], sum(failed for _, failed in each), perf_counter() - begun


def _report(name: str, taken: list[float], failed: int, elapsed: float) -> None:
    cuts = [1000 * seconds for seconds in quantiles(taken, n=20)]
    print(
        f"  {name:14}{len(taken) / elapsed:7,.0f} a second   p50 {cuts[9]:6,.0f} ms   p95 {cuts[18]:6,.0f} ms   "
        f"{failed} failed   ({BUDGET}, none failed)"
    )


@contextmanager
def _installation(engine: str) -> Iterator[Server]:
    """A server with its own empty database."""
    with tempfile.TemporaryDirectory(prefix="elearn-load-") as folder:
        if engine == "sqlite":
            with serving(_migrated(served_from(Path(folder)))) as server:
                yield server
            return
        with postgres.running() as url:
            server = served_from(Path(folder), url.format(database="postgres"), workers=2)
            with serving(_migrated(server)):
                yield server


def _migrated(server: Server) -> Server:
    app = create_app(from_environment(server.settings))
    with app.app_context():
        upgrade()
        db.engine.dispose()
    return server


def _clients(server: Server, number: int) -> list[Client]:
    app = create_app(from_environment(server.settings))
    with app.app_context():
        made = get_ready(Given(app, datetime.now(UTC)), number)
        db.engine.dispose()
    return [Client(server, ready) for ready in made]


def get_ready(given: Given, number: int) -> list[Ready]:
    """So many officers, made inside the application's context."""
    course, now = library.course(COURSE), given.now
    made = []
    for n in range(number):
        person = given.officer(f"Officer {n}")
        for lesson in course.lessons():
            given.checks_answered(person, lesson)
        attempt = quizzes.start_attempt(person.id, course, course.quizzes[0], now)
        view = quizzes.attempt_view(person.id, attempt, now)
        choices = [q for q in view.questions if hasattr(q, "options")]
        answers = [(q.id, value) for q in choices for value, _ in q.offered(view.seed)]
        made.append(Ready(person, tuple(lesson.path for lesson in course.lessons()), attempt, answers))
    return made


def _token(html: str) -> str:
    found = re.search(r'name="csrf_token" value="([^"]+)"', html)
    assert found, "no form on the page"
    return unescape(found[1])


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--engine", choices=["sqlite", "postgresql"], default="sqlite")
    return parser.parse_args()


if __name__ == "__main__":
    main()
