"""Card requests, copies of one's own data, links that confirm a new mail address"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op


revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def _links(kinds: str) -> None:
    with op.batch_alter_table("account_link") as batch_op:
        batch_op.drop_constraint("ck_account_link_kind", type_="check")
        batch_op.create_check_constraint("ck_account_link_kind", f"kind IN ({kinds})")


def upgrade() -> None:
    _links("'confirm', 'reset', 'address'")
    op.create_table(
        "data_export",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ready_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("path", sa.String(length=120), nullable=True),
        sa.Column("sha256", sa.String(length=64), nullable=True),
        sa.Column("size", sa.Integer(), nullable=True),
        sa.CheckConstraint(
            "state <> 'ready' OR (path IS NOT NULL AND sha256 IS NOT NULL AND ready_at IS NOT NULL)",
            name="ck_data_export_ready",
        ),
        sa.CheckConstraint("state IN ('asked', 'ready', 'gone')", name="ck_data_export_state"),
        sa.ForeignKeyConstraint(
            ["person_id"], ["ab_user.id"], name=op.f("fk_data_export_person_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_data_export")),
    )
    with op.batch_alter_table("data_export", schema=None) as batch_op:
        batch_op.create_index("ix_data_export_person", ["person_id"], unique=False)

    op.create_table(
        "card_request",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(length=16), nullable=False),
        sa.Column("number", sa.String(length=20), nullable=True),
        sa.Column("driver_id", sa.Integer(), nullable=False),
        sa.Column("registration_id", sa.Integer(), nullable=True),
        sa.Column("trainer_id", sa.Integer(), nullable=True),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("last_name", sa.String(length=60), nullable=False),
        sa.Column("first_name", sa.String(length=60), nullable=False),
        sa.Column("birth_date", sa.Date(), nullable=False),
        sa.Column("permit_number", sa.String(length=16), nullable=False),
        sa.Column("address_extra", sa.String(length=38), nullable=False),
        sa.Column("street", sa.String(length=38), nullable=False),
        sa.Column("postcode", sa.String(length=5), nullable=False),
        sa.Column("city", sa.String(length=32), nullable=False),
        sa.Column("photo_path", sa.String(length=120), nullable=True),
        sa.Column("photo_sha256", sa.String(length=64), nullable=True),
        sa.Column("signature_path", sa.String(length=120), nullable=True),
        sa.Column("signature_sha256", sa.String(length=64), nullable=True),
        sa.Column("payer", sa.String(length=10), nullable=False),
        sa.Column("fee", sa.Integer(), nullable=True),
        sa.Column("vat_rate", sa.Integer(), nullable=True),
        sa.Column("payment_means", sa.String(length=20), nullable=False),
        sa.Column("payment_reference", sa.String(length=40), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("submitted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("agent_id", sa.Integer(), nullable=True),
        sa.CheckConstraint("payer IN ('holder', 'centre')", name="ck_card_request_payer"),
        sa.CheckConstraint(
            "state IN ('draft', 'cancelled') OR (number IS NOT NULL AND submitted_at IS NOT NULL AND street <> '' AND postcode <> '' AND city <> '' AND fee IS NOT NULL AND vat_rate IS NOT NULL AND (payer = 'centre' OR payment_reference IS NOT NULL))",
            name="ck_card_request_complete",
        ),
        sa.CheckConstraint(
            "state IN ('draft', 'submitted', 'in_review', 'accepted', 'refused', 'production', 'sent', 'cancelled')",
            name="ck_card_request_state",
        ),
        sa.CheckConstraint("(registration_id IS NULL) <> (trainer_id IS NULL)", name="ck_card_request_ground"),
        sa.ForeignKeyConstraint(
            ["agent_id"], ["ab_user.id"], name=op.f("fk_card_request_agent_id"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["driver_id"], ["driver.id"], name=op.f("fk_card_request_driver_id"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["registration_id"], ["registration.id"], name=op.f("fk_card_request_registration_id"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["trainer_id"], ["trainer.id"], name=op.f("fk_card_request_trainer_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_card_request")),
        sa.UniqueConstraint("key", name=op.f("uq_card_request_key")),
        sa.UniqueConstraint("number", name=op.f("uq_card_request_number")),
    )
    with op.batch_alter_table("card_request", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_card_request_driver_id"), ["driver_id"], unique=False)
        batch_op.create_index("ix_card_request_state", ["state", "submitted_at"], unique=False)
        batch_op.create_index(
            "uq_card_request_registration",
            ["registration_id"],
            unique=True,
            sqlite_where=sa.text("state <> 'cancelled'"),
            postgresql_where=sa.text("state <> 'cancelled'"),
        )
        batch_op.create_index(
            "uq_card_request_trainer",
            ["trainer_id"],
            unique=True,
            sqlite_where=sa.text("state <> 'cancelled'"),
            postgresql_where=sa.text("state <> 'cancelled'"),
        )

    op.create_table(
        "card_event",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("request_id", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor_id", sa.Integer(), nullable=True),
        sa.Column("reason", sa.String(length=300), nullable=False),
        sa.ForeignKeyConstraint(["actor_id"], ["ab_user.id"], name=op.f("fk_card_event_actor_id"), ondelete="RESTRICT"),
        sa.ForeignKeyConstraint(
            ["request_id"], ["card_request.id"], name=op.f("fk_card_event_request_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_card_event")),
    )
    with op.batch_alter_table("card_event", schema=None) as batch_op:
        batch_op.create_index("ix_card_event_request", ["request_id"], unique=False)


def downgrade() -> None:
    op.execute("DELETE FROM account_link WHERE kind = 'address'")
    _links("'confirm', 'reset'")
    with op.batch_alter_table("card_event", schema=None) as batch_op:
        batch_op.drop_index("ix_card_event_request")

    op.drop_table("card_event")
    with op.batch_alter_table("card_request", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_card_request_trainer",
            sqlite_where=sa.text("state <> 'cancelled'"),
            postgresql_where=sa.text("state <> 'cancelled'"),
        )
        batch_op.drop_index(
            "uq_card_request_registration",
            sqlite_where=sa.text("state <> 'cancelled'"),
            postgresql_where=sa.text("state <> 'cancelled'"),
        )
        batch_op.drop_index("ix_card_request_state")
        batch_op.drop_index(batch_op.f("ix_card_request_driver_id"))

    op.drop_table("card_request")
    with op.batch_alter_table("data_export", schema=None) as batch_op:
        batch_op.drop_index("ix_data_export_person")

    op.drop_table("data_export")
