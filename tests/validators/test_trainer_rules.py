"""The rules of a trainer's registration: what is missing, malformed, too young; what is only told."""

from __future__ import annotations

from datetime import date

import pytest

from app.validators.context import Category
from app.validators.fields import name_key
from app.validators.remark import Code, Severity
from app.validators.trainer import Known, Person, Terms, read_person, read_terms, tell

TODAY = date(2022, 1, 10)
TYPED = {
    "first_name": "Chloé", "last_name": "DURAND", "birth_date": "03/05/1980", "permit_number": "80-05 69.210042",
    "email": " Chloe.Durand@Exemple.fr ",
}  # fmt: skip
CHLOE = Person("DURAND", "Chloé", date(1980, 5, 3), "800569210042", "chloe.durand@exemple.fr")


def said(typed: dict[str, str], who: str = "formateur") -> list[str]:
    return [finding.message for finding in read_person({**TYPED, **typed}, TODAY, who)[1]]


def test_a_person_is_read_as_lines_are() -> None:
    assert read_person(TYPED, TODAY, "formateur") == (CHLOE, ())


def test_every_missing_field_is_told_in_the_order_of_the_screen() -> None:
    person, findings = read_person({}, TODAY, "formateur")
    assert person is None
    assert [finding.message for finding in findings] == [
        "Prénom non renseigné", "Nom non renseigné", "Date de naissance non renseignée",
        "N° de permis de conduire non renseigné", "Adresse électronique non renseignée",
    ]  # fmt: skip
    assert {finding.severity for finding in findings} == {Severity.ERROR}


@pytest.mark.parametrize(
    ("field", "text", "sentence"),
    [
        ("first_name", "11111", "Format du prénom non conforme"),
        ("last_name", "O'", "Format du nom non conforme"),
        ("birth_date", "30/02/1980", "Format de la date de naissance non conforme"),
        ("permit_number", "12345678", "Format du N° de permis de conduire non conforme"),
        ("email", "chloe.durand@exemple", "Format de l’adresse électronique non conforme"),
        ("email", "chloe durand@exemple.fr", "Format de l’adresse électronique non conforme"),
    ],
)
def test_a_malformed_field_is_told(field: str, text: str, sentence: str) -> None:
    (told,) = said({field: text})
    assert told.startswith((f"{sentence} : ", f"{sentence}. "))


@pytest.mark.parametrize(
    ("born", "sentences"),
    [
        ("10/01/2004", []),
        ("11/01/2004", ["Le moniteur doit être majeur"]),
        ("10/01/1922", []),
        ("09/01/1922", ["Le moniteur ne doit pas avoir plus de 100 ans"]),
        ("11/01/2022", ["La date de naissance ne peut pas être postérieure à la date du jour"]),
    ],
)
def test_age_is_judged_on_the_day(born: str, sentences: list[str]) -> None:
    assert said({"birth_date": born}, "moniteur") == sentences


def test_terms_are_read() -> None:
    assert read_terms(["Voyageurs", "Marchandises"], "oui", " COM1 ", "REF") == (
        Terms(frozenset(Category), True, "COM1", "REF"), (),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("sectors", "fee", "order", "reference", "codes"),
    [
        ([], "non", "", "", [(Code.MISSING, "sectors")]),
        (["Fret"], "", "", "", [(Code.MISSING, "sectors"), (Code.MISSING, "fee_borne")]),
        (["Voyageurs"], "peut-être", "", "", [(Code.MISSING, "fee_borne")]),
        (["Voyageurs"], "oui", " ", "", [(Code.MISSING, "order_number")]),
        (["Voyageurs"], "oui", "#REF!", "x" * 51, [(Code.FORMAT, "order_number"), (Code.FORMAT, "reference")]),
        (["Voyageurs"], "oui", "x" * 51, "", [(Code.FORMAT, "order_number")]),
    ],
)
def test_what_is_wrong_with_terms(
    sectors: list[str], fee: str, order: str, reference: str, codes: list[tuple[Code, str]]
) -> None:
    terms, findings = read_terms(sectors, fee, order, reference)
    assert terms is None
    assert [(finding.code, finding.field) for finding in findings] == codes


def test_an_order_number_counts_only_where_the_centre_pays() -> None:
    assert read_terms(["Voyageurs"], "non", "x" * 99, "y" * 99) == (Terms(frozenset({Category.PASSENGERS}), False), ())


def test_what_the_register_knows_is_told_and_blocks_nothing() -> None:
    other = frozenset({name_key("MARTIN", "Anne")})
    told = tell(CHLOE, Known(False, other, date(2021, 12, 31)), "formateur")
    assert [finding.message for finding in told] == [
        "Déjà enregistré par votre centre le 31/12/2021 comme formateur",
        "Ce N° de permis et cette date de naissance sont connus sous un autre nom",
        "Ne possède pas encore de compte sur la plateforme",
    ]
    assert {finding.severity for finding in told} == {Severity.INFORMATION}


def test_nothing_is_told_of_a_person_known_under_that_name_with_an_account() -> None:
    same = frozenset({name_key("durand", "CHLOE"), name_key("MARTIN", "Anne")})
    assert tell(CHLOE, Known(True, same), "formateur") == ()
