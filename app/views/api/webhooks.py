"""Webhooks of the current centre: the addresses, each with its messages and what became of them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any, TypeVar

from flask import abort, flash, g, redirect, request, url_for
from flask_appbuilder import expose
from werkzeug.wrappers import Response
from wtforms import Form, SelectMultipleField, StringField, ValidationError
from wtforms.validators import InputRequired
from wtforms.widgets import CheckboxInput

from app.models import WebhookEndpoint
from app.models.api import DELIVERY_STATES, EVENT_NAMES, EVENTS, WHEN
from app.models.centre import API, LEGAL_REPRESENTATIVE
from app.services.api import keys as api_keys
from app.services.api import webhook_delivery, webhook_transport, webhooks
from app.services.core.refusal import Refusal
from app.views.shell.base import Screen, current_centre_id, current_place, require_right
from app.views.shell.reading import number_of

from .subscription import OVERLAPS

#: What each state of a message is drawn with.
TAGS = {"pending": "gold", "delivered": "ok", "given_up": "error"}


Made = TypeVar("Made")


class EndpointForm(Form):  # type: ignore[misc]
    """Where to, and of what."""

    url = StringField("Adresse", [InputRequired("Donnez l’adresse de votre logiciel.")])
    events = SelectMultipleField(
        "Événements", choices=list(EVENTS.items()), default=list(EVENTS), option_widget=CheckboxInput()
    )

    def validate_url(self, field: StringField) -> None:
        """Refuse an address that is never called."""
        try:
            webhook_transport.target((field.data or "").strip())
        except Refusal as refusal:
            raise ValidationError(refusal.message) from None

    def validate_events(self, field: SelectMultipleField) -> None:
        """Refuse an address told of nothing. (`InputRequired` would make each box of the list a needed one.)"""
        if not field.data:
            raise ValidationError("Choisissez au moins un événement.")


class WebhooksView(Screen):
    """`/mon-centre/api/webhooks/`: the legal representative decides; who has the right « API » follows, tries, sends again."""

    route_base = "/mon-centre/api/webhooks"
    class_permission_name = "CentreApi"

    @expose("/")
    def index(self) -> str:
        """List the addresses."""
        return self._list(EndpointForm())

    @expose("/", methods=["POST"])
    def create(self) -> str | tuple[str, int]:
        """Add an address and show its secret, this once."""
        require_right(API)
        form = EndpointForm(request.form)
        centre_id = current_centre_id()

        def add() -> tuple[int, str]:
            return webhooks.create(centre_id, g.user.id, form.url.data, form.events.data)

        made = _accepted(form, add)
        if made is None:
            return self._list(form), 422
        return self._show(webhooks.get(centre_id, made[0]), secret=made[1])

    @expose("/<int:endpoint_id>")
    def show(self, endpoint_id: int) -> str:
        """Show an address and a page of its messages."""
        return self._show(_own(endpoint_id))

    @expose("/<int:endpoint_id>/envois")
    def deliveries(self, endpoint_id: int) -> str:
        """Return the messages alone, which the page asks for again while one is about to be sent."""
        return str(self.render_template("api/deliveries.html", moved=True, **_told(_own(endpoint_id))))

    @expose("/<int:endpoint_id>", methods=["POST"])
    def change(self, endpoint_id: int) -> Response | tuple[str, int]:
        """Change where it leads and what it is told of."""
        endpoint, form = _own(endpoint_id), EndpointForm(request.form)

        def act() -> bool:
            webhooks.change(endpoint.centre_id, endpoint_id, g.user.id, form.url.data, form.events.data)
            return True

        if not _accepted(form, act):
            return self._show(endpoint, form=form), 422
        flash("L’adresse est modifiée.", "success")
        return _back(endpoint_id)

    @expose("/<int:endpoint_id>/secret", methods=["POST"])
    def rotate(self, endpoint_id: int) -> str:
        """Make a new secret and show it, this once."""
        endpoint = _own(endpoint_id)
        days = request.form.get("overlap", "")
        overlap = timedelta(days=int(days) if days in OVERLAPS else 0)
        secret = webhooks.rotate(endpoint.centre_id, endpoint_id, g.user.id, overlap)
        return self._show(endpoint, secret=secret)

    @expose("/<int:endpoint_id>/etat", methods=["POST"])
    def switch(self, endpoint_id: int) -> Response:
        """Stop telling an address, or tell it again."""
        active = request.form.get("active") == "1"
        webhooks.switch(_own(endpoint_id).centre_id, endpoint_id, g.user.id, active=active)
        flash("L’adresse est de nouveau prévenue." if active else "L’adresse n’est plus prévenue.", "success")
        return _back(endpoint_id)

    @expose("/<int:endpoint_id>/retirer", methods=["POST"])
    def remove(self, endpoint_id: int) -> Response:
        """Take an address away for good."""
        webhooks.remove(_own(endpoint_id).centre_id, endpoint_id, g.user.id)
        flash("L’adresse est retirée.", "success")
        return redirect(url_for("WebhooksView.index"))

    @expose("/<int:endpoint_id>/essai", methods=["POST"])
    def trial(self, endpoint_id: int) -> Response:
        """« Envoyer un essai »."""
        webhook_delivery.trial(_own(endpoint_id).centre_id, endpoint_id, g.user.id)
        return _back(endpoint_id)

    @expose("/<int:endpoint_id>/envois/<int:delivery_id>/renvoyer", methods=["POST"])
    def replay(self, endpoint_id: int, delivery_id: int) -> Response:
        """« Renvoyer »."""
        try:
            webhook_delivery.replay(_own(endpoint_id).centre_id, delivery_id, g.user.id)
        except webhooks.NotFound as refusal:
            abort(404, refusal.message)
        return _back(endpoint_id)

    def _list(self, form: EndpointForm) -> str:
        require_right(API)
        centre_id = current_centre_id()
        rows = [(endpoint, webhooks.state(endpoint)) for endpoint in webhooks.endpoints(centre_id)]
        return str(
            self.render_template(
                "api/webhooks.html",
                form=form,
                endpoints=rows,
                events=EVENTS,
                when=WHEN,
                most=webhooks.MOST,
                manages=_manages(),
                subscription=api_keys.subscription(centre_id),
            )
        )

    def _show(self, endpoint: WebhookEndpoint, *, form: EndpointForm | None = None, secret: str = "") -> str:
        form = form or EndpointForm(url=endpoint.url, events=endpoint.event_list)
        more: dict[str, Any] = {"form": form, "secret": secret, "manages": _manages(), "overlaps": OVERLAPS}
        return str(self.render_template("api/webhook.html", events=EVENTS, when=WHEN, **more, **_told(endpoint)))


def _own(endpoint_id: int) -> WebhookEndpoint:
    """Return the current centre's address; another centre's is not found, like one that never was."""
    require_right(API)
    try:
        return webhooks.get(current_centre_id(), endpoint_id)
    except webhooks.NotFound as refusal:
        abort(404, refusal.message)


def _accepted(form: EndpointForm, act: Callable[[], Made]) -> Made | None:
    """Return what a valid form does; None, the form saying why, where it is not valid or is refused."""
    if not form.validate():
        return None
    try:
        return act()
    except api_keys.NotSubscribed:
        raise
    except Refusal as refusal:
        form.form_errors = [refusal.message]
        return None


def _told(endpoint: WebhookEndpoint) -> dict[str, Any]:
    listing = webhook_delivery.listing(endpoint, number_of("page"))
    return {
        "endpoint": endpoint,
        "state": webhooks.state(endpoint),
        "listing": listing,
        "event_names": EVENT_NAMES,
        "states": DELIVERY_STATES,
        "tags": TAGS,
    }


def _manages() -> bool:
    place = current_place()
    return place is not None and place.role == LEGAL_REPRESENTATIVE


def _back(endpoint_id: int) -> Response:
    return redirect(url_for("WebhooksView.show", endpoint_id=endpoint_id))
