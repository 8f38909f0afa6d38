"""Odd files on the screens of « Mes imports »: what is told of their sheets, their faults, their way back and forth."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from app.extensions import db
from app.models import ImportFile, Outbox
from app.services.imports import desk as import_desk
from app.validators.line import RawLine
from tests.corpus.builders import HEADERS, Error, members, sheet, xlsx, zipped
from tests.imports.importing import MANAGER, analysed, batch_at, words
from tests.registration.test_analysis import ORDER, REF, SECOND_TABLE

FILES = Path(__file__).parent.parent / "corpus" / "files"
LINES = [[REF, ORDER, *cells] for _, *cells in SECOND_TABLE]


@pytest.fixture
def manager(client: FlaskClient, sign_in: Any) -> FlaskClient:
    """Give the browser of the demonstration centre's manager."""
    return sign_in(client, MANAGER)


def of_batch(address: str) -> ImportFile:
    return db.session.get_one(ImportFile, batch_at(address).id)


def test_a_damaged_file_is_said_to_be_damaged_at_once(manager: FlaskClient) -> None:
    address = analysed(manager, (FILES / "one_byte_missing.xlsx").read_bytes())
    assert "Le fichier est endommagé" in words(manager.get(address))
    assert (batch_at(address).state, of_batch(address).refusal_code) == ("refused", "damaged")
    # Its one turn is over: nothing is tried again.
    assert [row.done_at is None for row in db.session.execute(select(Outbox)).scalars()] == [False]


def test_signs_that_no_base_holds_are_dropped_from_headers_and_refusals(manager: FlaskClient) -> None:
    read = analysed(manager, xlsx(["Re_x0000_f", *HEADERS[1:]], *LINES))
    assert batch_at(read).state == "ready"
    refused = analysed(manager, xlsx(["Ma_x0000__x0007_ colonne", *HEADERS[1:]], *LINES))
    assert of_batch(refused).refusal_code == "headers"
    assert "inconnus : « Ma colonne »" in words(manager.get(refused))


def test_the_report_and_the_receipt_tell_of_sheets_that_were_not_read(manager: FlaskClient) -> None:
    book = members({"Octobre": sheet([HEADERS, *LINES]), "Novembre": sheet([HEADERS, LINES[0]])})
    address = analysed(manager, zipped(book))
    told = "Seule la feuille « Octobre » a été lue : la feuille « Novembre » contient aussi des lignes"
    report = words(manager.get(address))
    assert told in report
    assert "feuille « Octobre », analysé le" in report
    assert (of_batch(address).sheet, of_batch(address).other_sheets) == ("Octobre", ["Novembre"])
    manager.post(address + "/importer", data={"version": batch_at(address).version})
    receipt = address.replace("/imports/", "/sessions/") + "/recu"
    for page in (receipt, receipt + "/imprimer"):
        shown = words(manager.get(page))
        assert told in shown
        assert "feuille « Octobre »" in shown


def test_a_file_of_one_sheet_tells_of_no_other(manager: FlaskClient) -> None:
    address = analysed(manager, xlsx(HEADERS, *LINES))
    assert "Seule la feuille" not in words(manager.get(address))


@pytest.mark.parametrize("name", ["annote-avant.xlsx", "commande-nombres.xlsx"])
def test_the_annotated_file_sent_untouched_brings_the_same_errors(manager: FlaskClient, name: str) -> None:
    first = analysed(manager, (FILES / name).read_bytes(), name)
    again = analysed(manager, manager.get(first + "/annote.xlsx").data, "annote.xlsx")
    assert remarks(again) == remarks(first)
    assert batch_at(again).summary == batch_at(first).summary


def remarks(address: str) -> list[tuple[int, str, object]]:
    rows: list[tuple[RawLine, object]] = list(import_desk.annotated(batch_at(address).id))
    return [(raw.number, raw.not_text, said) for raw, said in rows]


def test_a_number_typed_again_is_taken_and_goes_back_as_text(manager: FlaskClient) -> None:
    line = [LINES[0][0], 1e20, *LINES[0][2:]]
    address = analysed(manager, xlsx(HEADERS, line))
    said = "Format du numéro de commande non conforme : la colonne doit être au format TEXTE"
    assert said in words(manager.get(address))
    manager.post(address + "/lignes/1", data={"champ": "order_number", "valeur": "1E+20"})
    assert said not in words(manager.get(address))
    again = analysed(manager, manager.get(address + "/annote.xlsx").data)
    assert said not in words(manager.get(again))


def test_an_error_of_a_cell_comes_again_from_the_annotated_file(manager: FlaskClient) -> None:
    first = analysed(manager, xlsx(HEADERS, [Error("#FIELD!"), *LINES[0][1:]]))
    assert "Format de la référence non conforme" in words(manager.get(first))
    again = analysed(manager, manager.get(first + "/annote.xlsx").data)
    assert "Format de la référence non conforme" in words(manager.get(again))
