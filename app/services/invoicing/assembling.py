"""From rows to what an invoice says: a draft by who sells and who buys today, an issued one by the copies that it holds."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields, replace
from datetime import date, timedelta
from typing import Any, TypeVar

from sqlalchemy import func, select

from app.extensions import db
from app.models import BillingProfile, Centre, Invoice, InvoiceItem, Seller, ServiceContract
from app.models.billing.invoices import CREDIT_NOTE, ISSUED
from app.models.billing.parties import PAYMENT_DAYS
from app.services.billing import missing
from app.services.core.refusal import Refusal
from app.services.reference import vat
from app.validators.postal import territory_of

from . import numbering, reference
from .content import Content, Corrected, Kind, Line, Party, SellingParty, Terms, Vat

#: Late payment: what the law lays down between companies, and for what the State buys (BG-1, PMD).
PENALTY = (
    "Pénalités de retard : taux de refinancement de la BCE majoré de 10 points, sans être inférieur à trois fois le taux"
    " de l’intérêt légal."
)
PENALTY_PUBLIC = "Intérêts moratoires : taux de refinancement de la BCE majoré de 8 points."
RECOVERY = "Indemnité forfaitaire pour frais de recouvrement en cas de retard : 40 €."
DISCOUNT = "Pas d’escompte pour paiement anticipé."

KINDS = {one.value: one for one in Kind}
P = TypeVar("P", bound=Party)


class Incomplete(Refusal):
    """Something that the invoice has to say is not known: who sells, or how the centre is billed."""

    message = "Cette facture n’est pas complète : le vendeur ou les coordonnées de facturation du centre manquent."


@dataclass(frozen=True, slots=True)
class Source:
    """Whence a draft's content is taken: the rows that the issued invoice will name."""

    content: Content
    seller_id: int
    contract_id: int | None


def of_draft(invoice: Invoice, day: date) -> Source:
    """Return what a draft says if issued on a day, under a number of the right shape; raise :class:`Incomplete`."""
    number = numbering.specimen(invoice.kind, day.year)
    if invoice.kind == CREDIT_NOTE:
        corrected = invoice.corrects
        assert corrected is not None
        assert corrected.seller_id is not None
        copies = (corrected.seller_json or {}, corrected.buyer_json or {})
        said = _content(invoice, number, day, None, corrected.service_code, corrected.contract_id, *copies)
        return Source(said, corrected.seller_id, corrected.contract_id)
    seller, profile = missing.seller_on(day), _profile(invoice.centre_id)
    if seller is None or profile is None:
        raise Incomplete
    centre = invoice.centre
    service = centre.chorus_service if centre.is_public else ""
    copies = (_seller(seller, is_public=centre.is_public), _buyer(centre, profile, day))
    contract_id = _contract(centre.id)
    due_on = day + timedelta(days=profile.payment_days or PAYMENT_DAYS)
    said = _content(invoice, number, day, due_on, service, contract_id, *copies)
    return Source(said, seller.id, contract_id)


def of_issued(invoice: Invoice) -> Content:
    """Return what an issued invoice says, from its own rows alone."""
    assert invoice.state == ISSUED
    assert invoice.public_number is not None
    assert invoice.issued_on is not None
    copies = (invoice.seller_json or {}, invoice.buyer_json or {})
    days = (invoice.public_number, invoice.issued_on, invoice.due_on)
    return _content(invoice, *days, invoice.service_code, invoice.contract_id, *copies)


def numbered(content: Content, number: str) -> Content:
    """Return a content under another number."""
    return replace(content, number=number, reference=_reference(content.kind, number))


def of(invoice: Invoice, day: date) -> Content:
    """Return what an invoice says: a draft as if issued on a day."""
    return of_issued(invoice) if invoice.state == ISSUED else of_draft(invoice, day).content


