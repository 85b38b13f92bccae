"""What an act costs as the house fills up: the same acts beside 100, 10,000 and 1,000,000 officers of 20 records each.

`python -m bench.growth [--sizes 100,10000,1000000] [--engine sqlite|postgresql] [--seconds S] [--json FILE]` from the
root of the repository. All sizes are there at once and take turns within each round, so that a noisy machine disturbs
them alike; then each in its turn is served over HTTP to sixteen connections that mix all acts. A million officers
take about 10 GB of disk and some minutes to invent; everything is gone afterwards but the figures.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from itertools import cycle
from pathlib import Path
from statistics import median, quantiles
from time import monotonic, perf_counter, process_time
from typing import Any

from flask import Flask
from flask_migrate import upgrade
from sqlalchemy import Date, bindparam, create_engine, text

from bench.load import Client, Ready, get_ready
from bench.pages import csrf
from config import from_environment
from elearn import create_app
from elearn.models.database import Moment, db
from elearn.services import people
from tests import postgres
from tests.given import COURSE, Given
from tests.pages import Visitor
from tests.server import Server, served_from, serving

MEASURED = 16  # officers who do the acts, and rounds; the others are only there
TIMES = 20
OFFICE_SIZE = 200
FIRST = 1_000_000  # number of the first invented officer, clear of the measured ones
BATCH = 50_000
BUDGET = "1.15 × the smallest"
MIX: dict[str, tuple[Callable[[Client], None], int]] = {
    "lesson page": (Client.read_lesson, 12),
    "lesson done": (Client.mark_done, 3),
    "answer saved": (Client.save_answer, 3),
    "dashboard": (Client.open_dashboard, 1),
    "list": (Client.read_list, 1),
}

# What each invented officer has: where it goes, what it is, how often. `i` is her number, `k` counts the rows of one
# kind. 2654435761 is odd, so that its products differ modulo 2**32: ids that fall all over an index, as real ones do.
SPREAD = "CAST((i * 2654435761) % 4294967296 AS TEXT)"
ACT = f"'{COURSE}', :at, :hash, i"
ACT_COLUMNS = "course, received_at, version, officer_id"
STANDS = "course, state, requirements_met, requirements_total, evidence, certificate, at"
POPULATION: tuple[tuple[str, str, int], ...] = (
    ("officer (id, email, employee_number, salt, created_at)", "i, i || '@people.test', 'P-' || i, :salt, :at", 1),
    ("officer_name (officer_id, language, name, is_primary)", "i, 'en', 'Officer ' || i, :yes", 1),
    (
        "posting (officer_id, office_id, kind, designation, since)",
        f"i, {FIRST} + (i - {FIRST}) / {OFFICE_SIZE}, 'main', 'Section Officer', :day",
        1,
    ),
    ("enrolment (officer_id, course, route, created_at)", f"i, '{COURSE}', 'leader', :at", 1),
    (f"standing (officer_id, {STANDS})", f"i, '{COURSE}', 'in_progress', 5, 20, '', '', :at", 1),
    (f"standing_history (officer_id, {STANDS})", f"i, '{COURSE}', 'in_progress', 5, 20, '', '', :at", 1),
    ("ledger_head (subject, number, hash)", "i, 5, :hash", 1),
    (
        "ledger (subject, number, at, kind, reference, commitment, previous, hash)",
        "i, k, :at, 'lesson_done', 'act', :hash, :hash, :hash",
        5,
    ),
    (
        f'check_answer (id, {ACT_COLUMNS}, lesson, check_id, given, "right")',
        f"{SPREAD} || '-' || k, {ACT}, 'plain-words/lesson-' || k, 'check', '[0]', :yes",
        8,
    ),
    (
        f"lesson_record (id, {ACT_COLUMNS}, lesson, words)",
        f"{SPREAD} || '-' || k, {ACT}, 'plain-words/lesson-' || k, 650",
        4,
    ),
    (
        f"lab_run (id, {ACT_COLUMNS}, lesson, lab, choices, figures, reached)",
        f"{SPREAD}, {ACT}, 'plain-words/lesson-1', 'grievance-sorter', '[]', '[]', :yes",
        1,
    ),
    (
        f"attempt (id, {ACT_COLUMNS}, quiz, number, seed, paper, rules, possible)",
        f"{SPREAD}, {ACT}, 'plain-words', 1, 'seed', '[]', '[]', 8",
        1,
    ),
    ("answer (attempt_id, question_id, given, received_at)", f"{SPREAD}, 'question-' || k, '[0]', :at", 6),
    ("access_log (at, officer_id, event)", ":at, i, 'signed_in'", 1),
)
VALUES = (
    bindparam("at", datetime(2026, 11, 1, 6, tzinfo=UTC), type_=Moment),
    bindparam("day", date(2026, 11, 1), type_=Date),
    bindparam("hash", "0" * 64),
    bindparam("salt", bytes(16)),
    bindparam("yes", True),
)


@dataclass
class House:
    """One size: its server's settings, its application in this process, and the officers who do the acts."""

    size: int
    server: Server
    app: Flask
    ready: list[Ready]
    space: int  # bytes of the database

    def visitor(self, number: int) -> Visitor:
        visitor = Visitor(self.app)
        visitor.sign_in(self.ready[number].person.email, "three words together")
        return visitor


