"""What is kept no longer: old lines of the access log, spent links and sign-ins, questions that no attempt asks."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from flask import current_app
from sqlalchemy import ColumnElement, Connection, delete, func, or_, select, text

from elearn.models.database import reading, writing
from elearn.models.learning import Attempt, KeptPicture, QuestionText, Standing
from elearn.models.people import AccessLog, HalfSignIn, OneTimeLink, SignIn, Throttle
from elearn.services import access_log, privacy, throttle

SPENT_FOR = timedelta(days=30)
"""A one-time link or a sign-in that is over is kept so long, for whoever asks what happened."""

LONGEST_CALM = timedelta(days=92)
"""The access log has at least this command's own line of every night."""

ROWS_AT_ONCE = 5000
"""Deleted in one transaction: others write between two of them."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of thing that went, or would go: how many."""

    name: str
    count: int


class ClockAhead(Exception):
    """Nothing was noted for so long that the clock is to blame, not the calm: by it everything would be too old."""


def keep_to_the_rule(now: datetime, dry_run: bool) -> tuple[Kind, ...]:
    """Deletes what the rule no longer keeps; with `dry_run` it only counts. Returns each kind with its number. Raises
    ClockAhead."""
    _refuse_a_clock_ahead(now)
    log_days: int = current_app.config["ELEARN"].access_log_days
    plain: tuple[tuple[str, Any, Any, ColumnElement[bool]], ...] = (
        ("access log lines", AccessLog, AccessLog.id, AccessLog.at < now - timedelta(days=log_days)),
        ("one-time links", OneTimeLink, OneTimeLink.token_hash, _spent_links(now)),
        ("ended sign-ins", SignIn, SignIn.id, _ended_sign_ins(now)),
        ("sign-ins without their code", HalfSignIn, HalfSignIn.token_hash, HalfSignIn.expires_at < now),
        ("throttle rows", Throttle, Throttle.key, Throttle.free_at < now - throttle.KEPT_FOR),
    )
    kinds = [Kind(name, (_count if dry_run else _delete)(table, key, which)) for name, table, key, which in plain]
    kinds.append(Kind("addresses of erased officers", _addresses(now, dry_run)))
    kinds += _orphans(dry_run)
    if not dry_run:
        with writing() as connection:
            told = ", ".join(f"{kind.count} {kind.name}" for kind in kinds if kind.count)
            access_log.note(connection, "retention", now, detail=told or "nothing")
    return tuple(kinds)


def _refuse_a_clock_ahead(now: datetime) -> None:
    with reading() as connection:
        newest = connection.execute(select(func.max(AccessLog.at))).scalar()
    if newest is not None and now - newest > LONGEST_CALM:
        raise ClockAhead(f"{newest:%Y-%m-%d}")


def _spent_links(now: datetime) -> ColumnElement[bool]:
    before = now - SPENT_FOR
    return or_(OneTimeLink.used_at < before, OneTimeLink.expires_at < before)


def _ended_sign_ins(now: datetime) -> ColumnElement[bool]:
    """But not of whoever is still in a course: when she signed in tells at which pace she reads."""
    before = now - SPENT_FOR
    under_way = select(Standing.officer_id).where(
        Standing.officer_id == SignIn.officer_id, Standing.state == "in_progress"
    )
    return or_(SignIn.ended_at < before, SignIn.expires_at < before) & ~under_way.exists()


def _count(table: Any, key: Any, which: ColumnElement[bool]) -> int:
    with reading(longest=current_app.config["ELEARN"].export_seconds) as connection:
        return int(connection.execute(select(func.count()).select_from(table).where(which)).scalar_one())


def _delete(table: Any, key: Any, which: ColumnElement[bool]) -> int:
    some = select(key).where(which).limit(ROWS_AT_ONCE)
    gone = 0
    while True:
        with writing() as connection:
            deleted = connection.execute(delete(table).where(key.in_(some))).rowcount
        gone += deleted
        if deleted < ROWS_AT_ONCE:
            return gone


def _addresses(now: datetime, dry_run: bool) -> int:
    if dry_run:
        with reading() as connection:
            return privacy.addresses_to_forget(connection, now)
    with writing() as connection:
        return privacy.forget_addresses(connection, now)


def _orphans(dry_run: bool) -> list[Kind]:
    """Stored questions that no attempt asks any more, and stored pictures that no stored question shows."""
    with reading(longest=current_app.config["ELEARN"].export_seconds) as connection:
        texts = _unasked(connection)
        pictures = _unshown(connection, texts)
    if not dry_run and (texts or pictures):
        with writing() as connection:
            _keep_attempts_out(connection)
            texts = _unasked(connection)
            pictures = _unshown(connection, texts)
            _drop(connection, QuestionText, texts)
            _drop(connection, KeptPicture, pictures)
    return [Kind("stored questions", len(texts)), Kind("stored pictures", len(pictures))]


def _keep_attempts_out(connection: Connection) -> None:
    """An attempt that is just being started stores its questions first; until it is there, nobody else asks them."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("LOCK TABLE question_text, kept_picture IN SHARE ROW EXCLUSIVE MODE"))


def _unasked(connection: Connection) -> set[str]:
    unasked = set(connection.execute(select(QuestionText.hash)).scalars())
    papers = connection.execute(select(Attempt.paper), execution_options={"yield_per": ROWS_AT_ONCE}).scalars()
    for paper in papers:
        unasked.difference_update(asked["hash"] for asked in paper)
    return unasked


def _unshown(connection: Connection, unasked: set[str]) -> set[str]:
    unshown = set(connection.execute(select(KeptPicture.hash)).scalars())
    for question, body in connection.execute(select(QuestionText.hash, QuestionText.body)):
        if question not in unasked:
            unshown = {picture for picture in unshown if picture not in body}
    return unshown


def _drop(connection: Connection, table: Any, hashes: set[str]) -> None:
    ordered = sorted(hashes)
    for start in range(0, len(ordered), 500):
        connection.execute(delete(table).where(table.hash.in_(ordered[start : start + 500])))
