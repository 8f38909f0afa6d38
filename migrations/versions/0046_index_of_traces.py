"""What the journal says of one trace is found at once: the index, built beside those who write"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0046"
down_revision = "0045"
branch_labels = None
depends_on = None

TRACED = sa.text("trace IS NOT NULL")


def upgrade() -> None:
    with op.get_context().autocommit_block():
        # It waits for every transaction older than itself, and holds nobody up meanwhile: it is not given up.
        waits = op.get_bind().dialect.name == "postgresql"
        if waits:
            op.execute("SELECT set_config('registre.lock_timeout', current_setting('lock_timeout'), false)")
            op.execute("SET lock_timeout = 0")
        # What was cut short has left one that serves nobody; 0044 made it before it was published.
        op.drop_index("ix_journal_trace", "journal", if_exists=True, postgresql_concurrently=True)
        op.create_index(
            "ix_journal_trace",
            "journal",
            ["trace"],
            sqlite_where=TRACED,
            postgresql_where=TRACED,
            postgresql_concurrently=True,
        )
        if waits:
            op.execute("SELECT set_config('lock_timeout', current_setting('registre.lock_timeout'), false)")


def downgrade() -> None:
    op.drop_index("ix_journal_trace", "journal", if_exists=True)
