"""What each field accepts, and what it is made into."""

from __future__ import annotations

import unicodedata
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.validators.fields import (
    clean,
    fold,
    is_tidy_name,
    is_tidy_permit,
    iso_to_french,
    loosen_date,
    name_key,
    parse_date,
    parse_name,
    parse_permit,
    parse_text,
    permit_from_number,
)

TRICKY = st.text(
    st.sampled_from("eE\u0301\u200b\u200d\ufeff \u00a0\u202f\t\n'’´`-–\u2011\u1fef\u00ado.œ1"), max_size=12
)


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("  DUPONT  ", "DUPONT"),
        ("DE\u00a0LA\u202fTOUR", "DE LA TOUR"),
        ("de \t la\n Tour", "de la Tour"),
        ("Rene\u0301", "René"),
        ("Rene\u200b\u0301", "René"),
        ("\ufeffPIERRE\u200d", "PIERRE"),
        ("\u2067\u2066DU\u2068PONT\u2069", "DUPONT"),
        ("D’ARTAGNAN", "D'ARTAGNAN"),
        ("Jean\u2011Pierre", "Jean-Pierre"),
        ("12–34", "12-34"),
    ],
)
def test_cleaning_removes_what_nobody_sees(typed: str, expected: str) -> None:
    assert clean(typed) == expected


@settings(max_examples=25, deadline=None)
@given(st.text(max_size=20) | TRICKY)
def test_cleaning_twice_changes_nothing_more(typed: str) -> None:
    once = clean(typed)
    assert clean(once) == once
    assert unicodedata.is_normalized("NFC", once)
    assert once == once.strip()
    assert "  " not in once


@settings(max_examples=25, deadline=None)
@given(TRICKY)
def test_folding_twice_changes_nothing_more(typed: str) -> None:
    assert fold(fold(typed)) == fold(typed)
    assert fold(typed.upper()) == fold(typed)


@pytest.mark.parametrize(
    "name",
    [
        "PIERRE", "Jean-Pierre", "D'ARTAGNAN", "DUPONT--MARTIN", "Œuvrard", "NÚÑEZ", "de la Tour", "Nguyễn", "Ng",
        "L", "Martin Jr.", "D’Arc", "Rene\u0301e", "ŁUKASZ", "Ørsted", "A" * 60,
    ],
)  # fmt: skip
def test_good_names(name: str) -> None:
    assert parse_name(clean(name)) == clean(name)


@pytest.mark.parametrize(
    "name",
    [
        "11111", "Jean1", "-X", "O'", "X-", "'X", "A---B", "D''Arc", ".", "M..", "Jean. Paul", "Иван", "A×B",
        "A" * 61, "Jean_Paul", "Jean/Paul", "#REF!", "=1+1", "<b>", "李", "A\u0000",
    ],
)  # fmt: skip
def test_bad_names(name: str) -> None:
    assert parse_name(clean(name)) is None


def test_a_date_has_one_form() -> None:
    assert parse_date("01/02/2022") == date(2022, 2, 1)
    assert parse_date("29/02/2024") == date(2024, 2, 29)


@pytest.mark.parametrize(
    "typed",
    [
        "30/02/1990", "29/02/2023", "00/00/1990", "01/13/1990", "01/02/90", "1/2/1990", "01-02-1990", "1990-02-01",
        "01/02/1990 00:00", "٠١/٠٢/١٩٩٠", "01/02/0000", "44562", "",
    ],
)  # fmt: skip
def test_any_other_form_of_date_is_refused(typed: str) -> None:
    assert parse_date(typed) is None


