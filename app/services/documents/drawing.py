"""Drawing the documents of registrations, storing them, and finding one again for whoever may have it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from flask import current_app
from sqlalchemy import select, update
from sqlalchemy.orm import aliased, contains_eager

from app.extensions import db
from app.models import Document, Driver, Registration
from app.models.registration import AVAILABLE, CERTIFICATE, DOCUMENT_KINDS, PENDING
from app.services.core import clock
from app.services.core.taking import changed
from app.services.notifications import certificate_mail, webhook_events
from app.services.seal import sealing, statement_key
from app.services.storage import store

from . import pages as document_pages
from . import revocations
from .statement import Statement

#: What the certificate of an FCO taken in sequences names (R3314-11).
BY_MODULES = "FCO complète, par modules (35 h)"


def draw(registration_ids: Iterable[int]) -> None:
    """Draw and store the documents still pending of these registrations, and make the mails due; no commit.

    Everything is drawn and sealed before the first write, so that the base is locked for a moment only. Run twice, the second
    finds nothing pending. Two at once seal two different files: the first to reach the row keeps its own and tells the centre's
    software, the other takes its own away. What a kill leaves between file and row is a file without a row, which the purge
    removes after a day.
    """
    pending = _pending(registration_ids)
    places = revocations.places([document.id for document in pending])
    stored = [(one, store.put(one.id, sealing.seal(_render(one, places[one.id])))) for one in pending]
    now, sealed_at = clock.now(), clock.machine_now()
    handed = {}
    for document, file in stored:
        won = changed(
            update(Document)
            .where(Document.id == document.id, Document.state == PENDING)
            .values(
                state=AVAILABLE,
                path=file.path,
                sha256=file.sha256,
                size=file.size,
                available_at=now,
                sealed_at=sealed_at,
                status_place=places[document.id],
            )
        )
        if won:
            handed[document.registration_id] = document.registration
        else:
            store.remove(file.path)
    webhook_events.available(handed.values())
    due = [document.registration for document, _ in stored if document.kind == CERTIFICATE]
    certificate_mail.make_due(due)


def file_name(document: Document) -> str:
    """Return the name under which a person saves the document: kind and number, nothing personal."""
    kind = "certificat" if document.kind == CERTIFICATE else "recapitulatif"
    return f"{kind}-{document.number}.pdf"


def content(document: Document) -> bytes:
    """Return the stored file; raise `store.Missing` when it is not drawn, gone, or altered."""
    if document.state != AVAILABLE or not document.path or not document.sha256:
        raise store.Missing(document.number)
    return store.get(document.path, document.sha256)


def title(document: Document) -> str:
    """Return « Certificat de qualification » or « Récapitulatif de formation »."""
    return DOCUMENT_KINDS[document.kind]


def verify_url(number: str) -> str:
    """Return the public address that tells whether a document holds."""
    return f"{current_app.config['BASE_URL']}/verifier/{number}"


def _pending(registration_ids: Iterable[int]) -> list[Document]:
    r, as_registered = Registration, aliased(Driver)
    query = (
        select(Document)
        .join(Document.registration)
        .join(r.driver)
        .outerjoin(r.registered_as.of_type(as_registered))
        .join(r.centre)
        .join(r.training)
        .join(r.accreditation)
        .join(r.batch)
        .options(
            contains_eager(Document.registration).contains_eager(r.registered_as.of_type(as_registered)),
            *(
                contains_eager(Document.registration).contains_eager(link)
                for link in (r.driver, r.centre, r.training, r.accreditation, r.batch)
            ),
        )
        .where(Document.registration_id.in_(list(registration_ids)), Document.state == PENDING)
        .order_by(Document.id)
    )
    return list(db.session.execute(query).scalars())


def _render(document: Document, place: int) -> bytes:
    r = document.registration
    by_modules = document.kind == CERTIFICATE and r.training.is_module
    label = BY_MODULES if by_modules else r.training.label
    person: dict[str, Any] = {
        "last_name": r.last_name,
        "first_name": r.first_name,
        "birth_date": r.identity.birth_date,
        "permit_number": r.identity.permit_number,
        "training_label": label,
        "category": r.training.category,
        "end_date": r.end_date,
        "centre_name": r.centre.name,
        "centre_siret": r.centre.siret,
        "accreditation_number": r.accreditation.number,
        "verify_url": verify_url(document.number),
        "sealed_by": sealing.notice(),
        "statement": _statement(document, label, place),
    }
    assert r.batch.registered_at is not None
    # A certificate that is due since another was cancelled is established on a day of its own.
    established_at = r.batch.registered_at if document.established_on == r.registered_on else clock.now()
    if document.kind == CERTIFICATE:
        return document_pages.render_certificate(
            document_pages.CertificateData(
                number=document.number,
                issuer=current_app.config["ISSUER"],
                established_on=document.established_on,
                valid_from=document.valid_from,
                valid_until=document.valid_until,
                established_at=established_at,
                **person,
            )
        )
    return document_pages.render_recap(
        document_pages.RecapData(
            registration_number=document.number,
            accreditation_authority=r.accreditation.authority,
            hours=r.training.hours,
            recorded_at=r.batch.registered_at,
            available_until=document.valid_until,
            **person,
        )
    )


def _statement(document: Document, label: str, place: int) -> str:
    """Return what the QR code says without network, of what stands on the paper."""
    r = document.registration
    return Statement(
        document.number,
        document.kind,
        document.established_on,
        document.valid_from,
        document.valid_until,
        place,
        r.last_name,
        r.first_name,
        r.identity.birth_date,
        r.training.category,
        label,
    ).signed(statement_key.keys())
