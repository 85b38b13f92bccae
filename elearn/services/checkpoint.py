"""A signed list of where every officer's ledger ends, to be kept away from the server.

Whoever holds database and server could rebuild a whole chain so that it holds in itself. Against a list that left the
server before, signed and out of reach, that shows. A line for each officer: her number, how many entries, the last
one's hash; then the signature over all lines.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from hashlib import sha256
from itertools import chain, islice
from pathlib import Path
from secrets import token_hex

from joserfc.jwk import KeySet
from sqlalchemy import Connection, select, tuple_

from elearn.exports.certificate_token import CHECKPOINT_TYPE, BadSignature, sign, signing_key, verify
from elearn.models.ledger import Ledger, LedgerHead
from elearn.services.audit_findings import Finding

TITLE = "elearn-checkpoint/1"
AT_ONCE = 300  # SQLite takes some hundred values in one statement

_LINE = re.compile(r"(\d{1,19}) (\d{1,10}) ([0-9a-f]{64})")
_LONGEST_LINE = 4096


class BadCheckpoint(Exception):
    """The file is no checkpoint of this installation, or not as it was signed."""


def write_checkpoint(connection: Connection, path: Path, keys: KeySet, now: datetime) -> int:
    """Writes where each chain ends; returns how many there are. An older file stays until the new one is whole."""
    heads = select(LedgerHead.subject, LedgerHead.number, LedgerHead.hash).order_by(LedgerHead.subject)
    options = {"stream_results": True, "yield_per": 5000}
    hashed, count = sha256(), 0
    draft = path.with_name(f".{path.name}.{token_hex(8)}")
    try:
        with draft.open("xb") as file:
            lines = (f"{r.subject} {r.number} {r.hash}" for r in connection.execute(heads, execution_options=options))
            for count, line in enumerate(chain((TITLE,), lines)):  # noqa: B007 - how many there were is returned
                data = f"{line}\n".encode()
                hashed.update(data)
                file.write(data)
            told = {"at": now.astimezone(UTC).isoformat(timespec="seconds"), "sha256": hashed.hexdigest()}
            file.write(sign(json.dumps(told, sort_keys=True).encode(), signing_key(keys), CHECKPOINT_TYPE).encode())
            file.write(b"\n")
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
    return count


def signed_at(path: Path, keys: KeySet) -> str:
    """When the checkpoint was signed, once the signature over all of it has been checked. Raises BadCheckpoint."""
    hashed, last = sha256(), b""
    with path.open("rb") as file:
        while line := file.readline(_LONGEST_LINE):
            hashed.update(last)
            last = line
    try:
        told = json.loads(verify(last.decode("ascii").strip(), keys, CHECKPOINT_TYPE))
    except (BadSignature, ValueError) as error:
        raise BadCheckpoint(f"{path} does not end with a signature of this installation.") from error
    if told["sha256"] != hashed.hexdigest():
        raise BadCheckpoint(f"{path} is not as it was signed.")
    return str(told["at"])


def compared(connection: Connection, path: Path) -> Iterator[Finding]:
    """Each officer whose ledger does not hold the entry that the checkpoint, checked before, saw at its end."""
    with path.open("rb") as file:
        lines = (found for line in file if (found := _LINE.fullmatch(line.decode("ascii").strip())))
        seen = ((int(one[1]), int(one[2]), one[3]) for one in lines)
        while part := list(islice(seen, AT_ONCE)):
            wanted = [(subject, number) for subject, number, _ in part if number]
            query = select(Ledger.subject, Ledger.number, Ledger.hash).where(
                tuple_(Ledger.subject, Ledger.number).in_(wanted)
            )
            there = {(row.subject, row.number): row.hash for row in connection.execute(query)} if wanted else {}
            for subject, number, ended in part:
                if number and there.get((subject, number)) != ended:
                    yield Finding("ledger", f"{subject}/{number}", "is not the entry that the checkpoint saw")
