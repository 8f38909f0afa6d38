"""The number that follows an act from the click to its mails; how much work is done in time"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0044"
down_revision = "0042"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Added as they are, empty: no table is written again, the journal's triggers stay, and what stands in its chain is as it was.
    for table in ("outbox", "journal", "webhook_delivery"):
        op.add_column(table, sa.Column("trace", sa.String(length=32), nullable=True))
    op.add_column("outbox", sa.Column("late_after", sa.DateTime(timezone=True), nullable=True))
    levels = op.create_table(
        "service_level",
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("in_time", sa.BigInteger(), nullable=False),
        sa.Column("late", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("kind", name=op.f("pk_service_level")),
    )
    op.bulk_insert(levels, [{"kind": kind, "in_time": 0, "late": 0} for kind in ("documents", "mail")])


def downgrade() -> None:
    op.drop_table("service_level")
    op.drop_column("outbox", "late_after")
    for table in ("webhook_delivery", "journal", "outbox"):
        op.drop_column(table, "trace")
