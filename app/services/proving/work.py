"""What must hold of what is done later: whatever waits has a row of the outbox that will do it, and nothing is told twice."""

from __future__ import annotations

from sqlalchemy import select

from app.extensions import db
from app.models import Document, Outbox
from app.models.outbox import ANALYSIS, CONTRACT, DOCUMENTS, EXPORT, LISTING, MAIL, REGISTRATION, WEBHOOK
from app.models.registration import PENDING
from app.services.operations.invariants import Invariant


def _waits(table: str, condition: str, kind: str, member: str) -> str:
    """Return the statement of the rows that wait for work of a kind which is not to be done."""
    return f"""
        SELECT w.id FROM {table} w WHERE {condition} AND w.id NOT IN (
          SELECT NUMBER_IN(o.payload, {member}) FROM outbox o WHERE o.done_at IS NULL AND o.kind = '{kind}')"""  # noqa: S608  names of ours


def _undrawn() -> list[int]:
    """Return the documents that wait to be drawn while no work names their registration."""
    undone = select(Outbox.payload).where(Outbox.done_at.is_(None), Outbox.kind == DOCUMENTS)
    due = {id_ for payload in db.session.execute(undone).scalars() for id_ in payload["registrations"]}
    waiting = select(Document.id, Document.registration_id).where(Document.state == PENDING).order_by(Document.id)
    return [id_ for id_, registration_id in db.session.execute(waiting) if registration_id not in due]


CHECKS = (
    Invariant("outbox.document", "Un document est « en préparation » et rien ne le prépare", _undrawn),
    Invariant(
        "outbox.mail",
        "Un courriel est « à envoyer » et rien ne l’envoie",
        _waits("mail", "w.state = 'pending'", MAIL, "mail"),
    ),
    Invariant(
        "outbox.analysis",
        "Un fichier est en cours d’analyse et rien ne l’analyse",
        _waits("batch", "w.state = 'analysing'", ANALYSIS, "batch"),
    ),
    Invariant(
        "outbox.registration",
        "Un fichier est en cours d’enregistrement et rien ne l’enregistre",
        _waits("batch", "w.state = 'registering'", REGISTRATION, "batch"),
    ),
    Invariant(
        "outbox.webhook",
        "Une notification de l’API est à envoyer et rien ne l’envoie",
        _waits("webhook_delivery", "w.state = 'pending'", WEBHOOK, "delivery"),
    ),
    Invariant(
        "outbox.contract",
        "Un contrat signé n’a pas de fichier et rien ne le dessine",
        _waits("service_contract", "w.signed_at IS NOT NULL AND w.text <> '' AND w.path IS NULL", CONTRACT, "contract"),
    ),
    Invariant(
        "outbox.own_data",
        "Une copie de données est demandée et rien ne la prépare",
        _waits("data_export", "w.state = 'asked'", EXPORT, "export"),
    ),
    Invariant(
        "outbox.listing",
        "Un export est en préparation et rien ne le prépare",
        _waits("export", "w.state = 'making'", LISTING, "export"),
    ),
    Invariant(
        "mail.twice",
        "Un courriel est écrit deux fois",
        """
        SELECT min(id) FROM mail GROUP BY kind, registration_id, trainer_id, "values", sequence HAVING count(*) > 1""",
    ),
    Invariant(
        "mail.sent_undated",
        "Un courriel est « envoyé » sans date d’envoi, ou l’inverse",
        "SELECT id FROM mail WHERE (state = 'sent') <> (sent_at IS NOT NULL)",
    ),
    Invariant(
        "mail.end_untold",
        "Un certificat envoyé par courriel a été annulé et son destinataire n’en est pas averti",
        """
        SELECT r.id FROM registration r WHERE r.cancelled_on IS NOT NULL
          AND EXISTS (SELECT 1 FROM mail m WHERE m.registration_id = r.id AND m.kind = 'certificate' AND m.state = 'sent')
          AND NOT EXISTS (SELECT 1 FROM mail m WHERE m.registration_id = r.id AND m.kind = 'cancelled')""",
    ),
)
