"""What carries an issued invoice to its buyer: deposits, what the platform tells, and the simulated platform's own memory

An event is written once and never changed: the base refuses it.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0038"
down_revision = "0037"
branch_labels = None
depends_on = None

_INSTANT = sa.DateTime(timezone=True)
ALL = "(SELECT registre_sees_all())"
BELOW = "EXISTS (SELECT 1 FROM invoice above WHERE above.id = invoice_id)"
WHY = "what was told of an invoice is only added to"


def upgrade() -> None:
    _make_deposits()
    _make_platform()
    on_postgres = op.get_bind().dialect.name == "postgresql"
    _keep_events(on_postgres)
    if on_postgres:
        _protect()


def downgrade() -> None:
    on_postgres = op.get_bind().dialect.name == "postgresql"
    for act in ("update", "delete"):
        op.execute(
            f"DROP TRIGGER tr_invoice_event_{act}" + (" ON invoice_event" if on_postgres else "")
        )
    if on_postgres:
        op.execute("DROP FUNCTION invoice_event_is_kept()")
    for table in ("simulated_event", "simulated_flow", "platform_poll", "invoice_event", "deposit"):
        op.drop_table(table)


def _make_deposits() -> None:
    live = sa.text("state <> 'failed'")
    op.create_table(
        "deposit",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("invoice_id", sa.Integer(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("platform", sa.String(length=20), nullable=False),
        sa.Column("tracking_id", sa.String(length=30), nullable=False),
        sa.Column("flow_id", sa.String(length=80), nullable=True),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("last_error", sa.String(length=300), nullable=False, server_default=""),
        sa.Column("made_at", _INSTANT, nullable=False),
        sa.Column("changed_at", _INSTANT, nullable=False),
        sa.Column("next_at", _INSTANT, nullable=True),
        sa.CheckConstraint("state IN ('due', 'sent', 'acknowledged', 'failed')", name="ck_deposit_state"),
        sa.CheckConstraint("state NOT IN ('sent', 'acknowledged') OR flow_id IS NOT NULL", name="ck_deposit_flow"),
        sa.CheckConstraint("attempt > 0 AND tries >= 0", name="ck_deposit_counts"),
        sa.ForeignKeyConstraint(["invoice_id"], ["invoice.id"], name=op.f("fk_deposit_invoice_id"), ondelete="RESTRICT"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deposit")),
        sa.UniqueConstraint("tracking_id", name=op.f("uq_deposit_tracking_id")),
        sa.UniqueConstraint("invoice_id", "attempt", name=op.f("uq_deposit_invoice_id_attempt")),
    )
    op.create_index("uq_deposit_live", "deposit", ["invoice_id"], unique=True, sqlite_where=live, postgresql_where=live)
    op.create_index("ix_deposit_state", "deposit", ["state", "next_at"])
    op.create_table(
        "invoice_event",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("invoice_id", sa.Integer(), nullable=False),
        sa.Column("code", sa.String(length=20), nullable=False),
        sa.Column("happened_at", _INSTANT, nullable=False),
        sa.Column("received_at", _INSTANT, nullable=False),
        sa.Column("reason_code", sa.String(length=40), nullable=False, server_default=""),
        sa.Column("text", sa.String(length=1000), nullable=False, server_default=""),
        sa.Column("platform", sa.String(length=20), nullable=False),
        sa.Column("platform_event_id", sa.String(length=80), nullable=False),
        sa.Column("by_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["invoice_id"], ["invoice.id"], name=op.f("fk_invoice_event_invoice_id"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(["by_id"], ["ab_user.id"], name=op.f("fk_invoice_event_by_id"), ondelete="RESTRICT"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invoice_event")),
        sa.UniqueConstraint(
            "platform", "platform_event_id", name=op.f("uq_invoice_event_platform_platform_event_id")
        ),
    )
    op.create_index("ix_invoice_event_invoice", "invoice_event", ["invoice_id", "happened_at"])
    op.create_index("ix_invoice_event_code", "invoice_event", ["code", "invoice_id"])


def _make_platform() -> None:
    op.create_table(
        "platform_poll",
        sa.Column("platform", sa.String(length=20), nullable=False),
        sa.Column("cursor", sa.String(length=200), nullable=False),
        sa.Column("asked_at", _INSTANT, nullable=True),
        sa.Column("read_at", _INSTANT, nullable=True),
        sa.Column("failing_since", _INSTANT, nullable=True),
        sa.Column("last_error", sa.String(length=300), nullable=False, server_default=""),
        sa.PrimaryKeyConstraint("platform", name=op.f("pk_platform_poll")),
    )
    op.create_table(
        "simulated_flow",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("tracking_id", sa.String(length=30), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("rule", sa.String(length=3), nullable=False),
        sa.Column("number", sa.String(length=20), nullable=False),
        sa.Column("order_number", sa.String(length=50), nullable=False),
        sa.Column("calls", sa.Integer(), nullable=False),
        sa.Column("received_at", _INSTANT, nullable=False),
        sa.Column("taken_at", _INSTANT, nullable=False),
        sa.Column("told", sa.Integer(), nullable=False),
        sa.Column("next_at", _INSTANT, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_simulated_flow")),
        sa.UniqueConstraint("tracking_id", name=op.f("uq_simulated_flow_tracking_id")),
    )
    op.create_index(op.f("ix_simulated_flow_number"), "simulated_flow", ["number"])
    op.create_index(op.f("ix_simulated_flow_next_at"), "simulated_flow", ["next_at"])
    op.create_table(
        "simulated_event",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("flow_id", sa.Integer(), nullable=False),
        sa.Column("step", sa.Integer(), nullable=False),
        sa.Column("code", sa.String(length=20), nullable=False),
        sa.Column("happened_at", _INSTANT, nullable=False),
        sa.Column("reason_code", sa.String(length=40), nullable=False, server_default=""),
        sa.Column("text", sa.String(length=1000), nullable=False, server_default=""),
        sa.ForeignKeyConstraint(
            ["flow_id"], ["simulated_flow.id"], name=op.f("fk_simulated_event_flow_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_simulated_event")),
        sa.UniqueConstraint("flow_id", "step", name=op.f("uq_simulated_event_flow_id_step")),
    )


def _keep_events(on_postgres: bool) -> None:
    if not on_postgres:
        for act in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER tr_invoice_event_{act.lower()} BEFORE {act} ON invoice_event"
                f" BEGIN SELECT RAISE(ABORT, '{WHY}'); END"
            )
        return
    op.execute(
        "CREATE FUNCTION invoice_event_is_kept() RETURNS trigger LANGUAGE plpgsql AS"
        f" $$ BEGIN RAISE EXCEPTION '{WHY}'; END $$"
    )
    for act in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER tr_invoice_event_{act.lower()} BEFORE {act} ON invoice_event FOR EACH ROW"
            " EXECUTE FUNCTION invoice_event_is_kept()"
        )


def _protect() -> None:
    """A centre reads what became of its own invoices; the program and agents write. The platform's side is the program's."""
    for table in ("deposit", "invoice_event"):
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY own_rows ON {table} FOR SELECT USING ({ALL} OR {BELOW})")
        op.execute(f"CREATE POLICY own_new ON {table} FOR INSERT WITH CHECK ({ALL})")
    op.execute(f"CREATE POLICY own_changes ON deposit FOR UPDATE USING ({ALL})")
    op.execute(f"CREATE POLICY own_removals ON deposit FOR DELETE USING ({ALL})")
    for table in ("platform_poll", "simulated_flow", "simulated_event"):
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY own_rows ON {table} USING ({ALL})")
