"""Every change of a registration or a batch, in the order of the commits of its centre: what lists by API are read in

PostgreSQL: a statement that changes something notes what is due; as the transaction commits, the centre's lock is taken and the
changes get their numbers, so that whoever sees a number sees all those before it. SQLite has one writer at a time: triggers
give the numbers at once. Making `registration`, `document`, `batch` or `driver` anew on SQLite drops these triggers.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

#: The lock of a centre's numbers among the base's advisory locks (`services.core.changes`).
LOCK = 7_202
_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_INSTANT = sa.DateTime(timezone=True)
ORDERED, CANCELLED = "order_number <> ''", "NOT is_live"
ALL = "(SELECT registre_sees_all())"

HEAD = "RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS"
DUE = "INSERT INTO public.change_due (kind, centre_id, subjects)"
#: Function → what it does for the rows of one statement. Documents written with their registration are no change of it.
FUNCTIONS = {
    "registre_registrations_changed": (
        f"{DUE} SELECT 'registration', centre_id, jsonb_agg(id) FROM new_rows GROUP BY centre_id;"
    ),
    "registre_documents_added": (
        f"{DUE} SELECT 'registration', r.centre_id, jsonb_agg(DISTINCT r.id) FROM new_rows n"
        " JOIN public.registration r ON r.id = n.registration_id"
        " WHERE r.xmin <> pg_current_xact_id()::xid GROUP BY r.centre_id;"
    ),
    "registre_documents_changed": (
        f"{DUE} SELECT 'registration', r.centre_id, jsonb_agg(DISTINCT r.id) FROM new_rows n"
        " JOIN old_rows o ON o.id = n.id AND o.state IS DISTINCT FROM n.state"
        " JOIN public.registration r ON r.id = n.registration_id GROUP BY r.centre_id;"
    ),
    "registre_drivers_changed": (
        f"{DUE} SELECT 'registration', r.centre_id, jsonb_agg(DISTINCT r.id) FROM new_rows n JOIN old_rows o ON o.id = n.id"
        " AND (o.permit_number, o.birth_date) IS DISTINCT FROM (n.permit_number, n.birth_date)"
        " JOIN public.registration r ON r.driver_id = n.id GROUP BY r.centre_id;"
    ),
    "registre_batches_added": f"{DUE} SELECT 'batch', centre_id, jsonb_agg(id) FROM new_rows GROUP BY centre_id;",
    "registre_batches_changed": (
        f"{DUE} SELECT 'batch', n.centre_id, jsonb_agg(n.id) FROM new_rows n"
        " JOIN old_rows o ON o.id = n.id AND o.state IS DISTINCT FROM n.state GROUP BY n.centre_id;"
    ),
    "registre_batches_removed": (
        "DELETE FROM public.last_change c USING old_rows o WHERE c.kind = 'batch' AND c.subject_id = o.id;"
    ),
}  # fmt: skip
NEW, BOTH, OLD = "NEW TABLE AS new_rows", "OLD TABLE AS old_rows NEW TABLE AS new_rows", "OLD TABLE AS old_rows"
#: Table, act, the rows handed over, the function called.
ON_POSTGRES = (
    ("registration", "INSERT", NEW, "registre_registrations_changed"),
    ("registration", "UPDATE", NEW, "registre_registrations_changed"),
    ("document", "INSERT", NEW, "registre_documents_added"),
    ("document", "UPDATE", BOTH, "registre_documents_changed"),
    ("driver", "UPDATE", BOTH, "registre_drivers_changed"),
    ("batch", "INSERT", NEW, "registre_batches_added"),
    ("batch", "UPDATE", BOTH, "registre_batches_changed"),
    ("batch", "DELETE", OLD, "registre_batches_removed"),
)
#: As the transaction commits. All its rows are numbered for the first of them, the centres' locks taken in one order.
NUMBER = f"""
DECLARE
    one record;
    moment timestamptz;
