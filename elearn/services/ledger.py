"""Adds entries to the ledger, inside the transaction of the act they tell of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime

from sqlalchemy import Connection, bindparam, insert, select, update

from elearn.domain.ledger import KINDS, START, Fact, commitment, next_entry
from elearn.models.ledger import Ledger, LedgerHead
from elearn.models.people import Officer
from elearn.services import counting

TOLD_BY_THE_LOG = frozenset({"role_granted", "role_ended", "list_exported", "erased", "certificate_revoked"})
"""Kinds that stand in the access log too, so that nothing is counted twice."""


class OfficerErased(LookupError):
    """The officer has no salt any more, so nothing can be committed to in her chain."""


def open_chain(connection: Connection, officer_id: int) -> None:
    """Begins the chain of a new officer."""
    connection.execute(insert(LedgerHead).values(subject=officer_id, number=0, hash=START))


def append(
    connection: Connection,
    officer_id: int,
    kind: str,
    reference: str,
    facts: Mapping[str, Fact],
    now: datetime,
    *,
    of_erased: bool = False,
) -> str:
    """One more entry in the officer's chain; returns the chain's new head. `facts` stay in their own rows: here
    goes only a salted commitment to them.

    Locks the head row first, so that two acts of one officer follow each other. Raises OfficerErased; with `of_erased`
    the entry of an erased officer commits to nothing that anybody could still check.
    """
    assert kind in KINDS, f"unknown ledger kind {kind}"
    head = connection.execute(_HEAD, {"officer": officer_id}).one_or_none()
    if head is None or (head.salt is None and not of_erased):
        raise OfficerErased(officer_id)
    committed = commitment(head.salt or b"", facts)
    entry = next_entry(officer_id, head.number + 1, head.hash, now, kind, reference, committed)
    connection.execute(_ENTRY, asdict(entry))
    connection.execute(_MOVE_HEAD, {"officer": officer_id, "to_number": entry.number, "to_hash": entry.hash})
    if kind not in TOLD_BY_THE_LOG:
        counting.happened(connection, kind)
    return entry.hash


# Built once: putting a statement together costs more than running it.
_HEAD = (
    select(LedgerHead.number, LedgerHead.hash, Officer.salt)
    .join(Officer, Officer.id == LedgerHead.subject)
    .where(LedgerHead.subject == bindparam("officer"))
    .with_for_update(of=LedgerHead)
)
_ENTRY = insert(Ledger)
_MOVE_HEAD = (
    update(LedgerHead)
    .where(LedgerHead.subject == bindparam("officer"))
    .values(number=bindparam("to_number"), hash=bindparam("to_hash"))
)


def head_of(connection: Connection, officer_id: int) -> str:
    return connection.execute(select(LedgerHead.hash).where(LedgerHead.subject == officer_id)).scalar_one()
