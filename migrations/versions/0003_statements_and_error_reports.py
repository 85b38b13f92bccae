"""Statements of completion for single modules, and what officers report as wrong in a course."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True)
CURRENT = sa.text("state IN ('valid', 'withheld')")


def upgrade() -> None:
    op.add_column("certificate", sa.Column("module", sa.String(80), server_default=sa.text("''"), nullable=False))
    op.drop_index("uq_certificate_one", "certificate")
    _one_current(["officer_id", "course", "version", "module"])
    op.create_table(
        "error_report",
        sa.Column("id", ID, nullable=False),
        sa.Column("officer_id", ID, nullable=True),
        sa.Column("course", sa.String(80), nullable=False),
        sa.Column("about", sa.String(200), nullable=False),
        sa.Column("language", sa.String(20), nullable=False),
        sa.Column("version", sa.String(64), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("closed_at", MOMENT, nullable=True),
        sa.Column("closed_by", ID, nullable=True),
        sa.CheckConstraint("(closed_at IS NULL) = (closed_by IS NULL)", name=op.f("ck_error_report_closed")),
        sa.ForeignKeyConstraint(
            ["officer_id"], ["officer.id"], name=op.f("fk_error_report_officer_id_officer"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_error_report")),
    )
    op.create_index(op.f("ix_error_report_officer_id"), "error_report", ["officer_id"])
    op.create_index("ix_error_report_open", "error_report", ["closed_at", "at"])


def downgrade() -> None:
    # They were signed and handed out: a way back that made them unknown would be no way back.
    if op.get_bind().execute(sa.text("SELECT 1 FROM certificate WHERE module <> '' LIMIT 1")).first():
        raise RuntimeError("Statements of completion have been issued. Restore a backup made before them instead.")
    op.drop_table("error_report")
    op.drop_index("uq_certificate_one", "certificate")
    op.drop_column("certificate", "module")
    _one_current(["officer_id", "course", "version"])


def _one_current(columns: list[str]) -> None:
    op.create_index(
        "uq_certificate_one", "certificate", columns, unique=True, sqlite_where=CURRENT, postgresql_where=CURRENT
    )
