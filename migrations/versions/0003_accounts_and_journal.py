"""Second factor; the chain that seals the journal, and the triggers that keep both from being changed"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

#: Table → the rows that a purge may delete: those that a checkpoint covers. Nothing is ever updated.
GUARDED = {
    "journal": "SELECT 1 FROM journal_link JOIN journal_checkpoint ON journal_checkpoint.position >= journal_link.position"
    " WHERE journal_link.entry_id = OLD.id",
    "journal_link": "SELECT 1 FROM journal_checkpoint WHERE journal_checkpoint.position >= OLD.position",
    "journal_checkpoint": "SELECT 1 WHERE false",
}


def upgrade() -> None:
    op.create_table(
        "second_factor",
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("secret", sa.String(length=300), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("enabled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_step", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["person_id"], ["ab_user.id"], name=op.f("fk_second_factor_person_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("person_id", name=op.f("pk_second_factor")),
    )
    op.create_table(
        "recovery_code",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("code_hash", sa.String(length=64), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["person_id"], ["ab_user.id"], name=op.f("fk_recovery_code_person_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recovery_code")),
        sa.UniqueConstraint("code_hash", name=op.f("uq_recovery_code_code_hash")),
    )
    op.create_index(op.f("ix_recovery_code_person_id"), "recovery_code", ["person_id"], unique=False)
    op.create_table(
        "journal_link",
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("entry_id", sa.Integer(), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("sealed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("position", name=op.f("pk_journal_link")),
        sa.UniqueConstraint("entry_id", name=op.f("uq_journal_link_entry_id")),
    )
    op.create_table(
        "journal_checkpoint",
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("entries", sa.Integer(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("position", name=op.f("pk_journal_checkpoint")),
    )
    for table, covered in GUARDED.items():
        _guard(table, covered)


def downgrade() -> None:
    on_postgres = op.get_bind().dialect.name == "postgresql"
    for table in GUARDED:
        for act in ("update", "delete", "truncate") if on_postgres else ("update", "delete"):
            name = f"tr_{table}_{act}"
            op.execute(f"DROP TRIGGER {name} ON {table}" if on_postgres else f"DROP TRIGGER {name}")
        if on_postgres:
            op.execute(f"DROP FUNCTION {table}_is_append_only()")
    op.drop_table("journal_checkpoint")
    op.drop_table("journal_link")
    op.drop_index(op.f("ix_recovery_code_person_id"), table_name="recovery_code")
    op.drop_table("recovery_code")
    op.drop_table("second_factor")


def _guard(table: str, covered: str) -> None:
    """Let rows be added only; deleted only where a checkpoint covers them."""
    why = f"{table}: rows are only ever added"
    if op.get_bind().dialect.name != "postgresql":
        op.execute(
            f"CREATE TRIGGER tr_{table}_update BEFORE UPDATE ON {table} BEGIN SELECT RAISE(ABORT, '{why}'); END"
        )
        op.execute(
            f"CREATE TRIGGER tr_{table}_delete BEFORE DELETE ON {table} WHEN NOT EXISTS ({covered})"
            f" BEGIN SELECT RAISE(ABORT, '{why}'); END"
        )
        return
    op.execute(
        f"CREATE FUNCTION {table}_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        f" IF TG_OP = 'DELETE' THEN IF EXISTS ({covered}) THEN RETURN OLD; END IF; END IF;"
        f" RAISE EXCEPTION '{why}' USING ERRCODE = 'insufficient_privilege'; END $$"
    )
    for act, each in (("UPDATE", "ROW"), ("DELETE", "ROW"), ("TRUNCATE", "STATEMENT")):
        op.execute(
            f"CREATE TRIGGER tr_{table}_{act.lower()} BEFORE {act} ON {table}"
            f" FOR EACH {each} EXECUTE FUNCTION {table}_is_append_only()"
        )
