"""The shipped server as a process: how large it is, and that neither a reload nor a stop costs anybody an answer.

SERVE_ROUNDS says how often it is reloaded, and stopped and started, under load; 2 without it.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPException
from pathlib import Path
from threading import Event
from time import monotonic, perf_counter
from types import SimpleNamespace

import pytest
from flask import Flask

from elearn.commands import serving as serving_commands
from elearn.commands.serving import WORKER_BYTES, Machine, size_for
from tests.server import ANSWERS_WITHIN, ENDS_WITHIN, ROOT, Server, environment, served_from, serving
from tests.short_course import short_course

ROUNDS = int(os.environ.get("SERVE_ROUNDS", "2"))
READERS = 6
READY_SECONDS = 3
GIB = 1024**3
SQLITE, POSTGRESQL = "sqlite:////srv/elearn.sqlite3", "postgresql+psycopg://elearn@db/elearn"


# How large


@pytest.mark.parametrize(
    ("url", "cores", "memory", "workers", "threads"),
    [
        (SQLITE, 32, 64 * GIB, 1, 16),
        (POSTGRESQL, 1, 4 * GIB, 3, 8),
        (POSTGRESQL, 2, 4 * GIB, 5, 8),
        (POSTGRESQL, 32, 64 * GIB, 8, 8),
        (POSTGRESQL, 8, 1 * GIB, 4, 8),
        (POSTGRESQL, 8, 64 * 1024**2, 1, 8),
    ],
)
def test_the_server_is_as_large_as_the_machine_bears(
    url: str, cores: int, memory: int, workers: int, threads: int
) -> None:
    size = size_for(url, Machine(cores, memory))
    assert (size.workers, size.threads) == (workers, threads)


def test_the_provider_is_told_how_many_threads_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    made = Flask("made")
    made.extensions["sqlalchemy"] = SimpleNamespace(engines={})
    made.extensions["elearn.provider"] = SimpleNamespace(make_room=lambda threads: told.append(threads))
    told: list[int] = []
    monkeypatch.setattr("gunicorn.app.base.BaseApplication.run", lambda server: server.load())
    serving_commands._serve(lambda: made, "127.0.0.1:0", workers=1, threads=6, log_level="warning")
    assert told == [6]


def test_a_container_counts_as_large_as_its_share(tmp_path: Path) -> None:
    whole = Machine.here(tmp_path)
    assert whole.cores >= 1
    (tmp_path / "cpu.max").write_text("max 100000\n")
    (tmp_path / "memory.max").write_text("max\n")
    assert Machine.here(tmp_path) == whole
    (tmp_path / "cpu.max").write_text("50000 100000\n")
    (tmp_path / "memory.max").write_text(f"{GIB}\n")
    assert Machine.here(tmp_path) == Machine(1, GIB)


def test_a_worker_is_no_larger_than_promised(house: Server) -> None:
    with serving(house):
        for path in ("/", "/help", "/sign-in", "/verify", "/accessibility"):
            assert house.browser().get(path).status == 200
        sizes = [resident(pid) for pid in workers_of(house)]
    assert sizes
    assert max(sizes) <= WORKER_BYTES, [f"{size / 1024**2:.0f} MiB" for size in sizes]


def test_it_is_ready_at_once_where_the_content_is_compiled(sqlite_template: Path, tmp_path: Path) -> None:
    """The whole course. Counted as the processor's time, since a test machine has other work too."""
    shutil.copytree(sqlite_template, tmp_path, dirs_exist_ok=True)
    server = served_from(tmp_path, f"sqlite:///{tmp_path / 'house.sqlite3'}")
    begun = perf_counter()
    with serving(server):
        assert server.process
        seconds = perf_counter() - begun
        taken = sum(cpu_seconds(pid) for pid in (server.process.pid, *workers_of(server)))
        sizes = [resident(pid) / 1024**2 for pid in workers_of(server)]
    sys.stdout.write(f"\nready in {seconds:.1f} s, {taken:.1f} s of CPU; a worker holds {max(sizes):.0f} MiB\n")
    assert taken <= READY_SECONDS


