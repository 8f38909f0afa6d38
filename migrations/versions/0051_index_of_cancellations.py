"""What was cancelled since a day is found by its index; built beside those who write"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0051"
down_revision = "0050"
branch_labels = None
depends_on = None

CANCELLED = sa.text("cancelled_on IS NOT NULL")


def upgrade() -> None:
    with op.get_context().autocommit_block():
        # It waits for every transaction older than itself, and holds nobody up meanwhile: it is not given up.
        waits = op.get_bind().dialect.name == "postgresql"
        if waits:
            op.execute("SELECT set_config('registre.lock_timeout', current_setting('lock_timeout'), false)")
            op.execute("SET lock_timeout = 0")
        # What was cut short has left one that serves nobody.
        op.drop_index("ix_registration_cancelled_on", "registration", if_exists=True, postgresql_concurrently=True)
        op.create_index(
            "ix_registration_cancelled_on",
            "registration",
            ["cancelled_on"],
            sqlite_where=CANCELLED,
            postgresql_where=CANCELLED,
            postgresql_concurrently=True,
        )
        if waits:
            op.execute("SELECT set_config('lock_timeout', current_setting('registre.lock_timeout'), false)")


def downgrade() -> None:
    op.drop_index("ix_registration_cancelled_on", "registration", if_exists=True)
