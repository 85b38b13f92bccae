"""The disk runs full under load, and has room again.

What may be lost: an act that was answered by 503. Nothing that was acknowledged; and reading goes on.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import pytest

from tests import postgres
from tests.conftest import migrated
from tests.faults.house import MEGABYTE, WORKERS, House, copied, execute, opened, report, settings_with, wait_until
from tests.faults.officers import Officer, judge, signed_in, working
from tests.given import COURSE

WRITERS = 30
PUT_OFF = 40
"""Answers of 503 that are waited for: by then nobody can write any more."""

WRITES_AGAIN_WITHIN = 30
FOR_SQLITE, FOR_POSTGRESQL = 24, 160  # megabytes


@contextmanager
def small_disk(megabytes: int) -> Iterator[Path]:
    """A file system of its own that holds so much and no more. Only root may mount one."""
    folder = Path(tempfile.mkdtemp(prefix="elearn-disk-"))
    size = f"size={megabytes}m,mode=0755"
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", size, "tmpfs", str(folder)], check=False)
    if mounted.returncode:
        folder.rmdir()
        if os.environ.get("CI") == "true":
            pytest.fail("no small disk can be mounted here")
        pytest.skip("only root can mount a small disk, to fill it")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)
        folder.rmdir()


def fill(disk: Path) -> Path:
    """Takes all the room there is; gives the file that holds it."""
    ballast = disk / "ballast"
    with ballast.open("ab", buffering=0) as file:
        for size in (MEGABYTE, 4096, 1):
            try:
                while True:
                    file.write(b"\0" * size)
            except OSError:
                continue
    assert shutil.disk_usage(disk).free == 0
    return ballast


@pytest.fixture
def house_on_a_small_disk(sqlite_template: Path, tmp_path: Path, now: datetime) -> Iterator[tuple[House, Path]]:
    """Everything that the server keeps is on the small disk; its log is not, as with a service's journal."""
    with small_disk(FOR_SQLITE) as disk:
        shutil.copytree(sqlite_template, disk, dirs_exist_ok=True)
        url = f"sqlite:///{disk / 'house.sqlite3'}"
        server = settings_with(copied(sqlite_template, tmp_path, url), {"ELEARN_DATA_DIR": str(disk)})
        with opened(server, now) as house:
            yield house, disk


def test_a_full_disk_refuses_what_it_cannot_keep(house_on_a_small_disk: tuple[House, Path]) -> None:
    """May be lost: nothing. What cannot be written is answered by 503, pages go on to be shown, and as soon as there
    is room again the same server writes again."""
    house, disk = house_on_a_small_disk
    *officers, reader = signed_in(house, WRITERS + 1)
    with working(house, officers) as current:
        current.wait_for(300, acknowledged=60)
        ballast = fill(disk)
        current.wait_for(120, put_off=PUT_OFF)
        assert not_shown(house, reader) == []
        ballast.unlink()
        seconds = current.wait_for(WRITES_AGAIN_WITHIN, acknowledged=2 * WRITERS)
    lost_nothing(house, officers)
    assert house.server.browser().get("/health/ready").status == 200
    report(f"{current.put_off} times 503 on a full disk; {2 * WRITERS} more acknowledged {seconds:.1f} s after")


@pytest.mark.postgres
def test_a_full_disk_under_postgresql_loses_nothing(sqlite_template: Path, tmp_path: Path, now: datetime) -> None:
    """May be lost: nothing. PostgreSQL gives up where it has no room for its log, and then has to be started again,
    by its service manager or by hand; the server that asks it does not."""
    with small_disk(FOR_POSTGRESQL) as disk, postgres.cluster(folder=disk / "cluster") as cluster:
        execute(cluster.url, "CREATE DATABASE house")
        url = cluster.url.format(database="house")
        migrated(url, tmp_path / "migrated")
        with opened(copied(sqlite_template, tmp_path, url, WORKERS), now, cluster) as house:
            officers = signed_in(house, WRITERS)
            with working(house, officers) as current:
                current.wait_for(300, acknowledged=60)
                ballast = fill(disk)
                current.wait_for(120, put_off=PUT_OFF)
                ballast.unlink()
                gave_up = not cluster.is_running()
                if gave_up:
                    cluster.start()
                seconds = current.wait_for(WRITES_AGAIN_WITHIN, acknowledged=2 * WRITERS)
            lost_nothing(house, officers)
            report(
                f"{current.put_off} times 503 on a full disk; PostgreSQL {'gave up' if gave_up else 'went on'}; "
                f"{2 * WRITERS} more acknowledged {seconds:.1f} s after"
            )


def lost_nothing(house: House, officers: Sequence[Officer]) -> None:
    for officer in officers:
        officer.send_the_doubtful_again()
    verdict = judge(house, officers)
    assert verdict.is_clean, verdict
    assert "Traceback" not in house.server.log
    wait_until(lambda: house.server.browser().get("/health/ready").status == 200, WRITES_AGAIN_WITHIN, "not ready")


def not_shown(house: House, reader: Officer) -> list[str]:
    """Pages that somebody who is signed in cannot read just now."""
    pages = [
        "/",
        "/account",
        f"/courses/{COURSE}",
        *(f"/courses/{COURSE}/{x.path}" for x in house.course.lessons()[:3]),
    ]
    return [f"{path}: {status}" for path in pages if (status := reader.browser.get(path).status) != 200]
