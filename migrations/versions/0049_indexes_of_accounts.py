"""Accounts are found and sorted by their indexes, those that are closed by one of their own; built beside those who write"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0049"
down_revision = "0048"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.get_context().autocommit_block():
        # They wait for every transaction older than themselves, and hold nobody up meanwhile: they are not given up.
        waits = op.get_bind().dialect.name == "postgresql"
        if waits:
            op.execute("SELECT set_config('registre.lock_timeout', current_setting('lock_timeout'), false)")
            op.execute("SET lock_timeout = 0")
        for name, columns in (
            ("ix_ab_user_search_name", ["search_last", "search_first"]),
            ("ix_ab_user_search_first", ["search_first"]),
            ("ix_ab_user_search_email", ["search_email"]),
        ):
            op.drop_index(name, "ab_user", if_exists=True, postgresql_concurrently=True)
            op.create_index(name, "ab_user", columns, postgresql_concurrently=True)
        op.drop_index("ix_ab_user_closed", "ab_user", if_exists=True, postgresql_concurrently=True)
        op.create_index(
            "ix_ab_user_closed",
            "ab_user",
            ["id"],
            sqlite_where=sa.text("active IS NOT 1"),
            postgresql_where=sa.text("active IS NOT TRUE"),
            postgresql_concurrently=True,
        )
        if waits:
            op.execute("SELECT set_config('lock_timeout', current_setting('registre.lock_timeout'), false)")


def downgrade() -> None:
    for name in ("ix_ab_user_closed", "ix_ab_user_search_email", "ix_ab_user_search_first", "ix_ab_user_search_name"):
        op.drop_index(name, "ab_user", if_exists=True)
