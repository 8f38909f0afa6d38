"""The forms of the path by hand. They hold no rule: what the rules remark is put on the fields they speak of."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from wtforms import Field, Form, RadioField, StringField, TextAreaField
from wtforms.validators import InputRequired, ValidationError

from app.models import trainer
from app.services.registration.drafts import LINE_FIELDS
from app.validators.context import Training
from app.validators.fields import clean, loosen_date, parse_text
from app.validators.remark import SENTENCES, Code, Remark
from app.validators.trainer import Finding

PROFILES = (("conducteur", "Conducteur"), ("formateur", "Formateur"), ("moniteur", "Moniteur"))
MODES = (("fichier", "Importer un fichier"), ("manuel", "Manuellement"), ("api", "Souscrire à l'API"))
DRIVER, TRAINER, BY_HAND = "conducteur", "formateur", "manuel"
#: Choice of « Mes sessions » → profile of the trainer it starts.
TRAINER_PROFILES = {"formateur": trainer.TRAINER, "moniteur": trainer.INSTRUCTOR}


class ChoiceForm(Form):  # type: ignore[misc]
    """« Mes sessions »: who is registered, and through which door."""

    profil = RadioField("Sélectionner le type de profil enregistré", choices=list(PROFILES), default=DRIVER)
    mode = RadioField("Mode d’enregistrement", choices=list(MODES), default=BY_HAND)


def loosened(value: str | None) -> str:
    """Return a date as the rules know it, where it was typed in another of the usual ways."""
    return loosen_date(value or "")


def _id(value: int | str | None) -> int:
    """Return an id as the base or the browser gives it, 0 for anything that is none."""
    text = str(value or "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0


class TrainingForm(Form):  # type: ignore[misc]
    """Step 1: label (with its category) and end date."""

    training_id = StringField("Libellé de la formation", filters=[_id])
    end_date = StringField("Date de fin de la formation", filters=[loosened])


class LineForm(Form):  # type: ignore[misc]
    """Step 2: the six fields of one line."""

    reference = StringField("Réf")
    order_number = StringField("N° de commande", [InputRequired()])
    first_name = StringField("Prénom", [InputRequired()])
    last_name = StringField("Nom", [InputRequired()])
    birth_date = StringField("Date de naissance", [InputRequired()], filters=[loosened])
    permit_number = StringField("N° de permis", [InputRequired()])

    @property
    def values(self) -> dict[str, str]:
        """Return field code → text as typed."""
        return {name: self[name].data or "" for name in LINE_FIELDS}


def as_text(code: str) -> Any:
    """Return a WTForms validator that asks the rules' own parser whether a reference or an order number has its form."""

    def check(_form: Form, field: Field) -> None:
        if parse_text(clean(field.data or "")) is None:
            raise ValidationError(SENTENCES[Code.FORMAT, code])

    return check


class PasteForm(Form):  # type: ignore[misc]
    """Rows copied from a spreadsheet; reference and order number serve the rows that bear none."""

    reference = StringField("Réf", [as_text("reference")])
    order_number = StringField("N° de commande", [as_text("order_number")])
    text = TextAreaField("Lignes copiées depuis votre tableur")


#: A remark on the label or the category concerns the one choice of step 1.
_FIELD_OF_FORM = {"training_label": "training_id", "category": "training_id"}


def put_remarks(form: Form, remarks: Iterable[Remark | Finding]) -> None:
    """Put each remark on its field, one sentence a field; what concerns no field of the form is said above it."""
    for remark in remarks:
        name = remark.field or ""
        field = form[name] if name in form else form._fields.get(_FIELD_OF_FORM.get(name, ""))
        if field is None:
            form.form_errors = [*form.form_errors, remark.message]
        elif not field.errors:
            field.errors = [remark.message]


def families(trainings: Iterable[Training]) -> dict[str, list[Training]]:
    """Return type of training → its trainings, in catalogue order."""
    found: dict[str, list[Training]] = {}
    for training in trainings:
        found.setdefault(training.family, []).append(training)
    return found
