"""/metrics counts what several workers do, names nobody, and is read by whoever watches and by nobody else.

The server is a process of its own: what it counts with decides once, when it is loaded, where it keeps its counts.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from time import monotonic

import pytest
from prometheus_client.parser import text_string_to_metric_families

from config import BadSetting, from_environment
from tests.conftest import SECRET
from tests.given import COURSE
from tests.server import ROOT, Browser, Server, environment, served_from, serving

PATIENCE = 60.0
TOKEN = "a-token-for-the-watcher-0123"
LABELS = {"route", "method", "status", "le", "result", "act", "state", "pid", "course"}


def of(folder: Path, template: Path, workers: int = 1, **settings: str) -> Server:
    (folder / "data").mkdir()
    database = folder / "data" / "elearn.sqlite3"
    database.write_bytes((template / "house.sqlite3").read_bytes())
    made = served_from(folder / "data", f"sqlite:///{database}", workers)
    return Server(made.folder, made.command, {**made.settings, "ELEARN_METRICS": "1", **settings}, made.port)


@pytest.fixture
def server(tmp_path: Path, sqlite_template: Path) -> Iterator[Server]:
    with serving(of(tmp_path, sqlite_template, workers=2)) as made:
        yield made


def figures(browser: Browser) -> dict[str, float]:
    answer = browser.get("/metrics")
    assert answer.status == 200
    found = {}
    for family in text_string_to_metric_families(answer.text):
        for sample in family.samples:
            assert set(sample.labels) <= LABELS, sample
            labels = ",".join(f"{name}={value}" for name, value in sorted(sample.labels.items()) if name != "pid")
            found[f"{sample.name}{{{labels}}}"] = sample.value
    return found


def sign_in(browser: Browser, email: str, password: str) -> int:
    page = browser.get("/sign-in").text
    token = re.search(r'name="csrf_token" value="([^"]+)"', page)
    assert token
    return browser.post("/sign-in", {"csrf_token": token[1], "email": email, "password": password}).status


def wait_for(true: Callable[[], bool]) -> None:
    end = monotonic() + PATIENCE
    while not true():
        assert monotonic() < end, "it did not come about"


def test_every_worker_counts(server: Server) -> None:
    for _ in range(30):
        server.browser().get("/privacy")
    server.browser().get("/no-such-page")
    server.browser().ask("BREW", "/privacy")
    found = figures(server.browser())
    assert found["elearn_requests_total{method=GET,route=public.privacy,status=200}"] == 30
    assert found["elearn_request_seconds_count{route=public.privacy}"] == 30
    assert found["elearn_requests_total{method=GET,route=none,status=404}"] == 1
    assert sum(value for name, value in found.items() if "method=OTHER" in name) == 1
    assert found[f"elearn_content_age_seconds{{course={COURSE}}}"] > 0
    assert found["elearn_memory_bytes{}"] > 20_000_000
    assert "elearn_database_connections{state=used}" in found


def test_sign_ins_are_counted_and_nobody_is_named(server: Server) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "elearn.cli", "officer", "add", "meera@model.test", "--name", "Meera Devi"],
        cwd=ROOT,
        env=environment(server.settings),
        capture_output=True,
        text=True,
        check=True,
    )
    link = done.stdout.split()[-1].removeprefix(server.url)
    browser = server.browser()
    token = re.search(r'name="csrf_token" value="([^"]+)"', browser.get(link).text)
    assert token
    browser.post(link, {"csrf_token": token[1], "new-password": "three words together"})
    assert sign_in(server.browser(), "meera@model.test", "three words together") == 302
    assert [sign_in(server.browser(), "meera@model.test", "wrong words") for _ in range(2)] == [200, 200]
    found = figures(server.browser())
    assert found["elearn_sign_ins_total{result=good}"] == 1
    assert found["elearn_sign_ins_total{result=bad}"] == 2
    assert found["elearn_write_lock_wait_seconds_count{}"] >= 3
    text = server.browser().get("/metrics").text
    for word in ("Meera", "meera", link.rpartition("/")[2]):
        assert word not in text


def test_a_worker_that_died_keeps_its_counts_and_loses_its_memory(server: Server) -> None:
    for _ in range(20):
        server.browser().get("/privacy")

    def workers() -> set[int]:
        return {
            int(pid) for pid in re.findall(r'elearn_memory_bytes\{pid="(\d+)"\}', server.browser().get("/metrics").text)
        }

    # Of two workers, a connection goes to either; both have answered once so many were asked.
    wait_for(lambda: len(workers()) == 2)
    victim = workers().pop()
    os.kill(victim, signal.SIGKILL)
    wait_for(lambda: victim not in workers())
    assert figures(server.browser())["elearn_requests_total{method=GET,route=public.privacy,status=200}"] == 20


def test_a_fresh_start_counts_from_nothing(server: Server) -> None:
    server.browser().get("/privacy")
    server.stop()
    server.start()
    assert not [name for name in figures(server.browser()) if "route=public.privacy" in name]


def test_a_reader_from_elsewhere_finds_nothing(server: Server) -> None:
    for header in ("X-Forwarded-For", "X-Real-IP", "Forwarded", "Via"):
        assert server.browser().get("/metrics", **{header: "192.0.2.7"}).status == 404
    assert server.browser().get("/metrics").headers["Cache-Control"] == "no-store"


def test_whatever_the_site_is_called_it_is_read_by_address(tmp_path: Path, sqlite_template: Path) -> None:
    site = {"ELEARN_BASE_URL": "https://learn.example.gov.in"}
    with serving(of(tmp_path, sqlite_template, **site)) as server:
        asked = {path: server.browser().get(path).status for path in ("/metrics", "/")}
        assert asked == {"/metrics": 200, "/": 400}
        assert server.browser().get("/metrics", X_Forwarded_For="192.0.2.7").status == 404


def test_with_a_token_it_is_the_token_that_counts(tmp_path: Path, sqlite_template: Path) -> None:
    with serving(of(tmp_path, sqlite_template, ELEARN_METRICS_TOKEN=TOKEN)) as server:
        ask = server.browser().get
        assert ask("/metrics", Authorization=f"Bearer {TOKEN}").status == 200
        assert ask("/metrics", Authorization=f"Bearer {TOKEN}", X_Forwarded_For="192.0.2.7").status == 200
        for wrong in ("", "Bearer ", f"Bearer {TOKEN}x", TOKEN, "Bearer ꯃꯤꯔꯥ".encode().decode("latin-1")):
            assert ask("/metrics", Authorization=wrong).status == 404


def test_where_it_is_not_enabled_there_is_nothing_of_it(tmp_path: Path, sqlite_template: Path) -> None:
    made = of(tmp_path, sqlite_template, ELEARN_METRICS="0")
    with serving(made) as server:
        assert server.browser().get("/metrics").status == 404
    assert list((tmp_path / "data").glob("tmp/metrics*")) == []
    look = (
        "import sys, elearn; elearn.create_app().test_client().get('/help'); "
        "print([name for name in sys.modules if 'prometheus' in name])"
    )
    for enabled in ("0", "1"):
        env = environment({**made.settings, "ELEARN_METRICS": enabled})
        done = subprocess.run(
            [sys.executable, "-c", look], cwd=ROOT, env=env, capture_output=True, text=True, check=True
        )
        assert (done.stdout.strip() == "[]") is (enabled == "0")


def test_a_command_of_the_shell_leaves_no_counts(tmp_path: Path, sqlite_template: Path) -> None:
    made = of(tmp_path, sqlite_template)
    command = [sys.executable, "-m", "elearn.cli", "retention", "--dry-run"]
    subprocess.run(command, cwd=ROOT, env=environment(made.settings), capture_output=True, check=True)
    assert list((tmp_path / "data").glob("tmp/metrics-*/*")) == []


@pytest.mark.parametrize("settings", [{"ELEARN_METRICS": "yes"}, {"ELEARN_METRICS_TOKEN": "short"}])
def test_settings_that_mean_nothing_stop_the_start(settings: dict[str, str]) -> None:
    with pytest.raises(BadSetting, match="ELEARN_METRICS"):
        from_environment({"ELEARN_SECRET_KEY": SECRET, **settings})
