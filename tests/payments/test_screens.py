"""« Encaissements » as agents use it, and what a centre sees of its payments."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, inspect, select

from app.extensions import db
from app.models import Allocation, BankEntry, Invoice, Outbox
from app.services.payments import balances, camt, settlement
from app.services.payments.settlement import State
from tests.bases import UNDER_THE_ROLE
from tests.invoicing.test_credit_notes import give_back
from tests.support import LEGAL, statements

from .making import entry, paid
from .statements import PAYER, Move, statement
from .test_camt import BOMB
from .test_matching import FIRST

BACKENDS = UNDER_THE_ROLE
AGENT = "agent@demo.example"
SignIn = Callable[..., FlaskClient]
HERE = "/encaissements/"


@pytest.fixture
def agent(invoice: Invoice, client: FlaskClient, sign_in: SignIn) -> FlaskClient:
    """Give an agent's browser; an invoice of 91,22 € is to be paid."""
    return sign_in(client, AGENT)


def plain(page: Any) -> str:
    return page.text.replace("\u00a0", " ").replace("\u202f", " ")


def send(browser: FlaskClient, data: bytes, name: str = "releve.xml") -> Any:
    return browser.post(f"{HERE}importer", data={"file": (io.BytesIO(data), name)}, follow_redirects=True)


def state(invoice_id: int) -> State:
    db.session.expire_all()
    return settlement.one(invoice_id).state


def test_an_empty_register_says_what_to_do(agent: FlaskClient) -> None:
    page = plain(agent.get(HERE))
    for said in ("Rien à affecter", "Aucun relevé", "Importez le premier relevé"):
        assert said in page
    late = plain(agent.get(f"{HERE}retards/"))
    assert "Aucun retard de 60 jours" in late


def test_a_statement_is_sent_and_says_what_it_brought(agent: FlaskClient, invoice: Invoice) -> None:
    id_, data = invoice.id, statement(Move("91.22", structured=FIRST), Move("12.00", said="&lt;b&gt;autre"))
    page = plain(send(agent, data))
    assert "2 écritures nouvelles. Affectées d’après la référence et le montant exacts : 1 écriture." in page
    assert ("&lt;b&gt;autre" in page, "<b>autre" in page) == (True, False)
    assert state(id_) == State.PAID
    assert "Rien de nouveau" in plain(send(agent, data))
    opened = plain(agent.get(f"{HERE}releves/1"))
    assert "Relevé 2022-041" in opened
    assert "1 103,22 €" in opened


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "Choisissez le fichier"),
        (b"Date;Montant", "n’est pas un relevé XML"),
        (BOMB, "DOCTYPE"),
        (b" " * (camt.MAX_BYTES + 1), "dépasse 5 Mo"),
        (statement(Move("1.00"), iban=PAYER), "qui n’est celui d’aucune version du vendeur"),
        (statement(Move("1.00"), closing="7.00"), "n’est pas complet"),
    ],
)
def test_a_file_that_is_refused_says_why_beside_its_field(agent: FlaskClient, data: bytes, sentence: str) -> None:
    answer = send(agent, data)
    assert (answer.status_code, sentence in plain(answer)) == (422, True)
    assert 'aria-invalid="true"' in answer.text
    assert db.session.scalar(select(func.count()).select_from(BankEntry)) == 0


def test_many_entries_are_matched_by_the_worker(agent: FlaskClient, invoice: Invoice, monkeypatch: Any) -> None:
    monkeypatch.setattr("app.services.payments.asked.AT_ONCE", 0)
    id_ = invoice.id
    page = plain(send(agent, statement(Move("91.22", structured=FIRST))))
    assert "Le rapprochement est en cours" in page
    assert state(id_) == State.OPEN
    assert db.session.scalar(select(func.count()).select_from(Outbox).where(Outbox.kind == "match")) == 1


