"""Reminders: each level once, to whom, with what; none of what is paid, disputed, being corrected, or paused."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import func, select, update

from app.extensions import db
from app.models import BillingProfile, Centre, CorrectionRequest, Dunning, Invoice, InvoiceItem, LateRate, Mail
from app.services.core import clock
from app.services.core.reason import ReasonNeeded
from app.services.notifications import mail
from app.services.payments import allocating, dunning, interest
from app.services.payments.interest import BadRate
from tests.bases import on_both
from tests.invoicing.test_credit_notes import give_back
from tests.invoicing.test_races import both
from tests.support import LEGAL, person_id

from .making import D, allocation, entry, paid
from .test_matching import AGENT

Over = Callable[..., None]
#: The invoice is to be paid by 5 March.
DUE = date(2022, 3, 5)


def after(days: int) -> date:
    return DUE + timedelta(days=days)


@pytest.fixture
def accounts(invoice: Invoice) -> Invoice:
    """Give the invoice of a centre whose accounts have an address."""
    assert invoice.due_on == DUE
    profile = db.session.execute(
        select(BillingProfile).where(BillingProfile.centre_id == invoice.centre_id)
    ).scalar_one()
    profile.accounts_email = "compta@demo.example"
    db.session.commit()
    return invoice


def levels() -> list[int]:
    db.session.expire_all()
    return list(db.session.execute(select(Dunning.level).order_by(Dunning.id)).scalars())


def mails() -> list[tuple[str, str]]:
    query = select(Mail.kind, Mail.recipient).where(Mail.kind.in_(("due_soon", "dunning_1", "dunning_2", "dunning_3")))
    return list(db.session.execute(query.order_by(Mail.id)).tuples())


def said(kind: str) -> str:
    """Return what the last mail of a kind says, as it would leave now."""
    row = db.session.execute(select(Mail).where(Mail.kind == kind).order_by(Mail.id.desc())).scalars().first()
    assert row is not None
    return str(mail._message(row).body)


@on_both
def test_each_level_is_told_once_whatever_is_run_twice(accounts: Invoice, over: Over) -> None:
    for days, expected in (
        (-6, []),
        (-5, [0]),
        (0, [0]),
        (4, [0]),
        (5, [0, 1]),
        (14, [0, 1]),
        (15, [0, 1, 2]),
        (30, [0, 1, 2, 3]),
        (59, [0, 1, 2, 3]),
        (60, [0, 1, 2, 3, 4]),
        (200, [0, 1, 2, 3, 4]),
    ):
        over(after(days))
        dunning.nightly()
        assert dunning.nightly() == 0
        assert levels() == expected, days
    accounts_, legal = "compta@demo.example", LEGAL
    assert mails() == [("due_soon", accounts_)] + [
        (kind, to) for kind in ("dunning_1", "dunning_2", "dunning_3") for to in (accounts_, legal)
    ]
    assert [one.invoice_id for one in dunning.tasks()] == [accounts.id]
    with pytest.raises(ReasonNeeded):
        dunning.done(dunning.tasks()[0].id, " ", person_id(AGENT))
    task = dunning.tasks()[0].id
    dunning.done(task, "Échéancier accordé", person_id(AGENT))
    assert dunning.tasks() == []
    with pytest.raises(allocating.Moved):
        dunning.done(task, "Encore", person_id(AGENT))


def test_a_missed_night_tells_the_level_reached_and_none_before_it(accounts: Invoice, over: Over) -> None:
    over(after(20))
    dunning.nightly()
    assert levels() == [2]


def test_what_a_reminder_says_is_what_the_invoice_says(accounts: Invoice, over: Over) -> None:
    allocation("41.22", accounts.id, entry=entry("41.22", day=date(2022, 2, 10)))
    over(after(-5))
    dunning.nightly()
    text = said("due_soon")
    for one in ("F2022-000001", "à régler avant le 05/03/2022", "Reste à régler : 50,00", "RF88F2022000001"):
        assert one in text.replace("\u00a0", " "), text
    assert "ntérêts" not in text
    over(after(30))
    dunning.nightly()
    text = said("dunning_3").replace("\u00a0", " ")
    for one in (
        "en retard de 30 jours",
        "50,00 €",
        "Intérêts de retard au 04/04/2022 : 0,41 €",
        "40,00 €",
        "ne figurent pas",
    ):
        assert one in text, text


@pytest.mark.parametrize("how", ["paid", "credited", "paused", "asked"])
def test_a_reminder_that_tells_nothing_true_any_more_does_not_leave(accounts: Invoice, over: Over, how: str) -> None:
    over(after(5))
    dunning.nightly()
    if how == "paid":
        paid(accounts)
    elif how == "credited":
        give_back(accounts, 0, 1, 2)
    elif how == "paused":
        dunning.pause(accounts.id, after(10), "Appel du directeur", person_id(AGENT))
    else:
        _ask(accounts)
    with pytest.raises(mail.Void):
        said("dunning_1")


def _ask(invoice: Invoice) -> None:
    item = db.session.execute(select(InvoiceItem).where(InvoiceItem.invoice_id == invoice.id).limit(1)).scalar_one()
    request = CorrectionRequest(
        registration_id=item.registration_id, asked_by_id=person_id(), asked_at=clock.now(), reason_code="other"
    )
    db.session.add(request)
    db.session.commit()


@on_both
def test_nobody_is_reminded_of_what_is_being_corrected_paused_or_paid(accounts: Invoice, over: Over) -> None:
    _ask(accounts)
    over(after(6))
    assert dunning.nightly() == 0
    db.session.execute(update(CorrectionRequest).values(state="refused"))
    db.session.commit()
    agent = person_id(AGENT)
    for bad in (None, after(5), after(600)):
        with pytest.raises(dunning.BadPause):
            dunning.pause(accounts.id, bad, "Appel", agent)
    with pytest.raises(ReasonNeeded):
        dunning.pause(accounts.id, after(8), " ", agent)
    dunning.pause(accounts.id, after(7), "Appel", agent)
    dunning.pause(accounts.id, after(8), "Nouvel appel", agent)
    over(after(8))
    assert dunning.nightly() == 0
    over(after(9))
    assert dunning.nightly() == 1
    assert levels() == [1]
    dunning.pause(accounts.id, after(40), "Litige", agent)
    over(after(15))
    assert dunning.nightly() == 0
    dunning.resume(accounts.id, agent)
    with pytest.raises(dunning.BadPause):
        dunning.resume(accounts.id, agent)
    paid(accounts)
    over(after(40))
    assert dunning.nightly() == 0
    assert levels() == [1]


def test_the_state_is_not_reminded_before_the_day(accounts: Invoice, over: Over) -> None:
    db.session.execute(update(Centre).where(Centre.id == accounts.centre_id).values(is_public=True))
    db.session.commit()
    over(after(-5))
    assert dunning.nightly() == 0
    over(after(5))
    assert dunning.nightly() == 1


def test_a_payment_on_the_statement_is_matched_before_anybody_is_reminded(accounts: Invoice, over: Over) -> None:
    from app.services.payments import importing

    from .statements import Move, statement
    from .test_matching import FIRST

    importing.read_in(statement(Move("91.22", structured=FIRST)), "releve.xml", None)
    over(after(5))
    assert dunning.nightly() == 0
    assert levels() == []


@on_both
def test_two_nights_at_once_tell_once(accounts: Invoice, over: Over, app: Any) -> None:
    over(after(5))
    db.session.remove()
    both(app, 0, dunning.nightly, dunning.nightly)
    with app.app_context():
        from app.services.core import actor

        actor.be(actor.PROGRAM)
        assert db.session.scalar(select(func.count()).select_from(Dunning)) == 1
        assert len(mails()) == 2
        db.session.remove()


D365 = Decimal(36500)


@pytest.mark.parametrize(
    ("changes", "until", "expected"),
    [
        ([(date(2022, 3, 6), D("91.22"))], date(2022, 3, 5), "0.00"),
        ([(date(2022, 3, 6), D("36500.00"))], date(2022, 3, 6), "10.00"),
        ([(date(2022, 3, 6), D("36500.00"))], date(2022, 4, 4), "300.00"),
        ([(date(2022, 3, 6), D("36500.00")), (date(2022, 3, 16), D("3650.00"))], date(2022, 4, 4), "120.00"),
        ([(date(2022, 3, 6), D("36500.00")), (date(2022, 3, 8), D("0.00"))], date(2022, 4, 4), "20.00"),
        ([(date(2022, 6, 30), D("36500.00"))], date(2022, 7, 2), "34.00"),
        ([(date(2019, 12, 31), D("100.00"))], date(2022, 7, 2), None),
    ],
)
def test_interest_runs_day_by_day_at_the_rate_of_each_day(changes: Any, until: date, expected: str | None) -> None:
    rates = [(date(2020, 1, 1), D("10.00")), (date(2022, 7, 1), D("12.00"))]
    found = interest.run_up(changes, rates, until)
    assert (None if found is None else str(found)) == expected
    if found:  # another formula: a sum of days
        whole, day = Decimal(0), changes[0][0]
        while day <= until:
            owed = [amount for since, amount in changes if since <= day][-1]
            whole += owed * [rate for since, rate in rates if since <= day][-1] / D365
            day += timedelta(days=1)
        assert found == whole.quantize(D("0.01"))


def test_an_agent_sets_the_rate_of_a_half_year(invoice: Invoice) -> None:
    agent = person_id(AGENT)
    for day, rate in (
        (date(2026, 3, 1), D("2.15")),
        (None, D("2.15")),
        (date(2026, 7, 1), None),
        (date(2026, 7, 1), D("31")),
    ):
        with pytest.raises(BadRate):
            interest.set_rate(day, rate, agent)
    interest.set_rate(date(2026, 7, 1), D("2.15"), agent)
    interest.set_rate(date(2026, 7, 1), D("2.40"), agent)
    assert db.session.get_one(LateRate, date(2026, 7, 1)).rate == D("2.40")
