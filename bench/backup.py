"""How long it takes to get everything back: backup, verification, restore and audit of a whole installation.

`python -m bench.backup [--officers N] [--engine sqlite|postgresql]` from the root of the repository. Each officer has
completed a course of one module: lessons, checks, a lab, a quiz, the final, a statement and a certificate, all of them
in her ledger. The commands run as processes of their own, as an operator starts them; seconds are of the wall, memory
is the most that a process took.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from secrets import token_bytes
from time import perf_counter
from typing import Any

from flask_migrate import upgrade
from sqlalchemy import create_engine, insert, select, text

from config import from_environment
from elearn import create_app
from elearn.domain.certificate import canonical_bytes, new_serial, record_from_bytes
from elearn.domain.ledger import START, commitment, next_entry
from elearn.exports.certificate_token import load_key_set, sign, signing_key, verify
from elearn.models.certificates import Certificate
from elearn.models.database import db, reading, writing
from elearn.models.learning import (
    Answer,
    Attempt,
    CheckAnswer,
    Enrolment,
    LabRun,
    LessonRecord,
    Standing,
    StandingHistory,
)
from elearn.models.ledger import Ledger, LedgerHead
from elearn.models.people import Officer, OfficerName, Posting
from tests import postgres
from tests.given import Given
from tests.server import ROOT, environment, served_from
from tests.short_course import short_course

AT_ONCE = 500
ACTS = (LessonRecord, CheckAnswer, LabRun, Attempt)
BUDGET = "RTO ≤ 30 min"


class Likeness:
    """One officer's rows, from which those of any number of others are made, each with a ledger of her own."""

    def __init__(self, officer: int, keys: Any) -> None:
        self.keys, self.key = keys, signing_key(keys)
        with reading() as connection:

            def of(table: Any, column: Any) -> list[dict[str, Any]]:
                key = table.__table__.primary_key.columns
                rows = connection.execute(select(*table.__table__.columns).where(column == officer).order_by(*key))
                return [dict(row._mapping) for row in rows]

            self.officer = of(Officer, Officer.id)[0]
            self.rows = {
                table: of(table, table.officer_id)
                for table in (OfficerName, Posting, Enrolment, *ACTS, Standing, StandingHistory, Certificate)
            }
            attempts = [row["id"] for row in self.rows[Attempt]]
            answers = connection.execute(select(*Answer.__table__.columns).where(Answer.attempt_id.in_(attempts)))
            self.rows[Answer] = [dict(row._mapping) for row in answers]
            self.entries = of(Ledger, Ledger.subject)
            self.office = connection.execute(text("SELECT code FROM office")).scalar_one()

    @property
    def acts(self) -> int:
        return sum(len(self.rows[table]) for table in ACTS)

    def made(self, number: int) -> Iterator[tuple[Any, dict[str, Any]]]:
        """The rows of officer `number`, parents first."""
        salt = token_bytes(32)
        yield Officer, {**self.officer, "id": number, "salt": salt, **_named(number)}
        for table in (OfficerName, Posting, Enrolment, *ACTS):
            for row in self.rows[table]:
                yield table, {**row, **self._mine(row, number)}
        for row in self.rows[Answer]:
            yield Answer, {**row, "attempt_id": _act(row["attempt_id"], number)}
        serials: dict[str, str] = {}
        yield from self._ledger(number, salt, serials)
        for table in (Standing, StandingHistory):
            for row in self.rows[table]:
                mine = {"officer_id": number, "certificate": serials.get(row["certificate"], "")}
                yield table, {name: value for name, value in {**row, **mine}.items() if name != "id"}

    def _ledger(self, number: int, salt: bytes, serials: dict[str, str]) -> Iterator[tuple[Any, dict[str, Any]]]:
        head = START
        for old in self.entries:
            certificate = next((row for row in self.rows[Certificate] if row["serial"] == old["reference"]), None)
            if certificate:
                record = record_from_bytes(verify(certificate["token"], self.keys))
                new = replace(record, serial=new_serial(token_bytes(16)), chain_head=head)
                serials[record.serial] = new.serial
                token = sign(canonical_bytes(new), self.key)
                yield Certificate, {**certificate, "serial": new.serial, "token": token, "officer_id": number}
            reference, facts = self._said(old, number, serials)
            entry = next_entry(number, old["number"], head, old["at"], old["kind"], reference, commitment(salt, facts))
            head = entry.hash
            yield Ledger, asdict(entry)
        yield LedgerHead, {"subject": number, "number": len(self.entries), "hash": head}

    def _said(self, old: Mapping[str, Any], number: int, serials: Mapping[str, str]) -> tuple[str, dict[str, Any]]:
        """The reference of an entry and the facts that it commits to."""
        kind, reference = old["kind"], old["reference"]
        if kind == "posted":
            row = self.rows[Posting][0]
            facts = {"designation": row["designation"], "since": row["since"].isoformat(), "kind": "main"}
            return str(number), {**facts, "office": self.office}
        if kind == "enrolled":
            return reference, {"course": reference, "route": self.rows[Enrolment][0]["route"]}
        if kind == "lesson_done":
            row = next(row for row in self.rows[LessonRecord] if row["id"] == reference)
            return _act(reference, number), {name: row[name] for name in ("course", "lesson", "version")}
        if kind == "attempt_submitted":
            row = next(row for row in self.rows[Attempt] if row["id"] == reference)
            names = ("course", "quiz", "earned", "possible", "passed", "version")
            return _act(reference, number), {**{n: row[n] for n in names}, "attempt": _act(reference, number)}
        standing = self.rows[Standing][0]
        certificate = next(row for row in self.rows[Certificate] if kind == "completed" or row["serial"] == reference)
        facts = {"course": standing["course"], "version": certificate["version"]}
        if kind == "completed":
            return reference, {**facts, "evidence": standing["evidence"]}
        of_module = {"module": certificate["module"]} if certificate["module"] else {}
        return serials[reference], {**facts, **of_module, "serial": serials[reference]}

    def _mine(self, row: Mapping[str, Any], number: int) -> dict[str, Any]:
        id_ = row.get("id")
        return {"officer_id": number} | ({"id": _act(id_, number) if isinstance(id_, str) else number} if id_ else {})


