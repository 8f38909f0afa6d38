"""How many registrations each day holds, counted by night for the agents' dashboard"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0050"
down_revision = "0049"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "day_volume",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("training_id", sa.Integer(), nullable=False),
        sa.Column("mode", sa.String(length=10), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("amount", sa.Integer(), nullable=False),
        sa.Column("counted_on", sa.Date(), nullable=False),
        sa.ForeignKeyConstraint(
            ["training_id"], ["training.id"], name="fk_day_volume_training_id", ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("day", "training_id", "mode", name="pk_day_volume"),
    )
    if op.get_bind().dialect.name == "postgresql":  # what all centres register together is nobody's but the operator's
        op.execute("ALTER TABLE day_volume ENABLE ROW LEVEL SECURITY")
        op.execute("CREATE POLICY own_rows ON day_volume USING ((SELECT registre_sees_all()))")


def downgrade() -> None:
    op.drop_table("day_volume")
