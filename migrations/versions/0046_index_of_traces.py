"""What the journal says of one trace is found at once: the index, built beside those who write"""

from __future__ import annotations

from alembic import op

from migrations import beside

revision = "0046"
down_revision = "0045"
branch_labels = None
depends_on = None

TRACED = "trace IS NOT NULL"


def upgrade() -> None:
    with beside.writers():  # 0044 made it before it was published
        beside.build("ix_journal_trace", "journal", ["trace"], TRACED, TRACED)


def downgrade() -> None:
    op.drop_index("ix_journal_trace", "journal", if_exists=True)
