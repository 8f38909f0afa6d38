"""A centre invites drivers without account to open one, each at the mail address it knows. Nothing is told of the driver."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from app.extensions import db
from app.models import Driver, Mail, Registration
from app.models.outbox import INVITATION_MAIL
from app.services.accounts import activation
from app.services.core import outbox, throttle
from app.services.core.refusal import Refusal
from app.services.core.throttle import Limit
from app.services.core.transaction import transaction
from app.services.journal import record as journal
from app.services.notifications import invitation_limits, invited, mail
from app.services.notifications.mail import Content
from app.validators.address import parse_address

FOR_ADDRESS = Limit("invitation address", 5)


class AlreadyInvited(Refusal):
    """One invitation a day for a person, unless it could not arrive."""

    message = "Votre centre a déjà invité cette personne aujourd’hui. Vous pourrez la renvoyer demain."


class BadAddress(Refusal):
    """What was typed is no address."""

    message = "Saisissez l’adresse électronique du conducteur, par exemple prenom.nom@exemple.fr."


@dataclass(frozen=True)
class Invited:
    """What became of several invitations: registration id → the address it goes to, or why it was refused."""

    due: dict[int, str] = field(default_factory=dict)
    refused: dict[int, Refusal] = field(default_factory=dict)


def invite(batch_id: int, line_number: int, typed: str, actor_id: int) -> str:
    """Make an invitation due for the driver of a line and return the address it goes to.

    Raises :class:`AlreadyInvited`, `throttle.TooOften`, or `Refusal`: no such line, an account already, a bad address.
    """
    query = select(Registration.id, Registration.centre_id)
    line = Registration.batch_id == batch_id, Registration.line_number == line_number
    row = db.session.execute(query.where(*line)).one_or_none()
    if row is None:
        raise _Unknown
    found = invite_all(row.centre_id, {row.id: typed}, actor_id)
    for refusal in found.refused.values():
        raise refusal
    return found.due[row.id]


def invite_all(centre_id: int, typed: Mapping[int, str], actor_id: int) -> Invited:
    """Make due an invitation to the driver of each of a centre's registrations (id → the address typed), in their order; jobs
    send them. What is refused is told registration by registration, and stops no other; nothing is raised.

    The person's and the centre's measure of mails holds as for one: beyond it the rest is refused until a while later.
    """
    found, persons = Invited(), _persons(centre_id, typed)
    here: dict[int, str] = {}
    over: throttle.TooOften | None = None
    for id_, text in typed.items():
        try:
            person = persons.get(id_)
            address = _address(person, text)
            assert person is not None
            first = here.setdefault(person.driver_id, address)
            if first != address:
                raise Refusal("Une autre adresse est saisie plus haut pour la même personne.")
            if any(persons[other].driver_id == person.driver_id for other in found.due):
                continue  # a second line of the same person: one invitation is enough
            over = over or _measure(actor_id, centre_id)
            if over:
                raise over
            throttle.count(FOR_ADDRESS, address)
        except Refusal as refusal:
            found.refused[id_] = refusal
        else:
            found.due[id_] = address
    return _written(found, centre_id, actor_id)


class _Unknown(Refusal):
    message = "Cette ligne ne figure pas parmi les enregistrements de votre centre."


@dataclass(frozen=True, slots=True)
class _Person:
    """Whom a registration is about, and why they may not be invited; None where they may."""

    driver_id: int
    refusal: Refusal | None


def _persons(centre_id: int, ids: Iterable[int]) -> dict[int, _Person]:
    """Return registration id → whom it is about, of those of the centre; two queries. Plain values: counting commits."""
    columns = Registration.id, Registration.driver_id, Registration.cancelled_on, Driver.person_id
    own = Registration.id.in_(list(ids)), Registration.centre_id == centre_id
    rows = db.session.execute(select(*columns).join(Registration.driver).where(*own)).all()
    last = invited.last(centre_id, {row.driver_id for row in rows})
    closed = {driver_id for driver_id, one in last.items() if not invited.is_open(one)}
    return {row.id: _Person(row.driver_id, _refusal(row, row.driver_id in closed)) for row in rows}


def _refusal(row: Any, is_closed: bool) -> Refusal | None:
    if row.cancelled_on is not None:
        return Refusal("Cette ligne est annulée : n’invitez personne à son sujet.")
    if row.person_id is not None:
        return Refusal("Ce conducteur possède déjà un compte sur la plateforme.")
    return AlreadyInvited() if is_closed else None


def _address(person: _Person | None, text: str) -> str:
    """Return the address that an invitation goes to; raise `Refusal` where there is none to send."""
    if person is None:
        raise _Unknown
    if person.refusal is not None:
        raise person.refusal
    address = parse_address(text)
    if address is None:
        raise BadAddress
    return address


def _measure(actor_id: int, centre_id: int) -> throttle.TooOften | None:
    """Count one mail of the person and the centre; return the wait where there is one."""
    try:
        invitation_limits.DRIVERS.count(actor_id, centre_id)
    except throttle.TooOften as refusal:
        return refusal
    return None


def _written(found: Invited, centre_id: int, actor_id: int) -> Invited:
    """Write the mails and the journal, all in one transaction; where another click has just done so, say so."""
    if not found.due:
        return found
    try:
        with transaction():
            _write(found.due, centre_id, actor_id)
    except IntegrityError:  # two clicks at once
        return Invited({}, {**found.refused, **{id_: AlreadyInvited() for id_ in found.due}})
    outbox.ring()
    return found


def _write(due: Mapping[int, str], centre_id: int, actor_id: int) -> None:
    about = Mail.kind == INVITATION_MAIL, Mail.registration_id.in_(due)
    query = select(Mail.registration_id, func.max(Mail.sequence)).where(*about).group_by(Mail.registration_id)
    last = dict(db.session.execute(query).tuples().all())
    mails = [
        {"recipient": address, "registration_id": id_, "sequence": last.get(id_, 0) + 1} for id_, address in due.items()
    ]
    for id_, mail_id in zip(due, mail.make_all_due(INVITATION_MAIL, mails), strict=True):
        journal.record(
            "invitation.sent",
            "registration",
            id_,
            actor_id=actor_id,
            centre_id=centre_id,
            after={"mail": mail_id},
        )


@mail.says(INVITATION_MAIL, "Invitation à créer un compte")
def _invitation(row: Mail) -> Content:
    """Invite by a link that is a proof; whether the driver has an account meanwhile is not said in a mail."""
    registration = row.registration
    assert registration is not None
    link = activation.invitation_url(registration.driver_id, registration.centre_id, registration.driver.code_series)
    values = {"centre": registration.centre.name, "sign_up_url": link}
    return Content("drivers/mail/invitation", "Créez votre espace conducteur", values)