BEGIN
    PERFORM FROM public.change_due WHERE id = NEW.id;
    IF NOT FOUND THEN RETURN NULL; END IF;
    FOR one IN SELECT DISTINCT centre_id FROM public.change_due ORDER BY centre_id LOOP
        PERFORM pg_advisory_xact_lock({LOCK}, one.centre_id);
    END LOOP;
    FOR one IN SELECT DISTINCT kind, centre_id FROM public.change_due ORDER BY kind, centre_id LOOP
        SELECT greatest(clock_timestamp(), max(at)) INTO moment FROM public.last_change
        WHERE centre_id = one.centre_id AND kind = one.kind;
        INSERT INTO public.last_change AS c (kind, subject_id, centre_id, at, order_number, is_live)
        SELECT one.kind, due.id, one.centre_id, moment, coalesce(r.order_number, ''), r.cancelled_on IS NULL
        FROM (
            SELECT DISTINCT subject::integer AS id
            FROM public.change_due d, jsonb_array_elements_text(d.subjects) AS subject
            WHERE d.kind = one.kind AND d.centre_id = one.centre_id
        ) due LEFT JOIN public.registration r ON one.kind = 'registration' AND r.id = due.id
        ORDER BY due.id
        ON CONFLICT (kind, subject_id) DO UPDATE
        SET number = excluded.number, centre_id = excluded.centre_id, at = excluded.at, is_live = excluded.is_live;
    END LOOP;
    DELETE FROM public.change_due;
    RETURN NULL;
