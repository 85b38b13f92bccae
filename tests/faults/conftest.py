"""Houses to break: on SQLite and on PostgreSQL, shared by a file's tests or a test's own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path

import pytest

from tests import postgres
from tests.conftest import migrated
from tests.faults.house import WORKERS, House, cluster_of, copied, database_of, execute, opened
from tests.postgres import Cluster

ENGINES = ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)]


@pytest.fixture(scope="session")
def durable_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A PostgreSQL that may be killed, and that writes to the disk before it says so, as in production."""
    with postgres.cluster() as cluster:
        execute(cluster.url, "CREATE DATABASE house")
        migrated(cluster.url.format(database="house"), tmp_path_factory.mktemp("pg"))
        yield cluster


@pytest.fixture(scope="module", params=ENGINES)
def house(
    request: pytest.FixtureRequest, sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory, now: datetime
) -> Iterator[House]:
    """One house for all tests of a file: its start is dearer than most of them."""
    yield from _house(request, "postgres_template", sqlite_template, tmp_path_factory.mktemp("house"), now)


@pytest.fixture(params=ENGINES)
def house_to_kill(
    request: pytest.FixtureRequest, sqlite_template: Path, tmp_path: Path, now: datetime
) -> Iterator[House]:
    yield from _house(request, "durable_cluster", sqlite_template, tmp_path, now)


@pytest.fixture
def house_on_a_cluster(
    durable_cluster: Cluster, sqlite_template: Path, tmp_path: Path, now: datetime
) -> Iterator[House]:
    """A house whose PostgreSQL may be killed too."""
    with (
        database_of(durable_cluster.url) as url,
        opened(copied(sqlite_template, tmp_path, url, WORKERS), now, durable_cluster) as house,
    ):
        yield house
        # A test that failed while its database was away must not take the next ones with it.
        if not durable_cluster.is_running():
            durable_cluster.start()


def _house(
    request: pytest.FixtureRequest, cluster_fixture: str, template: Path, folder: Path, now: datetime
) -> Iterator[House]:
    with ExitStack() as stack:
        if request.param == "sqlite":
            server, cluster = copied(template, folder), None
        else:
            found = request.getfixturevalue(cluster_fixture)
            cluster = found if isinstance(found, Cluster) else cluster_of(found)
            server = copied(template, folder, stack.enter_context(database_of(cluster.url)), WORKERS)
        yield stack.enter_context(opened(server, now, cluster))
