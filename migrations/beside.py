"""Indexes built beside those who write."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa
from alembic import op


@contextmanager
def writers() -> Iterator[None]:
    """Build what stands in the block outside a transaction.

    On PostgreSQL it waits for every transaction older than itself, and holds nobody up meanwhile: it is not given up.
    """
    with op.get_context().autocommit_block():
        waits = op.get_bind().dialect.name == "postgresql"
        if waits:
            op.execute("SELECT set_config('registre.lock_timeout', current_setting('lock_timeout'), false)")
            op.execute("SET lock_timeout = 0")
        yield
        if waits:
            op.execute("SELECT set_config('lock_timeout', current_setting('registre.lock_timeout'), false)")


def build(name: str, table: str, columns: list[str], sqlite: str = "", postgresql: str = "") -> None:
    """Build an index, of the rows that each base's condition names or of all; one cut short, that serves nobody, goes first."""
    op.drop_index(name, table, if_exists=True, postgresql_concurrently=True)
    where: dict[str, Any] = {
        f"{base}_where": sa.text(said) for base, said in (("sqlite", sqlite), ("postgresql", postgresql)) if said
    }
    op.create_index(name, table, columns, postgresql_concurrently=True, **where)
