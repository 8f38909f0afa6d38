"""Drafts of invoices: what a month bills under one order number, to the line; order numbers: under which, and how much

A registration, or a trainer's fee, stands on one invoice at most: a charge is unique by the chain of replacements and the round.
A centre reads its invoices; the program alone writes them.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

_INSTANT = sa.DateTime(timezone=True)
ALL = "(SELECT registre_sees_all())"
OWN_CENTRE = "centre_id = (SELECT registre_centre())"
TABLES = ("invoice", "invoice_line", "invoice_vat", "invoice_item", "order_override", "order_budget")


def upgrade() -> None:
    _make_invoice()
    _make_lines()
    _make_item()
    _make_orders()
    if op.get_bind().dialect.name == "postgresql":
        _protect()


def downgrade() -> None:
    for table in reversed(TABLES):
        op.drop_table(table)


def _to(column: str, table: str, parent: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{parent}.id"], name=op.f(f"fk_{table}_{column}"), ondelete="RESTRICT")


def _make_invoice() -> None:
    op.create_table(
        "invoice",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(length=16), nullable=False),
        sa.Column("centre_id", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("period_start", sa.Date(), nullable=False),
        sa.Column("period_end", sa.Date(), nullable=False),
        sa.Column("order_number", sa.String(length=50), nullable=False),
        sa.Column("net", sa.Integer(), nullable=False),
        sa.Column("vat", sa.Integer(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("held_reason", sa.String(length=500), nullable=False),
        sa.Column("held_by_id", sa.Integer(), nullable=True),
        sa.Column("built_at", _INSTANT, nullable=False),
        sa.CheckConstraint("held_by_id IS NULL OR held_reason <> ''", name="ck_invoice_held"),
        sa.CheckConstraint("state IN ('draft', 'issued')", name="ck_invoice_state"),
        sa.CheckConstraint("period_end >= period_start", name="ck_invoice_period"),
        sa.CheckConstraint("total = net + vat", name="ck_invoice_total"),
        _to("centre_id", "invoice", "centre"),
        _to("held_by_id", "invoice", "ab_user"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invoice")),
        sa.UniqueConstraint("key", name=op.f("uq_invoice_key")),
    )
    draft = sa.text("state = 'draft'")
    op.create_index("ix_invoice_period", "invoice", ["period_end", "state"])
    op.create_index(
        "uq_invoice_draft",
        "invoice",
        ["centre_id", "period_end", "order_number"],
        unique=True,
        sqlite_where=draft,
        postgresql_where=draft,
    )


def _make_lines() -> None:
    op.create_table(
        "invoice_line",
        sa.Column("invoice_id", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("training_id", sa.Integer(), nullable=True),
        sa.Column("label", sa.String(length=200), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("unit_price", sa.Integer(), nullable=False),
        sa.Column("vat_rate", sa.Integer(), nullable=False),
        sa.Column("category", sa.String(length=1), nullable=False),
        sa.Column("amount", sa.Integer(), nullable=False),
        sa.CheckConstraint("category IN ('S', 'E')", name="ck_invoice_line_category"),
        sa.CheckConstraint("amount = quantity * unit_price", name="ck_invoice_line_amount"),
        sa.CheckConstraint("quantity > 0 AND unit_price >= 0", name="ck_invoice_line_quantity"),
        _to("invoice_id", "invoice_line", "invoice"),
        _to("training_id", "invoice_line", "training"),
        sa.PrimaryKeyConstraint("invoice_id", "position", name=op.f("pk_invoice_line")),
    )
    op.create_table(
        "invoice_vat",
        sa.Column("invoice_id", sa.Integer(), nullable=False),
        sa.Column("category", sa.String(length=1), nullable=False),
        sa.Column("rate", sa.Integer(), nullable=False),
        sa.Column("base", sa.Integer(), nullable=False),
        sa.Column("vat", sa.Integer(), nullable=False),
        _to("invoice_id", "invoice_vat", "invoice"),
        sa.PrimaryKeyConstraint("invoice_id", "category", "rate", name=op.f("pk_invoice_vat")),
    )


def _make_item() -> None:
    op.create_table(
        "invoice_item",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("invoice_id", sa.Integer(), nullable=False),
        sa.Column("registration_id", sa.Integer(), nullable=True),
        sa.Column("trainer_id", sa.Integer(), nullable=True),
        sa.Column("root_id", sa.Integer(), nullable=True),
        sa.Column("charge_round", sa.Integer(), nullable=False),
        sa.Column("credit", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("training_id", sa.Integer(), nullable=True),
        sa.Column("amount", sa.Integer(), nullable=False),
        sa.Column("vat_rate", sa.Integer(), nullable=False),
        sa.Column("registered_on", sa.Date(), nullable=False),
        sa.CheckConstraint("(registration_id IS NULL) <> (trainer_id IS NULL)", name="ck_invoice_item_about_one"),
        sa.CheckConstraint("(registration_id IS NULL) = (root_id IS NULL)", name="ck_invoice_item_root"),
        _to("invoice_id", "invoice_item", "invoice"),
        _to("registration_id", "invoice_item", "registration"),
        _to("root_id", "invoice_item", "registration"),
        _to("trainer_id", "invoice_item", "trainer"),
        _to("training_id", "invoice_item", "training"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invoice_item")),
        sa.UniqueConstraint(
            "root_id", "charge_round", "credit", name=op.f("uq_invoice_item_root_id_charge_round_credit")
        ),
        sa.UniqueConstraint(
            "trainer_id", "charge_round", "credit", name=op.f("uq_invoice_item_trainer_id_charge_round_credit")
        ),
    )
    op.create_index("ix_invoice_item_invoice", "invoice_item", ["invoice_id"])
    op.create_index("ix_invoice_item_registration", "invoice_item", ["registration_id"])


def _make_orders() -> None:
    op.create_table(
        "order_override",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("registration_id", sa.Integer(), nullable=True),
        sa.Column("trainer_id", sa.Integer(), nullable=True),
        sa.Column("order_number", sa.String(length=50), nullable=False),
        sa.Column("by_id", sa.Integer(), nullable=False),
        sa.Column("at", _INSTANT, nullable=False),
        sa.CheckConstraint("(registration_id IS NULL) <> (trainer_id IS NULL)", name="ck_order_override_about_one"),
        _to("by_id", "order_override", "ab_user"),
        _to("registration_id", "order_override", "registration"),
        _to("trainer_id", "order_override", "trainer"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_order_override")),
        sa.UniqueConstraint("registration_id", name=op.f("uq_order_override_registration_id")),
        sa.UniqueConstraint("trainer_id", name=op.f("uq_order_override_trainer_id")),
    )
    op.create_table(
        "order_budget",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("centre_id", sa.Integer(), nullable=False),
        sa.Column("order_number", sa.String(length=50), nullable=False),
        sa.Column("ceiling", sa.Integer(), nullable=False),
        sa.Column("blocking", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("told", sa.Integer(), nullable=False),
        sa.CheckConstraint("ceiling > 0", name="ck_order_budget_ceiling"),
        sa.CheckConstraint("told IN (0, 80, 100)", name="ck_order_budget_told"),
        _to("centre_id", "order_budget", "centre"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_order_budget")),
        sa.UniqueConstraint("centre_id", "order_number", name=op.f("uq_order_budget_centre_id_order_number")),
    )


def _protect() -> None:
    """A centre sees its own; of what is billed the program alone, and agents, write."""
    below = "EXISTS (SELECT 1 FROM invoice above WHERE above.id = invoice_id)"
    named = (
        "EXISTS (SELECT 1 FROM registration above WHERE above.id = registration_id)"
        " OR EXISTS (SELECT 1 FROM trainer above WHERE above.id = trainer_id)"
    )
    seen = {
        "invoice": OWN_CENTRE,
        "invoice_line": below,
        "invoice_vat": below,
        "invoice_item": below,
        "order_override": f"(SELECT registre_centre()) IS NOT NULL AND ({named})",
    }
    for table, condition in seen.items():
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY own_rows ON {table} FOR SELECT USING ({ALL} OR {condition})")
        op.execute(f"CREATE POLICY own_new ON {table} FOR INSERT WITH CHECK ({ALL})")
        op.execute(f"CREATE POLICY own_changes ON {table} FOR UPDATE USING ({ALL})")
        op.execute(f"CREATE POLICY own_removals ON {table} FOR DELETE USING ({ALL})")
    op.execute("ALTER TABLE order_budget ENABLE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY own_rows ON order_budget USING ({ALL} OR {OWN_CENTRE})")
