"""How a database is opened, what it may take its time for, and what of its failures passes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime
from time import monotonic

import pytest
from alembic import command
from flask import Flask
from flask_migrate import upgrade
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as NoConnectionLeft

from elearn.models.database import db, open_engine_options, reading, snapshot, writing
from elearn.web.access import open_to
from tests.given import Given
from tests.pages import Visitor

pytestmark = pytest.mark.postgres

WITHIN = 60
LIMITS = ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout")


@contextmanager
def somebody_else(url: str) -> Iterator[Connection]:
    """A connection that is not the application's."""
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    try:
        with engine.connect() as connection:
            yield connection
    finally:
        engine.dispose()


def limits(connection: Connection) -> tuple[str, ...]:
    return tuple(connection.exec_driver_sql(f"SHOW {name}").scalar_one() for name in LIMITS)


@pytest.fixture
def on_postgresql(make_app: Callable[..., Flask], postgres_url: str) -> Iterator[Flask]:
    app = make_app(postgres_url)
    with app.app_context():
        yield app


# Limits


def test_an_upgrade_writes_the_limits_for_every_connection_of_ours(
    make_app: Callable[..., Flask], postgres_url: str
) -> None:
    app = make_app(postgres_url, statement_seconds=7, lock_seconds=3, idle_transaction_seconds=0)
    with app.app_context():
        upgrade()
        db.engine.dispose()
        with reading() as connection:
            assert limits(connection) == ("7s", "3s", "0")
    app = make_app(postgres_url)
    with app.app_context():
        upgrade()
        db.engine.dispose()
        with reading() as connection:
            assert limits(connection) == ("30s", "10s", "1min")


def test_a_role_without_any_privilege_writes_its_own_limits_and_nobody_elses(
    make_app: Callable[..., Flask], postgres_server: str, postgres_url: str
) -> None:
    name = postgres_url.partition("?")[0].rpartition("/")[2]
    role = f"clerk_{name[:8]}"
    with somebody_else(postgres_server.format(database="postgres")) as admin:
        admin.exec_driver_sql(f"CREATE ROLE {role} LOGIN")
        admin.exec_driver_sql(f"CREATE DATABASE {role} OWNER {role} ENCODING 'UTF8' TEMPLATE template0")
    own = postgres_url.replace("//elearn@", f"//{role}@").replace(f"/{name}?", f"/{role}?")
    try:
        app = make_app(own)
        with app.app_context():
            upgrade()
            db.engine.dispose()
            with reading() as connection:
                assert limits(connection) == ("30s", "10s", "1min")
            db.engine.dispose()
        with somebody_else(own.replace(f"//{role}@", "//elearn@")) as admin:
            assert limits(admin) == ("0", "0", "0")
    finally:
        with somebody_else(postgres_server.format(database="postgres")) as admin:
            admin.exec_driver_sql(f"DROP DATABASE {role} WITH (FORCE)")
            admin.exec_driver_sql(f"DROP ROLE {role}")


def test_what_takes_longer_is_given_longer_for_its_transaction_alone(on_postgresql: Flask) -> None:
    with somebody_else(on_postgresql.config["SQLALCHEMY_DATABASE_URI"]) as admin:
        name = admin.exec_driver_sql("SELECT current_database()").scalar_one()
        admin.exec_driver_sql(f"ALTER DATABASE {name} SET statement_timeout = '50ms'")
    with reading(longest=600) as connection:
        assert limits(connection) == ("10min", "0", "10min")
        connection.execute(text("SELECT pg_sleep(0.2)"))
    with reading(longest=0) as connection:
        assert limits(connection)[0] == "0"
    with reading() as connection:
        assert limits(connection)[0] == "50ms"
        with pytest.raises(OperationalError, match="statement timeout"):
            connection.execute(text("SELECT pg_sleep(10)"))


