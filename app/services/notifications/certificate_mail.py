"""The mail that brings a driver the certificate, made due with the document, or when somebody asks for it again; and the one
that says to whoever had it that the certificate was cancelled.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import timedelta

from flask import current_app
from sqlalchemy import ColumnElement, and_, exists, func, or_, select, update
from sqlalchemy.orm import aliased

from app.extensions import db
from app.models import Document, Driver, Mail, Outbox, Person, Registration
from app.models.outbox import (
    CANCELLED_MAIL,
    CERTIFICATE_MAIL,
    MAIL,
    MAIL_DROPPED,
    MAIL_PENDING,
    MAIL_REFUSED,
    MAIL_SENT,
)
from app.models.registration import AVAILABLE, CERTIFICATE, PURGED, REVOKED
from app.services.core import actor, clock
from app.services.core.taking import changed
from app.services.notifications import mail
from app.services.notifications.mail import Content
from app.services.storage import store


def make_due(registrations: Iterable[Registration]) -> list[int]:
    """Make the mail due to each driver who has an account and return the ids of those new; no commit.

    Documents withheld for an agent's decision are not mailed, nor what was cancelled or holds no more. Who has an account
    is asked of the base: it may have been opened while the documents were drawn. A certificate is mailed once; one that
    takes the place of a revoked one is another.
    """
    ids = [registration.id for registration in registrations]
    written = select(func.max(Mail.sequence)).where(_mails_of(Registration.id)).correlate(Registration)
    due = db.session.execute(
        select(Registration.id, Document.id, Person.email, written.scalar_subquery())
        .join(Registration.driver)
        .join(Driver.person)
        .join(Document, and_(Document.registration_id == Registration.id, Document.kind == CERTIFICATE))
        .where(Registration.id.in_(ids), Registration.withheld.is_(False), Registration.live())
        .where(Document.state == AVAILABLE, Document.valid_until >= clock.today(), ~_was_mailed())
        .order_by(Registration.id)
    )
    return mail.make_all_due(
        CERTIFICATE_MAIL,
        [
            {"recipient": email, "registration_id": id_, "values": {"document": document}, "sequence": (last or 0) + 1}
            for id_, document, email, last in due
        ],
    )


def make_cancelled_due(document_ids: Collection[int]) -> list[int]:
    """Tell whoever was mailed one of these certificates that it holds no more, and drop what was not sent yet; no commit.

    A mail may be on its way at this very moment: of it, the news waits for the length of a worker's lease, and is sent if
    the certificate was. One that was tried may have arrived, its answer lost: the news says so.
    """
    certificates = select(Document).where(Document.id.in_(document_ids), Document.kind == CERTIFICATE)
    made: list[int] = []
    for document in db.session.execute(certificates.order_by(Document.id)).scalars():
        made += _tell(document)
    return made


@actor.acting(actor.PROGRAM)
def _tell(document: Document) -> list[int]:
    id_ = document.registration_id
    query = select(Mail).where(_mails_of(id_), Mail.state != MAIL_DROPPED).order_by(Mail.id)
    mails = [
        row for row in db.session.execute(query).scalars() if row.values.get("document", document.id) == document.id
    ]
    told = select(func.max(Mail.sequence)).where(Mail.kind == CANCELLED_MAIL, Mail.registration_id == id_)
    last = db.session.scalar(told) or 0
    reached = [row for row in mails if row.state != MAIL_REFUSED]
    tried = _tried([row.id for row in reached if row.state == MAIL_PENDING])
    by_address = {
        one.recipient: one for one in sorted(reached, key=lambda one: (one.state == MAIL_SENT, one.id in tried))
    }
    rows = [
        (
            row.state,
            {
                "recipient": row.recipient,
                "registration_id": id_,
                "sequence": last + at,
                "values": {"document": document.id, "mail": row.id, **({"tried": True} if row.id in tried else {})},
            },
        )
        for at, row in enumerate(by_address.values(), 1)
    ]
    drop = Mail.id.in_([row.id for row in mails]), Mail.state.in_((MAIL_PENDING, MAIL_REFUSED))
    changed(update(Mail).where(*drop).values(state=MAIL_DROPPED))
    later = clock.machine_now() + timedelta(seconds=current_app.config["OUTBOX_LEASE"])
    sent = mail.make_all_due(CANCELLED_MAIL, [values for state, values in rows if state == MAIL_SENT])
    under_way = [values for state, values in rows if state == MAIL_PENDING]
    return sent + mail.make_all_due(CANCELLED_MAIL, under_way, due_at=later)


def _tried(mail_ids: Collection[int]) -> set[int]:
    """Return those of some pending mails of which a try was begun: the server may have taken one and its answer been lost."""
    about = Outbox.payload["mail"].as_integer()
    begun = (Outbox.done_at.is_(None), Outbox.kind == MAIL, Outbox.attempts > 0, about.in_(mail_ids))
    return set(db.session.execute(select(about).where(*begun)).scalars()) if mail_ids else set()


def _mails_of(registration_id: object) -> ColumnElement[bool]:
    return and_(Mail.kind == CERTIFICATE_MAIL, Mail.registration_id == registration_id)


def _was_mailed() -> ColumnElement[bool]:
    """Return, as SQL, whether a certificate was mailed; a mail that names none is about the first of its registration."""
    named = Mail.values["document"].as_integer()
    before = aliased(Document)
    has_another = exists().where(
        before.registration_id == Document.registration_id, before.kind == CERTIFICATE, before.state == REVOKED
    )
    return exists().where(
        _mails_of(Registration.id),
        or_(named == Document.id, and_(named.is_(None), ~has_another)),
    )


@mail.says(CERTIFICATE_MAIL, "Certificat de qualification")
def _certificate(row: Mail) -> Content:
    document = _to_send(row)
    registration = document.registration
    values: dict[str, object] = {
        "first_name": registration.first_name,
        "last_name": registration.last_name,
        "training": registration.training.full_label,
        "end_date": f"{registration.end_date:%d/%m/%Y}",
        "centre": registration.centre.name,
        "number": document.number,
        "valid_from": f"{document.valid_from:%d/%m/%Y}",
        "valid_until": f"{document.valid_until:%d/%m/%Y}",
        "verify_url": f"{current_app.config['BASE_URL']}/verifier/{document.number}",
    }
    file = store.get(str(document.path), str(document.sha256))
    return Content(
        "documents/mail/certificate",
        f"Votre certificat de qualification de conducteur n° {document.number}",
        values,
        [(f"certificat-{document.number}.pdf", "application/pdf", file)],
    )


def _to_send(row: Mail) -> Document:
    """Return the certificate that a mail brings, looked at now; raise `mail.Void` where it holds no more."""
    asked = row.values.get("document")
    which = Document.id == asked if asked else Document.registration_id == row.registration_id
    query = select(Document).where(which, Document.kind == CERTIFICATE, Document.state != REVOKED)
    document = db.session.execute(query).scalar_one_or_none()
    if document is None or document.state == PURGED or not document.registration.is_live:
        raise mail.Void
    return document


@mail.says(CANCELLED_MAIL, "Certificat annulé")
def _cancelled(row: Mail) -> Content:
    document = db.session.get_one(Document, row.values["document"])
    was_sent = db.session.get_one(Mail, row.values["mail"]).state == MAIL_SENT
    if not was_sent and not row.values.get("tried"):
        raise mail.Void
    values: dict[str, object] = {
        "was_sent": was_sent,
        "number": document.number,
        "training": document.registration.training.full_label,
        "verify_url": f"{current_app.config['BASE_URL']}/verifier/{document.number}",
    }
    return Content("documents/mail/certificate_cancelled", f"Le certificat n° {document.number} est annulé", values)