# Under load


@dataclass
class Readers:
    """Some people who ask for pages one after the other, each on a new connection; what each of them got."""

    port: int
    over: Event = field(default_factory=Event)
    first: Event = field(default_factory=Event)
    got: Counter[str] = field(default_factory=Counter)

    def read(self) -> None:
        while not self.over.is_set():
            self.got[page_from(self.port)] += 1
            self.first.set()


@contextmanager
def reading(port: int) -> Iterator[Readers]:
    readers = Readers(port)
    with ThreadPoolExecutor(READERS) as pool:
        working: list[Future[None]] = [pool.submit(readers.read) for _ in range(READERS)]
        try:
            assert readers.first.wait(ANSWERS_WITHIN)
            yield readers
        finally:
            readers.over.set()
        for one in working:
            one.result()


def page_from(port: int) -> str:
    """How one request ended: `whole`, `refused` (nobody listened), `never taken in`, or `torn`."""
    said = b""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=ANSWERS_WITHIN) as client:
            client.sendall(b"GET /help HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
            while piece := client.recv(65536):
                said += piece
    except ConnectionRefusedError:
        return "refused"
    except OSError:
        pass
    return whole_or_not(said)


def whole_or_not(said: bytes) -> str:
    head, _, body = said.partition(b"\r\n\r\n")
    length = re.search(rb"\r\ncontent-length: (\d+)", head, re.I)
    if length and head.startswith(b"HTTP/1.1 200 ") and len(body) == int(length[1]):
        return "whole"
    return "torn" if said else "never taken in"


def test_a_reload_reads_the_content_anew_and_costs_nobody_an_answer(house: Server) -> None:
    course = house.folder / "content" / "ai-for-good-governance" / "course.yaml"
    with serving(house), reading(house.port) as readers:
        for number in range(ROUNDS):
            before = "AI for Good Governance" if number == 0 else f"Edition {number - 1}"
            course.write_text(course.read_text("utf-8").replace(f"en: {before}", f"en: Edition {number}", 1), "utf-8")
            hang_up(house)
            eventually(lambda n=number: f"Edition {n}" in house.browser().get("/").text, house)
            eventually(lambda: len(workers_of(house)) == 1, house)  # the old one is through with its work
    assert set(readers.got) == {"whole"}, readers.got


def test_a_reload_that_fails_leaves_everything_as_it_was(house: Server) -> None:
    with serving(house):
        keys = house.folder / "signing-keys.json"
        kept = keys.read_bytes()
        keys.write_bytes(b"not a key set")
        hang_up(house)
        eventually(lambda: "what was served before is served on" in house.log, house)
        assert house.browser().get("/help").status == 200
        keys.write_bytes(kept)


def test_whoever_was_taken_in_is_answered_while_the_server_stops(house: Server) -> None:
    form = b"a=1"
    with serving(house), reading(house.port) as readers:
        clients = [socket.create_connection(("127.0.0.1", house.port), timeout=ANSWERS_WITHIN) for _ in range(20)]
        for client in clients:
            client.sendall(
                b"POST /verify HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/x-www-form-urlencoded\r\n"
                b"Expect: 100-continue\r\nContent-Length: %d\r\n\r\n" % len(form)
            )
            assert client.recv(25).startswith(b"HTTP/1.1 100 ")  # so it was taken in, for certain
        assert house.process
        house.process.terminate()
        eventually(lambda: page_from(house.port) == "refused", house)
        answers = []
        for client in clients:
            client.sendall(form)
        for client in clients:
            said = b""
            while piece := client.recv(65536):
                said += piece
            client.close()
            answers.append(said.removeprefix(b"HTTP/1.1 100 Continue\r\n\r\n"))  # gunicorn says it once more
        assert house.process.wait(ENDS_WITHIN) == 0
    # Refused for want of a CSRF token; what matters is that each of them is an answer, and a whole one.
    assert [answer[:13] for answer in answers] == [b"HTTP/1.1 400 "] * 20
    assert all(answer.rstrip().endswith(b"</html>") for answer in answers)
    assert "torn" not in readers.got, readers.got
    assert readers.got["whole"]
    assert readers.got["refused"]


def test_a_restart_behind_a_socket_that_stays_open_costs_nobody_an_answer(house: Server) -> None:
    """As the socket unit has it: the system holds the door, so that those who come meanwhile wait at it."""
    with socket.create_server(("127.0.0.1", 0), backlog=100) as door:
        port = door.getsockname()[1]
        process = serve_at(door, house)
        try:
            with reading(port) as readers:
                for _ in range(ROUNDS):
                    process.terminate()
                    assert process.wait(ENDS_WITHIN) == 0
                    process = serve_at(door, house)
                    eventually(lambda: page_from(port) == "whole", house)
        finally:
            process.terminate()
            process.wait(ENDS_WITHIN)
    assert set(readers.got) == {"whole"}, readers.got


def test_the_service_manager_is_told_when_it_is_ready(house: Server) -> None:
    address = str(house.folder / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(address)
        manager.settimeout(ANSWERS_WITHIN)
        house.settings = {**house.settings, "NOTIFY_SOCKET": address}
        with serving(house):
            assert b"READY=1" in manager.recv(1000).split(b"\n")


# What the tests here share


@pytest.fixture
def house(sqlite_template: Path, tmp_path: Path) -> Server:
    """A server with an empty, migrated database and a short course of its own, which is not started yet."""
    shutil.copytree(sqlite_template, tmp_path, dirs_exist_ok=True)
    server = served_from(tmp_path, f"sqlite:///{tmp_path / 'house.sqlite3'}")
    server.settings = {**server.settings, "ELEARN_CONTENT_DIR": str(short_course(tmp_path / "content"))}
    return server


def hang_up(server: Server) -> None:
    assert server.process
    server.process.send_signal(signal.SIGHUP)


def serve_at(door: socket.socket, house: Server) -> subprocess.Popen[bytes]:
    """Started as systemd starts a service with a socket: the open door is number 3."""
    elearn = [*house.command[:1], *house.command[3:]]  # without --bind, which the door takes the place of
    with (house.folder / "server.log").open("ab") as log:
        return subprocess.Popen(
            [sys.executable, "-c", AS_SYSTEMD, str(door.fileno()), *ELEARN_COMMAND, *elearn],
            cwd=ROOT,
            env=environment(house.settings),
            stdout=log,
            stderr=log,
            pass_fds=[door.fileno()],
        )


# Not a shell: Debian's knows no door above number 9.
AS_SYSTEMD = (
    "import os, sys; os.dup2(int(sys.argv[1]), 3); "
    "os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS='1'); os.execv(sys.argv[2], sys.argv[2:])"
)
ELEARN_COMMAND = (str(Path(sys.executable)), "-m", "elearn.cli")


def workers_of(server: Server) -> list[int]:
    assert server.process
    return [
        int(folder.name)
        for folder in Path("/proc").glob("[0-9]*")
        if (line := stat_line(folder)) and line[1] == str(server.process.pid) and line[0] != "Z"
    ]


def stat_line(folder: Path) -> list[str]:
    """Of a process: its state, its parent, and so on."""
    try:
        return (folder / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def cpu_seconds(pid: int) -> float:
    return sum(map(int, stat_line(Path(f"/proc/{pid}"))[11:13])) / os.sysconf("SC_CLK_TCK")


def resident(pid: int) -> int:
    return int(re.findall(r"VmHWM:\s*(\d+)", Path(f"/proc/{pid}/status").read_text())[0]) * 1024


def eventually(holds: object, server: Server) -> None:
    assert callable(holds)
    end, pause = monotonic() + ANSWERS_WITHIN, Event()
    while True:
        try:
            if holds():
                return
        except (OSError, HTTPException):
            pass
        assert monotonic() < end, server.log
        pause.wait(0.05)
