"""Indexes of the lists: what they are searched by, sorted by and counted by; long exports

Search keys of the rows that stand already are worked out here, as the program of that day did.
"""

from __future__ import annotations

import unicodedata

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

STEP = 5_000
SPELLING = str.maketrans(
    {**{"œ": "oe", "æ": "ae", "ß": "ss", "ø": "o", "ł": "l", "đ": "d"}, **dict.fromkeys("-'’.", " ")}
)
KEY = sa.String(80).with_variant(sa.String(80, collation="C"), "postgresql")
#: table → search key → the column it is made of
KEYS = {
    "driver": {"search_last": "last_name", "search_first": "first_name"},
    "registration": {"search_last": "last_name", "search_first": "first_name", "search_order": "order_number"},
}
INDEXES = (
    ("ix_driver_search_name", "driver", ["search_last", "search_first"]),
    ("ix_driver_search_first", "driver", ["search_first"]),
    ("ix_registration_day", "registration", ["registered_on", "training_id"]),
    ("ix_registration_training_day", "registration", ["training_id", "registered_on"]),
    ("ix_registration_search_name", "registration", ["search_last", "search_first"]),
    ("ix_registration_search_first", "registration", ["search_first"]),
    ("ix_registration_search_order", "registration", ["search_order"]),
    ("ix_registration_centre_name", "registration", ["centre_id", "search_last", "search_first"]),
    ("ix_mail_registration_id", "mail", ["registration_id"]),
    ("ix_mail_state", "mail", ["state", "kind", "registration_id"]),
    ("ix_batch_checked_at", "batch", ["checked_at"]),
)
PARTIAL = (
    ("ix_registration_withheld", "registration", ["id"], "withheld IS 1", "withheld IS TRUE"),
)


def search_key(text: str) -> str:
    """Return a text without case, accents and hyphens."""
    folded = text.casefold().translate(SPELLING)
    if not folded.isascii():
        folded = "".join(c for c in unicodedata.normalize("NFKD", folded) if not unicodedata.combining(c))
    return " ".join(folded.split())[:80]


def upgrade() -> None:
    op.create_table(
        "export",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(length=32), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("sheet", sa.String(length=20), nullable=False),
        sa.Column("format", sa.String(length=4), nullable=False),
        sa.Column("asked", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ready_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("state IN ('making', 'ready')", name="ck_export_state"),
        sa.ForeignKeyConstraint(["person_id"], ["ab_user.id"], name=op.f("fk_export_person_id"), ondelete="RESTRICT"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_export")),
        sa.UniqueConstraint("key", name=op.f("uq_export_key")),
    )
    op.create_index(op.f("ix_export_person_id"), "export", ["person_id"])
    for table, keys in KEYS.items():
        for key in keys:
            op.add_column(table, sa.Column(key, KEY, nullable=False, server_default=""))
        _fill(table, keys)
    if op.get_bind().dialect.name == "postgresql":
        op.execute('ALTER TABLE driver ALTER COLUMN permit_number TYPE VARCHAR(16) COLLATE "C"')
    op.drop_index("ix_driver_last_name", "driver")
    op.drop_index("ix_registration_training_id", "registration")
    op.drop_index("ix_registration_centre_day", "registration")
    op.create_index("ix_registration_centre_day", "registration", ["centre_id", "registered_on", "training_id"])
    for name, table, columns in INDEXES:
        op.create_index(name, table, columns)
    for name, table, columns, lite, postgres in PARTIAL:
        op.create_index(name, table, columns, sqlite_where=sa.text(lite), postgresql_where=sa.text(postgres))


def _fill(table: str, keys: dict[str, str]) -> None:
    """Work the keys of the known rows out, some thousands at a time."""
    columns = [sa.column("id"), *map(sa.column, keys), *map(sa.column, keys.values())]
    rows = sa.table(table, *columns)
    change = sa.update(rows).where(rows.c.id == sa.bindparam("row")).values({key: sa.bindparam(f"new_{key}") for key in keys})
    base, last = op.get_bind(), 0
    while known := base.execute(sa.select(rows).where(rows.c.id > last).order_by(rows.c.id).limit(STEP)).mappings().all():
        values = [
            {"row": row["id"], **{f"new_{key}": search_key(row[source]) for key, source in keys.items()}} for row in known
        ]
        base.execute(change, values)
        last = known[-1]["id"]


def downgrade() -> None:
    op.drop_table("export")
    for name, table, *_ in reversed((*INDEXES, *PARTIAL)):
        op.drop_index(name, table)
    op.drop_index("ix_registration_centre_day", "registration")
    op.create_index("ix_registration_centre_day", "registration", ["centre_id", "registered_on"])
    op.create_index("ix_registration_training_id", "registration", ["training_id"])
    op.create_index("ix_driver_last_name", "driver", ["last_name"])
    if op.get_bind().dialect.name == "postgresql":
        op.execute('ALTER TABLE driver ALTER COLUMN permit_number TYPE VARCHAR(16) COLLATE "default"')
    for table, keys in KEYS.items():
        for key in reversed(keys):
            op.drop_column(table, key)
