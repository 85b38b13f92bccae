"""Measures the completion list of 100,000 officers: our CSV against what the database alone needs for the same rows.

`python -m bench.completion_list [--people N] [--rounds N] [--engine sqlite|postgresql]` from the root of the
repository. Everything lies in a temporary folder and is gone afterwards; PostgreSQL listens on a socket only. Compared
ways take turns within one run, so that the ratios hold on a noisy machine.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from typing import Any

from flask import Flask
from sqlalchemy import insert

from config import Config
from elearn.models.database import db, open_engine_options, reading, writing
from elearn.models.learning import Enrolment, Standing, StandingHistory
from elearn.models.people import Office, Officer, OfficerName, Posting
from elearn.models.tables import metadata
from elearn.services import reports
from tests import postgres

COURSE = "ai-for-good-governance"
OFFICES = 2000
NOW = datetime(2026, 11, 23, 8, 30, tzinfo=UTC)
SCOPE = reports.Scope(("",), date(2026, 11, 23))
NAMES = ("Meera Devi", "थोइबी लैमा", "राकेश सिंह", "ꯊꯣꯏꯕꯤ ꯂꯩꯃꯥ", "A. K. Sharma", "Iboyaima Singh")
DESIGNATIONS = ("Section Officer", "Under Secretary", "उप जिलाधिकारी", "Upper Division Assistant")
STATES = ("complete", "complete", "in_progress", "not_begun", "complete", "in_progress", "exempt")


def main() -> None:
    wanted = _arguments()
    if wanted.measure:
        print(json.dumps(measure(wanted.measure, wanted.rounds)))
        return
    for engine in [wanted.engine] if wanted.engine else ["sqlite", "postgresql"]:
        if engine == "postgresql" and not postgres.is_here():
            print("postgresql: not installed on this machine, not measured")
            continue
        with _database(engine) as url:
            with _app(url).app_context():
                seed(wanted.people)
                db.engine.dispose()
            _report(engine, wanted.people, _in_a_process_of_its_own(url, wanted.rounds))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--engine", choices=["sqlite", "postgresql"])
    parser.add_argument("--measure", metavar="URL", help="measure a database that is already filled, and print JSON")
    return parser.parse_args()


@contextmanager
def _database(engine: str) -> Iterator[str]:
    if engine == "sqlite":
        with tempfile.TemporaryDirectory(prefix="elearn-bench-") as folder:
            yield f"sqlite:///{folder}/bench.sqlite3"
    else:
        with postgres.running() as url:
            yield url.format(database="postgres")


def _app(url: str) -> Flask:
    """The database and the settings alone: no course, no pages."""
    app = Flask(__name__)
    app.config.update(
        ELEARN=Config(secret_key="-"),
        SQLALCHEMY_DATABASE_URI=url,
        SQLALCHEMY_ENGINE_OPTIONS=open_engine_options(url),
    )
    db.init_app(app)
    return app


def seed(people: int) -> None:
    """So many officers in 2,000 offices of 40 districts, one in twenty with an additional charge, all enrolled."""
    metadata.create_all(db.engine)
    with writing() as connection:
        connection.execute(insert(Office), list(_offices()))
        for table, rows in _tables(people).items():
            for start in range(0, people, 10_000):
                block = [row for n in range(start, min(start + 10_000, people)) for row in rows(n)]
                if block:
                    connection.execute(insert(table), block)
    with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("ANALYZE")


def _offices() -> Iterator[dict[str, Any]]:
    for n in range(OFFICES):
        code, district = f"O{n:04}", f"D{n % 40:02}"
        yield {"id": n + 1, "code": code, "name": f"Block Office {n}", "path": f"/MN/{district}/{code}/"}


def _tables(people: int) -> dict[Any, Callable[[int], list[dict[str, Any]]]]:
    return {
        Officer: lambda n: [{"id": n + 1, "employee_number": f"MD-{n:06}", "created_at": NOW}],
        OfficerName: lambda n: [
            {"officer_id": n + 1, "language": "en", "name": f"{NAMES[n % 6]} {n * 7919 % people}", "is_primary": True}
        ],
        Posting: _postings,
        Enrolment: lambda n: [{"officer_id": n + 1, "course": COURSE, "route": "officer", "created_at": NOW}],
        Standing: lambda n: [_standing(n)],
        StandingHistory: lambda n: [_standing(n)],
    }


def _postings(n: int) -> list[dict[str, Any]]:
    main = {"officer_id": n + 1, "office_id": n * 31 % OFFICES + 1, "kind": "main", "designation": DESIGNATIONS[n % 4]}
    extra = {**main, "office_id": n * 17 % OFFICES + 1, "kind": "additional"}
    return [{**p, "since": date(2024, 4, 1), "until": None} for p in ((main, extra) if n % 20 == 0 else (main,))]


def _standing(n: int) -> dict[str, Any]:
    state = STATES[n % 7]
    complete = state == "complete"
    return {
        "officer_id": n + 1,
        "course": COURSE,
        "state": state,
        "requirements_met": 28 if complete else n % 28 if state == "in_progress" else 0,
        "requirements_total": 28,
        "final_percent": 70 + n % 31 if complete else None,
        "evidence": ("checked", "supervised")[n % 2] if complete else "",
        "completed_at": NOW - timedelta(seconds=n) if complete else None,
        "certificate": f"{n:026}" if complete else "",
        "at": NOW - timedelta(seconds=n),
    }


def _in_a_process_of_its_own(url: str, rounds: int) -> dict[str, Any]:
    """What filled the database has grown by it, and must not be the one whose memory is measured."""
    command = [sys.executable, "-m", "bench.completion_list", "--measure", url, "--rounds", str(rounds)]
    found: dict[str, Any] = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)
    return found


def measure(url: str, rounds: int) -> dict[str, Any]:
    """Seconds of each way, in turns, and the megabytes that the first file added to the process."""
    with _app(url).app_context():
        reports.completion_page(SCOPE, COURSE, reports.Filters())  # connects, and compiles what stays compiled
        before = _megabytes("VmRSS")
        rows, size = _file()
        found: dict[str, Any] = {"rows": rows, "size": size, "added_mb": max(0.0, _megabytes("VmHWM") - before)}
        ways: dict[str, Callable[[], object]] = {"plain": _plain, "file": _file, "page": _page, "last": _last_page}
        times: dict[str, list[float]] = {name: [] for name in ways}
        for _ in range(rounds):
            for name, way in ways.items():
                started = time.perf_counter()
                way()
                times[name].append(time.perf_counter() - started)
        return found | {name: statistics.median(taken) for name, taken in times.items()}


def _plain() -> int:
    """The same rows with nothing of ours: COPY on PostgreSQL, the driver's own cursor on SQLite."""
    sql = str(
        reports.completions_query(SCOPE, COURSE, reports.Filters()).compile(
            db.engine, compile_kwargs={"literal_binds": True}
        )
    )
    with reading() as connection:
        cursor = connection.connection.cursor()
        if connection.dialect.name == "sqlite":
            return sum(1 for _ in cursor.execute(sql))
        with cursor.copy(f"COPY ({sql}) TO STDOUT".replace("%%", "%")) as copied:
            return sum(len(block) for block in copied)


