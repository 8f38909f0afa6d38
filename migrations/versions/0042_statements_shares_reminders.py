"""Statements of documents that are verified without network"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0042"
down_revision = "0037"
branch_labels = None
depends_on = None

ALL = "(SELECT registre_sees_all())"


def upgrade() -> None:
    # Added as they are: rebuilding the table would lose its triggers on SQLite.
    op.add_column("document", sa.Column("status_place", sa.Integer(), nullable=True))
    op.create_index("uq_document_status_place", "document", ["status_place"], unique=True)
    op.create_table(
        "revocation_list",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_revocation_list")),
    )
    if op.get_bind().dialect.name == "postgresql":
        op.execute("ALTER TABLE revocation_list ENABLE ROW LEVEL SECURITY")
        op.execute("CREATE POLICY everybody ON revocation_list FOR SELECT USING (true)")
        op.execute(f"CREATE POLICY program ON revocation_list USING ({ALL})")


def downgrade() -> None:
    op.drop_table("revocation_list")
    op.drop_index("uq_document_status_place", "document")
    op.drop_column("document", "status_place")
