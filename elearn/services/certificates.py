"""Certificates are issued in the transaction that completes a course, found, checked and revoked."""

from __future__ import annotations

import logging
import os
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from secrets import token_bytes, token_hex
from typing import Any, Literal

from flask import Flask, current_app
from joserfc.jwk import KeySet
from sqlalchemy import ColumnElement, Connection, bindparam, insert, select, update

from elearn.domain.certificate import (
    BadSerial,
    CertificateRecord,
    NotACertificate,
    canonical_bytes,
    new_serial,
    normal_serial,
    record_from_bytes,
)
from elearn.domain.course import Course
from elearn.domain.ledger import Fact
from elearn.domain.status import Evidence
from elearn.exports.certificate_pdf import certificate_pdf, missing_glyphs
from elearn.exports.certificate_token import (
    Altered,
    BadSignature,
    load_key_set,
    new_key_set,
    public_key_set,
    read_document,
    sign,
    signed_document,
    signing_key,
    verify,
    write_key_set,
)
from elearn.models.certificates import Certificate
from elearn.models.database import reading, writing
from elearn.models.people import Officer, OfficerName
from elearn.services import access_log, ledger, standing

log = logging.getLogger(__name__)

Verdict = Literal["valid", "withheld", "superseded", "revoked", "altered", "unknown"]


class UnknownCertificate(LookupError):
    """No certificate has this serial."""


class AlteredCertificate(UnknownCertificate):
    """The kept certificate is not what was signed under this serial: a page must not show what nobody signed."""


class NoName(Exception):
    """The officer has no name, so there is nobody to certify. Nothing of the act that asked for it is kept."""


class NotCurrent(ValueError):
    """Only a valid or withheld certificate can be revoked or issued again: the others are over."""


@dataclass(frozen=True, slots=True)
class Issuing:
    """What issuing needs of this installation: who issues, in whose name, with which keys."""

    organisation: str
    base_url: str
    keys: KeySet
    timezone: Any


@dataclass(frozen=True, slots=True)
class CertificateView:
    """A certificate and what has become of it since it was issued."""

    serial: str
    state: str
    state_at: datetime
    why: str
    record: CertificateRecord
    token: str
    superseded_by: str
    erased: bool = False  # who it was given to is erased: it can still be checked, and its name is shown to nobody


def ensure_keys(path: Path) -> KeySet:
    """The signing keys of this installation; made on the first start, readable by their owner only."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f".{path.name}.{token_hex(8)}")
        write_key_set(draft, new_key_set())
        # Linked rather than renamed: of several processes that start at once, the first one's keys stand for all.
        with suppress(FileExistsError):
            os.link(draft, path)
        draft.unlink()
    return load_key_set(path)


def open_issuing(app: Flask, issuing: Issuing) -> None:
    app.extensions["elearn.issuing"] = issuing


def issue(connection: Connection, officer_id: int, course: Course, evidence: Evidence, now: datetime) -> str:
    """Issues the certificate of a completion, inside its transaction; returns the serial.

    A name with a character that no shipped font can set is never printed as a box: the certificate is `withheld`
    with the character named, the completion stands, and the administrator is told by the log and by the list of
    withheld ones.
    """
    mine = _issuing()
    record = CertificateRecord(
        serial=new_serial(token_bytes(16)),
        **_names(connection, officer_id),
        course=course.id,
        course_title=dict(course.title),
        course_version=course.version,
        issuer=mine.organisation,
        issued_on=now.astimezone(mine.timezone).date(),
        completed_at=now,
        evidence=evidence or "checked",
        chain_head=ledger.head_of(connection, officer_id),
    )
    _keep(connection, officer_id, record, now)
    return record.serial


def issue_statements(
    connection: Connection, officer_id: int, course: Course, modules: Collection[str], now: datetime
) -> None:
    """Issues a statement of completion for each of these modules that has none yet, in the transaction of the act that
    completed it. One that was revoked does not come back by itself."""
    if not modules:
        return
    there = set(connection.execute(_STATEMENTS, {"officer": officer_id, "course": course.id}).scalars())
    mine = _issuing()
    for module in course.modules:
        if module.id in modules and module.id not in there:
            record = CertificateRecord(
                serial=new_serial(token_bytes(16)),
                **_names(connection, officer_id),
                course=course.id,
                course_title=dict(course.title),
                course_version=course.version,
                issuer=mine.organisation,
                issued_on=now.astimezone(mine.timezone).date(),
                completed_at=now,
                evidence="checked",
                chain_head=ledger.head_of(connection, officer_id),
                module=module.id,
                module_title=dict(module.title),
            )
            _keep(connection, officer_id, record, now)


def reissue(serial_text: str, now: datetime) -> CertificateView:
    """Issues a certificate again with the officer's names as they are now: the same completion, a new serial, and
    the old one superseded. Raises UnknownCertificate, NotCurrent."""
    old, mine = find(serial_text), _issuing()
    with writing() as connection:
        standing.lock(
            connection, connection.execute(_OFFICER_OF, {"serial": old.serial}).scalar_one(), old.record.course
        )
        officer_id = _leave(connection, old, "superseded", "", now)
        ledger.append(connection, officer_id, "certificate_superseded", old.serial, {"serial": old.serial}, now)
        _note(connection, "certificate_reissued", officer_id, old.serial, now)
        record = replace(
            old.record,
            serial=new_serial(token_bytes(16)),
            **_names(connection, officer_id),
            issuer=mine.organisation,
            issued_on=now.astimezone(mine.timezone).date(),
            chain_head=ledger.head_of(connection, officer_id),
        )
        _keep(connection, officer_id, record, now)
        connection.execute(
            update(Certificate).where(Certificate.serial == old.serial).values(superseded_by=record.serial)
        )
    return find(record.serial)


def reissue_withheld(now: datetime) -> tuple[tuple[CertificateView, CertificateView], ...]:
    """(old, new) for every withheld certificate whose names can be set by now: mended, or in a font that was added."""
    issued = []
    for old in withheld():
        with reading() as connection:
            officer_id = connection.execute(_OFFICER_OF, {"serial": old.serial}).scalar_one()
            try:
                record = replace(old.record, **_names(connection, officer_id), issuer=_issuing().organisation)
            except NoName:
                log.error("certificate %s is withheld, and its officer has no name", old.serial)
                continue
        if not _missing(record):
            issued.append((old, reissue(old.serial, now)))
    return tuple(issued)


def find(serial_text: str) -> CertificateView:
    """The certificate with this serial, however it was typed. Raises UnknownCertificate, AlteredCertificate."""
    try:
        serial = normal_serial(serial_text)
    except BadSerial:
        raise UnknownCertificate(serial_text) from None
    with reading() as connection:
        row = connection.execute(select(*_COLUMNS).where(Certificate.serial == serial)).one_or_none()
    if row is None:
        raise UnknownCertificate(serial)
    return _view(row)


def of_officer(officer_id: int) -> tuple[CertificateView, ...]:
    """The officer's own certificates, newest first."""
    return _views(Certificate.officer_id == officer_id, Certificate.issued_at.desc())


