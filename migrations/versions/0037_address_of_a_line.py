"""Where the driver of a line is to be invited to open an account"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0037"
down_revision = "0036"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("batch_line", sa.Column("email", sa.Text(), nullable=False, server_default=""))


def downgrade() -> None:
    op.drop_column("batch_line", "email")
