"""The search keys of the accounts that stand already, some thousands at a time: nobody's sign-in waits for all of them"""

from __future__ import annotations

from alembic import op

revision = "0048"
down_revision = "0047"
branch_labels = None
depends_on = None

#: Each share is committed; run again, it goes on with those that have no key yet. The trigger of 0047 works the keys out.
SHARES = """
DO $$
DECLARE
  beyond integer := 0;
  last integer := (SELECT max(id) FROM ab_user);
BEGIN
  WHILE beyond < last LOOP
    UPDATE ab_user SET last_name = last_name WHERE id > beyond AND id <= beyond + 2000 AND search_email = '';
    COMMIT;
    beyond := beyond + 2000;
  END LOOP;
END $$"""
#: SQLite has one writer, and few accounts; `fold_text` is the program's own there.
KEY = "substr(replace(replace(replace(replace(fold_text({}), '-', ''), '''', ''), '.', ''), ' ', ''), 1, 80)"


def upgrade() -> None:
    with op.get_context().autocommit_block():
        if op.get_bind().dialect.name == "postgresql":
            op.execute(SHARES)
        else:
            keys = {"search_last": "last_name", "search_first": "first_name", "search_email": "email"}
            op.execute("UPDATE ab_user SET " + ", ".join(f"{key} = {KEY.format(of)}" for key, of in keys.items()))


def downgrade() -> None:
    """Nothing: the columns go with 0047."""
