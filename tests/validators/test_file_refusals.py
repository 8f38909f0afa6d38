"""Refusals of a whole file, and the forgiving reading of its headers."""

from __future__ import annotations

import pytest

from app.validators.file import (
    MAX_BYTES,
    MAX_LINES,
    FileCode,
    FileRefused,
    check_content,
    check_line_count,
    check_name,
    check_size,
    kind_of,
    match_headers,
)
from app.validators.remark import FIELDS, HEADERS

MODEL = list(HEADERS.values())


@pytest.mark.parametrize("name", ["sessions.xlsx", "SESSIONS.XLS", "mes sessions (3).Xlsx", "été.xls "])
def test_names_of_workbooks_are_taken(name: str) -> None:
    check_name(name)


@pytest.mark.parametrize("name", ["sessions.csv", "sessions.xlsm", "xlsx", "sessions.xlsx.exe", "sessions", ""])
def test_other_names_are_refused(name: str) -> None:
    with pytest.raises(FileRefused, match="au format XLSX ou XLS") as refusal:
        check_name(name)
    assert refusal.value.code is FileCode.NAME


def test_content_tells_the_kind() -> None:
    assert kind_of(b"PK\x03\x04rest") == "xlsx"
    assert kind_of(bytes.fromhex("d0cf11e0a1b11ae1") + b"rest") == "xls"
    assert [kind_of(other) for other in (b"", b"PK\x05\x06", b"%PDF-1.7", b"Ref;Nom")] == [None] * 4
    assert check_content(b"PK\x03\x04") == "xlsx"
    with pytest.raises(FileRefused) as refusal:
        check_content(b"%PDF-1.7")
    assert refusal.value.code is FileCode.CONTENT


def test_ten_mega_octets_are_taken_and_not_one_octet_more() -> None:
    check_size(10 * 1024 * 1024)
    with pytest.raises(FileRefused, match="10 Mo") as refusal:
        check_size(MAX_BYTES + 1)
    assert refusal.value.code is FileCode.TOO_LARGE
    with pytest.raises(FileRefused, match="vide"):
        check_size(0)


def test_a_file_needs_a_line_and_bears_so_many() -> None:
    check_line_count(1)
    check_line_count(MAX_LINES)
    with pytest.raises(FileRefused) as none:
        check_line_count(0)
    assert none.value.message == "Le fichier doit contenir au moins une ligne"
    with pytest.raises(FileRefused, match="250 000") as many:
        check_line_count(250_001)
    assert many.value.code is FileCode.TOO_MANY_LINES


def test_every_refusal_is_one_finished_sentence() -> None:
    for code in FileCode:
        refusal = FileRefused(code, signature="Eicar-Test", what="macros")
        assert refusal.message == str(refusal)
        assert "{" not in refusal.message
        assert ". " not in refusal.message


def test_an_infection_is_named() -> None:
    assert "« Eicar-Test-Signature »" in FileRefused(FileCode.INFECTED, signature="Eicar-Test-Signature").message


def test_the_models_headers_are_found() -> None:
    match = match_headers(MODEL)
    assert match.is_complete
    assert match.columns == {field: index for index, field in enumerate(FIELDS)}


@pytest.mark.parametrize(
    "cells",
    [
        [header.upper() for header in MODEL],
        [header.replace("é", "e").replace("N°", "n º") for header in MODEL],
        [f" \u00a0{header.replace(' ', '  ')} " for header in MODEL],
        [header.replace("é", "e\u0301") for header in MODEL],
        [*MODEL, "", " "],
    ],
)
def test_case_accents_and_spaces_are_forgiven(cells: list[str]) -> None:
    match = match_headers(cells)
    match.check()
    assert [match.columns[field] for field in FIELDS] == list(range(9))


def test_order_is_forgiven_and_our_own_detail_column_passed_over() -> None:
    match = match_headers(["Détail", "", *reversed(MODEL)])
    assert match.is_complete
    assert match.columns["permit_number"] == 2
    assert match.columns["reference"] == 10


@pytest.mark.parametrize(
    "header",
    ["Courriel", "COURRIEL", "E-mail", "Adresse électronique", "adresse e-mail", "Mél", "Courriel du conducteur"],
)
def test_a_tenth_column_of_addresses_may_stand_anywhere(header: str) -> None:
    for at in (0, 4, 9):
        match = match_headers([*MODEL[:at], header, *MODEL[at:]])
        match.check()
        assert match.email == at
        assert len(match.columns) == 9
    assert match_headers(MODEL).email is None


def test_two_columns_of_addresses_are_told() -> None:
    with pytest.raises(FileRefused) as refusal:
        match_headers([*MODEL, "Courriel", "E-mail"]).check()
    assert "(en double : « Courriel »)" in refusal.value.message


def test_missing_unknown_and_doubled_headers_are_each_said() -> None:
    match = match_headers(["Ref", "REF", *MODEL[1:-1], "Téléphone"])
    assert (match.missing, match.unknown, match.duplicated) == (("N° de permis",), ("Téléphone",), ("Ref",))
    with pytest.raises(FileRefused) as refusal:
        match.check()
    assert refusal.value.code is FileCode.HEADERS
    assert refusal.value.message == (
        "Les en-têtes du fichier ne sont pas ceux du modèle (manquants : « N° de permis » ; "
        "inconnus : « Téléphone » ; en double : « Ref ») : repartez du modèle de fichier."
    )


def test_a_sheet_of_another_kind_makes_a_short_sentence() -> None:
    match = match_headers([f"Colonne {'x' * 500}{number}" for number in range(1000)])
    with pytest.raises(FileRefused) as refusal:
        match.check()
    assert len(refusal.value.message) < 1000
