"""Registered, invoiced, paid: every difference is explained to the line, whatever was done; what is not is red."""

from __future__ import annotations

import random
from collections import Counter
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, text, update

from app.extensions import db
from app.models import Allocation, AllocationVat, Invoice, Registration, Seller, Trainer
from app.services.accounting import explaining, invariants, periods, reconciling
from app.services.accounting.formats import Format
from app.services.billing import holding
from app.services.core.refusal import Refusal
from app.services.invoicing import credit_notes, running
from app.services.payments import allocating, settlement
from app.services.payments.allocating import Part
from tests.bases import on_both
from tests.invoicing.making import JANUARY, Judge, all_issued, issued
from tests.invoicing.test_credit_notes import amend, end_right, give_back, notes_issued, row_of
from tests.payments.making import allocation, entry
from tests.support import centre_id, many, person_id, registered, registered_trainer

from . import fec

D = Decimal
AGENT = "agent@demo.example"
DECEMBER, FEBRUARY, MARCH = date(2021, 12, 1), date(2022, 2, 1), date(2022, 3, 1)


def told(month: date = JANUARY) -> dict[str, tuple[int, Decimal]]:
    """Return reason → how many lines, and their amount, of the demonstration centre's month, which is not red."""
    bridge = reconciling.of_centre(month, centre_id())
    assert bridge.gaps == (0, 0, 0, 0), bridge
    for reason, count, _ in bridge.told():
        assert explaining.lines(month, centre_id(), reason, 1).total == count
    return {one.value: (count, amount) for one, count, amount in bridge.told()}


def registered_in(month: date, *rows: dict[str, str]) -> None:
    """Register lines on the last day of a month but three."""
    batch = registered(*rows)
    own = update(Registration).where(Registration.batch_id == batch.id)
    db.session.execute(own.values(registered_on=month.replace(day=28)))
    db.session.commit()