END"""

#: SQLite: a change takes the next number in place of the one before. What is registered is noted at once with its batch.
_NOW = (
    "max(strftime('%Y-%m-%d %H:%M:%f', 'now') || '000', coalesce((SELECT max(c.at) FROM last_change c"
    " WHERE c.centre_id = {centre} AND c.kind = '{kind}'), ''))"
)
_INTO = "INSERT INTO last_change (kind, subject_id, centre_id, at, order_number, is_live)"
_AGAIN = _INTO.replace("INSERT", "INSERT OR REPLACE")


def _registrations(rows: str, centre: str = "r.centre_id") -> str:
    now = _NOW.format(centre=centre, kind="registration")
    return (
        f"{_AGAIN} SELECT 'registration', r.id, r.centre_id, {now}, r.order_number, r.cancelled_on IS NULL"
        f" FROM registration r WHERE {rows} ORDER BY r.id;"
    )


_NOW_OF_BATCH = _NOW.format(centre="NEW.centre_id", kind="batch")
_BATCH = f"{_AGAIN} VALUES ('batch', NEW.id, NEW.centre_id, {_NOW_OF_BATCH}, '', 1);"
_OWN, _DOCUMENT_S = _registrations("r.id = NEW.id"), _registrations("r.id = NEW.registration_id")
_REGISTERED = _registrations("r.batch_id = NEW.id AND NEW.state = 'registered'", "NEW.centre_id")
_STATE = "(SELECT b.state FROM batch b WHERE b.id = NEW.batch_id)"
_STATE_ABOVE = (
    "(SELECT b.state FROM registration r JOIN batch b ON b.id = r.batch_id WHERE r.id = NEW.registration_id)"
)
#: Trigger → when, and what is done.
ON_SQLITE = {
    "tr_registration_insert_change": (f"INSERT ON registration WHEN {_STATE} <> 'registering'", _OWN),
    "tr_registration_update_change": ("UPDATE ON registration", _OWN),
    "tr_document_insert_change": (f"INSERT ON document WHEN {_STATE_ABOVE} <> 'registering'", _DOCUMENT_S),
    "tr_document_update_change": ("UPDATE OF state ON document WHEN OLD.state <> NEW.state", _DOCUMENT_S),
    "tr_driver_update_change": (
        "UPDATE OF permit_number, birth_date ON driver"
        " WHEN OLD.permit_number <> NEW.permit_number OR OLD.birth_date <> NEW.birth_date",
        _registrations("r.driver_id = NEW.id"),
    ),
    "tr_batch_insert_change": ("INSERT ON batch", _BATCH),
    "tr_batch_update_change": ("UPDATE OF state ON batch WHEN OLD.state <> NEW.state", f"{_BATCH} {_REGISTERED}"),
    "tr_batch_delete_change": (
        "DELETE ON batch", "DELETE FROM last_change WHERE kind = 'batch' AND subject_id = OLD.id;"
    ),
}  # fmt: skip


def upgrade() -> None:
    on_postgres = op.get_bind().dialect.name == "postgresql"
    _make_tables()
    op.create_index("ix_driver_birth_date", "driver", ["birth_date"])
    _carry_over(on_postgres)
    if on_postgres:
        _watch_postgres()
        _protect()
    else:
        for name, (act, body) in ON_SQLITE.items():
            op.execute(f"CREATE TRIGGER {name} AFTER {act} BEGIN {body} END")


def downgrade() -> None:
    on_postgres = op.get_bind().dialect.name == "postgresql"
    if on_postgres:
        for table, act, _, _ in ON_POSTGRES:
            op.execute(f"DROP TRIGGER tr_{table}_{act.lower()}_change ON {table}")
    else:
        for name in ON_SQLITE:
            op.execute(f"DROP TRIGGER {name}")
    op.drop_index("ix_driver_birth_date", "driver")
    op.drop_table("change_due")
    op.drop_table("last_change")
    for function in (*FUNCTIONS, "registre_number_changes") if on_postgres else ():
        op.execute(f"DROP FUNCTION {function}()")


def _make_tables() -> None:
    op.create_table(
        "last_change",
        sa.Column("number", _NUMBER, nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("subject_id", sa.Integer(), nullable=False),
        sa.Column("centre_id", sa.Integer(), nullable=False),
        sa.Column("at", _INSTANT, nullable=False),
        sa.Column("order_number", sa.String(length=50), nullable=False),
        sa.Column("is_live", sa.Boolean(), nullable=False),
        sa.CheckConstraint("kind IN ('registration', 'batch')", name="ck_last_change_kind"),
        sa.CheckConstraint("is_live OR kind = 'registration'", name="ck_last_change_live"),
        sa.ForeignKeyConstraint(
            ["centre_id"], ["centre.id"], name=op.f("fk_last_change_centre_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_last_change")),
        sa.UniqueConstraint("kind", "subject_id", name=op.f("uq_last_change_kind_subject_id")),
        sqlite_autoincrement=True,
    )
    for name, columns, rows in (
        ("ix_last_change_order", ["centre_id", "kind", "at", "number"], None),
        ("ix_last_change_order_number", ["centre_id", "order_number", "at", "number"], ORDERED),
        ("ix_last_change_cancelled", ["centre_id", "at", "number"], CANCELLED),
    ):
        where = sa.text(rows) if rows else None
        op.create_index(name, "last_change", columns, sqlite_where=where, postgresql_where=where)
    op.create_table(
        "change_due",
        sa.Column("id", _NUMBER, nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("centre_id", sa.Integer(), nullable=False),
        sa.Column("subjects", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.ForeignKeyConstraint(
            ["centre_id"], ["centre.id"], name=op.f("fk_change_due_centre_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_change_due")),
    )


def _carry_over(on_postgres: bool) -> None:
    """Note what stands in the register as changed now: asked what has changed since any instant before, it is told."""
    now = "now()" if on_postgres else "strftime('%Y-%m-%d %H:%M:%f', 'now') || '000'"
    true = "true" if on_postgres else "1"
    op.execute(f"{_INTO} SELECT 'batch', id, centre_id, {now}, '', {true} FROM batch ORDER BY id")
    op.execute(
        f"{_INTO} SELECT 'registration', id, centre_id, {now}, order_number, cancelled_on IS NULL"
        " FROM registration ORDER BY id"
    )


def _watch_postgres() -> None:
    for name, body in FUNCTIONS.items():
        op.execute(f"CREATE FUNCTION {name}() {HEAD} $$ BEGIN {body} RETURN NULL; END $$")
    op.execute(f"CREATE FUNCTION registre_number_changes() {HEAD} $${NUMBER} $$")
    for table, act, rows, function in ON_POSTGRES:
        op.execute(
            f"CREATE TRIGGER tr_{table}_{act.lower()}_change AFTER {act} ON {table} REFERENCING {rows}"
            f" FOR EACH STATEMENT EXECUTE FUNCTION {function}()"
        )
    op.execute(
        "CREATE CONSTRAINT TRIGGER tr_change_due_number AFTER INSERT ON change_due DEFERRABLE INITIALLY DEFERRED"
        " FOR EACH ROW EXECUTE FUNCTION registre_number_changes()"
    )


def _protect() -> None:
    """Show a centre the order of its own changes; what is due is the base's own, written by its functions."""
    for table, rows in (("last_change", f"{ALL} OR centre_id = (SELECT registre_centre())"), ("change_due", ALL)):
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY own_rows ON {table} USING ({rows})")
