"""Invitations to the addresses that came with the lines of a registration: due by a job, through the door of « Inviter ».

An address is kept until its invitation is due, or until it is known that none will be.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import and_, select, update

from app.extensions import db
from app.models import Batch, BatchLine, Driver, Registration
from app.models.outbox import INVITATIONS
from app.services.core import clock, outbox
from app.services.core.throttle import TooOften
from app.validators.address import parse_address

from . import account_invitations

#: Addresses that one job looks at.
STEP = 100
#: Beyond the measure of mails the rest waits so long: by then ten more may leave, and people may invite by hand meanwhile.
WAIT = timedelta(minutes=10)
#: After so long nobody is invited any more, and the addresses go.
PATIENCE = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class _Line:
    """A line that bears an address, and the registration whose driver has no account; None where nobody is to be invited."""

    number: int
    typed: str
    registration_id: int | None


def invite(batch_id: int) -> None:
    """Invite the drivers of a registered batch at the addresses of its lines; in the caller's transaction what is left is made
    due again. Who has an account gets nothing; who is refused an invitation neither. Harmless twice.
    """
    batch = db.session.get_one(Batch, batch_id)
    centre_id, person_id, registered_at = batch.centre_id, batch.registered_by_id, batch.updated_at
    lines = _lines(batch_id)
    if not lines:
        return
    assert person_id is not None, "only a registered batch has work of this kind"
    late = clock.machine_now() - registered_at > PATIENCE
    wanted = {} if late else {one.registration_id: one.typed for one in lines if one.registration_id is not None}
    found = account_invitations.invite_all(centre_id, wanted, person_id)
    waiting = {id_ for id_, refusal in found.refused.items() if isinstance(refusal, TooOften)}
    _erase(batch_id, [one.number for one in lines if one.registration_id not in waiting])
    if waiting:
        outbox.add(INVITATIONS, [{"batch": batch_id}], due_at=clock.machine_now() + WAIT)
    elif len(lines) == STEP:
        outbox.add(INVITATIONS, [{"batch": batch_id}])


def _lines(batch_id: int) -> list[_Line]:
    """Return the first lines of a batch that bear an address; one query."""
    own = and_(Registration.batch_id == BatchLine.batch_id, Registration.line_number == BatchLine.number)
    query = (
        select(BatchLine.number, BatchLine.email, Registration.id, Driver.person_id)
        .outerjoin(Registration, own)
        .outerjoin(Driver, Driver.id == Registration.driver_id)
        .where(BatchLine.batch_id == batch_id, BatchLine.email != "")
        .order_by(BatchLine.number)
        .limit(STEP)
    )
    return [
        _Line(number, typed, id_ if person_id is None and parse_address(typed) else None)
        for number, typed, id_, person_id in db.session.execute(query).tuples()
    ]


def _erase(batch_id: int, numbers: list[int]) -> None:
    own = BatchLine.batch_id == batch_id, BatchLine.number.in_(numbers)
    db.session.execute(update(BatchLine).where(*own).values(email="").execution_options(synchronize_session=False))