def test_what_is_done_in_the_transaction_of_an_upgrade_may_take_its_time(on_postgresql: Flask) -> None:
    """A move or a restore goes on in it; the limits hold for whoever comes afterwards."""
    config = on_postgresql.extensions["migrate"].migrate.get_config()
    with db.engine.connect() as connection:
        with connection.begin():
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
            assert limits(connection) == ("0", "10s", "0")
        assert limits(connection) == ("30s", "10s", "1min")
    with snapshot() as connection:
        assert limits(connection)[::2] == ("0", "0")


def test_sqlite_knows_no_such_limits(sqlite_app: Flask) -> None:
    with reading(longest=600) as connection:
        assert connection.execute(text("SELECT 1")).scalar_one() == 1


# Connections


def test_a_process_opens_no_more_connections_than_it_may(make_app: Callable[..., Flask], postgres_url: str) -> None:
    app = make_app(postgres_url, database_connections=2)
    with app.app_context():
        assert db.engine.pool.size() == 2  # type: ignore[attr-defined]
        with reading() as one, reading() as two:
            one.execute(text("SELECT 1"))
            two.execute(text("SELECT 1"))
            assert db.engine.pool.checkedout() == 2  # type: ignore[attr-defined]
            engine = create_engine(postgres_url, **{**open_engine_options(postgres_url, 1), "pool_timeout": 0})
            with engine.connect(), pytest.raises(NoConnectionLeft):
                engine.connect()
            engine.dispose()


def test_what_the_address_says_of_a_connection_stands() -> None:
    url = "postgresql+psycopg://elearn@db.test/elearn"
    assert open_engine_options(url)["connect_args"]["connect_timeout"] == 10
    assert "connect_timeout" not in open_engine_options(f"{url}?connect_timeout=3")["connect_args"]


def test_connections_that_died_meanwhile_are_replaced_unnoticed(on_postgresql: Flask) -> None:
    with reading() as connection:
        before = connection.execute(text("SELECT pg_backend_pid()")).scalar_one()
    with somebody_else(on_postgresql.config["SQLALCHEMY_DATABASE_URI"]) as admin:
        admin.execute(text("SELECT pg_terminate_backend(:pid, 10000)"), {"pid": before})
    with writing() as connection:
        assert connection.execute(text("SELECT pg_backend_pid()")).scalar_one() != before


# Failures that pass are OperationalErrors, whatever the driver calls them


def fails_by_a_shutdown(connection: Connection) -> None:
    connection.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))


def fails_by_a_statement_that_takes_too_long(connection: Connection) -> None:
    connection.execute(text("SET LOCAL statement_timeout = '20ms'"))
    connection.execute(text("SELECT pg_sleep(30)"))


def fails_by_a_lock_that_is_held(connection: Connection) -> None:
    with somebody_else(str(connection.engine.url)) as other:
        other.exec_driver_sql("BEGIN; LOCK TABLE officer")
        connection.execute(text("SET LOCAL lock_timeout = '20ms'"))
        connection.execute(text("SELECT * FROM officer"))


def fails_by_idling(connection: Connection) -> None:
    pid = connection.execute(text("SELECT pg_backend_pid()")).scalar_one()
    connection.execute(text("SET LOCAL idle_in_transaction_session_timeout = '20ms'"))
    with somebody_else(str(connection.engine.url)) as other:
        end = monotonic() + WITHIN
        while other.execute(text("SELECT count(*) FROM pg_stat_activity WHERE pid = :pid"), {"pid": pid}).scalar_one():
            assert monotonic() < end
    connection.execute(text("SELECT 1"))


def fails_since_it_may_only_be_read(connection: Connection) -> None:
    connection.execute(text("SET LOCAL transaction_read_only = on"))
    connection.execute(text("DELETE FROM throttle"))


def fails_by_a_deadlock(connection: Connection) -> None:
    def lock_both(other: Connection) -> None:
        other.exec_driver_sql("SET deadlock_timeout = '1h'")
        other.exec_driver_sql("BEGIN; LOCK TABLE office")
        locked.append(True)
        other.exec_driver_sql("LOCK TABLE officer")
        other.exec_driver_sql("ROLLBACK")

    locked: list[bool] = []
    connection.execute(text("SET LOCAL deadlock_timeout = '20ms'"))
    connection.execute(text("LOCK TABLE officer"))
    with somebody_else(str(connection.engine.url)) as other, ThreadPoolExecutor(1) as pool:
        working = pool.submit(lock_both, other)
        end = monotonic() + WITHIN
        while not locked:
            assert monotonic() < end
        try:
            connection.execute(text("LOCK TABLE office"))
        finally:
            connection.rollback()
            working.result()


