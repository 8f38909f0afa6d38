"""French postal addresses: what a letter can be sent to."""

from __future__ import annotations

import pytest

from app.validators.postal import parse_city, parse_extra, parse_postcode, parse_street


@pytest.mark.parametrize(
    "text", ["12 rue des Ateliers", "3 BIS AV. DE L’ÉTÉ", "Lieu-dit Le Bois", "1/3 place d'A", "x" * 38]
)
def test_streets_taken(text: str) -> None:
    assert parse_street(text)


@pytest.mark.parametrize("text", ["", "  ", "12", "x" * 39, "12 rue <b>", "- rue", "12 rue; DROP"])
def test_streets_refused(text: str) -> None:
    assert not parse_street(text)


def test_a_further_line_may_be_empty() -> None:
    assert parse_extra("  ") == ""
    assert parse_extra("Bât. B, 2e étage") == "Bât. B, 2e étage"
    assert parse_extra("<script>") is None


@pytest.mark.parametrize("text", ["69007", "01000", "20000", "2A000", "97400", "98800", "75 015", "95999"])
def test_postcodes(text: str) -> None:
    assert (parse_postcode(text) is None) == (text == "2A000")


@pytest.mark.parametrize(
    "text", ["", "00100", "96000", "99123", "97900", "98900", "6900", "690070", "ABCDE", "６９００７"]
)
def test_postcodes_refused(text: str) -> None:
    assert parse_postcode(text) is None


@pytest.mark.parametrize("text", ["Lyon", "PARIS 15", "LYON CEDEX 03", "L'Haÿ-les-Roses", "Saint-Étienne", "Y"])
def test_towns(text: str) -> None:
    assert parse_city(text) == text


@pytest.mark.parametrize("text", ["", "69007", "x" * 33, "Lyon<", "Lyon\x00"])
def test_towns_refused(text: str) -> None:
    assert parse_city(text) is None
