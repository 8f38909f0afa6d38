"""The forms of the back office. They read what is typed; what may be written is judged by `services.reference.rules`."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from typing import Any

from wtforms import Field, SelectField, SelectMultipleField, StringField
from wtforms.validators import DataRequired, Length, Optional, StopValidation
from wtforms.widgets import TextInput

from app.validators.fields import clean

from .fab import DayField

NEEDED = "À renseigner."
LARGEST = Decimal("99999.99")


class AmountField(Field):  # type: ignore[misc]
    """An amount or a rate, with a comma or a point and at most two decimals; data is a Decimal."""

    widget = TextInput()
    #: The greatest that is taken for one.
    largest = LARGEST

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
            fits = value.is_finite() and 0 <= value <= self.largest and value == value.quantize(Decimal("0.01"))
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
