"""The access log says about whom an administrator's act was, and finds what is about one officer."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
ABOUT = sa.text("about_id IS NOT NULL")


def upgrade() -> None:
    op.add_column("access_log", sa.Column("about_id", ID, nullable=True))
    number = (
        "CAST(substr(detail, 9) AS INTEGER)"
        if op.get_bind().dialect.name == "sqlite"
        else "CAST(substring(detail FROM '^officer ([0-9]{1,18})') AS BIGINT)"
    )
    op.execute(f"UPDATE access_log SET about_id = {number} WHERE detail LIKE 'officer %'")  # noqa: S608 - no input
    op.create_index("ix_access_log_about", "access_log", ["about_id"], sqlite_where=ABOUT, postgresql_where=ABOUT)
    op.create_index(op.f("ix_access_log_officer_id"), "access_log", ["officer_id"])


def downgrade() -> None:
    op.drop_index(op.f("ix_access_log_officer_id"), "access_log")
    op.drop_index("ix_access_log_about", "access_log")
    op.drop_column("access_log", "about_id")
