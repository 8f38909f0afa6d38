"""What an invoice or a credit note says, as values: the one thing that its XML, its page and its screen are made from.

Nothing here reads the base. Amounts are exact decimals in euros with two places, days are days of Paris.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from app.models.billing import invoices
from app.models.types import Labelled


class Kind(Labelled):
    """An invoice, or the credit note that undoes one (in whole or in part)."""

    INVOICE = invoices.INVOICE, "Facture"
    CREDIT_NOTE = invoices.CREDIT_NOTE, "Avoir"


@dataclass(frozen=True, slots=True)
class Party:
    """Who sells or who buys, as copied into the invoice; what is not known is an empty text."""

    name: str
    siren: str
    siret: str
    vat_number: str
    street: str
    extra: str
    postcode: str
    city: str
    #: A code of `validators.postal.Territory`; the country of the address follows from it.
    territory: str
    #: Where electronic invoices are addressed to (scheme 0225).
    e_address: str


@dataclass(frozen=True, slots=True)
class SellingParty(Party):
    """Who sells: what French law wants beside the address (Code de commerce, R123-237), and where to pay."""

    legal_form: str
    capital: str
    rcs: str
    iban: str
    bic: str
    #: The tax is due when the invoice is issued (option for debits), not when it is paid.
    vat_on_debits: bool


@dataclass(frozen=True, slots=True)
class Line:
    """So many of one thing at one price and rate; ``amount`` is quantity × unit price, excluding VAT."""

    position: int
    label: str
    quantity: int
    unit_price: Decimal
    rate: Decimal
    #: `models.billing.parties.VatCategory`, S or E.
    category: str
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Vat:
    """The VAT of one category and rate, worked out once on the sum of its lines; ``mention``: why nothing is taxed (BT-120)."""

    category: str
    rate: Decimal
    base: Decimal
    amount: Decimal
    mention: str


@dataclass(frozen=True, slots=True)
class Corrected:
    """The issued invoice that a credit note corrects (BT-25, BT-26)."""

    number: str
    issued_on: date


@dataclass(frozen=True, slots=True)
class Terms:
    """What is said of paying: the penalty's rate and the like, as sentences that stand on the invoice (BG-1)."""

    penalty: str
    recovery: str
    discount: str


@dataclass(frozen=True, slots=True)
class Content:
    """All that an invoice says. A draft is proved under a number, a day and a reference of the same shape as the real ones."""

    kind: Kind
    #: « F2026-000123 », « A2026-000045 » (BT-1).
    number: str
    issued_on: date
    #: The last day to pay; None on a credit note.
    due_on: date | None
    #: The earliest day registered, the end of the period, the last day registered (BT-73, BT-74, BT-72).
    first_on: date
    period_end: date
    delivered_on: date
    #: As billed, letter by letter (BT-13); the service code of a public buyer (BT-10); the contract's number (BT-12).
    order_number: str
    service_code: str
    contract: str
    #: Billed through Chorus: SIREN and SIRET name the buyer, no B2B note.
    public_buyer: bool
    seller: SellingParty
    buyer: Party
    lines: tuple[Line, ...]
    vats: tuple[Vat, ...]
    net: Decimal
    vat: Decimal
    total: Decimal
    #: What a transfer says (ISO 11649, « RF82F2026000123 »; BT-83); empty on a credit note.
    reference: str
    terms: Terms
    corrects: Corrected | None = None
    #: Why a credit note is made, in words; empty on an invoice.
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Detail:
    """A row of the annex: what was registered, without a name, a birth date or a permit number."""

    receipt: str
    registered_on: date
    label: str
    end_date: date
    centre_reference: str
    document_number: str
    amount: Decimal
