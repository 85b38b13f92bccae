"""Second factors, sign-ins that have shown only half, when a sign-in last proved itself, and indexes to find people."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True)
BY_FIRST_LETTERS = "text_pattern_ops"


def upgrade() -> None:
    op.add_column("sign_in", sa.Column("proved_at", MOMENT, nullable=True))
    op.create_table(
        "half_sign_in",
        sa.Column("token_hash", sa.String(64), nullable=False),
        sa.Column("officer_id", ID, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        _of_officer("half_sign_in"),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_half_sign_in")),
    )
    op.create_index(op.f("ix_half_sign_in_officer_id"), "half_sign_in", ["officer_id"])
    op.create_table(
        "second_factor",
        sa.Column("officer_id", ID, nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("confirmed_at", MOMENT, nullable=True),
        sa.Column("last_step", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.CheckConstraint("confirmed_at IS NULL OR last_step > 0", name=op.f("ck_second_factor_confirmed")),
        _of_officer("second_factor"),
        sa.PrimaryKeyConstraint("officer_id", name=op.f("pk_second_factor")),
    )
    op.create_table(
        "recovery_code",
        sa.Column("officer_id", ID, nullable=False),
        sa.Column("label", sa.String(4), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.Column("used_at", MOMENT, nullable=True),
        _of_officer("recovery_code"),
        sa.PrimaryKeyConstraint("officer_id", "label", name=op.f("pk_recovery_code")),
    )
    op.add_column("access_log", sa.Column("about_id", ID, nullable=True))
    number = (
        "CAST(substr(detail, 9) AS INTEGER)"
        if op.get_bind().dialect.name == "sqlite"
        else "CAST(substring(detail FROM '^officer ([0-9]{1,18})') AS BIGINT)"
    )
    op.execute(f"UPDATE access_log SET about_id = {number} WHERE detail LIKE 'officer %'")  # noqa: S608 - no input
    for column in ("officer_id", "about_id", "event"):
        op.create_index(f"ix_access_log_{column}", "access_log", [column, "id"])
    for table, column in (("officer", "email"), ("officer", "employee_number"), ("officer_name", "name")):
        op.create_index(f"ix_{table}_{column}", table, [column], postgresql_ops={column: BY_FIRST_LETTERS})


def downgrade() -> None:
    for table, column in (("officer", "email"), ("officer", "employee_number"), ("officer_name", "name")):
        op.drop_index(f"ix_{table}_{column}", table)
    for column in ("officer_id", "about_id", "event"):
        op.drop_index(f"ix_access_log_{column}", "access_log")
    op.drop_column("access_log", "about_id")
    op.drop_table("recovery_code")
    op.drop_table("second_factor")
    op.drop_table("half_sign_in")
    op.drop_column("sign_in", "proved_at")


def _of_officer(table: str) -> sa.ForeignKeyConstraint:
    name = op.f(f"fk_{table}_officer_id_officer")
    return sa.ForeignKeyConstraint(["officer_id"], ["officer.id"], name=name, ondelete="CASCADE")
