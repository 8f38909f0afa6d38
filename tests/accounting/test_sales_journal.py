"""The sales journal: what is written of invoices, credit notes and money, what a file says, and what a closed month keeps."""

from __future__ import annotations

import csv
import io
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import delete, select, text, update
from sqlalchemy.exc import DBAPIError

from app.extensions import db
from app.models import AccountingLine, AccountingPeriod, Allocation, AllocationVat, Invoice, JournalEntry, Seller
from app.services.accounting import accounts, formats, invariants, periods
from app.services.accounting.formats import Format
from app.services.core import clock
from tests.bases import on_both
from tests.invoicing.making import JANUARY, issued
from tests.invoicing.test_credit_notes import give_back
from tests.payments.making import allocation, entry
from tests.support import many, person_id

from . import fec

D = Decimal
FEBRUARY, MARCH = date(2022, 2, 1), date(2022, 3, 1)
AGENT = "agent@demo.example"


class At:
    """Moves « aujourd'hui »."""

    def __init__(self, app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
        self._set = lambda day: monkeypatch.setitem(app.config, "TODAY", day)

    def __call__(self, day: date) -> None:
        """Be at a day."""
        self._set(day)


@pytest.fixture
def at(app: Flask, monkeypatch: pytest.MonkeyPatch) -> At:
    """Give what moves to another day, on 3 February."""
    moved = At(app, monkeypatch)
    moved(date(2022, 2, 3))
    return moved


def on_receipts() -> None:
    """Have the seller pay the VAT when it is paid."""
    db.session.execute(update(Seller).values(vat_on_debits=False))
    db.session.commit()


def on_debits() -> None:
    """Have the seller pay the VAT when it is invoiced."""
    db.session.execute(update(Seller).values(vat_on_debits=True))
    db.session.commit()


def pay(invoice: Invoice, amount: str, vat: str, **source: Any) -> Allocation:
    """Allocate money to an invoice at 20 %, so much of it VAT."""
    made = allocation(amount, invoice.id, **(source or {"entry": entry(amount)}))
    db.session.add(
        AllocationVat(allocation_id=made.id, invoice_id=invoice.id, rate=D("20.00"), amount=D(amount), vat=D(vat))
    )
    db.session.commit()
    return made


def undo(made: Allocation) -> None:
    """Undo an allocation."""
    made.undone_at = clock.now()
    db.session.commit()


def journal(month: date = FEBRUARY) -> list[dict[str, str]]:
    """Return the lines of a month's FEC, read and judged."""
    return fec.read(periods.export(Format.FEC, month), is_closed=periods.of(month) is not None)


def close(month: date) -> AccountingPeriod:
    """Close a month, as an agent."""
    return periods.close(month, person_id(AGENT))


def broken() -> set[str]:
    """Return the invariants of the journal that do not hold."""
    return {one.code for one in invariants.CHECKS if one.breaches()}


def test_an_invoice_debits_its_customer_and_credits_sales_and_vat(at: At) -> None:
    on_debits()
    invoice = issued(*many(3))
    rows = journal()
    assert [(row["CompteNum"], row["Debit"], row["Credit"]) for row in rows] == [
        ("411000", "91,22", "0,00"),
        ("706000", "0,00", "76,02"),
        ("445710", "0,00", "15,20"),
    ]
    assert {row["PieceRef"] for row in rows} == {invoice.public_number}
    assert {(row["EcritureNum"], row["EcritureDate"], row["PieceDate"]) for row in rows} == {
        ("202202000001", "20220203", "20220203")
    }
    assert [(row["CompAuxNum"], row["CompAuxLib"]) for row in rows] == [
        ("123456782", "Centre de formation Demo"),
        ("", ""),
        ("", ""),
    ]
    assert journal(JANUARY) == journal(MARCH) == []


def test_a_credit_note_is_written_the_other_way_round(at: At) -> None:
    on_debits()
    note = give_back(issued(*many(3)), 0)
    rows = [row for row in journal() if row["PieceRef"] == note.public_number]
    assert [(row["CompteNum"], row["Debit"], row["Credit"]) for row in rows] == [
        ("706000", "25,34", "0,00"),
        ("445710", "5,07", "0,00"),
        ("411000", "0,00", "30,41"),
    ]
    assert fec.balances(journal()) == {"411000": D("60.81"), "445710": D("-10.13"), "706000": D("-50.68")}


def test_on_receipts_the_vat_waits_until_money_comes_and_is_due_in_the_month_in_which_it_is_allocated(at: At) -> None:
    on_receipts()
    invoice = issued(*many(3))
    assert fec.balances(journal()) == {"411000": D("91.22"), "445740": D("-15.20"), "706000": D("-76.02")}
    at(date(2022, 3, 7))
    pay(invoice, "45.61", "7.60")
    at(date(2022, 3, 9))
    last = pay(invoice, "45.61", "7.60")
    assert fec.balances(journal()) == {"411000": D("91.22"), "445740": D("-15.20"), "706000": D("-76.02")}
    rows = journal(MARCH)
    assert fec.balances(rows) == {"445710": D("-15.20"), "445740": D("15.20")}
    assert {row["JournalCode"] for row in rows} == {"OD"}
    assert [row["EcritureDate"] for row in rows] == ["20220307", "20220307", "20220309", "20220309"]
    undo(last)
    assert fec.balances(journal(MARCH)) == {"445710": D("-7.60"), "445740": D("7.60")}


@pytest.mark.parametrize("paid_first", [True, False])
def test_what_is_credited_leaves_no_vat_waiting_nor_due_whether_it_was_paid_before_or_not(
    at: At, paid_first: bool
) -> None:
    on_receipts()
    invoice = issued(*many(3))
    paid = pay(invoice, "91.22", "15.20") if paid_first else None
    give_back(invoice, 0, 1)
    found = fec.balances(journal())
    assert (found.get("445710", D(0)), found.get("445740", D(0))) == (
        (D("-5.06"), D(0)) if paid else (D(0), D("-5.06"))
    )
    give_back(invoice, 2) if not paid else undo(paid)
    found = fec.balances(journal())
    assert (found.get("445710", D(0)), found.get("445740", D(0))) == (D(0), D("-5.06") if paid else D(0))
    assert "706000" in found if paid else found == {}


def test_a_month_that_is_closed_gives_the_same_bytes_for_ever_and_what_comes_later_goes_to_the_next(at: At) -> None:
    on_receipts()
    invoice = issued(*many(3))
    at(date(2022, 3, 1))
    open_ = {kind: periods.export(kind, FEBRUARY) for kind in Format}
    closed = close(FEBRUARY)
    before = {kind: periods.export(kind, FEBRUARY) for kind in Format}
    assert before != open_  # a closed one says when its entries were validated
    assert (closed.entries, closed.debit, closed.fec_sha256) == (1, D("91.22"), periods.sha256(before[Format.FEC]))
    # The clock goes wrong: something is issued, and paid, in a month that is closed.
    at(date(2022, 2, 27))
    note = give_back(invoice, 0)
    pay(invoice, "60.81", "10.13")
    accounts.choose("sales", None, "706100", "Formations", person_id(AGENT))
    at(date(2022, 3, 2))
    assert {kind: periods.export(kind, FEBRUARY) for kind in Format} == before
    rows = journal(MARCH)
    assert {(row["EcritureDate"], row["PieceDate"]) for row in rows if row["PieceRef"] == note.public_number} == {
        ("20220301", "20220227")
    }
    assert fec.balances(rows) == {
        "411000": D("-30.41"), "445710": D("-10.13"), "445740": D("15.20"), "706100": D("25.34"),
    }  # fmt: skip
    at(date(2022, 4, 1))
    close(MARCH)
    assert fec.balances(journal(MARCH)) == fec.balances(rows)
    assert journal(date(2022, 4, 1)) == []
    assert not broken()


def test_months_are_closed_once_in_their_order_when_they_are_over(at: At) -> None:
    with pytest.raises(periods.NotNext, match="Rien n’a encore été émis"):
        close(JANUARY)
    issued(*many(1))
    with pytest.raises(periods.NotOver):
        close(FEBRUARY)
    at(date(2022, 4, 2))
    with pytest.raises(periods.NotNext, match="février 2022"):
        close(MARCH)
    close(FEBRUARY)
    with pytest.raises(periods.Closed):
        close(FEBRUARY)
    close(MARCH)  # nothing happened in it
    assert (journal(MARCH), periods.of(MARCH).entries) == ([], 0)  # type: ignore[union-attr]
    noted = db.session.execute(select(JournalEntry.subject_id).where(JournalEntry.action == "accounting.closed"))
    assert sorted(noted.scalars()) == ["2022-02", "2022-03"]


@on_both
def test_the_base_itself_refuses_to_change_a_closed_month(at: At) -> None:
    issued(*many(1))
    at(date(2022, 3, 1))
    close(FEBRUARY)
    changes: list[Any] = [
        update(AccountingLine).values(debit=D("1.00"), credit=D("0.00")),
        delete(AccountingLine),
        update(AccountingPeriod).values(entries=0),
        delete(AccountingPeriod),
    ]
    for change in changes:
        with pytest.raises(DBAPIError, match="never changed"), db.session.begin_nested():
            db.session.execute(change)
    db.session.rollback()
    assert not broken()


@on_both
def test_two_who_close_a_month_at_once_close_it_once(at: At, monkeypatch: pytest.MonkeyPatch) -> None:
    issued(*many(1))
    at(date(2022, 3, 1))
    close(FEBRUARY)
    seen = iter([None])  # the second looked before the first had done it
    monkeypatch.setattr(periods, "of", lambda month: next(seen, None))
    monkeypatch.setattr(periods, "next_to_close", lambda: FEBRUARY)
    monkeypatch.setattr(periods.acts, "last_closed", lambda: None)
    with pytest.raises(periods.Closed):
        close(FEBRUARY)
    monkeypatch.undo()
    assert not broken()


def test_files_say_texts_as_their_readers_take_them() -> None:
    row = formats.Row(
        FEBRUARY, 1, "VE", "Ventes", date(2022, 2, 3), "411000", "Clients", "123456782", "=SUM(A1)\tÉcole « Œuvre » n°1",
        "F2022-000001",
        date(2022, 2, 3), "L’été\r\n–", D("1234567.80"), D("0.00"),
    )  # fmt: skip
    [_, line] = formats.write(Format.FEC, [row], None).decode("ascii").splitlines()
    assert line.split("\t")[7:13] == [
        '=SUM(A1) Ecole " OEuvre " no1', "F2022-000001", "20220203", "L'ete -", "1234567,80", "0,00",
    ]  # fmt: skip
    text = formats.write(Format.CSV, [row], date(2022, 3, 1)).decode("utf-8-sig")
    [heads, said] = list(csv.reader(io.StringIO(text), delimiter=";"))
    assert dict(zip(heads, said, strict=True)) | {
        "Libellé auxiliaire": "'=SUM(A1) École « Œuvre » n°1", "Libellé": "L’été –", "Débit": "1234567,80",
        "Validée le": "01/03/2022",
    } == dict(zip(heads, said, strict=True))  # fmt: skip


def test_the_command_writes_the_file_and_says_what_is_provisional(app: Flask, at: At) -> None:
    issued(*many(3))
    done = export(app, "2022-02", "fec")
    assert (done.exit_code, len(fec.read(done.stdout_bytes, is_closed=False))) == (0, 3)
    assert "Mois non clôturé : cet export est provisoire" in done.stderr
    at(date(2022, 3, 1))
    close(FEBRUARY)
    done = export(app, "2022-02", "fec")
    assert (done.exit_code, len(fec.read(done.stdout_bytes, is_closed=True)), done.stderr) == (0, 3, "")
    assert export(app, "2022-02", "csv").stdout_bytes.count(b"\r\n") == 4
    assert (export(app, "2022-09", "csv").exit_code, export(app, "2022", "csv").exit_code) == (1, 2)


def export(app: Flask, period: str, kind: str) -> Any:
    return app.test_cli_runner().invoke(args=["billing", "export", "--period", period, "--format", kind])


def test_accounts_are_data(at: At) -> None:
    on_debits()
    issued(*many(1))
    who = person_id(AGENT)
    accounts.choose("sales", D("20.00"), "7061 20", "Formations à 20 %", who)
    accounts.choose("sales", None, "706900", "Formations", who)
    accounts.choose("journal_sales", None, "vt", "Ventes", who)
    [customer, sales, _vat] = journal()
    assert (customer["JournalCode"], sales["CompteNum"], sales["CompteLib"]) == ("VT", "706120", "Formations a 20 %")
    assert [(one.rate, one.code) for one in accounts.listing() if one.role == "sales"] == [
        (None, "706900"),
        (D("20.00"), "706120"),
    ]
    accounts.forget("sales", D("20.00"), who)
    assert journal()[1]["CompteNum"] == "706900"
    accounts.forget("sales", D("20.00"), who)  # twice is once
    for role, rate, code, label, field in (
        ("other", None, "706000", "Ventes", "role"),
        ("customer", D("20.00"), "411000", "Clients", "rate"),
        ("sales", None, "601000", "Achats", "code"),
        ("sales", None, "70600000000000", "Ventes", "code"),
        ("journal_vat", None, "TROPLONG", "OD", "code"),
        ("vat_due", None, "445710", " ", "label"),
    ):
        with pytest.raises(accounts.BadAccount) as refused:
            accounts.choose(role, rate, code, label, who)
        assert refused.value.field == field
    acts = db.session.execute(select(JournalEntry.action).where(JournalEntry.action.like("account.%"))).scalars().all()
    assert sorted(acts) == ["account.chosen"] * 3 + ["account.forgotten"]


def test_a_closed_month_that_was_changed_all_the_same_is_found(at: At) -> None:
    issued(*many(1))
    at(date(2022, 3, 1))
    close(FEBRUARY)
    db.session.execute(text("DROP TRIGGER tr_accounting_line_update"))
    db.session.execute(text("UPDATE accounting_line SET label = 'X' WHERE number = 1 AND position = 2"))
    db.session.commit()
    assert broken() == {"accounting.frozen"}
