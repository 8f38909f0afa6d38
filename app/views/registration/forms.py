"""The forms of the path by hand. They hold no rule: what the rules remark is put on the fields they speak of."""

from __future__ import annotations

from collections.abc import Iterable

from wtforms import BooleanField, Form, RadioField, StringField, TextAreaField
from wtforms.validators import InputRequired

from app.models import trainer
from app.services.registration.drafts import SHARED_FIELDS, TYPED_FIELDS
from app.validators.context import Training
from app.views.shell.forms import as_text, loosened

PROFILES = (("conducteur", "Conducteur"), ("formateur", "Formateur"), ("moniteur", "Moniteur"))
MODES = (("fichier", "Importer un fichier"), ("manuel", "Manuellement"), ("api", "Souscrire à l'API"))
DRIVER, TRAINER, BY_HAND = "conducteur", "formateur", "manuel"
#: Choice of « Mes sessions » → profile of the trainer it starts.
TRAINER_PROFILES = {"formateur": trainer.TRAINER, "moniteur": trainer.INSTRUCTOR}


class ChoiceForm(Form):  # type: ignore[misc]
    """« Mes sessions »: who is registered, and through which door."""

    profil = RadioField("Sélectionner le type de profil enregistré", choices=list(PROFILES), default=DRIVER)
    mode = RadioField("Mode d’enregistrement", choices=list(MODES), default=BY_HAND)


def _id(value: int | str | None) -> int:
    """Return an id as the base or the browser gives it, 0 for anything that is none."""
    text = str(value or "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0


class TrainingForm(Form):  # type: ignore[misc]
    """Step 1: label (with its category) and end date."""

    training_id = StringField("Libellé de la formation", filters=[_id])
    end_date = StringField("Date de fin de la formation", filters=[loosened])


class LineForm(Form):  # type: ignore[misc]
    """Step 2: the six fields of one line, and an address that may be left out."""

    reference = StringField("Réf")
    order_number = StringField("N° de commande", [InputRequired()])
    first_name = StringField("Prénom", [InputRequired()])
    last_name = StringField("Nom", [InputRequired()])
    birth_date = StringField("Date de naissance", [InputRequired()], filters=[loosened])
    permit_number = StringField("N° de permis", [InputRequired()])
    email = StringField("Courriel")

    @property
    def values(self) -> dict[str, str]:
        """Return field code → text as typed."""
        return {name: self[name].data or "" for name in TYPED_FIELDS}


class SharedForm(Form):  # type: ignore[misc]
    """Step 2, « Pour toutes les lignes »: what serves the lines that bear none of their own."""

    order_number = StringField("N° de commande", [as_text("order_number")])
    reference = StringField("Réf", [as_text("reference")])
    replace = BooleanField("Remplacer aussi les valeurs déjà écrites")

    @property
    def values(self) -> dict[str, str]:
        """Return field code → text as typed."""
        return {name: self[name].data or "" for name in SHARED_FIELDS}


class PasteForm(Form):  # type: ignore[misc]
    """Rows copied from a spreadsheet; reference and order number serve the rows that bear none."""

    reference = StringField("Réf", [as_text("reference")])
    order_number = StringField("N° de commande", [as_text("order_number")])
    text = TextAreaField("Lignes copiées depuis votre tableur")


def families(trainings: Iterable[Training]) -> dict[str, list[Training]]:
    """Return type of training → its trainings, in catalogue order."""
    found: dict[str, list[Training]] = {}
    for training in trainings:
        found.setdefault(training.family, []).append(training)
    return found
