"""A driver's identity corrected by an agent, two drivers who are one person joined, and parted again

A row of `driver` is an identity; one may lead to another (`same_as_id`), and a registration says under which it was made
(`registered_as_id`). Who looks at a document by its number sees the identity that the document bears.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

_INSTANT = sa.DateTime(timezone=True)
_JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
TABLES = ("identity_correction", "driver_merge")
#: The identity that the code of a document leads to: before, and since a driver may have several.
CODED_BEFORE = "SELECT driver_id FROM public.registration WHERE id IN (SELECT public.registre_coded())"
CODED = CODED_BEFORE.replace("driver_id", "coalesce(registered_as_id, driver_id)")


def upgrade() -> None:
    # SQLite adds a CHECK with a column, and not otherwise without making the table anew.
    check = " CONSTRAINT ck_driver_same_as CHECK (same_as_id IS NULL OR person_id IS NULL)"
    for table, column, more in (("driver", "same_as_id", check), ("registration", "registered_as_id", "")):
        op.execute(
            f"ALTER TABLE {table} ADD COLUMN {column} INTEGER"
            f" CONSTRAINT fk_{table}_{column} REFERENCES driver (id){more}"
        )
    for name, table, column in (
        ("ix_driver_same_as", "driver", "same_as_id"),
        ("ix_registration_as", "registration", "registered_as_id"),
    ):
        rows = sa.text(f"{column} IS NOT NULL")
        op.create_index(name, table, [column], sqlite_where=rows, postgresql_where=rows)
    _make_correction()
    _make_merge()
    if op.get_bind().dialect.name == "postgresql":
        _find_coded(CODED)
        for table in TABLES:
            op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
            op.execute(f"CREATE POLICY own_rows ON {table} USING ((SELECT registre_sees_all()))")


def downgrade() -> None:
    """What leads to another identity would be a driver apart again, whose trainings are the other's: not taken back."""
    if op.get_bind().scalar(sa.text("SELECT count(*) FROM driver WHERE same_as_id IS NOT NULL")):
        raise RuntimeError("drivers have several identities: the version before knows one each")
    if op.get_bind().dialect.name == "postgresql":
        _find_coded(CODED_BEFORE)
    for table in reversed(TABLES):
        op.drop_table(table)
    op.drop_index("ix_registration_as", "registration")
    op.drop_index("ix_driver_same_as", "driver")
    op.execute("ALTER TABLE registration DROP COLUMN registered_as_id")
    if op.get_bind().dialect.name == "postgresql":
        op.execute("ALTER TABLE driver DROP CONSTRAINT ck_driver_same_as")
    op.execute("ALTER TABLE driver DROP COLUMN same_as_id")


def _find_coded(body: str) -> None:
    op.execute(
        "CREATE OR REPLACE FUNCTION registre_coded_drivers() RETURNS SETOF integer LANGUAGE sql STABLE PARALLEL SAFE"
        f" SECURITY DEFINER SET search_path = pg_catalog AS $$ {body} $$"
    )


def _to(column: str, table: str, parent: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{parent}.id"], name=op.f(f"fk_{table}_{column}"), ondelete="RESTRICT")


def _bytes(length: int) -> sa.types.TypeEngine[str]:
    return sa.String(length=length).with_variant(sa.String(length=length, collation="C"), "postgresql")


def _make_correction() -> None:
    op.create_table(
        "identity_correction",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("driver_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("reason", sa.String(length=300), nullable=False),
        sa.Column("at", _INSTANT, nullable=False),
        sa.Column("by_id", sa.Integer(), nullable=False),
        sa.Column("last_name", sa.String(length=60), nullable=False),
        sa.Column("first_name", sa.String(length=60), nullable=False),
        sa.Column("search_last", _bytes(80), server_default="", nullable=False),
        sa.Column("search_first", _bytes(80), server_default="", nullable=False),
        sa.Column("birth_date", sa.Date(), nullable=False),
        sa.Column("permit_number", _bytes(16), nullable=False),
        sa.Column("after", _JSON, nullable=False),
        sa.CheckConstraint("kind IN ('change', 'error')", name="ck_identity_correction_kind"),
        _to("driver_id", "identity_correction", "driver"),
        _to("by_id", "identity_correction", "ab_user"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_identity_correction")),
    )
    for name, columns in (
        ("ix_identity_correction_driver_id", ["driver_id"]),
        ("ix_identity_correction_name", ["search_last", "search_first"]),
        ("ix_identity_correction_first", ["search_first"]),
        ("ix_identity_correction_permit", ["permit_number"]),
    ):
        op.create_index(name, "identity_correction", columns)


def _make_merge() -> None:
    stands = sa.text("undone_at IS NULL")
    op.create_table(
        "driver_merge",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("kept_id", sa.Integer(), nullable=False),
        sa.Column("joined_id", sa.Integer(), nullable=False),
        sa.Column("reason", sa.String(length=300), nullable=False),
        sa.Column("at", _INSTANT, nullable=False),
        sa.Column("by_id", sa.Integer(), nullable=False),
        sa.Column("hung", _JSON, nullable=False),
        sa.Column("accounts", _JSON, nullable=False),
        sa.Column("effects", _JSON, nullable=False),
        sa.Column("undone_at", _INSTANT, nullable=True),
        sa.Column("undone_by_id", sa.Integer(), nullable=True),
        sa.Column("undone_reason", sa.String(length=300), server_default="", nullable=False),
        sa.CheckConstraint("kept_id <> joined_id", name="ck_driver_merge_two"),
        sa.CheckConstraint("(undone_at IS NULL) = (undone_by_id IS NULL)", name="ck_driver_merge_undone"),
        _to("kept_id", "driver_merge", "driver"),
        _to("joined_id", "driver_merge", "driver"),
        _to("by_id", "driver_merge", "ab_user"),
        _to("undone_by_id", "driver_merge", "ab_user"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_driver_merge")),
    )
    op.create_index("ix_driver_merge_kept_id", "driver_merge", ["kept_id"])
    op.create_index("ix_driver_merge_joined_id", "driver_merge", ["joined_id"])
    op.create_index(
        "uq_driver_merge_joined", "driver_merge", ["joined_id"], unique=True,
        sqlite_where=stands, postgresql_where=stands,
    )
