"""The registrations of a centre, driver by driver: who among them has no account is met without looking each up"""

from __future__ import annotations

from alembic import op

from migrations import beside

revision = "0052"
down_revision = "0051"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with beside.writers():
        beside.build("ix_registration_centre_driver", "registration", ["centre_id", "driver_id"])


def downgrade() -> None:
    op.drop_index("ix_registration_centre_driver", "registration", if_exists=True)
