"""Officers and offices as an administrator keeps them: adding, naming, posting, roles, shutting out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import cast
from zoneinfo import ZoneInfo

from flask import current_app
from sqlalchemy import ColumnElement, Connection, func, insert, or_, select, text, update
from sqlalchemy.exc import IntegrityError

from elearn.domain.course import Course
from elearn.domain.roles import OF_AN_OFFICE, ROLES, RoleName
from elearn.models.database import insert as insert_or
from elearn.models.database import reading, writing
from elearn.models.learning import Enrolment
from elearn.models.people import Office, Officer, OfficerName, Posting, Role
from elearn.services import access_log, accounts, learning, ledger, rights, standing
from elearn.services.intake import Newcomer, Post, open_posts, write_newcomers
from elearn.services.spelling import (
    BadCode,
    BadEmail,
    BadName,
    BadNumber,
    clean_code,
    clean_email,
    clean_name,
    clean_number,
    clean_tag,
    clean_words,
    comparable,
    language_of,
)

__all__ = ["BadCode", "BadEmail", "BadName", "BadNumber", "language_of"]


class EmailTaken(ValueError):
    """Another officer has this e-mail."""


class NumberTaken(ValueError):
    """Another officer has this employee number."""


class CodeTaken(ValueError):
    """Another office has this code."""


class NoSuchOffice(LookupError):
    """No office has this code."""


class NoSuchOfficer(LookupError):
    """Nobody has this e-mail, employee number or id."""


class NoSuchRole(LookupError):
    """There is no such role, or the officer does not hold it there."""


class RoleWithoutOffice(ValueError):
    """A role that is held everywhere or not at all was to be given for one office."""


class NotYourself(ValueError):
    """An administrator may not shut herself out or drop her own office: so there is always one left."""


class NoSuchRoute(LookupError):
    """The course has no route of this name."""


@dataclass(frozen=True, slots=True)
class OfficeEntry:
    """An office as the tree lists it; `path` holds the codes from the top, /MD/MD-COL/."""

    id: int
    code: str
    name: str
    name_hi: str
    path: str


@dataclass(frozen=True, slots=True)
class Person:
    """An officer as an administrator sees her. Roles are (role, office code or "" for everywhere)."""

    officer_id: int
    email: str
    employee_number: str
    language: str
    disabled_at: datetime | None
    names: tuple[tuple[str, str], ...]  # (language tag, name), the primary one first
    office_code: str
    designation: str
    roles: tuple[tuple[RoleName, str], ...]
    office: str = ""
    office_hi: str = ""


def add_officer(
    email: str,
    names: Mapping[str, str],
    *,
    now: datetime,
    primary: str = "",
    employee_number: str = "",
    office: str = "",
    designation: str = "",
    courses: Sequence[Course] = (),
    route: str = "",
    language: str = "en",
    by: int | None = None,
) -> int:
    """Adds an officer, enrolled in each of `courses`; returns her number.

    `names` are by language tag, and `primary` says which of them certificates carry, else the first. Without an
    `office` she has no posting; without a `route` she takes the course's first. `language` is that of her pages.
    Raises BadName, BadEmail, BadNumber, EmailTaken, NumberTaken, NoSuchOffice.
    """
    primary = primary or next(iter(names), "")
    cleaned = clean_names(names, primary)
    kept_email, number = clean_email(email), clean_number(employee_number)
    post = clean_words(designation)
    try:
        with writing() as connection:
            _refuse_taken(connection, kept_email, number)
            place = office_of(connection, office) if office.strip() else None
            newcomer = Newcomer(kept_email, number, cleaned, primary, language, place, post, route)
            officer_id = write_newcomers(connection, [newcomer], courses, today(now), now, by)[0]
            access_log.note(
                connection, "officer_added", now, officer_id=by, about=officer_id, detail=f"officer {officer_id}"
            )
    except IntegrityError:
        # On PostgreSQL somebody else may add the same officer between the look and the insert.
        with reading() as connection:
            _refuse_taken(connection, kept_email, number)
        raise
    return officer_id


def set_name(
    officer_id: int, language: str, name: str, now: datetime, primary: bool = False, by: int | None = None
) -> None:
    """Gives an officer a name in one language, or another one; `primary` makes it the one on certificates.

    Raises BadName, NoSuchOfficer.
    """
    cleaned, tag = clean_name(name), clean_tag(language)
    with writing() as connection:
        _refuse_unknown(connection, officer_id)
        write_name(connection, officer_id, tag, cleaned, primary)
        access_log.note(
            connection, "name_set", now, officer_id=by, about=officer_id, detail=f"officer {officer_id} {language}"
        )


def post_officer(officer_id: int, office: str, designation: str, now: datetime, by: int | None = None) -> bool:
    """Posts an officer to an office, or gives her another designation there; the posting before is closed. Another
    office ends her sign-ins. Returns whether anything changed. Raises NoSuchOfficer, NoSuchOffice, BadName."""
    post = clean_words(designation)
    with writing() as connection:
        _refuse_unknown(connection, officer_id)
        place = office_of(connection, office)
        before = connection.execute(
            select(Posting.office_id, Posting.designation).where(_main_posting(officer_id))
        ).one_or_none()
        if before and (before.office_id, before.designation) == (place[0], post):
            return False
        close_posts(connection, [officer_id], today(now))
        open_posts(connection, [Post(officer_id, place, post)], today(now), now)
        if before and before.office_id != place[0]:
            accounts.end_sign_ins(connection, officer_id, now)
        access_log.note(
            connection, "posted", now, officer_id=by, about=officer_id, detail=f"officer {officer_id} {place[1]}"
        )
    return True


def set_route(officer_id: int, course: Course, route: str, now: datetime, by: int | None = None) -> None:
    """Puts an officer on another route of a course; where that asks for less than she has done, it completes her.

    Raises NoSuchOfficer, NoSuchRoute.
    """
    if route not in {known.id for known in course.routes}:
        raise NoSuchRoute(route)
    with writing() as connection:
        _refuse_unknown(connection, officer_id)
        write_route(connection, officer_id, course, route, now)
        detail = f"officer {officer_id} {course.id} {route}"
        access_log.note(connection, "route_set", now, officer_id=by, about=officer_id, detail=detail)


def grant_role(
    officer_id: int, role: str, office: str | None, now: datetime, by: int | None = None, address: str = ""
) -> bool:
    """Gives a role in one office and all below it, or everywhere (None). Her sign-ins end: a new right begins with a
    new sign-in. Returns False when she holds it already. Raises NoSuchRole, RoleWithoutOffice, NoSuchOfficer,
    NoSuchOffice, NotAdministrator."""
    _refuse_unknown_role(role)
    if office and role not in OF_AN_OFFICE:
        raise RoleWithoutOffice(role)
    with writing() as connection:
        _refuse_unfit(connection, officer_id, by, now)
        place = office_of(connection, office) if office else None
        if connection.execute(select(Role.id).where(_holds(officer_id, role, place, now))).first():
            return False
        row = {"officer_id": officer_id, "role": role, "office_id": place[0] if place else None, "since": now}
        role_id = connection.execute(insert(Role).values(**row).returning(Role.id)).scalar_one()
        _note_role(connection, "role_granted", officer_id, role_id, role, place, now, by, address)
    return True


def end_role(
    officer_id: int, role: str, office: str | None, now: datetime, by: int | None = None, address: str = ""
) -> None:
    """Takes a role away again; her sign-ins end. Raises NoSuchRole, NoSuchOfficer, NoSuchOffice, NotYourself,
    NotAdministrator."""
    _refuse_unknown_role(role)
    if by == officer_id and role == "administrator":
        raise NotYourself(role)
    with writing() as connection:
        _refuse_unfit(connection, officer_id, by, now)
        place = office_of(connection, office) if office else None
        ended = connection.execute(
            update(Role).where(_holds(officer_id, role, place, now)).values(until=now).returning(Role.id)
        ).scalars()
        ids = list(ended)
        if not ids:
            raise NoSuchRole(f"{role} is not held there")
        for role_id in ids:
            _note_role(connection, "role_ended", officer_id, role_id, role, place, now, by, address)


def disable_officer(officer_id: int, now: datetime, by: int | None = None, address: str = "") -> None:
    """Shuts an officer out at once, on every device. Her records stay. Raises NoSuchOfficer, NotYourself,
    NotAdministrator."""
    if by == officer_id:
        raise NotYourself("disable")
    with writing() as connection:
        _refuse_unfit(connection, officer_id, by, now)
        connection.execute(
            update(Officer).where(Officer.id == officer_id, Officer.disabled_at.is_(None)).values(disabled_at=now)
        )
        accounts.end_sign_ins(connection, officer_id, now)
        accounts.void_links(connection, officer_id, now)
        detail = f"officer {officer_id}"
        access_log.note(connection, "disabled", now, officer_id=by, about=officer_id, detail=detail, address=address)


def enable_officer(officer_id: int, now: datetime, by: int | None = None, address: str = "") -> None:
    """Lets an officer in again, with the password she had. Raises NoSuchOfficer, also of whoever was erased, and
    NotAdministrator."""
    with writing() as connection:
        _refuse_unfit(connection, officer_id, by, now)
        still_somebody = (Officer.id == officer_id) & Officer.salt.is_not(None)
        if not connection.execute(update(Officer).where(still_somebody).values(disabled_at=None)).rowcount:
            raise NoSuchOfficer(officer_id)
        detail = f"officer {officer_id}"
        access_log.note(connection, "enabled", now, officer_id=by, about=officer_id, detail=detail, address=address)


def add_office(
    code: str,
    name: str,
    parent_code: str | None = None,
    *,
    now: datetime,
    name_hi: str = "",
    by: int | None = None,
) -> OfficeEntry:
    """Adds an office under another one, or at the top. Raises BadCode, BadName, CodeTaken, NoSuchOffice."""
    kept, called = clean_code(code), clean_name(name, "The name of the office")
    hindi = clean_words(name_hi, "The Hindi name of the office")
    try:
        with writing() as connection:
            made = write_office(connection, kept, called, parent_code or "", hindi)
            access_log.note(connection, "office_added", now, officer_id=by, detail=kept)
            return made
    except IntegrityError:
        raise CodeTaken(kept) from None


def offices_at(paths: Sequence[str]) -> tuple[OfficeEntry, ...]:
    """The offices with these paths."""
    query = select(Office.id, Office.code, Office.name, Office.name_hi, Office.path).where(Office.path.in_(paths))
    with reading() as connection:
        return tuple(OfficeEntry(*row) for row in connection.execute(query.order_by(Office.path)))


def offices() -> tuple[OfficeEntry, ...]:
    """All offices, each after the one above it."""
    query = select(Office.id, Office.code, Office.name, Office.name_hi, Office.path).order_by(Office.path)
    with reading() as connection:
        return tuple(OfficeEntry(*row) for row in connection.execute(query))


def find_officer(email_or_number: str) -> int:
    """The officer with this e-mail or employee number. Raises NoSuchOfficer."""
    wanted = comparable(email_or_number)
    query = select(Officer.id).where(
        or_(Officer.email == accounts.folded(wanted), Officer.employee_number == wanted.upper())
    )
    with reading() as connection:
        found = connection.execute(query).scalars().all()
    if len(found) != 1:
        raise NoSuchOfficer(wanted)
    return found[0]


def person(officer_id: int, now: datetime) -> Person:
    """One officer with her names, post and roles. Raises NoSuchOfficer."""
    with reading() as connection:
        officer = connection.execute(
            select(Officer.email, Officer.employee_number, Officer.language, Officer.disabled_at).where(
                Officer.id == officer_id
            )
        ).one_or_none()
        if officer is None:
            raise NoSuchOfficer(officer_id)
        names = connection.execute(
            select(OfficerName.language, OfficerName.name)
            .where(OfficerName.officer_id == officer_id)
            .order_by(OfficerName.is_primary.desc(), OfficerName.language)
        ).all()
        post = connection.execute(
            select(Office.code, Office.name, Office.name_hi, Posting.designation)
            .join(Posting)
            .where(_main_posting(officer_id))
        ).one_or_none()
        roles = connection.execute(
            select(Role.role, func.coalesce(Office.code, ""))
            .outerjoin(Office, Office.id == Role.office_id)
            .where(Role.officer_id == officer_id, rights.holds_now(now))
            .order_by(Role.id)
        ).all()
    return Person(
        officer_id,
        officer.email or "",
        officer.employee_number or "",
        officer.language,
        officer.disabled_at,
        tuple((row.language, row.name) for row in names),
        post.code if post else "",
        post.designation if post else "",
        tuple((cast(RoleName, role), code) for role, code in roles),
        post.name if post else "",
        post.name_hi if post else "",
    )


def is_anybody_outside(domain: str) -> bool:
    """Whether anybody here has an e-mail of another domain, or none."""
    query = select(Officer.id).where(or_(Officer.email.is_(None), ~Officer.email.endswith(f"@{domain}")))
    with reading() as connection:
        return connection.execute(query.limit(1)).first() is not None


def has_administrator(now: datetime) -> bool:
    """Whether anybody may administer this installation."""
    query = (
        select(Role.id)
        .join(Officer, Officer.id == Role.officer_id)
        .where(Role.role == "administrator", rights.holds_now(now))
        .where(Officer.disabled_at.is_(None))
    )
    with reading() as connection:
        return connection.execute(query).first() is not None


def today(now: datetime) -> date:
    """The day it is where this installation stands: postings have days, not moments."""
    zone: ZoneInfo = current_app.config["ELEARN"].timezone
    return now.astimezone(zone).date()


def clean_names(names: Mapping[str, str], primary: str) -> dict[str, str]:
    """Names by language as they are kept. Raises BadName, also when there is none in the primary language."""
    if primary not in names:
        raise BadName("The name is missing.")
    return {clean_tag(tag): clean_name(name) for tag, name in names.items()}


def office_of(connection: Connection, code: str) -> tuple[int, str]:
    """(id, code) of an office. Raises NoSuchOffice."""
    row = connection.execute(
        select(Office.id, Office.code).where(Office.code == comparable(code).upper())
    ).one_or_none()
    if row is None:
        raise NoSuchOffice(code)
    return row.id, row.code


def write_office(connection: Connection, code: str, name: str, parent: str = "", name_hi: str = "") -> OfficeEntry:
    """Adds an office inside a transaction, its code and names already as they are kept. Raises NoSuchOffice."""
    above = None
    if parent.strip():
        query = select(Office.id, Office.path).where(Office.code == comparable(parent).upper())
        above = connection.execute(query).one_or_none()
        if above is None:
            raise NoSuchOffice(parent)
    row = {
        "code": code,
        "name": name,
        "name_hi": name_hi,
        "parent_id": above.id if above else None,
        "path": f"{above.path if above else '/'}{code}/",
    }
    office_id = connection.execute(insert(Office).values(**row).returning(Office.id)).scalar_one()
    return OfficeEntry(office_id, code, name, name_hi, str(row["path"]))


def write_name(connection: Connection, officer_id: int, language: str, name: str, primary: bool) -> None:
    """Keeps a name inside a transaction, already as it is kept."""
    if primary:
        # First, since only one name of an officer may be the primary one at any moment.
        connection.execute(
            update(OfficerName)
            .where(OfficerName.officer_id == officer_id, OfficerName.language != language)
            .values(is_primary=False)
        )
    values = {"name": name, "is_primary": True} if primary else {"name": name}
    row = {"officer_id": officer_id, "language": language, "is_primary": primary, "name": name}
    statement = insert_or(connection, OfficerName).values(**row)
    connection.execute(statement.on_conflict_do_update(index_elements=["officer_id", "language"], set_=values))


def write_route(connection: Connection, officer_id: int, course: Course, route: str, now: datetime) -> None:
    """Changes the route inside a transaction, and what the officer's standing is on it."""
    enrolled = standing.lock_enrolment(connection, officer_id, course, now)
    mine = (Enrolment.officer_id == officer_id) & (Enrolment.course == course.id)
    connection.execute(update(Enrolment).where(mine).values(route=route))
    ledger.append(connection, officer_id, "enrolled", course.id, {"course": course.id, "route": route}, now)
    learning.after_act(connection, officer_id, course, replace(enrolled, route=route), now)


