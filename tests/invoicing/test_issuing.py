"""Issuing: proved before it takes a number, numbered without gap, frozen by the base, chained; a kill restarts from rows."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import delete, func, select, text, update
from sqlalchemy.exc import DBAPIError

from app.extensions import db
from app.models import (
    Centre,
    Invoice,
    InvoiceItem,
    InvoiceLine,
    InvoiceRun,
    InvoiceSeries,
    InvoiceVat,
    JournalEntry,
    Mail,
    Outbox,
    Seller,
)
from app.services.billing import drafts, holding, profiles
from app.services.core import clock
from app.services.core.refusal import Refusal
from app.services.invoicing import assembling, invariants, issuing, numbering, running
from app.services.invoicing.content import Content
from tests.bases import EVERY, on_sqlite
from tests.support import MARIE, PIERRE, centre_id, many, person_id, registered

from .making import JANUARY, Judge, all_issued, issued

BACKENDS = EVERY
D = Decimal
AGENT = "agent@demo.example"


@pytest.fixture
def over(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Give what moves to another day: 3 February without a word."""

    def move(day: date = date(2022, 2, 3)) -> None:
        monkeypatch.setitem(app.config, "TODAY", day)

    return move


def rules_broken() -> dict[str, list[Any]]:
    """Return the invariants that do not hold."""
    return {one.code: found for one in invariants.CHECKS if (found := one.breaches())}


def test_a_month_is_issued_in_the_order_of_its_numbers(app: Flask, over: Any) -> None:
    registered(MARIE, PIERRE)
    registered({**PIERRE, "order_number": "CMD 2"})
    over()
    running.build(JANUARY)
    judge = Judge()
    done = running.issue(JANUARY, judge)
    assert done.numbers == ["F2022-000001", "F2022-000002"]
    first, second = all_issued()
    assert (first.order_number, first.net, first.vat, first.total) == ("CMD 2", D("25.34"), D("5.07"), D("30.41"))
    assert (second.order_number, second.net, second.vat, second.total) == ("COM1", D("50.68"), D("10.14"), D("60.82"))
    assert (first.issued_on, first.due_on) == (date(2022, 2, 3), date(2022, 3, 5))
    assert {one.number for one in judge.seen} == {"F2022-999999"}
    run = db.session.execute(select(InvoiceRun)).scalar_one()
    assert (run.state, run.issued, run.held, run.drafts) == ("done", 2, 0, 0)
    kinds = list(db.session.execute(select(Outbox.kind).where(Outbox.kind == "invoice_file")).scalars())
    assert len(kinds) == 2
    mails = db.session.execute(select(Mail).where(Mail.kind == "invoice_issued")).scalars().all()
    assert {mail.recipient for mail in mails} >= {"representant@demo.example", "comptabilite@centre-demo.example"}
    acts = list(
        db.session.execute(select(JournalEntry.action).where(JournalEntry.action == "invoice.issued")).scalars()
    )
    assert len(acts) == 2
    assert running.issue(JANUARY, judge).numbers == []
    assert rules_broken() == {}


def test_what_is_not_proved_takes_no_number(app: Flask, over: Any) -> None:
    registered(MARIE)
    over()
    running.build(JANUARY)
    for judge in (None, Judge("BR-CO-13, le total n’est pas la somme")):
        done = running.issue(JANUARY, judge)
        assert (done.numbers, sum(done.refused.values())) == ([], 1)
    draft = db.session.execute(select(Invoice)).scalar_one()
    assert (draft.state, draft.proved_hash, draft.findings) == ("draft", "", "BR-CO-13, le total n’est pas la somme")
    assert db.session.scalar(select(func.count()).select_from(InvoiceSeries)) == 0
    run = db.session.execute(select(InvoiceRun)).scalar_one()
    assert run.state == "issuing"
    assert running.issue(JANUARY, Judge()).numbers == ["F2022-000001"]


def test_a_held_draft_waits_and_is_issued_once_freed(app: Flask, over: Any) -> None:
    registered(MARIE)
    over()
    running.build(JANUARY)
    draft = db.session.execute(select(Invoice)).scalar_one()
    holding.hold(draft.id, person_id(AGENT), "Correction demandée")
    assert running.issue(JANUARY, Judge()).numbers == []
    with pytest.raises(issuing.Held):
        issuing.issue(draft.id, Judge())
    holding.free(draft.id, person_id(AGENT))
    assert issuing.issue(draft.id, Judge(), person_id(AGENT)) == "F2022-000001"
    with pytest.raises(issuing.Held):
        issuing.issue(draft.id, Judge())
    assert all_issued()[0].issued_by_id == person_id(AGENT)


