"""`/verifier/lot/`: the states of many numbers at once, as a table and as an .xlsx. No sign-in, nothing personal."""

from __future__ import annotations

from collections import Counter

from flask import Blueprint, make_response, render_template, request, url_for
from werkzeug.wrappers import Response

from app.models.registration import DOCUMENT_KINDS
from app.services.core.refusal import Refusal
from app.services.core.throttle import TooOften
from app.services.documents import lots
from app.services.documents.lots import Line, Read
from app.services.documents.verification import State
from app.views.shell.public import network, too_often

from .verification import VERDICTS

blueprint = Blueprint("lot", __name__, url_prefix="/verifier/lot")

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
#: Rows shown on the page; the workbook holds them all.
SHOWN = 200


@blueprint.get("/")
def form() -> Response:
    """Ask for the numbers."""
    return _page("")


@blueprint.post("/")
def answer() -> Response:
    """Answer for the numbers that were pasted, or stand in a file; what is wrong is told, the rest is answered."""
    text, asked = request.form.get("numeros", ""), "numeros"
    try:
        if (sent := request.files.get("fichier")) and sent.filename:
            asked = "fichier"
            with sent.stream as stream:
                text = lots.decoded(stream.read(lots.MAX_BYTES + 1))
        read = lots.read(text)
        lines = lots.answer(read.numbers, network()) if read.numbers else []
    except TooOften as refusal:
        raise too_often(refusal) from None
    except Refusal as refusal:
        return _page(text[: lots.MAX_BYTES], refused=(asked, refusal.message), code=422)
    if "xlsx" in request.form and lines:
        response = make_response(lots.workbook(lines, read.faults))
        response.headers["Content-Type"] = XLSX
        response.headers["Content-Disposition"] = 'attachment; filename="verification.xlsx"'
        return response
    return _page("\n".join(read.numbers) if read.numbers else text, read, lines, code=200 if lines else 422)


@blueprint.after_request
def keep_out(response: Response) -> Response:
    """Keep every answer out of search engines."""
    response.headers["X-Robots-Tag"] = "noindex, nofollow"
    return response


def _page(
    typed: str,
    read: Read | None = None,
    lines: list[Line] | None = None,
    *,
    refused: tuple[str, str] | None = None,
    code: int = 200,
) -> Response:
    counts = Counter(line.state for line in lines or ())
    values = {
        "typed": typed,
        "read": read,
        "lines": (lines or [])[:SHOWN],
        "total": len(lines or ()),
        "counts": [(state, counts[state]) for state in State if counts[state]],
        "words": lots.WORDS,
        "bands": {state: verdict.band for state, verdict in VERDICTS.items()},
        "kinds": DOCUMENT_KINDS,
        "told": lots.TOLD,
        "most": lots.MOST,
        # The field that is refused, and why.
        "refused": refused,
        "here": url_for("lot.form"),
    }
    return make_response(render_template("documents/lots/page.html", **values), code)