def close_posts(connection: Connection, officers: Sequence[int], day: date) -> None:
    """Ends the main postings of officers. One that was to begin later never began: it ends as it begins."""
    still = Posting.officer_id.in_(officers) & (Posting.kind == "main") & Posting.until.is_(None)
    later = Posting.since > day
    connection.execute(update(Posting).where(still, later).values(until=Posting.since))
    connection.execute(update(Posting).where(still).values(until=day))


def shut_out_other_imports(connection: Connection) -> None:
    """Keeps others from adding officers until this transaction ends, so that what was looked up stays true."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("LOCK TABLE officer IN SHARE ROW EXCLUSIVE MODE"))


def _main_posting(officer_id: int) -> ColumnElement[bool]:
    return (Posting.officer_id == officer_id) & (Posting.kind == "main") & Posting.until.is_(None)


def _holds(officer_id: int, role: str, place: tuple[int, str] | None, now: datetime) -> ColumnElement[bool]:
    where = Role.office_id == place[0] if place else Role.office_id.is_(None)
    return (Role.officer_id == officer_id) & (Role.role == role) & where & rights.holds_now(now)


def _note_role(
    connection: Connection,
    kind: str,
    officer_id: int,
    role_id: int,
    role: str,
    place: tuple[int, str] | None,
    now: datetime,
    by: int | None,
    address: str,
) -> None:
    office = place[1] if place else ""
    ledger.append(connection, officer_id, kind, str(role_id), {"role": role, "office": office}, now)
    accounts.end_sign_ins(connection, officer_id, now)
    accounts.void_links(connection, officer_id, now)
    detail = f"officer {officer_id} {role} {office}".strip()
    access_log.note(connection, kind, now, officer_id=by, about=officer_id, detail=detail, address=address)


def _refuse_unknown_role(role: str) -> None:
    if role not in ROLES:
        raise NoSuchRole(f"there is no role {role}: {', '.join(ROLES)}")


def _refuse_unfit(connection: Connection, officer_id: int, by: int | None, now: datetime) -> None:
    """Where there is no such officer, or `by` has no right to the act any more. Locks both."""
    if not rights.begin_act(connection, officer_id, by, now):
        raise NoSuchOfficer(officer_id)


def _refuse_unknown(connection: Connection, officer_id: int) -> None:
    """Also locks the officer, so that two changes to one officer follow each other."""
    query = select(Officer.id).where(Officer.id == officer_id).with_for_update()
    if connection.execute(query).scalar_one_or_none() is None:
        raise NoSuchOfficer(officer_id)


def _refuse_taken(connection: Connection, email: str, number: str | None) -> None:
    same = Officer.email == email
    if number:
        same |= Officer.employee_number == number
    taken = connection.execute(select(Officer.email).where(same)).all()
    if any(row.email == email for row in taken):
        raise EmailTaken(email)
    if taken:
        raise NumberTaken(number)
