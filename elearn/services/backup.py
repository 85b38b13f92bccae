"""Everything that cannot be made again goes into one file: records, content, and the keys that certificates need.

Records travel as rows in a form of their own rather than as pg_dump's or SQLite's file: so one backup restores into
either engine and any later version, is compared row by row with what came of it, and needs no program of the same
version as the server. It is a few times slower than the engines' own, and as consistent: all rows are read in one
snapshot, for which nobody waits.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from flask import current_app

from config import Config
from elearn.exports import backup_file
from elearn.exports.backup_file import BackupExists as BackupExists
from elearn.exports.backup_file import Draft
from elearn.exports.certificate_token import load_key_set, public_key_set
from elearn.models import table_rows
from elearn.models.database import snapshot
from elearn.models.table_rows import UnreadableRow as UnreadableRow
from elearn.services import library


class NotSetUp(Exception):
    """The database has no tables yet, so there is nothing to keep."""


class UnfitName(Exception):
    """A content file whose name no other system could unpack."""


@dataclass(frozen=True)
class Made:
    """A backup that was written, read back and found whole."""

    path: Path
    size: int
    manifest: dict[str, Any]

    @property
    def rows(self) -> dict[str, int]:
        return {table["name"]: table["rows"] for table in self.manifest["tables"]}


def make_backup(path: Path, now: datetime, *, replace: bool = False, with_signing_keys: bool = False) -> Made:
    """Writes a backup to `path`, while others go on working.

    Raises NotSetUp, BackupExists, UnreadableRow, UnfitName, OSError (a full disk leaves nothing behind), and
    BackupRefused if what was written does not read back.
    """
    config: Config = current_app.config["ELEARN"]
    seen: list[backup_file.Backup] = []

    def check(draft: Path) -> None:
        with backup_file.open_backup(draft) as backup:
            backup.check_members()
            seen.append(backup)

    with backup_file.new_backup(path, replace, check) as draft:
        facts = _add_records(draft)
        _add_files(draft, backup_file.CONTENT, config.content_dir)
        if config.private_content_dir:
            _add_files(draft, backup_file.PRIVATE_CONTENT, config.private_content_dir)
        for file in library.last_good_files(config.data_dir):
            draft.add(f"{backup_file.COMPILED}/{file.name}", [file.read_bytes()])
        facts |= _add_keys(draft, config, with_signing_keys)
        facts["base_url"] = config.base_url
        facts["made_at"] = now.astimezone(UTC).isoformat(timespec="seconds")
        draft.finish(facts)
    return Made(path, path.stat().st_size, dict(seen[0].manifest))


def _add_records(draft: Draft) -> dict[str, Any]:
    """All rows of all tables, as they are at one moment."""
    with snapshot() as connection:
        revision = table_rows.revision(connection)
        if not revision:
            raise NotSetUp("The database is not set up.")
        tables = []
        for shape in table_rows.shapes(connection):
            count = 0

            def chunks(shape: table_rows.Shape = shape) -> Iterator[bytes]:
                nonlocal count
                for number, data in table_rows.lines(connection, shape):
                    count += number
                    yield data

            draft.add(f"{backup_file.RECORDS}/{shape.name}.jsonl", chunks())
            tables.append({"name": shape.name, "columns": shape.columns, "key": shape.key, "rows": count})
        return {"engine": connection.dialect.name, "revision": revision, "tables": tables}


def _add_files(draft: Draft, folder: str, place: Path) -> None:
    """The plain files below `place`; what is hidden or a link is no content."""
    for path in sorted(place.rglob("*")):
        name = path.relative_to(place)
        if path.is_file() and not path.is_symlink() and not any(part.startswith(".") for part in name.parts):
            if not backup_file.is_portable(name.as_posix()):
                raise UnfitName(str(path))
            draft.add(f"{folder}/{name.as_posix()}", [path.read_bytes()])


def _add_keys(draft: Draft, config: Config, with_signing_keys: bool) -> dict[str, Any]:
    """The public halves, without which no certificate could be checked; the private ones only where asked for."""
    keys = load_key_set(config.signing_keys)
    public = public_key_set(keys)
    draft.add(backup_file.PUBLIC_KEYS, [json.dumps(public, indent=2).encode()])
    if with_signing_keys:
        draft.add(backup_file.SIGNING_KEYS, [config.signing_keys.read_bytes()])
    return {"keys": [key["kid"] for key in public["keys"]], "signing_keys": with_signing_keys}