def _file() -> tuple[int, int]:
    made = reports.prove_completions(SCOPE, COURSE, reports.Filters(), NOW)
    with made.file as file:
        assert file.read(1)
    return made.rows, made.size


def _page() -> object:
    return reports.completion_page(SCOPE, COURSE, reports.Filters())


def _last_page() -> object:
    return reports.completion_page(SCOPE, COURSE, reports.Filters(), "-completed", 10**6)


def _megabytes(which: str) -> float:
    """What Linux says of this process: VmRSS is its memory now, VmHWM the most it ever was."""
    with open("/proc/self/status") as status:
        (line,) = (line for line in status if line.startswith(f"{which}:"))
    return int(line.split()[1]) / 1024


def _report(engine: str, people: int, found: dict[str, Any]) -> None:
    plain = "COPY" if engine == "postgresql" else "plain cursor"
    ratio = found["file"] / found["plain"]
    print(f"completion list, {engine}: {people:,} people, {found['rows']:,} rows, {found['size'] / 1e6:.1f} MB of CSV")
    print(f"  {plain:<14}{found['plain']:8.3f} s")
    print(f"  our CSV       {found['file']:8.3f} s = {ratio:.2f} x {plain}, budget 5 x COPY")
    print("  first byte    when the CSV is whole, since its hash travels ahead of it; budget 0.5 s")
    print(f"  added memory  {found['added_mb']:8.1f} MB, budget 60 MB")
    print(f"  first page    {found['page']:8.3f} s; the last page by completion {found['last']:.3f} s")


if __name__ == "__main__":
    main()
