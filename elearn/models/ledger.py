"""The ledger: consequential facts, append-only, one hash chain for each officer.

Triggers refuse UPDATE and DELETE (and TRUNCATE on PostgreSQL). A commitment is a salted hash of the facts, so
that erasing the salt, which lies with the officer, leaves the chain whole and tells nobody anything.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from elearn.models.database import Base, Id, Moment


class Ledger(Base):
    """One entry. `subject` is the officer's number; `reference` names the act's row; see domain/ledger.py."""

    __tablename__ = "ledger"

    subject: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=False)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    at: Mapped[datetime] = mapped_column(Moment)
    kind: Mapped[str] = mapped_column(String(40))
    reference: Mapped[str] = mapped_column(String(120))
    commitment: Mapped[str] = mapped_column(String(64))
    previous: Mapped[str] = mapped_column(String(64))
    hash: Mapped[str] = mapped_column(String(64))


class LedgerHead(Base):
    """The end of an officer's chain: the row that is locked before an entry is added."""

    __tablename__ = "ledger_head"

    subject: Mapped[int] = mapped_column(
        ForeignKey("officer.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    number: Mapped[int]
    hash: Mapped[str] = mapped_column(String(64))
