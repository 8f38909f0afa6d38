"""The rules of a trainer's or an instructor's registration (domain: formateur, moniteur): two pages typed, what they mean.

They parse as the lines of drivers do; what differs is that a mail address is needed, that no training is named, and that
the order number is needed only where the centre bears the card's fee.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from app.validators.address import parse_address
from app.validators.context import Category
from app.validators.fields import NameKey, clean, name_key, parse_date, parse_name, parse_permit, parse_text
from app.validators.remark import FIELDS, SENTENCES, Code, Severity, malformed
from app.validators.rules import MAJORITY, OLDEST, birthday

PERSON_FIELDS = ("first_name", "last_name", "birth_date", "permit_number", "email")
YES, NO = "oui", "non"

#: (code, field) → sentence, where the rules of lines have none; « {who} » is « formateur » or « moniteur ».
OWN_SENTENCES: dict[tuple[Code, str | None], str] = {
    (Code.MISSING, "email"): "Adresse électronique non renseignée",
    (Code.MISSING, "sectors"): "Secteurs non renseignés : choisissez-en au moins un",
    (Code.MISSING, "fee_borne"): "Prise en charge de la redevance non renseignée",
    (Code.FORMAT, "email"): "Format de l’adresse électronique non conforme : prenom.nom@exemple.fr",
    (Code.MINOR, "birth_date"): "Le {who} doit être majeur",
    (Code.OVER_100, "birth_date"): "Le {who} ne doit pas avoir plus de 100 ans",
    (Code.ALREADY_REGISTERED, None): "Déjà enregistré par votre centre le {on} comme {who}",
}
_INFORMATIONS = frozenset({Code.ALREADY_REGISTERED, Code.IDENTITY_DIFFERS, Code.NO_ACCOUNT})


@dataclass(frozen=True, slots=True)
class Finding:
    """What a rule answers: its code, the field concerned (None: no one field), one French sentence."""

    code: Code
    field: str | None
    message: str

    @property
    def severity(self) -> Severity:
        """ERROR keeps the page from being accepted, INFORMATION is only told."""
        return Severity.INFORMATION if self.code in _INFORMATIONS else Severity.ERROR


@dataclass(frozen=True, slots=True)
class Person:
    """Step 1, understood: who is registered, and where they are told so."""

    last_name: str
    first_name: str
    birth_date: date
    permit_number: str
    email: str


@dataclass(frozen=True, slots=True)
class Terms:
    """Step 2, understood: the sectors, who bears the card's fee, and what the invoice is grouped by when the centre does."""

    sectors: frozenset[Category]
    fee_borne: bool
    order_number: str = ""
    reference: str = ""


@dataclass(frozen=True)
class Known:
    """What the register says of a person; only this centre's own records, but for the existence of an account."""

    has_account: bool = False
    own_names: Collection[NameKey] = field(default_factory=frozenset)
    """The names under which this centre registered the person."""
    registered_on: date | None = None
    """The last day on which this centre registered the person in the same profile."""
    times: int = 0
    """How often it did."""
    account_name: NameKey | None = None
    """The name key that the account bears, None without one; nothing of it is told but that the right would be withheld."""


def finding(code: Code, name: str | None, who: str = "", on: date | None = None) -> Finding:
    """Return an answer with its sentence; raises KeyError for a (code, field) that no rule may answer."""
    sentence = OWN_SENTENCES.get((code, name)) or SENTENCES[code, name]
    day = f"{on:%d/%m}/{on.year:04d}" if on else ""
    return Finding(code, name, sentence.replace("{who}", who).replace("{on}", day))


_PARSERS: dict[str, Callable[[str], Any]] = {
    "first_name": parse_name,
    "last_name": parse_name,
    "birth_date": parse_date,
    "permit_number": parse_permit,
    "email": parse_address,
}


def read_person(typed: Mapping[str, str], today: date, who: str) -> tuple[Person | None, tuple[Finding, ...]]:
    """Return the person of step 1 and the errors, in the order of the fields; None where there is one.

    ``typed`` holds PERSON_FIELDS as typed; ``who`` is « formateur » or « moniteur », as the sentences say it.
    """
    values: dict[str, Any] = {}
    found: list[Finding] = []
    for name in PERSON_FIELDS:
        text = clean(typed.get(name, ""))
        values[name] = _PARSERS[name](text) if text else None
        if values[name] is None:
            found.append(_malformed(name, text) if text else finding(Code.MISSING, name))
        elif name == "birth_date":
            found.extend(_age(values[name], today, who))
    return (None, tuple(found)) if found else (Person(**values), ())


def _malformed(name: str, text: str) -> Finding:
    """Return the finding that a text has not the right format, in the words of the lines' rules where they have the field."""
    if name not in FIELDS:
        return finding(Code.FORMAT, name)
    return Finding(Code.FORMAT, name, malformed(name, text).message)


def _age(born: date, today: date, who: str) -> list[Finding]:
    """Return what is wrong with a birth date: of age on the 18th birthday, the 100th birthday itself is accepted."""
    if born > today:
        return [finding(Code.BIRTH_DATE_IN_FUTURE, "birth_date")]
    if birthday(born, MAJORITY) > today:
        return [finding(Code.MINOR, "birth_date", who)]
    return [finding(Code.OVER_100, "birth_date", who)] if birthday(born, OLDEST) < today else []


def read_terms(
    sectors: Collection[str], fee_borne: str, order_number: str, reference: str
) -> tuple[Terms | None, tuple[Finding, ...]]:
    """Return the terms of step 2 and the errors, in the order of the fields; None where there is one.

    ``sectors`` are names of categories, ``fee_borne`` is YES or NO. Order number and reference count only with YES: the
    centre is billed nothing otherwise, and what was typed there is dropped.
    """
    found: list[Finding] = []
    chosen = frozenset(filter(None, (Category.from_text(text) for text in sectors)))
    if not chosen:
        found.append(finding(Code.MISSING, "sectors"))
    if fee_borne not in (YES, NO):
        found.append(finding(Code.MISSING, "fee_borne"))
    if fee_borne != YES:
        return (None, tuple(found)) if found else (Terms(chosen, False), ())
    order, own_reference = clean(order_number), clean(reference)
    if not order or parse_text(order) is None:
        found.append(finding(Code.FORMAT if order else Code.MISSING, "order_number"))
    if parse_text(own_reference) is None:
        found.append(finding(Code.FORMAT, "reference"))
    return (None, tuple(found)) if found else (Terms(chosen, True, order, own_reference), ())


def tell(person: Person, known: Known, who: str) -> tuple[Finding, ...]:
    """Return the informations about a person, in the order of the lines' rules 11 to 13; none of them blocks."""
    told = []
    if known.registered_on:
        told.append(finding(Code.ALREADY_REGISTERED, None, who, known.registered_on))
    if known.own_names and not any(map(name_key(person.last_name, person.first_name).agrees, known.own_names)):
        told.append(finding(Code.IDENTITY_DIFFERS, "last_name"))
    if not known.has_account:
        told.append(finding(Code.NO_ACCOUNT, None))
    return tuple(told)
