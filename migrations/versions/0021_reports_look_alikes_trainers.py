"""What drivers say is not exact, fresh registrations that look like a known driver, the cancelling of trainers' rights"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

_INSTANT = sa.DateTime(timezone=True)
_JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
ALL, SELF = "(SELECT registre_sees_all())", "(SELECT registre_person())"


def _below(parent: str, column: str) -> str:
    """Return the condition that the row above is the current centre's."""
    return (
        f"EXISTS (SELECT 1 FROM {parent} above WHERE above.id = {column}"
        " AND above.centre_id = (SELECT registre_centre()))"
    )


#: Table → who, beside those who see all, sees and writes a row. Of a cancelled right its holder is told by the program.
POLICIES = {
    "error_report": f"person_id = {SELF} OR {_below('registration', 'registration_id')}",
    "look_alike": _below("registration", "registration_id"),
    "trainer_cancellation": _below("trainer", "trainer_id"),
}


def upgrade() -> None:
    op.execute("ALTER TABLE trainer ADD COLUMN cancelled_on DATE")
    _make_report()
    op.create_table(
        "look_alike",
        sa.Column("registration_id", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("found_on", sa.Date(), nullable=False),
        sa.Column("checked_by_id", sa.Integer(), nullable=True),
        sa.Column("checked_at", _INSTANT, nullable=True),
        _to("registration_id", "look_alike", "registration"),
        _to("checked_by_id", "look_alike", "ab_user"),
        sa.PrimaryKeyConstraint("registration_id", name=op.f("pk_look_alike")),
    )
    _make_trainer_cancellation()
    if op.get_bind().dialect.name == "postgresql":
        for table, condition in POLICIES.items():
            op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
            op.execute(f"CREATE POLICY own_rows ON {table} USING ({ALL} OR {condition})")


def downgrade() -> None:
    """A right that was cancelled would open again: such a base is not taken back."""
    if op.get_bind().scalar(sa.text("SELECT count(*) FROM trainer WHERE cancelled_on IS NOT NULL")):
        raise RuntimeError("rights were cancelled: the version before would open them again")
    for table in POLICIES:
        op.drop_table(table)
    op.execute("ALTER TABLE trainer DROP COLUMN cancelled_on")


def _to(column: str, table: str, parent: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{parent}.id"], name=op.f(f"fk_{table}_{column}"), ondelete="RESTRICT")


def _make_report() -> None:
    open_ = sa.text("state = 'open'")
    op.create_table(
        "error_report",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("registration_id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("said_at", _INSTANT, nullable=False),
        sa.Column("said", _JSON, nullable=False),
        sa.Column("not_attended", sa.Boolean(), nullable=False),
        sa.Column("text", sa.String(length=500), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("answered_by_id", sa.Integer(), nullable=True),
        sa.Column("closed_at", _INSTANT, nullable=True),
        sa.Column("answer", sa.String(length=300), nullable=False),
        sa.CheckConstraint("state IN ('open', 'settled', 'exact', 'withdrawn')", name="ck_error_report_state"),
        _to("registration_id", "error_report", "registration"),
        _to("person_id", "error_report", "ab_user"),
        _to("answered_by_id", "error_report", "ab_user"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_error_report")),
    )
    op.create_index(
        "uq_error_report_open", "error_report", ["registration_id"], unique=True,
        sqlite_where=open_, postgresql_where=open_,
    )
    op.create_index("ix_error_report_registration_id", "error_report", ["registration_id"])
    op.create_index("ix_error_report_person_id", "error_report", ["person_id"])
    op.create_index("ix_error_report_state", "error_report", ["state", "said_at"])


def _make_trainer_cancellation() -> None:
    stands = sa.text("state IN ('open', 'accepted')")
    op.create_table(
        "trainer_cancellation",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("trainer_id", sa.Integer(), nullable=False),
        sa.Column("reason_code", sa.String(length=20), nullable=False),
        sa.Column("reason", sa.String(length=300), nullable=False),
        sa.Column("asked_by_id", sa.Integer(), nullable=False),
        sa.Column("asked_at", _INSTANT, nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("agent_id", sa.Integer(), nullable=True),
        sa.Column("decided_at", _INSTANT, nullable=True),
        sa.Column("answer", sa.String(length=300), nullable=False),
        sa.Column("credit", sa.String(length=10), nullable=False),
        sa.Column("card", sa.String(length=12), nullable=False),
        sa.CheckConstraint(
            "state IN ('open', 'accepted', 'refused', 'withdrawn')", name="ck_trainer_cancellation_state"
        ),
        sa.CheckConstraint("credit IN ('none', 'draft', 'note')", name="ck_trainer_cancellation_credit"),
        _to("trainer_id", "trainer_cancellation", "trainer"),
        _to("asked_by_id", "trainer_cancellation", "ab_user"),
        _to("agent_id", "trainer_cancellation", "ab_user"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_trainer_cancellation")),
    )
    op.create_index(
        "uq_trainer_cancellation_stands", "trainer_cancellation", ["trainer_id"], unique=True,
        sqlite_where=stands, postgresql_where=stands,
    )
    op.create_index("ix_trainer_cancellation_state", "trainer_cancellation", ["state", "id"])
