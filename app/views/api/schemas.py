"""The shapes of what the API takes and gives: the one source of the checks of requests and of the OpenAPI document."""

from __future__ import annotations

from typing import Any

from app.models.amendment import REASONS, REQUEST_STATES
from app.models.batch import MODES, STATES
from app.models.registration import AVAILABLE as DOCUMENT_AVAILABLE
from app.models.registration import DOCUMENT_KINDS, DOCUMENT_STATES
from app.services.api.reading import PAGE
from app.validators.remark import EMAIL, FIELDS, HEADERS, Code, Severity

from .problems import KINDS

Schema = dict[str, Any]

MAX_LINES = 1000
MAX_TEXT = 1000
ORDER_OF_DATES = "AAAA-MM-JJ ou JJ/MM/AAAA"
DATES = ("end_date", "birth_date")
#: A text without control characters but TAB, LF and CR (`border.CONTROL`).
NO_CONTROL = r"^[^\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]*$"
MARIE = {
    "reference": "REF20220101",
    "order_number": "COM-2022-01",
    "training_label": "FIMO Marchandises",
    "category": "Marchandises",
    "end_date": "2022-01-07",
    "first_name": "Marie",
    "last_name": "MARTIN",
    "birth_date": "1985-04-12",
    "permit_number": "850492100123",
}


def _object(properties: dict[str, Schema], *, optional: tuple[str, ...] = (), **more: Any) -> Schema:
    """Return the schema of an object that holds these members and no other."""
    required = [name for name in properties if name not in optional]
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False, **more}


def _list(items: Schema, **more: Any) -> Schema:
    return {"type": "array", "items": items, **more}


def _ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def _text(description: str = "", **more: Any) -> Schema:
    return {"type": "string", **({"description": description} if description else {}), **more}


def _or_null(kind: str, description: str = "") -> Schema:
    return {"type": [kind, "null"], **({"description": description} if description else {})}


_COUNT: Schema = {"type": "integer", "minimum": 0}
_ID: Schema = {"type": "integer", "minimum": 1}
_PRICE = _text("Prix unitaire HT, en euros.", pattern=r"^\d+\.\d{2}$")
_VALUES = {
    field: {
        **_or_null("string", header + (f" ({ORDER_OF_DATES})" if field in DATES else "")),
        "maxLength": MAX_TEXT,
        "pattern": NO_CONTROL,
    }
    for field, header in HEADERS.items()
}
_ADDRESS = {
    **_or_null(
        "string",
        "Adresse où le conducteur, s’il n’a pas de compte, est invité à en créer un ; une adresse non conforme ne bloque rien.",
    ),
    "maxLength": MAX_TEXT,
    "pattern": NO_CONTROL,
}
_ANALYSIS = {
    "lines": _COUNT,
    "informations": _COUNT,
    "errors": _COUNT,
    "importable": {"type": "boolean", "description": "Aucune ligne n’est en erreur."},
    "withheld": _list(
        _ID,
        description="Lignes dont les documents seront retenus : stagiaires que votre centre a déjà enregistrés, et dont le "
        "compte porte un autre nom.",
    ),
    "rows": _list(_ref("Row"), description="Dans l’ordre de l’écran : erreurs, informations, lignes sans remarque."),
}
_LINES = _list(_ref("Line"), minItems=1, maxItems=MAX_LINES)
_PROBLEM = {
    "type": _text("Adresse qui explique le code.", format="uri"),
    "title": _text(),
    "status": {"type": "integer"},
    "detail": _text("Ce qui ne va pas et ce qui est attendu, en français."),
    "code": _text("Nom stable du problème.", enum=list(KINDS)),
}
_REGISTERED = {
    "id": _ID,
    "line": _ID,
    "certificate_number": _or_null("string", "Absent pour un module de FCO qui ne complète pas les 35 heures."),
    "price": _PRICE,
}

_BATCH = {
    "id": _text(pattern="^[0-9a-f]{16}$"),
    "mode": _text(enum=list(MODES)),
    "state": _text(enum=list(STATES)),
    "receipt_number": _or_null("string"),
    "registered_at": {"type": ["string", "null"], "format": "date-time"},
}
_UPDATED = _text(
    "Instant réel du dernier changement, en UTC ; se rend tel quel dans « updated_since ».", format="date-time"
)
_NEXT = _or_null("string", "Valeur de « cursor » pour la page suivante ; null sur la dernière.")
_SANDBOX: Schema = {"const": True, "description": "Présent pour une clé d’essai : rien n’a été enregistré."}