def main() -> None:
    wanted = _arguments()
    print(f"{os.cpu_count()} cores, {datetime.now(UTC):%Y-%m-%d}, Python in this process, CPU and wall of it in µs")
    found: dict[str, Any] = {"date": f"{datetime.now(UTC):%Y-%m-%d}", "cores": os.cpu_count(), "sizes": wanted.sizes}
    for engine in [wanted.engine] if wanted.engine else ["sqlite", "postgresql"]:
        with ExitStack() as stack:
            houses = [stack.enter_context(_house(engine, size)) for size in wanted.sizes]
            alone = in_turns(houses)
            _report_alone(engine, alone)
            together = {house.size: _mixed(house, wanted.seconds) for house in houses}
            space = {house.size: house.space for house in houses}
            found[engine] = {"alone": alone, "together": together, "bytes": space}
    if wanted.json:
        wanted.json.write_text(json.dumps(found, indent=1) + "\n")


def in_turns(houses: list[House]) -> dict[str, dict[int, tuple[float, float]]]:
    """For each act and size: seconds of CPU of this process, and of the clock, for one act. Medians of the rounds."""
    taken: dict[str, dict[int, list[tuple[float, float]]]] = defaultdict(lambda: defaultdict(list))
    for number in range(MEASURED):
        acts = {house.size: _acts(house, number) for house in houses}
        for name in next(iter(acts.values())):
            # The order changes from round to round: whoever comes first after another act pays for cold caches.
            for house in random.Random(number).sample(houses, len(houses)):
                taken[name][house.size].append(_cost(acts[house.size][name]))
    return {
        name: {
            house.size: (median(one[0] for one in sizes[house.size]), median(one[1] for one in sizes[house.size]))
            for house in houses
        }
        for name, sizes in taken.items()
    }


def _cost(acts: list[Callable[[], object]]) -> tuple[float, float]:
    cpu, wall = process_time(), perf_counter()
    for act in acts:
        act()
    return (process_time() - cpu) / len(acts), (perf_counter() - wall) / len(acts)


def _acts(house: House, number: int) -> dict[str, list[Callable[[], object]]]:
    """What one officer does, by name: TIMES acts of each kind, each on a page of her own where it matters."""
    ready, client = house.ready[number], house.visitor(number).client
    pages = [f"/courses/{COURSE}/{path}" for path in ready.lessons][:TIMES]
    token = csrf(client.get(pages[0]).get_data(as_text=True))
    saved = cycle(ready.answers)

    def get(path: str) -> None:
        answer = client.get(path)
        assert answer.status_code == 200, f"{path}: {answer.status_code}"

    def done(page: str) -> None:
        answer = client.post(f"{page}/done", data={"csrf_token": token})
        assert answer.status_code == 303, f"{page}/done: {answer.status_code}"

    def save() -> None:
        question, value = next(saved)
        form = {"csrf_token": token, "answer_of": question, question: value}
        answer = client.post(f"/attempts/{ready.attempt}/answers", data=form, headers={"Accept": "application/json"})
        assert answer.status_code == 200, f"answer: {answer.status_code}"

    return {
        "lesson page": [lambda page=page: get(page) for page in pages],  # type: ignore[misc]
        "lesson done": [lambda page=page: done(page) for page in pages],  # type: ignore[misc]
        "lesson done again": [lambda page=page: done(page) for page in pages],  # type: ignore[misc]
        "answer saved": [save] * TIMES,
        "dashboard": [lambda: get("/")] * TIMES,
        "list": [lambda: get(f"/supervise/{COURSE}")] * TIMES,
    }


def _report_alone(engine: str, found: dict[str, dict[int, tuple[float, float]]]) -> None:
    print(f"\n{engine}, one officer at a time (budget: lesson page, lesson done and answer saved {BUDGET})")
    for name, sizes in found.items():
        smallest = next(iter(sizes.values()))
        cells = [
            f"{size:>9,}: {cpu * 1e6:6,.0f} {wall * 1e6:6,.0f} ({cpu / smallest[0]:.2f} × {wall / smallest[1]:.2f} ×)"
            for size, (cpu, wall) in sizes.items()
        ]
        print(f"  {name:18}{'   '.join(cells)}")