def test_what_changed_after_its_proof_is_proved_again(app: Flask, over: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    registered(MARIE)
    over()
    running.build(JANUARY)
    draft_id = db.session.execute(select(Invoice.id)).scalar_one()

    class Meanwhile(Judge):
        def __call__(self, content: Content) -> Any:
            db.session.execute(update(Seller).values(city="Villeurbanne"))
            db.session.commit()
            return super().__call__(content)

    with pytest.raises(issuing.Held):
        issuing.issue(draft_id, Meanwhile())
    judge = Judge()
    assert issuing.issue(draft_id, judge) == "F2022-000001"
    assert [one.seller.city for one in judge.seen] == ["Villeurbanne"]


def test_an_issued_invoice_says_the_same_whatever_changes_later(app: Flask, over: Any) -> None:
    over()
    invoice = issued(MARIE, {**PIERRE, "order_number": "COM1"})
    before = assembling.of_issued(invoice)
    assert (before.reference[4:], before.corrects) == ("F2022000001", None)
    db.session.execute(update(Seller).values(city="Villeurbanne", iban="-"))
    db.session.execute(update(Centre).values(name="Autre nom"))
    db.session.commit()
    own = db.session.get_one(Centre, invoice.centre_id)
    kept = replace(profiles.values_of(own, profiles.of(own)), name="Autre acheteur")
    profiles.save(own.id, kept, person_id(AGENT), agent=True)
    invoice = all_issued()[0]
    assert assembling.of_issued(invoice) == before
    assert numbering.hash_of(before) == invoice.content_hash


TABLES = ("invoice", "invoice_line", "invoice_vat", "invoice_item")


def thaw() -> None:
    """Take the triggers away, as somebody with all rights on the base's file could."""
    query = text("SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name LIKE 'invoice%'")
    for name in db.session.execute(query).scalars().all():
        db.session.execute(text(f"DROP TRIGGER {name}"))


FROZEN = [
    ("update", "UPDATE invoice SET total = total, net = net + 1, vat = vat - 1 WHERE id = :id"),
    ("update", "UPDATE invoice SET state = 'draft' WHERE id = :id"),
    ("update", "UPDATE invoice SET public_number = 'F2022-000009' WHERE id = :id"),
    ("update", "UPDATE invoice SET buyer_json = '{}' WHERE id = :id"),
    ("delete", "DELETE FROM invoice WHERE id = :id"),
    ("update", "UPDATE invoice_line SET label = 'Autre' WHERE invoice_id = :id"),
    ("delete", "DELETE FROM invoice_line WHERE invoice_id = :id"),
    (
        "insert",
        "INSERT INTO invoice_vat (invoice_id, category, rate, base, vat, mention) VALUES (:id, 'S', 100, 0, 0, '')",
    ),
    ("update", "UPDATE invoice_vat SET vat = vat + 1 WHERE invoice_id = :id"),
    ("delete", "DELETE FROM invoice_vat WHERE invoice_id = :id"),
    ("update", "UPDATE invoice_item SET amount = 0 WHERE invoice_id = :id"),
    ("delete", "DELETE FROM invoice_item WHERE invoice_id = :id"),
]


def test_nothing_of_an_issued_invoice_changes_by_sql(app: Flask, over: Any) -> None:
    over()
    invoice = issued(MARIE)
    id_ = invoice.id
    for _, statement in FROZEN:
        with pytest.raises(DBAPIError, match="never changed"):
            db.session.execute(text(statement), {"id": id_})
        db.session.rollback()
    db.session.execute(
        text("UPDATE invoice SET path = 'a', sha256 = 'b', size = 1, xml_sha256 = 'c' WHERE id = :id"), {"id": id_}
    )
    db.session.commit()
    for column in ("path", "sha256", "xml_sha256"):
        for value in ("'other'", "NULL"):
            with pytest.raises(DBAPIError, match="never changed"):
                db.session.execute(text(f"UPDATE invoice SET {column} = {value} WHERE id = :id"), {"id": id_})
            db.session.rollback()


def test_nothing_of_an_issued_invoice_changes_by_the_program(app: Flask, over: Any) -> None:
    over()
    id_ = issued(MARIE).id

    def change(model: Any, **values: Any) -> None:
        own = Invoice.id == id_ if model is Invoice else model.invoice_id == id_
        row = db.session.execute(select(model).where(own)).scalars().first()
        for name, value in values.items():
            setattr(row, name, value)
        db.session.flush()

    for model, values in (
        (Invoice, {"held_reason": "trop tard"}),
        (InvoiceLine, {"label": "Autre"}),
        (InvoiceVat, {"mention": "Autre"}),
        (InvoiceItem, {"amount": D("1.00")}),
    ):
        with pytest.raises(DBAPIError, match="never changed"):
            change(model, **values)
        db.session.rollback()
    for model in (InvoiceItem, InvoiceVat, InvoiceLine):
        with pytest.raises(DBAPIError, match="never changed"):
            db.session.execute(delete(model))
        db.session.rollback()


@on_sqlite
def test_the_year_of_a_number_is_that_of_its_day(app: Flask, over: Any) -> None:
    registered(MARIE)
    registered({**PIERRE, "order_number": "CMD 2"})
    over(date(2022, 12, 31))
    running.build(JANUARY)
    ids = running.ready(JANUARY)
    assert issuing.issue(ids[0], Judge()) == "F2022-000001"
    over(date(2023, 1, 1))
    assert issuing.issue(ids[1], Judge()) == "F2023-000001"
    series = db.session.execute(select(InvoiceSeries).order_by(InvoiceSeries.year)).scalars()
    assert [(one.year, one.last_number) for one in series] == [(2022, 1), (2023, 1)]


@on_sqlite
def test_a_day_that_goes_back_issues_nothing(app: Flask, over: Any) -> None:
    registered(MARIE)
    registered({**PIERRE, "order_number": "CMD 2"})
    over(date(2022, 2, 4))
    running.build(JANUARY)
    first, second = running.ready(JANUARY)
    issuing.issue(first, Judge())
    over(date(2022, 2, 3))
    with pytest.raises(numbering.Backwards):
        issuing.issue(second, Judge())
    assert len(all_issued()) == 1
    over(date(2022, 2, 4))
    assert issuing.issue(second, Judge()) == "F2022-000002"


@on_sqlite
def test_an_altered_or_removed_invoice_shows(app: Flask, over: Any) -> None:
    registered(*many(1))
    registered({**PIERRE, "order_number": "CMD 2"})
    over()
    running.build(JANUARY)
    running.issue(JANUARY, Judge())
    assert rules_broken() == {}
    first, last = all_issued()
    thaw()
    db.session.execute(
        text("UPDATE invoice_line SET label = 'FIMO Voyageurs' WHERE invoice_id = :id"), {"id": first.id}
    )
    assert "invoice.content" in rules_broken()
    db.session.rollback()
    thaw()
    for table, column in (*((table, "invoice_id") for table in TABLES[1:]), ("invoice", "id")):
        db.session.execute(text(f"DELETE FROM {table} WHERE {column} = :id"), {"id": last.id})
    assert "invoice.series" in rules_broken()
    db.session.rollback()


def test_a_refusal_leaves_nothing_behind(app: Flask, over: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    registered(MARIE)
    over()
    running.build(JANUARY)
    draft_id = db.session.execute(select(Invoice.id)).scalar_one()

    def fail(*_: Any, **__: Any) -> None:
        raise RuntimeError("cut")

    monkeypatch.setattr(issuing.invoice_mail, "make_due", fail)
    with pytest.raises(RuntimeError):
        issuing.issue(draft_id, Judge())
    db.session.rollback()
    assert db.session.scalar(select(func.count()).select_from(InvoiceSeries)) == 0
    assert all_issued() == []
    monkeypatch.undo()
    over()
    assert issuing.issue(draft_id, Judge()) == "F2022-000001"
    assert centre_id()
    assert issubclass(issuing.Held, Refusal)


def paris(*when: int) -> datetime:
    """Return an instant of Paris."""
    return datetime(*when, tzinfo=clock.PARIS)  # type: ignore[misc,arg-type]


@on_sqlite
def test_a_month_ends_at_midnight_in_paris(app: Flask) -> None:
    registered(MARIE)
    for month, before, after in (
        (JANUARY, paris(2022, 1, 31, 23, 59, 59), paris(2022, 2, 1)),
        (date(2024, 2, 1), paris(2024, 2, 29, 23, 59, 59), paris(2024, 3, 1)),
        (date(2024, 3, 1), paris(2024, 3, 31, 3, 0), paris(2024, 4, 1)),  # the night of summer time
        (date(2024, 12, 1), paris(2024, 12, 31, 23, 59, 59), paris(2025, 1, 1)),
    ):
        with clock.moved(before), pytest.raises(drafts.NotYet):
            running.build(month)
        with clock.moved(after):
            running.build(month)
    with clock.moved(paris(2024, 12, 31, 23, 59, 59)):
        assert running.issue(JANUARY, Judge()).numbers == ["F2024-000001"]
