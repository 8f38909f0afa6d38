"""Payments: bank statements, their entries, which invoice each euro is for; what is said of invoices that are due or late

Money is never taken away from an invoice: an allocation is undone, and stays. The base itself refuses any other change of one.
A centre reads what was paid of its invoices; statements and entries are the program's own, and agents'.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0039"
down_revision = "0038"
branch_labels = None
depends_on = None

_INSTANT = sa.DateTime(timezone=True)
ALL = "(SELECT registre_sees_all())"
TABLES = (
    "bank_statement", "bank_entry", "allocation", "allocation_vat", "dunning", "dunning_pause", "late_rate",
)
WHY = "an allocation is never changed: it is undone"
#: What undoing writes, once.
UNDOING = ("undone_at", "undone_by_id")
LIVE = "undone_at IS NULL"
OPEN_TASK = "level = 4 AND done_at IS NULL"


def upgrade() -> None:
    _make_bank()
    _make_allocation()
    _make_dunning()
    if op.get_bind().dialect.name == "postgresql":
        _keep_postgres()
        _protect()
    else:
        _keep_sqlite()


def downgrade() -> None:
    """What was paid stays: such a base is not taken back."""
    if op.get_bind().scalar(sa.text("SELECT count(*) FROM bank_statement")):
        raise RuntimeError("payments were read: the version before would lose them")
    for table in reversed(TABLES):
        op.drop_table(table)
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION allocation_is_kept()")


def _to(column: str, table: str, parent: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{parent}.id"], name=op.f(f"fk_{table}_{column}"), ondelete="RESTRICT")


def _make_bank() -> None:
    op.create_table(
        "bank_statement",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("file_name", sa.String(length=120), nullable=False),
        sa.Column("iban", sa.String(length=34), nullable=False),
        sa.Column("name", sa.String(length=35), nullable=False),
        sa.Column("opened_on", sa.Date(), nullable=False),
        sa.Column("closed_on", sa.Date(), nullable=False),
        sa.Column("opening", sa.BigInteger(), nullable=False),
        sa.Column("closing", sa.BigInteger(), nullable=False),
        sa.Column("entries", sa.Integer(), nullable=False),
        sa.Column("repeated", sa.Integer(), nullable=False),
        sa.Column("repeated_amount", sa.BigInteger(), nullable=False),
        sa.Column("imported_at", _INSTANT, nullable=False),
        sa.Column("imported_by_id", sa.Integer(), nullable=True),
        sa.CheckConstraint("entries > 0", name="ck_bank_statement_entries"),
        _to("imported_by_id", "bank_statement", "ab_user"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bank_statement")),
        sa.UniqueConstraint("sha256", "position", name=op.f("uq_bank_statement_sha256_position")),
    )
    op.create_index("ix_bank_statement_closed", "bank_statement", ["closed_on"])
    op.create_table(
        "bank_entry",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("statement_id", sa.Integer(), nullable=False),
        sa.Column("iban", sa.String(length=34), nullable=False),
        sa.Column("ref", sa.String(length=40), nullable=False),
        sa.Column("rank", sa.Integer(), nullable=False),
        sa.Column("booked_on", sa.Date(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("end_to_end", sa.String(length=35), nullable=False),
        sa.Column("remittance", sa.String(length=2000), nullable=False),
        sa.Column("debtor_name", sa.String(length=140), nullable=False),
        sa.Column("debtor_iban", sa.String(length=34), nullable=False),
        sa.Column("return_code", sa.String(length=4), nullable=False),
        sa.Column("centre_id", sa.Integer(), nullable=True),
        sa.Column("aside_reason", sa.String(length=300), nullable=False),
        sa.Column("aside_at", _INSTANT, nullable=True),
        sa.Column("aside_by_id", sa.Integer(), nullable=True),
        sa.CheckConstraint("amount <> 0", name="ck_bank_entry_amount"),
        sa.CheckConstraint("(aside_at IS NULL) = (aside_reason = '')", name="ck_bank_entry_aside"),
        _to("aside_by_id", "bank_entry", "ab_user"),
        _to("centre_id", "bank_entry", "centre"),
        _to("statement_id", "bank_entry", "bank_statement"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bank_entry")),
        sa.UniqueConstraint(
            "iban", "ref", "booked_on", "amount", "rank", name=op.f("uq_bank_entry_iban_ref_booked_on_amount_rank")
        ),
    )
    for name, column in (
        ("statement", "statement_id"), ("booked", "booked_on"), ("centre", "centre_id"), ("debtor", "debtor_iban")
    ):
        op.create_index(f"ix_bank_entry_{name}", "bank_entry", [column])


def _make_allocation() -> None:
    op.create_table(
        "allocation",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("bank_entry_id", sa.Integer(), nullable=True),
        sa.Column("credit_note_id", sa.Integer(), nullable=True),
        sa.Column("invoice_id", sa.Integer(), nullable=True),
        sa.Column("amount", sa.Integer(), nullable=False),
        sa.Column("returns_id", sa.Integer(), nullable=True),
        sa.Column("paid_on", sa.Date(), nullable=False),
        sa.Column("reason", sa.String(length=300), nullable=False),
        sa.Column("by_id", sa.Integer(), nullable=True),
        sa.Column("at", _INSTANT, nullable=False),
        sa.Column("undone_at", _INSTANT, nullable=True),
        sa.Column("undone_by_id", sa.Integer(), nullable=True),
        sa.CheckConstraint("(bank_entry_id IS NULL) <> (credit_note_id IS NULL)", name="ck_allocation_source"),
        sa.CheckConstraint("amount <> 0 AND (amount < 0) = (returns_id IS NOT NULL)", name="ck_allocation_amount"),
        sa.CheckConstraint("invoice_id IS NOT NULL OR (reason <> '' AND amount > 0)", name="ck_allocation_refund"),
        sa.CheckConstraint("undone_at IS NOT NULL OR undone_by_id IS NULL", name="ck_allocation_undone"),
        _to("bank_entry_id", "allocation", "bank_entry"),
        _to("by_id", "allocation", "ab_user"),
        _to("credit_note_id", "allocation", "invoice"),
        _to("invoice_id", "allocation", "invoice"),
        _to("returns_id", "allocation", "allocation"),
        _to("undone_by_id", "allocation", "ab_user"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_allocation")),
    )
    live = sa.text(LIVE)
    for name, column in (("invoice", "invoice_id"), ("entry", "bank_entry_id"), ("credit_note", "credit_note_id")):
        op.create_index(f"ix_allocation_{name}", "allocation", [column], sqlite_where=live, postgresql_where=live)
    op.create_index("ix_allocation_returns", "allocation", ["returns_id"])
    op.create_table(
        "allocation_vat",
        sa.Column("allocation_id", sa.Integer(), nullable=False),
        sa.Column("invoice_id", sa.Integer(), nullable=False),
        sa.Column("rate", sa.Integer(), nullable=False),
        sa.Column("amount", sa.Integer(), nullable=False),
        sa.Column("vat", sa.Integer(), nullable=False),
        _to("allocation_id", "allocation_vat", "allocation"),
        _to("invoice_id", "allocation_vat", "invoice"),
        sa.PrimaryKeyConstraint("allocation_id", "invoice_id", "rate", name=op.f("pk_allocation_vat")),
    )
    op.create_index("ix_allocation_vat_invoice", "allocation_vat", ["invoice_id"])


def _make_dunning() -> None:
    op.create_table(
        "dunning",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("invoice_id", sa.Integer(), nullable=False),
        sa.Column("level", sa.Integer(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("at", _INSTANT, nullable=False),
        sa.Column("due", sa.Integer(), nullable=False),
        sa.Column("interest", sa.Integer(), nullable=False),
        sa.Column("done_at", _INSTANT, nullable=True),
        sa.Column("done_by_id", sa.Integer(), nullable=True),
        sa.Column("done_reason", sa.String(length=300), nullable=False),
        sa.CheckConstraint("level BETWEEN 0 AND 4", name="ck_dunning_level"),
        sa.CheckConstraint("done_at IS NULL OR level = 4", name="ck_dunning_done"),
        _to("done_by_id", "dunning", "ab_user"),
        _to("invoice_id", "dunning", "invoice"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dunning")),
        sa.UniqueConstraint("invoice_id", "level", name=op.f("uq_dunning_invoice_id_level")),
    )
    task = sa.text(OPEN_TASK)
    op.create_index("ix_dunning_open_task", "dunning", ["invoice_id"], sqlite_where=task, postgresql_where=task)
    op.create_table(
        "dunning_pause",
        sa.Column("invoice_id", sa.Integer(), nullable=False),
        sa.Column("until", sa.Date(), nullable=False),
        sa.Column("reason", sa.String(length=300), nullable=False),
        sa.Column("by_id", sa.Integer(), nullable=False),
        sa.Column("at", _INSTANT, nullable=False),
        _to("by_id", "dunning_pause", "ab_user"),
        _to("invoice_id", "dunning_pause", "invoice"),
        sa.PrimaryKeyConstraint("invoice_id", name=op.f("pk_dunning_pause")),
    )
    op.create_table(
        "late_rate",
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("rate", sa.Integer(), nullable=False),
        sa.CheckConstraint("rate >= 0", name="ck_late_rate_rate"),
        sa.PrimaryKeyConstraint("valid_from", name=op.f("pk_late_rate")),
    )


def _kept_columns() -> list[str]:
    return [one["name"] for one in sa.inspect(op.get_bind()).get_columns("allocation") if one["name"] not in UNDOING]


def _keep_sqlite() -> None:
    changed = " OR ".join(
        [f"OLD.{name} IS NOT NEW.{name}" for name in _kept_columns()]
        + [f"(OLD.{name} IS NOT NULL AND OLD.{name} IS NOT NEW.{name})" for name in UNDOING]
    )
    stop = f"BEGIN SELECT RAISE(ABORT, '{WHY}'); END"
    op.execute(f"CREATE TRIGGER tr_allocation_update BEFORE UPDATE ON allocation WHEN {changed} {stop}")
    op.execute(f"CREATE TRIGGER tr_allocation_delete BEFORE DELETE ON allocation {stop}")
    for act in ("UPDATE", "DELETE"):
        op.execute(f"CREATE TRIGGER tr_allocation_vat_{act.lower()} BEFORE {act} ON allocation_vat {stop}")


def _keep_postgres() -> None:
    undone = " OR ".join(f"(OLD.{name} IS NOT NULL AND OLD.{name} IS DISTINCT FROM NEW.{name})" for name in UNDOING)
    kept = " OR ".join(f"OLD.{name} IS DISTINCT FROM NEW.{name}" for name in _kept_columns())
    op.execute(
        f"CREATE FUNCTION allocation_is_kept() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        f" RAISE EXCEPTION '{WHY}'; END $$"
    )
    for name, when in (("update", f"UPDATE ON allocation FOR EACH ROW WHEN ({kept} OR {undone})"),
                       ("delete", "DELETE ON allocation FOR EACH ROW"),
                       ("vat_update", "UPDATE ON allocation_vat FOR EACH ROW"),
                       ("vat_delete", "DELETE ON allocation_vat FOR EACH ROW")):
        op.execute(f"CREATE TRIGGER tr_allocation_{name} BEFORE {when} EXECUTE FUNCTION allocation_is_kept()")


def _protect() -> None:
    """A centre sees what was paid of its invoices, and what it was reminded of; the program alone, and agents, write."""
    of_invoice = "EXISTS (SELECT 1 FROM invoice above WHERE above.id IN (invoice_id{more}))"
    seen = {
        "allocation": of_invoice.format(more=", credit_note_id"),
        "allocation_vat": of_invoice.format(more=""),
        "dunning": of_invoice.format(more=""),
    }
    for table in TABLES:
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        if table not in seen:
            op.execute(f"CREATE POLICY own_rows ON {table} USING ({ALL})")
            continue
        op.execute(f"CREATE POLICY own_rows ON {table} FOR SELECT USING ({ALL} OR {seen[table]})")
        op.execute(f"CREATE POLICY own_new ON {table} FOR INSERT WITH CHECK ({ALL})")
        op.execute(f"CREATE POLICY own_changes ON {table} FOR UPDATE USING ({ALL})")
        op.execute(f"CREATE POLICY own_removals ON {table} FOR DELETE USING ({ALL})")
