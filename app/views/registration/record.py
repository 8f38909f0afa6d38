"""What the agents' page of a registration shows: the certificate's fate first, then all that a telephone call may ask for."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from app.extensions import db
from app.models import CardRequest, CorrectionRequest, Document, Mail, Registration
from app.models.amendment import OPEN, REASONS, REQUEST_STATES
from app.models.batch import MODE_NAMES
from app.models.card import CARD_STATES
from app.models.outbox import MAIL_PENDING, MAIL_REFUSED, MAIL_SENT, MAIL_STATES
from app.models.registration import AVAILABLE, CERTIFICATE, DOCUMENT_KINDS, DOCUMENT_STATES, PENDING, REVOKED
from app.services.billing import billed
from app.services.core import clock
from app.services.documents import resending
from app.services.journal import search as journal_search
from app.services.journal import sentences
from app.services.notifications import mail
from app.services.registration import receipts
from app.views.crud import told, widgets
from app.views.shell import filters

#: Other registrations of the driver, mails and corrections that the page shows.
LAST = 20
DOCUMENT_TAGS: dict[str, str] = {AVAILABLE: "ok", PENDING: "now", REVOKED: "error"}
MAIL_KINDS: dict[str, str] = {MAIL_SENT: "ok", MAIL_PENDING: "now", MAIL_REFUSED: "error"}


def parts(row: Registration) -> dict[str, Any]:
    """Return what the page of a registration is drawn with; as many queries whatever its rows."""
    mails = _last(select(Mail).where(Mail.registration_id == row.id), Mail)
    corrections = _last(select(CorrectionRequest).where(CorrectionRequest.registration_id == row.id), CorrectionRequest)
    cards = _last(select(CardRequest).where(CardRequest.registration_id == row.id), CardRequest)
    others = select(Registration).where(Registration.driver_id == row.driver_id, Registration.id != row.id)
    entries = journal_search.history("registration", row.id) + journal_search.history("batch", row.batch_id)
    return {
        "row": row,
        "account": row.driver.person,
        "mode": MODE_NAMES[row.batch.mode],
        "verdict": verdict(row),
        "no_resend": resending.why_not(row, by_agent=True),
        "note": receipts.notes([row.id]).get(row.id) if not row.is_live else None,
        "billed": billed.note(row.id),
        "documents": sorted(row.documents, key=lambda one: (one.kind != CERTIFICATE, -one.id)),
        "document_kinds": DOCUMENT_KINDS,
        "document_tag": lambda one: document_tag(row, one),
        "revocable": lambda one: one.state not in (PENDING, REVOKED),
        "mails": mails,
        "mail_name": mail.name_of,
        "mail_tag": lambda one: (MAIL_KINDS.get(one.state, ""), MAIL_STATES[one.state]),
        "cards": [(one, (widgets.CARD_TAGS[one.state], CARD_STATES[one.state])) for one in cards],
        "corrections": corrections,
        "request_states": REQUEST_STATES,
        "reasons": REASONS,
        "open_correction": next((one for one in corrections if one.state == OPEN), None),
        "others": _last(
            others.options(joinedload(Registration.training), joinedload(Registration.centre)), Registration
        ),
        "told": sentences.tell(sorted(entries, key=lambda entry: entry.id, reverse=True)),
        "address_of": told.address_of,
    }


def _last(query: Any, model: Any) -> list[Any]:
    """Return the last rows of a query, the newest first."""
    return list(db.session.execute(query.order_by(model.id.desc()).limit(LAST)).scalars())


def document_tag(row: Registration, one: Document) -> tuple[str, str]:
    """Return the state of a document as (kind of tag, words): withheld and run out come before available."""
    if one.state == AVAILABLE and row.withheld and row.is_live:
        return "gold", "Retenu"
    if one.state == AVAILABLE and one.valid_until < clock.today():
        return "", "Échu"
    return DOCUMENT_TAGS.get(one.state, ""), DOCUMENT_STATES[one.state]


def verdict(row: Registration) -> tuple[str, str]:
    """Return what became of the certificate in one sentence, with its kind of tag."""
    one = row.live_documents.get(CERTIFICATE)
    if not row.is_live:
        return "error", f"Enregistrement annulé le {filters.day(row.cancelled_on)}"
    if one is None:
        return "", "Aucun certificat : cette formation n’en délivre pas à elle seule"
    kind, state = document_tag(row, one)
    said = {
        "Retenu": "retenu pour contrôle du nom",
        "Échu": f"échu depuis le {filters.day(one.valid_until)}",
        DOCUMENT_STATES[AVAILABLE]: f"valable jusqu’au {filters.day(one.valid_until)}",
    }.get(state, state.lower())
    return kind, f"Certificat {one.number}, {said}"
