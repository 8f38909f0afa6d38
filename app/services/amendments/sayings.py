"""What a driver may say is not exact in a registration, read and judged field by field; the register is asked nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from app.models import Registration
from app.services.core.refusal import Refusal
from app.services.registration import facts
from app.validators.fields import clean, loosen_date, parse_date, parse_name, parse_permit, visible
from app.validators.remark import malformed

from . import orders

TEXT_MAX = 500
#: Field of a line that may be said → its name, in the order of the screen. The training is said as one choice.
FIELDS = {
    "last_name": "Nom",
    "first_name": "Prénom",
    "birth_date": "Date de naissance",
    "permit_number": "N° de permis",
    "training": "Formation",
    "end_date": "Fin de formation",
}
_PARSERS = {
    "last_name": parse_name,
    "first_name": parse_name,
    "birth_date": parse_date,
    "permit_number": parse_permit,
    "end_date": parse_date,
}


class NotUnderstood(Refusal):
    """What is said cannot be told to the centre: ``remarks``, field → sentence, the empty name for the whole."""

    def __init__(self, remarks: Mapping[str, str]) -> None:
        super().__init__(next(iter(remarks.values())))
        self.remarks = dict(remarks)


@dataclass(frozen=True, slots=True)
class Saying:
    """What is right, by the field of a line; whether the training was not attended; and words."""

    fields: dict[str, str]
    not_attended: bool = False
    text: str = ""


def read(registration: Registration, typed: Mapping[str, str]) -> Saying:
    """Return what a driver says of a registration; raise :class:`NotUnderstood`. What is said as it stands is left out."""
    remarks: dict[str, str] = {}
    told: dict[str, str] = {}
    for field, parse in _PARSERS.items():
        text = clean(typed.get(field, ""))
        text = loosen_date(text) if field.endswith("_date") else text
        if text and parse(text) is None:
            remarks[field] = malformed(field, text).message
        elif text:
            told[field] = text
    told |= _training(typed.get("training", ""), remarks)
    text = " ".join(visible(typed.get("text", "")).split())
    if len(text) > TEXT_MAX:
        remarks["text"] = f"Vos précisions font {TEXT_MAX} caractères au plus."
    old = orders.as_typed(registration).values()
    told = {field: value for field, value in told.items() if value != old[field]}
    not_attended = bool(typed.get("not_attended"))
    if not (remarks or told or not_attended or text):
        remarks[""] = (
            "Écrivez ce qui est exact pour au moins une donnée, ou dites en quelques mots ce qui ne l’est pas."
        )
    if remarks:
        raise NotUnderstood(remarks)
    return Saying(told, not_attended, text)


def trainings() -> dict[str, str]:
    """Return id → name of every training that may be said, in the order of the catalogue."""
    return {str(one.id): f"{one.label} ({one.category.value})" for one in facts.load_catalogue().trainings}


def _training(chosen: str, remarks: dict[str, str]) -> dict[str, str]:
    if not chosen:
        return {}
    found = next((one for one in facts.load_catalogue().trainings if str(one.id) == chosen), None)
    if found is None:
        remarks["training"] = "Choisissez une formation de la liste."
        return {}
    return {"training_label": found.label, "category": found.category.value}
