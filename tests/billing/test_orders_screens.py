"""« Facturer sous un autre numéro » on screen: from a draft, an estimate, a receipt, a registration, a trainer's receipt."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from datetime import date

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select

from app.extensions import db
from app.models import Invoice, Membership, OrderOverride, Registration, Trainer
from app.services.billing import drafts
from tests.bases import UNDER_THE_ROLE
from tests.invoicing.making import issue
from tests.support import LEGAL, MARIE, PIERRE, many, person_id, registered, registered_trainer

BACKENDS = UNDER_THE_ROLE
SignIn = Callable[..., FlaskClient]
MANAGER, NEIGHBOUR, AGENT = "gestionnaire@demo.example", "voisin@demo.example", "agent@demo.example"
LINES = "/factures/lignes/"


@pytest.fixture
def legal(client: FlaskClient, sign_in: SignIn) -> FlaskClient:
    sign_in(client, LEGAL)
    return client


def over(app: Flask) -> str:
    """End the month, make its drafts, and return the key of the first."""
    app.config["TODAY"] = date(2022, 2, 1)
    drafts.build(date(2022, 1, 1))
    return db.session.scalars(select(Invoice.key).order_by(Invoice.order_number)).first() or ""


def ticks(page: str) -> list[str]:
    """Return the values of the lines that a page offers."""
    return re.findall(r'name="ligne" value="([^"]+)"', page)


def counted() -> int:
    return db.session.scalar(select(func.count()).select_from(OrderOverride)) or 0


def text_of(page: str) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page)).split())


def test_from_a_draft_one_line_then_back(app: Flask, legal: FlaskClient) -> None:
    registered(MARIE, PIERRE)
    key = over(app)
    assert f"{LINES}?brouillon={key}" in legal.get(f"/factures/{key}").text
    page = legal.get(LINES, query_string={"brouillon": key}).text
    assert "Rétablir" not in page
    first = ticks(page)[0]
    data = {"brouillon": key, "ligne": first, "order_number": "ENG 1"}
    done = legal.post(f"{LINES}facturer", data=data, follow_redirects=True).text
    assert "1 ligne est facturée comme demandé" in done
    assert len(ticks(done)) == 1
    again = legal.post(f"{LINES}facturer", data=data, follow_redirects=True).text
    assert "déjà facturées ainsi" in again
    other = db.session.scalar(select(Invoice.key).where(Invoice.order_number == "ENG 1"))
    page = legal.get(LINES, query_string={"brouillon": other}).text
    assert "Commande COM1, facturée sous ENG 1" in text_of(page)
    back = {"brouillon": other, "ligne": ticks(page)}
    done = legal.post(f"{LINES}retablir", data=back, follow_redirects=True).text
    assert "sous son propre numéro de commande" in done
    assert counted() == 0


def test_all_the_lines_of_a_draft_that_is_then_gone(app: Flask, legal: FlaskClient) -> None:
    registered(MARIE, *many(60))
    key = over(app)
    page = legal.get(LINES, query_string={"brouillon": key}).text
    assert len(ticks(page)) == 50
    assert "Toutes les lignes (61)" in page
    assert len(ticks(legal.get(LINES, query_string={"brouillon": key, "page": 2}).text)) == 11
    data = {"brouillon": key, "toutes": "1", "order_number": "ENG 1"}
    done = legal.post(f"{LINES}facturer", data=data, follow_redirects=True)
    assert "61 lignes sont facturées" in done.text
    assert done.request.path == "/factures/"
    told = legal.post(f"{LINES}facturer", data=data, follow_redirects=True).text
    assert "Plus rien n’est à facturer ici" in told
    assert legal.get(LINES, query_string={"brouillon": key}).status_code == 404


def test_what_is_missing_is_said_beside_its_field(app: Flask, legal: FlaskClient) -> None:
    registered(MARIE)
    line = ticks(legal.get(LINES, query_string={"commande": "COM1"}).text)
    bad = [
        ({"order_number": ""}, "Indiquez un numéro de commande"),
        ({"order_number": "x" * 51, "ligne": line}, "50 caractères au plus"),
        ({"order_number": "ENG 1"}, "Choisissez au moins une ligne"),
        ({"order_number": "ENG 1", "ligne": line, "reference": "x" * 51}, "Une référence fait"),
    ]
    for data, said in bad:
        answer = legal.post(f"{LINES}facturer", data={"commande": "COM1", **data})
        assert (answer.status_code, said in answer.text) == (422, True), data
        assert "data-error-summary" in answer.text
    told = legal.post(f"{LINES}retablir", data={"commande": "COM1"}, follow_redirects=True).text
    assert "Choisissez au moins une ligne" in told
    assert counted() == 0


def test_from_the_receipt_and_both_numbers_are_said_everywhere(app: Flask, legal: FlaskClient) -> None:
    batch = registered(MARIE, PIERRE)
    key, row_id = batch.key, db.session.scalars(select(Registration.id).order_by(Registration.id)).first()
    assert f"{LINES}?recu={key}" in legal.get(f"/sessions/{key}/recu").text
    page = legal.get(LINES, query_string={"recu": key}).text
    data = {"recu": key, "ligne": ticks(page)[0], "order_number": "ENG 1", "reference": "REF9"}
    legal.post(f"{LINES}facturer", data=data)
    receipt = text_of(legal.get(f"/sessions/{key}/recu").text)
    assert "commande COM1, facturée sous ENG 1" in receipt
    assert receipt.count("facturée sous") == 1
    record = text_of(legal.get(f"/mes-enregistrements/show/{row_id}").text)
    assert "Commande COM1, facturée sous ENG 1" in record
    assert "REF9 sur la facture" in record
    agent = app.test_client()
    agent.post("/login/", data={"username": AGENT, "password": "volant-Ardoise-2026"})
    assert "facturée sous ENG 1" in text_of(agent.get(f"/enregistrements/show/{row_id}").text)
    alone = legal.get(LINES, query_string={"seule": f"r{row_id}"}).text
    assert 'value="ENG 1"' in alone
    assert 'value="REF9"' in alone
    done = legal.post(f"{LINES}retablir", data={"seule": f"r{row_id}", "ligne": ticks(alone)}, follow_redirects=True)
    assert "sous son propre numéro" in done.text
    assert "facturée sous" not in legal.get(f"/sessions/{key}/recu").text


def test_a_trainer_s_borne_fee(app: Flask, legal: FlaskClient) -> None:
    row = registered_trainer()
    key, id_ = row.key, row.id
    db.session.commit()
    assert f"{LINES}?seule=t{id_}" in legal.get(f"/formateurs/{key}/recu").text
    page = legal.get(LINES, query_string={"seule": f"t{id_}"}).text
    data = {"seule": f"t{id_}", "ligne": ticks(page), "order_number": "ENG 1", "reference": ""}
    legal.post(f"{LINES}facturer", data=data)
    assert "facturée sous ENG 1" in text_of(legal.get(f"/formateurs/{key}/recu").text)
    assert "ENG 1" in legal.get("/factures/").text
    assert db.session.get_one(Trainer, id_).order_number == "COM1"


def test_nearly_the_same_numbers_become_one(app: Flask, legal: FlaskClient) -> None:
    registered(MARIE)
    registered({**PIERRE, "order_number": "com-1"})
    assert "Facturer sous le même numéro" in legal.get("/factures/").text
    assert "Facturer sous le même numéro" in legal.get("/factures/estimation?commande=COM1").text
    key = over(app)
    page = legal.get(f"/factures/{key}").text
    assert "Deux numéros presque identiques" in page
    done = legal.post(f"{LINES}reunir", data={"brouillon": key, "garder": "com-1"}, follow_redirects=True).text
    assert "Tout est facturé sous la commande com-1" in done
    key = db.session.scalars(select(Invoice.key)).one()
    assert "presque identiques" not in legal.get(f"/factures/{key}").text
    told = legal.post(f"{LINES}reunir", data={"brouillon": key, "garder": "AUTRE"}, follow_redirects=True).text
    assert "Plus rien n’est à facturer ici" in told


def test_after_issue_it_is_said_that_an_agent_makes_a_credit_note(app: Flask, legal: FlaskClient) -> None:
    registered(MARIE)
    row_id = db.session.scalar(select(Registration.id))
    line = ticks(legal.get(LINES, query_string={"seule": f"r{row_id}"}).text)
    over(app)
    issue()
    page = legal.get(LINES, query_string={"seule": f"r{row_id}"}).text
    assert "un agent doit établir un avoir et une nouvelle facture" in page
    assert "Facturer sous ce numéro" not in page
    data = {"seule": f"r{row_id}", "ligne": line, "order_number": "ENG 1"}
    told = legal.post(f"{LINES}facturer", data=data, follow_redirects=True).text
    assert "Une facture émise ne change plus" in told
    assert counted() == 0


def test_a_stale_tab_is_told(app: Flask, legal: FlaskClient) -> None:
    registered(MARIE)
    row_id = db.session.scalar(select(Registration.id))
    line = ticks(legal.get(LINES, query_string={"seule": f"r{row_id}"}).text)
    for number, said in (
        ("ENG 1", "1 ligne est facturée"),
        ("ENG 2", "n’est plus facturée comme cette page le montrait"),
    ):
        data = {"seule": f"r{row_id}", "ligne": line, "order_number": number, "reference": "REF1"}
        assert said in legal.post(f"{LINES}facturer", data=data, follow_redirects=True).text
    assert db.session.scalar(select(OrderOverride.order_number)) == "ENG 1"


def test_forged_lines_of_another_centre_are_not_found(app: Flask, client: FlaskClient, sign_in: SignIn) -> None:
    batch = registered(MARIE)
    key, row_id, fee = batch.key, db.session.scalar(select(Registration.id)), registered_trainer().id
    draft = over(app)
    place = db.session.execute(select(Membership).where(Membership.person_id == person_id(NEIGHBOUR))).scalar_one()
    place.role = "legal_representative"
    db.session.commit()
    sign_in(client, NEIGHBOUR)
    for named in (
        {"seule": f"r{row_id}"},
        {"seule": f"t{fee}"},
        {"brouillon": draft},
        {"recu": key},
        {"commande": "COM1"},
    ):
        assert client.get(LINES, query_string=named).status_code == 404, named
    for name in (f"r{row_id}", f"t{fee}", "r999999", "x", "r", "r-1", "r1e9", "r٣"):
        for act in ("facturer", "retablir"):
            data = {"seule": name, "ligne": f"{name}.abc", "order_number": "ENG 1"}
            assert client.post(f"{LINES}{act}", data=data).status_code == 404, (act, name)
    for named in ({"recu": key},):
        data = {**named, "toutes": "1", "order_number": "ENG 1"}
        assert client.post(f"{LINES}facturer", data=data).status_code == 404
    for named in ({"brouillon": draft}, {"commande": "COM1"}):
        data = {**named, "toutes": "1", "order_number": "ENG 1"}
        assert "Plus rien" in client.post(f"{LINES}facturer", data=data, follow_redirects=True).text
    assert counted() == 0


def test_who_lacks_the_right_is_not_offered_it(app: Flask, client: FlaskClient, sign_in: SignIn) -> None:
    key = registered(MARIE).key
    row_id = db.session.scalar(select(Registration.id))
    sign_in(client, MANAGER)
    assert LINES not in client.get(f"/sessions/{key}/recu").text
    assert LINES not in client.get(f"/mes-enregistrements/show/{row_id}").text
    for act in ("facturer", "retablir", "reunir"):
        data = {"seule": f"r{row_id}", "ligne": f"r{row_id}.x", "order_number": "ENG 1"}
        assert client.post(f"{LINES}{act}", data=data).status_code == 403
    assert counted() == 0
