"""The locks of who changes what drivers are: taken whole, in the order of their ids, and given up at once for who registers."""

from __future__ import annotations

from collections.abc import Iterable

from psycopg.errors import LockNotAvailable
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from app.extensions import db
from app.models import Driver
from app.services.core import actor
from app.services.core.dialect import on_postgresql
from app.services.core.refusal import Refusal

#: Shorter than what PostgreSQL takes to look for a deadlock: of two who wait for each other, the agent begins again.
PATIENCE = "900ms"


class Busy(Refusal):
    """Somebody registers, corrects or joins one of these drivers at this moment."""

    message = "Ce conducteur est en cours d’enregistrement ou de correction : recommencez dans un instant."


@actor.acting(actor.PROGRAM)
def hold(driver_ids: Iterable[int]) -> None:
    """Take the drivers until the end of the transaction: nobody hangs anything on them meanwhile. Raises :class:`Busy`.

    On SQLite the transaction's first write locks the base: it has to come before anything is read.
    """
    if not on_postgresql():
        return
    query = select(Driver.id).where(Driver.id.in_(sorted(driver_ids))).order_by(Driver.id).with_for_update()
    db.session.execute(text(f"SET LOCAL lock_timeout = '{PATIENCE}'"))
    try:
        db.session.execute(query).all()
    except DBAPIError as error:
        if isinstance(error.orig, LockNotAvailable):
            raise Busy from None
        raise
    db.session.execute(text("SET LOCAL lock_timeout TO DEFAULT"))
