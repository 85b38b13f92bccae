"""A lesson may count without having been read: credited by its module's quiz, taken first."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("lesson_record", sa.Column("credited", sa.Integer(), nullable=True))


def downgrade() -> None:
    op.drop_column("lesson_record", "credited")
