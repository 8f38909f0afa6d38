"""The days on which the ceiling of an order number holds

Ceilings that are there hold on any day, as they did.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0036"
down_revision = "0034"
branch_labels = None
depends_on = None

_PERIOD = "valid_to IS NULL OR valid_from IS NULL OR valid_to >= valid_from"


def upgrade() -> None:
    with op.batch_alter_table("order_budget") as table:
        table.add_column(sa.Column("valid_from", sa.Date(), nullable=True))
        table.add_column(sa.Column("valid_to", sa.Date(), nullable=True))
        table.create_check_constraint("ck_order_budget_period", _PERIOD)


def downgrade() -> None:
    with op.batch_alter_table("order_budget") as table:
        table.drop_constraint("ck_order_budget_period", type_="check")
        table.drop_column("valid_to")
        table.drop_column("valid_from")
