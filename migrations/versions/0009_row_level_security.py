"""Row-level security on PostgreSQL: every table that has a centre shows each actor its own rows, and no row to nobody

The policies hold for every role but the owner of the tables (and superusers), who migrates and purges. The transaction's
actor stands in settings: registre.actor (agent, worker, centre, driver, public), registre.person, registre.centre,
registre.code. A row below another one (a line, a document) is seen where that one is.
"""

from __future__ import annotations

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

FUNCTIONS = {
    "registre_sees_all() RETURNS boolean": "SELECT current_setting('registre.actor', true) IN ('agent', 'worker')",
    "registre_is_named() RETURNS boolean": "SELECT coalesce(current_setting('registre.actor', true), '') <> ''",
    "registre_person() RETURNS integer": "SELECT nullif(current_setting('registre.person', true), '')::integer",
    "registre_centre() RETURNS integer": (
        "SELECT nullif(current_setting('registre.centre', true), '')::integer "
        "WHERE current_setting('registre.actor', true) = 'centre'"
    ),
}
#: Run with the rights of their owner: they find the one row that the policies then speak of.
FINDERS = {
    "registre_driver() RETURNS integer": (
        "SELECT id FROM public.driver WHERE person_id = nullif(current_setting('registre.person', true), '')::integer"
    ),
    "registre_coded() RETURNS SETOF integer": (
        "SELECT registration_id FROM public.document WHERE nullif(current_setting('registre.code', true), '') "
        "IN (number, sha256)"
    ),
    "registre_coded_drivers() RETURNS SETOF integer": (
        "SELECT driver_id FROM public.registration WHERE id IN (SELECT public.registre_coded())"
    ),
}

ALL = "(SELECT registre_sees_all())"
OWN_CENTRE = "centre_id = (SELECT registre_centre())"
#: The centres one may switch to: their names, and what one's rights there are about.
OWN_PLACES = "centre_id IN (SELECT m.centre_id FROM membership m WHERE m.person_id = (SELECT registre_person()))"
OWN_DRIVER = "driver_id = (SELECT registre_driver())"


def _below(parent: str, column: str, key: str = "id") -> str:
    """Return the condition that the row above is seen: its own policies apply in here."""
    return f"EXISTS (SELECT 1 FROM {parent} above WHERE above.{key} = {column})"


#: A mail about a trainer's right names it in its subject: « id », or « id-sequence ».
TRAINER_TOLD = "split_part(mail.subject, '-', 1)"
#: Table → who, beside those who see all, sees and writes a row.
POLICIES = {
    "centre": (
        "id = (SELECT registre_centre())"
        " OR id IN (SELECT m.centre_id FROM membership m WHERE m.person_id = (SELECT registre_person()))"
        " OR id IN (SELECT r.centre_id FROM registration r WHERE r.driver_id = (SELECT registre_driver()))"
        " OR id IN (SELECT t.centre_id FROM trainer t WHERE t.driver_id = (SELECT registre_driver()))"
    ),
    "service_contract": f"{OWN_CENTRE} OR {OWN_PLACES}",
    "membership": f"{OWN_CENTRE} OR person_id = (SELECT registre_person())",
    "membership_right": _below("membership", "membership_id"),
    "membership_right_accreditation": _below("membership_right", "membership_right_id"),
    "member_invitation": OWN_CENTRE,
    "accreditation": f"{OWN_CENTRE} OR {OWN_PLACES}",
    "accreditation_training": _below("accreditation", "accreditation_id"),
    "suspension": _below("accreditation", "accreditation_id"),
    "api_subscription": OWN_CENTRE,
    "api_key": OWN_CENTRE,
    "webhook_endpoint": OWN_CENTRE,
    "webhook_delivery": OWN_CENTRE,
    "batch": OWN_CENTRE,
    "batch_line": _below("batch", "batch_id"),
    "import_file": _below("batch", "batch_id"),
    # A centre finds a driver of any centre by permit number and birth date: that is what a registration starts from.
    "driver": (
        "(SELECT registre_centre()) IS NOT NULL OR person_id = (SELECT registre_person())"
        " OR id IN (SELECT registre_coded_drivers())"
    ),
    "registration": f"{OWN_CENTRE} OR {OWN_DRIVER} OR id IN (SELECT registre_coded())",
    "document": _below("registration", "registration_id"),
    "mail": (
        f"registration_id IS NOT NULL AND {_below('registration', 'registration_id')}"
        f" OR kind = 'right_open' AND {_below('trainer', TRAINER_TOLD, 'id::text')}"
    ),
    "trainer": f"{OWN_CENTRE} OR {OWN_DRIVER}",
    "card_request": OWN_DRIVER,
    "card_event": _below("card_request", "request_id"),
    "data_export": "person_id = (SELECT registre_person())",
}
#: The journal is written by whoever acts, of no centre or of one that they see; it is read, and never changed.
JOURNAL_READ = f"{ALL} OR {OWN_CENTRE} OR actor_id = (SELECT registre_person())"
JOURNAL_WRITE = f"{ALL} OR (SELECT registre_is_named()) AND (centre_id IS NULL OR {_below('centre', 'centre_id')})"


def upgrade() -> None:
    if op.get_bind().dialect.name != "postgresql":
        return
    for head, body in FUNCTIONS.items():
        op.execute(f"CREATE FUNCTION {head} LANGUAGE sql STABLE PARALLEL SAFE AS $$ {body} $$")
    for head, body in FINDERS.items():
        op.execute(
            f"CREATE FUNCTION {head} LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog AS $$ {body} $$"
        )
    for table, condition in POLICIES.items():
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY own_rows ON {table} USING ({ALL} OR {condition})")
    op.execute("ALTER TABLE journal ENABLE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY own_rows ON journal FOR SELECT USING ({JOURNAL_READ})")
    op.execute(f"CREATE POLICY own_acts ON journal FOR INSERT WITH CHECK ({JOURNAL_WRITE})")


def downgrade() -> None:
    if op.get_bind().dialect.name != "postgresql":
        return
    op.execute("DROP POLICY own_acts ON journal")
    for table in ("journal", *POLICIES):
        op.execute(f"DROP POLICY own_rows ON {table}")
        op.execute(f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY")
    for head in reversed([*FUNCTIONS, *FINDERS]):
        op.execute(f"DROP FUNCTION {head.partition(' ')[0]}")
