"""Secrets of webhooks, kept encrypted: a new key of the program changes none of them"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0045"
down_revision = "0044"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Empty: worked out of the nonce, as before. What runs the version before knows nothing of the column.
    op.add_column("webhook_endpoint", sa.Column("secrets", sa.Text(), nullable=True))


def downgrade() -> None:
    op.drop_column("webhook_endpoint", "secrets")