def copies(content: Content) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return seller and buyer as an issued invoice keeps them, terms with the one, Chorus with the other."""
    seller = {**asdict(content.seller), "terms": asdict(content.terms)}
    return seller, {**asdict(content.buyer), "public_buyer": content.public_buyer}


def _content(
    invoice: Invoice,
    number: str,
    day: date,
    due_on: date | None,
    service_code: str,
    contract_id: int | None,
    seller: dict[str, Any],
    buyer: dict[str, Any],
) -> Content:
    first, last = _days(invoice)
    kind = KINDS[invoice.kind]
    return Content(
        kind=kind,
        number=number,
        issued_on=day,
        due_on=due_on,
        first_on=first,
        period_end=invoice.period_end,
        delivered_on=last,
        order_number=invoice.order_number,
        service_code=service_code,
        contract=f"CTR-{contract_id:06d}" if contract_id else "",
        public_buyer=buyer["public_buyer"],
        seller=_party(SellingParty, seller),
        buyer=_party(Party, buyer),
        lines=_lines(invoice),
        vats=_vats(invoice),
        net=invoice.net,
        vat=invoice.vat,
        total=invoice.total,
        reference=_reference(kind, number),
        terms=Terms(**seller["terms"]),
        corrects=_corrected(invoice) if kind is Kind.CREDIT_NOTE else None,
        reason=invoice.reason,
    )


def _reference(kind: Kind, number: str) -> str:
    return "" if kind is Kind.CREDIT_NOTE else reference.of(number)


def _party(kind: type[P], kept: dict[str, Any]) -> P:
    return kind(**{field.name: kept[field.name] for field in fields(kind)})


def _lines(invoice: Invoice) -> tuple[Line, ...]:
    return tuple(
        Line(one.position, one.label, one.quantity, one.unit_price, one.vat_rate, one.category, one.amount)
        for one in invoice.lines
    )


def _vats(invoice: Invoice) -> tuple[Vat, ...]:
    return tuple(
        Vat(one.category, one.rate, one.base, one.vat, one.mention or _mention(invoice, one.category))
        for one in invoice.vats
    )


def _mention(invoice: Invoice, category: str) -> str:
    """Return why nothing is taxed, on a draft: as its territory said on the last day on which anything was registered so."""
    if category == "S":
        return ""
    if invoice.corrects is not None:
        return next((one.mention for one in invoice.corrects.vats if one.category == category), "")
    query = select(func.max(InvoiceItem.registered_on)).where(
        InvoiceItem.invoice_id == invoice.id, InvoiceItem.vat_rate == 0
    )
    day = db.session.scalar(query)
    return vat.regime_of(invoice.centre_id, day).mention if day else ""


def _days(invoice: Invoice) -> tuple[date, date]:
    """Return the first and the last day on which what it bills was registered."""
    day = InvoiceItem.registered_on
    query = select(func.min(day), func.max(day)).where(InvoiceItem.invoice_id == invoice.id)
    first, last = db.session.execute(query).one()
    return first or invoice.period_start, last or invoice.period_end


def _corrected(invoice: Invoice) -> Corrected:
    corrected = invoice.corrects
    assert corrected is not None
    assert corrected.public_number is not None
    assert corrected.issued_on is not None
    return Corrected(corrected.public_number, corrected.issued_on)


def _profile(centre_id: int) -> BillingProfile | None:
    return db.session.execute(select(BillingProfile).where(BillingProfile.centre_id == centre_id)).scalar_one_or_none()


def _contract(centre_id: int) -> int | None:
    """Return the contract under which a centre registers: the last one signed."""
    own = (ServiceContract.centre_id == centre_id, ServiceContract.signed_on.is_not(None))
    return db.session.scalar(select(func.max(ServiceContract.id)).where(*own))


def _seller(row: Seller, *, is_public: bool) -> dict[str, Any]:
    names = [field.name for field in fields(SellingParty) if field.name not in ("extra", "territory")]
    terms = Terms(PENALTY_PUBLIC if is_public else PENALTY, RECOVERY, DISCOUNT)
    where = {"extra": "", "territory": territory_of(row.postcode).value}
    return {**{name: getattr(row, name) for name in names}, **where, "terms": asdict(terms)}


def _buyer(centre: Centre, profile: BillingProfile, day: date) -> dict[str, Any]:
    names = ("name", "siret", "siren", "vat_number", "street", "extra", "postcode", "city", "e_address")
    territory = vat.territory_on(centre.id, day).value
    return {
        **{name: getattr(profile, name) for name in names},
        "territory": territory,
        "public_buyer": centre.is_public,
    }
