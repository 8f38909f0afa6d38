"""The document as JSON and as a page, and « Intégrer l'API »; all three are public and hold nothing of any centre."""

from __future__ import annotations

from functools import cache
from typing import Any

from flask import Blueprint, current_app, json, make_response, render_template
from werkzeug.wrappers import Response

from app.models.api import CONFIRMED, EVENTS, WHEN
from app.services.api import webhook_delivery, webhook_transport
from app.validators.remark import EMAIL, EMAIL_HEADER, HEADERS, SENTENCES, Remark
from config import ROOT

from .document import address, document
from .event_schemas import EVENT_SCHEMAS
from .operations import OPERATIONS, blueprint
from .problems import KINDS
from .schemas import MARIE, MAX_LINES

help_blueprint = Blueprint("api_help", __name__)


def _base_url() -> str:
    return str(current_app.config["BASE_URL"])


@blueprint.get("/openapi.json")
def openapi() -> Response:
    """Return the OpenAPI document."""
    text = json.dumps(document(_base_url()), ensure_ascii=False, sort_keys=False)
    return make_response(text, 200, {"Content-Type": "application/json"})


@blueprint.get("/")
def reference() -> str:
    """Show the document as a page."""
    told = document(_base_url())
    calls = [
        (one, address(one), told["paths"][address(one)][one.method.lower()], sorted(one.all_problems, key=_status))
        for one in OPERATIONS
    ]
    schemas = told["components"]["schemas"]
    return render_template("api/reference.html", calls=calls, schemas=schemas, kinds=KINDS, written=_written)


@help_blueprint.get("/aide/api/")
def guide() -> str:
    """Show the five-minute start, the codes and the policy of change."""
    rules = [
        (Remark(code, field).severity.value, code.value, field or "", _told(sentence))
        for (code, field), sentence in SENTENCES.items()
    ]
    return render_template(
        "api/guide.html",
        rules=rules,
        kinds=KINDS,
        headers={**HEADERS, EMAIL: f"{EMAIL_HEADER} (facultatif)"},
        base_url=_base_url(),
        most=MAX_LINES,
        line=_written({"lines": [MARIE]}),
        webhooks=_webhooks(),
    )


def _webhooks() -> dict[str, Any]:
    """Return what the guide tells of webhooks: the events with an example each, how to check one, how long it is tried."""
    told = [
        (type_, EVENTS[type_], WHEN[type_], tuple(schema["properties"]["data"]["properties"]))
        for type_, schema in EVENT_SCHEMAS.items()
    ]
    example = json.dumps(EVENT_SCHEMAS[CONFIRMED]["example"], ensure_ascii=False, sort_keys=False)
    return {
        "events": told,
        "example": example,
        "verification": _verification(),
        "timeout": int(webhook_transport.TIMEOUT),
        "hours": int(webhook_delivery.GIVE_UP.total_seconds()) // 3600,
        "ports": webhook_transport.PORTS,
    }


@cache
def _verification() -> str:
    """Return the function of the small Python module that tests verify messages with, imports included."""
    return (ROOT / "clients" / "python" / "verifier_webhook.py").read_text().partition('"""\n\n')[2].strip()


def _status(code: str) -> tuple[int, str]:
    return KINDS[code].status, code


def _told(sentence: str) -> str:
    """Return a rule's sentence with letters where a line's number or a day stands."""
    return sentence.replace("{other_line}", "N").replace("{on}", "JJ/MM/AAAA").replace("{like}", "…")


def _written(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2, sort_keys=False)
