"""Certificates as issued: the signed bytes, and what has become of them since."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from elearn.models.database import EMPTY, Base, Moment

STATES = ("valid", "withheld", "superseded", "revoked")


class Certificate(Base):
    """One certificate, or one statement of completion where `module` names the module. `token` is the signed record,
    from which page, PDF and file are made; it never changes.

    `withheld`: the completion stands, but a name holds a character that no shipped font can set; `why` says which.
    """

    __tablename__ = "certificate"
    __table_args__ = (
        CheckConstraint(f"state IN {STATES!r}", name="state"),
        Index(
            "uq_certificate_one",
            "officer_id",
            "course",
            "version",
            "module",
            unique=True,
            sqlite_where=text("state IN ('valid', 'withheld')"),
            postgresql_where=text("state IN ('valid', 'withheld')"),
        ),
    )

    serial: Mapped[str] = mapped_column(String(26), primary_key=True)
    officer_id: Mapped[int] = mapped_column(ForeignKey("officer.id"), index=True)
    course: Mapped[str] = mapped_column(String(80))
    module: Mapped[str] = mapped_column(String(80), default="", server_default=EMPTY)
    version: Mapped[str] = mapped_column(String(64))
    issued_at: Mapped[datetime] = mapped_column(Moment)
    token: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(String(12))
    state_at: Mapped[datetime] = mapped_column(Moment)
    why: Mapped[str] = mapped_column(String(400), default="", server_default=EMPTY)
    superseded_by: Mapped[str | None] = mapped_column(String(26))
