"""A backup becomes an installation again: all of it, or nothing.

On SQLite the records are put together in a file of their own, which takes the database's name as the last step; on
PostgreSQL in one transaction. Before that, every table is read back and compared with what the backup holds.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from alembic import command
from alembic.config import Config as AlembicConfig
from alembic.script import ScriptDirectory
from flask import current_app
from sqlalchemy import Connection, Engine, create_engine
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DatabaseError, OperationalError

from config import Config
from elearn.exports import backup_file
from elearn.exports.backup_file import Backup, DamagedBackup, HostileBackup, NewerBackup
from elearn.exports.backup_file import BackupRefused as BackupRefused
from elearn.exports.certificate_token import BadKeys, load_key_set, merged, write_key_set
from elearn.models import table_rows
from elearn.models.database import allow, db, snapshot
from elearn.models.table_rows import KINDS, Shape, UnreadableRow
from elearn.services import audit, library

LOCK_SECONDS = 10

OURS = {"officer", "ledger", "certificate"}
"""Tables that every version of ours has, beside Alembic's, which others have too."""


class HoldsPeople(Exception):
    """Somebody is kept in this database already, and nobody said that they may go."""


class SomethingElse(Exception):
    """The database holds tables that are not ours."""


class StillInUse(Exception):
    """A server, or another program, has the database open."""


class NoRoom(OSError):
    """What the backup holds does not fit on the disk."""


@dataclass(frozen=True)
class Restored:
    """What came of a backup: its manifest, rows by table as they were counted afterwards, and what the audit says.

    `upgraded` says from which migration to which, where the backup was older; `kept` names what was put where.
    """

    manifest: Mapping[str, Any]
    rows: Mapping[str, int]
    upgraded: tuple[str, str] | None
    kept: tuple[str, ...]
    report: audit.Report


def verify_backup(path: Path, now: datetime) -> Restored:
    """Restores a backup into a database of its own that is gone afterwards, and audits that. Changes nothing else.

    Raises BackupRefused and what is derived from it, NoRoom, OSError.
    """
    with backup_file.open_backup(path) as backup, TemporaryDirectory(prefix="elearn-verify-") as name:
        place = Path(name)
        shapes = _promises(backup)
        _refuse_full_disk(backup, place, with_records=True)
        _unpack(backup, place)
        with _new_sqlite(place / "elearn.sqlite3") as engine:
            upgraded = _fill_sqlite(engine, backup, shapes)
            private = place / backup_file.PRIVATE_CONTENT
            courses = library.read_courses(
                place / backup_file.CONTENT, private if private.exists() else None, place, now.date()
            )
            keys = load_key_set(place / backup_file.PUBLIC_KEYS)
            with snapshot(engine) as connection:
                rows = _counted(connection, shapes)
                report = audit.full_report(connection, keys, courses)
    return Restored(backup.manifest, rows, upgraded, (), report)


def restore(path: Path, now: datetime, *, replace_records: bool = False) -> Restored:
    """Puts a backup in the place of this installation's records, and content, compiled courses and keys beside them.

    Raises BackupRefused and what is derived from it, HoldsPeople, SomethingElse, StillInUse, NoRoom, OSError.
    """
    config: Config = current_app.config["ELEARN"]
    url = make_url(config.database_url)
    target = Path(str(url.database)) if url.get_backend_name() == "sqlite" else None
    # Beside the database, so that the new file can take its name: a rename does not reach across disks.
    beside = target.parent if target else config.data_dir
    beside.mkdir(parents=True, exist_ok=True)
    with backup_file.open_backup(path) as backup, TemporaryDirectory(prefix=".restore-", dir=beside) as name:
        place = Path(name)
        shapes = _promises(backup)
        _refuse_full_disk(backup, place, with_records=target is not None)
        backup.check_members()
        _unpack(backup, place)
        kept: list[str] = []

        def put_files() -> None:
            kept.extend(_put_files(config, place, now))

        if target:
            upgraded, aside = _restore_sqlite(target, backup, shapes, place, replace_records, put_files, now)
            kept.extend(aside)
        else:
            upgraded = _restore_postgresql(backup, shapes, replace_records, put_files)
    library.open_library(
        current_app,
        config.content_dir,
        config.private_content_dir,
        config.data_dir,
        now.date(),
    )
    courses = {course.id: course for course in library.courses()}
    with snapshot() as connection:
        rows = _counted(connection, shapes)
        report = audit.full_report(connection, load_key_set(config.signing_keys), courses)
    return Restored(backup.manifest, rows, upgraded, tuple(kept), report)


