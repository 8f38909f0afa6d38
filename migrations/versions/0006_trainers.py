"""Trainers and instructors"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "trainer",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(length=16), nullable=False),
        sa.Column("centre_id", sa.Integer(), nullable=False),
        sa.Column("created_by_id", sa.Integer(), nullable=False),
        sa.Column("profile", sa.String(length=10), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_name", sa.String(length=60), nullable=False),
        sa.Column("first_name", sa.String(length=60), nullable=False),
        sa.Column("birth_date", sa.Date(), nullable=True),
        sa.Column("permit_number", sa.String(length=16), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("goods", sa.Boolean(), nullable=False),
        sa.Column("passengers", sa.Boolean(), nullable=False),
        sa.Column("fee_borne", sa.Boolean(), nullable=True),
        sa.Column("order_number", sa.String(length=50), nullable=False),
        sa.Column("reference", sa.String(length=50), nullable=False),
        sa.Column("driver_id", sa.Integer(), nullable=True),
        sa.Column("fee", sa.Integer(), nullable=True),
        sa.Column("vat_rate", sa.Integer(), nullable=True),
        sa.Column("registered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("registered_on", sa.Date(), nullable=True),
        sa.Column("registered_by_id", sa.Integer(), nullable=True),
        sa.Column("receipt_number", sa.String(length=20), nullable=True),
        sa.Column("withheld", sa.Boolean(), nullable=False),
        sa.CheckConstraint("profile IN ('trainer', 'instructor')", name="ck_trainer_profile"),
        sa.CheckConstraint("state IN ('draft', 'registered', 'cancelled')", name="ck_trainer_state"),
        sa.CheckConstraint("(state = 'registered') = (registered_at IS NOT NULL)", name="ck_trainer_registered"),
        sa.CheckConstraint(
            "state <> 'registered' OR (driver_id IS NOT NULL AND registered_on IS NOT NULL"
            " AND registered_by_id IS NOT NULL AND receipt_number IS NOT NULL AND fee_borne IS NOT NULL"
            " AND (goods OR passengers))",
            name="ck_trainer_complete",
        ),
        sa.CheckConstraint(
            "state <> 'registered' OR (fee_borne AND fee IS NOT NULL AND vat_rate IS NOT NULL AND order_number <> '')"
            " OR (NOT fee_borne AND fee IS NULL AND vat_rate IS NULL)",
            name="ck_trainer_fee",
        ),
        sa.ForeignKeyConstraint(["centre_id"], ["centre.id"], name=op.f("fk_trainer_centre_id"), ondelete="RESTRICT"),
        sa.ForeignKeyConstraint(
            ["created_by_id"], ["ab_user.id"], name=op.f("fk_trainer_created_by_id"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(["driver_id"], ["driver.id"], name=op.f("fk_trainer_driver_id"), ondelete="RESTRICT"),
        sa.ForeignKeyConstraint(
            ["registered_by_id"], ["ab_user.id"], name=op.f("fk_trainer_registered_by_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_trainer")),
        sa.UniqueConstraint("key", name=op.f("uq_trainer_key")),
        sa.UniqueConstraint("receipt_number", name=op.f("uq_trainer_receipt_number")),
    )
    with op.batch_alter_table("trainer", schema=None) as batch_op:
        batch_op.create_index("ix_trainer_centre_state", ["centre_id", "state", "updated_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_trainer_driver_id"), ["driver_id"], unique=False)


def downgrade() -> None:
    op.drop_table("trainer")
