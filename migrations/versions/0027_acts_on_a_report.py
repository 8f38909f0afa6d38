"""The last acts on a report, so that « Défaire » takes them back"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0027"
down_revision = "0024"
branch_labels = None
depends_on = None

_JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def upgrade() -> None:
    op.add_column("import_file", sa.Column("acts", _JSON, nullable=False, server_default="[]"))


def downgrade() -> None:
    op.drop_column("import_file", "acts")
