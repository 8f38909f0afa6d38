"""« Demandes de carte »: the queue of card requests, one request with its pictures, and the acts on it."""

from __future__ import annotations

from typing import Any

from flask import abort, flash, g, redirect, request, url_for
from flask_appbuilder import expose
from werkzeug.wrappers import Response

from app.models import CardRequest
from app.models.card import CARD_STATES
from app.services.cards import desk as card_desk
from app.services.cards import payment
from app.services.core.reason import REASON_MAX
from app.views.crud.widgets import CARD_TAGS
from app.views.shell.base import Screen
from app.views.shell.reading import number_of

from .own import KEY, fee_or_none, picture_answer

NOT_FOUND = "Cette demande de carte n’existe pas, ou n’a pas encore été envoyée."
DONE = {
    "examiner": "Vous examinez cette demande.",
    "accepter": "La demande est acceptée ; son titulaire en est averti.",
    "fabriquer": "La carte est en fabrication ; son titulaire en est averti.",
    "envoyer": "La carte est envoyée ; son titulaire en est averti.",
}


class CardRequestsView(Screen):
    """`/demandes-de-carte/`, for agents."""

    route_base = "/demandes-de-carte"
    default_view = "index"
    class_permission_name = "CardRequests"

    @expose("/")
    def index(self) -> str:
        """List the requests in one state, the longest waiting first."""
        wanted = request.args.get("etat", "")
        wanted = wanted if wanted in card_desk.FILTERS else next(iter(card_desk.FILTERS))
        searched = request.args.get("recherche", "")[:80]
        listing = card_desk.listing(wanted, searched, number_of("page"))
        return str(self._show("cards/queue.html", listing=listing, wanted=wanted, searched=searched))

    @expose(KEY)
    def show(self, key: str) -> str:
        """Show one request: identity, ground, address, pictures, payment, history, what may be done."""
        asked = _request(key)
        return str(self._show("cards/desk.html", asked=asked, fee=fee_or_none(asked), provider=payment.provider()))

    @expose(f"{KEY}/image/<kind>")
    def image(self, key: str, kind: str) -> Response:
        """Send one of the two pictures."""
        return picture_answer(_request(key), kind)

    @expose(f"{KEY}/<any(examiner, accepter, fabriquer, envoyer):act>", methods=["POST"])
    def move(self, key: str, act: str) -> Response:
        """Move a request on."""
        card_desk.act(_request(key).id, card_desk.ACTS[act], g.user.id)
        flash(DONE[act], "success")
        return redirect(url_for("CardRequestsView.show", key=key))

    @expose(f"{KEY}/refuser", methods=["POST"])
    def refuse(self, key: str) -> Response:
        """Refuse a request, for the reason given."""
        card_desk.refuse(_request(key).id, g.user.id, request.form.get("reason", ""))
        flash("La demande est refusée ; le motif est envoyé à son titulaire.", "success")
        return redirect(url_for("CardRequestsView.show", key=key))

    def _show(self, template: str, **told: Any) -> str:
        page: str = self.render_template(
            template,
            title="Demandes de carte",
            states=CARD_STATES,
            tags=CARD_TAGS,
            reason_max=REASON_MAX,
            **told,
        )
        return page


def _request(key: str) -> CardRequest:
    return card_desk.find(key) or abort(404, NOT_FOUND)
