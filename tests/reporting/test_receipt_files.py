"""The receipt as PDF and as XLSX."""

from __future__ import annotations

import io
import re
from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from openpyxl import load_workbook
from pypdf import PdfReader

from app.models import Batch
from app.services.drivers import account_invitations
from app.services.registration import receipts
from app.services.reporting import receipt_sheet
from tests.registration.wizard_path import on_draft
from tests.support import MARIE, PIERRE, drain, many, person_id, registered

SignIn = Callable[[FlaskClient, str], FlaskClient]


@pytest.fixture
def manager(client: FlaskClient, sign_in: SignIn) -> FlaskClient:
    return sign_in(client, "gestionnaire@demo.example")


def pages(client: FlaskClient, batch: Batch, query: str = "") -> list[str]:
    answer = client.get(f"/sessions/{batch.key}/recu/recu.pdf{query}")
    assert answer.headers["Content-Type"] == "application/pdf"
    return [" ".join(page.extract_text().split()) for page in PdfReader(io.BytesIO(answer.data)).pages]


def test_forty_drivers_are_one_sheet(manager: FlaskClient) -> None:
    batch = registered(*many(40))
    [text] = pages(manager, batch)
    assert "IN Groupe, exploitant du Registre CQC" in text
    assert f"Reçu {batch.receipt_number}, édité le 10/01/2022 à" in text
    assert "Page 1/1" in text
    assert "Centre de formation Démo" in text
    assert "40 attendent la création d’un compte" in text
    assert text.count("Attend un compte") == 40
    assert "1 013,60 € HT" in text.replace("\xa0", " ")


def test_it_tells_each_line_as_it_stands(manager: FlaskClient) -> None:
    batch = registered(MARIE, PIERRE, PIERRE)
    drain()
    [text] = pages(manager, batch)
    assert "Envoyé le 10/01/2022" in text
    assert "Attend un compte" in text
    assert "3 (DUPONT Pierre, identique à la ligne 2)" in text


def test_a_long_one_comes_in_numbered_pages_and_parts(manager: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    batch = registered(*many(130))
    told = pages(manager, batch)
    assert len(told) > 1
    assert all(f"Page {at}/{len(told)}" in text for at, text in enumerate(told, 1))
    monkeypatch.setattr(receipts, "PRINTED", 50)
    assert "partie 3 sur 3" in pages(manager, batch, "?page=3")[0]


def test_the_sheet_holds_a_row_a_line(manager: FlaskClient) -> None:
    batch = registered(MARIE, PIERRE)
    drain()
    account_invitations.invite(batch.id, 2, "p@mail.example", person_id())
    answer = manager.get(f"/sessions/{batch.key}/recu/recu.xlsx")
    assert "spreadsheetml" in answer.headers["Content-Type"]
    assert f"recu-{batch.receipt_number}.xlsx" in answer.headers["Content-Disposition"]
    heads, *rows = load_workbook(io.BytesIO(answer.data)).active.iter_rows(values_only=True)
    lines = {row[1]: dict(zip(heads, row, strict=True)) for row in rows}
    assert (lines[1]["Nom"], lines[1]["Certificat"]) == ("MARTIN", "Envoyé le 10/01/2022")
    assert (lines[2]["Date de naissance"], lines[2]["N° de permis"]) == ("01/01/1990", "82R987928")
    assert lines[2]["Certificat"] == "Attend un compte"
    assert str(lines[2]["Invité le"]).startswith("10/01/2022")
    assert lines[2]["Code d’activation"]
    assert lines[2]["Prix HT"] == 25.34


def test_a_long_one_offers_all_its_parts(manager: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    batch = registered(*many(7))
    monkeypatch.setattr(receipt_sheet, "LINES", 3)
    monkeypatch.setattr(receipts, "PRINTED", 3)
    page = manager.get(f"/sessions/{batch.key}/recu").text
    assert "recu.pdf" not in page, "its parts are on the page to print"
    links = re.findall(rf'href="(/sessions/{batch.key}/recu/recu.xlsx\?page=\d)"', page)
    rows = [len(list(load_workbook(io.BytesIO(manager.get(one).data)).active.iter_rows())) - 1 for one in links]
    assert rows == [3, 3, 1]
    assert (
        f"/sessions/{batch.key}/recu/recu.pdf?page=2" in manager.get(f"/sessions/{batch.key}/recu/imprimer?page=2").text
    )


def test_what_is_not_registered_has_no_files(manager: FlaskClient) -> None:
    draft = on_draft(manager, MARIE).key
    for name in ("recu.pdf", "recu.xlsx"):
        assert manager.get(f"/sessions/{draft}/recu/{name}").headers["Location"] == f"/sessions/{draft}/recu"