def test_an_agent_allocates_what_is_suggested_then_undoes_it(agent: FlaskClient, invoice: Invoice) -> None:
    id_ = invoice.id
    row, other = entry("100.00", remittance="Facture F2022-000001").id, entry("7.00").id
    address = f"{HERE}ecritures/{row}"
    page = agent.get(address).text
    assert re.search(rf'id="facture-{id_}" name="facture" value="{id_}" checked autofocus', page)
    assert 'value="91,22"' in page
    for form, said in (
        ({}, "Cochez une facture"),
        ({"facture": str(id_), f"montant-{id_}": "douze"}, "Indiquez le montant"),
        ({"facture": str(id_), f"montant-{id_}": "91,23"}, "n’attend plus que 91,22 €"),
        ({"facture": "99999", "montant-99999": "1,00"}, "a changé entre-temps"),
        ({"number": "F2022-999999", "amount": "1,00"}, "Aucune facture émise ne porte ce numéro"),
        ({"number": "F2022-000001"}, "Indiquez le montant"),
    ):
        answer = agent.post(f"{address}/affecter", data=form)
        assert (answer.status_code, said in plain(answer)) == (422, True), form
        for typed in form.values():
            assert f'value="{typed}"' in answer.text or typed == "99999" or typed == "1,00", typed
    done = agent.post(f"{address}/affecter", data={"facture": str(id_), f"montant-{id_}": "91,22"})
    assert done.headers["Location"].endswith(f"/ecritures/{other}")
    assert state(id_) == State.PAID
    page = plain(agent.get(address))
    assert "Affectée en partie" in page
    assert "Il reste 8,78 €" in page
    assert "8,78 €" in plain(agent.get(HERE))  # the centre's balance
    allocation = db.session.scalar(select(Allocation.id))
    back = agent.post(
        f"{HERE}ecritures/affectations/{allocation}/defaire", data={"retour": address}, follow_redirects=True
    )
    assert "L’affectation est défaite" in back.text
    assert "<s>" in back.text
    assert state(id_) == State.OPEN
    twice = agent.post(
        f"{HERE}ecritures/affectations/{allocation}/defaire",
        headers={"Referer": f"http://localhost{address}"},
        follow_redirects=True,
    )
    assert "déjà défaite" in twice.text
    for away in ("//voleur.example", "https://voleur.example/encaissements/", "/encaissements/..//x"):
        other_ = agent.post(f"{HERE}ecritures/affectations/{allocation}/defaire", data={"retour": away})
        assert "voleur" not in other_.headers["Location"]


def test_fees_are_set_aside_and_taken_back(agent: FlaskClient) -> None:
    row = entry("-18.40", remittance="Frais de tenue de compte").id
    address = f"{HERE}ecritures/{row}"
    assert "Aucun virement de ce montant" in plain(agent.get(address))
    done = agent.post(f"{address}/mettre-a-part", data={"reason": "Frais de banque"}, follow_redirects=True)
    assert "Plus aucune écriture n’attend" in plain(done)
    assert "Frais de banque" in plain(agent.get(address))
    agent.post(f"{address}/reprendre")
    assert "À affecter" in plain(agent.get(address))


def test_a_balance_is_refunded_or_moved_by_an_agent(agent: FlaskClient, invoice: Invoice) -> None:
    id_, centre = invoice.id, invoice.centre_id
    paid(invoice)
    note = give_back(invoice, 0)
    key, invoice_key = note.key, db.session.get_one(Invoice, id_).key
    assert "Affecter ou rembourser 30,41 €" in plain(agent.get(f"/facturation/factures/{key}"))
    assert "Avoir A2022-000001" in plain(agent.get(f"{HERE}avoirs/centres/{centre}"))
    wrong = agent.post(f"{HERE}avoirs/{key}/affecter", data={"number": "F2022-000001", "amount": "1,00"})
    assert (wrong.status_code, "a changé entre-temps" in plain(wrong)) == (422, True)
    refund = {"amount": "30,41", "refunded_on": "03/02/2022", "reason": ""}
    wrong = agent.post(f"{HERE}avoirs/{key}/rembourser", data=refund)
    assert (wrong.status_code, "Dites comment ce remboursement" in plain(wrong)) == (422, True)
    for amount in ("", "0", "0,00"):
        wrong = agent.post(f"{HERE}avoirs/{key}/rembourser", data={**refund, "amount": amount, "reason": "VIR-9"})
        assert (wrong.status_code, "Indiquez le montant" in plain(wrong)) == (422, True), amount
    assert "remboursement est noté" not in plain(agent.get(f"{HERE}avoirs/{key}"))
    agent.post(f"{HERE}avoirs/{key}/rembourser", data={**refund, "reason": "Virement VIR-9"})
    assert state(id_) == State.PAID
    assert "Remboursé" in plain(agent.get(f"/facturation/factures/{key}"))
    assert "91,22 €" in plain(agent.get(f"/facturation/factures/{invoice_key}"))


