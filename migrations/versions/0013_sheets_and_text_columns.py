"""Which sheets of a file were not read; of a line, the fields whose cell was no text"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql


revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

_JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def upgrade() -> None:
    op.add_column("import_file", sa.Column("other_sheets", _JSON, nullable=False, server_default="[]"))
    op.add_column("batch_line", sa.Column("not_text", sa.String(length=60), nullable=False, server_default=""))
    op.execute("UPDATE batch_line SET not_text = 'permit_number' WHERE numeric_permit")
    op.drop_column("batch_line", "numeric_permit")


def downgrade() -> None:
    """What says of a reference or an order number that it was no text is lost: the version before knew nothing of it."""
    op.add_column(
        "batch_line", sa.Column("numeric_permit", sa.Boolean(), nullable=False, server_default=sa.false())
    )
    op.execute("UPDATE batch_line SET numeric_permit = (not_text LIKE '%permit_number%')")
    op.drop_column("batch_line", "not_text")
    op.drop_column("import_file", "other_sheets")
