"""What agents do about what the platform said: refusals accepted or contested, rejections billed anew, suspended invoices."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from app.extensions import db
from app.models import Invoice, JournalEntry, Mail, Registration
from app.models.billing.deposits import SENT
from app.services.core import clock
from app.services.core.refusal import Refusal
from app.services.core.transaction import transaction
from app.services.deposits import acts, invariants, payments_told, statuses, watching
from app.services.invoicing import credit_notes, running
from tests.bases import under_the_role
from tests.invoicing.making import Judge, issue_draft, issued
from tests.shortcuts import enter
from tests.support import MARIE, drain, person_id

from .making import AGENT, codes_of, deposit_of, deposited, read, said, use

LATER = timedelta(minutes=6)


def refused(order: str = "SIMU-REFUS", permit: str = "990000000002") -> tuple[Invoice, int]:
    """Return an invoice about which the platform has said something, and the event that is shown."""
    invoice = deposited(order, permit)
    read(LATER)
    event = statuses.shown(invoice.id)
    assert event is not None
    return invoice, event.id


def note_of(invoice: Invoice) -> Invoice:
    """Return the credit note of an invoice."""
    db.session.expire_all()
    return db.session.execute(select(Invoice).where(Invoice.corrects_id == invoice.id)).scalar_one()


def waiting() -> int:
    """Return how many invoices wait for an agent."""
    return watching.said()[1]


def sound() -> bool:
    """Tell whether every invariant of deposits holds."""
    return not [one.code for one in invariants.CHECKS if one.breaches()]


@under_the_role
@pytest.mark.parametrize("again", [True, False])
def test_an_accepted_refusal_is_an_internal_credit_note(app: Flask, again: bool) -> None:
    """Of the whole; what is valid is billed anew, at once or with the next month. The training stands."""
    invoice, event = refused()
    assert waiting() == 1
    acts.accept(invoice.id, event, "Numéro de commande faux", person_id(AGENT), bills_again=again)
    assert waiting() == 0
    note = issue_draft(note_of(invoice))
    assert (note.internal, note.rebills, note.total) == (True, again, invoice.total)
    assert db.session.execute(select(Registration.cancelled_on)).scalars().all() == [None]
    drafts = select(Invoice).where(Invoice.state == "draft", Invoice.kind == "invoice")
    assert (db.session.execute(drafts).scalars().first() is not None) == again
    assert codes_of(invoice)[-1] == "accepted"
    assert sound()
    with pytest.raises(acts.Moved):
        acts.accept(invoice.id, event, "encore", person_id(AGENT), bills_again=True)


@under_the_role
def test_a_contested_refusal_is_a_note_to_the_centre(app: Flask) -> None:
    """Mailed to who sees to its invoices; the invoice still stands, and is still refused."""
    invoice, event = refused()
    acts.contest(invoice.id, event, " La commande a\u200b été  reçue le 3. ", person_id(AGENT))
    assert [one.text for one in statuses.answers(invoice.id)] == ["La commande a été reçue le 3."]
    mails = db.session.execute(select(Mail.recipient).where(Mail.kind == "invoice_contested")).scalars().all()
    assert "representant@demo.example" in mails
    assert waiting() == 0
    shown = statuses.shown(invoice.id)
    assert shown is not None
    assert shown.code == "210"
    with pytest.raises(Refusal):
        acts.contest(invoice.id, event, "", person_id(AGENT))
    with pytest.raises(acts.Moved):
        acts.contest(invoice.id, event, "Encore", person_id(AGENT))
    assert sound()


def test_a_rejected_invoice_is_billed_anew_under_a_new_number(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its credit note is internal: the buyer never had it. The new invoice is deposited and passes."""
    invoice, _ = refused("SIMU-REJET")
    assert acts.bill_again(invoice.id, "Adresse électronique fausse", person_id(AGENT))
    assert waiting() == 0
    assert issue_draft(note_of(invoice)).internal
    draft = db.session.execute(select(Invoice).where(Invoice.state == "draft", Invoice.kind == "invoice")).scalar_one()
    again = issue_draft(draft)
    drain()
    read(LATER)
    assert again.public_number == "F2022-000002"
    assert codes_of(again)[-1] == "205"
    assert sound()


