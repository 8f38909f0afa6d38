"""Statements of documents that are verified without network; what drivers lend to see; reminders"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0042"
down_revision = "0040"
branch_labels = None
depends_on = None

ALL = "(SELECT registre_sees_all())"
SELF = "(SELECT registre_person())"
#: What a driver lent is the driver's; whoever holds the link is answered by the program.
LENT = {
    "lent_view": f"person_id = {SELF}",
    "lent_look": "view_id IN (SELECT id FROM lent_view)",
    "reminder": f"person_id = {SELF}",
    "reminder_off": f"person_id = {SELF}",
}


def upgrade() -> None:
    # Added as they are: rebuilding the table would lose its triggers on SQLite.
    op.add_column("document", sa.Column("status_place", sa.Integer(), nullable=True))
    op.create_table(
        "revocation_list",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_revocation_list")),
    )
    op.create_table(
        "lent_view",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("document_id", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("until", sa.Date(), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["person_id"], ["ab_user.id"], name=op.f("fk_lent_view_person_id"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["document_id"], ["document.id"], name=op.f("fk_lent_view_document_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lent_view")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_lent_view_token_hash")),
    )
    op.create_index("ix_lent_view_person_id", "lent_view", ["person_id"])
    op.create_table(
        "lent_look",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("view_id", sa.Integer(), nullable=False),
        sa.Column("looked_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["view_id"], ["lent_view.id"], name=op.f("fk_lent_look_view_id"), ondelete="RESTRICT"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lent_look")),
    )
    op.create_index("ix_lent_look_view_id", "lent_look", ["view_id"])
    _reminders()
    if op.get_bind().dialect.name == "postgresql":
        op.execute("ALTER TABLE revocation_list ENABLE ROW LEVEL SECURITY")
        op.execute("CREATE POLICY everybody ON revocation_list FOR SELECT USING (true)")
        op.execute(f"CREATE POLICY program ON revocation_list USING ({ALL})")
        for table, condition in LENT.items():
            op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
            op.execute(f"CREATE POLICY own_rows ON {table} USING ({ALL} OR {condition})")
    with op.get_context().autocommit_block():  # documents are written meanwhile
        op.create_index(
            "uq_document_status_place", "document", ["status_place"], unique=True, postgresql_concurrently=True
        )


def _reminders() -> None:
    op.create_table(
        "reminder",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("subject_id", sa.Integer(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("step", sa.Integer(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["ab_user.id"], name=op.f("fk_reminder_person_id"), ondelete="RESTRICT"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reminder")),
        sa.UniqueConstraint("kind", "person_id", "subject_id", "due_on", "step", name=op.f("uq_reminder_kind_person_id_subject_id_due_on_step")),
    )
    op.create_index("ix_reminder_kind", "reminder", ["kind", "due_on"])
    op.create_table(
        "reminder_off",
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["person_id"], ["ab_user.id"], name=op.f("fk_reminder_off_person_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("person_id", "kind", name=op.f("pk_reminder_off")),
    )


def downgrade() -> None:
    op.drop_table("reminder_off")
    op.drop_table("reminder")
    op.drop_table("lent_look")
    op.drop_table("lent_view")
    op.drop_table("revocation_list")
    op.drop_index("uq_document_status_place", "document")
    op.drop_column("document", "status_place")