def test_balances_are_read_with_the_invoices_that_their_credit_notes_correct(invoice: Invoice) -> None:
    centre = invoice.centre_id
    paid(invoice)
    give_back(invoice, 0)
    db.session.expire_all()
    db.session.expunge_all()
    (balance,) = balances.of_centre(centre).rows
    assert "corrects" not in inspect(balance.note).unloaded  # else the page asks for each


def test_a_refund_of_a_transfer_says_what_is_wrong_with_it(agent: FlaskClient, invoice: Invoice) -> None:
    row = entry("150000.00", remittance="Deux fois").id
    agent.post(f"{HERE}ecritures/{row}/affecter", data={"number": "F2022-000001", "amount": "91,22"})
    address, typed = f"{HERE}ecritures/{row}/rembourser", {"refunded_on": "03/02/2022", "reason": "VIR-9"}
    for wrong, said in (
        ({"amount": ""}, "Indiquez le montant"),
        ({"amount": "0"}, "Indiquez le montant"),
        ({"amount": "149908,79"}, "Il reste 149 908,78 €"),
        ({"amount": "1", "reason": ""}, "Dites comment ce remboursement"),
    ):
        answer = agent.post(address, data={**typed, **wrong})
        assert (answer.status_code, said in plain(answer)) == (422, True), wrong
    agent.post(address, data={**typed, "amount": "149 908,78"})
    assert "Remboursé" in plain(agent.get(f"{HERE}ecritures/{row}"))


def test_the_centre_reads_what_was_received_and_no_bank_entry(
    invoice: Invoice, client: FlaskClient, sign_in: SignIn
) -> None:
    key, due_on = invoice.key, invoice.due_on
    sign_in(client, LEGAL)
    page = plain(client.get("/factures/"))
    for said in ("91,22 €", "À régler", f"À régler avant le {due_on:%d/%m/%Y}"):
        assert said in page
    paid(invoice)
    page = plain(client.get("/factures/"))
    assert ("Payée" in page, "À régler avant" in page) == (True, False)
    page = plain(client.get(f"/factures/{key}"))
    assert "10/02/2022 : virement reçu" in page
    assert PAYER[-8:] not in page.replace(" ", "")
    assert client.get(f"{HERE}ecritures/1").status_code == 403


def test_reminders_are_paused_on_the_invoice_s_page(agent: FlaskClient, invoice: Invoice) -> None:
    key = invoice.key
    page = f"/facturation/factures/{key}"
    agent.post(f"{HERE}retards/factures/{key}/suspendre", data={"until": "10/02/2022", "reason": "Appel du directeur"})
    shown = plain(agent.get(page))
    assert "Suspendues jusqu’au 10/02/2022" in shown
    assert "Appel du directeur" in shown
    agent.post(f"{HERE}retards/factures/{key}/reprendre")
    assert "Suspendre les relances" in plain(agent.get(page))


def test_a_rate_is_added_and_a_wrong_one_said(agent: FlaskClient) -> None:
    wrong = agent.post(f"{HERE}retards/taux", data={"valid_from": "15/03/2026", "rate": "2,15"})
    assert (wrong.status_code, "1er janvier ou un 1er juillet" in plain(wrong), 'value="15/03/2026"' in wrong.text) == (
        422,
        True,
        True,
    )
    agent.post(f"{HERE}retards/taux", data={"valid_from": "01/07/2026", "rate": "2,40"})
    assert "À partir du 01/07/2026 : 2,4 %" in plain(agent.get(f"{HERE}retards/"))


def test_the_list_asks_as_much_for_one_entry_as_for_many(agent: FlaskClient) -> None:
    entry("1.00")
    with statements() as one:
        agent.get(HERE)
    for _ in range(12):
        entry("2.00")
    with statements() as many_:
        agent.get(HERE)
    assert len(many_) <= len(one)
