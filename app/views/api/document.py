"""The OpenAPI 3.1 document, made from the calls, the schemas and the problems that the program itself works with."""

from __future__ import annotations

import re
from datetime import date
from functools import cache
from typing import Any

from app.models.api import EVENTS, WHEN
from app.validators.remark import Code, Remark

from .event_schemas import EVENT_SCHEMAS
from .invoice_schemas import INVOICE_SCHEMAS
from .operations import OPERATIONS, Operation
from .problems import KINDS, MEDIA_TYPE, body
from .schemas import MARIE, SCHEMAS, Schema

_HEADERS: Schema = {
    "X-Request-Id": {"description": "Numéro de l’appel, à citer au support.", "schema": {"type": "string"}},
    "X-Trace-Id": {
        "description": "Référence de la demande chez nous, à citer au support ; les notifications qui en suivent la portent "
        "dans « traceparent ».",
        "schema": {"type": "string"},
    },
    "RateLimit-Limit": {"description": "Appels par minute de la clé.", "schema": {"type": "integer"}},
    "RateLimit-Remaining": {"description": "Appels restants dans la minute.", "schema": {"type": "integer"}},
    "RateLimit-Reset": {"description": "Secondes jusqu’à la minute suivante.", "schema": {"type": "integer"}},
    "Registre-Message": {
        "description": "Message de service du moment, en UTF-8 codé par « % » (RFC 8187) ; absent le plus souvent.",
        "schema": {"type": "string"},
    },
    "Registre-Read-Only": {
        "description": "« true » pendant que le service est en lecture seule : ce qui écrit reçoit 503 « read_only ».",
        "schema": {"type": "string"},
    },
}
_ROW = {
    "line": 1,
    "severity": "error",
    "remarks": [
        {"code": "missing", "severity": "error", "field": "first_name", "message": "Prénom non renseigné"},
    ],
    "values": {**MARIE, "first_name": ""},
}
_AGAIN = {
    "line": 1,
    "severity": "information",
    "remarks": [
        {
            "code": "already_registered",
            "severity": "information",
            "field": None,
            "message": Remark(Code.ALREADY_REGISTERED, on=date(2022, 1, 7)).message,
        },
    ],
    "values": MARIE,
}
_COUNTS = {"lines": 1, "informations": 0, "errors": 0, "importable": True, "withheld": []}
#: Problems that bear the analysis.
_TELLING_MORE = {
    "lines_in_error": "LinesInError",
    "already_registered": "LinesInError",
    "already_cancelled": "ProblemOrCancelled",
}
_EXAMPLES: dict[str, dict[str, Any]] = {
    "lines_in_error": {**_COUNTS, "errors": 1, "importable": False, "rows": [_ROW]},
    "already_registered": {**_COUNTS, "informations": 1, "importable": True, "rows": [_AGAIN]},
    **{code: {"pointer": "/lines/0/prenom"} for code in ("unknown_field",)},
    "invalid_parameter": {"parameter": "status"},
}


@cache
def document(base_url: str) -> dict[str, Any]:
    """Return the document for a site at this address."""
    paths: dict[str, dict[str, Any]] = {}
    for told in OPERATIONS:
        paths.setdefault(address(told), {})[told.method.lower()] = _call(told)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Registre CQC : API des centres",
            "version": "1",
            "description": f"Prise en main, codes des règles et politique d’évolution : {base_url}/aide/api/",
        },
        "servers": [{"url": f"{base_url}/api/v1"}],
        "security": [{"key": []}],
        "paths": paths,
        "webhooks": {event: _webhook(event, schema) for event, schema in EVENT_SCHEMAS.items()},
        "components": {
            "schemas": {**SCHEMAS, **INVOICE_SCHEMAS},
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer", "description": "Une clé de l’API."}},
        },
    }


def address(told: Operation) -> str:
    """Return the address of a call below `/api/v1`, as OpenAPI writes it: `/batches/{key}`."""
    return re.sub(r"<(\w+)>", r"{\1}", told.path)


