"""Deposits and events: each scenario of the simulated platform, outages, kills, events twice or in any order, two who read."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import func, select, update

from app.extensions import db
from app.jobs import work
from app.models import (
    Centre,
    Invoice,
    JournalEntry,
    Mail,
    Outbox,
    PlatformPoll,
    SimulatedFlow,
    WebhookDelivery,
    WebhookEndpoint,
)
from app.models.billing.deposits import ACKNOWLEDGED, DUE, FAILED, SENT
from app.models.outbox import DEPOSIT, PAYMENT_TOLD, PLATFORM_EVENTS
from app.services.core import clock
from app.services.core.transaction import transaction
from app.services.decisions import to_handle
from app.services.deposits import depositing, payments_told, polling, statuses, watching
from app.services.deposits.platform import Acknowledgement, Answer, FlowRefused
from app.services.deposits.simulated import SCENARIOS, Simulated
from app.services.invoicing import credit_notes, filing
from tests.bases import under_the_role
from tests.billing import making as billing
from tests.invoicing.making import december, issue_draft
from tests.support import centre_id, drain, person_id

from .making import AGENT, codes_of, deposit_of, deposited, events, read, said, use

LATER = timedelta(minutes=6)
AT = datetime(2022, 1, 10, 9, tzinfo=UTC)


@under_the_role
def test_an_issued_invoice_is_deposited_and_what_becomes_of_it_is_read(app: Flask) -> None:
    """From the file to « approuvée »: the state of the deposit, the events, the journal."""
    invoice = deposited()
    assert (deposit_of(invoice).state, deposit_of(invoice).tracking_id) == (SENT, "F2022-000001/1")
    assert deposit_of(invoice).sha256 == invoice.sha256
    read()
    assert deposit_of(invoice).state == ACKNOWLEDGED
    assert codes_of(invoice) == ["200"]
    read(timedelta(minutes=3))
    assert codes_of(invoice) == ["200", "202", "203"]
    read(LATER)
    read(LATER)
    assert codes_of(invoice) == ["200", "202", "203", "205"]
    assert watching.transports([invoice])[invoice.id].words == "Approuvée"
    acts = db.session.execute(
        select(JournalEntry.action).where(JournalEntry.subject_type == "invoice").order_by(JournalEntry.id)
    ).scalars()
    assert [one for one in acts if one != "invoice.issued"] == ["invoice.deposited"] * 2 + ["invoice.event"] * 4


@pytest.mark.parametrize(
    ("order", "code"),
    [
        ("SIMU-REFUS", "210"),
        ("SIMU-LITIGE 7", "207"),
        ("SIMU-SUSPENS", "208"),
        ("SIMU-REJET", "213"),
        ("SIMU-RECYCLER", "A_RECYCLER"),
        ("SIMU-COUPURE", "205"),
        ("ENG SIMU-REFUS", "205"),
    ],
)
def test_each_scenario_follows_from_the_order_number(app: Flask, order: str, code: str) -> None:
    """And says why where something is wrong."""
    invoice = deposited(order)
    for minutes in (0, 2, 15):
        with clock.moved(clock.machine_now() + timedelta(minutes=minutes)):
            polling.make_due()
            drain()
    read(timedelta(minutes=30))
    event = statuses.shown(invoice.id)
    assert event is not None
    assert event.code == code
    assert bool(event.text) == (code != "205")
    assert set(SCENARIOS) >= {"SIMU-REFUS", "SIMU-LITIGE", "SIMU-REJET", "SIMU-LENT", "SIMU-COUPURE"}


def test_a_slow_platform_acknowledges_after_an_hour(app: Flask) -> None:
    """Until then the deposit is sent, and no more than that is said."""
    invoice = deposited("SIMU-LENT")
    read(LATER)
    assert (deposit_of(invoice).state, codes_of(invoice)) == (SENT, [])
    assert watching.transports([invoice])[invoice.id].words == "Dépôt en cours"
    read(timedelta(minutes=61))
    assert (deposit_of(invoice).state, codes_of(invoice)) == (ACKNOWLEDGED, ["200"])
    read(timedelta(days=6))
    assert codes_of(invoice) == ["200", "202", "203", "205"]


def test_the_next_invoice_of_a_rejected_order_number_passes(app: Flask) -> None:
    """So that the simulation shows the way out."""
    first, second = deposited("SIMU-REJET"), deposited("SIMU-REJET", permit="990000000003")
    read(LATER)
    assert (codes_of(first)[-1], codes_of(second)[-1]) == ("213", "205")


def test_an_outage_is_tried_again_for_48_hours_then_waits_for_an_agent(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Eight tries under one tracking id, later and later; then « À traiter »; deposited again by hand it is the same flow."""
    fake = use(monkeypatch)
    fake.is_away = True
    invoice, start = deposited(), clock.machine_now()
    now = start
    while (next_at := deposit_of(invoice).next_at) is not None:
        assert deposit_of(invoice).state == FAILED
        assert watching.failed()[1] == 0
        now = next_at + timedelta(seconds=1)
        with clock.moved(now):
            polling.make_due()
            drain()
    assert [one for one, _ in fake.calls] == ["F2022-000001/1"] * 8
    assert timedelta(hours=36) < now - start < timedelta(hours=48)
    (found,), count = watching.failed()
    assert (found.invoice_id, found.last_error, count) == (invoice.id, "Pas de réponse.", 1)
    fake.is_away = False
    with transaction():
        depositing.again(found)
    drain()
    assert (deposit_of(invoice).state, deposit_of(invoice).attempt, list(fake.flows)) == (SENT, 1, ["F2022-000001/1"])
    assert watching.failed() == ([], 0)


