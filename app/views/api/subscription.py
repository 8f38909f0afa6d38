"""« Souscrire à l'API »: the conditions, then the keys of the current centre."""

from __future__ import annotations

from datetime import date, timedelta

from flask import g, redirect, request, url_for
from flask_appbuilder import expose
from werkzeug.wrappers import Response
from wtforms import BooleanField, Form, SelectMultipleField, StringField, ValidationError
from wtforms.validators import InputRequired, Length
from wtforms.widgets import CheckboxInput

from app.models.api import ANALYSE, READ, SCOPES
from app.models.centre import API, LEGAL_REPRESENTATIVE
from app.services.api import keys as api_keys
from app.services.api.keys import NewKey
from app.services.core.refusal import Refusal
from app.validators.fields import loosen_date, parse_date
from app.views.shell.base import Screen, current_centre_id, current_place, require_right

#: Days during which a replaced key still opens the door.
OVERLAPS = {"0": "Fin aussitôt", "1": "Fin dans 1 jour", "7": "Fin dans 7 jours", "30": "Fin dans 30 jours"}


class KeyForm(Form):  # type: ignore[misc]
    """What a new key is asked to be."""

    name = StringField("Nom de la clé", [InputRequired("Donnez un nom à la clé."), Length(max=80)])
    scopes = SelectMultipleField(
        "Portées", choices=list(SCOPES.items()), default=[READ, ANALYSE], option_widget=CheckboxInput()
    )
    sandbox = BooleanField("Clé d’essai : rien n’est enregistré ni facturé")
    ends_on = StringField("Dernier jour", filters=[lambda text: loosen_date(text or "")])
    networks = StringField("Adresses réseau acceptées")

    def validate_scopes(self, field: SelectMultipleField) -> None:
        """Refuse a key that would open nothing. (`InputRequired` would make each box of the list a needed one.)"""
        if not field.data:
            raise ValidationError("Choisissez au moins une portée.")

    def validate_ends_on(self, field: StringField) -> None:
        """Refuse what is no date."""
        if field.data and parse_date(field.data) is None:
            raise ValidationError("La date s’écrit JJ/MM/AAAA.")

    def validate_networks(self, field: StringField) -> None:
        """Refuse what is no address range."""
        try:
            api_keys.networks_of(field.data or "")
        except Refusal as refusal:
            raise ValidationError(refusal.message) from None

    @property
    def wanted(self) -> NewKey:
        """Return the key asked for."""
        ends_on: date | None = parse_date(self.ends_on.data or "")
        networks = api_keys.networks_of(self.networks.data or "")
        return NewKey(self.name.data, tuple(self.scopes.data), bool(self.sandbox.data), ends_on, networks)


class ApiSubscriptionView(Screen):
    """`/mon-centre/api/`: the legal representative subscribes and makes keys; a manager with the right « API » may look."""

    route_base = "/mon-centre/api"
    class_permission_name = "CentreApi"

    @expose("/")
    def index(self) -> str:
        """Show the conditions, or the keys."""
        return self._page(KeyForm())

    @expose("/accepter", methods=["POST"])
    def accept(self) -> Response:
        """Accept the conditions for the centre."""
        api_keys.subscribe(current_centre_id(), g.user.id)
        return redirect(url_for("ApiSubscriptionView.index"))

    @expose("/cles", methods=["POST"])
    def create(self) -> str | tuple[str, int]:
        """Make a key and show it, whole, this once: it is in no later page and in no address."""
        form = KeyForm(request.form)
        if not form.validate():
            return self._page(form), 422
        try:
            secret = api_keys.create(current_centre_id(), g.user.id, form.wanted)
        except api_keys.NotSubscribed:
            raise
        except Refusal as refusal:
            form.form_errors = [refusal.message]
            return self._page(form), 422
        return self._page(KeyForm(), secret)

    @expose("/cles/<int:key_id>/remplacer", methods=["POST"])
    def rotate(self, key_id: int) -> str:
        """Make the key that takes over from another."""
        days = request.form.get("overlap", "")
        overlap = timedelta(days=int(days) if days in OVERLAPS else 0)
        return self._page(KeyForm(), api_keys.rotate(current_centre_id(), key_id, g.user.id, overlap))

    @expose("/cles/<int:key_id>/revoquer", methods=["POST"])
    def revoke(self, key_id: int) -> Response:
        """Refuse a key from now on."""
        api_keys.revoke(current_centre_id(), key_id, g.user.id)
        return redirect(url_for("ApiSubscriptionView.index"))

    def _page(self, form: KeyForm, secret: str = "") -> str:
        require_right(API)
        place = current_place()
        centre_id = current_centre_id()
        return str(
            self.render_template(
                "api/subscription.html",
                form=form,
                secret=secret,
                subscription=api_keys.subscription(centre_id),
                keys=[(key, api_keys.state(key)) for key in api_keys.keys(centre_id)],
                scopes=SCOPES,
                overlaps=OVERLAPS,
                manages=place is not None and place.role == LEGAL_REPRESENTATIVE,
            )
        )
