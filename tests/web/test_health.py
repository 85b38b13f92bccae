"""Health tells the truth about real faults, in bounded time, and takes it back by itself."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic

import pytest
from flask import Flask
from flask_migrate import downgrade, upgrade

from elearn.models.database import db, writing
from elearn.services import health
from elearn.services.library import Library
from tests import postgres
from tests.at_once import at_once

PATIENCE = 60.0  # seconds, on a machine that has much else to do
ANSWERS_IN = 2.0


def told(app: Flask) -> tuple[int, list[str]]:
    """What a fresh look finds."""
    kept: health.Health = app.extensions["elearn.health"]
    kept.found_at = None
    response = app.test_client().get("/health/ready")
    answer = response.get_json()
    assert answer == {"ready": response.status_code == 200, "missing": answer["missing"]}
    return response.status_code, answer["missing"]


def until(expected: tuple[int, list[str]], ask: Callable[[], tuple[int, list[str]]]) -> None:
    end = monotonic() + PATIENCE
    while (found := ask()) != expected:
        assert monotonic() < end, f"{found}, not {expected}"


@contextmanager
def small_disk(folder: Path, size: str = "8m") -> Iterator[Path]:
    """A file system of its own, to be filled up or closed to writing."""
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)], capture_output=True, check=False
    )
    if mounted.returncode:
        if os.environ.get("CI") == "true":
            pytest.fail(f"a file system cannot be mounted: {mounted.stderr!r}")
        pytest.skip("a file system can be mounted by root only")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def fill(path: Path) -> None:
    with path.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(65536))


@pytest.fixture
def on_small_disk(make_app: Callable[..., Flask], sqlite_url: str, tmp_path: Path) -> Iterator[tuple[Flask, Path]]:
    """The application with its data folder and its database on a small file system."""
    with small_disk(tmp_path / "small") as disk:
        database = disk / "elearn.sqlite3"
        database.write_bytes(Path(sqlite_url.removeprefix("sqlite:///")).read_bytes())
        app = make_app(f"sqlite:///{database}", data_dir=disk)
        yield app, disk
        with app.app_context():
            db.engine.dispose()


def test_all_is_well(app: Flask) -> None:
    assert told(app) == (200, [])
    assert app.test_client().get("/health/live").get_json() == {"live": True}


def test_nothing_to_serve(app: Flask) -> None:
    served = app.extensions["elearn.library"]
    app.extensions["elearn.library"] = Library({}, {})
    assert told(app) == (503, ["content"])
    assert app.test_client().get("/").status_code == 200
    app.extensions["elearn.library"] = served
    assert told(app) == (200, [])


def test_a_database_that_is_not_migrated(app: Flask) -> None:
    db.engine.dispose()
    downgrade(revision="0002")
    assert told(app) == (503, ["database-not-migrated"])
    downgrade(revision="base")
    with db.engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE alembic_version")
    assert told(app) == (503, ["database-not-migrated"])
    upgrade()
    assert told(app) == (200, [])


def test_a_database_that_a_newer_version_has_migrated_is_served(app: Flask) -> None:
    with db.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    assert told(app) == (200, [])


def test_a_database_file_that_is_gone(make_app: Callable[..., Flask], sqlite_url: str) -> None:
    app = make_app(sqlite_url)
    path = Path(sqlite_url.removeprefix("sqlite:///"))
    aside = path.rename(path.with_name("aside"))
    assert told(app) == (503, ["database"])
    path.mkdir()  # a disk that lost the file, say
    assert told(app) == (503, ["database"])
    path.rmdir()
    aside.rename(path)
    assert told(app) == (200, [])


def test_somebody_writing_is_no_fault(make_app: Callable[..., Flask], sqlite_url: str) -> None:
    app = make_app(sqlite_url)
    other = sqlite3.connect(sqlite_url.removeprefix("sqlite:///"), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    assert told(app) == (200, [])
    other.close()


def test_a_full_disk(on_small_disk: tuple[Flask, Path]) -> None:
    app, disk = on_small_disk
    assert told(app) == (200, [])
    filler = disk / "filler"
    with pytest.raises(OSError, match="No space"):
        fill(filler)
    status, missing = told(app)
    assert (status, missing[0]) == (503, "disk-full")
    assert not list((disk / "tmp").iterdir())
    filler.unlink()
    assert told(app) == (200, [])


def test_a_read_only_disk(on_small_disk: tuple[Flask, Path]) -> None:
    app, disk = on_small_disk
    with app.app_context():
        db.engine.dispose()  # a file open for writing keeps the disk open for it
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
    status, missing = told(app)
    assert (status, missing[0]) == (503, "disk-read-only")
    subprocess.run(["mount", "-o", "remount,rw", str(disk)], check=True)
    assert told(app) == (200, [])


@pytest.mark.postgres
def test_a_postgresql_that_may_only_be_read(make_app: Callable[..., Flask], postgres_url: str) -> None:
    app = make_app(postgres_url)
    with app.app_context():
        with db.engine.begin() as connection:
            name = db.engine.url.database
            connection.exec_driver_sql(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
        db.engine.dispose()
    assert told(app) == (503, ["database-read-only"])


@pytest.mark.postgres
def test_a_postgresql_that_is_gone(make_app: Callable[..., Flask]) -> None:
    with postgres.running(("-c fsync=off",)) as server:
        app = make_app(server.format(database="postgres"))
        with app.app_context():
            upgrade()
        assert told(app) == (200, [])
    assert told(app) == (503, ["database"])


@pytest.mark.postgres
def test_a_postgresql_that_hangs_is_not_waited_for_and_may_come_back(make_app: Callable[..., Flask]) -> None:
    with postgres.running(("-c fsync=off",)) as server:
        app = make_app(server.format(database="postgres"))
        with app.app_context():
            upgrade()
        assert told(app) == (200, [])
        with app.app_context(), writing() as connection:
            backends = connection.exec_driver_sql("SELECT pid FROM pg_stat_activity").scalars().all()
            parent = int(Path(f"/proc/{backends[0]}/stat").read_text().rpartition(")")[2].split()[1])
        halted = [parent, *backends]
        for process in halted:
            os.kill(process, signal.SIGSTOP)
        try:
            began = monotonic()
            assert told(app) == (503, ["no-answer"])
            assert monotonic() - began < ANSWERS_IN + 1  # of which one second is for a busy machine
        finally:
            for process in reversed(halted):
                os.kill(process, signal.SIGCONT)
        until((200, []), lambda: told(app))


def test_many_who_ask_cost_one_look(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    looks: list[int] = []
    look = health._look

    def counted(kept: health.Health) -> tuple[str, ...]:
        looks.append(1)
        return look(kept)

    monkeypatch.setattr(health, "_look", counted)
    monkeypatch.setattr(health, "HOLDS_SECONDS", PATIENCE)
    app.extensions["elearn.health"].found_at = None
    statuses = at_once(app, [lambda: app.test_client().get("/health/ready").status_code] * 20)
    assert statuses == [200] * 20
    assert len(looks) == 1


def test_a_look_that_fails_says_so(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_folder: Path) -> str:
        raise RuntimeError

    monkeypatch.setattr(health, "_disk", broken)
    assert told(app) == (503, ["no-answer"])
