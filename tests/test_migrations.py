"""The migrated database is the one the models describe, and a migration loses nothing, on both engines."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import Flask
from flask_migrate import downgrade, upgrade
from sqlalchemy import CheckConstraint, Connection, inspect, text
from sqlalchemy.exc import DBAPIError

from elearn.models.database import db, reading, writing
from elearn.models.tables import metadata
from tests.given import Given

MIGRATIONS = Path(__file__).parent.parent / "migrations"


def test_the_migrated_database_is_what_the_models_say(app: Flask) -> None:
    with reading() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, metadata) == []


def test_checks_are_the_same_as_in_the_models(app: Flask) -> None:
    """Alembic does not compare CHECK constraints, so their names are compared here."""
    promised = {
        (table.name, str(constraint.name))
        for table in metadata.tables.values()
        for constraint in table.constraints
        if isinstance(constraint, CheckConstraint)
    }
    inspector = inspect(db.engine)
    kept = {(table, str(c["name"])) for table in metadata.tables for c in inspector.get_check_constraints(table)}
    assert kept == promised


def test_there_is_one_line_of_migrations() -> None:
    assert len(ScriptDirectory(str(MIGRATIONS)).get_heads()) == 1


def test_down_and_up_again(app: Flask) -> None:
    downgrade(revision="base")
    with reading() as connection:
        left = set(inspect(connection).get_table_names()) - {"alembic_version"}
    assert left == set()
    upgrade()
    with reading() as connection:
        assert set(metadata.tables) <= set(inspect(connection).get_table_names())


def test_the_ledger_refuses_change_and_deletion(app: Flask, given: Given) -> None:
    given.officer("Meera")
    for statement in ("UPDATE ledger SET kind = 'waived'", "DELETE FROM ledger"):
        with pytest.raises(DBAPIError, match="append-only"), writing() as connection:
            connection.execute(text(statement))
    if db.engine.dialect.name == "postgresql":
        with pytest.raises(DBAPIError, match="append-only"), writing() as connection:
            connection.execute(text("TRUNCATE ledger"))
    else:
        with pytest.raises(DBAPIError, match="append-only"), writing() as connection:
            connection.execute(text("REPLACE INTO ledger SELECT * FROM ledger"))


def test_a_table_made_anew_keeps_child_rows_and_triggers(
    make_app: Callable[..., Flask], sqlite_url: str, tmp_path: Path, given: Given
) -> None:
    """A migration that rebuilds `officer` and `ledger` on SQLite, as batch migrations do, run through our env.py."""
    given.officer("Meera")
    before = _counts()
    folder = tmp_path / "versions"
    folder.mkdir()
    (folder / "9999_rebuild.py").write_text(REBUILD)
    _run_with_extra_versions(folder)
    assert _counts() == before
    with pytest.raises(DBAPIError, match="append-only"), writing() as connection:
        connection.execute(text("DELETE FROM ledger"))


def test_a_migration_that_leaves_orphans_is_undone(given: Given, tmp_path: Path) -> None:
    given.officer("Meera")
    before = _counts()
    folder = tmp_path / "versions"
    folder.mkdir()
    (folder / "9999_orphans.py").write_text(ORPHANS)
    with pytest.raises(Exception, match="rows that point nowhere"):
        _run_with_extra_versions(folder)
    assert _counts() == before


def _counts() -> dict[str, int]:
    with reading() as connection:
        return {name: _count(connection, name) for name in metadata.tables}


def _count(connection: Connection, table: str) -> int:
    return int(connection.execute(text(f'SELECT count(*) FROM "{table}"')).scalar_one())


def _run_with_extra_versions(folder: Path) -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.set_main_option("path_separator", "newline")
    config.set_main_option("version_locations", f"{MIGRATIONS / 'versions'}\n{folder}")
    command.upgrade(config, "head")


HEAD = ScriptDirectory(str(MIGRATIONS)).get_current_head()
REBUILD = f'''
import sqlalchemy as sa
from alembic import op

revision, down_revision = "9999", "{HEAD}"


def upgrade():
    for table in ("officer", "ledger"):
        with op.batch_alter_table(table, recreate="always") as batch:
            batch.add_column(sa.Column("added", sa.Integer()))


def downgrade():
    pass
'''
ORPHANS = f'''
from alembic import op

revision, down_revision = "9999", "{HEAD}"


def upgrade():
    op.execute("DELETE FROM officer")


def downgrade():
    pass
'''
