"""Recomputes what must hold whatever anybody did to the database: chains, their heads, certificates; and, on request,
everything that follows from the records.

Goes through the officers in order, so many at a time, in one snapshot: memory stays bounded, and the server goes on.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain
from pathlib import Path
from typing import Any

from flask import current_app
from joserfc.jwk import KeySet
from sqlalchemy import Connection, Row, select

from elearn.domain.certificate import CertificateRecord, NotACertificate, record_from_bytes
from elearn.domain.course import Course
from elearn.domain.ledger import START, Entry, Fact, broken_links
from elearn.exports.certificate_token import BadSignature, load_key_set, verify
from elearn.models.certificates import Certificate
from elearn.models.database import snapshot
from elearn.models.ledger import Ledger, LedgerHead
from elearn.models.people import Officer
from elearn.services import audit_database, audit_records, library
from elearn.services.audit_findings import Chains, Finding
from elearn.services.checkpoint import compared, signed_at, write_checkpoint

OFFICERS_AT_ONCE = 500

# What the last entry about a certificate says it is.
_STATE_AFTER = {
    "certificate_issued": "valid",
    "statement_issued": "valid",
    "certificate_withheld": "withheld",
    "certificate_superseded": "superseded",
    "certificate_revoked": "revoked",
}
_ISSUED = ("certificate_issued", "statement_issued", "certificate_withheld")


@dataclass
class Report:
    """What an audit looked at, and what did not hold."""

    counts: Counter[str] = field(default_factory=Counter)
    findings: list[Finding] = field(default_factory=list)


def full_report(connection: Connection, keys: KeySet, courses: Mapping[str, Course]) -> Report:
    """A deep audit, all of it in memory: for a restore, whose findings are few."""
    report = Report()
    report.findings.extend(audit(connection, keys, courses, report.counts, deep=True))
    return report


def findings(
    counts: Counter[str], now: datetime, *, deep: bool = False, against: Path | None, checkpoint: Path | None
) -> Iterator[Finding]:
    """Audits this installation; compares it with an older checkpoint, and writes a new one if all holds.

    Raises BadCheckpoint.
    """
    keys = load_key_set(current_app.config["ELEARN"].signing_keys)
    if against:
        counts["checkpoint of " + signed_at(against, keys)] = 1
    found = 0
    with snapshot() as connection:
        courses = {course.id: course for course in library.courses()}
        compared_with = compared(connection, against) if against else ()
        for finding in chain(audit(connection, keys, courses, counts, deep), compared_with):
            found += 1
            yield finding
        if checkpoint and not found:
            write_checkpoint(connection, checkpoint, keys, now)


def audit(
    connection: Connection, keys: KeySet, courses: Mapping[str, Course], counts: Counter[str], deep: bool = False
) -> Iterator[Finding]:
    """Each row that does not hold, as it is met; `counts` tells in the end how many were looked at.

    `connection` must see one moment (see models.database.snapshot). `deep` also derives standings, marks attempts
    again, compares each consequential row with the ledger and the other way round, and looks at the database itself.
    """
    yield from audit_database.guards(connection)
    if deep:
        yield from audit_database.integrity(connection)
        yield from audit_records.kept_texts(connection, counts)
    for chains in _batches(connection):
        counts["officers"] += len(chains.salts)
        counts["ledger entries"] += sum(map(len, chains.entries.values()))
        yield from _chains(chains)
        certificates = list(_certificates(connection, chains))
        counts["certificates"] += len(certificates)
        records: dict[str, CertificateRecord] = {}
        for row in certificates:
            yield from _certificate(row, chains, keys, records)
        yield from _unkept(chains, {row.serial for row in certificates})
        if deep:
            yield from audit_records.records(connection, chains, courses, certificates, records, counts)


def _batches(connection: Connection) -> Iterator[Chains]:
    """The officers in order, each with her chain; the chains of officers that are gone come with their neighbours."""
    after = 0
    while True:
        officers = connection.execute(
            select(Officer.id, Officer.salt).where(Officer.id > after).order_by(Officer.id).limit(OFFICERS_AT_ONCE)
        ).all()
        last = officers[-1].id if len(officers) == OFFICERS_AT_ONCE else None
        heads = select(LedgerHead).where(LedgerHead.subject > after)
        ledger = select(Ledger).where(Ledger.subject > after).order_by(Ledger.subject, Ledger.number)
        if last is not None:
            heads, ledger = heads.where(LedgerHead.subject <= last), ledger.where(Ledger.subject <= last)
        entries: dict[int, list[Entry]] = defaultdict(list)
        for row in connection.execute(_columns(ledger, Ledger)):
            entries[row.subject].append(Entry(*row))
        yield Chains(
            after,
            last,
            {row.id: row.salt for row in officers},
            {row.subject: (row.number, row.hash) for row in connection.execute(_columns(heads, LedgerHead))},
            entries,
        )
        if last is None:
            return
        after = last


def _columns(query: Any, table: Any) -> Any:
    """The query for plain rows rather than for objects of the table."""
    return query.with_only_columns(*table.__table__.columns)


def _chains(chains: Chains) -> Iterator[Finding]:
    for subject, entries in chains.entries.items():
        for number in broken_links(entries):
            yield Finding("ledger", f"{subject}/{number}", "does not follow from the entry before it")
    for officer in chains.entries.keys() - chains.salts.keys():
        yield Finding("officer", officer, "is missing; there is a ledger of hers")
    for officer, salt in chains.salts.items():
        if salt is None and not chains.told(officer, "erased", officer):
            yield Finding("officer", officer, "has no salt, but was never erased by the ledger")
    for officer in chains.salts.keys() | chains.heads.keys():
        entries = chains.entries.get(officer, [])
        end = (entries[-1].number, entries[-1].hash) if entries else (0, START)
        head = chains.heads.get(officer)
        if head is None:
            yield Finding("ledger_head", officer, "is missing")
        elif head != end:
            yield Finding("ledger_head", officer, f"says {head[0]} entries, the chain has {end[0]} or ends otherwise")


def _certificates(connection: Connection, chains: Chains) -> Iterator[Row[Any]]:
    query = select(*Certificate.__table__.columns).where(chains.within(Certificate.officer_id))
    yield from connection.execute(query.order_by(Certificate.officer_id, Certificate.serial))


def _certificate(
    row: Row[Any], chains: Chains, keys: KeySet, records: dict[str, CertificateRecord]
) -> Iterator[Finding]:
    try:
        record = record_from_bytes(verify(row.token, keys))
    except (BadSignature, NotACertificate) as error:
        yield Finding("certificate", row.serial, f"is not what was signed ({error.reason})")
        return
    signed = (record.serial, record.course, record.module, record.course_version)
    if signed != (row.serial, row.course, row.module, row.version):
        yield Finding("certificate", row.serial, "differs from the signed record in it")
        return
    records[row.serial] = record
    told = [entry for entry in chains.entries.get(row.officer_id, []) if entry.reference == row.serial]
    issued = next((entry for entry in told if entry.kind in _ISSUED), None)
    facts: dict[str, Fact] = {"course": row.course, "version": row.version, "serial": row.serial}
    if row.module:
        facts["module"] = row.module
    if issued is None or issued.at != row.issued_at or not chains.committed(issued, facts):
        yield Finding("certificate", row.serial, "was not issued so by the ledger of its officer")
    elif issued.previous != record.chain_head:
        yield Finding("certificate", row.serial, "stands at another place in the ledger than was signed")
    elif _STATE_AFTER[told[-1].kind] != row.state:
        yield Finding("certificate", row.serial, f"is {row.state} here, by the ledger {_STATE_AFTER[told[-1].kind]}")


def _unkept(chains: Chains, serials: set[str]) -> Iterator[Finding]:
    for entries in chains.entries.values():
        for entry in entries:
            if entry.kind in _ISSUED and entry.reference not in serials:
                yield Finding("certificate", entry.reference, "is missing; the ledger says it was issued")
