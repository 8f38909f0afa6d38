"""The public verification page: what the register says of a document's number. No sign-in, initials only."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Blueprint, Response, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from app.models.registration import CERTIFICATE, DOCUMENT_KINDS
from app.services import clock, numbers, verification
from app.services.verification import Answer, State

blueprint = Blueprint("verification", __name__, url_prefix="/verifier")

#: What is typed is shown again up to this length; no number is longer.
SHOWN = 40


@dataclass(frozen=True)
class Verdict:
    """How an answer is shown: kind of band, icon, words after the document's name."""

    band: str
    icon: str
    words: str


VERDICTS = {
    State.VALID: Verdict("success", "ok", "valide"),
    State.NOT_YET: Verdict("gold", "clock", "pas encore valide"),
    State.EXPIRED: Verdict("gold", "clock", "expiré"),
    State.REVOKED: Verdict("error", "error", "révoqué"),
    State.UNKNOWN: Verdict("error", "error", "Numéro inconnu"),
}


@blueprint.get("/")
def form() -> AnyResponse:
    """Ask for a number; one that was sent leads to its address, which can be kept or passed on."""
    typed = request.args.get("numero")
    number = numbers.typed_number(typed or "")[:SHOWN]
    if number:
        return redirect(url_for("verification.answer", code=number))
    return _page(None, missing=typed is not None, code=422 if typed is not None else 200)


@blueprint.get("/<path:code>")
def answer(code: str) -> Response:
    """Answer what the register says; 404 for a number that it does not know."""
    found = verification.verify(code)
    return _page(found, code=404 if found.state == State.UNKNOWN else 200)


def title_of(found: Answer) -> str:
    """Return « Certificat valide », « Récapitulatif expiré », « Numéro inconnu »."""
    words = VERDICTS[found.state].words
    if found.state == State.UNKNOWN:
        return words
    return f"{'Certificat' if found.kind == CERTIFICATE else 'Récapitulatif'} {words}"


def _page(found: Answer | None, *, missing: bool = False, code: int = 200) -> Response:
    today = clock.today()
    left = (found.valid_until - today).days + 1 if found and found.valid_until else 0
    page = render_template(
        "verification/page.html", answer=found, verdict=VERDICTS[found.state] if found else None, days_left=left,
        heading=title_of(found) if found else "", kind=DOCUMENT_KINDS.get(found.kind, "") if found else "",
        number=found.number[:SHOWN] if found else "", asked_at=clock.now(), refused=missing,
    )  # fmt: skip
    response = make_response(page, code)
    response.headers["X-Robots-Tag"] = "noindex, nofollow"
    return response
