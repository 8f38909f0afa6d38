"""The reference that invoices say instead of a registration's, or a fee's, own: beside the order number it is billed under."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("order_override", sa.Column("reference", sa.String(length=50), nullable=True))


def downgrade() -> None:
    op.drop_column("order_override", "reference")
