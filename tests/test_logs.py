"""A line of the log is one line, is understood by programs, and names nobody."""

from __future__ import annotations

import io
import json
import logging
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from config import BadSetting, from_environment
from elearn import logs
from elearn.models.database import db, reading, writing
from elearn.services import people
from elearn.web.access import open_to
from tests.conftest import SECRET
from tests.given import COURSE, PASSWORD, Given
from tests.pages import Visitor
from tests.server import Browser, Server, served_from, serving

LESSON = f"/courses/{COURSE}/plain-words/four-kinds"

Visit = Callable[..., Visitor]


class Log:
    """What the process has logged since the test began."""

    def __init__(self) -> None:
        self.stream = io.StringIO()

    @property
    def text(self) -> str:
        return self.stream.getvalue()

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.text.splitlines()]

    def requests(self) -> list[dict[str, Any]]:
        return [line for line in self.lines if line["event"] == "request"]


@pytest.fixture
def log() -> Iterator[Log]:
    yield from opened("json")


@pytest.fixture
def text_log() -> Iterator[Log]:
    yield from opened("text")


def opened(log_format: str) -> Iterator[Log]:
    made, root = Log(), logging.getLogger()
    before, level = list(root.handlers), root.level
    logs.open_log(log_format, stream=made.stream)
    yield made
    root.handlers[:] = before
    root.setLevel(level)
    logging.captureWarnings(False)
    logs._write = None


def failing() -> str:
    raise RuntimeError("meera1@model.test\r\n{forged}")


@pytest.fixture
def breaking(sqlite_app: Flask) -> Flask:
    sqlite_app.testing = False
    sqlite_app.add_url_rule("/boom/<token>", endpoint="boom", view_func=open_to("anyone")(lambda token: failing()))
    return sqlite_app


def test_a_request_is_one_line(given: Given, visit: Visit, log: Log) -> None:
    person = given.officer("Meera")
    visit(person).get(LESSON)
    line = log.requests()[-1]
    assert {name: line[name] for name in ("level", "method", "route", "status", "officer")} == {
        "level": "info",
        "method": "GET",
        "route": "officer.lesson_page",
        "status": 200,
        "officer": person.id,
    }
    assert 0 < line["ms"] < 60_000
    assert re.fullmatch(r"[0-9a-f]{16}", line["request"])
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00", line["at"])


def test_no_two_requests_have_one_number(visit: Visit, log: Log) -> None:
    visitor = visit()
    for _ in range(5):
        visitor.get("/privacy")
    assert len({line["request"] for line in log.requests()}) == 5


def test_nothing_of_what_anybody_sent_stands_in_the_log(given: Given, visit: Visit, log: Log) -> None:
    person = given.officer("Meera Devi")
    token = "one-time-token-of-hers"
    meera = visit(person)
    for address in (
        f"/courses/{COURSE}/search?q=arrears",
        f"/first-password/{token}",
        "/verify?serial=3F7K9",
        "/no/Ravi",
    ):
        meera.get(address)
    meera.post(f"{LESSON}/done", {"note": "typed-by-her"})
    visit().post("/sign-in", {"email": "guess@model.test", "password": "guessed-password"})
    assert len(log.requests()) >= 7
    for word in ("Meera", person.email, PASSWORD, "arrears", token, "3F7K9", "Ravi", "typed-by-her", "guess"):
        assert word not in log.text, word


@pytest.mark.parametrize(
    ("proxies", "sent", "taken"),
    [
        (1, "0af7651916cd43dd8448eb211c80319c", True),
        (1, "short", False),
        (1, "a" * 65, False),
        (1, 'x" level="critical', False),
        (1, "meera1@model.test", False),
        (0, "0af7651916cd43dd8448eb211c80319c", False),
    ],
)
def test_only_a_trusted_proxys_number_is_taken_over(
    make_app: Callable[..., Flask], sqlite_url: str, log: Log, proxies: int, sent: str, taken: bool
) -> None:
    app = make_app(sqlite_url, trusted_proxies=proxies)
    app.test_client().get("/privacy", headers={"X-Request-ID": sent})
    assert (log.requests()[-1]["request"] == sent) is taken


def test_a_failure_is_one_line_without_the_address_and_the_people(breaking: Flask, log: Log) -> None:
    assert breaking.test_client().get("/boom/secret-token").status_code == 500
    error, request = log.lines
    assert (error["level"], error["event"], request["status"]) == ("error", "a view failed: GET boom", 500)
    assert error["request"] == request["request"]
    assert "RuntimeError" in error["exception"]
    assert "test_logs.py" in error["exception"]
    assert "secret-token" not in log.text
    assert "model.test" not in log.text


def test_text_cannot_forge_a_line_either(breaking: Flask, text_log: Log) -> None:
    breaking.test_client().get("/boom/secret-token")
    logging.getLogger("somebody").warning("first\r\n2026-01-01 info second\x1b[31m\u2028third")
    lines = text_log.text.splitlines()
    assert lines[-1].endswith(r" warning  first\r\n2026-01-01 info second\x1b[31m\u2028third logger=somebody")
    assert all(line.startswith(("20", "    ")) for line in lines)
    assert "secret-token" not in text_log.text


