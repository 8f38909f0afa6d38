"""Bank entries and allocations that tests of several files need, written as rows."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from app.extensions import db
from app.models import Allocation, BankEntry, BankStatement, Invoice
from app.services.core import clock
from app.services.invoicing import reference
from app.services.payments import importing, matching

from .statements import OWN_IBAN, Move, statement

D = Decimal


def entry(
    amount: str = "100.00", *, day: date = date(2022, 2, 10), remittance: str = "", **values: object
) -> BankEntry:
    """Return an entry of a statement of its own."""
    count = db.session.query(BankEntry).count() + 1
    statement = BankStatement(
        sha256=f"{count:064x}",
        position=1,
        file_name="releve.xml",
        iban=OWN_IBAN,
        name=str(count),
        opened_on=day,
        closed_on=day,
        opening=D("0.00"),
        closing=D(amount),
        entries=1,
        repeated=0,
        repeated_amount=D("0.00"),
        imported_at=clock.now(),
    )
    made = BankEntry(
        statement=statement,
        iban=OWN_IBAN,
        ref=f"REF{count}",
        booked_on=day,
        amount=D(amount),
        remittance=remittance,
        **values,
    )
    db.session.add(made)
    db.session.commit()
    return made


def allocation(amount: str, invoice_id: int | None, **source: object) -> Allocation:
    """Return an allocation as it stands in the base, whatever the services would say of it."""
    made = Allocation(amount=D(amount), invoice_id=invoice_id, paid_on=clock.today(), at=clock.now(), **source)
    db.session.add(made)
    db.session.commit()
    return made


def paid(invoice: Invoice) -> None:
    """Pay an invoice by a transfer that says its reference and its amount."""
    data = statement(Move(str(invoice.total), structured=reference.of(invoice.public_number or "")))
    importing.read_in(data, "releve.xml", None)
    assert matching.run() == 1
