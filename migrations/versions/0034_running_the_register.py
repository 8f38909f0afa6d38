"""What the last look at the invariants found

An agent reads it; the program alone writes it.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None

_INSTANT = sa.DateTime(timezone=True)
ALL = "(SELECT registre_sees_all())"


def upgrade() -> None:
    op.create_table(
        "breach",
        sa.Column("code", sa.String(length=60), nullable=False),
        sa.Column("words", sa.String(length=200), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("subjects", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("since", _INSTANT, nullable=False),
        sa.Column("seen_at", _INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_breach")),
    )
    if op.get_bind().dialect.name == "postgresql":
        op.execute("ALTER TABLE breach ENABLE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY own_rows ON breach USING ({ALL})")


def downgrade() -> None:
    op.drop_table("breach")
