"""A driver's account is the driver's by a proof: claims, identity documents, activation codes; identities asked about

Accounts linked under the rule before (name, birth date and permit number agree) keep the link where something has been
delivered through it, or where no sign-up made it; the others claim the identity and have to prove it
(docs/decisions/0016).
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

ALL = "(SELECT registre_sees_all())"
OWN_CENTRE = "centre_id = (SELECT registre_centre())"
POLICIES = {
    "identity_claim": "person_id = (SELECT registre_person())",
    "identity_check": "EXISTS (SELECT 1 FROM identity_claim above WHERE above.id = claim_id)",
    "asked_identity": OWN_CENTRE,
    "asking_alert": OWN_CENTRE,
}
#: Accounts that a sign-up linked and through which nothing was ever delivered: an identity taken in advance.
EMPTY_HANDED = """
    SELECT max(s.id) AS sign_up_id, d.id AS driver_id FROM driver d
    JOIN sign_up s ON s.person_id = d.person_id AND s.state = 'opened'
    WHERE NOT EXISTS (SELECT 1 FROM registration r WHERE r.driver_id = d.id AND NOT r.withheld)
    AND NOT EXISTS (SELECT 1 FROM trainer t WHERE t.driver_id = d.id AND t.state = 'registered' AND NOT t.withheld)
    AND NOT EXISTS (SELECT 1 FROM card_request c WHERE c.driver_id = d.id)
    GROUP BY d.id
"""


def upgrade() -> None:
    op.add_column("driver", sa.Column("proof", sa.String(length=16), server_default="", nullable=False))
    op.add_column("driver", sa.Column("proved_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("driver", sa.Column("code_series", sa.Integer(), server_default=sa.text("0"), nullable=False))
    op.add_column("sign_up", sa.Column("proof_hash", sa.String(length=64), server_default="", nullable=False))
    _claims()
    _asked()
    _carry_over()
    if op.get_bind().dialect.name == "postgresql":
        for table, condition in POLICIES.items():
            op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
            op.execute(f"CREATE POLICY own_rows ON {table} USING ({ALL} OR {condition})")


def _claims() -> None:
    op.create_table(
        "identity_claim",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("last_name", sa.String(length=60), nullable=False),
        sa.Column("first_name", sa.String(length=60), nullable=False),
        sa.Column("birth_date", sa.Date(), nullable=False),
        sa.Column("permit_number", sa.String(length=16), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["person_id"], ["ab_user.id"], name=op.f("fk_identity_claim_person_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_identity_claim")),
        sa.UniqueConstraint("person_id", name=op.f("uq_identity_claim_person_id")),
    )
    op.create_table(
        "identity_check",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("claim_id", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("path", sa.String(length=120), nullable=True),
        sa.Column("sha256", sa.String(length=64), nullable=True),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_by_id", sa.Integer(), nullable=True),
        sa.Column("reason", sa.String(length=300), nullable=False),
        sa.CheckConstraint(
            "state IN ('waiting', 'accepted', 'refused', 'replaced')", name="ck_identity_check_state"
        ),
        sa.CheckConstraint(
            "state = 'waiting' AND path IS NOT NULL AND sha256 IS NOT NULL OR state <> 'waiting' AND path IS NULL",
            name="ck_identity_check_picture",
        ),
        sa.ForeignKeyConstraint(
            ["claim_id"], ["identity_claim.id"], name=op.f("fk_identity_check_claim_id"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["decided_by_id"], ["ab_user.id"], name=op.f("fk_identity_check_decided_by_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_identity_check")),
    )
    op.create_index("ix_identity_check_claim", "identity_check", ["claim_id"], unique=False)
    op.create_index("ix_identity_check_state", "identity_check", ["state"], unique=False)


def _asked() -> None:
    byte_order = sa.String(length=16).with_variant(sa.String(length=16, collation="C"), "postgresql")
    op.create_table(
        "asked_identity",
        sa.Column("centre_id", sa.Integer(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("permit_number", byte_order, nullable=False),
        sa.Column("birth_date", sa.Date(), nullable=False),
        sa.ForeignKeyConstraint(
            ["centre_id"], ["centre.id"], name=op.f("fk_asked_identity_centre_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint(
            "centre_id", "day", "permit_number", "birth_date", name=op.f("pk_asked_identity")
        ),
    )
    op.create_table(
        "asking_alert",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("centre_id", sa.Integer(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("seen_by_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["centre_id"], ["centre.id"], name=op.f("fk_asking_alert_centre_id"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["seen_by_id"], ["ab_user.id"], name=op.f("fk_asking_alert_seen_by_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_asking_alert")),
        sa.UniqueConstraint("centre_id", "day", name=op.f("uq_asking_alert_centre_id_day")),
    )


def _carry_over() -> None:
    """Turn links that delivered nothing into claims; note of the others that they stand from before."""
    op.execute(
        "INSERT INTO identity_claim (person_id, last_name, first_name, birth_date, permit_number, created_at, updated_at)"
        " SELECT s.person_id, s.last_name, s.first_name, s.birth_date, s.permit_number, s.created_at, s.created_at"
        f" FROM ({EMPTY_HANDED}) e JOIN sign_up s ON s.id = e.sign_up_id"
    )
    op.execute("UPDATE driver SET person_id = NULL WHERE person_id IN (SELECT person_id FROM identity_claim)")
    op.execute("UPDATE driver SET proof = 'earlier', proved_at = CURRENT_TIMESTAMP WHERE person_id IS NOT NULL")


def downgrade() -> None:
    """Accounts without proof lose what they claim, and stay: the rule before linked by what they typed."""
    if op.get_bind().dialect.name == "postgresql":
        for table in POLICIES:
            op.execute(f"DROP POLICY own_rows ON {table}")
    for table in ("asking_alert", "asked_identity", "identity_check", "identity_claim"):
        op.drop_table(table)
    op.drop_column("sign_up", "proof_hash")
    for column in ("code_series", "proved_at", "proof"):
        op.drop_column("driver", column)
