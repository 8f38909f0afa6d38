"""From a statement to its invoices: what is exact by itself, everything else by an agent, each euro once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from sqlalchemy import func, select

from app.extensions import db
from app.models import Allocation, AllocationVat, BankEntry, BankStatement, Invoice, JournalEntry, Outbox
from app.models.outbox import PAYMENT_TOLD
from app.services.invoicing import reference
from app.services.payments import allocating, importing, invariants, matching, settlement
from app.services.payments.allocating import Part
from app.services.payments.settlement import State
from tests.bases import on_both
from tests.invoicing.making import issued
from tests.invoicing.test_credit_notes import give_back
from tests.support import drain, many, person_id

from .making import D
from .statements import DAY, PAYER, Move, statement

AGENT = "agent@demo.example"
FIRST = reference.of("F2022-000001")


def read_in(*moves: Move, **options: Any) -> importing.Imported:
    """Import a statement and allocate what is exact, as the screen and the command do."""
    done = importing.read_in(statement(*moves, **options), "releve.xml", None)
    matching.run()
    db.session.expire_all()
    return done


def state(invoice: Invoice) -> tuple[Any, State]:
    one = settlement.one(invoice.id)
    return one.due, one.state


def entries() -> list[BankEntry]:
    db.session.expire_all()
    return list(db.session.execute(select(BankEntry).order_by(BankEntry.id)).scalars())


def broken() -> dict[str, list[str]]:
    db.session.expire_all()
    return {one.code: found for one in invariants.CHECKS if (found := one.breaches())}


def told() -> list[Any]:
    """Return what the platform is to be told: day, rate in basis points and cents."""
    query = select(Outbox.payload).where(Outbox.kind == PAYMENT_TOLD).order_by(Outbox.id)
    return [(one["day"], one["amounts"]) for one in db.session.execute(query).scalars()]


@on_both
@pytest.mark.parametrize("said", [f"FACTURE {FIRST}", "Merci, rf " + " ".join(FIRST[2:]) + " janvier"])
def test_an_exact_reference_and_an_exact_amount_pay_by_themselves(invoice: Invoice, said: str) -> None:
    done = read_in(Move("91.22", said=said))
    assert (done.statements, done.entries, done.known) == (1, 1, 0)
    assert state(invoice) == (D("0.00"), State.PAID)
    one = db.session.execute(select(Allocation)).scalar_one()
    assert (one.amount, one.by_id, one.paid_on, entries()[0].centre_id) == (D("91.22"), None, DAY, invoice.centre_id)
    assert told() == [("2022-02-10", [[2000, 9122]])]
    noted = db.session.execute(select(JournalEntry).where(JournalEntry.action == "payment.allocated")).scalar_one()
    assert (noted.subject_id, noted.centre_id, noted.actor_id) == (str(invoice.id), invoice.centre_id, None)
    assert broken() == {}


def test_who_brought_a_statement_may_be_gone_before_it_is_matched(invoice: Invoice) -> None:
    importing.read_in(statement(Move("91.22", structured=FIRST)), "releve.xml", None)
    drain()
    assert state(invoice) == (D("0.00"), State.PAID)


def test_a_reference_in_groups_of_four_is_read(invoice: Invoice) -> None:
    read_in(Move("91.22", said=reference.shown(FIRST).lower()))
    assert state(invoice) == (D("0.00"), State.PAID)


@pytest.mark.parametrize("amount", ["91.21", "91.23", "30.41", "182.44"])
def test_another_amount_is_left_to_an_agent(invoice: Invoice, amount: str) -> None:
    read_in(Move(amount, structured=FIRST))
    assert state(invoice) == (D("91.22"), State.OPEN)
    [entry] = entries()
    [found] = matching.suggestions(entry, entry.amount)
    assert (found.invoice.id, found.due, found.why) == (invoice.id, D("91.22"), ("N° cité",))
    assert found.amount == min(D(amount), D("91.22"))


@pytest.mark.parametrize("wrong", [FIRST[:-1] + "2", "RF00F2022000001", reference.of("F2022-000009"), ""])
def test_a_miswritten_or_unknown_reference_pays_nothing(invoice: Invoice, wrong: str) -> None:
    read_in(Move("91.22", structured=wrong))
    assert state(invoice) == (D("91.22"), State.OPEN)


@on_both
def test_one_transfer_for_several_invoices_when_all_add_up(invoice: Invoice, over: Callable[..., None]) -> None:
    second = issued(*[{**one, "order_number": "COM2"} for one in many(5)[3:]], month=date(2022, 1, 1))
    assert (second.public_number, second.total) == ("F2022-000002", D("60.82"))
    both = f"{FIRST} et {reference.of('F2022-000002')}"
    read_in(Move("152.03", said=both))
    assert [state(one)[1] for one in (invoice, second)] == [State.OPEN, State.OPEN]
    read_in(Move("152.04", said=f"{both} {reference.of('F2022-000003')}", day=date(2022, 2, 11)))
    assert [state(one)[1] for one in (invoice, second)] == [State.OPEN, State.OPEN]
    read_in(Move("152.04", said=both, day=date(2022, 2, 12)))
    assert [state(one) for one in (invoice, second)] == [(D("0.00"), State.PAID)] * 2
    assert broken() == {}


@on_both
def test_the_same_file_and_an_overlapping_one_change_nothing(invoice: Invoice) -> None:
    paying, other = Move("91.22", structured=FIRST), Move("12.00", said="autre")
    read_in(paying, other)
    again = read_in(paying, other)
    assert (again.statements, again.entries, again.known) == (0, 0, 2)
    later = read_in(other, paying, Move("7.00", said="nouveau"), name="2022-042")
    assert (later.statements, later.entries, later.known) == (1, 1, 2)
    assert [one.amount for one in entries()] == [D("91.22"), D("12.00"), D("7.00")]
    last = db.session.execute(select(BankStatement).order_by(BankStatement.id.desc())).scalars().first()
    assert last is not None
    assert (last.repeated, last.repeated_amount) == (2, D("103.22"))
    assert db.session.scalar(select(func.count()).select_from(Allocation)) == 1
    assert broken() == {}


def test_two_transfers_that_say_the_same_on_one_day_are_two(invoice: Invoice) -> None:
    same = Move("5.00", said="cotisation")
    assert read_in(same, same).entries == 2
    assert read_in(same, same, Move("1.00"), name="2022-042").entries == 1
    assert [one.rank for one in entries()] == [1, 2, 1]


def test_a_statement_of_another_account_is_refused(invoice: Invoice) -> None:
    with pytest.raises(importing.NotOurs, match="FR1420041010050500013M02606, qui n’est celui d’aucune version"):
        read_in(Move("91.22", structured=FIRST), iban=PAYER)
    assert entries() == []


@on_both
def test_a_returned_transfer_makes_the_invoice_due_again(invoice: Invoice) -> None:
    read_in(Move("91.22", structured=FIRST))
    read_in(Move("-91.22", said=f"RETOUR {FIRST}", back="AC04", day=date(2022, 2, 14)), name="2022-045")
    assert state(invoice) == (D("91.22"), State.OPEN)
    back = db.session.execute(select(Allocation).where(Allocation.amount < 0)).scalar_one()
    assert (back.returns_id, back.paid_on, back.amount) == (1, date(2022, 2, 14), D("-91.22"))
    assert told() == [("2022-02-10", [[2000, 9122]]), ("2022-02-14", [[2000, -9122]])]
    with pytest.raises(allocating.Moved, match="défaites d’abord ce retour"):
        allocating.undo(1, person_id(AGENT))
    read_in(Move("91.22", structured=FIRST, day=date(2022, 2, 20)), name="2022-050")
    assert state(invoice) == (D("0.00"), State.PAID)
    with pytest.raises(allocating.TooMuch):  # paid again since: the return stays
        allocating.undo(back.id, person_id(AGENT))
    assert broken() == {}


def test_an_agent_allocates_and_undoes_and_nothing_is_allocated_again_by_itself(invoice: Invoice) -> None:
    read_in(Move("100.00", structured=FIRST))
    [entry], agent = entries(), person_id(AGENT)
    for too_much in (D("91.23"), D("100.00")):
        with pytest.raises(allocating.TooMuch, match="n’attend plus que 91,22"):
            allocating.allocate(entry.id, [Part(invoice.id, too_much)], agent)
    with pytest.raises(allocating.TooMuch, match="supérieur à zéro"):
        allocating.allocate(entry.id, [Part(invoice.id, D("-1.00"))], agent)
    [made] = allocating.allocate(entry.id, [Part(invoice.id, D("50.00"))], agent)
    assert state(invoice) == (D("41.22"), State.PARTLY_PAID)
    allocating.allocate(entry.id, [Part(invoice.id, D("41.22"))], agent)
    assert state(invoice) == (D("0.00"), State.PAID)
    vats = db.session.execute(select(AllocationVat.amount, AllocationVat.vat).order_by(AllocationVat.allocation_id))
    assert vats.tuples().all() == [(D("50.00"), D("8.33")), (D("41.22"), D("6.87"))]  # 15,20 in all
    allocating.undo(made, agent)
    assert state(invoice) == (D("50.00"), State.PARTLY_PAID)
    with pytest.raises(allocating.Moved, match="déjà défaite"):
        allocating.undo(made, agent)
    assert [cents for _, [[_, cents]] in told()] == [5000, 4122, -5000]
    matching.run()
    assert state(invoice) == (D("50.00"), State.PARTLY_PAID)
    assert db.session.scalar(select(func.count()).select_from(Allocation)) == 2
    assert broken() == {}


def test_suggestions_know_the_account_the_siren_and_the_only_amount(
    invoice: Invoice, over: Callable[..., None]
) -> None:
    read_in(
        Move("10.00", said="acompte F2022-000001", iban=PAYER),
        Move("91.22", said="sans reference", iban="FR7630001007941234567890185", day=date(2022, 2, 11)),
        Move("20.00", said="Siret 123 456 782 00010", iban="", day=date(2022, 2, 12)),
        Move("30.00", said="SIREN 123456782", iban="", day=date(2022, 2, 13)),
        Move("40.00", said="rien", iban=PAYER, day=date(2022, 2, 14)),
    )
    first, exact, siret, siren, known = entries()
    [named] = matching.suggestions(first, first.amount)
    assert named.why == ("N° cité",)
    allocating.allocate(first.id, [Part(invoice.id, D("10.00"))], person_id(AGENT))
    assert matching.suggestions(exact, exact.amount) == []
    for entry, why in (
        (siret, "SIREN ou SIRET cité"),
        (siren, "SIREN ou SIRET cité"),
        (known, "compte connu de ce centre"),
    ):
        [found] = matching.suggestions(entry, entry.amount)
        assert (found.why, found.due, found.amount) == ((why,), D("81.22"), entry.amount)
    allocating.undo(1, person_id(AGENT))
    assert [one.why for one in matching.suggestions(exact, exact.amount)] == [("seule facture de ce montant",)]


def test_a_credit_note_lowers_the_exact_amount(invoice: Invoice) -> None:
    give_back(invoice, 0)
    read_in(Move("60.81", structured=FIRST))
    assert state(invoice) == (D("0.00"), State.PAID)
    assert told() == [("2022-02-10", [[2000, 6081]])]
    assert broken() == {}
