"""What accounts are searched and sorted by: the keys of names and address, which PostgreSQL writes whoever writes the row

The version before, at work beside this one or put back after it, knows nothing of the keys; the trigger does. On SQLite one
program writes at a time, which is stopped while it is upgraded.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0047"
down_revision = "0046"
branch_labels = None
depends_on = None

KEY = sa.String(80).with_variant(sa.String(80, collation="C"), "postgresql")
#: search key → the column it is made of
KEYS = {"search_last": "last_name", "search_first": "first_name", "search_email": "email"}


def upgrade() -> None:
    for key in KEYS:
        op.add_column("ab_user", sa.Column(key, KEY, nullable=False, server_default=""))
    if op.get_bind().dialect.name != "postgresql":
        return
    made = "".join(
        f"NEW.{key} := left(translate(public.fold_text(NEW.{source}), '-''. ', ''), 80); " for key, source in KEYS.items()
    )
    op.execute(
        "CREATE FUNCTION registre_account_keys() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog "
        f"AS $$ BEGIN {made}RETURN NEW; END $$"
    )
    op.execute(
        f"CREATE TRIGGER tr_ab_user_keys BEFORE INSERT OR UPDATE OF {', '.join((*KEYS, *KEYS.values()))} ON ab_user"
        " FOR EACH ROW EXECUTE FUNCTION registre_account_keys()"
    )


def downgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP TRIGGER tr_ab_user_keys ON ab_user")
        op.execute("DROP FUNCTION registre_account_keys()")
    for key in reversed(KEYS):
        op.drop_column("ab_user", key)
