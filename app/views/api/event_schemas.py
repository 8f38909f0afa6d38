"""What an address of a centre's software is sent, by kind of event: the schemas of the webhooks' bodies."""

from __future__ import annotations

from typing import Any

from app.models.amendment import REASONS
from app.models.api import AVAILABLE, CANCELLED, CONFIRMED, INVOICED, REFUSED, REVOKED, STATUS
from app.models.batch import MODES
from app.models.billing.invoices import CREDIT_NOTE, INVOICE

from .schemas import _ID, Schema, _list, _object, _or_null, _text

_BATCH_ID = "5f0c1e9a7b3d2468"
_TRIED = "envoi-2022-01-10-001"
_OWN_KEY = _or_null("string", "Votre clé d’idempotence, pour un envoi par API.")


def _event(type_: str, data: dict[str, Schema], example: dict[str, Any]) -> Schema:
    """Return the schema of a webhook's body."""
    told = {"type": {"const": type_}, "timestamp": _text("Instant de l’événement.", format="date-time")}
    moment = {"type": type_, "timestamp": "2022-01-10T09:00:00+01:00"}
    return _object({**told, "data": _object(data)}, example={**moment, "data": example})


#: Event → the schema of what an address is sent.
EVENT_SCHEMAS: dict[str, Schema] = {
    CONFIRMED: _event(
        CONFIRMED,
        {
            "batch": _text("Identifiant de l’envoi.", pattern="^[0-9a-f]{16}$"),
            "mode": _text(enum=list(MODES)),
            "receipt_number": _text(),
            "registrations": {**_ID, "description": "Nombre de lignes enregistrées."},
            "idempotency_key": _OWN_KEY,
        },
        {
            "batch": _BATCH_ID,
            "mode": "api",
            "receipt_number": "RE-22-7K3M9-Q2X4T",
            "registrations": 3,
            "idempotency_key": _TRIED,
        },
    ),
    REFUSED: _event(
        REFUSED,
        {
            "batch": _or_null("string", "Identifiant de l’envoi ; null par API, où un refus n’en laisse aucun."),
            "mode": _text(enum=list(MODES)),
            "code": {"const": "lines_in_error"},
            "lines": _ID,
            "errors": {**_ID, "description": "Nombre de lignes en erreur."},
            "idempotency_key": _OWN_KEY,
        },
        {"batch": None, "mode": "api", "code": "lines_in_error", "lines": 3, "errors": 1, "idempotency_key": _TRIED},
    ),
    CANCELLED: _event(
        CANCELLED,
        {
            "registration": _ID,
            "reason_code": _text(enum=list(REASONS)),
            "replaced_by": _or_null("integer", "Enregistrement qui le remplace ; null sans remplacement."),
        },
        {"registration": 41, "reason_code": "wrong_permit", "replaced_by": 57},
    ),
    REVOKED: _event(
        REVOKED,
        {
            "registrations": _list(
                _object({"id": _ID}), description="Les enregistrements dont des documents ne valent plus."
            ),
        },
        {"registrations": [{"id": 41}]},
    ),
    AVAILABLE: _event(
        AVAILABLE,
        {
            "batch": _text("Identifiant de l’envoi.", pattern="^[0-9a-f]{16}$"),
            "registrations": _list(
                _object({"id": _ID, "line": _ID}),
                description="Les enregistrements dont les documents viennent d’être remis.",
            ),
        },
        {"batch": _BATCH_ID, "registrations": [{"id": 41, "line": 1}]},
    ),
    INVOICED: _event(
        INVOICED,
        {
            "number": _text("À demander par GET /invoices/…"),
            "kind": _text("Facture ou avoir.", enum=[INVOICE, CREDIT_NOTE]),
            "corrects": _or_null("string", "Pour un avoir, la facture qu’il corrige."),
        },
        {"number": "F2022-000001", "kind": INVOICE, "corrects": None},
    ),
    STATUS: _event(
        STATUS,
        {
            "number": _text("À demander par GET /invoices/…"),
            "status": _text(
                "Code du statut (200 déposée, 205 approuvée, 207 en litige, 210 refusée…) ; liste ouverte."
            ),
            "happened_at": _text("Quand la plateforme l’a constaté.", format="date-time"),
        },
        {"number": "F2022-000001", "status": "205", "happened_at": "2022-02-03T09:15:00+00:00"},
    ),
}