@settings(max_examples=25, deadline=None)
@given(st.dates())
def test_every_day_is_read_as_it_is_written(day: date) -> None:
    french = f"{day.day:02d}/{day.month:02d}/{day.year:04d}"
    assert parse_date(french) == day
    assert iso_to_french(day.isoformat()) == french
    assert loosen_date(french.replace("/", "")) == french


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("82R987928", "82R987928"),
        ("82 r-98.79/28", "82R987928"),
        ("850492100123", "850492100123"),
        ("A23456789", "A23456789"),
        ("1234567890123456", "1234567890123456"),
        ("12345678", None),
        ("12345678901234567", None),
        ("ABCDEFGHI", None),
        ("12345678é", None),
        ("1234567\u00df9", None),
        ("12345678_", None),
        ("#N/A", None),
        ("٨٥٠٤٩٢١٠٠١٢٣", None),
        ("8,50492E+11", None),
    ],
)
def test_permit_numbers(typed: str, expected: str | None) -> None:
    assert parse_permit(clean(typed)) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (850492100123.0, "850492100123"),
        (100000000000, "100000000000"),
        (999999999999.0, "999999999999"),
        (99999999999.0, None),
        (1000000000000.0, None),
        (850492100123.5, None),
        (-850492100123.0, None),
        (float("nan"), None),
        (float("inf"), None),
    ],
)
def test_only_a_whole_number_of_twelve_digits_is_a_permit(value: float, expected: str | None) -> None:
    assert permit_from_number(value) == expected


def test_texts_are_up_to_fifty_printable_characters() -> None:
    assert parse_text("é" * 50) == "é" * 50
    assert parse_text("COM 2022/01 — €") is not None
    for bad in (
        "x" * 51,
        "a\x07b",
        "#REF!",
        "#n/a",
        "#VALEUR!",
        "#NOMBRE!",
        "#SPILL!",
        "#FIELD!",
        "#GETTING_DATA",
        "Err:508",
    ):
        assert parse_text(bad) is None


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("27031990", "27/03/1990"),
        ("27-03-1990", "27/03/1990"),
        ("27.3.1990", "27/03/1990"),
        ("7/3/1990", "07/03/1990"),
        (" 1990-03-27 ", "27/03/1990"),
        ("27/03/1990", "27/03/1990"),
        ("27/03/90", "27/03/90"),
        ("27-03.1990", "27-03.1990"),
        ("demain", "demain"),
        ("", ""),
    ],
)
def test_the_form_loosens_dates_and_never_guesses(typed: str, expected: str) -> None:
    assert loosen_date(typed) == expected


@pytest.mark.parametrize("typed", ["27/03/1990", "1990-3-27", "19900327", "1990-03-27T00:00", "hier", ""])
def test_the_api_turns_iso_dates_only(typed: str) -> None:
    assert iso_to_french(typed) == typed


def test_name_keys_forgive_case_accents_joiners_and_order() -> None:
    assert name_key("LE GOFF", "Anne-Zoé").agrees(name_key("anne zoe", "Le-Goff"))
    assert name_key("D’ARTAGNAN", "Cœur") == name_key("d'Artagnan", "COEUR")
    assert not name_key("MARTIN", "Paul").agrees(name_key("MARTIN", "Paule"))


@given(st.text(st.sampled_from("aZÉÿß '-.×÷`’\u0301\u200b\u00a01E,"), max_size=9).map(lambda text: text * 9) | TRICKY)
def test_a_tidy_text_is_what_its_parser_answers(typed: str) -> None:
    for is_tidy, parse in ((is_tidy_name, parse_name), (is_tidy_permit, parse_permit)):
        if is_tidy(typed):
            assert parse(clean(typed)) == typed


def test_most_names_and_numbers_are_tidy_as_typed() -> None:
    assert all(map(is_tidy_name, ["DUPONT", "Jean-Pierre", "D'ARTAGNAN", "DE LA TOUR", "Zoé", "A" * 60]))
    assert not any(map(is_tidy_name, ["", "A" * 61, "DU  PONT", "DUPONT ", "D’ARTAGNAN", "Rene\u0301", "11111"]))
    assert is_tidy_permit("850492100123")
    assert not is_tidy_permit("850 492 100 123")
