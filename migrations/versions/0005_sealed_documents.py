"""Sealed documents: seal, revocation, what the nightly look found, end of keeping"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for name in ("sealed_at", "revoked_at", "purged_at"):
        op.add_column("document", sa.Column(name, sa.DateTime(timezone=True), nullable=True))
    op.add_column("document", sa.Column("fault", sa.String(length=12), nullable=True))
    op.add_column("document", sa.Column("revoked_reason", sa.String(length=300), nullable=True))
    op.create_table(
        "nightly_task",
        sa.Column("task", sa.String(length=20), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("task", "day", name=op.f("pk_nightly_task")),
    )
    op.create_index("ix_document_sha256", "document", ["sha256"])
    op.create_index(
        "ix_document_fault", "document", ["fault"],
        sqlite_where=sa.text("fault IS NOT NULL"), postgresql_where=sa.text("fault IS NOT NULL"),
    )  # fmt: skip


def downgrade() -> None:
    op.drop_table("nightly_task")
    op.drop_index("ix_document_fault", table_name="document")
    op.drop_index("ix_document_sha256", table_name="document")
    for name in ("revoked_reason", "fault", "purged_at", "revoked_at", "sealed_at"):
        op.drop_column("document", name)
