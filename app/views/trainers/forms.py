"""The two pages typed for a trainer or an instructor. They hold no rule: what the rules find is put on the fields."""

from __future__ import annotations

from wtforms import Form, RadioField, SelectMultipleField, StringField
from wtforms.validators import InputRequired

from app.models.catalogue import CATEGORIES
from app.validators.trainer import NO, PERSON_FIELDS, YES
from app.views.shell.forms import loosened

CENTRE_PAYS, PERSON_PAYS = "Le centre prend la redevance en charge", "La personne paie la redevance"


class PersonForm(Form):  # type: ignore[misc]
    """Step 1: who the person is, and where they are told that the right is open."""

    first_name = StringField("Prénom", [InputRequired()])
    last_name = StringField("Nom", [InputRequired()])
    birth_date = StringField("Date de naissance", [InputRequired()], filters=[loosened])
    permit_number = StringField("N° de permis", [InputRequired()])
    email = StringField("Adresse électronique", [InputRequired()])

    @property
    def values(self) -> dict[str, str]:
        """Return field code → text as typed."""
        return {name: self[name].data or "" for name in PERSON_FIELDS}


class TermsForm(Form):  # type: ignore[misc]
    """Step 2: the sectors taught, and who bears the fee of the card."""

    sectors = SelectMultipleField("Secteurs", choices=[(name, name) for name in CATEGORIES])
    fee_borne = RadioField("Prise en charge de la redevance", choices=[(YES, CENTRE_PAYS), (NO, PERSON_PAYS)])
    order_number = StringField("N° de commande", [InputRequired()])
    reference = StringField("Réf")
