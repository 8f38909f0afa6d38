"""The forms of the service contract: an agent's offer, the legal representative's signature."""

from __future__ import annotations

from flask_appbuilder.forms import DynamicForm
from wtforms import BooleanField, Form, HiddenField, StringField
from wtforms.validators import InputRequired, Length

from app.services.contracts import text as contract_text
from app.views.crud import choices
from app.views.crud.forms import NEEDED, ChoiceField, as_code, as_id, choice


class OfferForm(DynamicForm):  # type: ignore[misc]
    """An offer of a service contract: an agent chooses the text, the legal representative signs it."""

    centre_id = choice("Centre", choices.centres, as_id)
    version = ChoiceField(
        "Version du texte",
        [InputRequired(NEEDED)],
        choices=choices.contract_versions,
        coerce=as_code,
        default=contract_text.latest,
        description="Les tarifs en vigueur aujourd’hui y sont joints en annexe",
    )


class SignatureForm(Form):  # type: ignore[misc]
    """What a signature is made of; the text's hash comes back as it was shown."""

    name = StringField(
        "Nom et prénom",
        [InputRequired("Indiquez votre nom et votre prénom."), Length(max=121, message="121 caractères au plus.")],
    )
    quality = StringField(
        "Qualité", [InputRequired("Indiquez votre qualité."), Length(max=120, message="120 caractères au plus.")]
    )
    agreed = BooleanField(
        "J’ai lu le contrat et son annexe, et je le signe au nom du centre",
        [InputRequired("Cochez la case pour signer.")],
    )
    text_sha256 = HiddenField()
