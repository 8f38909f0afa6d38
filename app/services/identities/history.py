"""What agents did to a driver's identity, as the driver's card tells it; and who may be the same person."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from app.extensions import db
from app.models import Driver, DriverMerge, IdentityCorrection
from app.services.core import actor

from . import hanging


@dataclass(frozen=True, slots=True)
class History:
    """Corrections and mergers of a driver, the latest first."""

    corrections: list[IdentityCorrection]
    merges: list[DriverMerge]


def of(driver_id: int) -> History:
    """Return what was done to a driver's identity."""
    query = select(IdentityCorrection).options(joinedload(IdentityCorrection.by))
    own = query.where(IdentityCorrection.driver_id == driver_id).order_by(IdentityCorrection.id.desc())
    return History(list(db.session.execute(own).scalars()), hanging.merges(driver_id))


def standing_id(driver_id: int) -> int | None:
    """Return the id of the driver that an identity leads to; None where it is the driver's own, or never was."""
    return db.session.scalar(select(Driver.same_as_id).where(Driver.id == driver_id))


@actor.acting(actor.PROGRAM)
def former(driver: Driver) -> list[tuple[str, Driver | IdentityCorrection]]:
    """Return the identities that were or are the driver's beside today's, with why: for the copy of one's own data."""
    corrected = select(IdentityCorrection).where(IdentityCorrection.driver_id == driver.id)
    joined = (
        select(Driver)
        .join(DriverMerge, DriverMerge.joined_id == Driver.id)
        .where(Driver.same_as_id == driver.id, DriverMerge.undone_at.is_(None))
        .order_by(Driver.id)
    )
    return [
        *(
            (f"Corrigée par un agent le {row.at:%d/%m/%Y} : {row.reason}", row)
            for row in db.session.execute(corrected.order_by(IdentityCorrection.id)).scalars()
        ),
        *(("Autre fiche, réunie à la vôtre par un agent", row) for row in db.session.execute(joined).scalars()),
    ]
