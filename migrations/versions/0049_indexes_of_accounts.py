"""Accounts are found and sorted by their indexes, those that are closed by one of their own; built beside those who write"""

from __future__ import annotations

from alembic import op

from migrations import beside

revision = "0049"
down_revision = "0048"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with beside.writers():
        beside.build("ix_ab_user_search_name", "ab_user", ["search_last", "search_first"])
        beside.build("ix_ab_user_search_first", "ab_user", ["search_first"])
        beside.build("ix_ab_user_search_email", "ab_user", ["search_email"])
        beside.build("ix_ab_user_closed", "ab_user", ["id"], "active IS NOT 1", "active IS NOT TRUE")


def downgrade() -> None:
    for name in ("ix_ab_user_closed", "ix_ab_user_search_email", "ix_ab_user_search_first", "ix_ab_user_search_name"):
        op.drop_index(name, "ab_user", if_exists=True)
