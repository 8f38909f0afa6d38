"""Cancelling and replacing registrations: why, by whom, what came of it; requests that an agent decides

A document is unique among those that hold: one revoked by a correction may be followed by another. What SQLite keeps of a
CHECK is changed in its schema, as its documentation says for constraints: no table that others point to is made anew.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0018"
down_revision = "0016"
branch_labels = None
depends_on = None

_INSTANT = sa.DateTime(timezone=True)
_JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
LIVE = "state <> 'revoked'"
#: Indexes that dashboards count from alone.
COUNTED = {
    "ix_registration_day": ["registered_on", "training_id"],
    "ix_registration_training_day": ["training_id", "registered_on"],
    "ix_registration_centre_day": ["centre_id", "registered_on", "training_id"],
}
_CARDS = "'draft', 'submitted', 'in_review', 'accepted', 'refused', 'production', 'sent', 'cancelled'"
#: Constraint → its table, what it said, what it says.
CHECKS = {
    "ck_batch_mode": (
        "batch", "mode IN ('manual', 'file', 'api')", "mode IN ('manual', 'file', 'api', 'correction')"
    ),
    "ck_mail_state": (
        "mail", "state IN ('pending', 'sent', 'refused')", "state IN ('pending', 'sent', 'refused', 'dropped')"
    ),
    "ck_card_request_state": ("card_request", f"state IN ({_CARDS})", f"state IN ({_CARDS}, 'stopped')"),
}
GROUNDS = {"uq_card_request_registration": "registration_id", "uq_card_request_trainer": "trainer_id"}
TABLES = ("cancellation", "correction_request")


def upgrade() -> None:
    on_postgres = op.get_bind().dialect.name == "postgresql"
    _change_registration(on_postgres)
    for name, (table, before, after) in CHECKS.items():
        _say(on_postgres, name, table, before, after)
    _widen(on_postgres, 120, 300)
    _ground("state NOT IN ('cancelled', 'stopped')")
    # On SQLite the last of what changes its schema by hand: the renaming inside makes this connection read it anew.
    with op.batch_alter_table("document") as batch:
        batch.drop_constraint("uq_document_registration_id_kind", type_="unique")
    op.create_index(
        "uq_document_live", "document", ["registration_id", "kind"], unique=True,
        sqlite_where=sa.text(LIVE), postgresql_where=sa.text(LIVE),
    )
    op.create_index("ix_document_registration_id", "document", ["registration_id"])
    _make_cancellation()
    _make_request()
    if on_postgres:
        _protect()


def downgrade() -> None:
    """What was cancelled would count again: such a base is not taken back."""
    on_postgres = op.get_bind().dialect.name == "postgresql"
    if op.get_bind().scalar(sa.text("SELECT count(*) FROM cancellation")):
        raise RuntimeError("registrations were cancelled: the version before would bring them back")
    for table in reversed(TABLES):
        op.drop_table(table)
    _widen(on_postgres, 300, 120)
    for name, (table, before, after) in CHECKS.items():
        _say(on_postgres, name, table, after, before)
    _ground("state <> 'cancelled'")
    op.drop_index("ix_document_registration_id", "document")
    op.drop_index("uq_document_live", "document")
    with op.batch_alter_table("document") as batch:
        batch.create_unique_constraint("uq_document_registration_id_kind", ["registration_id", "kind"])
    op.drop_index("ix_registration_cancelled", "registration")
    op.drop_index("ix_registration_ledger", "registration")
    for name, columns in COUNTED.items():
        op.drop_index(name, "registration")
        op.create_index(name, "registration", columns)
    for column in ("ledger_id", "cancelled_on"):
        op.execute(f"ALTER TABLE registration DROP COLUMN {column}")


def _change_registration(on_postgres: bool) -> None:
    op.execute("ALTER TABLE registration ADD COLUMN cancelled_on DATE")
    op.execute(
        "ALTER TABLE registration ADD COLUMN ledger_id INTEGER"
        " CONSTRAINT fk_registration_ledger_id REFERENCES registration (id)"
    )
    for name, columns in COUNTED.items():
        op.drop_index(name, "registration")
        op.create_index(name, "registration", [*columns, "cancelled_on"])
    for name, column, rows in (
        ("ix_registration_ledger", "ledger_id", "ledger_id IS NOT NULL"),
        ("ix_registration_cancelled", "id", "cancelled_on IS NOT NULL"),
    ):
        op.create_index(name, "registration", [column], sqlite_where=sa.text(rows), postgresql_where=sa.text(rows))


def _say(on_postgres: bool, name: str, table: str, before: str, after: str) -> None:
    """Make a CHECK say something else."""
    if on_postgres:
        op.drop_constraint(name, table, type_="check")
        op.create_check_constraint(name, table, after)
    else:
        _rewrite(table, before, after)


def _widen(on_postgres: bool, before: int, after: int) -> None:
    """Give the events of an address room for their names."""
    if on_postgres:
        op.alter_column("webhook_endpoint", "events", type_=sa.String(length=after))
    else:
        _rewrite("webhook_endpoint", f"events VARCHAR({before})", f"events VARCHAR({after})")


def _rewrite(table: str, before: str, after: str) -> None:
    """Change what SQLite keeps of a table; its rows stay where they are."""
    bind = op.get_bind()
    kept = sa.text("SELECT sql FROM sqlite_master WHERE type = 'table' AND name = :table")
    text = str(bind.scalar(kept, {"table": table}))
    if before not in text:
        raise RuntimeError(f"the table {table} is not as the migrations made it")
    version = bind.scalar(sa.text("PRAGMA schema_version"))
    op.execute("PRAGMA writable_schema = ON")
    bind.execute(
        sa.text("UPDATE sqlite_master SET sql = :sql WHERE type = 'table' AND name = :table"),
        {"sql": text.replace(before, after), "table": table},
    )
    op.execute(f"PRAGMA schema_version = {version + 1}")
    op.execute("PRAGMA writable_schema = OFF")


def _ground(rows: str) -> None:
    for name, column in GROUNDS.items():
        op.drop_index(name, "card_request")
        op.create_index(
            name, "card_request", [column], unique=True, sqlite_where=sa.text(rows), postgresql_where=sa.text(rows)
        )


def _to(column: str, table: str, parent: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{parent}.id"], name=op.f(f"fk_{table}_{column}"), ondelete="RESTRICT")


def _make_cancellation() -> None:
    op.create_table(
        "cancellation",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("registration_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("reason_code", sa.String(length=20), nullable=False),
        sa.Column("reason", sa.String(length=300), nullable=False),
        sa.Column("replaced_by_id", sa.Integer(), nullable=True),
        sa.Column("asked_by_id", sa.Integer(), nullable=False),
        sa.Column("decided_by_id", sa.Integer(), nullable=True),
        sa.Column("at", _INSTANT, nullable=False),
        sa.Column("credit", sa.String(length=10), nullable=False),
        sa.Column("idempotency_key", sa.String(length=80), nullable=True),
        sa.Column("request_hash", sa.String(length=64), nullable=True),
        sa.Column("effects", _JSON, nullable=False),
        sa.CheckConstraint("kind IN ('cancelled', 'replaced')", name="ck_cancellation_kind"),
        sa.CheckConstraint("credit IN ('none', 'draft', 'note')", name="ck_cancellation_credit"),
        sa.CheckConstraint("(kind = 'replaced') = (replaced_by_id IS NOT NULL)", name="ck_cancellation_replaced"),
        _to("registration_id", "cancellation", "registration"),
        _to("replaced_by_id", "cancellation", "registration"),
        _to("asked_by_id", "cancellation", "ab_user"),
        _to("decided_by_id", "cancellation", "ab_user"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cancellation")),
        sa.UniqueConstraint("registration_id", name=op.f("uq_cancellation_registration_id")),
        sa.UniqueConstraint("replaced_by_id", name=op.f("uq_cancellation_replaced_by_id")),
    )
    keyed = sa.text("idempotency_key IS NOT NULL")
    op.create_index(
        "ix_cancellation_key", "cancellation", ["idempotency_key"], sqlite_where=keyed, postgresql_where=keyed
    )


def _make_request() -> None:
    open_ = sa.text("state = 'open'")
    op.create_table(
        "correction_request",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(length=16), nullable=False),
        sa.Column("registration_id", sa.Integer(), nullable=False),
        sa.Column("asked_by_id", sa.Integer(), nullable=False),
        sa.Column("asked_at", _INSTANT, nullable=False),
        sa.Column("reason_code", sa.String(length=20), nullable=False),
        sa.Column("reason", sa.String(length=300), nullable=False),
        sa.Column("proposed", _JSON, nullable=True),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("agent_id", sa.Integer(), nullable=True),
        sa.Column("decided_at", _INSTANT, nullable=True),
        sa.Column("answer", sa.String(length=300), nullable=False),
        sa.CheckConstraint(
            "state IN ('open', 'accepted', 'refused', 'withdrawn')", name="ck_correction_request_state"
        ),
        _to("registration_id", "correction_request", "registration"),
        _to("asked_by_id", "correction_request", "ab_user"),
        _to("agent_id", "correction_request", "ab_user"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_correction_request")),
        sa.UniqueConstraint("key", name=op.f("uq_correction_request_key")),
    )
    op.create_index(
        "uq_correction_request_open", "correction_request", ["registration_id"], unique=True,
        sqlite_where=open_, postgresql_where=open_,
    )
    op.create_index("ix_correction_request_state", "correction_request", ["state", "id"])


def _protect() -> None:
    """Show a centre what is about its own registrations; a driver and the public are told by the program."""
    own = (
        "EXISTS (SELECT 1 FROM registration above WHERE above.id = registration_id"
        " AND above.centre_id = (SELECT registre_centre()))"
    )
    for table in TABLES:
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY own_rows ON {table} USING ((SELECT registre_sees_all()) OR {own})")
