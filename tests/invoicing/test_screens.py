"""Issued invoices on screens: the same amounts for the centre and agents, what an agent may do, what is refused in words."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update

from app.extensions import db
from app.models import Invoice, Outbox, Registration
from app.services.billing import drafts
from app.services.core import actor
from app.services.invoicing import credit_notes, issuing, running
from app.services.storage import store
from tests.bases import UNDER_THE_ROLE
from tests.support import LEGAL, MARIE, many, person_id, registered

from .making import JANUARY, Judge, issued

BACKENDS = UNDER_THE_ROLE
AGENT, NEIGHBOUR, WITHOUT = "agent@demo.example", "voisin@demo.example", "sansdroit@demo.example"
SignIn = Callable[..., FlaskClient]


@pytest.fixture
def february(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """Live on 3 February."""
    monkeypatch.setitem(app.config, "TODAY", date(2022, 2, 3))


def test_the_centre_reads_its_invoice_and_nobody_else_does(
    app: Flask, february: None, client: FlaskClient, sign_in: SignIn
) -> None:
    invoice = issued(MARIE, *many(2))
    key = invoice.key
    sign_in(client, LEGAL)
    listing = client.get("/factures/").text
    for said in ("F2022-000001", "91,22", "À régler avant le 05/03/2022", "janvier 2022"):
        assert said in listing, said
    page = client.get(f"/factures/{key}").text
    for said in ("Facture F2022-000001", "76,02", "15,20", "91,22", "FR76 3000 6000 0112 3456 7890 189", "RF", "40 €",
                 "en préparation", "Opérateur du registre", "12 rue des Ateliers", "RE-"):  # fmt: skip
        assert said in page, said
    assert "MARTIN" not in page
    assert "F2022-000001" in client.get("/factures/?commande=COM1").text
    assert "Aucune facture sous ce numéro" in client.get("/factures/?commande=RIEN").text
    for kind in ("pdf", "xml"):
        answer = client.get(f"/factures/{key}/{kind}")
        assert (answer.status_code, "en préparation" in answer.text) == (404, True)
    for who in (NEIGHBOUR, WITHOUT):
        sign_in(other := app.test_client(), who)
        for address in (f"/factures/{key}", f"/factures/{key}/pdf", f"/factures/{key}/xml"):
            assert other.get(address).status_code in (403, 404)
    assert sign_in(app.test_client(), LEGAL).get(f"/facturation/factures/{key}").status_code == 403


def test_what_an_order_number_has_cost_adds_up_once_it_is_invoiced(
    app: Flask, february: None, client: FlaskClient, sign_in: SignIn
) -> None:
    issued(MARIE, *many(2))
    registered(*many(3)[2:])
    page = sign_in(client, LEGAL).get("/consommation/").text
    cells = re.findall(r'data-label="([^"]+)">(?:<strong>)?([0-9,]+)\u00a0€', page)
    assert cells == [
        ("À facturer", "25,34"), ("En brouillon", "0,00"), ("Facturé", "76,02"), ("Total HT", "101,36"), ("Payé TTC", "0,00"),
    ]  # fmt: skip


def test_the_file_is_sent_as_it_is_kept(app: Flask, february: None, client: FlaskClient, sign_in: SignIn) -> None:
    invoice = issued(MARIE)
    key = invoice.key
    with actor.acting(actor.PROGRAM):
        file = store.put_named("invoices/F2022-000001-0123456789ab.pdf", b"%PDF-1.7 facture")
        invoice.path, invoice.sha256, invoice.size, invoice.xml_sha256 = file.path, file.sha256, file.size, "0" * 64
    db.session.commit()
    sign_in(client, LEGAL)
    answer = client.get(f"/factures/{key}/pdf")
    assert (answer.data, answer.mimetype) == (b"%PDF-1.7 facture", "application/pdf")
    assert "F2022-000001.pdf" in answer.headers["Content-Disposition"]
    (Path(app.config["DATA_DIR"]) / "documents" / file.path).write_bytes(b"changed")
    answer = client.get(f"/factures/{key}/pdf")
    assert (answer.status_code, "ne peut pas être lu" in answer.text) == (404, True)


def test_an_agent_issues_a_month_from_its_screen(
    app: Flask, february: None, client: FlaskClient, sign_in: SignIn
) -> None:
    registered(MARIE)
    registered({**MARIE, "order_number": "CMD 2"})
    db.session.execute(update(Registration).values(registered_on=date(2022, 1, 28)))
    db.session.commit()
    running.build(JANUARY)
    sign_in(client, AGENT)
    page = client.get("/facturation/?mois=2022-01").text
    for said in ("Brouillons construits", "Émettre ce qui est prêt", "CMD 2"):
        assert said in page, said
    answer = client.post("/facturation/emettre", data={"mois": "2022-01"}, follow_redirects=True)
    assert "L’émission est demandée" in answer.text
    assert "F2022-" not in answer.text  # nothing is said to be issued before it is
    key = db.session.execute(select(Invoice.key).where(Invoice.order_number == "CMD 2")).scalar_one()
    assert client.post(f"/facturation/brouillons/{key}/emettre").status_code == 302
    due = db.session.execute(select(Outbox.payload).where(Outbox.kind == "issue").order_by(Outbox.id)).scalars().all()
    assert [sorted(one) for one in due] == [["agent", "month"], ["agent", "invoice"]]
    refused = client.post("/facturation/emettre", data={"mois": "2022-02"}, follow_redirects=True)
    assert drafts.NotYet.message in refused.text
    running.issue(JANUARY, Judge("BR-FR-12, SIREN de 8 chiffres"))
    page = client.get("/facturation/?mois=2022-01").text
    for said in ("Preuves refusées", "BR-FR-12, SIREN de 8 chiffres", "Corriger la fiche"):
        assert said in page, said
    running.issue(JANUARY, Judge())
    page = client.get("/facturation/?mois=2022-01").text
    for said in ("F2022-000001 à F2022-000002", "Émission terminée", "Fichier en préparation"):
        assert said in page, said


def test_an_agent_gives_back_and_bills_again_from_the_invoice(
    app: Flask, february: None, client: FlaskClient, sign_in: SignIn
) -> None:
    invoice = issued(MARIE, *many(2))
    key, id_ = invoice.key, invoice.id
    item = credit_notes.charges(id_)[0].id
    sign_in(client, AGENT)
    address = f"/facturation/factures/{key}"
    page = client.get(address).text
    for said in ("MARTIN Marie", "Faire l’avoir des lignes cochées", "Annuler et refacturer", "Prouvée avant"):
        assert said in page, said
    refused = client.post(f"{address}/avoir", data={"reason": "Erreur"})
    assert refused.status_code == 422
    assert "Choisissez au moins une ligne" in refused.text
    assert 'value="Erreur"' in refused.text, "what was typed is kept"
    refused = client.post(f"{address}/avoir", data={"ligne": item})
    assert "Dites pourquoi" in refused.text
    assert f'value="{item}" checked' in refused.text, "and what was ticked"
    assert 'href="#reason"' in refused.text
    assert (
        "a déjà son avoir" in client.post(f"{address}/avoir", data={"ligne": [item, 999999], "reason": "Erreur"}).text
    )
    assert 'href="#why"' in client.post(f"{address}/refacturer").text
    done = client.post(
        f"{address}/avoir", data={"ligne": item, "reason": "Ligne en double"}, follow_redirects=True
    ).text
    for said in ("L’avoir est demandé", "pas encore émis"):
        assert said in done, said
    issuing.issue(credit_of(id_), Judge(), person_id(AGENT))
    page = client.get(address).text
    for said in ("A2022-000001", "30,41", "Ligne en double", "Avoir partiel", "60,81"):
        assert said in page, said
    sign_in(centre := app.test_client(), LEGAL)
    assert "A2022-000001" in centre.get(f"/factures/{key}").text
    client.post(f"{address}/refacturer", data={"reason": "SIRET faux"}, follow_redirects=True)
    issuing.issue(credit_of(id_), Judge(), person_id(AGENT))
    page = client.get(address).text
    for said in ("A2022-000002", "Annulée par avoir"):
        assert said in page, said
    assert "Faire l’avoir" not in page
    listing: Any = centre.get("/factures/").text
    assert "Brouillons" in listing


def credit_of(invoice_id: int) -> int:
    """Return the credit note that waits."""
    query = select(Invoice.id).where(Invoice.corrects_id == invoice_id, Invoice.state == "draft")
    return db.session.execute(query).scalar_one()
