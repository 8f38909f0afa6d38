"""Contracts signed on screen, managers invited, rights by accreditation"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_CURRENT = sa.text("state IN ('signed', 'suspended')")
_OFFERED = sa.text("state = 'offered'")
_HELD = sa.text("withdrawn_at IS NULL")
_OPEN = sa.text("accepted_at IS NULL AND cancelled_at IS NULL")
_INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    _contracts()
    _rights()
    _invitations()


def _contracts() -> None:
    with op.batch_alter_table("service_contract") as batch:
        for column in (
            sa.Column("text", sa.Text(), server_default="", nullable=False),
            sa.Column("text_sha256", sa.String(length=64), server_default="", nullable=False),
            sa.Column("offered_at", _INSTANT, nullable=True),
            sa.Column("offered_by_id", sa.Integer(), nullable=True),
            sa.Column("signed_at", _INSTANT, nullable=True),
            sa.Column("signer_name", sa.String(length=121), server_default="", nullable=False),
            sa.Column("signer_quality", sa.String(length=120), server_default="", nullable=False),
            sa.Column("reason", sa.String(length=300), server_default="", nullable=False),
            sa.Column("path", sa.String(length=200), nullable=True),
            sa.Column("sha256", sa.String(length=64), nullable=True),
            sa.Column("size", sa.Integer(), nullable=True),
        ):
            batch.add_column(column)
        batch.create_foreign_key(
            "fk_service_contract_offered_by_id", "ab_user", ["offered_by_id"], ["id"], ondelete="RESTRICT"
        )
        batch.drop_constraint("uq_service_contract_centre_id_version", type_="unique")
        batch.drop_constraint("ck_contract_state", type_="check")
        batch.drop_constraint("ck_contract_signed", type_="check")
        batch.create_check_constraint(
            "ck_contract_state", "state IN ('offered', 'signed', 'suspended', 'ended', 'withdrawn')"
        )
        batch.create_check_constraint(
            "ck_contract_signed", "state IN ('offered', 'withdrawn') OR signed_on IS NOT NULL"
        )
    # Of several that stood side by side, the latest stays.
    for before, after in (("IN ('signed', 'suspended')", "ended"), ("= 'offered'", "withdrawn")):
        op.execute(
            f"UPDATE service_contract SET state = '{after}' WHERE state {before} AND EXISTS (SELECT 1 FROM "  # noqa: S608
            f"service_contract later WHERE later.centre_id = service_contract.centre_id AND later.state {before} "
            "AND later.id > service_contract.id)"
        )
    for name, where in (("uq_contract_offered", _OFFERED), ("uq_contract_current", _CURRENT)):
        op.create_index(
            name, "service_contract", ["centre_id"], unique=True, sqlite_where=where, postgresql_where=where
        )


def _rights() -> None:
    with op.batch_alter_table("membership_right") as batch:
        batch.add_column(sa.Column("all_accreditations", sa.Boolean(), server_default=sa.true(), nullable=False))
        batch.add_column(sa.Column("withdrawn_at", _INSTANT, nullable=True))
        batch.add_column(sa.Column("withdrawn_by_id", sa.Integer(), nullable=True))
        batch.create_foreign_key(
            "fk_membership_right_withdrawn_by_id", "ab_user", ["withdrawn_by_id"], ["id"], ondelete="RESTRICT"
        )
    # Of the same right granted twice, the grant that lasts longest stays.
    op.execute(
        "UPDATE membership_right SET withdrawn_at = granted_at WHERE EXISTS (SELECT 1 FROM membership_right other "
        "WHERE other.membership_id = membership_right.membership_id AND other.right_name = membership_right.right_name "
        "AND (coalesce(other.ends_on, '9999-12-31') > coalesce(membership_right.ends_on, '9999-12-31') "
        "OR (coalesce(other.ends_on, '9999-12-31') = coalesce(membership_right.ends_on, '9999-12-31') "
        "AND other.id > membership_right.id)))"
    )
    op.create_index(
        "uq_membership_right_held", "membership_right", ["membership_id", "right_name"], unique=True,
        sqlite_where=_HELD, postgresql_where=_HELD,
    )  # fmt: skip
    op.create_table(
        "membership_right_accreditation",
        sa.Column("membership_right_id", sa.Integer(), nullable=False),
        sa.Column("accreditation_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["accreditation_id"], ["accreditation.id"], name="fk_membership_right_accreditation_accreditation_id",
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["membership_right_id"], ["membership_right.id"],
            name="fk_membership_right_accreditation_membership_right_id", ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("membership_right_id", "accreditation_id", name="pk_membership_right_accreditation"),
    )  # fmt: skip


def _invitations() -> None:
    op.create_table(
        "member_invitation",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("centre_id", sa.Integer(), nullable=False),
        sa.Column("email", sa.String(length=128), nullable=False),
        sa.Column("role", sa.String(length=24), nullable=False),
        sa.Column("nonce", sa.String(length=32), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("created_at", _INSTANT, nullable=False),
        sa.Column("sent_at", _INSTANT, nullable=False),
        sa.Column("expires_at", _INSTANT, nullable=False),
        sa.Column("invited_by_id", sa.Integer(), nullable=False),
        sa.Column("accepted_at", _INSTANT, nullable=True),
        sa.Column("accepted_by_id", sa.Integer(), nullable=True),
        sa.Column("cancelled_at", _INSTANT, nullable=True),
        sa.CheckConstraint("role IN ('legal_representative', 'manager')", name="ck_member_invitation_role"),
        *(
            sa.ForeignKeyConstraint([name], [target], name=f"fk_member_invitation_{name}", ondelete="RESTRICT")
            for name, target in (
                ("centre_id", "centre.id"), ("invited_by_id", "ab_user.id"), ("accepted_by_id", "ab_user.id"),
            )
        ),
        sa.PrimaryKeyConstraint("id", name="pk_member_invitation"),
        sa.UniqueConstraint("nonce", name="uq_member_invitation_nonce"),
        sa.UniqueConstraint("token_hash", name="uq_member_invitation_token_hash"),
    )  # fmt: skip
    op.create_index("ix_member_invitation_centre_id", "member_invitation", ["centre_id"])
    op.create_index(
        "uq_member_invitation_open", "member_invitation", ["centre_id", "email"], unique=True, sqlite_where=_OPEN,
        postgresql_where=_OPEN,
    )  # fmt: skip


def downgrade() -> None:
    op.drop_table("member_invitation")
    op.drop_table("membership_right_accreditation")
    op.execute("DELETE FROM membership_right WHERE withdrawn_at IS NOT NULL OR NOT all_accreditations")
    op.drop_index("uq_membership_right_held", "membership_right")
    with op.batch_alter_table("membership_right") as batch:
        batch.drop_constraint("fk_membership_right_withdrawn_by_id", type_="foreignkey")
        for name in ("withdrawn_by_id", "withdrawn_at", "all_accreditations"):
            batch.drop_column(name)
    op.drop_index("uq_contract_current", "service_contract")
    op.drop_index("uq_contract_offered", "service_contract")
    op.execute("DELETE FROM service_contract WHERE state = 'withdrawn'")
    op.execute(
        "UPDATE service_contract SET version = substr(version, 1, 8) || '-' || id WHERE EXISTS (SELECT 1 FROM "
        "service_contract other WHERE other.centre_id = service_contract.centre_id AND other.version = "
        "service_contract.version AND other.id < service_contract.id)"
    )
    with op.batch_alter_table("service_contract") as batch:
        batch.drop_constraint("ck_contract_signed", type_="check")
        batch.drop_constraint("ck_contract_state", type_="check")
        batch.create_check_constraint("ck_contract_signed", "state = 'offered' OR signed_on IS NOT NULL")
        batch.create_check_constraint("ck_contract_state", "state IN ('offered', 'signed', 'suspended', 'ended')")
        batch.create_unique_constraint("uq_service_contract_centre_id_version", ["centre_id", "version"])
        batch.drop_constraint("fk_service_contract_offered_by_id", type_="foreignkey")
        for name in (
            "size", "sha256", "path", "reason", "signer_quality", "signer_name", "signed_at", "offered_by_id",
            "offered_at", "text_sha256", "text",
        ):  # fmt: skip
            batch.drop_column(name)