#: Name → schema, as they stand in the document.
SCHEMAS: dict[str, Schema] = {
    "Lines": _object({"lines": _LINES}, example={"lines": [MARIE]}),
    "Sending": _object(
        {
            "lines": _LINES,
            "accept_duplicates": _or_null(
                "boolean", "Enregistrer, et facturer de nouveau, les lignes que votre centre a déjà enregistrées."
            ),
        },
        optional=("accept_duplicates",),
        example={"lines": [MARIE]},
    ),
    "Line": _object(
        {**_VALUES, EMAIL: _ADDRESS},
        optional=(*FIELDS, EMAIL),
        description="Les neuf champs d’une ligne, et une adresse facultative ; un champ absent ou null est vide.",
    ),
    "Replacement": _object(
        _VALUES, optional=FIELDS, description="Les neuf champs d’une ligne ; un champ absent ou null est vide."
    ),
    "Remark": _object(
        {
            "code": _text(enum=[code.value for code in Code]),
            "severity": _text(enum=[severity.value for severity in Severity]),
            "field": {"enum": [*FIELDS, EMAIL, None]},
            "message": _text("La phrase à montrer."),
        }
    ),
    "Row": _object(
        {
            "line": {**_ID, "description": "Rang de la ligne dans l’appel, à partir de 1."},
            "severity": {"enum": [*(severity.value for severity in Severity), None]},
            "remarks": _list(_ref("Remark")),
            "values": _object({field: _text() for field in (*FIELDS, EMAIL)}, optional=(EMAIL,)),
        }
    ),
    "Analysis": _object(_ANALYSIS),
    "Registered": _object(_REGISTERED),
    "Registrations": _object(
        {
            "batch": _text("Identifiant de l’envoi.", pattern="^[0-9a-f]{16}$"),
            "registrations": _list(_ref("Registered")),
            "sandbox": _SANDBOX,
        },
        optional=("sandbox",),
    ),
    "Document": _object(
        {
            "kind": _text(enum=list(DOCUMENT_KINDS)),
            "state": _text(f"« {DOCUMENT_AVAILABLE} » dès que le document est remis.", enum=list(DOCUMENT_STATES)),
            "number": _text(),
            "verify_url": _text("Page publique de vérification.", format="uri"),
        }
    ),
    "Batch": _object(
        {
            **_BATCH,
            "registrations": _list(_ref("Registered"), maxItems=PAGE),
            "documents": _list(_ref("Document")),
            "next": _or_null("integer", "Valeur de « after » pour la page suivante ; null sur la dernière."),
        }
    ),
    "Registration": _object(
        {
            **_REGISTERED,
            "batch": _text(pattern="^[0-9a-f]{16}$"),
            "state": {"const": "registered"},
            "status": _text(enum=["active", "cancelled", "replaced"]),
            "registered_on": _text(format="date"),
            "cancelled_on": {"type": ["string", "null"], "format": "date"},
            "replaces": _or_null("integer", "Enregistrement que celui-ci remplace."),
            "replaced_by": _or_null("integer", "Enregistrement qui remplace celui-ci."),
            "updated_at": _UPDATED,
            **{field: _text(header) for field, header in HEADERS.items()},
            "documents": _list(_ref("Document")),
        }
    ),
    "RegistrationPage": _object({"items": _list(_ref("Registration"), maxItems=PAGE), "next": _NEXT}),
    "BatchPage": _object({"items": _list(_ref("BatchHead"), maxItems=PAGE), "next": _NEXT}),
    "BatchHead": _object(
        {**_BATCH, "count": {**_COUNT, "description": "Nombre d’enregistrements."}, "updated_at": _UPDATED}
    ),
    "Cancelling": _object(
        {
            "reason_code": _text("Motif.", enum=list(REASONS)),
            "reason": _text("Précision ; nécessaire pour « other ».", maxLength=300, pattern=NO_CONTROL),
            "replacement": _ref("Replacement"),
        },
        optional=("reason", "replacement"),
        example={"reason_code": "wrong_permit", "reason": "chiffres inversés", "replacement": MARIE},
    ),
    "Cancelled": _object(
        {"registration": _ID, "status": {"const": "cancelled"}, "sandbox": _SANDBOX}, optional=("sandbox",)
    ),
    "Replaced": _object(
        {
            "registration": _ID,
            "status": {"const": "replaced"},
            "replaced_by": _ref("Registered"),
            "sandbox": _SANDBOX,
        },
        optional=("sandbox",),
    ),
    "Asked": _object(
        {"request": _text("Demande qu’un agent décide.", pattern="^[0-9a-f]{16}$"), "sandbox": _SANDBOX},
        optional=("sandbox",),
    ),
    "Correction": _object(
        {
            "request": _text(pattern="^[0-9a-f]{16}$"),
            "registration": _ID,
            "state": _text(enum=list(REQUEST_STATES)),
            "answer": _text("Réponse de l’agent, vide tant qu’il n’a pas décidé."),
        }
    ),
    "Catalogue": _object(
        {
            "on": _text("Jour auquel l’agrément est jugé.", format="date"),
            "trainings": _list(_ref("Training")),
        }
    ),
    "Training": _object(
        {
            "label": _text("Libellé à employer tel quel dans « training_label »."),
            "category": _text(enum=["Marchandises", "Voyageurs"]),
            "family": _text(),
            "minors_allowed": {"type": "boolean"},
            "price": _or_null("string", "Prix unitaire HT en vigueur aujourd’hui, en euros."),
        }
    ),
    "Problem": _object(
        {
            **_PROBLEM,
            "pointer": _text("Endroit du corps de l’appel (JSON Pointer)."),
            "parameter": _text("Paramètre de l’adresse."),
        },
        optional=("pointer", "parameter"),
    ),
    "ProblemOrCancelled": _object(
        {
            **_PROBLEM,
            "pointer": _text(),
            "registration": _ID,
            "status_of_registration": _text(enum=["cancelled", "replaced"]),
            "replaced_by": _ref("Registered"),
        },
        optional=("pointer", "registration", "status_of_registration", "replaced_by"),
        description="Le problème ; pour « already_cancelled », ce que l’annulation a donné.",
    ),
    "LinesInError": _object({**_PROBLEM, **_ANALYSIS}, description="Le problème et, à côté de lui, l’analyse entière."),
}


def bundled(name: str) -> Schema:
    """Return a schema that stands alone: with the others it refers to."""
    return {"$ref": f"#/components/schemas/{name}", "components": {"schemas": SCHEMAS}}
