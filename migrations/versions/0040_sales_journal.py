"""The sales journal: accounts chosen by agents, closed months, and their lines, which the base freezes

Agents and the program alone see them.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0040"
down_revision = "0039"
branch_labels = None
depends_on = None

_INSTANT = sa.DateTime(timezone=True)
_JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
ALL = "(SELECT registre_sees_all())"
ROLES = "'customer', 'sales', 'vat_due', 'vat_waiting', 'journal_sales', 'journal_vat'"
#: Why these indexes are built with their table held (tests/upgrading).
EXCUSED_INDEXES = {
    "ix_allocation_at": "the table is made by the migration before this one: nothing is in it yet",
    "ix_allocation_undone_at": "the table is made by the migration before this one: nothing is in it yet",
}
#: What a closed month holds.
FROZEN = ("accounting_period", "accounting_line")
WHY = "a closed month of the journal is never changed: what comes later is written to the next"


def upgrade() -> None:
    op.create_table(
        "account_map",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("rate", sa.Integer(), nullable=True),
        sa.Column("code", sa.String(length=12), nullable=False),
        sa.Column("label", sa.String(length=60), nullable=False),
        sa.CheckConstraint(f"role IN ({ROLES})", name="ck_account_map_role"),
        sa.CheckConstraint("rate IS NULL OR role IN ('sales', 'vat_due', 'vat_waiting')", name="ck_account_map_rate"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_account_map")),
    )
    for name, columns, where in (
        ("uq_account_map_any", ["role"], "rate IS NULL"),
        ("uq_account_map_rate", ["role", "rate"], "rate IS NOT NULL"),
    ):
        condition = sa.text(where)
        op.create_index(name, "account_map", columns, unique=True, sqlite_where=condition, postgresql_where=condition)
    op.create_table(
        "accounting_period",
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column("siren", sa.String(length=9), nullable=False),
        sa.Column("entries", sa.Integer(), nullable=False),
        sa.Column("debit", sa.BigInteger(), nullable=False),
        sa.Column("series", _JSON, nullable=False),
        sa.Column("fec_sha256", sa.String(length=64), nullable=False),
        sa.Column("csv_sha256", sa.String(length=64), nullable=False),
        sa.Column("closed_at", _INSTANT, nullable=False),
        sa.Column("closed_by_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["closed_by_id"], ["ab_user.id"], name=op.f("fk_accounting_period_closed_by_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("month", name=op.f("pk_accounting_period")),
    )
    op.create_table(
        "accounting_line",
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("act", sa.String(length=10), nullable=False),
        sa.Column("act_id", sa.Integer(), nullable=False),
        sa.Column("journal", sa.String(length=12), nullable=False),
        sa.Column("journal_label", sa.String(length=60), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("account", sa.String(length=12), nullable=False),
        sa.Column("account_label", sa.String(length=60), nullable=False),
        sa.Column("auxiliary", sa.String(length=12), nullable=False),
        sa.Column("auxiliary_label", sa.String(length=160), nullable=False),
        sa.Column("piece", sa.String(length=20), nullable=False),
        sa.Column("piece_day", sa.Date(), nullable=False),
        sa.Column("label", sa.String(length=120), nullable=False),
        sa.Column("debit", sa.Integer(), nullable=False),
        sa.Column("credit", sa.Integer(), nullable=False),
        sa.CheckConstraint("act IN ('issued', 'paid', 'undone')", name="ck_accounting_line_act"),
        sa.CheckConstraint(
            "debit >= 0 AND credit >= 0 AND (debit = 0) <> (credit = 0)", name="ck_accounting_line_one_side"
        ),
        sa.ForeignKeyConstraint(
            ["month"], ["accounting_period.month"], name=op.f("fk_accounting_line_month"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("month", "number", "position", name=op.f("pk_accounting_line")),
        sa.UniqueConstraint("act", "act_id", "position", name=op.f("uq_accounting_line_act_act_id_position")),
    )
    op.create_index("ix_allocation_at", "allocation", ["at"])
    undone = sa.text("undone_at IS NOT NULL")
    op.create_index(
        "ix_allocation_undone_at", "allocation", ["undone_at"], sqlite_where=undone, postgresql_where=undone
    )
    if op.get_bind().dialect.name == "postgresql":
        _freeze_postgres()
        for table in ("account_map", *FROZEN):
            op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
            op.execute(f"CREATE POLICY own_rows ON {table} USING ({ALL})")
    else:
        for table in FROZEN:
            for act in ("UPDATE", "DELETE"):
                op.execute(
                    f"CREATE TRIGGER tr_{table}_{act.lower()} BEFORE {act} ON {table}"
                    f" BEGIN SELECT RAISE(ABORT, '{WHY}'); END"
                )


def downgrade() -> None:
    """What was closed stays: such a base is not taken back."""
    if op.get_bind().scalar(sa.text("SELECT count(*) FROM accounting_period")):
        raise RuntimeError("months of the journal are closed: the version before would lose them")
    op.drop_index("ix_allocation_undone_at", "allocation")
    op.drop_index("ix_allocation_at", "allocation")
    op.drop_table("accounting_line")
    op.drop_table("accounting_period")
    op.drop_table("account_map")
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION accounting_is_closed()")


def _freeze_postgres() -> None:
    op.execute(
        "CREATE FUNCTION accounting_is_closed() RETURNS trigger LANGUAGE plpgsql AS"
        f" $$ BEGIN RAISE EXCEPTION '{WHY}'; END $$"
    )
    for table in FROZEN:
        op.execute(
            f"CREATE TRIGGER tr_{table} BEFORE UPDATE OR DELETE ON {table} FOR EACH ROW"
            " EXECUTE FUNCTION accounting_is_closed()"
        )
