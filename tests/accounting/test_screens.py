"""Screens of the accounts: what agents see and close, what a centre reads of its own invoices, and nobody else."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from datetime import date
from decimal import Decimal

import pytest
from flask import Flask
from flask.testing import FlaskClient
from openpyxl import load_workbook
from sqlalchemy import select

from app.extensions import db
from app.models import Batch, JournalEntry, OrderOverride, Registration
from app.services.core import actor, clock
from tests.bases import UNDER_THE_ROLE
from tests.invoicing.making import issued
from tests.invoicing.test_credit_notes import give_back
from tests.payments.making import allocation, entry
from tests.support import LEGAL, MARIE, centre_id, many, person_id, registered, registered_trainer

from . import fec

BACKENDS = UNDER_THE_ROLE
AGENT, NEIGHBOUR, WITHOUT = "agent@demo.example", "voisin@demo.example", "sansdroit@demo.example"
SignIn = Callable[..., FlaskClient]
NBSP = "\u00a0"


@pytest.fixture
def at(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Callable[[date], None]:
    """Give what moves to another day, on 3 February."""
    monkeypatch.setitem(app.config, "TODAY", date(2022, 2, 3))
    return lambda day: monkeypatch.setitem(app.config, "TODAY", day)


def test_an_agent_reads_exports_and_closes_a_month(
    at: Callable[[date], None], client: FlaskClient, sign_in: SignIn
) -> None:
    issued(*many(3))
    sign_in(client, AGENT)
    page = client.get("/comptabilite/?mois=2022-02").text
    for said in ("Comptabilité, février 2022", "Ouvert", "411000", f"91,22{NBSP}€", "F2022-000001", "1 écriture"):
        assert said.replace(" é", f"{NBSP}é") in page or said in page, said
    assert "Clôturer février" not in page  # the month still runs
    assert "Rien n’est écrit ce mois-ci" in client.get("/comptabilite/").text  # January, the month before
    sent = client.get("/comptabilite/export/fec?mois=2022-02")
    assert len(fec.read(sent.data, is_closed=False)) == 3
    assert "800000002FEC20220228.txt" in sent.headers["Content-Disposition"]
    assert client.get("/comptabilite/export/pdf").status_code == 404
    for month in ("2022-13", "0001-01", "0000-01"):
        for address in ("/comptabilite/", "/comptabilite/rapprochement/", "/facturation/"):
            assert client.get(f"{address}?mois={month}").status_code == 400
    refused = client.post("/comptabilite/cloturer", data={"mois": "2022-02"}, follow_redirects=True)
    assert "Ce mois n’est pas terminé" in refused.text
    at(date(2022, 3, 1))
    assert "Clôturer février" in client.get("/comptabilite/?mois=2022-02").text
    closed = client.post("/comptabilite/cloturer", data={"mois": "2022-02"}, follow_redirects=True)
    assert re.search(r"Février 2022 est clôturé, avec 1\sécriture :", closed.text)
    page = client.get("/comptabilite/?mois=2022-02").text
    assert "Clôturé le 01/03/2022" in page
    assert "Clôturer le mois" not in page
    again = client.post("/comptabilite/cloturer", data={"mois": "2022-02"}, follow_redirects=True)
    assert "Ce mois est déjà clôturé" in again.text


def test_an_agent_chooses_accounts(at: Callable[[date], None], client: FlaskClient, sign_in: SignIn) -> None:
    sign_in(client, AGENT)
    typed = {"role": "sales", "rate": "8.50", "code": "706185", "label": "Formations outre-mer"}
    assert "Formations outre-mer" in client.post("/comptabilite/comptes/", data=typed, follow_redirects=True).text
    page = client.get("/comptabilite/comptes/?role=sales&taux=8.50").text
    assert 'value="706185"' in page
    wrong = client.post("/comptabilite/comptes/", data={**typed, "code": "601"})
    assert (wrong.status_code, "Ce compte commence par 70" in wrong.text, 'value="601"' in wrong.text) == (
        422,
        True,
        True,
    )
    for rate in ("7.77", "vingt"):
        wrong = client.post("/comptabilite/comptes/", data={**typed, "rate": rate, "code": "706999"})
        assert (wrong.status_code, "Choisissez un taux de la liste" in wrong.text) == (422, True), rate
        client.post("/comptabilite/comptes/retirer", data={"role": "sales", "rate": rate})
    page = client.get("/comptabilite/comptes/").text
    assert ("706999" in page, "706185" in page) == (False, True)
    back = client.post("/comptabilite/comptes/retirer", data={"role": "sales", "rate": "8.50"}, follow_redirects=True)
    assert "Le compte habituel vaut de nouveau" in back.text
    assert "706185" not in back.text


def test_an_agent_follows_a_difference_to_its_lines(
    at: Callable[[date], None], client: FlaskClient, sign_in: SignIn
) -> None:
    invoice = issued(*many(3))
    note = give_back(invoice, 0)
    allocation("60.81", invoice.id, entry=entry("60.81"))
    registered({**MARIE, "order_number": "FEVRIER"})
    number = invoice.public_number
    sign_in(client, AGENT)
    page = client.get("/comptabilite/rapprochement/").text
    for said in ("Rapprochement, janvier 2022", "Tout est expliqué", "Centre de formation Démo", f"76,02{NBSP}€"):
        assert said in page, said
    own = client.get(f"/comptabilite/rapprochement/{centre_id()}?mois=2022-01").text
    for said in ("Pas encore facturé", f"25,34{NBSP}€", number, note.public_number, "Payée", "Reste à payer"):
        assert said in own, said
    [link] = re.findall(r'href="([^"]+motif=open[^"]*)"', own)
    lines = client.get(link.replace("&amp;", "&")).text
    assert ("NA Jean" in lines, number in lines) == (True, True)
    february = client.get(f"/comptabilite/rapprochement/{centre_id()}/lignes?mois=2022-02&motif=open").text
    assert "MARTIN Marie" in february
    assert (
        "Aucune ligne" in client.get(f"/comptabilite/rapprochement/{centre_id()}/lignes?mois=2022-01&motif=held").text
    )
    for query in ("mois=2022-01", "mois=2022-01&motif=autre", "mois=2031-01&motif=open"):
        assert client.get(f"/comptabilite/rapprochement/{centre_id()}/lignes?{query}").status_code == 400
    assert client.get("/comptabilite/rapprochement/999").status_code == 404
    assert "Rien n’a été enregistré ni facturé" in client.get("/comptabilite/rapprochement/?mois=2019-01").text


def test_who_an_invoice_is_about_is_told_to_those_who_follow_invoices_alone(
    app: Flask, at: Callable[[date], None], client: FlaskClient, sign_in: SignIn
) -> None:
    at(date(2022, 1, 20))
    registered_trainer()
    at(date(2022, 2, 3))
    invoice = issued(*[{**one, "order_number": "COM1"} for one in [MARIE, *many(2)]])
    note, key = give_back(invoice, 0), invoice.key
    receipt = (
        db.session.execute(select(Batch.receipt_number).where(Batch.receipt_number.is_not(None))).scalars().first()
    )
    number, note_number, total = invoice.public_number, note.public_number, invoice.net
    sign_in(client, LEGAL)
    assert "Détail nominatif" in client.get(f"/factures/{key}").text
    page = client.get(f"/factures/{key}/detail").text
    for said in ("MARTIN Marie", "850492100123", "12/04/1985", "DURAND Chloé", receipt, f"rendu par {note_number}"):
        assert said in page, said
    sent = client.get(f"/factures/{key}/detail.xlsx")
    assert f'"{number}-detail.xlsx"' in sent.headers["Content-Disposition"]
    heads, *rows = load_workbook(io.BytesIO(sent.data), read_only=True).active.iter_rows(values_only=True)
    assert heads[2:6] == ("Nom", "Prénom", "Date de naissance", "N° de permis")
    assert {row[2] for row in rows} == {"MARTIN", "NA", "NB", "DURAND"}
    assert sum(Decimal(str(row[11])) for row in rows) == total
    assert sum(row[13] == note_number for row in rows) == 1
    with actor.acting(actor.PROGRAM):
        noted = db.session.execute(
            select(JournalEntry.after).where(JournalEntry.action == "invoice.detailed")
        ).scalar_one()
    assert noted == {"number": number, "rows": 4}
    for who in (NEIGHBOUR, WITHOUT, AGENT, "conducteur@demo.example"):
        other = sign_in(app.test_client(), who)
        for address in (f"/factures/{key}/detail", f"/factures/{key}/detail.xlsx"):
            assert other.get(address).status_code in (403, 404), (who, address)


def test_the_detail_names_the_order_number_that_is_billed(
    at: Callable[[date], None], client: FlaskClient, sign_in: SignIn
) -> None:
    at(date(2022, 2, 3))
    registered({**MARIE, "order_number": "COM9"})
    with actor.acting(actor.PROGRAM):
        moved = db.session.execute(select(Registration.id)).scalar_one()
        values = {"order_number": "COM1", "by_id": person_id(LEGAL), "at": clock.now()}
        db.session.add(OrderOverride(registration_id=moved, **values))
        db.session.commit()
    invoice = issued(*[{**one, "order_number": "COM1"} for one in many(2)])
    key = invoice.key
    sign_in(client, LEGAL)
    sent = client.get(f"/factures/{key}/detail.xlsx")
    _heads, *rows = load_workbook(io.BytesIO(sent.data), read_only=True).active.iter_rows(values_only=True)
    assert ([row[8] for row in rows], "MARTIN" in {row[2] for row in rows}) == (["COM1"] * 3, True)


def test_what_an_order_number_cost_is_told_with_its_credit_notes_and_what_is_paid(
    at: Callable[[date], None], client: FlaskClient, sign_in: SignIn
) -> None:
    invoice = issued(*many(3))
    give_back(invoice, 0)
    allocation("50.00", invoice.id, entry=entry("50.00"))
    registered({**MARIE, "order_number": "COM1"})
    page = sign_in(client, LEGAL).get("/consommation/").text
    cells = re.findall(r'data-label="([^"]+)">(?:<strong>)?(-?[0-9,]+)' + NBSP + "€", page)
    assert cells == [
        ("À facturer", "50,68"),  # the one given back is live: it is billed anew
        ("En brouillon", "0,00"),
        ("Facturé", "76,02"),
        ("Avoirs", "-25,34"),
        ("Total HT", "101,36"),
        ("Payé TTC", "50,00"),
    ]
    assert f"reste 10,81{NBSP}€" in page
