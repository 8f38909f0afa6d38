"""Sending a driver's certificate again: the same document, in a new mail, when somebody asks for it."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from app.extensions import db
from app.models import Document, Mail, Registration
from app.models.outbox import CERTIFICATE_MAIL, MAIL_PENDING
from app.models.registration import AVAILABLE, CERTIFICATE
from app.services.core import actor, clock, outbox, throttle
from app.services.core.refusal import Refusal
from app.services.core.throttle import Limit
from app.services.core.transaction import transaction
from app.services.journal import record as journal
from app.services.notifications import mail

#: Twice at once, then with waits that grow: a mail box is nobody's to fill.
FOR_REGISTRATION = Limit("certificate again", 2)


class StillPending(Refusal):
    """The mail before has not left yet."""

    message = "Le certificat est déjà en cours d’envoi à ce conducteur."


def resend(registration_id: int, actor_id: int, centre_id: int | None = None) -> str:
    """Make the certificate's mail due once more and return the address it goes to.

    ``centre_id``: the registration must be this centre's. Raises `LookupError` where there is no such registration,
    :class:`StillPending`, `throttle.TooOften`, or `Refusal`: no certificate in force, documents withheld, no account.
    """
    registration = db.session.get(Registration, registration_id, populate_existing=True)
    if registration is None or centre_id not in (None, registration.centre_id):
        raise LookupError(registration_id)
    certificate = _certificate(registration)
    address = _address(registration, certificate, by_agent=centre_id is None)
    throttle.count(FOR_REGISTRATION, str(registration_id))
    try:
        with transaction():
            sequence = _next(registration_id)
            due = mail.make_due(
                CERTIFICATE_MAIL,
                address,
                {"document": certificate.id},
                registration_id=registration_id,
                sequence=sequence,
            )
            journal.record(
                "certificate.resent",
                "registration",
                registration_id,
                actor_id=actor_id,
                centre_id=registration.centre_id,
                after={"mail": due},
            )
    except IntegrityError:  # two clicks at once
        raise StillPending from None
    outbox.ring()
    return address


def why_not(registration: Registration, *, by_agent: bool = False) -> str:
    """Return why the certificate of a registration cannot be sent again; '' where it can. An agent opens no receipt."""
    try:
        _address(registration, _certificate(registration), by_agent=by_agent)
    except Refusal as refusal:
        return refusal.message
    return ""


def _certificate(registration: Registration) -> Document:
    """Return the certificate that holds; raise `Refusal` where there is none."""
    if not registration.is_live:
        raise Refusal("Cet enregistrement est annulé : son certificat ne vaut plus.")
    certificate = registration.live_documents.get(CERTIFICATE)
    if certificate is None:
        raise Refusal("Cette formation ne délivre pas de certificat.")
    return certificate


def _address(registration: Registration, certificate: Document, *, by_agent: bool) -> str:
    """Return where the certificate goes; raise `Refusal` where it may not go at all."""
    today = clock.today()
    if registration.withheld:
        raise Refusal("Les documents de cet enregistrement sont retenus : un agent doit d’abord décider.")
    if certificate.state != AVAILABLE or certificate.valid_until < today:
        raise Refusal("Ce certificat n’est pas disponible, ou n’est plus valable.")
    with actor.acting(actor.PROGRAM):  # the account is the driver's: no centre sees it, but where its own documents go
        person = registration.driver.person
        address = str(person.email) if person else ""
    if not address:
        cure = "son centre peut l’inviter" if by_agent else "invitez-le"
        raise Refusal(f"Ce conducteur ne possède pas encore de compte : {cure} depuis le reçu.")
    return address


def _next(registration_id: int) -> int:
    """Return the number of the next mail; raise :class:`StillPending` while the last one waits."""
    query = (
        select(Mail)
        .where(Mail.kind == CERTIFICATE_MAIL, Mail.registration_id == registration_id)
        .order_by(Mail.sequence.desc())
        .limit(1)
    )
    last = db.session.execute(query).scalar_one_or_none()
    if last is not None and last.state == MAIL_PENDING:
        raise StillPending
    return last.sequence + 1 if last else 1
