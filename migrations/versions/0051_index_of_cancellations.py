"""What was cancelled since a day is found by its index; built beside those who write"""

from __future__ import annotations

from alembic import op

from migrations import beside

revision = "0051"
down_revision = "0050"
branch_labels = None
depends_on = None

CANCELLED = "cancelled_on IS NOT NULL"


def upgrade() -> None:
    with beside.writers():
        beside.build("ix_registration_cancelled_on", "registration", ["cancelled_on"], CANCELLED, CANCELLED)


def downgrade() -> None:
    op.drop_index("ix_registration_cancelled_on", "registration", if_exists=True)
