"""Remarks as text for the base, their kinds and their sentences."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.validators.line import TEXT_FIELDS
from app.validators.remark import (
    FIELDS,
    HEADERS,
    ORDER,
    TEXT_COLUMN,
    Code,
    Remark,
    Severity,
    decode_remarks,
    encode_remarks,
    kind_sentence,
)
from tests.validators.facts import kinds, remarks

NUMBERED = {Code.DUPLICATE_DRIVER, Code.IDENTICAL_LINE}


@st.composite
def any_remark(draw: st.DrawFn) -> Remark:
    code, field = draw(st.sampled_from(ORDER))
    if code in NUMBERED:
        return Remark(code, field, other_line=draw(st.integers(1, 250_000)))
    if code is Code.LOOKS_ALIKE and field == "permit_number":
        return Remark(code, field, detail=draw(st.from_regex(r"[A-Z0-9]{9,16}", fullmatch=True)))
    if code in (Code.ALREADY_REGISTERED, Code.LOOKS_ALIKE):
        return Remark(code, field, on=draw(st.dates()))
    text_column = code is Code.FORMAT and field in TEXT_FIELDS and draw(st.booleans())
    return Remark(code, field, detail=TEXT_COLUMN if text_column else "")


@settings(max_examples=25, deadline=None)
@given(st.lists(any_remark(), max_size=6).map(tuple))
def test_what_is_written_is_read_back(remarks: tuple[Remark, ...]) -> None:
    assert decode_remarks(encode_remarks(remarks)) == remarks


@settings(max_examples=25, deadline=None)
@given(any_remark())
def test_every_remark_and_every_kind_has_a_finished_sentence(remark: Remark) -> None:
    for sentence in (remark.message, kind_sentence(remark.kind)):
        assert sentence
        assert "{" not in sentence
        assert "None" not in sentence
    if remark.other_line is None and remark.on is None and remark.code is not Code.LOOKS_ALIKE:
        assert kind_sentence(remark.kind) == remark.message


@pytest.mark.parametrize(
    ("remark", "text"),
    [
        (Remark(Code.MISSING, "first_name"), "missing:first_name"),
        (Remark(Code.MINOR, "birth_date"), "minor:birth_date"),
        (Remark(Code.DUPLICATE_DRIVER, "permit_number", other_line=4), "duplicate_driver:permit_number:4"),
        (Remark(Code.IDENTICAL_LINE, other_line=12), "identical_line::12"),
        (Remark(Code.ALREADY_REGISTERED, on=date(2022, 1, 5)), "already_registered::2022-01-05"),
        (Remark(Code.NO_ACCOUNT), "no_account"),
        (Remark(Code.LOOKS_ALIKE, "birth_date", on=date(1990, 2, 1)), "looks_alike:birth_date:1990-02-01"),
        (Remark(Code.LOOKS_ALIKE, "permit_number", detail="850492100132"), "looks_alike:permit_number:850492100132"),
        (Remark(Code.FORMAT, "permit_number", detail=TEXT_COLUMN), "format:permit_number:text_column"),
    ],
)
def test_the_text_kept_in_the_base_is_readable_and_stable(remark: Remark, text: str) -> None:
    assert remark.encode() == text
    assert Remark.decode(text) == remark


def test_a_line_without_remark_is_an_empty_text() -> None:
    assert encode_remarks([]) == ""
    assert decode_remarks("") == ()


def test_an_unknown_code_is_refused() -> None:
    with pytest.raises(ValueError, match="nouvelle_regle"):
        decode_remarks("minor:birth_date|nouvelle_regle:last_name")


@pytest.mark.parametrize(
    ("kind", "sentence"),
    [
        ("missing:first_name", "Prénom non renseigné"),
        ("minor", "Le stagiaire doit être majeur"),
        ("duplicate_driver", "Ce conducteur figure déjà pour cette formation à une autre ligne"),
        ("identical_line", "Ligne identique à une autre ligne : elle ne sera prise en compte qu'une seule fois"),
        (
            "already_registered",
            "Déjà enregistré par votre centre pour cette formation : un nouvel enregistrement sera facturé",
        ),
    ],
)
def test_summaries_say_a_kind_without_number_or_date(kind: str, sentence: str) -> None:
    assert kind_sentence(kind) == sentence


def test_errors_come_before_informations_in_the_order_shown() -> None:
    severities = [Remark(code, field).severity for code, field in ORDER]
    assert severities == sorted(severities, key=[Severity.ERROR, Severity.INFORMATION].index)
    assert {code for code, _ in ORDER} == set(Code)


def test_the_nine_headers_are_those_of_the_model() -> None:
    assert list(HEADERS.values()) == [
        "Ref", "Numéro de commande client", "Libellé de formation", "Catégorie de formation", "Fin de formation",
        "Prénom", "Nom", "Date de naissance", "N° de permis",
    ]  # fmt: skip
    assert tuple(HEADERS) == FIELDS


@pytest.mark.parametrize(
    ("field", "sentence"),
    [
        ("order_number", "Format du numéro de commande non conforme"),
        ("reference", "Format de la référence non conforme"),
    ],
)
def test_a_code_that_came_as_something_else_than_text_is_refused_and_the_column_named(
    field: str, sentence: str
) -> None:
    (remark,) = remarks(**{field: "1E+20", "not_text": field})
    assert (
        remark.message
        == f"{sentence} : la colonne doit être au format TEXTE (le tableur a pu changer ce qui était saisi)"
    )
    assert kind_sentence(remark.kind) == remark.message
    assert kinds(reference="VRAI", order_number="VRAI", not_text="reference order_number") == [
        "format:reference:text_column", "format:order_number:text_column",
    ]  # fmt: skip