def _act(id_: str, number: int) -> str:
    return f"{number:08x}{id_[8:]}"


def _named(number: int) -> dict[str, str]:
    return {"email": f"officer{number}@model.test", "employee_number": f"MD-{number:08}"}


def populated(officers: int, settings: Mapping[str, str]) -> int:
    """Fills the installation; returns how many acts each officer has."""
    app = create_app(from_environment(settings))
    with app.app_context():
        upgrade()
        given = Given(app, datetime.now(UTC))
        first = given.officer("Meera", password="")
        given.completed(first, minutes_a_lesson=12)
        likeness = Likeness(first.id, load_key_set(app.config["ELEARN"].signing_keys))
        for start in range(first.id + 1, officers + 1, AT_ONCE):
            rows: dict[Any, list[dict[str, Any]]] = {}
            for number in range(start, min(start + AT_ONCE, officers + 1)):
                for table, row in likeness.made(number):
                    rows.setdefault(table, []).append(row)
            with writing() as connection:
                for table, many in rows.items():
                    connection.execute(insert(table), many)
        if db.engine.dialect.name == "postgresql":
            with writing() as connection:
                for table in ("officer", "posting"):
                    connection.execute(text(f"SELECT setval('{table}_id_seq', {officers + 1})"))
        db.engine.dispose()
        return likeness.acts


def timed(settings: Mapping[str, str], *words: str) -> str:
    """Runs one command; tells its seconds and the most memory it took. Raises where it fails."""
    command = [sys.executable, "-c", "from elearn.cli import main; main()", *words]
    begun = perf_counter()
    process = subprocess.Popen(command, cwd=ROOT, env=environment(settings), stdout=subprocess.PIPE, text=True)
    assert process.stdout
    output = process.stdout.read()
    _, status, used = os.wait4(process.pid, 0)
    seconds = perf_counter() - begun
    if status:
        raise SystemExit(output)
    return f"{seconds:7.1f} s  {used.ru_utime + used.ru_stime:7.1f} s of CPU  {used.ru_maxrss // 1024:5} MB"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--officers", type=int, default=1000)
    parser.add_argument("--engine", choices=("sqlite", "postgresql"), default="sqlite")
    chosen = parser.parse_args()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="elearn-bench-")))
        urls = ["", ""]
        if chosen.engine == "postgresql":
            server = stack.enter_context(postgres.running())
            engine = create_engine(server.format(database="postgres"), isolation_level="AUTOCOMMIT")
            with engine.connect() as connection:
                for name in ("live", "elsewhere"):
                    connection.execute(text(f"CREATE DATABASE {name}"))
            engine.dispose()
            urls = [server.format(database=name) for name in ("live", "elsewhere")]
        (folder / "content").mkdir()
        content = str(short_course(folder / "content"))
        live, elsewhere = (
            {**served_from(folder / name, url).settings, "ELEARN_CONTENT_DIR": content}
            for name, url in zip(("live", "elsewhere"), urls, strict=True)
        )
        acts = populated(chosen.officers, live)
        file = folder / "one.backup"
        print(f"{chosen.officers:,} officers with {acts} acts each, {chosen.engine}; budget: {BUDGET}")
        for name, settings, words in (
            ("backup", live, ("backup", str(file))),
            ("restore --verify", live, ("restore", "--verify", str(file))),
            ("restore", elsewhere, ("restore", str(file))),
            ("audit", elsewhere, ("audit",)),
            ("audit --deep", elsewhere, ("audit", "--deep")),
        ):
            print(f"  {name:18} {timed(settings, *words)}", flush=True)
        print(f"  the file           {file.stat().st_size / 2**20:7.1f} MB")


if __name__ == "__main__":
    main()
