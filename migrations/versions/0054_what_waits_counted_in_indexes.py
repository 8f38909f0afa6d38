"""What waits for an agent is counted in indexes alone: they hold what the policies ask of a row as well"""

from __future__ import annotations

from alembic import op

from migrations import beside

revision = "0054"
down_revision = "0053"
branch_labels = None
depends_on = None

WITHHELD = {"sqlite": "withheld IS 1", "postgresql": "withheld IS TRUE"}


def upgrade() -> None:
    with beside.writers():
        beside.build("ix_mail_state_whose", "mail", ["state", "kind", "registration_id", "trainer_id"])
        whose = ["id", "centre_id", "driver_id", "cancelled_on"]
        beside.build("ix_registration_withheld_whose", "registration", whose, **WITHHELD)
        op.drop_index("ix_mail_state", "mail", if_exists=True, postgresql_concurrently=True)
        op.drop_index("ix_registration_withheld", "registration", if_exists=True, postgresql_concurrently=True)


def downgrade() -> None:
    with beside.writers():
        beside.build("ix_mail_state", "mail", ["state", "kind", "registration_id"])
        beside.build("ix_registration_withheld", "registration", ["id"], **WITHHELD)
        op.drop_index("ix_mail_state_whose", "mail", if_exists=True, postgresql_concurrently=True)
        op.drop_index("ix_registration_withheld_whose", "registration", if_exists=True, postgresql_concurrently=True)
