"""The mail that brings a driver the certificate: made due with the document, or when somebody asks for it again."""

from __future__ import annotations

from collections.abc import Iterable

from flask import current_app
from sqlalchemy import exists, select

from app.extensions import db
from app.models import Document, Driver, Mail, Person, Registration
from app.models.outbox import CERTIFICATE_MAIL
from app.models.registration import CERTIFICATE
from app.services.notifications import mail
from app.services.notifications.mail import Content
from app.services.storage import store


def make_due(registrations: Iterable[Registration]) -> list[int]:
    """Make the mail due to each driver who has an account and return the ids of those new; no commit.

    Documents withheld for an agent's decision are not mailed. Who has an account is asked of the base: it may have been
    opened while the documents were drawn.
    """
    ids = [registration.id for registration in registrations]
    due = db.session.execute(
        select(Registration.id, Person.email)
        .join(Registration.driver).join(Driver.person)
        .where(Registration.id.in_(ids), Registration.withheld.is_(False))
        .where(~exists().where(Mail.kind == CERTIFICATE_MAIL, Mail.registration_id == Registration.id))
        .order_by(Registration.id)
    )  # fmt: skip
    return mail.make_all_due(CERTIFICATE_MAIL, [{"recipient": email, "registration_id": id_} for id_, email in due])


@mail.says(CERTIFICATE_MAIL, "Certificat de qualification")
def _certificate(row: Mail) -> Content:
    query = select(Document).where(Document.registration_id == row.registration_id, Document.kind == CERTIFICATE)
    document = db.session.execute(query).scalar_one()
    registration = document.registration
    values: dict[str, object] = {
        "first_name": registration.first_name, "last_name": registration.last_name,
        "training": registration.training.full_label, "end_date": f"{registration.end_date:%d/%m/%Y}",
        "centre": registration.centre.name, "number": document.number,
        "valid_from": f"{document.valid_from:%d/%m/%Y}", "valid_until": f"{document.valid_until:%d/%m/%Y}",
        "verify_url": f"{current_app.config['BASE_URL']}/verifier/{document.number}",
    }  # fmt: skip
    file = store.get(str(document.path), str(document.sha256))
    return Content(
        "certificate", f"Votre certificat de qualification de conducteur n° {document.number}", values,
        [(f"certificat-{document.number}.pdf", "application/pdf", file)],
    )  # fmt: skip
