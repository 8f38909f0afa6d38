"""The forms of billing. They read what is typed; the services judge it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from wtforms import BooleanField, Form, StringField

from app.services.billing.profiles import Values
from app.views.crud.forms import AmountField, day


class ProfileForm(Form):  # type: ignore[misc]
    """« Coordonnées de facturation », in the order of the screen."""

    name = StringField("Nom ou raison sociale")
    siret = StringField("SIRET")
    vat_number = StringField("N° de TVA intracommunautaire")
    street = StringField("Numéro et voie")
    extra = StringField("Complément d’adresse")
    postcode = StringField("Code postal")
    city = StringField("Commune")
    e_address = StringField("Adresse de facturation électronique")
    service_code = StringField("Code service")
    service_required = BooleanField("Chorus Pro exige un code service")
    engagement_required = BooleanField("Chorus Pro exige un N° d’engagement : celui de chaque commande y tient lieu")
    accounts_email = StringField("Courriel de la comptabilité")
    payment_days = StringField("Délai de paiement, en jours")
    confirmed = BooleanField("Ce SIRET est bien celui de l’acheteur")

    @property
    def values(self) -> Values:
        """Return what was typed, a number of days that is none as 0."""
        typed: dict[str, Any] = {
            name: bool(field.data) if isinstance(field, BooleanField) else field.data or ""
            for name, field in self._fields.items()
        }
        days = str(typed["payment_days"]).strip()
        return Values(**{**typed, "payment_days": int(days) if days.isdecimal() else 0})

    @classmethod
    def of(cls, values: Values) -> ProfileForm:
        """Return the form filled with a profile."""
        return cls(data=asdict(values))

    def tell(self, faults: Mapping[str, str]) -> None:
        """Put what is wrong beside each field."""
        for name, sentence in faults.items():
            self[name].errors = [sentence]


class CeilingForm(Form):  # type: ignore[misc]
    """What an order number may cost."""

    order_number = StringField("N° de commande")
    ceiling = AmountField("Plafond HT, en euros")
    valid_from = day("Premier jour", needed=False)
    valid_to = day("Dernier jour", needed=False)
    blocking = BooleanField("Refuser tout enregistrement qui dépasserait ce plafond")


class OrderForm(Form):  # type: ignore[misc]
    """What lines are billed under."""

    order_number = StringField("N° de commande facturé")
    reference = StringField("Référence sur la facture")