def test_the_credit_note_of_an_invoice_that_the_buyer_has_is_deposited(app: Flask) -> None:
    """It was approved: the buyer must have the credit note as well."""
    invoice, _ = refused("ENG 1")
    assert not acts.bill_again(invoice.id, "Commande fausse", person_id(AGENT))
    note = issue_draft(note_of(invoice))
    drain()
    assert not note.internal
    assert deposit_of(note).state == SENT


def test_what_is_given_back_in_whole_waits_for_nobody(app: Flask) -> None:
    """A refused invoice whose lines an agent has all given back has nothing left to decide."""
    invoice, _ = refused()
    lines = [one.id for one in credit_notes.charges(invoice.id)]
    credit_notes.give_back(invoice.id, lines, "Geste commercial", person_id(AGENT))
    assert waiting() == 0
    assert watching.waiting_for(invoice.id) is None


def test_whatever_is_said_of_a_credit_note_is_answered_by_a_note(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing undoes a credit note: the centre is answered."""
    fake = use(monkeypatch)
    invoice = deposited()
    lines = [one.id for one in credit_notes.charges(invoice.id)]
    credit_notes.give_back(invoice.id, lines, "Erreur", person_id(AGENT))
    note = issue_draft(note_of(invoice))
    drain()
    fake.pages = {"": ([said(note, "213", "1", clock.now())], "1")}
    read()
    event = watching.waiting_for(note.id)
    assert event is not None
    acts.contest(note.id, event.id, "Il est joint au relevé.", person_id(AGENT))
    assert waiting() == 0


def test_nothing_is_undone_while_its_deposit_is_on_its_way(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether the buyer has it is not known yet: the agent is asked to come back."""
    fake = use(monkeypatch)
    fake.is_away = True
    invoice = deposited()
    with pytest.raises(acts.UnderWay):
        acts.bill_again(invoice.id, "Commande fausse", person_id(AGENT))
    assert codes_of(invoice) == []


@under_the_role
def test_a_payment_in_part_answers_no_dispute(app: Flask) -> None:
    """What is not contested is paid: the dispute still waits for its agent, and is answered as before."""
    invoice, event = refused("SIMU-LITIGE")
    payload = {"invoice": invoice.id, "day": "2022-02-03", "amounts": [[2000, 100]], "reference": "abc"}
    with clock.moved(clock.machine_now() + LATER), transaction():
        payments_told.carry_out(payload)
    assert codes_of(invoice)[-1] == "212"
    assert waiting() == 1
    acts.contest(invoice.id, event, "La quantité est celle des feuilles de présence.", person_id(AGENT))
    assert waiting() == 0


def test_a_suspended_invoice_is_completed(app: Flask) -> None:
    """208, then 209 by the agent who handed the document in."""
    invoice, event = refused("SIMU-SUSPENS")
    assert waiting() == 1
    acts.complete(invoice.id, event, "Bon de commande signé", person_id(AGENT))
    assert codes_of(invoice)[-1] == "209"
    assert waiting() == 0
    assert sound()


def test_an_invoice_to_recycle_goes_on_under_its_number(app: Flask) -> None:
    """Chorus Pro: the routing changes over there; here it is noted."""
    invoice, event = refused("SIMU-RECYCLER")
    with pytest.raises(acts.Moved):
        acts.complete(invoice.id, event, "x", person_id(AGENT))
    acts.recycle(invoice.id, event, "Code service SRV2", person_id(AGENT))
    assert waiting() == 0
    assert db.session.execute(select(Invoice.public_number)).scalars().all() == ["F2022-000001"]
    acted = db.session.execute(select(JournalEntry.reason).where(JournalEntry.action == "invoice.answered"))
    assert acted.scalars().all() == ["Code service SRV2"]


def test_a_refusal_that_comes_after_an_answer_waits_again(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """The answer was to another one."""
    fake = use(monkeypatch)
    invoice = deposited()
    at = clock.now()
    fake.pages = {"": ([said(invoice, "210", "1", at)], "1")}
    read()
    event = statuses.shown(invoice.id)
    assert event is not None
    acts.contest(invoice.id, event.id, "Non.", person_id(AGENT))
    fake.pages = {"1": ([said(invoice, "210", "2", at)], "2")}
    read()
    assert waiting() == 1


def test_a_deposit_that_failed_is_made_again_by_an_agent(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """Once: the second click finds it on its way."""
    fake = use(monkeypatch)
    fake.refusal = "Profil inconnu."
    invoice = deposited()
    fake.refusal = ""
    acts.deposit_again(invoice.id, person_id(AGENT))
    with pytest.raises(acts.Moved):
        acts.deposit_again(invoice.id, person_id(AGENT))
    drain()
    assert deposit_of(invoice).state == SENT


def test_an_agent_finds_the_deposits_that_failed(
    app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each with what the platform answered; that all is well is said only where it is."""
    all_well = "Toutes les factures émises sont déposées"
    enter(client, AGENT)
    assert all_well in client.get("/facturation/plateforme/").text
    use(monkeypatch).refusal = "Profil inconnu."
    invoice = deposited()
    page = client.get("/facturation/plateforme/").text
    assert all_well not in page
    assert f'Déposer de nouveau<span class="vh"> {invoice.public_number}' in page
    assert "Profil inconnu." in page


def test_an_agent_sees_it_and_answers_on_screen(app: Flask, client: FlaskClient) -> None:
    """« À traiter », the list of the platform, the invoice with its history and its acts; the centre's page and list."""
    invoice, event = refused()
    enter(client, AGENT)
    assert "1 facture attend une réponse : refus, rejet" in client.get("/a-traiter/").text
    listed = client.get("/facturation/plateforme/").text
    assert "Plateforme simulée : aucune facture ne quitte ce registre." in listed
    assert "Le numéro de commande n’est pas connu de l’acheteur." in listed
    month = client.get("/facturation/?mois=2021-12").text
    assert "en échec ou refusée" in month
    troubled = client.get("/facturation/?mois=2021-12&voir=depots").text
    assert invoice.public_number in troubled
    page = client.get(f"/facturation/factures/{invoice.key}").text
    assert "Accepter le refus" in page
    assert "motif CMD_ERR" in page
    answer = client.post(
        f"/facturation/plateforme/{invoice.key}/contester",
        data={"evenement": event, "note": "La commande <b>existe</b>."},
    )
    assert answer.status_code == 302
    again = client.get(f"/facturation/factures/{invoice.key}").text
    assert "Contesté : note au centre" in again
    assert "La commande &lt;b&gt;existe&lt;/b&gt;." in again
    assert "Accepter le refus" not in again
    for typed in ("", "x", "99999999999999999999", str(event)):
        told = client.post(
            f"/facturation/plateforme/{invoice.key}/accepter",
            data={"evenement": typed, "reason": "y"},
            headers={"Referer": f"http://localhost/facturation/factures/{invoice.key}"},
            follow_redirects=True,
        )
        assert told.status_code < 500
        assert "un agent y a déjà répondu : rien n’a été fait" in told.text
    enter(client, "representant@demo.example")
    own = client.get(f"/factures/{invoice.key}").text
    assert "Refusée" in own
    assert "La commande &lt;b&gt;existe&lt;/b&gt;." in own
    assert "Refusée" in client.get("/factures/").text
    assert client.post(f"/facturation/plateforme/{invoice.key}/accepter").status_code == 403


def test_the_nights_run_deposits(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the monthly run issues goes the same way."""
    monkeypatch.setitem(app.config, "TODAY", date(2022, 2, 3))
    invoice = issued(MARIE)
    running.issue(date(2022, 1, 1), Judge())
    drain()
    read(LATER)
    assert codes_of(invoice)[-1] == "205"
