"""Through PgBouncer in transaction mode, with fewer connections than threads, officers notice nothing; and when it or
PostgreSQL behind it restarts, they are told to try again at worst."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from io import BytesIO, StringIO
from pathlib import Path
from time import monotonic

import pytest
from flask import Flask
from sqlalchemy import create_engine, text

from config import from_environment
from elearn import create_app
from elearn.models.database import db, reading
from elearn.models.learning import Attempt, LessonRecord
from elearn.services import library, roster
from tests import postgres, records
from tests.conftest import migrated
from tests.given import COURSE, Given
from tests.learner import Learner
from tests.pages import Page
from tests.pgbouncer import Bouncer, bouncing
from tests.postgres import Cluster
from tests.records import broken_at
from tests.server import Answer, Server, served_from, serving

pytestmark = [pytest.mark.postgres, pytest.mark.pgbouncer]

POOL = 3  # `elearn serve` has 16 threads in a worker
LEARNERS = 12
LONG_LIST = 2500  # more than are read at once
WITHIN = 60


@dataclass
class House:
    """A server whose database is behind PgBouncer, and the same database from inside, past it."""

    cluster: Cluster
    bouncer: Bouncer
    server: Server
    given: Given

    def learner(self, name: str = "Meera") -> Learner:
        learner = Learner(self.given.officer(name), self.server.browser())
        assert learner.sign_in().status == 302
        return learner


@pytest.fixture(scope="module")
def house(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory, now: datetime) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("house")
    with postgres.cluster(("-c fsync=off",)) as cluster, bouncing(cluster, POOL) as bouncer:
        direct, through = cluster.url.format(database="house"), bouncer.url.format(database="house")
        engine = create_engine(cluster.url.format(database="postgres"), isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(text("CREATE DATABASE house"))
        engine.dispose()
        migrated(through, folder)  # `elearn db upgrade` goes through it too
        with serving(served_from(folder, through)) as server:
            app = create_app(from_environment({**server.settings, "ELEARN_DATABASE_URL": direct}))
            with app.app_context():
                yield House(cluster, bouncer, server, Given(app, now))
                db.engine.dispose()


def until_served(act: Callable[[], Answer], expected: int) -> Answer:
    """Tries until it is served, as the page that comes meanwhile says; nothing else than that may come."""
    end = monotonic() + WITHIN
    while (answer := act()).status != expected:
        assert answer.status == 503, answer.text
        assert answer.headers["Retry-After"]
        assert monotonic() < end, "not served again"
    return answer


def test_the_limits_hold_behind_it(house: House) -> None:
    engine = create_engine(house.bouncer.url.format(database="house"))
    with engine.connect() as connection:
        names = ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout")
        assert [connection.exec_driver_sql(f"SHOW {name}").scalar_one() for name in names] == ["30s", "10s", "1min"]
    engine.dispose()


def test_many_at_once_learn_on_few_connections(house: House) -> None:
    people = [Learner(house.given.officer(f"Officer {n}"), house.server.browser()) for n in range(LEARNERS)]
    lessons, module = library.course(COURSE).lessons()[:2], library.course(COURSE).modules[0].id

    def work(learner: Learner) -> list[int]:
        statuses = [learner.sign_in().status]
        for lesson in lessons:
            statuses += [answer.status for answer in learner.take_lesson(lesson)]
        return [*statuses, learner.take_quiz(module).status]

    with ThreadPoolExecutor(LEARNERS) as pool:
        for statuses in pool.map(work, people):
            assert statuses[0] == 302
            assert set(statuses[1:]) == {303}
    with reading() as connection:
        backends = connection.execute(
            text("SELECT count(*) FROM pg_stat_activity WHERE datname = 'house' AND application_name = 'elearn'")
        ).scalar_one()
    assert backends <= POOL + 1  # and this one's
    for learner in people:
        who = learner.person.id
        assert records.count(LessonRecord, officer_id=who) == len(lessons)
        assert [row.submitted_at is not None for row in records.rows(Attempt, officer_id=who)] == [True]
        assert broken_at(records.chain(who)) is None
        assert records.chain(who)[-1].hash == records.head(who)


def test_a_long_list_comes_whole_on_one_of_few_connections(house: House) -> None:
    """It is read by a cursor on the server, some rows at a time, which lives in one transaction."""
    office = house.given.office("Large Office")
    rows = "".join(f"Officer {n},l{n}@large.test,LA-{n},{office},Clerk\n" for n in range(LONG_LIST))
    file = BytesIO(f"name,email,employee_number,office,designation\n{rows}".encode())
    options = {"dry_run": False, "create_offices": False, "skip_bad": False}
    assert roster.import_officers(file, library.courses(), house.given.now, **options).written
    boss = Learner(house.given.supervisor(office="Large Office"), house.server.browser())
    assert boss.sign_in().status == 302
    with ThreadPoolExecutor(2 * POOL) as pool:
        answers = list(pool.map(lambda _: boss.browser.get(f"/supervise/{COURSE}/completions.csv"), range(2 * POOL)))
    for answer in answers:
        assert answer.status == 200
        listed = list(csv.reader(StringIO(answer.body.decode("utf-8-sig"))))
        assert len(listed) == LONG_LIST + 1 == int(answer.headers["X-Row-Count"]) + 1
    assert len({answer.headers["X-SHA256"] for answer in answers}) == 1


def test_pgbouncer_restarted_in_between_is_not_noticed(house: House) -> None:
    meera = house.learner()
    lessons = library.course(COURSE).lessons()
    meera.take_lesson(lessons[0])
    house.bouncer.stop()
    assert meera.browser.get("/account").status == 503
    house.bouncer.start()
    until_served(lambda: meera.browser.get("/account"), 200)
    assert meera.take_lesson(lessons[1])[-1].status == 303
    assert records.count(LessonRecord, officer_id=meera.person.id) == 2


@pytest.mark.parametrize("mode", ["fast", "immediate"])
def test_postgresql_restarted_behind_it_is_told_as_not_now_at_most(house: House, mode: str) -> None:
    meera = house.learner()
    lesson = library.course(COURSE).lessons()[0]
    address, fields = meera.start_quiz(library.course(COURSE).modules[0].id)
    db.engine.dispose()
    house.cluster.stop(mode)
    refused = meera.post(address, fields)
    assert (refused.status, refused.headers["Retry-After"]) == (503, "5")
    page = Page(refused, address)  # type: ignore[arg-type]
    kept = page.fields(page.form(address))
    assert {name: kept[name] for name in fields} == fields
    assert meera.browser.get(f"/courses/{COURSE}/{lesson.path}").status == 503
    house.cluster.start()
    again = until_served(lambda: meera.browser.post(address, dict(kept.items())), 303)
    assert again.location == address
    assert meera.take_lesson(lesson)[-1].status == 303
    (attempt,) = records.rows(Attempt, officer_id=meera.person.id)
    assert attempt.submitted_at is not None
    assert records.kinds(meera.person.id).count("attempt_submitted") == 1


def test_a_connection_lost_in_the_middle_of_an_act_leaves_nothing_of_it(house: House) -> None:
    meera = house.learner()
    address, fields = meera.start_quiz(library.course(COURSE).modules[0].id)
    engine = create_engine(house.cluster.url.format(database="house"))
    with engine.connect() as connection, ThreadPoolExecutor(1) as pool:
        who = {"officer": meera.person.id}
        connection.execute(text("SELECT 1 FROM enrolment WHERE officer_id = :officer FOR UPDATE"), who)
        waiting = pool.submit(meera.post, address, fields)
        held = text("SELECT pid FROM pg_stat_activity WHERE datname = 'house' AND wait_event_type = 'Lock'")
        end = monotonic() + WITHIN
        while (pid := connection.execute(held).scalar()) is None:
            assert monotonic() < end, "the act never waited for the lock"
            connection.execute(text("SELECT pg_stat_clear_snapshot()"))
        connection.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": pid})
        refused = waiting.result(WITHIN)
    engine.dispose()
    assert (refused.status, refused.headers["Retry-After"]) == (503, "5")
    (attempt,) = records.rows(Attempt, officer_id=meera.person.id)
    assert attempt.submitted_at is None
    assert "attempt_submitted" not in records.kinds(meera.person.id)
    assert until_served(lambda: meera.post(address, fields), 303).location == address
    assert records.kinds(meera.person.id).count("attempt_submitted") == 1


def test_nothing_of_ours_needs_a_second_connection(
    make_app: Callable[..., Flask], postgres_url: str, now: datetime
) -> None:
    """One connection for everything: whoever asked for another while holding it would wait for herself."""
    app = make_app(postgres_url, database_connections=1)
    with app.app_context():
        given = Given(app, now)
        given.one_module()
        meera, boss = given.officer("Meera"), given.supervisor()
        given.completed(meera)
        visitor = given.visit(meera)
        for path in ("/", "/account", f"/courses/{COURSE}", f"/courses/{COURSE}/{given.course.lessons()[0].path}"):
            assert visitor.get(path).status_code == 200
        assert given.visit(boss).get(f"/supervise/{COURSE}/completions.csv").status_code == 200
        visitor.post("/sign-out")
        assert visitor.get("/account").status_code == 200
        assert visitor.page
        assert visitor.page.form("/sign-in")
