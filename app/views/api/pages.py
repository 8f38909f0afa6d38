"""The document as JSON and as a page, and « Intégrer l'API »; all three are public and hold nothing of any centre."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, current_app, json, make_response, render_template
from werkzeug.wrappers import Response

from app.validators.remark import HEADERS, SENTENCES, Remark

from .document import address, document
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
        "api/guide.html", rules=rules, kinds=KINDS, headers=HEADERS, base_url=_base_url(), most=MAX_LINES,
        line=_written({"lines": [MARIE]}),
    )  # fmt: skip


def _status(code: str) -> tuple[int, str]:
    return KINDS[code].status, code


def _told(sentence: str) -> str:
    """Return a rule's sentence with letters where a line's number or a day stands."""
    return sentence.replace("{other_line}", "N").replace("{on}", "JJ/MM/AAAA")


def _written(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2, sort_keys=False)
