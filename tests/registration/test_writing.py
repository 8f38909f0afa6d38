"""How figures, dates and names are written on screens, and how a day typed into a back-office form is read."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from flask import Flask
from werkzeug.datastructures import MultiDict
from wtforms import Form, StringField
from wtforms.validators import InputRequired, Optional

from app.views.crud.fab import DayField, shown
from app.views.shell import filters


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        ("152.04", "152,04 €"),
        ("0", "0,00 €"),
        ("-5.07", "-5,07 €"),
        ("1152.04", "1 152,04 €"),
        ("1234567.5", "1 234 567,50 €"),
    ],
)
def test_euros(amount: str, text: str) -> None:
    assert filters.euros(Decimal(amount)) == text.replace(" ", "\u00a0")


@pytest.mark.parametrize(("rate", "text"), [("20", "20 %"), ("20.00", "20 %"), ("5.50", "5,5 %"), ("100", "100 %")])
def test_percent(rate: str, text: str) -> None:
    assert filters.percent(Decimal(rate)) == text.replace(" ", "\u00a0")


def test_moments_are_told_in_paris() -> None:
    assert filters.moment(datetime(2022, 1, 9, 23, 30, tzinfo=UTC)) == "10/01/2022 à 00:30"
    assert filters.moment(datetime(2022, 7, 14, 10, 0, tzinfo=UTC)) == "14/07/2022 à 12:00"
    assert filters.moment(None) == ""


def test_days_and_siret() -> None:
    assert filters.day(date(2022, 1, 9)) == "09/01/2022"
    assert filters.day(None) == ""
    assert filters.siret("12345678200010").split("\u00a0") == ["123", "456", "782", "00010"]
    assert filters.siret("pas un SIRET") == "pas un SIRET"


def test_pages_keep_first_last_and_neighbours() -> None:
    assert filters.page_numbers(1, 1) == [1]
    assert filters.page_numbers(1, 15) == [1, 2, 3, None, 15]
    assert filters.page_numbers(8, 15) == [1, None, 6, 7, 8, 9, 10, None, 15]
    assert filters.page_numbers(15, 15) == [1, None, 13, 14, 15]


class Sample(Form):
    """A form with a needed name and two days, one of them optional."""

    name = StringField("Nom", [InputRequired("Nom non renseigné")])
    begins = DayField("Début", [InputRequired("Début non renseigné")])
    ends = DayField("Fin", [Optional()])


def test_the_summary_names_a_field_once() -> None:
    form = Sample(MultiDict({"name": "", "begins": "31/02/2022"}))
    form.validate()
    assert [filters.summary_line(field) for field in filters.faulty_fields(form)] == [
        "Nom non renseigné",
        "Début : format de la date non conforme : JJ/MM/AAAA est attendu.",
    ]


@pytest.mark.parametrize("typed", ["05/01/2022", " 05/01/2022 ", "2022-01-05"])
def test_a_day_is_read(typed: str) -> None:
    form = Sample(MultiDict({"name": "x", "begins": typed, "ends": ""}))
    assert form.validate(), form.errors
    assert form.begins.data == date(2022, 1, 5)
    assert form.ends.data is None


@pytest.mark.parametrize("typed", ["30/02/2022", "05/01/22", "demain", "01/13/2022"])
def test_a_badly_written_day_is_told_as_such_and_kept_as_typed(typed: str) -> None:
    form = Sample(MultiDict({"name": "x", "begins": typed}))
    assert not form.validate()
    assert form.begins.errors == ["Format de la date non conforme : JJ/MM/AAAA est attendu."]
    assert form.begins._value() == typed


def test_a_missing_day_is_told_as_missing() -> None:
    form = Sample(MultiDict({"name": "x", "begins": ""}))
    form.validate()
    assert form.begins.errors == ["Début non renseigné"]


def test_a_control_is_tied_to_its_hint_and_error_and_cuts_nothing() -> None:
    form = Sample(MultiDict({"name": ""}))
    form.validate()
    tied = filters.tied({"autocomplete": "name"}, form.name, "Comme sur le permis")
    assert tied["aria-describedby"] == "name-hint name-error"
    assert tied["aria-invalid"] == tied["aria-required"] == "true"
    assert tied["required"] is False
    assert tied["maxlength"] is False
    assert tied["autocomplete"] == "name"


def test_lists_show_french_values(app: Flask) -> None:
    assert [shown(value) for value in (True, False, date(2022, 1, 9), Decimal("25.34"), "texte")] == [
        "Oui", "Non", "09/01/2022", "25,34", "texte",
    ]  # fmt: skip
    assert "non renseigné" in shown(None)
