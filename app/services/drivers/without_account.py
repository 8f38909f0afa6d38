"""The drivers a centre registered who have no account yet, each under the name of the centre's last line about them."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import exists, select
from sqlalchemy.orm import aliased, contains_eager, joinedload

from app.extensions import db
from app.models import Driver, Mail, Registration
from app.services.notifications import invited
from app.services.registration import receipts

PAGE = 50


@dataclass(frozen=True, slots=True)
class Waiting:
    """A driver without account: the last registration, the last invitation by this centre, the code to hand over."""

    registration: Registration
    invitation: Mail | None
    code: str

    @property
    def may_be_invited(self) -> bool:
        """Tell whether the driver may be invited now."""
        return invited.is_open(self.invitation)


def page(centre_id: int, number: int) -> tuple[list[Waiting], bool]:
    """Return a page of them by name, from 1, and whether more follow; two queries."""
    r, later = Registration, aliased(Registration)
    newer = (later.driver_id == r.driver_id) & (later.centre_id == r.centre_id) & (later.id > r.id)
    query = (
        select(r)
        .join(r.driver)
        .options(contains_eager(r.driver), joinedload(r.registered_as), joinedload(r.training), joinedload(r.batch))
        .where(r.centre_id == centre_id, r.live(), Driver.person_id.is_(None))
        .where(~exists().where(newer, later.cancelled_on.is_(None)))
        .order_by(r.search_last, r.search_first, r.id)
        .limit(PAGE + 1)
        .offset((max(number, 1) - 1) * PAGE)
    )
    rows = list(db.session.scalars(query))
    last = invited.last(centre_id, [row.driver_id for row in rows])
    found = [Waiting(row, last.get(row.driver_id), receipts.code_of(row)) for row in rows[:PAGE]]
    return found, len(rows) > PAGE
