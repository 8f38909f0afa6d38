"""The electronic invoice: Factur-X 1.09, profile EN 16931 (UN/CEFACT Cross Industry Invoice), written from a `Content`.

Pure, and the same content gives the same bytes: the file that is proved is the file that is stored. Elements stand in the order
of the schema; the numbers in comments are the terms of EN 16931 that they carry.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any, NamedTuple

from lxml import etree

from app.validators.postal import Territory

from . import mentions
from .content import Content, Kind, Line, Party, SellingParty, Vat

#: BT-24.
PROFILE = "urn:cen.eu:en16931:2017"
#: BT-23: services.
PROCESS = "S1"
#: BT-3.
TYPE_CODES = {Kind.INVOICE: "380", Kind.CREDIT_NOTE: "381"}
#: BT-8: the tax is due at the invoice's day, or once it is paid.
ON_ISSUE, ON_PAYMENT = "5", "72"
#: Schemes of identifiers: a company, one of its establishments, an address of the French directory.
SIREN, SIRET, E_ADDRESS = "0002", "0009", "0225"
#: BT-81: credit transfer.
TRANSFER = "30"
UNIT, CURRENCY = "C62", "EUR"
#: Territory → the country of its addresses (ISO 3166-1).
COUNTRIES = {
    Territory.METROPOLE: "FR",
    Territory.GUADELOUPE: "GP",
    Territory.MARTINIQUE: "MQ",
    Territory.GUYANE: "GF",
    Territory.REUNION: "RE",
    Territory.MAYOTTE: "YT",
    Territory.SAINT_PIERRE: "PM",
    Territory.SAINT_BARTHELEMY: "BL",
    Territory.SAINT_MARTIN: "MF",
    Territory.TERRES_AUSTRALES: "TF",
    Territory.WALLIS: "WF",
    Territory.POLYNESIE: "PF",
    Territory.CALEDONIE: "NC",
}

_RSM = "urn:un:unece:uncefact:data:standard:CrossIndustryInvoice:100"
_RAM = "urn:un:unece:uncefact:data:standard:ReusableAggregateBusinessInformationEntity:100"
_UDT = "urn:un:unece:uncefact:data:standard:UnqualifiedDataType:100"
_QDT = "urn:un:unece:uncefact:data:standard:QualifiedDataType:100"
_NAMESPACES = {"rsm": _RSM, "ram": _RAM, "udt": _UDT, "qdt": _QDT}

#: What XML 1.0 has no place for.
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

#: An element of lxml.
_Element = Any


class Said(NamedTuple):
    """What an electronic invoice says of itself: its number, and its totals in euros."""

    number: str
    net: Decimal
    vat: Decimal
    total: Decimal


def said(written: bytes) -> Said:
    """Read number and totals again from an electronic invoice; raise ValueError where it is none."""
    try:
        root = etree.fromstring(written, etree.XMLParser(resolve_entities=False, no_network=True))
        number = root.findtext(f"{{{_RSM}}}ExchangedDocument/{{{_RAM}}}ID") or ""
        totals = root.find(f".//{{{_RAM}}}SpecifiedTradeSettlementHeaderMonetarySummation")
        names = ("TaxBasisTotalAmount", "TaxTotalAmount", "GrandTotalAmount")
        net, vat, total = (Decimal(totals.findtext(f"{{{_RAM}}}{name}")) for name in names)
    except (etree.XMLSyntaxError, AttributeError, TypeError, InvalidOperation) as error:
        raise ValueError from error
    return Said(number, net, vat, total)


def order_of(written: bytes) -> str:
    """Read the order number again from an electronic invoice (BT-13); raise ValueError where it is none."""
    try:
        root = etree.fromstring(written, etree.XMLParser(resolve_entities=False, no_network=True))
    except etree.XMLSyntaxError as error:
        raise ValueError from error
    return root.findtext(f".//{{{_RAM}}}BuyerOrderReferencedDocument/{{{_RAM}}}IssuerAssignedID") or ""


def write(content: Content) -> bytes:
    """Return the invoice or credit note as XML (UTF-8, with declaration)."""
    root = etree.Element(f"{{{_RSM}}}CrossIndustryInvoice", nsmap=_NAMESPACES)
    context = etree.SubElement(root, f"{{{_RSM}}}ExchangedDocumentContext")
    _put(_under(context, "BusinessProcessSpecifiedDocumentContextParameter"), "ID", PROCESS)  # BT-23
    _put(_under(context, "GuidelineSpecifiedDocumentContextParameter"), "ID", PROFILE)  # BT-24
    _head(etree.SubElement(root, f"{{{_RSM}}}ExchangedDocument"), content)
    transaction = etree.SubElement(root, f"{{{_RSM}}}SupplyChainTradeTransaction")
    for line in content.lines:
        _line(_under(transaction, "IncludedSupplyChainTradeLineItem"), line)
    _agreement(_under(transaction, "ApplicableHeaderTradeAgreement"), content)
    delivered = _under(transaction, "ApplicableHeaderTradeDelivery", "ActualDeliverySupplyChainEvent")
    _day(delivered, "OccurrenceDateTime", content.delivered_on)  # BT-72
    _settlement(_under(transaction, "ApplicableHeaderTradeSettlement"), content)
    written: bytes = etree.tostring(root, xml_declaration=True, encoding="UTF-8")
    return written


def _head(document: _Element, content: Content) -> None:
    _put(document, "ID", content.number)  # BT-1
    _put(document, "TypeCode", TYPE_CODES[content.kind])  # BT-3
    _day(document, "IssueDateTime", content.issued_on)  # BT-2
    for code, text in _notes(content):  # BG-1
        if not text:
            continue  # the rules say which one is missing
        note = _under(document, "IncludedNote")
        _put(note, "Content", text)
        _put(note, "SubjectCode", code)


def _notes(content: Content) -> Iterable[tuple[str, str]]:
    """Return subject code and text of the notes; the first three stand on every French invoice, credit notes included."""
    yield "PMT", content.terms.recovery
    yield "PMD", content.terms.penalty
    yield "AAB", content.terms.discount
    if not content.public_buyer:
        yield "BAR", "B2B"
    yield "AAI", " ".join(text for text in (mentions.nature(content), mentions.correction(content)) if text)


def _line(item: _Element, line: Line) -> None:
    _put(_under(item, "AssociatedDocumentLineDocument"), "LineID", str(line.position))  # BT-126
    _put(_under(item, "SpecifiedTradeProduct"), "Name", line.label)  # BT-153
    price = _under(item, "SpecifiedLineTradeAgreement", "NetPriceProductTradePrice")
    _put(price, "ChargeAmount", _number(line.unit_price))  # BT-146
    _put(_under(item, "SpecifiedLineTradeDelivery"), "BilledQuantity", str(line.quantity), unitCode=UNIT)  # BT-129, 130
    settlement = _under(item, "SpecifiedLineTradeSettlement")
    tax = _under(settlement, "ApplicableTradeTax")
    _put(tax, "TypeCode", "VAT")
    _put(tax, "CategoryCode", line.category)  # BT-151
    _put(tax, "RateApplicablePercent", _number(line.rate))  # BT-152
    summation = _under(settlement, "SpecifiedTradeSettlementLineMonetarySummation")
    _put(summation, "LineTotalAmount", _number(line.amount))  # BT-131


def _agreement(agreement: _Element, content: Content) -> None:
    _put(agreement, "BuyerReference", content.service_code)  # BT-10
    _seller(_under(agreement, "SellerTradeParty"), content.seller)
    _party(_under(agreement, "BuyerTradeParty"), content.buyer)
    for name, number in (
        ("BuyerOrderReferencedDocument", content.order_number),  # BT-13
        ("ContractReferencedDocument", content.contract),  # BT-12
    ):
        if number:
            _put(_under(agreement, name), "IssuerAssignedID", number)


def _seller(element: _Element, seller: SellingParty) -> None:
    _party(element, seller)
    name = element.find(f"{{{_RAM}}}Name")
    assert name is not None
    description = etree.Element(f"{{{_RAM}}}Description")  # BT-33
    description.text = _clean(mentions.legal_form(seller))
    if description.text:
        name.addnext(description)


def _party(element: _Element, party: Party) -> None:
    _put(element, "GlobalID", party.siret, schemeID=SIRET)  # BT-29, 46
    _put(element, "Name", party.name)  # BT-27, 44
    if party.siren:
        _put(_under(element, "SpecifiedLegalOrganization"), "ID", party.siren, schemeID=SIREN)  # BT-30, 47
    address = _under(element, "PostalTradeAddress")  # BG-5, 8
    _put(address, "PostcodeCode", party.postcode)
    _put(address, "LineOne", party.street)
    _put(address, "LineTwo", party.extra)
    _put(address, "CityName", party.city)
    _put(address, "CountryID", COUNTRIES[Territory(party.territory)])
    if party.e_address:
        _put(_under(element, "URIUniversalCommunication"), "URIID", party.e_address, schemeID=E_ADDRESS)  # BT-34, 49
    if party.vat_number:
        _put(_under(element, "SpecifiedTaxRegistration"), "ID", party.vat_number, schemeID="VA")  # BT-31, 48


def _settlement(settlement: _Element, content: Content) -> None:
    _put(settlement, "PaymentReference", content.reference)  # BT-83
    _put(settlement, "InvoiceCurrencyCode", CURRENCY)  # BT-5
    if content.kind is Kind.INVOICE:
        means = _under(settlement, "SpecifiedTradeSettlementPaymentMeans")
        _put(means, "TypeCode", TRANSFER)  # BT-81
        _put(_under(means, "PayeePartyCreditorFinancialAccount"), "IBANID", content.seller.iban)  # BT-84
        if content.seller.bic:
            _put(_under(means, "PayeeSpecifiedCreditorFinancialInstitution"), "BICID", content.seller.bic)  # BT-86
    due = ON_ISSUE if content.seller.vat_on_debits else ON_PAYMENT
    for vat in content.vats:
        _vat(_under(settlement, "ApplicableTradeTax"), vat, due)
    period = _under(settlement, "BillingSpecifiedPeriod")
    _day(period, "StartDateTime", content.first_on)  # BT-73
    _day(period, "EndDateTime", content.period_end)  # BT-74
    if content.due_on is not None:
        terms = _under(settlement, "SpecifiedTradePaymentTerms")
        _put(terms, "Description", mentions.payment(content))  # BT-20
        _day(terms, "DueDateDateTime", content.due_on)  # BT-9
    _totals(_under(settlement, "SpecifiedTradeSettlementHeaderMonetarySummation"), content)
    if content.corrects is not None:
        corrected = _under(settlement, "InvoiceReferencedDocument")
        _put(corrected, "IssuerAssignedID", content.corrects.number)  # BT-25
        day = _put(
            _under(corrected, "FormattedIssueDateTime"), "DateTimeString", f"{content.corrects.issued_on:%Y%m%d}"
        )
        assert day is not None
        day.tag = f"{{{_QDT}}}DateTimeString"  # BT-26
        day.set("format", "102")


def _vat(tax: _Element, vat: Vat, due: str) -> None:
    _put(tax, "CalculatedAmount", _number(vat.amount))  # BT-117
    _put(tax, "TypeCode", "VAT")
    _put(tax, "ExemptionReason", vat.mention)  # BT-120
    _put(tax, "BasisAmount", _number(vat.base))  # BT-116
    _put(tax, "CategoryCode", vat.category)  # BT-118
    _put(tax, "DueDateTypeCode", due)  # BT-8
    _put(tax, "RateApplicablePercent", _number(vat.rate))  # BT-119


def _totals(summation: _Element, content: Content) -> None:
    _put(summation, "LineTotalAmount", _number(content.net))  # BT-106
    _put(summation, "TaxBasisTotalAmount", _number(content.net))  # BT-109
    _put(summation, "TaxTotalAmount", _number(content.vat), currencyID=CURRENCY)  # BT-110
    _put(summation, "GrandTotalAmount", _number(content.total))  # BT-112
    _put(summation, "DuePayableAmount", _number(content.total))  # BT-115


def _under(parent: _Element, *names: str) -> _Element:
    """Add elements, each within the one before; return the innermost."""
    for name in names:
        parent = etree.SubElement(parent, f"{{{_RAM}}}{name}")
    return parent


def _put(parent: _Element, name: str, text: str, **attributes: str) -> _Element | None:
    """Add an element that holds a text; an empty text adds nothing: the rules refuse elements without content."""
    if not (text := _clean(text)):
        return None
    element = etree.SubElement(parent, f"{{{_RAM}}}{name}", attributes)
    element.text = text
    return element


def _day(parent: _Element, name: str, day: date) -> None:
    string = etree.SubElement(_under(parent, name), f"{{{_UDT}}}DateTimeString", format="102")
    string.text = f"{day:%Y%m%d}"


def _number(amount: Decimal) -> str:
    return f"{amount:.2f}"


def _clean(text: str) -> str:
    """Return the text without the characters that XML cannot hold."""
    return _NOT_XML.sub("", text)
