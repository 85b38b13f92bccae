"""A server on data of its own, which may be killed, starved or lied to; and the same data seen from inside."""

from __future__ import annotations

import os
import re
import shutil
import sqlite3
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from threading import Barrier, Event
from time import monotonic
from typing import Any
from uuid import uuid4

from flask import Flask
from sqlalchemy import create_engine, insert, text

from config import from_environment
from elearn import create_app
from elearn.domain.course import Course
from elearn.models.database import db, writing
from elearn.models.people import Password
from elearn.services import library, passwords
from tests.given import COURSE, PASSWORD, Given, Person
from tests.postgres import USER, Cluster
from tests.server import Server, served_from

WORKERS = 2
"""Processes that serve on PostgreSQL; on SQLite there is one."""

MEGABYTE = 1024**2
LOOKS_AGAIN_AFTER = 0.05


@dataclass
class House:
    """A server, the application on the same database from inside, and who is there."""

    server: Server
    app: Flask
    given: Given
    course: Course
    cluster: Cluster | None

    @property
    def url(self) -> str:
        return str(self.app.config["SQLALCHEMY_DATABASE_URI"])

    def crowd(self, size: int) -> list[Person]:
        """So many officers who may sign in."""
        made = [self.given.officer(f"Officer {n}", password="") for n in range(size)]
        kept = passwords.hash_of(PASSWORD)
        with writing() as connection:
            rows = [{"officer_id": one.id, "hash": kept, "set_at": self.given.now} for one in made]
            connection.execute(insert(Password), rows)
        return made

    def damage(self) -> str:
        """What the database's own check finds wrong with its files; "" for nothing."""
        if self.cluster is None:
            connection = sqlite3.connect(self.url.removeprefix("sqlite:///"))
            (found,) = connection.execute("PRAGMA integrity_check").fetchone()
            connection.close()
            return "" if found == "ok" else str(found)
        database = re.findall(r"/(\w+)\?", self.url)[0]
        options = ("-h", str(self.cluster.folder), "-U", USER, "--install-missing", "--heapallindexed")
        checked = self.cluster.run("pg_amcheck", *options, database, check=False)
        return "" if checked.returncode == 0 else f"{checked.returncode}: {checked.stdout}"

    def until_nobody_works(self) -> None:
        """Waits until the database has noticed that a killed server is gone: what it was about to commit may come."""
        if self.cluster is None:
            return
        db.engine.dispose()
        others = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        wait_until(lambda: self._value(others) == 0, 30, "backends of a killed server still work")

    def backends(self) -> list[int]:
        """The processes of PostgreSQL that serve somebody else in this database."""
        others = (
            "SELECT coalesce(array_agg(pid), '{}') FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
        )
        return list(self._value(others))

    def end_backends(self) -> int:
        """Ends them, as an administrator or a fail-over does; says how many there were."""
        return sum(bool(self._value(f"SELECT pg_terminate_backend({pid})")) for pid in self.backends())

    def _value(self, query: str) -> Any:
        engine = create_engine(self.url, pool_size=1)
        try:
            with engine.connect() as connection:
                return connection.execute(text(query)).scalar_one()
        finally:
            engine.dispose()


def copied(template: Path, folder: Path, database_url: str = "", workers: int = 1, **settings: str) -> Server:
    """A server with compiled content, keys and an empty, migrated database."""
    shutil.copytree(template, folder, dirs_exist_ok=True)
    server = served_from(folder, database_url or f"sqlite:///{folder / 'house.sqlite3'}", workers)
    return replace(server, settings={**server.settings, **settings})


@contextmanager
def opened(server: Server, now: datetime, cluster: Cluster | None = None) -> Iterator[House]:
    """The house, serving; closed at the end."""
    app = create_app(from_environment(server.settings))
    with app.app_context():
        try:
            server.start()
            yield House(server, app, Given(app, now), library.course(COURSE), cluster)
        finally:
            server.stop()
            db.engine.dispose()


@contextmanager
def database_of(server: str) -> Iterator[str]:
    """The URL of a fresh copy of `house` on a PostgreSQL server."""
    name = f"f{uuid4().hex}"
    execute(server, f"CREATE DATABASE {name} TEMPLATE house")
    yield server.format(database=name)
    execute(server, f"DROP DATABASE {name} WITH (FORCE)")


def cluster_of(server: str) -> Cluster:
    """The cluster behind the URL of a PostgreSQL server of the tests."""
    return Cluster(Path(server.partition("host=")[2]))


def execute(server: str, statement: str) -> None:
    engine = create_engine(server.format(database="postgres"), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(statement))
    engine.dispose()


def at_once(acts: Sequence[Callable[[], Any]]) -> list[Any]:
    """Does all acts at the same moment, each in a thread; gives what they returned, and raises what one raised."""
    together = Barrier(len(acts))

    def run(act: Callable[[], Any]) -> Any:
        together.wait()
        return act()

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(run, acts))


def wait_until(holds: Callable[[], bool], seconds: float, otherwise: str) -> float:
    """Looks again and again until it holds; says how long that took."""
    begun, pause = monotonic(), Event()
    while not holds():
        assert monotonic() < begun + seconds, f"after {seconds} s: {otherwise}"
        pause.wait(LOOKS_AGAIN_AFTER)
    return monotonic() - begun


def report(line: str) -> None:
    """For `pytest -s`: what was measured, which no test depends on."""
    sys.stdout.write(f"\n{line}\n")


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
        except (OSError, IndexError):
            continue  # it has just ended
    return Held(ticks / os.sysconf("SC_CLK_TCK"), kilobytes * 1024)


def settings_with(server: Server, more: Mapping[str, str]) -> Server:
    return replace(server, settings={**server.settings, **more})
