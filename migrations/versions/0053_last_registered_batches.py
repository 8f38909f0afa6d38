"""The last registered batches of a centre: read in the order of an index, not sorted out of all it ever registered"""

from __future__ import annotations

from alembic import op

from migrations import beside

revision = "0053"
down_revision = "0052"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with beside.writers():
        beside.build("ix_batch_centre_registered", "batch", ["centre_id", "state", "registered_at"])


def downgrade() -> None:
    op.drop_index("ix_batch_centre_registered", "batch", if_exists=True)
