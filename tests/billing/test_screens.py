"""« Factures » and « Facturation »: the same amounts for the centre and for agents; who sees them; what is refused."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update

from app.extensions import db
from app.models import Invoice, Registration
from app.services.billing import ceilings, estimates
from tests.bases import UNDER_THE_ROLE, on_sqlite
from tests.support import LEGAL, MARIE, PIERRE, centre_id, registered

from . import making

BACKENDS = UNDER_THE_ROLE
AGENT, NEIGHBOUR = "agent@demo.example", "voisin@demo.example"
SignIn = Callable[..., FlaskClient]


def test_an_empty_month_says_so(app: Flask, client: FlaskClient, sign_in: SignIn) -> None:
    sign_in(client, LEGAL)
    page = client.get("/factures/").text
    assert "Rien à facturer pour le moment" in page
    assert "Brouillons" not in page


def test_the_centre_and_the_agent_see_the_same_amounts(app: Flask, client: FlaskClient, sign_in: SignIn) -> None:
    registered(MARIE, PIERRE)
    registered({**MARIE, "order_number": "com-1"})
    sign_in(client, LEGAL)
    page = client.get("/factures/").text
    for said in ("Estimation : ne vaut pas facture", "76,02", "15,21", "91,23", "presque identiques", "janvier 2022"):
        assert said in page, said  # two invoices: 10,14 and 5,07 of VAT
    one = client.get("/factures/estimation", query_string={"commande": "COM1"}).text
    for said in ("50,68", "10,14", "60,82", "FIMO Marchandises"):
        assert said in one, said
    sign_in(other := app.test_client(), AGENT)
    page = other.get("/facturation/").text
    for said in ("Centre de formation Démo", "76,02", "15,21", "91,23"):
        assert said in page, said


@on_sqlite
def test_more_than_a_page_is_leafed_through(
    app: Flask, client: FlaskClient, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (estimates, ceilings):
        monkeypatch.setattr(module, "PAGE", 1)
    registered(MARIE)
    registered({**PIERRE, "order_number": "COM2"})
    moved = select(Registration.id).where(Registration.order_number == "COM2").scalar_subquery()
    sign_in(client, LEGAL)
    for address in ("/factures/", "/consommation/"):
        first, second = (client.get(address, query_string={"page": number}).text for number in (1, 2))
        assert all("Page 1 sur 2" in page or "Page 2 sur 2" in page for page in (first, second)), address
        assert ("COM1" in first, "COM2" in first, "COM2" in second) == (True, False, True), address
    db.session.execute(
        update(Registration).where(Registration.id == moved).values(centre_id=centre_id("98765432400019"))
    )
    db.session.commit()
    sign_in(other := app.test_client(), AGENT)
    assert "Page 2 sur 2" in other.get("/facturation/?page=2").text


def test_a_draft_is_seen_by_its_centre_alone(app: Flask, client: FlaskClient, sign_in: SignIn) -> None:
    key = making.draft(held_reason="Code postal non renseigné").key
    sign_in(client, LEGAL)
    assert "Code postal non renseigné" in client.get("/factures/").text
    page = client.get(f"/factures/{key}").text
    for said in ("BROUILLON 1", "Facture retenue", "25,34", "5,07", "30,41", "décembre 2021"):
        assert said in page, said
    assert client.get("/factures/0123456789abcdef").status_code == 404
    assert client.get("/factures/estimation?commande=RIEN").status_code == 404
    db.session.rollback()
    from app.models import Membership
    from tests.support import person_id

    place = db.session.execute(select(Membership).where(Membership.person_id == person_id(NEIGHBOUR))).scalar_one()
    place.role = "legal_representative"
    db.session.commit()
    sign_in(other := app.test_client(), NEIGHBOUR)
    assert other.get(f"/factures/{key}").status_code == 404
    assert "BROUILLON 1" not in other.get("/factures/").text


def test_who_lacks_the_right_is_led(app: Flask, client: FlaskClient, sign_in: SignIn) -> None:
    key = making.draft().key
    sign_in(client, "gestionnaire@demo.example")
    assert "Cette page n’est pas ouverte" in client.get("/factures/").text
    assert client.get(f"/factures/{key}").status_code == 403
    assert client.get("/factures/estimation?commande=COM1").status_code == 403


def test_an_agent_builds_holds_and_frees(
    app: Flask, client: FlaskClient, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    registered(MARIE, PIERRE)
    monkeypatch.setitem(app.config, "TODAY", date(2022, 2, 1))
    sign_in(client, AGENT)
    answer = client.post("/facturation/construire", data={"mois": "2022-01"}, follow_redirects=True)
    assert "Les brouillons de janvier 2022 sont à jour : 1, dont 0 retenu." in answer.text
    key = db.session.execute(select(Invoice.key)).scalar_one()
    assert "50,68" in client.get("/facturation/?mois=2022-01").text
    answer = client.post(f"/facturation/brouillons/{key}/retenir", data={"reason": " "}, follow_redirects=True)
    assert "Dites pourquoi" in answer.text
    client.post(f"/facturation/brouillons/{key}/retenir", data={"reason": "Une ligne est contestée."})
    month = client.get("/facturation/?mois=2022-01").text.replace("\u00a0", " ")
    assert "1 facture : « Une ligne est contestée. »</li>" in month
    page = client.get("/facturation/?mois=2022-01&voir=retenues").text
    assert "Une ligne est contestée" in page
    assert client.get(f"/facturation/brouillons/{key}").text.count("Libérer") >= 1
    client.post(f"/facturation/brouillons/{key}/liberer")
    assert "Une ligne est contestée" not in client.get("/facturation/?mois=2022-01").text
    answer = client.post("/facturation/construire", data={"mois": "2022-02"}, follow_redirects=True)
    assert "Ce mois n’est pas terminé" in answer.text


@pytest.mark.parametrize("month", ["2022-13", "x", "2022-1", "9999-99", "2030-01", "٢٠٢٢-٠١"])
def test_what_is_no_month_is_said(app: Flask, client: FlaskClient, sign_in: SignIn, month: str) -> None:
    sign_in(client, AGENT)
    assert client.get("/facturation/", query_string={"mois": month}).status_code == 400


def test_the_command_builds_and_tells(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    registered(MARIE)
    run = app.test_cli_runner().invoke
    early = run(args=["billing", "build", "--period", "2022-01"])
    assert (early.exit_code, "pas terminé" in early.output) == (1, True)
    monkeypatch.setitem(app.config, "TODAY", date(2022, 2, 1))
    told = run(args=["billing", "build", "--period", "2022-01"])
    assert told.output == "1 draft(s), 1 line(s), 25.34 EUR excluding VAT; 0 held\n"
    assert run(args=["billing", "build", "--period", "janvier"]).exit_code == 2
