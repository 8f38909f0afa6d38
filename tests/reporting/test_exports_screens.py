"""Exports on screen: what the list shows is what the file holds; a long one is fetched by the person who asked."""

from __future__ import annotations

import csv
import io

import openpyxl
import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from app.extensions import db
from app.models import Export, JournalEntry
from app.services.reporting import exports
from tests.support import MARIE, PIERRE, drain, registered

AGENT, MANAGER, NEIGHBOUR = "agent@demo.example", "gestionnaire@demo.example", "voisin@demo.example"


def _csv(content: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""), delimiter=";"))


@pytest.mark.parametrize(
    ("address", "asked", "found", "left_out"),
    [
        ("/centres", "_flt_0_words=voisin", "Centre Voisin", "Centre de formation Démo"),
        ("/agrements", "_flt_0_words=tp-2020", "TP-2020-0457", "FI-44-2020-007"),
        ("/conducteurs", "_flt_0_words=martin", "850492100123", "298795874"),
        ("/catalogue", "_flt_0_category=Voyageurs", "FIMO Voyageurs", "FIMO Marchandises"),
        ("/tarifs", "_flt_0_price_class=fco_module", "5,07", "25,34"),
        ("/contrats", "_flt_0_words=voisin", "Centre Voisin", "Centre de formation Démo"),
        ("/enregistrements", "_flt_0_words=dupont", "82R987928", "850492100123"),
    ],
)
def test_each_list_leaves_as_it_is_narrowed(
    client: FlaskClient, sign_in, address: str, asked: str, found: str, left_out: str
) -> None:
    registered(MARIE, PIERRE)
    browser = sign_in(client, AGENT)
    assert f"{address}/export.csv?{asked.replace(' ', '+')}" in browser.get(f"{address}/list/?{asked}").text
    answer = browser.get(f"{address}/export.csv?{asked}")
    assert answer.status_code == 200
    text = answer.data.decode("utf-8-sig")
    assert found in text
    assert left_out not in text
    assert "<" not in text
    book = openpyxl.load_workbook(io.BytesIO(browser.get(f"{address}/export.xlsx?{asked}").data))
    assert book.active.max_row == len(_csv(answer.data))
    noted = db.session.execute(select(JournalEntry.after).where(JournalEntry.action == "list.exported")).scalars().all()
    assert [entry["rows"] for entry in noted] == [book.active.max_row - 1] * 2


def test_a_csv_names_its_charset_once_and_the_list_what_it_loses(client: FlaskClient, sign_in) -> None:
    browser = sign_in(client, AGENT)
    assert browser.get("/centres/export.csv").headers["Content-Type"] == "text/csv; charset=utf-8"
    assert "charset" not in browser.get("/centres/export.xlsx").headers["Content-Type"]
    for page in ("/centres/list/", "/exports/"):
        assert "un CSV perd les zéros de tête des numéros ; le XLSX les garde" in browser.get(page).text


def test_dates_and_markup_become_plain_text(client: FlaskClient, sign_in) -> None:
    rows = _csv(sign_in(client, AGENT).get("/agrements/export.csv").data)
    told = dict(zip(rows[0], rows[1], strict=True))
    assert told["Du"] == "01/01/2020"
    assert told["Formations"].startswith("FIMO Marchandises, FIMO Voyageurs, ")
    assert told["Centre"] == "Centre de formation Démo, 123 456 782 00010"


def test_a_centre_s_people_export_their_own_rows_alone(client: FlaskClient, sign_in) -> None:
    registered(MARIE, PIERRE)
    assert len(_csv(sign_in(client, MANAGER).get("/mes-enregistrements/export.csv").data)) == 3
    assert len(_csv(client.get("/mes-conducteurs/export.csv").data)) == 3
    client.post("/logout/")
    other = sign_in(client, NEIGHBOUR)
    for address in ("/mes-enregistrements", "/mes-conducteurs"):
        assert b"MARTIN" not in other.get(f"{address}/export.csv").data
    assert other.get("/enregistrements/export.csv").status_code == 403


def test_a_long_list_is_made_by_the_worker(client: FlaskClient, sign_in, monkeypatch: pytest.MonkeyPatch) -> None:
    registered(MARIE, PIERRE)
    monkeypatch.setattr(exports, "AT_ONCE", 1)
    browser = sign_in(client, MANAGER)
    page = browser.get("/mes-enregistrements/export.csv", follow_redirects=True).text
    assert "Votre export est en préparation" in page
    assert 'hx-trigger="every 3s"' in page
    drain()
    key = db.session.execute(select(Export.key)).scalar_one()
    state = browser.get("/exports/etat").text
    assert "every 3s" not in state
    assert f"/exports/{key}" in state
    fetched = browser.get(f"/exports/{key}")
    assert len(_csv(fetched.data)) == 3
    assert fetched.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert "no-store" in fetched.headers["Cache-Control"]
    for other in (NEIGHBOUR, AGENT, "representant@demo.example"):
        browser.post("/logout/")
        assert sign_in(browser, other).get(f"/exports/{key}").status_code == 404


def test_a_generic_list_too_long_is_refused_in_words(
    client: FlaskClient, sign_in, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exports, "AT_ONCE", 1)
    page = sign_in(client, AGENT).get("/centres/export.csv", follow_redirects=True)
    assert "trop de lignes" in page.text


def test_an_unknown_kind_of_file_is_not_found(client: FlaskClient, sign_in) -> None:
    assert sign_in(client, AGENT).get("/centres/export.pdf").status_code == 404
