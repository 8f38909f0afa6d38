"""Entries of the sales journal, from what was issued and paid: which accounts are debited and credited, to the cent.

An invoice debits its customer by the total and credits sales and VAT, each rate apart; a credit note does the reverse. Where
the seller pays the VAT on receipts, it waits on an account of its own until money is allocated, and goes back there where that
is undone: of what a rate charges less its credit notes, as much is due as was paid.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from app.models.billing.accounting import AccountRole, Act
from app.models.billing.invoices import CREDIT_NOTE
from app.services.reference.amounts import ZERO

from .accounts import Account, Accounts


@dataclass(frozen=True, slots=True)
class Vat:
    """What an invoice charges, or a credit note gives back, at one rate."""

    rate: Decimal
    base: Decimal
    vat: Decimal


@dataclass(frozen=True, slots=True)
class Sale:
    """An issued invoice or credit note, as it is written. ``about_id``: the invoice that it is, or gives back."""

    id: int
    about_id: int
    kind: str
    number: str
    total: Decimal
    siren: str
    name: str
    on_debits: bool
    vats: tuple[Vat, ...]

    @property
    def is_credit(self) -> bool:
        """Tell whether it is a credit note."""
        return self.kind == CREDIT_NOTE


@dataclass(frozen=True, slots=True)
class Receipt:
    """Money allocated: what of it is VAT of which invoice, rate by rate, the invoice that it pays first.

    Below zero where a transfer came back, and of the invoice whose credit note pays another.
    """

    id: int
    paid_on: date
    parts: tuple[tuple[Sale, Mapping[Decimal, Decimal]], ...]


@dataclass(frozen=True, slots=True)
class Line:
    """A line: an account, debited or credited, never both."""

    account: Account
    debit: Decimal
    credit: Decimal
    auxiliary: str = ""
    auxiliary_label: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry that balances, and the piece that justifies it."""

    act: Act
    act_id: int
    journal: Account
    day: date
    piece: str
    piece_day: date
    label: str
    lines: tuple[Line, ...]

    @property
    def debit(self) -> Decimal:
        """Return the sum of the debits."""
        return sum((one.debit for one in self.lines), ZERO)


@dataclass
class Standing:
    """Where the VAT of one invoice on receipts stands, rate by rate: charged less credited, and paid."""

    charged: dict[Decimal, Decimal] = field(default_factory=dict)
    paid: dict[Decimal, Decimal] = field(default_factory=dict)

    def charge(self, vats: Iterable[Vat], sign: int) -> dict[Decimal, tuple[Decimal, Decimal]]:
        """Note VAT charged (1) or given back (-1); return rate → how much more is due, and how much more waits."""
        return self._change(self.charged, {one.rate: sign * one.vat for one in vats})

    def pay(self, vats: Mapping[Decimal, Decimal], sign: int) -> dict[Decimal, tuple[Decimal, Decimal]]:
        """Note VAT paid (1) or no longer (-1); return the same."""
        return self._change(self.paid, {rate: sign * vat for rate, vat in vats.items()})

    def _change(
        self, kept: dict[Decimal, Decimal], by: Mapping[Decimal, Decimal]
    ) -> dict[Decimal, tuple[Decimal, Decimal]]:
        before = {rate: self._stands(rate) for rate in by}
        for rate, vat in by.items():
            kept[rate] = kept.get(rate, ZERO) + vat
        after = {rate: self._stands(rate) for rate in by}
        return {rate: (after[rate][0] - due, after[rate][1] - waiting) for rate, (due, waiting) in before.items()}

    def _stands(self, rate: Decimal) -> tuple[Decimal, Decimal]:
        charged = self.charged.get(rate, ZERO)
        due = max(ZERO, min(charged, self.paid.get(rate, ZERO)))
        return due, charged - due


def of_sale(sale: Sale, issued_on: date, day: date, accounts: Accounts, standing: Standing) -> Entry:
    """Return the entry of an invoice or a credit note, and note on ``standing`` what it charges or gives back."""
    sign = -1 if sale.is_credit else 1
    changes = standing.charge(sale.vats, sign)
    if sale.on_debits:
        changes = {one.rate: (sign * one.vat, ZERO) for one in sale.vats}
    lines = [_line(accounts.of(AccountRole.CUSTOMER), sign * sale.total, sale.siren, sale.name)]
    lines += [_line(accounts.of(AccountRole.SALES, one.rate), -sign * one.base) for one in sale.vats]
    for rate, (due, waiting) in changes.items():
        lines.append(_line(accounts.of(AccountRole.VAT_DUE, rate), -due))
        lines.append(_line(accounts.of(AccountRole.VAT_WAITING, rate), -waiting))
    label = f"{'Avoir' if sale.is_credit else 'Facture'} {sale.number} {sale.name}"
    return Entry(
        Act.ISSUED,
        sale.id,
        accounts.of(AccountRole.JOURNAL_SALES),
        day,
        sale.number,
        issued_on,
        label[:120],
        _kept(lines),
    )


def of_receipt(
    act: Act, receipt: Receipt, day: date, accounts: Accounts, standings: MutableMapping[int, Standing]
) -> Entry | None:
    """Return the entry of an allocation, or of its undoing, noted on ``standings`` by invoice; None where no VAT moves."""
    lines = []
    for sale, vats in receipt.parts:
        changes = standings[sale.id].pay(vats, 1 if act == Act.PAID else -1)
        for rate, (due, waiting) in changes.items():
            lines.append(_line(accounts.of(AccountRole.VAT_WAITING, rate), -waiting))
            lines.append(_line(accounts.of(AccountRole.VAT_DUE, rate), -due))
    kept = _kept(lines)
    if not kept:
        return None
    invoice = receipt.parts[0][0]
    what = "TVA encaissée" if act == Act.PAID else "TVA, encaissement défait,"
    label = f"{what} {invoice.number} {invoice.name}"[:120]
    journal = accounts.of(AccountRole.JOURNAL_VAT)
    piece_day = min(receipt.paid_on, day)  # a bank may book ahead of the day on which it says so
    return Entry(act, receipt.id, journal, day, invoice.number, piece_day, label, kept)


def _line(account: Account, debit: Decimal, auxiliary: str = "", auxiliary_label: str = "") -> Line:
    """Return a line of an amount: debited, or credited where it is below zero."""
    return Line(account, max(debit, ZERO), max(-debit, ZERO), auxiliary, auxiliary_label)


def _kept(lines: Sequence[Line]) -> tuple[Line, ...]:
    """Return the lines that say something, debits first."""
    said = [one for one in lines if one.debit or one.credit]
    return tuple(sorted(said, key=lambda one: one.debit == 0))
