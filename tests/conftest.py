"""What all tests share: a migrated database on each engine, the application on top of it, and visitors."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import pytest
from flask import Flask
from flask_migrate import upgrade
from sqlalchemy import create_engine, text

from config import Config
from elearn import create_app
from elearn.models.database import db
from tests import nginx, pgbouncer, postgres
from tests.given import Given
from tests.pages import Visitor

ROOT = Path(__file__).parent.parent
CONTENT = ROOT / "content"
SECRET = "only-for-tests-" + "0123456789abcdef" * 2


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests of what is not installed here are skipped with a line that says so; CI may skip nothing."""
    if os.environ.get("CI") == "true":
        return
    here = {
        "browser": Path("/usr/bin/chromium").exists(),
        "postgres": postgres.is_here(),
        "faketime": shutil.which("faketime") is not None,
        "pgbouncer": pgbouncer.PROGRAM.exists(),
        "nginx": nginx.PROGRAM.exists(),
        "proxy": all(shutil.which(name) for name in ("nginx", "caddy")),
    }
    for item in items:
        for name, present in here.items():
            if not present and item.get_closest_marker(name):
                item.add_marker(pytest.mark.skip(reason=f"{name} is not installed on this machine"))


@pytest.fixture(scope="session")
def now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    # No test needs what it wrote to outlive a power cut.
    with postgres.running(("-c fsync=off",)) as url:
        yield url


@pytest.fixture(scope="session")
def postgres_template(postgres_server: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The server's URL, with a migrated and empty database `house` to copy."""
    _execute(postgres_server, "CREATE DATABASE house")
    migrated(postgres_server.format(database="house"), tmp_path_factory.mktemp("pg"))
    return postgres_server


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated and empty SQLite file to copy, and compiled content beside it."""
    folder = tmp_path_factory.mktemp("sqlite")
    migrated(f"sqlite:///{folder / 'house.sqlite3'}", folder)
    return folder


@pytest.fixture
def sqlite_url(sqlite_template: Path, tmp_path: Path) -> str:
    shutil.copy(sqlite_template / "house.sqlite3", tmp_path / "house.sqlite3")
    return f"sqlite:///{tmp_path / 'house.sqlite3'}"


@pytest.fixture
def postgres_url(postgres_template: str) -> Iterator[str]:
    name = f"t{uuid4().hex}"
    _execute(postgres_template, f"CREATE DATABASE {name} TEMPLATE house")
    yield postgres_template.format(database=name)
    _execute(postgres_template, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def engine_url(request: pytest.FixtureRequest) -> str:
    """An empty, migrated database: each test that asks for it runs on both engines."""
    return str(request.getfixturevalue("sqlite_url" if request.param == "sqlite" else "postgres_url"))


@pytest.fixture
def make_app(sqlite_template: Path, tmp_path: Path) -> Iterator[Callable[..., Flask]]:
    """Makes applications on a given database; their connections are closed at the end."""
    made: list[Flask] = []

    def make(url: str, **settings: object) -> Flask:
        shutil.copytree(sqlite_template / "compiled", tmp_path / "compiled", dirs_exist_ok=True)
        shutil.copy(sqlite_template / "signing-keys.json", tmp_path / "signing-keys.json")
        app = create_app(_config(url, tmp_path, **settings))
        app.testing = True
        made.append(app)
        return app

    yield make
    for app in made:
        with app.app_context():
            db.engine.dispose()


@pytest.fixture
def app(make_app: Callable[..., Flask], engine_url: str) -> Iterator[Flask]:
    """The application on an empty database of each engine, inside its context."""
    made = make_app(engine_url)
    with made.app_context():
        yield made


@pytest.fixture
def sqlite_app(make_app: Callable[..., Flask], sqlite_url: str) -> Iterator[Flask]:
    """The application on SQLite alone, for pages, which do not care what keeps the records."""
    made = make_app(sqlite_url)
    with made.app_context():
        yield made


@pytest.fixture
def given(request: pytest.FixtureRequest, now: datetime) -> Given:
    """The test vocabulary, on whichever application the test asked for."""
    if "app" not in request.fixturenames and "sqlite_app" not in request.fixturenames:
        request.getfixturevalue("sqlite_app")
    name = "app" if "app" in request.fixturenames else "sqlite_app"
    return Given(request.getfixturevalue(name), now)


@pytest.fixture
def visit(given: Given) -> Callable[..., Visitor]:
    """visit(officer) is a browser of that officer, signed in; visit() is a stranger's."""
    return given.visit


def _config(url: str, folder: Path, **settings: object) -> Config:
    values: dict[str, object] = {
        "secret_key": SECRET,
        "data_dir": folder,
        "content_dir": CONTENT,
        "database_url": url,
        "signing_keys": folder / "signing-keys.json",
        "base_url": "http://localhost",
        "organisation": "Model District Administration",
        "second_factor": "offered",
        **settings,
    }
    return Config(**values)  # type: ignore[arg-type]


def migrated(url: str, folder: Path) -> None:
    app = create_app(_config(url, folder))
    with app.app_context():
        upgrade()
        db.engine.dispose()


def _execute(server: str, statement: str) -> None:
    engine = create_engine(server.format(database="postgres"), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(statement))
    engine.dispose()
