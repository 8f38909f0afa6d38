"""Issued invoices and credit notes: number, copies of who sold and bought, hashes; series and runs; the base freezes them

What SQLite cannot add to a table as a constraint stands on the last of its new columns. No table is made anew.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None

#: Why these indexes are built with their table held (tests/upgrading).
EXCUSED_INDEXES = {
    "uq_invoice_draft": "the table holds drafts alone until here: some thousand rows, written by a task of the night",
    "uq_invoice_crediting": "no credit note is there yet: the index is empty as it is built",
    "uq_invoice_number": "no draft has a number: nothing is issued yet, the index is built in an instant",
    "uq_invoice_public_number": "no draft has a number: nothing is issued yet, the index is built in an instant",
    "ix_invoice_centre_issued": "some thousand drafts at most: built in an instant",
    "ix_invoice_corrects": "some thousand drafts at most: built in an instant",
}
_INSTANT = sa.DateTime(timezone=True)
_JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
ALL = "(SELECT registre_sees_all())"
NUMBERED = (
    "series_year IS NOT NULL AND number IS NOT NULL AND public_number IS NOT NULL AND issued_on IS NOT NULL"
    " AND issued_at IS NOT NULL AND seller_id IS NOT NULL AND seller_json IS NOT NULL AND buyer_json IS NOT NULL"
    " AND content_hash IS NOT NULL AND chain_hash IS NOT NULL"
)
CHECKS = {
    "ck_invoice_kind": "kind IN ('invoice', 'credit_note')",
    "ck_invoice_corrects": "(kind = 'credit_note') = (corrects_id IS NOT NULL)",
    "ck_invoice_proved": "state = 'draft' OR proved_hash = content_hash",
    "ck_invoice_numbered": f"state = 'draft' OR ({NUMBERED})",
    "ck_invoice_unnumbered": "state = 'issued' OR number IS NULL",
}
#: Column → its type; the foreign keys name their table. The last one bears the constraints on SQLite.
COLUMNS: dict[str, tuple[sa.types.TypeEngine[object], str | None]] = {
    "series_year": (sa.Integer(), None),
    "number": (sa.Integer(), None),
    "public_number": (sa.String(length=20), None),
    "issued_on": (sa.Date(), None),
    "due_on": (sa.Date(), None),
    "seller_id": (sa.Integer(), "seller"),
    "contract_id": (sa.Integer(), "service_contract"),
    "corrects_id": (sa.Integer(), "invoice"),
    "seller_json": (_JSON, None),
    "buyer_json": (_JSON, None),
    "content_hash": (sa.String(length=64), None),
    "chain_hash": (sa.String(length=64), None),
    "xml_sha256": (sa.String(length=64), None),
    "path": (sa.String(length=200), None),
    "sha256": (sa.String(length=64), None),
    "size": (sa.Integer(), None),
    "issued_by_id": (sa.Integer(), "ab_user"),
    "issued_at": (_INSTANT, None),
}
#: What the worker fills in later, from nothing to a value, once.
FILES = ("path", "sha256", "size", "xml_sha256")
DRAFT = "state = 'draft' AND kind = 'invoice'"
CREDITING = "state = 'draft' AND kind = 'credit_note'"
BELOW = ("invoice_line", "invoice_vat", "invoice_item")
WHY = "an issued invoice is never changed: a credit note undoes it"


def upgrade() -> None:
    on_postgres = op.get_bind().dialect.name == "postgresql"
    texts = (("service_code", 50, ""), ("reason", 300, ""), ("proved_hash", 64, ""), ("findings", 1000, ""))
    for name, length, default in (("kind", 12, "invoice"), *texts):
        op.add_column("invoice", sa.Column(name, sa.String(length=length), nullable=False, server_default=default))
    for name in ("internal", "rebills"):
        op.add_column("invoice", sa.Column(name, sa.Boolean(), nullable=False, server_default=sa.false()))
    _add_columns(on_postgres)
    op.add_column("invoice_vat", sa.Column("mention", sa.String(length=200), nullable=False, server_default=""))
    _index()
    _make_tables()
    if on_postgres:
        _freeze_postgres()
        _protect()
    else:
        _freeze_sqlite()


def downgrade() -> None:
    """What was issued stays: such a base is not taken back."""
    on_postgres = op.get_bind().dialect.name == "postgresql"
    if op.get_bind().scalar(sa.text("SELECT count(*) FROM invoice WHERE state = 'issued' OR kind = 'credit_note'")):
        raise RuntimeError("invoices were issued: the version before would lose them")
    _thaw(on_postgres)
    for table in ("invoice_run", "invoice_series"):
        op.drop_table(table)
    for name in ("uq_invoice_draft", "uq_invoice_crediting", "uq_invoice_number", "uq_invoice_public_number"):
        op.drop_index(name, "invoice")
    for name in ("ix_invoice_centre_issued", "ix_invoice_corrects"):
        op.drop_index(name, "invoice")
    for name in CHECKS if on_postgres else ():
        op.drop_constraint(name, "invoice", type_="check")
    for name in ("issued_at", *reversed([one for one in COLUMNS if one != "issued_at"])):
        op.execute(f"ALTER TABLE invoice DROP COLUMN {name}")
    for name in ("rebills", "internal", "findings", "proved_hash", "reason", "service_code", "kind"):
        op.execute(f"ALTER TABLE invoice DROP COLUMN {name}")
    op.execute("ALTER TABLE invoice_vat DROP COLUMN mention")
    draft = sa.text("state = 'draft'")
    op.create_index(
        "uq_invoice_draft", "invoice", ["centre_id", "period_end", "order_number"], unique=True,
        sqlite_where=draft, postgresql_where=draft,
    )


def _add_columns(on_postgres: bool) -> None:
    dialect = op.get_bind().dialect
    for name, (type_, parent) in COLUMNS.items():
        said = f"ALTER TABLE invoice ADD COLUMN {name} {type_.compile(dialect=dialect)}"
        if parent:
            said += f" CONSTRAINT fk_invoice_{name} REFERENCES {parent} (id)"
        if name == "issued_at" and not on_postgres:
            said += "".join(f" CONSTRAINT {check} CHECK ({rule})" for check, rule in CHECKS.items())
        op.execute(said)
    for check, rule in CHECKS.items() if on_postgres else ():
        op.create_check_constraint(check, "invoice", rule)


def _index() -> None:
    op.drop_index("uq_invoice_draft", "invoice")
    draft, crediting = sa.text(DRAFT), sa.text(CREDITING)
    op.create_index(
        "uq_invoice_draft", "invoice", ["centre_id", "period_end", "order_number"], unique=True,
        sqlite_where=draft, postgresql_where=draft,
    )
    op.create_index(
        "uq_invoice_crediting", "invoice", ["corrects_id"], unique=True, sqlite_where=crediting, postgresql_where=crediting
    )
    op.create_index("uq_invoice_number", "invoice", ["kind", "series_year", "number"], unique=True)
    op.create_index("uq_invoice_public_number", "invoice", ["public_number"], unique=True)
    op.create_index("ix_invoice_centre_issued", "invoice", ["centre_id", "issued_on"])
    op.create_index("ix_invoice_corrects", "invoice", ["corrects_id"])


def _make_tables() -> None:
    op.create_table(
        "invoice_series",
        sa.Column("siren", sa.String(length=9), nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("year", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("last_number", sa.Integer(), nullable=False),
        sa.Column("last_issued_on", sa.Date(), nullable=True),
        sa.CheckConstraint("kind IN ('invoice', 'credit_note')", name="ck_invoice_series_kind"),
        sa.CheckConstraint("last_number >= 0", name="ck_invoice_series_number"),
        sa.PrimaryKeyConstraint("siren", "kind", "year", name=op.f("pk_invoice_series")),
    )
    op.create_table(
        "invoice_run",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("siren", sa.String(length=9), nullable=False),
        sa.Column("period", sa.Date(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("drafts", sa.Integer(), nullable=False),
        sa.Column("held", sa.Integer(), nullable=False),
        sa.Column("issued", sa.Integer(), nullable=False),
        sa.Column("started_at", _INSTANT, nullable=False),
        sa.Column("done_at", _INSTANT, nullable=True),
        sa.CheckConstraint("state IN ('building', 'built', 'issuing', 'done')", name="ck_invoice_run_state"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invoice_run")),
        sa.UniqueConstraint("siren", "period", name=op.f("uq_invoice_run_siren_period")),
    )


def _frozen_columns() -> list[str]:
    """Return every column of an invoice but those of its files."""
    return [one["name"] for one in sa.inspect(op.get_bind()).get_columns("invoice") if one["name"] not in FILES]


def _freeze_sqlite() -> None:
    changed = " OR ".join(
        [f"OLD.{name} IS NOT NEW.{name}" for name in _frozen_columns()]
        + [f"(OLD.{name} IS NOT NULL AND OLD.{name} IS NOT NEW.{name})" for name in FILES]
    )
    stop = f"BEGIN SELECT RAISE(ABORT, '{WHY}'); END"
    op.execute(f"CREATE TRIGGER tr_invoice_update BEFORE UPDATE ON invoice WHEN OLD.state = 'issued' AND ({changed}) {stop}")
    op.execute(f"CREATE TRIGGER tr_invoice_delete BEFORE DELETE ON invoice WHEN OLD.state = 'issued' {stop}")
    issued = "EXISTS (SELECT 1 FROM invoice i WHERE i.id IN ({rows}) AND i.state = 'issued')"
    for table in BELOW:
        for act, rows in (
            ("INSERT", "NEW.invoice_id"),
            ("UPDATE", "OLD.invoice_id, NEW.invoice_id"),
            ("DELETE", "OLD.invoice_id"),
        ):
            when = issued.format(rows=rows)
            op.execute(f"CREATE TRIGGER tr_{table}_{act.lower()} BEFORE {act} ON {table} WHEN {when} {stop}")


def _freeze_postgres() -> None:
    files = " OR ".join(f"(OLD.{name} IS NOT NULL AND OLD.{name} IS DISTINCT FROM NEW.{name})" for name in FILES)
    gone = " - ".join(["to_jsonb({row})", *(f"'{name}'" for name in FILES)])
    op.execute(
        f"CREATE FUNCTION invoice_is_frozen() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        f" IF TG_OP = 'DELETE' THEN RAISE EXCEPTION '{WHY}'; END IF;"
        f" IF {files} OR ({gone.format(row='OLD')}) IS DISTINCT FROM ({gone.format(row='NEW')})"
        f" THEN RAISE EXCEPTION '{WHY}'; END IF; RETURN NEW; END $$"
    )
    for act in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER tr_invoice_{act.lower()} BEFORE {act} ON invoice FOR EACH ROW"
            " WHEN (OLD.state = 'issued') EXECUTE FUNCTION invoice_is_frozen()"
        )
    # Asked as the owner: whoever writes below an invoice is refused by what it is, not by what they may see.
    op.execute(
        "CREATE FUNCTION invoice_part_is_frozen() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER"
        " SET search_path = pg_catalog, pg_temp AS $$ BEGIN"
        " IF TG_OP <> 'INSERT' AND EXISTS"
        " (SELECT 1 FROM public.invoice i WHERE i.id = OLD.invoice_id AND i.state = 'issued')"
        f" THEN RAISE EXCEPTION '{WHY}'; END IF;"
        " IF TG_OP <> 'DELETE' AND EXISTS"
        " (SELECT 1 FROM public.invoice i WHERE i.id = NEW.invoice_id AND i.state = 'issued')"
        f" THEN RAISE EXCEPTION '{WHY}'; END IF;"
        " RETURN CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END; END $$"
    )
    for table in BELOW:
        for act in ("INSERT", "UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER tr_{table}_{act.lower()} BEFORE {act} ON {table} FOR EACH ROW"
                " EXECUTE FUNCTION invoice_part_is_frozen()"
            )


def _thaw(on_postgres: bool) -> None:
    acts = [("invoice", "update"), ("invoice", "delete")]
    acts += [(table, act) for table in BELOW for act in ("insert", "update", "delete")]
    for table, act in acts:
        op.execute(f"DROP TRIGGER tr_{table}_{act} ON {table}" if on_postgres else f"DROP TRIGGER tr_{table}_{act}")
    for function in ("invoice_is_frozen", "invoice_part_is_frozen") if on_postgres else ():
        op.execute(f"DROP FUNCTION {function}()")


def _protect() -> None:
    """Numbers and runs are the program's own, and agents'."""
    for table in ("invoice_series", "invoice_run"):
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY own_rows ON {table} USING ({ALL})")
