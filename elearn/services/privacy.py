"""What the law gives an officer: to see all that is kept about her, and to be erased."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from flask import current_app
from sqlalchemy import ColumnElement, Connection, and_, delete, func, select, update

from elearn.exports.personal_file import PersonalData, personal_file
from elearn.models.certificates import Certificate
from elearn.models.database import db, reading, writing
from elearn.models.people import AccessLog, Officer, Role, Throttle
from elearn.services import access_log, ledger, personal_data, rights, throttle
from elearn.services.people import NoSuchOfficer

ADDRESSES_KEPT = timedelta(days=180)
"""For so long network addresses of an erased officer's sign-ins stay: CERT-In's directions ask for 180 days of log."""


class LastAdministrator(ValueError):
    """Nobody else could look after this installation: make another administrator first."""


class AlreadyErased(ValueError):
    """Her data were erased before."""


@dataclass(frozen=True, slots=True)
class Erased:
    """What erasing did: rows deleted or blanked, by table."""

    officer_id: int
    touched: dict[str, int]


def export(officer_id: int, now: datetime, by: int | None = None, address: str = "") -> bytes:
    """A ZIP with everything that is kept about an officer, for programs (JSON) and for her (HTML); the access log says
    that it was made, and for whom. Raises NoSuchOfficer."""
    with writing() as connection:
        if connection.execute(select(Officer.id).where(Officer.id == officer_id)).first() is None:
            raise NoSuchOfficer(officer_id)
        access_log.note(
            connection,
            "data_exported",
            now,
            officer_id=by,
            about=officer_id,
            detail=f"officer {officer_id}",
            address=address,
        )
    with reading(longest=current_app.config["ELEARN"].export_seconds) as connection:
        data = PersonalData(
            officer_id,
            now,
            current_app.config["ELEARN"].organisation,
            personal_data.gather(connection, officer_id),
            personal_data.acts_on_others(connection, officer_id),
        )
    return personal_file(data, current_app.config["ELEARN"].timezone)


def erase(officer_id: int, now: datetime, by: int | None = None) -> Erased:
    """Erases who an officer is. What she did stays under a bare number, so that totals hold; her chain stays whole,
    its salt gone; the certificates she was given can still be checked, and no page shows a name for them.

    Raises NoSuchOfficer, AlreadyErased, LastAdministrator.
    """
    with writing() as connection:
        _overwrite_what_is_deleted(connection)
        officer = connection.execute(
            select(Officer.id, Officer.email, Officer.salt).where(Officer.id == officer_id).with_for_update()
        ).one_or_none()
        if officer is None:
            raise NoSuchOfficer(officer_id)
        if officer.salt is None:
            raise AlreadyErased(officer_id)
        _end_roles(connection, officer_id, now)
        _revoke_withheld(connection, officer_id, now)
        ledger.append(connection, officer_id, "erased", str(officer_id), {}, now)
        touched = personal_data.blank(connection, officer_id)
        connection.execute(
            update(Officer).where(Officer.id == officer_id, Officer.disabled_at.is_(None)).values(disabled_at=now)
        )
        connection.execute(delete(Throttle).where(Throttle.key.in_(throttle.keys_of(officer.email or ""))))
        forget_addresses(connection, now, officer_id)
        access_log.note(connection, "erased", now, officer_id=by, about=officer_id, detail=f"officer {officer_id}")
    _empty_the_journal()
    return Erased(officer_id, touched)


def forget_addresses(connection: Connection, now: datetime, officer_id: int | None = None) -> int:
    """Takes the network addresses out of what the access log holds of erased officers, once it is old enough; returns
    of how many lines."""
    return connection.execute(update(AccessLog).where(_too_long_kept(now, officer_id)).values(address="")).rowcount


def addresses_to_forget(connection: Connection, now: datetime) -> int:
    """Of how many lines `forget_addresses` would take them."""
    query = select(func.count()).select_from(AccessLog).where(_too_long_kept(now))
    return int(connection.execute(query).scalar_one())


def _too_long_kept(now: datetime, officer_id: int | None = None) -> ColumnElement[bool]:
    erased = select(Officer.id).where(Officer.salt.is_(None))
    whose = AccessLog.officer_id == officer_id if officer_id else AccessLog.officer_id.in_(erased)
    return and_(whose, AccessLog.at < now - ADDRESSES_KEPT, AccessLog.address != "")


def _end_roles(connection: Connection, officer_id: int, now: datetime) -> None:
    live = rights.holds_now(now)
    held = connection.execute(select(Role.id, Role.role).where(Role.officer_id == officer_id, live)).all()
    if any(row.role == "administrator" for row in held):
        others = (
            select(Role.id)
            .join(Officer, Officer.id == Role.officer_id)
            .where(Role.role == "administrator", live, Role.officer_id != officer_id, Officer.disabled_at.is_(None))
        )
        if connection.execute(others.limit(1)).first() is None:
            raise LastAdministrator(officer_id)
    for row in held:
        connection.execute(update(Role).where(Role.id == row.id).values(until=now))
        ledger.append(connection, officer_id, "role_ended", str(row.id), {"role": row.role}, now)


def _revoke_withheld(connection: Connection, officer_id: int, now: datetime) -> None:
    """A certificate that waits for a name that can be printed will never have one; nobody was given it."""
    waiting = (Certificate.officer_id == officer_id) & (Certificate.state == "withheld")
    for serial in connection.execute(select(Certificate.serial).where(waiting)).scalars().all():
        connection.execute(
            update(Certificate).where(Certificate.serial == serial).values(state="revoked", state_at=now, why="")
        )
        ledger.append(connection, officer_id, "certificate_revoked", serial, {"serial": serial}, now)


def _overwrite_what_is_deleted(connection: Connection) -> None:
    """SQLite leaves what is deleted in its file until the space is needed; here it is overwritten."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("PRAGMA secure_delete=ON")


def _empty_the_journal() -> None:
    """SQLite's journal still holds the pages as they were; whatever of it is in use just now goes a little later."""
    if db.engine.dialect.name == "sqlite":
        with reading() as connection:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