def withheld() -> tuple[CertificateView, ...]:
    """Certificates waiting for a name that can be set; for the administrator."""
    return _views(Certificate.state == "withheld", Certificate.issued_at)


def pdf(serial_text: str, language: str) -> bytes:
    """The certificate to print. Raises UnknownCertificate, also for one that is withheld or of an erased officer."""
    found = find(serial_text)
    if found.state == "withheld" or found.erased:
        raise UnknownCertificate(found.serial)
    # In capitals, which a QR code holds in fewer modules; scheme and host mean the same in any case.
    return certificate_pdf(found.record, f"{_issuing().base_url.upper()}/C/{found.serial}", language)


def document(serial_text: str) -> dict[str, Any]:
    """The signed record as a JSON document that anybody can check. Raises UnknownCertificate, also where the officer
    whose name stands in it is erased."""
    found = find(serial_text)
    if found.erased:
        raise UnknownCertificate(found.serial)
    return signed_document(found.token)


def public_keys() -> dict[str, list[dict[str, str]]]:
    """The JWK set that certificates are checked with."""
    return public_key_set(_issuing().keys)


def check_serial(serial_text: str) -> tuple[Verdict, CertificateRecord | None]:
    """What is known of a serial: its state, after checking that the kept record is still what was signed."""
    try:
        found = find(serial_text)
    except AlteredCertificate:
        return "altered", None
    except UnknownCertificate:
        return "unknown", None
    return found.state, found.record  # type: ignore[return-value]


def check_document(data: bytes) -> tuple[Verdict, CertificateRecord | None]:
    """What is known of a certificate's JSON document: `altered` unless every word is as it was signed."""
    try:
        record = read_document(data, _issuing().keys)
    except Altered:
        return "altered", None
    return check_serial(record.serial)[0], record


def revoke(serial_text: str, why: str, now: datetime) -> CertificateView:
    """Revokes a certificate, with the reason that its page will show. Raises UnknownCertificate, NotCurrent."""
    found = find(serial_text)
    with writing() as connection:
        officer_id = _leave(connection, found, "revoked", why, now)
        facts: dict[str, Fact] = {"serial": found.serial}
        # What was issued by fraud can be revoked whoever it was issued to.
        ledger.append(connection, officer_id, "certificate_revoked", found.serial, facts, now, of_erased=True)
        _note(connection, "certificate_revoked", officer_id, found.serial, now)
    return find(found.serial)


