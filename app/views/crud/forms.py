"""The forms of the back office. They read what is typed; what may be written is judged by `services.reference.rules`."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from typing import Any

from flask_appbuilder.forms import DynamicForm
from wtforms import BooleanField, Field, IntegerField, SelectField, SelectMultipleField, StringField
from wtforms.validators import DataRequired, InputRequired, Length, NumberRange, Optional, StopValidation
from wtforms.widgets import TextInput

from app.models.catalogue import CATEGORIES, PRICE_CLASSES
from app.services.contracts import text as contract_text
from app.validators.fields import clean

from . import choices
from .fab import DayField

NEEDED = "À renseigner."
LARGEST = Decimal("99999.99")


class AmountField(Field):  # type: ignore[misc]
    """An amount or a rate, with a comma or a point and at most two decimals; data is a Decimal."""

    widget = TextInput()

    def _value(self) -> str:
        typed = self.raw_data[0] if self.raw_data else None
        return typed if typed is not None else f"{self.data:f}".replace(".", ",") if self.data is not None else ""

    def process_formdata(self, valuelist: list[str]) -> None:
        """Read the number; raise ValueError in our words when it is none."""
        text = "".join(valuelist[0].split()).replace(",", ".").removesuffix("€") if valuelist else ""
        self.data = None
        if text:
            self.data = self._number(text)

    def _number(self, text: str) -> Decimal:
        try:
            value = Decimal(text)
            fits = value.is_finite() and 0 <= value <= LARGEST and value == value.quantize(Decimal("0.01"))
        except InvalidOperation:
            fits = False
        if not fits:
            raise ValueError("Un nombre positif avec deux décimales au plus est attendu, par exemple 25,34.")
        return value

    def pre_validate(self, form: Any) -> None:
        """Stop at a badly written number: « à renseigner » would be said of a field that is filled."""
        if self.process_errors:
            raise StopValidation()


class ChecksField(SelectMultipleField):  # type: ignore[misc]
    """Rows to tick, drawn as boxes by family; data is a list of ids."""

    def __init__(self, label: str, groups: Callable[[], dict[str, list[tuple[int, str]]]], **kwargs: Any) -> None:
        self.groups = groups()
        flat = [choice for group in self.groups.values() for choice in group]
        super().__init__(label, coerce=int, choices=flat, **kwargs)

    def process_data(self, value: Any) -> None:
        """Take the rows of a relation as their ids."""
        self.data = [row if isinstance(row, int) else row.id for row in value or ()]

    def pre_validate(self, form: Any) -> None:
        """Refuse ids that were not offered."""
        if not set(self.data or ()) <= {value for value, _ in self.choices}:
            raise StopValidation("Une formation choisie n’existe pas.")


class ChoiceField(SelectField):  # type: ignore[misc]
    """One of the choices offered, none beforehand: what is chosen is chosen knowingly."""

    def __init__(self, label: str, validators: Any, *, choices: Any, coerce: Any, **kwargs: Any) -> None:
        offered = choices() if callable(choices) else choices
        super().__init__(label, validators, choices=[("", "Choisir…"), *offered], coerce=coerce, **kwargs)

    def pre_validate(self, form: Any) -> None:
        """Refuse what was not offered; nothing chosen is « à renseigner »."""
        if self.data is not None and self.data not in {value for value, _ in self.choices}:
            raise StopValidation("Choisissez dans la liste.")


def as_id(value: Any) -> int | None:
    """Return the id that a select sends back, None for its empty line or anything that is no id."""
    text = str(value)
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None


def as_code(value: Any) -> str | None:
    """Return the code that a select sends back, None for its empty line."""
    return str(value) or None


def text(label: str, longest: int, *, needed: bool = True, hint: str = "") -> StringField:
    """Return a field for one line of text, put in its normal form."""
    rules = [
        DataRequired(NEEDED) if needed else Optional(),
        Length(max=longest, message=f"{longest} caractères au plus."),
    ]
    return StringField(label, rules, description=hint, filters=[lambda value: clean(value or "")])


def day(label: str, *, needed: bool = True, hint: str = "") -> DayField:
    """Return a field for a day, JJ/MM/AAAA."""
    rules = [DataRequired(NEEDED) if needed else Optional()]
    return DayField(label, rules, description=hint, widget=TextInput())


def choice(label: str, options: Any, coerce: Any = as_code) -> ChoiceField:
    """Return a field to choose one thing."""
    return ChoiceField(label, [DataRequired(NEEDED)], choices=options, coerce=coerce)


def named(names: dict[str, str]) -> list[tuple[str, str]]:
    """Return codes and words as choices."""
    return list(names.items())


class CentreForm(DynamicForm):  # type: ignore[misc]
    """A centre."""

    name = text("Nom du centre", 160)
    siret = text("SIRET", 30, hint="14 chiffres ; les espaces sont acceptés")
    address = text("Adresse", 300, needed=False)
    email = text("Adresse électronique", 254, needed=False)
    is_public = BooleanField("Organisme public")
    chorus_service = text("Code service Chorus", 50, needed=False, hint="Pour un organisme public seulement")


class AccreditationForm(DynamicForm):  # type: ignore[misc]
    """An accreditation."""

    centre_id = choice("Centre", choices.centres, as_id)
    authority = text("Autorité", 120, hint="Préfet de région, ministère, académie")
    number = text("N° d’agrément", 40)
    trainings = ChecksField(
        "Formations couvertes", choices.training_groups, validators=[DataRequired("Cochez au moins une formation.")]
    )
    valid_from = day("Valable du")
    valid_to = day("Valable jusqu’au", needed=False, hint="Dernier jour inclus")
    withdrawn_on = day("Retiré le", needed=False, hint="À partir de ce jour, l’agrément ne vaut plus")


class SuspensionForm(DynamicForm):  # type: ignore[misc]
    """A suspension of an accreditation."""

    accreditation_id = choice("Agrément", choices.accreditations, as_id)
    starts_on = day("Suspendu du")
    ends_on = day("Suspendu jusqu’au", needed=False, hint="Dernier jour inclus ; vide tant que la fin n’est pas connue")
    reason = text("Motif", 300)


class TrainingForm(DynamicForm):  # type: ignore[misc]
    """An entry of the catalogue."""

    family = text("Type de formation", 60, hint="FIMO, Passerelle, FCO, Titre professionnel, Éducation nationale")
    label = text("Libellé", 120)
    category = choice("Catégorie", [(name, name) for name in CATEGORIES])
    hours = IntegerField(
        "Durée en heures", [Optional(), NumberRange(1, 5000, "Entre 1 et 5000 heures.")], widget=TextInput()
    )
    price_class = choice("Classe de tarif", named({k: v for k, v in PRICE_CLASSES.items() if k != "card_fee"}))
    minors_allowed = BooleanField("Ouverte aux mineurs")
    valid_from = day("Au catalogue du", needed=False)
    valid_to = day("Au catalogue jusqu’au", needed=False, hint="Dernier jour inclus")


class TariffForm(DynamicForm):  # type: ignore[misc]
    """A price of one class, from a day on."""

    price_class = choice("Classe de tarif", named(PRICE_CLASSES))
    amount = AmountField("Montant hors taxes, en euros", [InputRequired(NEEDED)])
    vat_rate = AmountField("Taux de TVA, en pour cent", [InputRequired(NEEDED)], default=Decimal("20.00"))
    valid_from = day("En vigueur du")
    valid_to = day("En vigueur jusqu’au", needed=False, hint="Dernier jour inclus ; vide pour un tarif sans fin connue")


class OfferForm(DynamicForm):  # type: ignore[misc]
    """An offer of a service contract: an agent chooses the text, the legal representative signs it."""

    centre_id = choice("Centre", choices.centres, as_id)
    version = ChoiceField(
        "Version du texte", [InputRequired(NEEDED)], choices=choices.contract_versions, coerce=as_code,
        default=contract_text.latest, description="Les tarifs en vigueur aujourd’hui y sont joints en annexe",
    )  # fmt: skip


class DriverNamesForm(DynamicForm):  # type: ignore[misc]
    """What may be mended of a known driver: the two facts that identify them stay."""

    last_name = text("Nom", 60)
    first_name = text("Prénom", 60)


class DriverForm(DriverNamesForm):
    """A driver not yet known."""

    birth_date = day("Date de naissance")
    permit_number = text("N° de permis", 30)
