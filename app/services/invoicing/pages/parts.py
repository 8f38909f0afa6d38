"""The parts of an invoice's first page, in their order: who sells, what it is, to whom, lines, totals, payment, mentions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any

from reportlab.lib.units import mm
from reportlab.platypus import Spacer, Table

from app.french.spaces import WIDE, for_paper
from app.services.core.numbers import euros, grouped, iban, percent, siren, siret
from app.services.paper import faces
from app.services.paper.tree import Element

from .. import mentions, reference
from ..content import Content, Kind, Line, Party, SellingParty
from . import sheet
from .sheet import figure, paragraph

#: An order number longer than this is set in smaller type.
_LONG_ORDER = 16
_PANEL, _GAP = 86 * mm, 8 * mm
_LINE_WIDTHS = (80 * mm, 20 * mm, 32 * mm, 16 * mm, 30 * mm)
_SUM, _SUM_ROOM = 90 * mm, 32 * mm
#: With more lines than this they stand closer, so that most invoices take one page.
_ROOMY = 10
_FLAT = [("FONTNAME", (0, 0), (-1, -1), faces.REGULAR), ("VALIGN", (0, 0), (-1, -1), "TOP")]
_BARE = [*_FLAT, ("LEFTPADDING", (0, 0), (-1, -1), 0), ("RIGHTPADDING", (0, 0), (-1, -1), 0)]
_TIGHT = [("TOPPADDING", (0, 0), (-1, -1), 0), ("BOTTOMPADDING", (0, 0), (-1, -1), 0)]


def story(content: Content, notice: str, root: Element, *, with_annex: bool) -> list[Any]:
    """Return the parts, to be laid from the top and hung on the root of the document, in the order of reading; ``notice`` is
    what is said of the seal.
    """
    return [
        _head(content, root),
        Spacer(1, 6 * mm),
        _parties(content, root),
        Spacer(1, 6 * mm),
        _lines(content.lines, root.add("Table")),
        Spacer(1, 3 * mm),
        _sums(content, root.add("Table")),
        Spacer(1, 6 * mm),
        _whole(
            _payment(content, root) if content.kind is Kind.INVOICE else _credit(content, root),
            Spacer(1, 2 * mm),
            *(paragraph(_bound(text), root.add("P"), "small") for text in _mentions(content, notice, with_annex)),
        ),
    ]


def _table(rows: Sequence[Sequence[Any]], widths: Sequence[float], style: Sequence[Any], **options: Any) -> Table:
    return Table(rows, colWidths=widths, style=[*_FLAT, *style], **options)


def _facts(rows: Iterable[tuple[str, str, str]], widths: tuple[float, float], element: Element) -> Table:
    """Return labels, what they stand for and its style; a text that is empty is left out."""
    cells = []
    for label, value, style in rows:
        if value:
            head, cell = element.row("TH", "TD")
            cells.append((paragraph(label, head, "label"), paragraph(value, cell, style)))
    below = [("BOTTOMPADDING", (0, 0), (-1, -1), 2.5), ("VALIGN", (0, 0), (-1, -1), "MIDDLE")]
    return _table(cells, widths, [*_BARE, *_TIGHT, *below])


def _texts(root: Element, *texts: tuple[str, str]) -> list[Any]:
    """Return texts, each with its style, as paragraphs of the document."""
    return [paragraph(text, root.add("P"), style) for text, style in texts]


def _head(content: Content, root: Element) -> Table:
    seller = content.seller
    told = (mentions.legal_form(seller), *_address(seller), ", ".join(_identity(seller)))
    electronic = f"Adresse de facturation électronique\u00a0: {seller.e_address}"
    left = _texts(root, (seller.name, "brand"), *((text, "soft") for text in (*told, electronic)))
    right = [
        paragraph(content.kind.label, root.add("H1"), "kind"),
        *_texts(root, (content.number, "number"), (f"du {content.issued_on:%d/%m/%Y}", "right")),
    ]
    widths = (sheet.WIDTH - 66 * mm, 66 * mm)
    rule = [("LINEBELOW", (0, 0), (-1, -1), 1.5, sheet.ACCENT), ("BOTTOMPADDING", (0, 0), (-1, -1), 4 * mm)]
    return _table([[left, right]], widths, [*_BARE, ("TOPPADDING", (0, 0), (-1, -1), 0), *rule])


def _address(party: Party) -> list[str]:
    return [text for text in (party.street, party.extra, f"{party.postcode} {party.city}".strip()) if text]


def _identity(party: Party) -> list[str]:
    """Return the numbers by which a party is known."""
    vat = party.vat_number
    numbers = [f"SIREN{WIDE}{siren(party.siren)}"] if party.siren else []
    if party.siret and not isinstance(party, SellingParty):
        numbers.append(f"SIRET{WIDE}{siret(party.siret)}")
    return [text for text in (", ".join(numbers), f"TVA{WIDE}{_vat_number(vat)}" if vat else "") if text]


def _vat_number(number: str) -> str:
    return WIDE.join((number[:2], number[2:4], siren(number[4:])))


def _parties(content: Content, root: Element) -> Table:
    order = content.order_number or "aucun"
    key = _facts(
        [
            ("Période", f"du {content.first_on:%d/%m/%Y} au {content.period_end:%d/%m/%Y}", "strong"),
            ("N° de commande", order, "order" if len(order) <= _LONG_ORDER else "long order"),
            ("Code service", content.service_code, "strong"),
            ("Contrat", content.contract, "strong"),
            ("Facture corrigée", _corrected(content), "strong"),
        ],
        (29 * mm, _PANEL - 39 * mm),
        root.add("Table"),
    )
    buyer = content.buyer
    bill_to = [
        paragraph("Facturé à", root.add("H2"), "heading"),
        *_texts(root, (buyer.name, "strong"), *((text, "text") for text in (*_address(buyer), *_identity(buyer)))),
    ]
    widths = (_PANEL, _GAP, sheet.WIDTH - _PANEL - _GAP)
    pale = [
        ("BACKGROUND", (0, 0), (0, 0), sheet.PALE),
        ("LEFTPADDING", (0, 0), (0, 0), 5 * mm),
        ("TOPPADDING", (0, 0), (0, 0), 4 * mm),
        ("BOTTOMPADDING", (0, 0), (0, 0), 3 * mm),
        ("TOPPADDING", (2, 0), (2, 0), 0),
    ]
    return _table([[key, "", bill_to]], widths, [*_BARE, *pale])


def _corrected(content: Content) -> str:
    return f"{content.corrects.number} du {content.corrects.issued_on:%d/%m/%Y}" if content.corrects else ""


def _lines(lines: Sequence[Line], element: Element) -> Table:
    tight = 0.5 * mm if len(lines) > _ROOMY else 0
    heads = ("Désignation", "Quantité", f"Prix unitaire{WIDE}HT", "TVA", f"Montant{WIDE}HT")
    above, body = element.add("THead").row(*["TH"] * len(heads)), element.add("TBody")
    rows = [[paragraph(head, above[at], "head right" if at else "head") for at, head in enumerate(heads)]]
    rooms = [width - 4 * mm for width in _LINE_WIDTHS[1:]]
    for line in lines:
        named, *cells = body.row(*["TD"] * len(heads))
        figures = (grouped(line.quantity), euros(line.unit_price), percent(line.rate), euros(line.amount))
        told = zip(figures, rooms, cells, strict=True)
        rows.append([paragraph(line.label, named), *(figure(text, room, cell) for text, room, cell in told)])
    style = [
        ("LEFTPADDING", (0, 0), (-1, -1), 2 * mm),
        ("RIGHTPADDING", (0, 0), (-1, -1), 2 * mm),
        ("TOPPADDING", (0, 0), (-1, -1), 1.4 * mm - tight),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 1.9 * mm - tight),
        ("BACKGROUND", (0, 0), (-1, 0), sheet.PALE),
        ("LINEBELOW", (0, 0), (-1, 0), 0.75, sheet.ACCENT),
        ("LINEBELOW", (0, 1), (-1, -1), 0.5, sheet.LINE),
    ]
    return _table(rows, _LINE_WIDTHS, style, repeatRows=1)


def _sums(content: Content, element: Element) -> Table:
    def row(
        label: str, amount: Decimal, mention: str = "", style: str = "text", right: str = "right"
    ) -> tuple[Any, Any]:
        head, cell = element.row("TH", "TD")
        told = _texts(head, (label, style), *([(mention, "soft")] if mention else []))
        return told, figure(euros(amount), _SUM_ROOM, cell, right)

    total = "Total TTC" if content.kind is Kind.INVOICE else "Total TTC de l’avoir"
    rows = [
        row("Total HT", content.net),
        *(row(f"TVA {percent(vat.rate)} sur {euros(vat.base)}", vat.amount, vat.mention) for vat in content.vats),
        row(total, content.total, style="total", right="total right"),
    ]
    style = [
        ("LEFTPADDING", (0, 0), (-1, -1), 2 * mm),
        ("RIGHTPADDING", (0, 0), (-1, -1), 2 * mm),
        ("TOPPADDING", (0, 0), (-1, -1), 0.6 * mm),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 1.2 * mm),
        ("LINEABOVE", (0, -1), (-1, -1), 0.75, sheet.DEEP),
        ("TOPPADDING", (0, -1), (-1, -1), 1.6 * mm),
    ]
    sums = _table(rows, (_SUM - _SUM_ROOM - 4 * mm, _SUM_ROOM + 4 * mm), style)
    return _table([["", sums]], (sheet.WIDTH - _SUM, _SUM), [*_BARE, *_TIGHT])


def _whole(*inner: Any) -> Table:
    """Return what is never parted between two pages: a table of one row."""
    return _table([[list(inner)]], (sheet.WIDTH,), [*_BARE, *_TIGHT])


def _payment(content: Content, root: Element) -> Table:
    due = _texts(
        root,
        (f"À régler avant le {content.due_on:%d/%m/%Y}", "text"),
        (euros(content.total), "due"),
        ("par virement, sans escompte", "soft"),
    )
    ways = _facts(
        [
            ("IBAN", iban(content.seller.iban).replace(" ", WIDE), "strong"),
            ("BIC", content.seller.bic, "strong"),
            ("Référence", reference.shown(content.reference).replace(" ", WIDE), "strong"),
        ],
        (22 * mm, sheet.WIDTH - 10 * mm - 68 * mm - 22 * mm),
        root.add("Table"),
    )
    return _panel([[due, ways]], (68 * mm + 5 * mm, sheet.WIDTH - 73 * mm))


def _credit(content: Content, root: Element) -> Table:
    given = _texts(
        root, ("Montant rendu", "text"), (euros(content.total), "due"), (f"dont TVA {euros(content.vat)}", "soft")
    )
    kept = "Ce montant vient en déduction de la facture. Si elle est déjà réglée, il reste porté à votre crédit."
    said = _texts(
        root,
        (f"Avoir sur la facture {_corrected(content)}", "strong"),
        *([(content.reason, "text")] if content.reason else []),
        (kept, "soft"),
    )
    return _panel([[given, said]], (68 * mm + 5 * mm, sheet.WIDTH - 73 * mm))


def _panel(rows: Sequence[Sequence[Any]], widths: Sequence[float]) -> Table:
    style = [
        ("BOX", (0, 0), (-1, -1), 1.25, sheet.ACCENT),
        ("VALIGN", (0, 0), (-1, -1), "MIDDLE"),
        ("LEFTPADDING", (0, 0), (0, -1), 5 * mm),
        ("RIGHTPADDING", (-1, 0), (-1, -1), 5 * mm),
        ("TOPPADDING", (0, 0), (-1, -1), 3.5 * mm),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 3.5 * mm),
    ]
    return _table(rows, widths, style)


def _bound(text: str) -> str:
    """Return the text with its signs bound to their words, the euro's too."""
    return for_paper(text).replace(" €", f"{WIDE}€")


def _mentions(content: Content, notice: str, with_annex: bool) -> list[str]:
    """Return what the law wants said, and what the file is."""
    terms = content.terms
    law = " ".join(text for text in (mentions.nature(content), terms.discount, terms.penalty, terms.recovery) if text)
    detail = "Le détail par reçu est en annexe, sans nom ; le détail nominatif est réservé aux personnes habilitées du centre."
    return [
        f"{law} {detail}" if with_annex else law,
        f"Ce fichier contient la facture électronique (Factur-X, EN 16931). {notice}",
    ]
