"""What agents type of payments and is refused stays in its field; a page says what it does not show, and what was not done."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask.testing import FlaskClient

from app.extensions import db
from app.models import BankEntry, Dunning, Invoice, Mail
from app.models.outbox import MAIL_DROPPED, MAIL_PENDING, MAIL_REFUSED, MAIL_SENT
from app.services.core import clock
from app.services.core.numbers import iban
from app.services.core.reason import REASON_MAX
from app.services.payments import allocating, aside, balances, dunning, dunning_mail, settlement
from app.services.payments.allocating import Part
from app.services.payments.settlement import State
from tests.support import person_id

from .making import D, allocation, entry
from .test_dunning import DUE, Over, accounts
from .test_screens import AGENT, HERE, agent, plain

__all__ = ["accounts", "agent"]
#: A reason that is typed with care, and is too long.
LONG = "Échéancier convenu au téléphone. " * 12


def test_an_entry_set_aside_is_not_refunded(agent: FlaskClient, invoice: Invoice) -> None:
    row = entry("100.00").id
    allocating.allocate(row, [Part(invoice.id, D("91.22"))], None)
    [live] = [one.id for one in db.session.query(allocating.Allocation)]
    allocating.undo(live, person_id(AGENT))
    aside.set_aside(row, "Autre activité", person_id(AGENT))
    assert "Noter un remboursement" not in plain(agent.get(f"{HERE}ecritures/{row}"))
    with pytest.raises(allocating.Moved):
        balances.refund(D("1.00"), clock.today(), "VIR-9", person_id(AGENT), entry_id=row)
    assert db.session.get_one(BankEntry, row).aside_reason == "Autre activité"


def test_what_is_refused_is_still_in_its_field(agent: FlaskClient, invoice: Invoice) -> None:
    assert len(LONG) > REASON_MAX
    row, key = entry("-18.40").id, invoice.key
    other = entry("20.00", remittance="F2022-000001").id
    pause = f"{HERE}retards/factures/{key}/suspendre"
    for address, typed, field in (
        (f"{HERE}ecritures/{row}/mettre-a-part", {"reason": LONG}, "aside-reason"),
        (pause, {"until": "10/02/2022", "reason": LONG}, "reason"),
        (pause, {"until": "10/02/2020", "reason": "Litige"}, "until"),
        (pause, {"until": "31/02/2022", "reason": "Litige"}, "until"),
    ):
        answer = agent.post(address, data=typed)
        assert (answer.status_code, f'href="#{field}"' in answer.text) == (422, True), typed
        assert all(f'value="{value}"' in answer.text for value in typed.values()), typed
    assert dunning.pause_of(invoice.id) is None
    refused = agent.post(f"{HERE}ecritures/{other}/mettre-a-part", data={"reason": ""}).text
    assert " checked" in refused, "what is suggested stays chosen"


def test_late_invoices_say_how_many_there_are_and_keep_what_is_typed(
    agent: FlaskClient, invoice: Invoice, monkeypatch: pytest.MonkeyPatch, over: Over
) -> None:
    over(DUE + timedelta(days=60))
    dunning.nightly()
    [task] = dunning.tasks()
    refused = agent.post(f"{HERE}retards/{task.id}/traiter", data={"reason": LONG})
    assert (refused.status_code, f'value="{LONG}"' in refused.text) == (422, True)
    assert f'href="#fait-{task.id}"' in refused.text
    assert "plus anciens sont affichés" not in refused.text
    monkeypatch.setattr(dunning, "waiting", lambda: 51)
    assert "plus anciens sont affichés" in agent.get(f"{HERE}retards/").text


@pytest.mark.parametrize(
    ("states", "words"),
    [
        ((MAIL_DROPPED, MAIL_DROPPED), "2 courriels non envoyés, devenus sans objet"),
        ((MAIL_SENT, MAIL_REFUSED), "1 courriel envoyé, 1 courriel refusé par la messagerie"),
        ((MAIL_PENDING, MAIL_PENDING), "2 courriels en attente d’envoi"),
    ],
)
def test_a_reminder_says_what_became_of_its_mails(
    accounts: Invoice, agent: FlaskClient, over: Over, states: tuple[str, str], words: str
) -> None:
    over(DUE + timedelta(days=5))
    dunning.nightly()
    rows = db.session.query(Mail).filter(Mail.kind == dunning_mail.KINDS[1]).order_by(Mail.id).all()
    assert len(rows) == len(states)
    for row, state in zip(rows, states, strict=True):
        row.state = state
    db.session.commit()
    assert words in plain(agent.get(f"/facturation/factures/{accounts.key}"))


def test_a_reminder_without_anybody_to_tell_says_so(invoice: Invoice) -> None:
    row = Dunning(
        invoice_id=invoice.id, level=1, day=DUE, at=clock.now(), due=D("1.00"), interest=D("0.00"), done_reason=""
    )
    db.session.add(row)
    db.session.commit()
    assert dunning_mail.fates([row]) == {row.id: "Aucun courriel : personne à qui l’adresser"}


def test_balances_are_read_by_pages(agent: FlaskClient, invoice: Invoice, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(balances, "PAGE", 2)
    centre_id, made = invoice.centre_id, []
    for amount in ("10.00", "11.00", "12.00"):
        made.append(entry(amount, centre_id=centre_id))
        allocation("1.00", invoice.id, bank_entry_id=made[-1].id)
    assert settlement.one(invoice.id).state == State.PARTLY_PAID
    pages = [balances.of_centre(centre_id, number) for number in (1, 2, 3)]
    assert [[one.amount for one in page.rows] for page in pages] == [[9, 10], [11], [11]]
    assert {(page.total, page.page_count) for page in pages} == {(3, 2)}
    first, second = (plain(agent.get(f"{HERE}avoirs/centres/{centre_id}?page={number}")) for number in (1, 2))
    assert ("reste 9,00 €" in first, "reste 11,00 €" in first, "Page 1 sur 2" in first) == (True, False, True)
    assert "reste 11,00 €" in second


def test_an_account_is_read_in_groups_and_breaks_between_them_alone() -> None:
    assert iban("FR76 30006000011234567890189") == "FR76 3000 6000 0112 3456 7890 189"
    assert [iban(text) for text in ("DE89370400440532013000", "compte 12", "", None)] == [
        "DE89 3704 0044 0532 0130 00",
        "compte 12",
        "",
        "",
    ]
