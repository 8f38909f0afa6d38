"""What the last look at the invariants found, and what people are told on every page

Breaches are read by agents and written by the program alone. Messages everybody reads; agents write them.
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
    op.create_table(
        "incident",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("text", sa.String(length=300), nullable=False),
        sa.Column("read_only", sa.Boolean(), nullable=False),
        sa.Column("starts_at", _INSTANT, nullable=False),
        sa.Column("ends_at", _INSTANT, nullable=True),
        sa.Column("made_at", _INSTANT, nullable=False),
        sa.Column("made_by_id", sa.Integer(), nullable=True),
        sa.Column("ended_at", _INSTANT, nullable=True),
        sa.Column("ended_by_id", sa.Integer(), nullable=True),
        sa.CheckConstraint("ends_at IS NULL OR ends_at > starts_at", name="ck_incident_dates"),
        sa.ForeignKeyConstraint(["made_by_id"], ["ab_user.id"], name=op.f("fk_incident_made_by_id"), ondelete="RESTRICT"),
        sa.ForeignKeyConstraint(["ended_by_id"], ["ab_user.id"], name=op.f("fk_incident_ended_by_id"), ondelete="RESTRICT"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_incident")),
    )
    op.create_index("ix_incident_ended_at", "incident", ["ended_at"])
    if op.get_bind().dialect.name == "postgresql":
        op.execute("ALTER TABLE breach ENABLE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY own_rows ON breach USING ({ALL})")
        op.execute("ALTER TABLE incident ENABLE ROW LEVEL SECURITY")
        op.execute("CREATE POLICY own_rows ON incident FOR SELECT USING (true)")
        op.execute(f"CREATE POLICY own_new ON incident FOR INSERT WITH CHECK ({ALL})")
        op.execute(f"CREATE POLICY own_changes ON incident FOR UPDATE USING ({ALL})")


def downgrade() -> None:
    op.drop_table("incident")
    op.drop_table("breach")
