"""A centre invites a driver without account to open one, at the mail address it knows. Nothing is told of the driver."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from app.extensions import db
from app.models import Mail, Registration
from app.models.outbox import INVITATION_MAIL
from app.services.accounts import activation
from app.services.core import clock, outbox, throttle
from app.services.core.refusal import Refusal
from app.services.core.throttle import Limit
from app.services.core.transaction import transaction
from app.services.journal import record as journal
from app.services.notifications import invitation_limits, mail
from app.services.notifications.mail import Content
from app.validators.address import parse_address

FOR_ADDRESS = Limit("invitation address", 5)


class AlreadyInvited(Refusal):
    """One invitation a day for a registration."""

    message = "Une invitation a déjà été envoyée aujourd’hui pour cette ligne. Vous pourrez la renvoyer demain."


def invite(batch_id: int, line_number: int, typed: str, actor_id: int) -> str:
    """Make an invitation due and return the address it goes to.

    Raises :class:`AlreadyInvited`, `throttle.TooOften`, or `Refusal`: no such line, an account already, a bad address.
    """
    registration = _registration(batch_id, line_number)
    if registration.driver.has_account:
        raise Refusal("Ce conducteur possède déjà un compte sur la plateforme.")
    address = parse_address(typed)
    if address is None:
        raise Refusal("Saisissez l’adresse électronique du conducteur, par exemple prenom.nom@exemple.fr.")
    invitation_limits.DRIVERS.count(actor_id, registration.centre_id)
    throttle.count(FOR_ADDRESS, address)
    try:
        with transaction():
            sequence = _next(registration.id)
            due = mail.make_due(INVITATION_MAIL, address, registration_id=registration.id, sequence=sequence)
            journal.record(
                "invitation.sent",
                "registration",
                registration.id,
                actor_id=actor_id,
                centre_id=registration.centre_id,
                after={"mail": due},
            )
    except IntegrityError:  # two clicks at once
        raise AlreadyInvited from None
    outbox.ring()
    return address


def _registration(batch_id: int, line_number: int) -> Registration:
    query = select(Registration).where(Registration.batch_id == batch_id, Registration.line_number == line_number)
    registration = db.session.execute(query).scalar_one_or_none()
    if registration is None:
        raise Refusal("Cette ligne ne figure pas sur le reçu.")
    if not registration.is_live:
        raise Refusal("Cette ligne est annulée : n’invitez personne à son sujet.")
    return registration


def _next(registration_id: int) -> int:
    """Return the number of the next invitation; raise :class:`AlreadyInvited` when the last one is of today."""
    query = (
        select(Mail)
        .where(Mail.kind == INVITATION_MAIL, Mail.registration_id == registration_id)
        .order_by(Mail.sequence.desc())
        .limit(1)
    )
    last = db.session.execute(query).scalar_one_or_none()
    if last is None:
        return 1
    if last.created_at.astimezone(clock.PARIS).date() >= clock.today():
        raise AlreadyInvited
    return last.sequence + 1


@mail.says(INVITATION_MAIL, "Invitation à créer un compte")
def _invitation(row: Mail) -> Content:
    """Invite by a link that is a proof; whether the driver has an account meanwhile is not said in a mail."""
    registration = row.registration
    assert registration is not None
    link = activation.invitation_url(registration.driver_id, registration.centre_id, registration.driver.code_series)
    values = {"centre": registration.centre.name, "sign_up_url": link}
    return Content("drivers/mail/invitation", "Créez votre espace conducteur", values)
