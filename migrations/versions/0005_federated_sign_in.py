"""Sign-ins by an OpenID Connect provider: whom it means here by each of its subjects."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "federated_identity",
        sa.Column("issuer", sa.String(255), nullable=False),
        sa.Column("subject", sa.String(255), nullable=False),
        sa.Column("officer_id", ID, nullable=False),
        sa.Column("linked_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(
            ["officer_id"], ["officer.id"], name=op.f("fk_federated_identity_officer_id_officer"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("issuer", "subject", name=op.f("pk_federated_identity")),
        sa.UniqueConstraint("officer_id", "issuer", name=op.f("uq_federated_identity_officer_id_issuer")),
    )


def downgrade() -> None:
    # Nobody is lost by it: at her next sign-in an officer is linked again, as at her first.
    op.drop_table("federated_identity")