def _call(told: Operation) -> dict[str, Any]:
    call: dict[str, Any] = {
        "operationId": told.name,
        "summary": told.summary,
        "description": f"{told.description}\n\nPortée : {' ou '.join(told.scopes)}.",
        "parameters": _parameters(told),
        "responses": {str(told.status): _success(told), **_further(told), **_refusals(told)},
    }
    if told.method == "GET":
        call["responses"]["304"] = {"description": "Inchangé depuis l’ETag donné dans If-None-Match."}
    if told.request:
        call["requestBody"] = {"required": True, "content": _json(told.request)}
    return call


def _webhook(event: str, schema: Schema) -> dict[str, Any]:
    """Return what an address is sent and what it answers."""
    names = {
        "webhook-id": "Le même à chaque tentative.",
        "webhook-timestamp": "Secondes depuis 1970.",
        "webhook-signature": "Signatures v1 de Standard Webhooks, séparées par une espace.",
        "traceparent": "La référence de l’acte chez nous (W3C Trace Context), la même à chaque tentative.",
    }
    headers = [
        {
            "name": name,
            "in": "header",
            "required": name != "traceparent",
            "schema": {"type": "string"},
            "description": words,
        }
        for name, words in names.items()
    ]
    return {
        "post": {
            "operationId": event,
            "summary": EVENTS[event],
            "description": f"{EVENTS[event]} : {WHEN[event]}.",
            "security": [],
            "parameters": headers,
            "requestBody": {"required": True, "content": {"application/json": {"schema": schema}}},
            "responses": {"2XX": {"description": "Reçu. Toute autre réponse, ou aucune : le message revient."}},
        }
    }


def _parameters(told: Operation) -> list[dict[str, Any]]:
    in_path = [
        {"name": name, "in": "path", "required": True, "schema": told.place}
        for name in re.findall(r"<(\w+)>", told.path)
    ]
    in_query = [
        {"name": name, "in": "query", "required": False, "schema": schema, "description": description}
        for name, schema, description in told.query
    ]
    if "idempotency_key_missing" not in told.problems:
        return in_path + in_query
    schema = {"type": "string", "pattern": r"^[\x21-\x7e]{1,80}$", "example": "envoi-2022-01-10-001"}
    words = "Une valeur propre à cet envoi ; la même pour le renvoyer."
    key = {"name": "Idempotency-Key", "in": "header", "required": True, "schema": schema, "description": words}
    return [*in_path, *in_query, key]


def _success(told: Operation) -> dict[str, Any]:
    headers = dict(_HEADERS)
    if told.method == "GET":
        headers["ETag"] = {"description": "À rendre dans If-None-Match.", "schema": {"type": "string"}}
    if told.media:
        return {
            "description": told.summary,
            "headers": headers,
            "content": {told.media: {"schema": {"type": "string"}}},
        }
    return {"description": told.summary, "headers": headers, "content": _json(told.answer)}


def _further(told: Operation) -> dict[str, Any]:
    return {
        str(status): {"description": words, "headers": dict(_HEADERS), "content": _json(answer)}
        for status, answer, words in told.also
    }


def _refusals(told: Operation) -> dict[str, Any]:
    """Return status → the problems that bear it, an example each."""
    by_status: dict[int, list[str]] = {}
    for code in told.all_problems:
        by_status.setdefault(KINDS[code].status, []).append(code)
    return {str(status): _refusal(codes) for status, codes in sorted(by_status.items())}


def _schemas_of(codes: list[str]) -> list[str]:
    """Return the schemas of answers that share a status: what tells more than a problem does has one of its own."""
    names = {_TELLING_MORE.get(code, "Problem") for code in codes}
    return sorted(names - {"Problem"} if "ProblemOrCancelled" in names else names)


def _refusal(codes: list[str]) -> dict[str, Any]:
    schemas = [{"$ref": f"#/components/schemas/{name}"} for name in _schemas_of(codes)]
    examples = {code: {"summary": KINDS[code].title, "value": body(code, **_EXAMPLES.get(code, {}))} for code in codes}
    content = {MEDIA_TYPE: {"schema": schemas[0] if len(schemas) == 1 else {"oneOf": schemas}, "examples": examples}}
    return {"description": " · ".join(KINDS[code].title for code in codes), "headers": _HEADERS, "content": content}


def _json(name: str) -> dict[str, Any]:
    return {"application/json": {"schema": {"$ref": f"#/components/schemas/{name}"}}}
