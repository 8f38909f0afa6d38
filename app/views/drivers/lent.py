"""`/partage/<token>`: what a driver lends to whoever holds the link, and nothing beside it. No sign-in."""

from __future__ import annotations

from flask import Blueprint, abort, make_response, render_template
from werkzeug.wrappers import Response

from app.models.registration import DOCUMENT_KINDS
from app.services.core import clock
from app.services.core.throttle import TooOften
from app.services.drivers import lending
from app.services.drivers.lending import Gone
from app.services.storage import store
from app.views.shell.files import pdf
from app.views.shell.public import network, too_often

blueprint = Blueprint("lent", __name__, url_prefix="/partage")


@blueprint.get("/<token>")
def show(token: str) -> Response:
    """Show what was lent; whatever has ended it, the answer is the same."""
    try:
        lent = lending.look(token, network())
    except TooOften as refusal:
        raise too_often(refusal) from None
    except Gone:
        return make_response(render_template("drivers/lending/gone.html"), 404)
    told = {"lent": lent, "token": token, "document_kinds": DOCUMENT_KINDS, "today": clock.today()}
    return make_response(render_template("drivers/lending/lent.html", **told))


@blueprint.get("/<token>/document.pdf")
def document(token: str) -> Response:
    """Send the one document that was lent; it is a look too."""
    try:
        return pdf(*lending.file(token, network()))
    except TooOften as refusal:
        raise too_often(refusal) from None
    except Gone as gone:
        abort(404, gone.message)
    except store.Missing:
        abort(503, "Le fichier de ce document ne peut pas être lu pour le moment.")


@blueprint.after_request
def keep_out(response: Response) -> Response:
    """Keep every answer out of search engines, and the link's token out of where its reader goes next."""
    response.headers["X-Robots-Tag"] = "noindex, nofollow"
    response.headers["Referrer-Policy"] = "no-referrer"
    return response