def test_a_month_from_its_lines_to_what_is_left_to_pay(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    at = lambda day: monkeypatch.setitem(app.config, "TODAY", day)  # noqa: E731
    registered_in(JANUARY, *many(6))
    rows = [{**one, "order_number": "COM2"} for one in many(8)[6:]]
    registered_in(JANUARY, *rows)
    db.session.execute(update(Registration).where(Registration.id == row_of(7).id).values(price=D("0.00")))
    db.session.commit()
    at(date(2022, 1, 29))
    assert told() == {"open": (7, D("177.38")), "free": (1, D("0.00"))}
    amend(row_of(0), "duplicate", agent=False)
    at(date(2022, 2, 3))
    running.build(JANUARY)
    held = db.session.execute(select(Invoice).where(Invoice.order_number == "COM2")).scalar_one()
    holding.hold(held.id, person_id(AGENT), "Une ligne est contestée")
    assert told() == {
        "drafted": (5, D("126.70")), "held": (1, D("25.34")), "cancelled": (1, D("25.34")), "free": (1, D("0.00")),
    }  # fmt: skip
    running.issue(JANUARY, Judge())
    invoice = all_issued()[-1]
    amend(row_of(1), "duplicate", credit=True)
    amend(row_of(2), "wrong_permit", permit_number="990000000099")
    [note] = notes_issued()
    assert told() == {
        "held": (1, D("25.34")), "cancelled": (1, D("25.34")), "credited": (1, D("25.34")), "free": (1, D("0.00")),
    }  # fmt: skip
    replaced = told(
        FEBRUARY
    )  # what stands in for a line is registered on its own day, and charged with what it replaces
    assert replaced == {"replaced": (1, D("25.34"))}
    allocation("100.00", invoice.id, entry=entry("100.00"))
    bridge = reconciling.of_centre(JANUARY, centre_id())
    assert (bridge.registered, bridge.charged, bridge.net, bridge.vat, bridge.total) == (
        D("177.38"), D("101.36"), D("101.36"), invoice.vat - note.vat, invoice.total - note.total,
    )  # fmt: skip
    assert (bridge.paid, bridge.left, bridge.overdue) == (D("100.00"), D("21.63"), D("0.00"))
    assert reconciling.listing(JANUARY, 1).total.left == D("21.63")
    at(date(2022, 4, 30))
    assert reconciling.of_centre(JANUARY, centre_id()).overdue == D("21.63")


def test_a_line_that_missed_its_month_is_told_in_both(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    registered_in(JANUARY, *many(2))
    registered_in(DECEMBER.replace(day=1), {**many(3)[2], "order_number": "COM3"})
    monkeypatch.setitem(app.config, "TODAY", date(2022, 2, 3))
    issued()
    late = reconciling.of_centre(JANUARY, centre_id())
    missed = reconciling.of_centre(DECEMBER, centre_id())
    assert (late.charged, late.late, late.net, late.elsewhere) == (D("50.68"), D("25.34"), D("76.02"), D("0.00"))
    assert (missed.charged, missed.elsewhere, missed.net) == (D("25.34"), D("25.34"), D("0.00"))
    assert told(DECEMBER) == told() == {}
    [line] = explaining.lines(JANUARY, centre_id(), explaining.LATE, 1).rows
    assert line.invoice is not None
    assert line.invoice.order_number == "COM3"
    assert [one.line.ref for one in explaining.lines(DECEMBER, centre_id(), explaining.ELSEWHERE, 1).rows] == [
        line.line.ref
    ]


def test_a_line_replaced_on_a_draft_is_told_in_its_own_month(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    registered_in(JANUARY, *many(1))
    monkeypatch.setitem(app.config, "TODAY", date(2022, 2, 3))
    running.build(JANUARY)
    amend(row_of(0), "wrong_permit", permit_number="990000000099")
    running.issue(JANUARY, Judge())
    assert told() == {"cancelled": (1, D("25.34"))}
    assert told(FEBRUARY) == {}
    assert reconciling.of_centre(JANUARY, centre_id()).late == D("25.34")
    assert reconciling.of_centre(FEBRUARY, centre_id()).elsewhere == D("25.34")


@on_both
def test_what_is_not_explained_is_red_and_comes_first(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    registered_in(JANUARY, *many(2))
    monkeypatch.setitem(app.config, "TODAY", date(2022, 2, 3))
    issued()
    assert reconciling.listing(JANUARY, 1).red == 0
    if db.engine.dialect.name == "sqlite":
        db.session.execute(text("DROP TRIGGER tr_invoice_item_update"))
    else:
        db.session.execute(text("SET LOCAL session_replication_role = replica"))
    db.session.execute(
        text("UPDATE invoice_item SET amount = amount - 1 WHERE id = (SELECT min(id) FROM invoice_item)")
    )
    found = reconciling.listing(JANUARY, 1)
    assert (found.red, found.rows[0].is_red, found.rows[0].gaps) == (1, True, (D("0.01"), D("-0.01"), 0, 0))
    assert found.total.gap == D("0.02")
    db.session.rollback()


class Walk:
    """Does what people do, at random, day after day."""

    def __init__(self, app: Flask, seed: int) -> None:
        self.app, self.random, self.day, self.count = app, random.Random(seed), date(2022, 1, 10), 0

    def live(self) -> list[Registration]:
        """Return the registrations that count."""
        return list(
            db.session.execute(select(Registration).where(Registration.live()).order_by(Registration.id)).scalars()
        )

    def chosen(self, query: Any) -> Any:
        """Return one of the rows, None where there is none."""
        found = list(db.session.execute(query).scalars())
        return self.random.choice(found) if found else None

    def register(self) -> None:
        """Register some lines, on a day of these months; one of them may be free."""
        count = self.random.randint(1, 3)
        rows = [
            {**one, "order_number": f"C{self.random.randint(1, 3)}"} for one in many(self.count + count)[self.count :]
        ]
        self.count += count
        batch = registered(*rows)
        day = self.day - timedelta(days=self.random.randint(0, 40))
        own = update(Registration).where(Registration.batch_id == batch.id)
        db.session.execute(own.values(registered_on=day))
        if self.random.random() < 0.3:
            db.session.execute(own.where(Registration.line_number == 1).values(price=D("0.00")))
        db.session.commit()

    def trainer(self) -> None:
        """Register a trainer whose fee the centre bears."""
        self.count += 1
        person = {"permit_number": f"7{self.count:011d}", "last_name": "T" + "ABCDEFGHIJ"[self.count % 10] * 3}
        row = registered_trainer(order=f"C{self.random.randint(1, 3)}", email=f"t{self.count}@exemple.fr", **person)
        day = self.day - timedelta(days=self.random.randint(0, 20))
        db.session.execute(update(Trainer).where(Trainer.id == row.id).values(registered_on=day))
        db.session.commit()

    def cancel(self) -> None:
        """Cancel a registration, with a credit note or without."""
        if rows := self.live():
            amend(self.random.choice(rows), "duplicate", credit=self.random.choice([True, False, None]))

    def replace(self) -> None:
        """Put a corrected line in the place of one."""
        if rows := self.live():
            self.count += 1
            amend(self.random.choice(rows), "wrong_permit", permit_number=f"6{self.count:011d}")

    def end_right(self) -> None:
        """Cancel a trainer's right."""
        row = self.chosen(select(Trainer).where(Trainer.live()))
        if row is not None:
            end_right(row, "duplicate")

    def build(self) -> None:
        """Make the drafts of the month before, and hold one."""
        running.build(self.day.replace(day=1) - timedelta(days=1))
        draft = self.chosen(select(Invoice).where(Invoice.state == "draft", Invoice.kind == "invoice"))
        if draft is not None and self.random.random() < 0.4:
            if draft.held_by_id:
                holding.free(draft.id, person_id(AGENT))
            else:
                holding.hold(draft.id, person_id(AGENT), "Contestée")

    def issue(self) -> None:
        """Issue what is ready, credit notes first."""
        running.issue_credits(Judge())
        running.issue(self.day.replace(day=1) - timedelta(days=1), Judge())

    def credit(self) -> None:
        """Give a charge back, or have a whole invoice billed again."""
        invoice = self.chosen(select(Invoice).where(Invoice.state == "issued", Invoice.kind == "invoice"))
        if invoice is None:
            return
        if self.random.random() < 0.3:
            credit_notes.bill_again(invoice.id, "Acheteur changé", person_id(AGENT))
        else:
            give_back(invoice, 0)

    def pay(self) -> None:
        """Pay an invoice in part, or what is left; or undo a payment."""
        done = self.chosen(select(Allocation).where(Allocation.undone_at.is_(None)))
        if done is not None and self.random.random() < 0.3:
            allocating.undo(done.id, person_id(AGENT))
            return
        open_ = [(id_, one.due) for id_, one in settlement.of(self._issued()).items() if one.due > 0]
        if open_:
            id_, due = self.random.choice(open_)
            paid = due if self.random.random() < 0.5 else max(D("0.01"), (due / 2).quantize(D("0.01")))
            allocating.allocate(entry(str(paid)).id, [Part(id_, paid)], person_id(AGENT))

    def close(self) -> None:
        """Close the next month of the journal, where it is over."""
        if month := periods.next_to_close():
            periods.close(month, person_id(AGENT))

    def wait(self) -> None:
        """Let days go by."""
        self.day = min(self.day + timedelta(days=self.random.randint(3, 20)), date(2022, 4, 20))
        self.app.config["TODAY"] = self.day

    def _issued(self) -> list[int]:
        query = select(Invoice.id).where(Invoice.state == "issued", Invoice.kind == "invoice")
        return list(db.session.execute(query).scalars())


@on_both
@pytest.mark.parametrize("seed", [1, 2])
def test_whatever_is_done_everything_is_explained(app: Flask, seed: int) -> None:
    db.session.execute(update(Seller).values(vat_on_debits=False))
    db.session.commit()
    walk = Walk(app, seed)
    acts = [
        *(walk.register,) * 3, walk.trainer, walk.cancel, walk.cancel, walk.replace, walk.end_right, walk.build, walk.build,
        walk.issue, walk.issue, walk.credit, walk.credit, walk.pay, walk.pay, walk.pay, walk.close, walk.wait, walk.wait,
    ]  # fmt: skip
    seen: set[str] = set()
    months = (date(2021, 11, 1), DECEMBER, JANUARY, FEBRUARY, MARCH, date(2022, 4, 1))
    for step in range(40):
        try:
            walk.random.choice(acts)()
        except Refusal:
            db.session.rollback()
        db.session.expire_all()
        if step % 5 == 4:
            for month in months:
                bridge = reconciling.of_centre(month, centre_id())
                assert bridge.gaps == (0, 0, 0, 0), (step, bridge)
                seen |= {one.value for one, _, _ in bridge.told()}
    for month in months:
        told(month)
    assert len(seen) > 3
    rows = [
        row
        for month in months
        for row in fec.read(periods.export(Format.FEC, month), is_closed=periods.of(month) is not None)
    ]
    found, (total, vat, due) = fec.balances(rows), owed()
    assert found.get("411000", D(0)) == total
    assert found.get("445710", D(0)) == -due
    assert found.get("445740", D(0)) == due - vat
    assert found.get("706000", D(0)) == vat - total
    assert not [one.code for one in invariants.CHECKS if one.breaches()]


def owed() -> tuple[Decimal, Decimal, Decimal]:
    """Return what issued invoices come to, less their credit notes, the VAT in it, and what of that is paid: of each rate of an
    invoice, as much as was charged and was received.
    """
    total, charged, paid = D(0), Counter[tuple[int, Decimal]](), Counter[tuple[int, Decimal]]()
    for one in all_issued():
        sign = -1 if one.corrects_id else 1
        total += sign * one.total
        for each in one.vats:
            charged[one.corrects_id or one.id, each.rate] += sign * each.vat
    shares = select(AllocationVat).join(Allocation, Allocation.id == AllocationVat.allocation_id)
    for share in db.session.execute(shares.where(Allocation.undone_at.is_(None))).scalars():
        paid[share.invoice_id, share.rate] += share.vat
    vat = sum(charged.values(), D(0))
    return total, vat, sum((max(D(0), min(left, paid[key])) for key, left in charged.items()), D(0))
