"""What a rule answers: a stable code, a severity, the field concerned and one French sentence."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import lru_cache

from app.validators import signs
from app.validators.fields import TEXT_MAX, refused_sign


class Severity(StrEnum):
    """ERROR blocks the import of the batch, INFORMATION does not."""

    ERROR = "error"
    INFORMATION = "information"


class Code(StrEnum):
    """Stable names of the rules, kept in the base and shown by the API: never renamed."""

    MISSING = "missing"
    FORMAT = "format"
    UNKNOWN_TRAINING = "unknown_training"
    UNKNOWN_CATEGORY = "unknown_category"
    END_DATE_IN_FUTURE = "end_date_in_future"
    MINOR = "minor"
    OVER_100 = "over_100"
    BIRTH_DATE_IN_FUTURE = "birth_date_in_future"
    NOT_ACCREDITED = "not_accredited"
    CATEGORY_MISMATCH = "category_mismatch"
    DUPLICATE_DRIVER = "duplicate_driver"
    IDENTICAL_LINE = "identical_line"
    ALREADY_REGISTERED = "already_registered"
    IDENTITY_DIFFERS = "identity_differs"
    NO_ACCOUNT = "no_account"
    LOOKS_ALIKE = "looks_alike"
    ADDRESS_UNUSABLE = "address_unusable"


HEADERS: dict[str, str] = {
    "reference": "Ref",
    "order_number": "Numéro de commande client",
    "training_label": "Libellé de formation",
    "category": "Catégorie de formation",
    "end_date": "Fin de formation",
    "first_name": "Prénom",
    "last_name": "Nom",
    "birth_date": "Date de naissance",
    "permit_number": "N° de permis",
}
"""Field code → header of its column in the file, in the order of the file."""

FIELDS: tuple[str, ...] = tuple(HEADERS)
"""The nine field codes, in the order of the file."""

EMAIL, EMAIL_HEADER = "email", "Courriel"
"""The one column that may be left out, with its header: where the driver is invited to open an account. It takes no part in
what a line is: two lines that differ by it alone are identical."""

_NAME = "1 à 60 lettres latines, jointes par des espaces, traits d’union ou apostrophes"
_TEXT = f"{TEXT_MAX} caractères au plus, lisibles à l’écran"
_DAY = "JJ/MM/AAAA"

SENTENCES: dict[tuple[Code, str | None], str] = {
    (Code.MISSING, "order_number"): "Numéro de commande non renseigné",
    (Code.MISSING, "training_label"): "Libellé de formation non renseigné",
    (Code.MISSING, "category"): "Catégorie de formation non renseignée",
    (Code.MISSING, "end_date"): "Date de fin de formation non renseignée",
    (Code.MISSING, "first_name"): "Prénom non renseigné",
    (Code.MISSING, "last_name"): "Nom non renseigné",
    (Code.MISSING, "birth_date"): "Date de naissance non renseignée",
    (Code.MISSING, "permit_number"): "N° de permis de conduire non renseigné",
    (Code.FORMAT, "reference"): f"Format de la référence non conforme : {_TEXT}",
    (Code.FORMAT, "order_number"): f"Format du numéro de commande non conforme : {_TEXT}",
    (Code.FORMAT, "end_date"): f"Format de la date de fin de formation non conforme : {_DAY}",
    (Code.FORMAT, "first_name"): f"Format du prénom non conforme. Attendu : {_NAME}",
    (Code.FORMAT, "last_name"): f"Format du nom non conforme : {_NAME}",
    (Code.FORMAT, "birth_date"): f"Format de la date de naissance non conforme : {_DAY}",
    (Code.FORMAT, "permit_number"): "Format du N° de permis de conduire non conforme : 9 à 16 chiffres ou lettres",
    (Code.UNKNOWN_TRAINING, "training_label"): "Libellé de formation inconnu",
    (Code.UNKNOWN_CATEGORY, "category"): "Catégorie de formation inconnue",
    (Code.END_DATE_IN_FUTURE, "end_date"): "La date de fin de formation ne peut pas être postérieure à la date du jour",
    (Code.MINOR, "birth_date"): "Le stagiaire doit être majeur",
    (Code.OVER_100, "birth_date"): "Le stagiaire ne doit pas avoir plus de 100 ans",
    (Code.BIRTH_DATE_IN_FUTURE, "birth_date"): ("La date de naissance ne peut pas être postérieure à la date du jour"),
    (Code.NOT_ACCREDITED, "training_label"): "CFR non agréé pour cette formation à la date indiquée",
    (Code.CATEGORY_MISMATCH, "category"): "La formation ne correspond pas à la catégorie indiquée",
    (Code.DUPLICATE_DRIVER, "permit_number"): (
        "Ce conducteur figure déjà pour cette formation à la ligne {other_line}"
    ),
    (Code.IDENTICAL_LINE, None): (
        "Ligne identique à la ligne {other_line} : elle ne sera prise en compte qu'une seule fois"
    ),
    (Code.ALREADY_REGISTERED, None): (
        "Déjà enregistré par votre centre le {on} pour cette formation : un nouvel enregistrement sera facturé"
    ),
    (Code.IDENTITY_DIFFERS, "last_name"): "Ce N° de permis et cette date de naissance sont connus sous un autre nom",
    (Code.NO_ACCOUNT, None): "Ne possède pas encore de compte sur la plateforme",
    (Code.LOOKS_ALIKE, "birth_date"): (
        "Ressemble à la date de naissance {on}, sous laquelle votre centre a enregistré les mêmes nom, prénom "
        "et N° de permis : vérifiez"
    ),
    (Code.LOOKS_ALIKE, "permit_number"): (
        "Ressemble au N° de permis {like}, sous lequel votre centre a enregistré les mêmes nom, prénom "
        "et date de naissance : vérifiez"
    ),
    (Code.ADDRESS_UNUSABLE, EMAIL): (
        "Adresse électronique non conforme : la ligne sera enregistrée sans que personne soit invité à cette adresse"
    ),
}
"""Sentence of each (code, field), in the order in which the remarks of one line are shown; a format says what is expected."""

ORDER: tuple[tuple[Code, str | None], ...] = tuple(SENTENCES)
"""Every (code, field) a remark may bear: errors first, then informations; the first one on a line is its main one."""

TEXT_COLUMN = "text_column"
"""Detail of a value that came as a number, a date, a boolean: the program may have changed what was typed."""

LOST_IN_NUMBERS = {
    "permit_number": "des zéros de tête ont pu être perdus",
    "order_number": "le tableur a pu changer ce qui était saisi",
    "reference": "le tableur a pu changer ce qui était saisi",
}

#: Of a name that holds a sign which is refused; said before what is expected.
SIGN_SENTENCES: dict[str | None, str] = {
    "first_name": f"Format du prénom non conforme. Le {{sign}} n’est pas accepté. Attendu : {_NAME}",
    "last_name": f"Format du nom non conforme : le {{sign}} n’est pas accepté ; attendu : {_NAME}",
}

# Said of a kind of remark in a summary, where no line number or date can stand.
_GENERIC: dict[Code, str] = {
    Code.DUPLICATE_DRIVER: "Ce conducteur figure déjà pour cette formation à une autre ligne",
    Code.IDENTICAL_LINE: "Ligne identique à une autre ligne : elle ne sera prise en compte qu'une seule fois",
    Code.ALREADY_REGISTERED: (
        "Déjà enregistré par votre centre pour cette formation : un nouvel enregistrement sera facturé"
    ),
    Code.LOOKS_ALIKE: "Ressemble à un conducteur que votre centre a déjà enregistré : vérifiez",
}
_RANKS = {pair: rank for rank, pair in enumerate(ORDER)}
_INFORMATIONS = frozenset(
    {Code.ADDRESS_UNUSABLE}
    | {Code.IDENTICAL_LINE, Code.ALREADY_REGISTERED, Code.IDENTITY_DIFFERS, Code.NO_ACCOUNT, Code.LOOKS_ALIKE}
)
_DATED = frozenset({Code.ALREADY_REGISTERED, Code.LOOKS_ALIKE})
_ISO_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_SPOKEN_BY_FIELD = frozenset({Code.MISSING, Code.FORMAT})
_FIELD_OF = {code: field for code, field in ORDER if code not in _SPOKEN_BY_FIELD}


@dataclass(frozen=True, slots=True)
class Remark:
    """One answer of one rule about one line; at most one of other_line, on and detail is set."""

    code: Code
    field: str | None = None
    other_line: int | None = None
    on: date | None = None
    detail: str = ""

    @property
    def severity(self) -> Severity:
        return Severity.INFORMATION if self.code in _INFORMATIONS else Severity.ERROR

    @property
    def rank(self) -> int:
        """Place in ORDER; raises KeyError for a (code, field) that no rule may answer."""
        return _RANKS[self.code, self.field]

    @property
    def message(self) -> str:
        """The French sentence, to show as it is."""
        if signs.is_encoded(self.detail):
            return SIGN_SENTENCES[self.field].replace("{sign}", signs.words(self.detail))
        sentence = SENTENCES[self.code, self.field]
        if self.detail == TEXT_COLUMN:
            fault = sentence.partition(" : ")[0]  # without what would be expected of a text
            return f"{fault} : la colonne doit être au format TEXTE ({LOST_IN_NUMBERS[self.field or '']})"
        # `on` is formatted by hand: strftime drops the leading zeros of ancient years on some systems.
        on = f"{self.on:%d/%m}/{self.on.year:04d}" if self.on else ""
        return sentence.replace("{on}", on).replace("{other_line}", str(self.other_line)).replace("{like}", self.detail)

    @property
    def kind(self) -> str:
        """What summaries count and filter by: the code, with the field where the sentence depends on it; whatever the sign."""
        if self.code not in _SPOKEN_BY_FIELD:
            return self.code.value
        return _join(self.code.value, self.field or "", "" if signs.is_encoded(self.detail) else self.detail)

    def encode(self) -> str:
        """Readable text for the base, e.g. `duplicate_driver:permit_number:4`; `decode` reads it back."""
        return _encode(self)

    @staticmethod
    def decode(text: str) -> Remark:
        """The remark that `encode` wrote; raises ValueError for a code that is not known."""
        return _decode(text)


def _join(*parts: str) -> str:
    return ":".join(parts).rstrip(":")


@lru_cache(maxsize=4096)
def _encode(remark: Remark) -> str:
    argument = remark.on.isoformat() if remark.on else remark.detail
    if remark.other_line is not None:
        argument = str(remark.other_line)
    return _join(remark.code.value, remark.field or "", argument)


@lru_cache(maxsize=4096)
def _decode(text: str) -> Remark:
    code, field, argument = [*text.split(":", 2), "", ""][:3]
    base = Remark(Code(code), field or None)
    if argument.isdecimal() and base.code is not Code.LOOKS_ALIKE:  # whose detail is another permit number
        return Remark(base.code, base.field, other_line=int(argument))
    if base.code in _DATED and _ISO_DAY.fullmatch(argument):
        return Remark(base.code, base.field, on=date.fromisoformat(argument))
    return Remark(base.code, base.field, detail=argument)


def encode_remarks(remarks: Iterable[Remark]) -> str:
    """The remarks of a line as one text, joined by `|`; empty when there is none."""
    return "|".join([remark.encode() for remark in remarks])


def decode_remarks(text: str) -> tuple[Remark, ...]:
    """The remarks that `encode_remarks` wrote; raises ValueError for a code that is not known."""
    return tuple([_decode(part) for part in text.split("|")]) if text else ()


def malformed(field: str, text: str) -> Remark:
    """The remark that a field's text, cleaned, has not the right format; of a name it says which sign is refused."""
    return Remark(Code.FORMAT, field, detail=signs.encode(refused_sign(text)) if field in SIGN_SENTENCES else "")


def kind_endings(kind: str) -> tuple[str, ...]:
    """What follows a kind in the text that `encode_remarks` wrote and « | » ends: nothing, a field, a sign."""
    return ("|", ":U+") if kind.startswith(f"{Code.FORMAT.value}:") else ("|",) if ":" in kind else ("|", ":")


def kind_sentence(kind: str) -> str:
    """The sentence of a kind for summaries, without number or date; raises ValueError or KeyError for no kind."""
    code = Code(kind.split(":", 1)[0])
    if code in _GENERIC:
        return _GENERIC[code]
    if code in _SPOKEN_BY_FIELD:
        return _decode(kind).message
    return SENTENCES[code, _FIELD_OF[code]]