def _mixed(house: House, seconds: float) -> dict[str, Any]:
    """The shipped server, sixteen connections that never pause: how many acts a second, and how long each waited."""
    with serving(house.server):
        clients = [Client(house.server, ready) for ready in house.ready]
        taken: dict[str, list[float]] = defaultdict(list)
        failed = 0

        def work(client: Client) -> tuple[list[tuple[str, float]], int]:
            chance, end, mine, lost = random.Random(client.ready.person.id), monotonic() + seconds, [], 0
            names, weights = list(MIX), [weight for _, weight in MIX.values()]
            while monotonic() < end:
                [name] = chance.choices(names, weights)
                begun = perf_counter()
                try:
                    MIX[name][0](client)
                    mine.append((name, perf_counter() - begun))
                except (OSError, AssertionError):
                    client.connection.close()
                    lost += 1
            return mine, lost

        with ThreadPoolExecutor(len(clients)) as pool:
            for mine, lost in pool.map(work, clients):
                failed += lost
                for name, one in mine:
                    taken[name].append(one)
        for client in clients:
            client.connection.close()
    rate = sum(len(each) for each in taken.values()) / seconds
    cuts = {name: quantiles(taken[name], n=20) for name in MIX}
    told = "   ".join(f"{name} {1000 * cut[9]:.0f}/{1000 * cut[18]:.0f}" for name, cut in cuts.items())
    print(f"  {house.size:>9,} officers, mixed: {rate:5,.0f} acts a second, {failed} failed; p50/p95 in ms: {told}")
    return {"rate": rate, "failed": failed, "p50_p95": {name: (cut[9], cut[18]) for name, cut in cuts.items()}}


@contextmanager
def _house(engine: str, size: int) -> Iterator[House]:
    """An installation with so many officers, and MEASURED more who do something."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="elearn-growth-")))
        url = ""
        if engine == "postgresql":
            url = stack.enter_context(postgres.running()).format(database="postgres")
        server = served_from(folder, url, workers=2 if url else 1)
        app = create_app(from_environment(server.settings))
        begun = monotonic()
        with app.app_context():
            upgrade()
            populate(size)
            ready = _measured(app)
            space = _bytes()
        print(
            f"{engine}: {size:,} officers with 20 records each, {space / 1e6:,.0f} MB, made in "
            f"{monotonic() - begun:,.0f} s",
            flush=True,
        )
        yield House(size, server, app, ready, space)
        with app.app_context():
            db.engine.dispose()


def populate(size: int) -> None:
    """Invents the population inside the database; only the caller's database sees it, so nothing is synced."""
    engine = create_engine(db.engine.url)
    sqlite = engine.dialect.name == "sqlite"
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        if sqlite:
            for pragma in ("synchronous=OFF", "cache_size=-2000000", "foreign_keys=OFF"):
                connection.exec_driver_sql(f"PRAGMA {pragma}")
        else:
            connection.exec_driver_sql("SET session_replication_role = replica")  # no foreign keys looked up
            connection.exec_driver_sql("SET synchronous_commit = off")
        _fill(
            connection,
            "office (id, code, name, path)",
            "i, 'B' || i, 'Block ' || i, '/B' || i || '/'",
            1,
            -(-size // OFFICE_SIZE),
        )
        for target, values, times in POPULATION:
            _fill(connection, target, values, times, size)
        if not sqlite:
            for table in ("officer", "office"):
                connection.exec_driver_sql(
                    f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), (SELECT max(id) FROM {table}))"
                )
            connection.exec_driver_sql("VACUUM (ANALYZE)")
        else:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    engine.dispose()


def _bytes() -> int:
    with db.engine.connect() as connection:
        query = (
            "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()"
            if db.engine.dialect.name == "sqlite"
            else "SELECT pg_database_size(current_database())"
        )
        return int(connection.exec_driver_sql(query).scalar_one())


def _fill(connection: Any, target: str, values: str, times: int, size: int) -> None:
    given = [one for one in VALUES if f":{one.key}" in values]
    for first in range(FIRST, FIRST + size, BATCH):
        last = min(first + BATCH, FIRST + size) - 1
        statement = text(
            f"INSERT INTO {target} WITH RECURSIVE n(i) AS (SELECT {first} UNION ALL SELECT i + 1 FROM n "
            f"WHERE i < {last}), m(k) AS (SELECT 1 UNION ALL SELECT k + 1 FROM m WHERE k < {times}) "
            f"SELECT {values} FROM n, m"
        )
        connection.execute(statement.bindparams(*given))


def _measured(app: Flask) -> list[Ready]:
    """The officers who do something; each also answers for one block, so that she has a list to read."""
    given = Given(app, datetime.now(UTC))
    made = get_ready(given, MEASURED)
    for ready in made:
        people.grant_role(ready.person.id, "supervisor", f"B{FIRST}", now=given.now)
    return made


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--sizes", type=lambda value: [int(one) for one in value.split(",")], default="100,10000,1000000"
    )
    parser.add_argument("--engine", choices=["sqlite", "postgresql"])
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--json", type=Path)
    return parser.parse_args()


if __name__ == "__main__":
    main()
