"""Runs migrations so that no record is lost by one.

On SQLite a changed table is made anew and the old one dropped. With foreign keys on, that drop would delete the
rows of its child tables, so they are off meanwhile and checked before the commit; and its triggers would be gone,
so they are put back.
"""

from __future__ import annotations

from alembic import context
from flask import current_app
from sqlalchemy import Connection, text

from elearn.models.database import Limits, allow, db, keep_limits
from elearn.models.tables import metadata

SQLITE_TRIGGERS = text("SELECT name, tbl_name, sql FROM sqlite_master WHERE type = 'trigger'")


class MigrationBroke(Exception):
    """The migration left rows that point nowhere; it was undone."""


def migrate(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=metadata,
        render_as_batch=True,
        compare_type=True,
        compare_server_default=True,
    )
    context.run_migrations()


def migrate_sqlite(connection: Connection) -> None:
    # Asked of the driver itself: SQLite ignores this pragma inside a transaction.
    driver = connection.connection.dbapi_connection
    driver.execute("PRAGMA foreign_keys=OFF")
    try:
        with connection.begin():
            triggers = connection.execute(SQLITE_TRIGGERS).all()
            migrate(connection)
            put_back(connection, triggers)
            orphans = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
            if orphans:
                raise MigrationBroke(f"rows that point nowhere: {orphans[:5]}")
    finally:
        driver.execute("PRAGMA foreign_keys=ON")


def put_back(connection: Connection, triggers) -> None:
    now = {row.name for row in connection.execute(SQLITE_TRIGGERS)}
    tables = set(connection.exec_driver_sql("SELECT name FROM sqlite_master WHERE type = 'table'").scalars())
    for name, table, sql in triggers:
        if name not in now and table in tables:
            connection.exec_driver_sql(sql)


def migrate_postgresql(connection: Connection) -> None:
    """How long everything may take is written down afresh each time; this transaction itself may take its time, with
    whatever a move or a restore does in it after this."""
    config = current_app.config["ELEARN"]
    keep_limits(connection, Limits(config.statement_seconds, config.lock_seconds, config.idle_transaction_seconds))
    allow(connection, 0)
    migrate(connection)


def run() -> None:
    assert current_app, "migrations run inside the application: `elearn db upgrade`"
    given = context.config.attributes.get("connection")
    if given is not None:  # a move or a restore, which puts tables and rows in place as one
        run_on(given)
        return
    with db.engine.connect().execution_options(writes=True) as connection:
        run_on(connection)


def run_on(connection: Connection) -> None:
    if connection.dialect.name == "sqlite":
        migrate_sqlite(connection)
    elif connection.in_transaction():
        migrate_postgresql(connection)
    else:
        with connection.begin():
            migrate_postgresql(connection)


run()
