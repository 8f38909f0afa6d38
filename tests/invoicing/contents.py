"""Invoices and credit notes as values, for tests and benchmarks."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

from app.services.invoicing import reference
from app.services.invoicing.content import (
    Content,
    Corrected,
    Detail,
    Kind,
    Line,
    Party,
    SellingParty,
    Terms,
    Vat,
)
from app.services.reference import amounts

SELLER = SellingParty(
    name="Registre des qualifications",
    siren="800000002",
    siret="80000000200014",
    vat_number="FR22800000002",
    street="1 place du Registre",
    extra="",
    postcode="69000",
    city="Lyon",
    territory="METROPOLE",
    e_address="800000002",
    legal_form="SAS",
    capital="100 000 €",
    rcs="RCS Lyon 800 000 002",
    iban="FR7630006000011234567890189",
    bic="EXMPFRPPXXX",
    vat_on_debits=True,
)
BUYER = Party(
    name="Centre de formation Démo",
    siren="123456782",
    siret="12345678200010",
    vat_number="FR11123456782",
    street="12 rue des Ateliers",
    extra="",
    postcode="69003",
    city="Lyon",
    territory="METROPOLE",
    e_address="123456782",
)
TERMS = Terms(
    penalty="En cas de retard : pénalités au taux de la Banque centrale européenne majoré de 10 points.",
    recovery="Indemnité forfaitaire pour frais de recouvrement en cas de retard : 40 €.",
    discount="Pas d’escompte pour paiement anticipé.",
)
#: CGI 294.
MENTION = "TVA non applicable, article 294 du CGI"
FCO, MODULE = Decimal("25.34"), Decimal("5.07")
NORMAL, REDUCED, NONE = Decimal("20.00"), Decimal("8.50"), Decimal("0.00")
NUMBER, CREDIT_NUMBER, DAY = "F2026-000123", "A2026-000045", date(2026, 11, 3)

#: Label, quantity, unit price, rate.
Sold = tuple[str, int, Decimal, Decimal]
MONTH: tuple[Sold, ...] = (
    ("FCO Complète — Marchandises", 31, FCO, NORMAL),
    ("FIMO Marchandises", 12, FCO, NORMAL),
    ("Passerelle Voyageurs", 3, FCO, NORMAL),
    ("Module FCO — Voyageurs", 14, MODULE, NORMAL),
)


def invoice(sold: Iterable[Sold] = MONTH, **changed: object) -> Content:
    """Return an invoice of these lines; the rate 0 is exempt."""
    lines = tuple(
        Line(at, label, count, price, rate, "S" if rate else "E", price * count)
        for at, (label, count, price, rate) in enumerate(sold, 1)
    )
    totals = amounts.totals((line.rate, line.amount) for line in lines)
    content = Content(
        kind=Kind.INVOICE,
        number=NUMBER,
        issued_on=DAY,
        due_on=DAY + timedelta(30),
        first_on=date(2026, 10, 6),
        period_end=date(2026, 10, 31),
        delivered_on=date(2026, 10, 30),
        order_number="CMD-2026-77",
        service_code="",
        contract="CT-2026-0014",
        public_buyer=False,
        seller=SELLER,
        buyer=BUYER,
        lines=lines,
        vats=tuple(
            Vat("S" if vat.rate else "E", vat.rate, vat.base, vat.amount, "" if vat.rate else MENTION)
            for vat in totals.vats
        ),
        net=totals.net,
        vat=totals.vat,
        total=totals.gross,
        reference=reference.of(NUMBER),
        terms=TERMS,
    )
    return replace(content, **changed)  # type: ignore[arg-type]


def credit_note(
    sold: Iterable[Sold] = (("FCO Complète — Marchandises", 1, FCO, NORMAL),), **changed: object
) -> Content:
    """Return a credit note on the invoice."""
    return replace(
        invoice(sold),
        kind=Kind.CREDIT_NOTE,
        number=CREDIT_NUMBER,
        due_on=None,
        reference="",
        corrects=Corrected(NUMBER, DAY),
        reason="Formation enregistrée deux fois.",
        **changed,  # type: ignore[arg-type]
    )


def public(sold: Iterable[Sold] = MONTH, **changed: object) -> Content:
    """Return an invoice to a public body."""
    buyer = replace(BUYER, name="Région Exemple, service des transports", vat_number="")
    return invoice(sold, **{"public_buyer": True, "service_code": "SERV-TRANSP", "buyer": buyer, **changed})


def overseas(territory: str, postcode: str, city: str, rate: Decimal) -> Content:
    """Return an invoice to a buyer overseas."""
    buyer = replace(BUYER, territory=territory, postcode=postcode, city=city)
    return invoice([("FCO Complète — Marchandises", 3, FCO, rate)], buyer=buyer)


def long_lines(count: int) -> list[Sold]:
    """Return so many lines of different prices."""
    return [(f"Formation n° {at}, voyageurs et marchandises", 1 + at % 7, FCO + at, NORMAL) for at in range(count)]


def details(content: Content, count: int | None = None) -> list[Detail]:
    """Return the rows of the annex: those of the invoice's lines, or so many."""
    names = [(line.label, line.unit_price) for line in content.lines for _ in range(line.quantity)]
    wanted = count if count is not None else len(names)
    return [
        Detail(
            receipt=f"RE-26-{at // 12:05d}-90QRA",
            registered_on=date(2026, 10, 6) + timedelta(at * 25 // max(wanted, 1)),
            label=names[at % len(names)][0],
            end_date=date(2026, 10, 2) + timedelta(at * 25 // max(wanted, 1)),
            centre_reference="REF-A" if at % 3 else "",
            document_number=f"RF-26-{at:05d}-KFJ2K",
            amount=names[at % len(names)][1],
        )
        for at in range(wanted)
    ]