FAILURES = [
    fails_by_a_shutdown,
    fails_by_a_statement_that_takes_too_long,
    fails_by_a_lock_that_is_held,
    fails_by_idling,
    fails_since_it_may_only_be_read,
    fails_by_a_deadlock,
]


@pytest.mark.parametrize("fail", FAILURES)
def test_what_passes_is_told_as_such_and_the_next_one_is_served(
    on_postgresql: Flask, fail: Callable[[Connection], None]
) -> None:
    with pytest.raises(OperationalError), reading() as connection:
        fail(connection)
    with writing() as connection:
        assert connection.execute(text("SELECT 1")).scalar_one() == 1


def test_what_does_not_pass_keeps_its_name(on_postgresql: Flask) -> None:
    for statement in ("SELECT nothing", "INSERT INTO role VALUES (1, 1, 'emperor', NULL, now(), NULL)", "SELECT 1/0"):
        with pytest.raises(DBAPIError) as told, reading() as connection:
            connection.execute(text(statement))
        assert not isinstance(told.value, OperationalError)


@pytest.mark.parametrize("fail", FAILURES)
def test_visitors_are_told_to_try_again_and_what_they_typed_is_kept(
    on_postgresql: Flask, fail: Callable[[Connection], None]
) -> None:
    def view() -> str:
        with writing() as connection:
            fail(connection)
        return "never"

    on_postgresql.testing = False
    on_postgresql.add_url_rule("/fail", view_func=open_to("anyone")(view), methods=["POST"])
    visitor = Visitor(on_postgresql)
    visitor.get("/")
    answer = visitor.post("/fail", {"answer": "forty", "other": "দুই"})
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert visitor.page
    kept = visitor.page.fields(visitor.page.form("/fail"))
    assert (kept["answer"], kept["other"]) == ("forty", "দুই")
    assert visitor.get("/health/ready").status_code == 200


def test_too_many_connections_are_told_as_not_now(
    make_app: Callable[..., Flask], postgres_server: str, postgres_url: str
) -> None:
    name = postgres_url.partition("?")[0].rpartition("/")[2]
    role = f"few_{name[:8]}"
    with somebody_else(postgres_url) as admin:
        admin.exec_driver_sql(f"CREATE ROLE {role} LOGIN CONNECTION LIMIT 1 IN ROLE pg_read_all_data")
        try:
            app = make_app(postgres_url.replace("//elearn@", f"//{role}@"))
            app.testing = False
            with app.app_context(), reading() as connection:
                connection.execute(text("SELECT 1"))
                answer = app.test_client().get("/certificates/0123456789ABCDEFGHJKMNPQRS")
                assert answer.status_code == 503
                assert "SELECT" not in answer.text
            with app.app_context():
                db.engine.dispose()
        finally:
            admin.exec_driver_sql(f"DROP ROLE {role}")


def test_a_database_that_may_only_be_read_keeps_lessons_open(on_postgresql: Flask, now: datetime) -> None:
    given = Given(on_postgresql, now)
    meera = given.officer("Meera")
    visitor = given.visit(meera)
    lesson = f"/courses/{given.course.id}/{given.course.lessons()[0].path}"
    with somebody_else(on_postgresql.config["SQLALCHEMY_DATABASE_URI"]) as admin:
        name = admin.exec_driver_sql("SELECT current_database()").scalar_one()
        admin.exec_driver_sql("UPDATE sign_in SET seen_at = seen_at - interval '10 minutes'")  # due to be noted again
        admin.exec_driver_sql(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    db.engine.dispose()
    on_postgresql.testing = False
    assert visitor.get(lesson).status_code == 200
    assert visitor.post(f"{lesson}/done").status_code == 503
    assert visitor.get("/health/ready").status_code == 503
