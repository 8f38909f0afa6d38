"""The public verification page: what the register says of a number, of a holder, of a file. No sign-in."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Blueprint, make_response, redirect, render_template, request, url_for
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.wrappers import Response
from wtforms import Form, StringField
from wtforms.validators import InputRequired

from app.models.registration import CERTIFICATE, DOCUMENT_KINDS
from app.services.core import clock, numbers
from app.services.core.throttle import TooOften
from app.services.documents import verification, verification_file
from app.services.documents.verification import Answer, State
from app.services.documents.verification_file import FileAnswer, Outcome
from app.services.seal import sealing
from app.validators.fields import clean, parse_date
from app.views.shell.forms import loosened
from app.views.shell.public import network, too_often

blueprint = Blueprint("verification", __name__, url_prefix="/verifier")

#: What is typed is shown again up to this length; no number is longer.
SHOWN = 40
#: Longer than any name the register holds.
NAME_MAX = 130


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
FILE_VERDICTS = {
    Outcome.UNKNOWN: Verdict("gold", "info", "Cachet valable, document inconnu"),
    Outcome.ALTERED: Verdict("error", "error", "Fichier modifié"),
    Outcome.COPY: Verdict("error", "error", "Fichier sans cachet valable"),
    Outcome.FOREIGN: Verdict("error", "error", "Fichier sans cachet du registre"),
    Outcome.NOT_PDF: Verdict("error", "error", "Ce fichier n’est pas un PDF"),
    Outcome.TOO_LARGE: Verdict("error", "error", "Fichier trop volumineux"),
}


class HolderForm(Form):  # type: ignore[misc]
    """Name and birth date as who asks believes them to be."""

    holder_name = StringField("Nom du titulaire", [InputRequired("Saisissez le nom du titulaire.")])
    birth_date = StringField(
        "Date de naissance", [InputRequired("Saisissez la date de naissance du titulaire.")], filters=[loosened]
    )


@blueprint.get("/")
def form() -> Response:
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


@blueprint.post("/<path:code>/titulaire")
def holder(code: str) -> Response:
    """Give the holder's full name to who types it and the birth date; whatever is wrong, the answer is the same."""
    found, asked = verification.verify(code), HolderForm(request.form)
    if found.state == State.UNKNOWN:
        return _page(found, code=404)
    if not asked.validate():
        return _page(found, asked=asked, code=422)
    try:
        name = verification.holder(
            code, asked.holder_name.data[:NAME_MAX], parse_date(clean(asked.birth_date.data)), network()
        )
    except TooOften as refusal:
        raise too_often(refusal) from None
    return _page(found, asked=asked, holder=name, is_wrong=name is None)


@blueprint.route("/fichier", methods=["GET", "POST"])
def file() -> Response:
    """Tell what a PDF is worth; it is looked at in memory and kept nowhere."""
    sent = request.files.get("file")
    if request.method != "POST":
        return redirect(url_for("verification.form"))
    if sent is None or not sent.filename:
        return _page(None, no_file=True, code=422)
    with sent.stream as stream:
        content = stream.read(verification_file.MAX_BYTES + 1)
    try:
        found = verification_file.check(content, network())
    except TooOften as refusal:
        raise too_often(refusal) from None
    return _file_page(found)


@blueprint.errorhandler(RequestEntityTooLarge)
def too_large(_error: RequestEntityTooLarge) -> Response:
    """Answer a file beyond anything we read, before any of it is."""
    return _file_page(FileAnswer(Outcome.TOO_LARGE))


@blueprint.after_request
def keep_out(response: Response) -> Response:
    """Keep every answer out of search engines."""
    response.headers["X-Robots-Tag"] = "noindex, nofollow"
    return response


def title_of(found: Answer) -> str:
    """Return « Certificat valide », « Récapitulatif expiré », « Numéro inconnu »."""
    words = VERDICTS[found.state].words
    if found.state == State.UNKNOWN:
        return words
    if found.cancelled_on:
        words = "annulé et remplacé" if found.is_replaced else "annulé"
    return f"{'Certificat' if found.kind == CERTIFICATE else 'Récapitulatif'} {words}"


def _file_page(found: FileAnswer) -> Response:
    """Show the verdict on a file; one that is intact is shown as its number is."""
    if found.outcome is Outcome.INTACT:
        return _page(found.document, is_file=True)
    verdict, code = FILE_VERDICTS[found.outcome], 413 if found.outcome is Outcome.TOO_LARGE else 200
    return _page(None, file=found, heading=verdict.words, verdict=verdict, code=code)


def _page(found: Answer | None, *, code: int = 200, asked: HolderForm | None = None, **told: object) -> Response:
    today = clock.today()
    left = (found.valid_until - today).days + 1 if found and found.valid_until else 0
    values = {
        "answer": found,
        "verdict": VERDICTS[found.state] if found else None,
        "days_left": left,
        "heading": title_of(found) if found else "",
        "kind": DOCUMENT_KINDS.get(found.kind, "") if found else "",
        "number": found.number[:SHOWN] if found else "",
        "asked_at": clock.now(),
        "asked": asked or HolderForm(),
        "limit": verification_file.MAX_BYTES // 1024**2,
        "authority": sealing.authority(),
    }
    return make_response(render_template("documents/verification/page.html", **(values | told)), code)