@pytest.mark.parametrize("control", ["\r", "\n", "\x00", "\x1b", "\x85", "\u2028", "\u2029", "\ud800"])
def test_no_control_gets_through(log: Log, control: str) -> None:
    ours = logging.getLogger().handlers[0]  # not pytest's, which could hand a lone surrogate on to no other process
    ours.handle(logging.LogRecord("somebody", logging.WARNING, __file__, 1, "before%safter", (control,), None))
    assert log.text.count("\n") == 1
    assert log.text.isascii()
    assert all(c.isprintable() for c in log.text.rstrip("\n"))
    assert log.lines[0]["event"] == f"before{control}after"


def test_what_a_library_says_is_the_same_kind_of_line(log: Log) -> None:
    logging.getLogger("some.library").error("it broke for %s", "meera1@model.test", extra={"tries": 3})
    (line,) = log.lines
    assert (line["logger"], line["level"], line["event"], line["tries"]) == (
        "some.library",
        "error",
        "it broke for <e-mail>",
        3,
    )


def test_a_failed_statement_tells_no_value(app: Flask, given: Given, log: Log) -> None:
    given.officer("Meera")
    with pytest.raises(DBAPIError) as failure, writing() as connection:
        connection.execute(
            text("INSERT INTO officer (email, created_at) VALUES (:email, :at)"),
            {"email": "meera1@model.test", "at": "2026-01-01 00:00:00"},
        )
    logging.getLogger("elearn").error("not kept", exc_info=failure.value)
    assert "INSERT INTO officer" in log.text
    assert "meera1" not in log.text


def test_a_slow_statement_is_told_without_its_values(make_app: Callable[..., Flask], engine_url: str, log: Log) -> None:
    app = make_app(engine_url, slow_ms=1)
    slow = (
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300000)\n  "
        "SELECT count(*) FROM n WHERE i <> :secret"
    )
    with app.app_context(), reading() as connection:
        connection.execute(text(slow), {"secret": 4711}).all()
    (line,) = [line for line in log.lines if line["event"] == "slow statement"]
    assert line["statement"].startswith("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL")
    assert line["ms"] >= 1
    assert "4711" not in log.text


def test_a_quick_statement_is_not_told(make_app: Callable[..., Flask], sqlite_url: str, log: Log) -> None:
    app = make_app(sqlite_url, slow_ms=60_000)
    with app.app_context(), reading() as connection:
        connection.execute(text("SELECT 1"))
    assert log.text == ""


def test_a_slow_statement_bears_the_number_of_its_request(
    make_app: Callable[..., Flask], sqlite_url: str, log: Log
) -> None:
    app = make_app(sqlite_url, slow_ms=1)

    def slow() -> str:
        with db.engine.connect() as connection:
            connection.exec_driver_sql(
                "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300000) SELECT max(i) FROM n"
            )
        return "slow"

    app.add_url_rule("/slow", view_func=open_to("anyone")(slow))
    app.test_client().get("/slow")
    told = [line for line in log.lines if line["event"] == "slow statement"]
    assert {line["request"] for line in told} == {log.requests()[-1]["request"]}


def test_commands_of_the_shell_write_no_lines(app: Flask, given: Given) -> None:
    assert logs._write is None
    people.add_office("X", "An office", now=given.now)


@pytest.mark.parametrize("name", ["xml", "JSON"])
def test_another_format_is_refused(name: str) -> None:
    with pytest.raises(BadSetting, match="ELEARN_LOG_FORMAT"):
        from_environment({"ELEARN_SECRET_KEY": SECRET, "ELEARN_LOG_FORMAT": name})


# The server itself


@pytest.fixture
def server(tmp_path: Path, sqlite_template: Path) -> Iterator[Server]:
    (tmp_path / "data").mkdir()
    made = served_from(tmp_path / "data", f"sqlite:///{tmp_path / 'data' / 'elearn.sqlite3'}")
    (tmp_path / "data" / "elearn.sqlite3").write_bytes((sqlite_template / "house.sqlite3").read_bytes())
    with serving(made):
        yield made


def test_all_that_the_server_says_is_json(server: Server) -> None:
    browser = Browser(server.url)
    browser.get("/verify?serial=SEARCHED")
    browser.ask("GET", "/first-password/secret-token")
    server.stop()
    lines = [json.loads(line) for line in server.log.splitlines()]
    assert {line["logger"] for line in lines if line["event"].startswith("Listening")} == {"gunicorn.error"}
    routes = [line["route"] for line in lines if line["event"] == "request"]
    assert routes == ["public.verify_page", "auth.first_password_page"]  # asking for health is not told
    assert "SEARCHED" not in server.log
    assert "secret-token" not in server.log
