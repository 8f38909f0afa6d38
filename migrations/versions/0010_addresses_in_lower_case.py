"""Addresses of accounts in lower case: found in their index, however they are typed"""

from __future__ import annotations

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        "UPDATE ab_user SET email = lower(email), username = lower(username) "
        "WHERE email <> lower(email) OR username <> lower(username)"
    )


def downgrade() -> None:
    """Nothing: how an address was typed is not kept."""
