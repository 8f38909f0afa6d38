"""Rights that are granted once an invitation is accepted"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None

_JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def upgrade() -> None:
    op.add_column("member_invitation", sa.Column("rights", _JSON, nullable=False, server_default="{}"))


def downgrade() -> None:
    op.drop_column("member_invitation", "rights")
