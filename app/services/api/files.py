"""The bytes of a document, for software of the centre that registered it, as far as its receipt says it was handed over."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from flask import current_app
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from app.extensions import db
from app.models import Document, Registration
from app.models.registration import CERTIFICATE, PENDING, PURGED, REVOKED
from app.services.core import clock
from app.services.core.refusal import Refusal
from app.services.documents import drawing, pages
from app.services.storage import store
from app.validators import validity

from .gate import Caller

SPECIMEN = "SPECIMEN"
_ADULT = date(1980, 1, 1)


class NotHandedOver(Refusal):
    """The document is there, and not to be had; ``code`` is the stable name of the reason."""

    code = ""


class StillPending(NotHandedOver):
    """It is still to be drawn."""

    code, message = "document_pending", "Ce document est encore en préparation : redemandez-le dans quelques instants."


class Withheld(NotHandedOver):
    """An agent is to decide whose it is."""

    code = "document_withheld"
    message = "Ce document est retenu : son stagiaire est connu sous un autre nom, un agent doit d’abord décider."


class AwaitsAccount(NotHandedOver):
    """A certificate is handed over once its driver has an account."""

    code = "document_awaits_account"
    message = "Ce certificat est remis à la création du compte de son titulaire, qui n’en a pas encore."


class Revoked(NotHandedOver):
    """It holds no more."""

    code, message = "document_revoked", "Ce document a été annulé. Il ne vaut plus, et n’est plus remis."


class Ended(NotHandedOver):
    """Its time has passed; its file is not kept."""

    code, message = "document_ended", "La durée de mise à disposition de ce document est passée."


class Unreadable(NotHandedOver):
    """The store does not give the file, or not as it was sealed."""

    code, message = "document_unreadable", "Le fichier de ce document ne peut pas être lu pour le moment."


#: Every reason, as the callers are told of it.
REASONS = (StillPending, Withheld, AwaitsAccount, Revoked, Ended, Unreadable)


@dataclass(frozen=True, slots=True)
class File:
    """A document's bytes (PDF), and the name to save them under."""

    content: bytes
    name: str


def document(caller: Caller, number: str) -> File | None:
    """Return the file of a document of the caller's centre, None where it has none of this number.

    A trial key gets, for the numbers it was answered, a specimen. Raises :class:`NotHandedOver`.
    """
    if caller.sandbox and number.startswith(f"{SPECIMEN}-"):
        return _specimen(number)
    query = (
        select(Document)
        .join(Document.registration)
        .options(joinedload(Document.registration).joinedload(Registration.driver))
        .where(Document.number == number, Registration.centre_id == caller.centre_id)
    )
    found = db.session.execute(query).scalar_one_or_none()
    if found is None:
        return None
    _require_handed_over(found)
    try:
        return File(drawing.content(found), drawing.file_name(found))
    except store.Missing:
        raise Unreadable from None


def _require_handed_over(row: Document) -> None:
    """Raise :class:`NotHandedOver` unless the driver may have the document today."""
    if row.state == REVOKED or not row.registration.is_live:
        raise Revoked
    if row.registration.withheld:
        raise Withheld
    if row.state == PENDING:
        raise StillPending
    if row.state == PURGED or row.valid_until < clock.today():
        raise Ended
    if row.kind == CERTIFICATE and not row.registration.driver.has_account:
        raise AwaitsAccount


def _specimen(number: str) -> File:
    """Return a certificate that says that it is none: of nobody, unsealed, its number unknown to the verification page."""
    day = clock.today()
    valid_from, valid_until = validity.certificate_validity(day, _ADULT)
    content = pages.render_certificate(
        pages.CertificateData(
            number=number,
            verify_url=drawing.verify_url(number),
            issuer=current_app.config["ISSUER"],
            last_name=SPECIMEN,
            first_name="Sans valeur",
            birth_date=_ADULT,
            permit_number="000000000000",
            training_label=SPECIMEN,
            category=SPECIMEN,
            end_date=day - timedelta(days=1),
            established_on=day,
            valid_from=valid_from,
            valid_until=valid_until,
            established_at=clock.now(),
            centre_name=SPECIMEN,
            centre_siret="",
            accreditation_number=SPECIMEN,
            sealed_by="Spécimen d’une clé d’essai : document sans valeur, non scellé.",
        )
    )
    return File(content, f"{number.lower()}.pdf")