def test_a_refused_flow_is_followed_by_another_attempt(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """Under a tracking id of its own; the first one stays failed, and waits for nobody any more."""
    fake = use(monkeypatch)
    invoice = deposited()
    fake.answer = Acknowledgement(Answer.REFUSED, "Profil inconnu.")
    read()
    deposit = deposit_of(invoice)
    assert (deposit.state, deposit.last_error, watching.failed()[1]) == (FAILED, "Profil inconnu.", 1)
    with transaction():
        depositing.again(deposit)
    drain()
    fake.answer = Acknowledgement(Answer.TAKEN)
    read()
    assert [(one.attempt, one.state) for one in depositing.of_invoice(invoice.id)] == [(2, ACKNOWLEDGED), (1, FAILED)]
    assert watching.failed()[1] == 0


def test_a_flow_refused_at_once_is_not_tried_again(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """Trying would change nothing: an agent sees it at the first refusal."""
    fake = use(monkeypatch)
    fake.refusal = "Somme de contrôle fausse."
    invoice = deposited()
    assert (deposit_of(invoice).state, deposit_of(invoice).next_at) == (FAILED, None)
    assert len(fake.calls) == watching.failed()[1] == 1


@under_the_role
def test_killed_between_the_platform_and_the_base_nothing_is_deposited_twice(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The flow is taken, the base knows nothing of it; the next worker hands the same tracking id over: one flow."""
    fake = use(monkeypatch)
    invoice = issue_draft(billing.draft(permit="990000000002"))
    filing.make(invoice.id)
    depositing.make_due(invoice.id)
    db.session.commit()
    depositing.send(deposit_of(invoice).id)
    db.session.rollback()
    assert (deposit_of(invoice).state, list(fake.flows)) == (DUE, ["F2022-000001/1"])
    drain()
    assert (deposit_of(invoice).state, deposit_of(invoice).flow_id, len(fake.flows)) == (SENT, "flow-0", 1)
    for _ in range(2):  # a bell that rings late
        with transaction():
            depositing.send(deposit_of(invoice).id)
    assert len(fake.calls) == 2


def test_the_same_tracking_id_is_the_same_flow(app: Flask) -> None:
    """With the same file; with another, or with a hash that is not its own, the flow is refused."""
    invoice = deposited()
    simulated, file, sha = Simulated(), filing.pdf_of(invoice), invoice.sha256 or ""
    flow = simulated.submit("F2022-000001/1", file, sha, "B2B")
    assert flow == simulated.submit("F2022-000001/1", file, sha, "B2B") == deposit_of(invoice).flow_id
    assert db.session.scalar(select(func.count()).select_from(SimulatedFlow)) == 1
    with pytest.raises(FlowRefused, match="empreinte"):
        simulated.submit("F2022-000001/2", file, "0" * 64, "B2B")
    with pytest.raises(FlowRefused, match="lisible"):
        simulated.submit("X/1", b"x", "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881", "B2B")


def test_one_live_attempt_an_invoice(app: Flask) -> None:
    """However often a deposit is made due, and whoever does."""
    invoice = deposited()
    for _ in range(2):
        with transaction():
            depositing.make_due(invoice.id)
            assert depositing.catch_up() == 0
    assert len(depositing.of_invoice(invoice.id)) == 1


def test_what_was_issued_before_deposits_were_is_caught_up(app: Flask) -> None:
    """The night deposits what has its file and no deposit."""
    invoice = december()
    filing.make(invoice.id)
    db.session.commit()
    with transaction():
        assert depositing.catch_up() == 1
    drain()
    assert deposit_of(invoice).state == SENT


@under_the_role
def test_events_twice_and_in_any_order_change_nothing(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same event on one page, on two, or after later ones; one of a stranger's invoice is left out."""
    fake = use(monkeypatch)
    invoice = deposited()
    one, two, three = (
        said(invoice, code, code, AT + timedelta(hours=int(code) - 200)) for code in ("200", "202", "205")
    )
    stranger = said(Invoice(public_number="F1999-1"), "210", "x", AT)
    fake.pages = {"": ([three, one, one], "a"), "a": ([two, three], "b"), "b": ([stranger], "c")}
    read()
    assert db.session.scalar(select(PlatformPoll.cursor)) == "c"
    assert sorted(event.code for event in events()) == ["200", "202", "205"]
    assert codes_of(invoice) == ["200", "202", "205"]
    shown = statuses.shown(invoice.id)
    assert shown is not None
    assert shown.code == "205"
    with transaction():
        assert polling.note("fake", [one, two, three]) == 0


def test_reading_goes_on_from_the_cursor(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """A platform that does not answer is noted, and nothing that it told before is read again, or lost."""
    fake = use(monkeypatch)
    invoice = deposited()
    fake.pages = {"": ([said(invoice, "200", "1", AT)], "1")}
    assert polling.make_due()
    assert not polling.make_due()
    drain()
    fake.is_away = True
    read()
    poll = polling.poll_of("fake")
    assert poll is not None
    assert (poll.cursor, poll.last_error, poll.failing_since is not None) == ("1", "Pas de réponse.", True)
    fake.is_away, fake.pages = False, {"1": ([said(invoice, "205", "2", AT)], "2")}
    read()
    poll = polling.poll_of("fake")
    assert poll is not None
    assert (poll.cursor, poll.failing_since, codes_of(invoice)) == ("2", None, ["200", "205"])


@under_the_role
def test_a_reader_who_is_overtaken_keeps_nothing(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two workers read the same page: the one whose cursor has moved meanwhile undoes what it read."""
    fake = use(monkeypatch)
    invoice = deposited()
    read()

    def overtaken(cursor: str) -> tuple[list[object], str]:
        db.session.execute(update(PlatformPoll).values(cursor="elsewhere"))
        return [said(invoice, "210", "1", AT)], "1"

    monkeypatch.setattr(fake, "events", overtaken)
    with transaction():
        polling.read()
    assert events() == []


def test_an_unknown_code_is_kept_and_shown_raw(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """The list of statuses is open."""
    fake = use(monkeypatch)
    invoice = deposited()
    fake.pages = {"": ([said(invoice, "299", "1", AT)], "1")}
    read()
    assert watching.transports([invoice])[invoice.id].words == "Statut 299"


def test_public_buyers_go_by_the_rules_of_public_buyers(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rule B2G, with the profile of the invoice's own copy, whatever the centre has become."""
    fake = use(monkeypatch)
    db.session.execute(update(Centre).values(is_public=True, chorus_service="SRV1"))
    db.session.commit()
    invoice = issue_draft(billing.draft(permit="990000000002"))
    db.session.execute(update(Centre).values(is_public=False))
    db.session.commit()
    drain()
    assert fake.calls == [("F2022-000001/1", "B2G")]
    assert invoice.service_code == "SRV1"


@under_the_role
def test_internal_credit_notes_are_not_deposited(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """Others are. An invoice that an internal one undoes before it left goes to nobody either."""
    fake = use(monkeypatch)
    fake.is_away = True
    invoice = deposited()
    credit_notes.bill_again(invoice.id, "Commande fausse", person_id(AGENT))
    note = issue_draft(db.session.execute(select(Invoice).where(Invoice.corrects_id == invoice.id)).scalar_one())
    fake.is_away = False
    with clock.moved(clock.machine_now() + timedelta(minutes=2)):
        polling.make_due()
        drain()
    assert note.internal
    assert depositing.of_invoice(note.id) == []
    assert fake.flows == {}
    assert (deposit_of(invoice).state, watching.failed()[1]) == (FAILED, 0)
    assert "avoir" in deposit_of(invoice).last_error
    assert watching.transports([invoice])[invoice.id] == watching.UNDONE
    assert watching.month(invoice.period_end).failed == 0
    assert db.session.execute(select(Invoice.id).where(watching.in_trouble(invoice.period_end))).all() == []
    payments_told.carry_out({"invoice": invoice.id, "day": "2022-02-01", "amounts": [], "reference": "x"})
    assert fake.told == []


@under_the_role
def test_a_refusal_is_told_to_agents_once_and_to_the_centres_software(app: Flask) -> None:
    """One mail an agent, invoice and reason; one message an event, with ids and states only."""
    invoice = deposited("SIMU-REFUS")
    listens = {"events": "invoice.issued,invoice.status", "created_by_id": person_id(AGENT), "nonce": "n"}
    db.session.add(WebhookEndpoint(centre_id=centre_id(), url="https://a.example/", created_at=clock.now(), **listens))
    db.session.commit()
    read(LATER)
    mails = db.session.execute(select(Mail).where(Mail.kind == "invoice_refused")).scalars().all()
    assert [(one.recipient, one.values["code"], one.values["reason"]) for one in mails] == [(AGENT, "210", "CMD_ERR")]
    bodies = [json.loads(one) for one in db.session.execute(select(WebhookDelivery.body)).scalars()]
    assert [set(one["data"]) for one in bodies] == [{"number", "status", "happened_at"}] * 4
    assert [(one["type"], one["data"]["status"]) for one in bodies][-1] == ("invoice.status", "210")
    with transaction():
        polling.note("simulated", [said(invoice, "210", "again", AT, reason_code="CMD_ERR")])
    assert db.session.scalar(select(func.count()).select_from(Mail).where(Mail.kind == "invoice_refused")) == 1


@under_the_role
def test_a_payment_is_told_once_it_is_deposited(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """Status 212, with what was received at each rate; told later while the invoice is on its way, once whatever happens."""
    fake = use(monkeypatch)
    invoice = deposited()
    with transaction():
        payments_told.tell(invoice.id, date(2022, 2, 1), [(2000, 3041), (850, 109)])
    row = db.session.execute(select(Outbox).where(Outbox.kind == PAYMENT_TOLD)).scalar_one()
    work.run(row.id)
    assert fake.told == []
    waits = db.session.get_one(Outbox, row.id, populate_existing=True)
    assert (waits.done_at, waits.last_error, to_handle.count_failed()) == (None, None, 0), "on its way is no failure"
    assert waits.due_at > clock.machine_now()
    read()
    payload = db.session.execute(select(Outbox.payload).where(Outbox.kind == PAYMENT_TOLD)).scalar_one()
    for _ in range(2):
        with transaction():
            payments_told.carry_out(payload)
    ((number, day, amounts, _), *_again) = fake.told
    assert (number, day, amounts) == ("F2022-000001", date(2022, 2, 1), [(2000, 3041), (850, 109)])
    (event,) = events()
    assert event.code == "212"
    assert "30,41\u202f€ à 20\u202f%" in event.text.replace("\u00a0", "\u202f")
    with transaction():
        payments_told.carry_out({**payload, "amounts": [[2000, -3041]], "reference": "back"})
    assert events()[-1].text.startswith("N’est plus encaissé")
    assert "-" not in events()[-1].text


@under_the_role
def test_a_payment_waits_for_a_deposit_that_is_still_to_be_made(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """Paid before its file was made, or while its deposit had failed for good: told once an agent has deposited it again."""
    fake = use(monkeypatch)
    invoice = december()
    payload = {"invoice": invoice.id, "day": "2022-02-01", "amounts": [[2000, 3041]], "reference": "x"}
    with pytest.raises(payments_told.Waits):
        payments_told.carry_out(payload)
    fake.refusal = "Destinataire inconnu."
    drain()
    assert deposit_of(invoice).state == FAILED
    with pytest.raises(payments_told.Waits):
        payments_told.carry_out(payload)
    fake.refusal = ""
    with transaction():
        depositing.again(deposit_of(invoice))
    drain()
    read()
    with transaction():
        payments_told.carry_out(payload)
    assert [one.code for one in events()] == ["212"]


def test_flows_that_are_never_answered_do_not_hide_the_others(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    fake = use(monkeypatch)
    monkeypatch.setattr(depositing, "ROUND", 1)
    first, second = deposited("ENG 1"), deposited("ENG 2", "990000000003")
    silent = deposit_of(first).flow_id
    fake.acknowledgement = (  # type: ignore[method-assign]
        lambda flow_id: Acknowledgement(Answer.PENDING if flow_id == silent else Answer.TAKEN)
    )
    for minutes in (1, 2, 3):
        read(timedelta(minutes=minutes))
    assert [deposit_of(one).state for one in (first, second)] == [SENT, ACKNOWLEDGED]


def test_work_of_deposits_bears_kinds_that_fit(app: Flask) -> None:
    """The column holds 20 characters."""
    assert all(len(kind) <= 20 for kind in (DEPOSIT, PLATFORM_EVENTS, PAYMENT_TOLD))