_OFFICER_OF = select(Certificate.officer_id).where(Certificate.serial == bindparam("serial"))

_STATEMENTS = select(Certificate.module).where(
    Certificate.officer_id == bindparam("officer"), Certificate.course == bindparam("course"), Certificate.module != ""
)

_COLUMNS = (
    Certificate.serial,
    Certificate.state,
    Certificate.state_at,
    Certificate.why,
    Certificate.token,
    Certificate.superseded_by,
    select(Officer.salt.is_(None)).where(Officer.id == Certificate.officer_id).scalar_subquery().label("erased"),
)


def _view(row: Any) -> CertificateView:
    """Raises AlteredCertificate where somebody changed the row, or put another one's token into it."""
    try:
        record = record_from_bytes(verify(row.token, _issuing().keys))
    except (BadSignature, NotACertificate) as error:
        raise AlteredCertificate(row.serial) from error
    if record.serial != row.serial:
        raise AlteredCertificate(row.serial)
    return CertificateView(
        row.serial, row.state, row.state_at, row.why, record, row.token, row.superseded_by or "", bool(row.erased)
    )


def _views(which: ColumnElement[bool], order: Any) -> tuple[CertificateView, ...]:
    """A list goes on without a certificate that somebody altered, and tells the log which one it is."""
    found = []
    with reading() as connection:
        for row in connection.execute(select(*_COLUMNS).where(which).order_by(order)):
            try:
                found.append(_view(row))
            except AlteredCertificate:
                log.error("certificate %s is not what was signed", row.serial)
    return tuple(found)


def _leave(connection: Connection, found: CertificateView, state: str, why: str, now: datetime) -> int:
    """A current certificate is so no more; returns whose it is. Raises NotCurrent, also where somebody was faster."""
    officer_id: int = connection.execute(_OFFICER_OF, {"serial": found.serial}).scalar_one()
    changed = connection.execute(
        update(Certificate)
        .where(Certificate.serial == found.serial, Certificate.state.in_(("valid", "withheld")))
        .values(state=state, state_at=now, why=why[:400])
    ).rowcount
    if not changed:
        raise NotCurrent(f"{found.serial} is {found.state}")
    return officer_id


def _note(connection: Connection, act: str, officer_id: int, serial: str, now: datetime) -> None:
    """Revoking and issuing again are done from a shell, where nobody is signed in."""
    access_log.note(connection, act, now, about=officer_id, detail=f"officer {officer_id} {serial}")


def _keep(connection: Connection, officer_id: int, record: CertificateRecord, now: datetime) -> None:
    """Signs a record and keeps it, valid or withheld, with its entry in the ledger and in the standing."""
    missing = _missing(record)
    why = " ".join(f"U+{ord(c):04X}" for c in missing)[:400]
    connection.execute(
        insert(Certificate).values(
            serial=record.serial,
            officer_id=officer_id,
            course=record.course,
            module=record.module,
            version=record.course_version,
            issued_at=now,
            token=sign(canonical_bytes(record), signing_key(_issuing().keys)),
            state="withheld" if missing else "valid",
            state_at=now,
            why=why,
        )
    )
    if missing:
        log.warning("certificate %s is withheld: no shipped font has %s", record.serial, why)
    issued = "statement_issued" if record.module else "certificate_issued"
    facts: dict[str, Fact] = {"course": record.course, "version": record.course_version, "serial": record.serial}
    if record.module:
        facts["module"] = record.module
    ledger.append(connection, officer_id, "certificate_withheld" if missing else issued, record.serial, facts, now)
    if not record.module:
        standing.set_certificate(connection, officer_id, record.course, record.serial)


def _names(connection: Connection, officer_id: int) -> dict[str, Any]:
    """The fields of a record that say who it is for. Raises NoName."""
    names = connection.execute(
        select(OfficerName.language, OfficerName.name)
        .where(OfficerName.officer_id == officer_id)
        .order_by(OfficerName.is_primary.desc(), OfficerName.language)
    ).all()
    if not names:
        raise NoName(officer_id)
    (language, name), *others = ((row.language, row.name) for row in names)
    return {"name": name, "name_language": language, "other_names": tuple(others)}


def _missing(record: CertificateRecord) -> tuple[str, ...]:
    """Characters on the certificate that no shipped font has, each once."""
    names = (record.name, *(name for _, name in record.other_names))
    texts = (*names, record.issuer, *record.course_title.values(), *record.module_title.values())
    return tuple(dict.fromkeys(sign for text in texts for sign in missing_glyphs(text)))


def _issuing() -> Issuing:
    issuing: Issuing = current_app.extensions["elearn.issuing"]
    return issuing
