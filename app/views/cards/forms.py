"""The forms of a card request. Their validators only call the rules' parsers."""

from __future__ import annotations

from typing import Any

from wtforms import Field, FileField, Form, RadioField, StringField
from wtforms.validators import InputRequired, ValidationError

from app.models import CardRequest
from app.services.cards import payment
from app.services.cards.requests import Postal
from app.validators.postal import (
    CITY_MAX,
    LINE_MAX,
    POSTCODE_FORM,
    parse_city,
    parse_extra,
    parse_postcode,
    parse_street,
)

_STREET = f"Écrivez le numéro et la voie, en {LINE_MAX} caractères au plus, comme « 12 rue des Ateliers »."
_EXTRA = f"Ce complément fait {LINE_MAX} caractères au plus : lettres, chiffres, espaces, virgules et points."
_CITY = f"Écrivez la commune en {CITY_MAX} caractères au plus, comme « LYON » ou « LYON CEDEX 03 »."


def _parsed(parse: Any, sentence: str) -> Any:
    """Return a WTForms validator that asks one parser of the rules."""

    def check(_form: Form, field: Field) -> None:
        if parse(field.data or "") is None:
            raise ValidationError(sentence)

    return check


class PostalForm(Form):  # type: ignore[misc]
    """Where the card is sent."""

    address_extra = StringField("Complément d’adresse", [_parsed(parse_extra, _EXTRA)])
    street = StringField(
        "Numéro et voie", [InputRequired("Numéro et voie non renseignés"), _parsed(parse_street, _STREET)]
    )
    postcode = StringField(
        "Code postal", [InputRequired("Code postal non renseigné"), _parsed(parse_postcode, POSTCODE_FORM)]
    )
    city = StringField("Commune", [InputRequired("Commune non renseignée"), _parsed(parse_city, _CITY)])

    @property
    def postal(self) -> Postal:
        """Return the address parsed; the form must be valid."""
        return Postal(
            parse_extra(self.address_extra.data or "") or "",
            parse_street(self.street.data) or "",
            parse_postcode(self.postcode.data) or "",
            parse_city(self.city.data) or "",
        )


class PicturesForm(Form):  # type: ignore[misc]
    """A photo and a signature; each may be left out where one is kept already."""

    photo = FileField("Photo d’identité")
    signature = FileField("Signature")


class PaymentForm(Form):  # type: ignore[misc]
    """The means of payment."""

    means = RadioField("Moyen de paiement", [InputRequired("Choisissez un moyen de paiement.")])

    def __init__(self, *args: Any, request: CardRequest, **kwargs: Any) -> None:
        super().__init__(*args, data={"means": request.payment_means or None}, **kwargs)
        self.means.choices = [(one.code, one.label) for one in payment.provider().means()]
        self.means.process(args[0] if args else None, request.payment_means or None)