# What the backup promises


def _promises(backup: Backup) -> tuple[Shape, ...]:
    """The tables as the manifest tells of them, each word of it looked at: names end up in statements."""
    manifest = backup.manifest
    try:
        shapes = tuple(
            Shape(str(t["name"]), tuple((str(n), str(k)) for n, k in t["columns"]), tuple(str(n) for n in t["key"]))
            for t in manifest["tables"]
        )
        revision, rows = str(manifest["revision"]), [int(t["rows"]) for t in manifest["tables"]]
    except (KeyError, TypeError, ValueError) as error:
        raise DamagedBackup(f"Its manifest does not tell of its tables: {error}") from error
    for shape in shapes:
        names = [shape.name, *(name for name, _ in shape.columns)]
        known = all(kind in KINDS for _, kind in shape.columns) and set(shape.key) <= set(names)
        if not known or not all(name.isascii() and name.isidentifier() for name in names):
            raise HostileBackup(f"No table of ours looks like {shape.name!r}.")
    if {f"{backup_file.RECORDS}/{shape.name}.jsonl" for shape in shapes} != set(backup.below(backup_file.RECORDS)):
        raise DamagedBackup("Its tables are not those that its manifest names.")
    if min(rows, default=0) < 0:
        raise DamagedBackup("A table of it has fewer than no rows.")
    if revision not in {script.revision for script in _scripts().walk_revisions()}:
        raise NewerBackup(f"Its records are at {revision}, which this version of the program does not know.")
    return shapes


def _refuse_full_disk(backup: Backup, place: Path, with_records: bool) -> None:
    size = {name: int(member["bytes"]) for name, member in backup.members.items()}
    records = sum(size[name] for name in backup.below(backup_file.RECORDS))
    # Rows take about as much room in a database as in the backup, unpacked; indexes come on top.
    needed = sum(size.values()) - records + (2 * records if with_records else 0)
    free = shutil.disk_usage(place).free
    if needed > free:
        raise NoRoom(f"About {needed:,} bytes are needed below {place}, and {free:,} are free.")


