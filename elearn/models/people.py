"""Who people are, how they enter, where they are posted and what they may do."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Date,
    ForeignKey,
    Index,
    LargeBinary,
    String,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from elearn.domain.roles import ROLES
from elearn.models.database import EMPTY, Base, Id, Moment

BY_FIRST_LETTERS = "text_pattern_ops"
"""How PostgreSQL must order an index for it to serve LIKE 'begins%' whatever the language of the database is."""


class Officer(Base):
    """A person. The number stays the same through every change of name, post and e-mail.

    `salt` is what ledger commitments are made with; erasing it makes them mean nothing while the chain still holds.
    """

    __tablename__ = "officer"
    __table_args__ = (
        UniqueConstraint("authority", "employee_number"),
        # Whoever is looked for by the first letters is found without reading all rows: see BY_FIRST_LETTERS.
        Index("ix_officer_email", "email", postgresql_ops={"email": BY_FIRST_LETTERS}),
        Index("ix_officer_employee_number", "employee_number", postgresql_ops={"employee_number": BY_FIRST_LETTERS}),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    email: Mapped[str | None] = mapped_column(String(254), unique=True)  # case-folded
    authority: Mapped[str] = mapped_column(String(60), default="", server_default=EMPTY)
    employee_number: Mapped[str | None] = mapped_column(String(60))
    language: Mapped[str] = mapped_column(String(20), default="en", server_default="en")
    salt: Mapped[bytes | None] = mapped_column(LargeBinary)
    created_at: Mapped[datetime] = mapped_column(Moment)
    disabled_at: Mapped[datetime | None] = mapped_column(Moment)


class OfficerName(Base):
    """A name in one language and script; one of them is the primary one, which certificates carry."""

    __tablename__ = "officer_name"
    __table_args__ = (
        Index(
            "uq_officer_name_primary",
            "officer_id",
            unique=True,
            sqlite_where=text("is_primary"),
            postgresql_where=text("is_primary"),
        ),
        Index("ix_officer_name_name", "name", postgresql_ops={"name": BY_FIRST_LETTERS}),
    )

    officer_id: Mapped[int] = mapped_column(ForeignKey("officer.id", ondelete="CASCADE"), primary_key=True)
    language: Mapped[str] = mapped_column(String(20), primary_key=True)
    name: Mapped[str] = mapped_column(String(200))
    is_primary: Mapped[bool] = mapped_column(default=False)


class Office(Base):
    """An office in the tree State, department, district office. `path` is the codes from the top, /MN/DIT/: who is
    responsible for an office sees everything whose path begins with its own."""

    __tablename__ = "office"
    __table_args__ = (CheckConstraint("path LIKE '/%/'", name="path"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    code: Mapped[str] = mapped_column(String(40), unique=True)
    name: Mapped[str] = mapped_column(String(200))
    name_hi: Mapped[str] = mapped_column(String(200), default="", server_default=EMPTY)
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("office.id"))
    path: Mapped[str] = mapped_column(String(400), index=True)


class Posting(Base):
    """An officer holds a post in an office for a time. Additional charges are common; one posting is the main one."""

    __tablename__ = "posting"
    __table_args__ = (
        CheckConstraint("kind IN ('main', 'additional')", name="kind"),
        CheckConstraint("until IS NULL OR until >= since", name="order"),
        Index(
            "uq_posting_main",
            "officer_id",
            unique=True,
            sqlite_where=text("kind = 'main' AND until IS NULL"),
            postgresql_where=text("kind = 'main' AND until IS NULL"),
        ),
        Index("ix_posting_office_id", "office_id"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    officer_id: Mapped[int] = mapped_column(ForeignKey("officer.id", ondelete="CASCADE"), index=True)
    office_id: Mapped[int] = mapped_column(ForeignKey("office.id"))
    kind: Mapped[str] = mapped_column(String(12), default="main")
    designation: Mapped[str] = mapped_column(String(200), default="", server_default=EMPTY)
    since: Mapped[date] = mapped_column(Date)
    until: Mapped[date | None] = mapped_column(Date)


class Role(Base):
    """What an officer may do beyond learning: in one office and all below it, or everywhere (office_id empty)."""

    __tablename__ = "role"
    __table_args__ = (CheckConstraint(f"role IN {ROLES!r}", name="role"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    officer_id: Mapped[int] = mapped_column(ForeignKey("officer.id", ondelete="CASCADE"), index=True)
    role: Mapped[str] = mapped_column(String(20))
    office_id: Mapped[int | None] = mapped_column(ForeignKey("office.id"))
    since: Mapped[datetime] = mapped_column(Moment)
    until: Mapped[datetime | None] = mapped_column(Moment)


class Password(Base):
    """An argon2id hash. No row: the officer has not chosen a password yet."""

    __tablename__ = "password"

    officer_id: Mapped[int] = mapped_column(ForeignKey("officer.id", ondelete="CASCADE"), primary_key=True)
    hash: Mapped[str] = mapped_column(Text)
    set_at: Mapped[datetime] = mapped_column(Moment)


class SignIn(Base):
    """One sign-in on one device. The browser holds a random token; only its hash is here, so a copy of this table
    lets nobody in. Ended means ended everywhere, at once. `proved_at` is when it last showed the password, and the
    code where there is one, or when its owner showed a provider who she is: dangerous acts ask that it was lately."""

    __tablename__ = "sign_in"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    officer_id: Mapped[int] = mapped_column(ForeignKey("officer.id", ondelete="CASCADE"), index=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    device: Mapped[str] = mapped_column(String(200), default="", server_default=EMPTY)
    created_at: Mapped[datetime] = mapped_column(Moment)
    seen_at: Mapped[datetime] = mapped_column(Moment)
    expires_at: Mapped[datetime] = mapped_column(Moment)
    ended_at: Mapped[datetime | None] = mapped_column(Moment)
    proved_at: Mapped[datetime | None] = mapped_column(Moment)


class HalfSignIn(Base):
    """The password was right, the code is still to come. It stands in a table of its own so that no query for a
    sign-in can ever find it: it opens nothing."""

    __tablename__ = "half_sign_in"

    token_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    officer_id: Mapped[int] = mapped_column(ForeignKey("officer.id", ondelete="CASCADE"), index=True)
    created_at: Mapped[datetime] = mapped_column(Moment)
    expires_at: Mapped[datetime] = mapped_column(Moment)


class SecondFactor(Base):
    """What an officer's phone makes codes from (RFC 6238), sealed. Until it is confirmed by a first code it is asked
    for nowhere. `last_step` is the half minute of the newest code that was taken: each is good once."""

    __tablename__ = "second_factor"
    __table_args__ = (CheckConstraint("confirmed_at IS NULL OR last_step > 0", name="confirmed"),)

    officer_id: Mapped[int] = mapped_column(ForeignKey("officer.id", ondelete="CASCADE"), primary_key=True)
    sealed: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[datetime] = mapped_column(Moment)
    confirmed_at: Mapped[datetime | None] = mapped_column(Moment)
    last_step: Mapped[int] = mapped_column(BigInteger, default=0, server_default=text("0"))


class RecoveryCode(Base):
    """Stands in for a lost phone, once. `label`, its first letters, says which hash to compare with."""

    __tablename__ = "recovery_code"

    officer_id: Mapped[int] = mapped_column(ForeignKey("officer.id", ondelete="CASCADE"), primary_key=True)
    label: Mapped[str] = mapped_column(String(4), primary_key=True)
    hash: Mapped[str] = mapped_column(Text)
    used_at: Mapped[datetime | None] = mapped_column(Moment)


class FederatedIdentity(Base):
    """Whom a provider of identities means here by one of its subjects. Written at the first sign-in; from then on
    nothing else the provider says is looked at, so another e-mail there neither loses nor steals an account."""

    __tablename__ = "federated_identity"
    __table_args__ = (UniqueConstraint("officer_id", "issuer"),)

    issuer: Mapped[str] = mapped_column(String(255), primary_key=True)
    subject: Mapped[str] = mapped_column(String(255), primary_key=True)
    officer_id: Mapped[int] = mapped_column(ForeignKey("officer.id", ondelete="CASCADE"))
    linked_at: Mapped[datetime] = mapped_column(Moment)


class OneTimeLink(Base):
    """A link for a first or forgotten password: good once and for a short time. Only its hash is kept."""

    __tablename__ = "one_time_link"

    token_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    officer_id: Mapped[int] = mapped_column(ForeignKey("officer.id", ondelete="CASCADE"), index=True)
    created_at: Mapped[datetime] = mapped_column(Moment)
    expires_at: Mapped[datetime] = mapped_column(Moment)
    used_at: Mapped[datetime | None] = mapped_column(Moment)


class Throttle(Base):
    """Failed tries for one account or one address (the key is a hash), and until when the next must wait."""

    __tablename__ = "throttle"

    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    failures: Mapped[int]
    last_at: Mapped[datetime] = mapped_column(Moment)
    free_at: Mapped[datetime] = mapped_column(Moment, index=True)


class AccessLog(Base):
    """Sign-ins, refusals, downloads and administrators' acts, kept as the retention rule says. Not chained; no names,
    no passwords. `officer_id` is who acted, `about_id` to whom it was done where that is somebody else."""

    __tablename__ = "access_log"
    __table_args__ = (
        Index("ix_access_log_officer_id", "officer_id", "id"),
        Index("ix_access_log_about_id", "about_id", "id"),
        Index("ix_access_log_event", "event", "id"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    at: Mapped[datetime] = mapped_column(Moment, index=True)
    officer_id: Mapped[int | None] = mapped_column(Id)
    about_id: Mapped[int | None] = mapped_column(Id)
    event: Mapped[str] = mapped_column(String(40))
    detail: Mapped[str] = mapped_column(String(400), default="", server_default=EMPTY)
    address: Mapped[str] = mapped_column(String(60), default="", server_default=EMPTY)
