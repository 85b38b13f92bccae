"""Rehearsals for the day that somebody needs the backup: made while thirty people write, restored on another machine.

Against the shipped server as a process of its own, on SQLite and PostgreSQL. What was acknowledged before the backup
began is in it; every chain, score, standing and certificate in it holds.
"""

from __future__ import annotations

import os
import re
import resource
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from html import unescape
from pathlib import Path
from threading import Event
from time import monotonic
from uuid import uuid4

import pytest
from sqlalchemy import insert

from config import from_environment
from elearn import create_app
from elearn.domain.course import Course
from elearn.domain.questions import option_value
from elearn.models.certificates import Certificate
from elearn.models.database import db, writing
from elearn.models.learning import CheckAnswer, LessonRecord
from elearn.models.people import Password
from elearn.services import certificates, library, passwords, restore
from tests import records
from tests.given import COURSE, PASSWORD, Given, Person
from tests.server import ROOT, Browser, Server, environment, served_from, serving

WRITERS = 30
ENOUGH = 3  # acknowledged acts of each writer before the backup begins
TRIES_AT_ONE_CHECK = 190  # more than 200 are not kept
WAITS_AT_MOST = 300  # seconds, on a machine that has much else to do


@dataclass
class Writer:
    """Somebody who answers checks without a pause, and notes what was acknowledged."""

    person: Person
    browser: Browser
    acts: list[str] = field(default_factory=list)
    token: str = ""

    def sign_in(self) -> None:
        self.token = self._token_on("/sign-in")
        form = {"email": self.person.email, "password": PASSWORD, "csrf_token": self.token}
        assert self.browser.post("/sign-in", form).status == 302
        self.token = self._token_on("/account")

    def work(self, course: Course, over: Event) -> None:
        checks = [
            (lesson, check) for lesson in course.lessons() for check in lesson.checks if hasattr(check, "options")
        ]
        for number in range(TRIES_AT_ONE_CHECK * len(checks)):
            if over.is_set():
                return
            lesson, check = checks[number % len(checks)]
            option = number // len(checks) % len(check.options)
            act, value = uuid4().hex, option_value(f"check/{self.person.id}", check.id, option)
            form = {check.id: value, "act_id": act, "csrf_token": self.token}
            answer = self.browser.post(f"/courses/{course.id}/{lesson.path}/checks/{check.id}", form)
            assert answer.status == 303, answer.status
            self.acts.append(act)

    def _token_on(self, path: str) -> str:
        found = re.search(r'name="csrf_token" value="([^"]+)"', self.browser.get(path).text)
        assert found, f"no form on {path}"
        return unescape(found[1])


def test_a_backup_made_under_load_on_sqlite_restores_elsewhere(
    sqlite_template: Path, sqlite_url: str, tmp_path: Path, now: datetime
) -> None:
    rehearse(set_up(sqlite_template, tmp_path, sqlite_url), tmp_path, now)


@pytest.mark.postgres
def test_a_backup_made_under_load_on_postgresql_restores_elsewhere(
    sqlite_template: Path, postgres_url: str, tmp_path: Path, now: datetime
) -> None:
    rehearse(set_up(sqlite_template, tmp_path, postgres_url), tmp_path, now)


def set_up(template: Path, folder: Path, url: str) -> Server:
    (folder / "live").mkdir()
    for name in ("compiled", "signing-keys.json"):
        subprocess.run(["cp", "-r", str(template / name), str(folder / "live" / name)], check=True)
    return served_from(folder / "live", url)


def rehearse(server: Server, folder: Path, now: datetime) -> None:
    path = folder / "live.backup"
    app = create_app(from_environment(server.settings))
    with app.app_context():
        given, course = Given(app, now), library.course(COURSE)
        given.completed(given.officer("Meera"), minutes_a_lesson=12)
        people = [given.officer(f"Officer {n}", password="") for n in range(WRITERS)]
        kept = passwords.hash_of(PASSWORD)
        with writing() as connection:
            rows = [{"officer_id": one.id, "hash": kept, "set_at": now} for one in people]
            connection.execute(insert(Password), rows)
        serials = [row.serial for row in records.rows(Certificate)]
        with serving(server):
            before, after = under_load([Writer(one, server.browser()) for one in people], course, server, path)
        assert "Traceback" not in server.log
        lessons = records.count(LessonRecord)
        db.engine.dispose()
    elsewhere = served_from(folder / "elsewhere", "")
    (folder / "elsewhere").mkdir()
    app = create_app(from_environment({**elsewhere.settings, "ELEARN_CONTENT_DIR": str(folder / "elsewhere/content")}))
    with app.app_context():
        made = restore.restore(path, datetime.now(UTC))
        assert made.report.findings == []
        assert made.rows == {table["name"]: table["rows"] for table in made.manifest["tables"]}
        there = {row.id for row in records.rows(CheckAnswer)}
        assert before <= there, "nothing that was acknowledged before the backup began is missing"
        assert not after <= there, "people went on writing after the snapshot"
        assert records.count(LessonRecord) == lessons
        db.engine.dispose()
    app = create_app(from_environment(elsewhere.settings))
    with app.app_context():
        assert [certificates.check_serial(serial)[0] for serial in serials] == ["valid"] * len(serials)
        db.engine.dispose()
    with serving(elsewhere):
        assert elsewhere.browser().get(f"/certificates/{serials[0]}").status == 200


def under_load(writers: list[Writer], course: Course, server: Server, path: Path) -> tuple[set[str], set[str]]:
    """What was acknowledged before a backup began, and what was in the end; all write on meanwhile."""
    over = Event()
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(Writer.sign_in, writers))
    with ThreadPoolExecutor(WRITERS) as pool:
        working = [pool.submit(writer.work, course, over) for writer in writers]
        try:
            wait_for(lambda: all(len(writer.acts) >= ENOUGH for writer in writers), server)
            before = {act for writer in writers for act in tuple(writer.acts)}
            run_backup(server, path)
            so_far = sum(len(writer.acts) for writer in writers)
            wait_for(lambda: sum(len(writer.acts) for writer in writers) >= so_far + WRITERS, server)
        finally:
            over.set()
        for one in working:
            one.result()
    return before, {act for writer in writers for act in writer.acts}


def wait_for(condition: Callable[[], bool], server: Server) -> None:
    """The server's own answers are the clock; in the end there is a real one."""
    end = monotonic() + WAITS_AT_MOST
    while not condition():
        assert server.is_running()
        assert monotonic() < end, f"nobody writes any more:\n{server.log}"
        server.browser().get("/health/live")


def run_backup(server: Server, path: Path, **limits: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from elearn.cli import main; main()", "backup", str(path)]
    done = subprocess.run(
        command, cwd=ROOT, env=environment(server.settings), capture_output=True, text=True, timeout=600, **limits
    )  # type: ignore[call-overload]
    if not limits:
        assert done.returncode == 0, done.stdout + done.stderr
    return done


def test_a_disk_that_is_full_leaves_no_half_backup(sqlite_template: Path, sqlite_url: str, tmp_path: Path) -> None:
    """A limit on how large a file may grow stands for the disk: writing fails in the middle just so."""
    server = set_up(sqlite_template, tmp_path, sqlite_url)
    path = tmp_path / "backups" / "one.backup"
    path.parent.mkdir()

    def little_room() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))

    done = run_backup(server, path, preexec_fn=little_room)
    assert done.returncode == 1
    assert "was not written, and nothing was left behind" in done.stderr
    assert "Traceback" not in done.stderr
    assert os.listdir(path.parent) == []
    run_backup(server, path)
    assert os.listdir(path.parent) == ["one.backup"]