def _unpack(backup: Backup, place: Path) -> None:
    for folder in (backup_file.CONTENT, backup_file.PRIVATE_CONTENT, backup_file.COMPILED):
        backup.unpack(folder, place / folder)
    (place / "keys").mkdir()
    for name in (backup_file.PUBLIC_KEYS, backup_file.SIGNING_KEYS):
        if name in backup.members:
            with open(os.open(place / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(backup.read(name))
    try:
        load_key_set(place / backup_file.PUBLIC_KEYS)
    except (BadKeys, OSError) as error:
        raise DamagedBackup(f"Its keys cannot be read: {error}") from error


# Records


def _fill(connection: Connection, backup: Backup, shapes: tuple[Shape, ...]) -> None:
    """Inserts every row and compares what the tables hold then with what the backup says. Raises DamagedBackup."""
    there = {shape.name: shape for shape in table_rows.shapes(connection)}
    for shape in shapes:
        if there.get(shape.name) != shape:
            raise DamagedBackup(f"The table {shape.name} is not what it was at {backup.manifest['revision']}.")
    if left_out := set(there) - {shape.name for shape in shapes}:
        raise DamagedBackup(f"The table {min(left_out)} is missing.")
    for shape in sorted(shapes, key=lambda shape: list(there).index(shape.name)):
        try:
            table_rows.write(connection, shape, backup.lines(f"{backup_file.RECORDS}/{shape.name}.jsonl"))
        except UnreadableRow as error:
            raise DamagedBackup(f"A row cannot be read: {error}") from error
        table_rows.settle(connection, shape)
    promised = {table["name"]: table["rows"] for table in backup.manifest["tables"]}
    for shape in shapes:
        count, digest = table_rows.digest(connection, shape)
        if (count, digest) != (
            promised[shape.name],
            backup.members[f"{backup_file.RECORDS}/{shape.name}.jsonl"]["sha256"],
        ):
            raise DamagedBackup(f"The table {shape.name} came out different from what the backup holds.")


@contextmanager
def _new_sqlite(path: Path) -> Iterator[Engine]:
    """A database in a new file that only its owner may read; whole, in one file and on the disk at the end."""
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    engine = create_engine(f"sqlite:///{path}")
    try:
        yield engine
    finally:
        engine.dispose()
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _fill_sqlite(engine: Engine, backup: Backup, shapes: tuple[Shape, ...]) -> tuple[str, str] | None:
    with engine.connect().execution_options(writes=True) as connection:
        # Nothing of this file is anybody's until it is whole.
        driver = connection.connection.driver_connection
        assert driver is not None
        driver.execute("PRAGMA synchronous=OFF")
        _migrate(connection, backup.manifest["revision"])
        driver.execute("PRAGMA foreign_keys=OFF")  # an office stands before the one above it where its number says so
        with connection.begin():
            _fill(connection, backup, shapes)
            if connection.exec_driver_sql("PRAGMA foreign_key_check").first():
                raise DamagedBackup("Some of its rows point to rows that it does not hold.")
        driver.execute("PRAGMA foreign_keys=ON")
        upgraded = _upgrade(connection, backup)
        driver.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return upgraded


def _restore_sqlite(
    target: Path,
    backup: Backup,
    shapes: tuple[Shape, ...],
    place: Path,
    replace_records: bool,
    put_files: Callable[[], None],
    now: datetime,
) -> tuple[tuple[str, str] | None, list[str]]:
    db.engine.dispose()
    had_people = _shut_out_others(target, replace_records)
    fresh = place / "elearn.sqlite3"
    with _new_sqlite(fresh) as engine:
        upgraded = _fill_sqlite(engine, backup, shapes)
    # Asked again: a server may have been started meanwhile.
    _shut_out_others(target, replace_records)
    put_files()
    kept = []
    suffix = f".before-{now:%Y%m%dT%H%M%S}"
    if had_people:
        aside = target.with_name(target.name + suffix)
        os.link(target, aside)  # not copied: no room is needed, and nobody else may read it either
        kept.append(f"the database that was there: {aside}")
    # Of a database that was taken away, or is damaged: SQLite would play them into whatever has its name.
    for journal in (target.with_name(target.name + end) for end in ("-wal", "-shm", "-journal")):
        if journal.exists():
            journal.rename(journal.with_name(journal.name + suffix))
            kept.append(f"a journal that was there: {journal.name + suffix}")
    _move(fresh, target)
    return upgraded, kept


def _shut_out_others(target: Path, replace_records: bool) -> bool:
    """Whether the database that is there holds people, or is too damaged to tell. Folds its write-ahead log into the
    file, so that nothing of it could ever be taken for a part of the new one. Raises HoldsPeople, SomethingElse,
    StillInUse."""
    if not target.exists():
        return False
    engine = create_engine(f"sqlite:///{target}", connect_args={"timeout": 1})
    try:
        with engine.connect() as connection:
            had_people = _refuse_taken(connection, replace_records)
    except DatabaseError as error:
        if isinstance(error, OperationalError) or not replace_records:
            raise
        had_people = True  # damaged, or no database at all: it is kept beside the new one
    finally:
        engine.dispose()
    with closing(sqlite3.connect(target, timeout=1, isolation_level=None)) as alone:
        try:
            # Refused while anybody else has the database open.
            (mode,) = alone.execute("PRAGMA journal_mode=DELETE").fetchone()
        except sqlite3.OperationalError as error:
            raise StillInUse(str(target)) from error
        except sqlite3.DatabaseError:  # there is nothing in it to fold
            return had_people
    if mode != "delete":
        raise StillInUse(str(target))
    return had_people


def _restore_postgresql(
    backup: Backup, shapes: tuple[Shape, ...], replace_records: bool, put_files: Callable[[], None]
) -> tuple[str, str] | None:
    with db.engine.connect() as connection, connection.begin():
        connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{LOCK_SECONDS}s'")
        allow(connection, 0)
        _refuse_taken(connection, replace_records)
        try:
            table_rows.clear(connection)
        except OperationalError as error:
            raise StillInUse(str(error.orig)) from error
        _migrate(connection, backup.manifest["revision"])
        _fill(connection, backup, shapes)
        upgraded = _upgrade(connection, backup)
        put_files()
        return upgraded


def _refuse_taken(connection: Connection, replace_records: bool) -> bool:
    tables = [shape.name for shape in table_rows.shapes(connection)]
    if tables and not (table_rows.revision(connection) and set(tables) >= OURS):
        raise SomethingElse(", ".join(tables[:5]))
    had_people = table_rows.has_people(connection)
    if had_people and not replace_records:
        raise HoldsPeople
    return had_people


def _counted(connection: Connection, shapes: tuple[Shape, ...]) -> dict[str, int]:
    there = {shape.name: shape for shape in table_rows.shapes(connection)}
    return {shape.name: table_rows.count(connection, shape) for shape in shapes if shape.name in there}


# Migrations


def _alembic(connection: Connection | None = None) -> AlembicConfig:
    config = AlembicConfig(attributes={"connection": connection} if connection is not None else {})
    folder = str(current_app.extensions["migrate"].directory)
    config.set_main_option("script_location", folder.replace("%", "%%"))
    return config


def _scripts() -> ScriptDirectory:
    return ScriptDirectory.from_config(_alembic())


def _migrate(connection: Connection, revision: str) -> None:
    command.upgrade(_alembic(connection), revision)


def _upgrade(connection: Connection, backup: Backup) -> tuple[str, str] | None:
    """Brings records of an older version up to this one; returns from where to where."""
    head = str(_scripts().get_current_head())
    before = str(backup.manifest["revision"])
    if before == head:
        return None
    _migrate(connection, head)
    return before, head


# Files


def _put_files(config: Config, place: Path, now: datetime) -> list[str]:
    """Content, compiled courses and keys go where they belong. Content that is there and differs stays; what the backup
    holds of it is put beside it, for a person to compare."""
    kept = []
    aside = config.data_dir / f"restored-{now:%Y%m%dT%H%M%S}"
    for folder, target in (
        (backup_file.CONTENT, config.content_dir),
        (backup_file.PRIVATE_CONTENT, config.private_content_dir),
    ):
        if (place / folder).exists():
            kept.append(f"{folder}: {_put_content(place / folder, target, aside / folder)}")
    (config.data_dir / library.COMPILED).mkdir(exist_ok=True)
    for file in sorted((place / backup_file.COMPILED).glob("*")):
        if not (config.data_dir / library.COMPILED / file.name).exists():
            shutil.copy(file, config.data_dir / library.COMPILED / file.name)
    keys_from = place / backup_file.SIGNING_KEYS
    with_private = keys_from.exists()
    restored = load_key_set(keys_from if with_private else place / backup_file.PUBLIC_KEYS)
    write_key_set(config.signing_keys, merged(load_key_set(config.signing_keys), restored, with_private))
    kept.append(f"keys: {config.signing_keys}" + ("" if with_private else " (the backup's verify, this one's sign)"))
    return kept


def _put_content(found: Path, target: Path | None, aside: Path) -> str:
    if target is not None and (not target.exists() or not any(target.iterdir())):
        # Beside it first: half a course must not stand where the next try would take it for somebody's own.
        target.parent.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(prefix=f".{target.name}-", dir=target.parent) as name:
            shutil.copytree(found, Path(name) / "whole")
            if target.exists():
                target.rmdir()
            (Path(name) / "whole").rename(target)
        return str(target)
    if target is not None and all(
        (there := target / path.relative_to(found)).is_file() and there.read_bytes() == path.read_bytes()
        for path in found.rglob("*")
        if path.is_file()
    ):
        return f"{target} holds it already"
    shutil.copytree(found, aside)
    return f"differs from what is there, so it was put into {aside}"


def _move(file: Path, target: Path) -> None:
    file.replace(target)
    descriptor = os.open(target.parent, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
