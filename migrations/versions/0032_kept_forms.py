"""What stood in the fields of a page whose sign-in had ended"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0032"
down_revision = "0029"
branch_labels = None
depends_on = None

ALL = "(SELECT registre_sees_all())"
SELF = "(SELECT registre_person())"


def upgrade() -> None:
    op.create_table(
        "kept_form",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(length=32), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("forms", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["person_id"], ["ab_user.id"], name=op.f("fk_kept_form_person_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_kept_form")),
        sa.UniqueConstraint("key", name=op.f("uq_kept_form_key")),
    )
    op.create_index("ix_kept_form_person_id", "kept_form", ["person_id"])
    if op.get_bind().dialect.name == "postgresql":
        op.execute("ALTER TABLE kept_form ENABLE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY own_rows ON kept_form USING ({ALL} OR person_id = {SELF})")


def downgrade() -> None:
    op.drop_table("kept_form")
