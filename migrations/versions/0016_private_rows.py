"""Row-level security on what belongs to a person or to nobody's centre: accounts and their secrets, links, sign-ups, the outbox,
exports; roles, permissions, catalogue and tariffs are read by all and written by agents and the program

Nobody but the program reads a password's hash or the token of a sign-in: `db-role` takes the two columns from the application's
role, and `registre_secret` hands them out to the program and to the person themselves.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0014"
branch_labels = None
depends_on = None

ALL = "(SELECT registre_sees_all())"
SELF = "(SELECT registre_person())"
#: Run with the rights of their owner: what the policies hide is handed out for one purpose each.
FUNCTIONS = {
    "registre_secret(person integer, what text) RETURNS text": (
        "SELECT CASE what WHEN 'password' THEN u.password WHEN 'auth_token' THEN u.auth_token END FROM public.ab_user u "
        "WHERE u.id = person AND (current_setting('registre.actor', true) = 'worker' OR u.id = public.registre_person())"
    ),
    "registre_signed_in(token text) RETURNS integer": "SELECT u.id FROM public.ab_user u WHERE u.auth_token = token",
    "registre_agents() RETURNS SETOF integer": (
        "SELECT r.user_id FROM public.ab_user_role r JOIN public.ab_role k ON k.id = r.role_id WHERE k.name = 'Agent'"
    ),
}
#: One's own account, those of who acts or acted for the current centre, and the agents, who sign what they decide.
PEOPLE = (
    f"id = {SELF} OR id IN (SELECT m.person_id FROM membership m WHERE m.centre_id = (SELECT registre_centre()))"
    f" OR {SELF} IS NOT NULL AND id IN (SELECT registre_agents())"
)
#: Table → who, beside those who see all, reads a row; who writes one.
POLICIES = {
    "ab_user": (PEOPLE, f"id = {SELF}"),
    "ab_user_role": (f"user_id = {SELF}", "false"),
    "ab_user_group": (f"user_id = {SELF}", "false"),
    "ab_register_user": ("false", "false"),
    "ab_api_key": ("false", "false"),
    "second_factor": (f"person_id = {SELF}", f"person_id = {SELF}"),
    "recovery_code": (f"person_id = {SELF}", f"person_id = {SELF}"),
    "account_link": (f"person_id = {SELF}", f"person_id = {SELF}"),
    "sign_up": ("false", "false"),
    "export": (f"person_id = {SELF}", f"person_id = {SELF}"),
    **dict.fromkeys(
        ("ab_role", "ab_group", "ab_group_role", "ab_permission", "ab_view_menu", "ab_permission_view",
         "ab_permission_view_role", "training", "tariff"),
        ("true", "false"),
    ),
}  # fmt: skip


def upgrade() -> None:
    op.create_table(
        "refused_request",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("endpoint", sa.String(length=80), nullable=False),
        sa.Column("network", sa.String(length=45), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("day", "network", "kind", "endpoint", "person_id", name="uq_refused_request"),
    )
    op.create_index("ix_refused_request_person", "refused_request", ["person_id"])
    if op.get_bind().dialect.name != "postgresql":
        return
    for head, body in FUNCTIONS.items():
        op.execute(
            f"CREATE FUNCTION {head} LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog AS $$ {body} $$"
        )
    op.execute("ALTER TABLE refused_request ENABLE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY own_rows ON refused_request USING ({ALL})")
    for table, (read, write) in POLICIES.items():
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY own_rows ON {table} FOR SELECT USING ({ALL} OR {read})")
        op.execute(f"CREATE POLICY own_new ON {table} FOR INSERT WITH CHECK ({ALL} OR {write})")
        op.execute(f"CREATE POLICY own_changes ON {table} FOR UPDATE USING ({ALL} OR {write})")
        op.execute(f"CREATE POLICY own_removals ON {table} FOR DELETE USING ({ALL} OR {write})")
    # Whoever acts makes work due; the program alone reads it and does it.
    op.execute("ALTER TABLE outbox ENABLE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY own_rows ON outbox USING ({ALL})")
    op.execute("CREATE POLICY own_new ON outbox FOR INSERT WITH CHECK ((SELECT registre_is_named()))")


def downgrade() -> None:
    op.drop_table("refused_request")
    if op.get_bind().dialect.name != "postgresql":
        return
    op.execute("DROP POLICY own_new ON outbox")
    op.execute("DROP POLICY own_rows ON outbox")
    op.execute("ALTER TABLE outbox DISABLE ROW LEVEL SECURITY")
    for table in POLICIES:
        for policy in ("own_rows", "own_new", "own_changes", "own_removals"):
            op.execute(f"DROP POLICY {policy} ON {table}")
        op.execute(f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY")
    for head in FUNCTIONS:
        op.execute(f"DROP FUNCTION {head.partition(' RETURNS')[0]}")
