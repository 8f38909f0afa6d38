"""The receipt as PDF: forty drivers on one A4 sheet, with the operator, the hour of what it tells, and page n/N.

Pure: a receipt in, bytes out. Names are data, never markup.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from datetime import datetime
from functools import cache, partial
from xml.sax.saxutils import escape

from flask import current_app
from reportlab.lib.colors import HexColor
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.platypus import Flowable, SimpleDocTemplate, Spacer, Table, TableStyle

from app.french.spaces import for_paper
from app.models.batch import MODES
from app.services.core.clock import PARIS
from app.services.paper import faces
from app.services.paper.marking import Info, Paper, Sheet
from app.services.paper.tree import Element
from app.services.paper.words import Words, rich
from app.services.registration.receipts import Receipt, ReceiptLine

from .receipt_words import amount, left_out, lines_told, training

_INK, _ACCENT, _GREY, _SOFT = HexColor("#182226"), HexColor("#0b5a70"), HexColor("#526067"), HexColor("#eef4f5")
_LINE = HexColor("#d2cec3")
_SIDE, _TOP, _FOOT = 14 * mm, 11 * mm, 14 * mm
_WIDTH = A4[0] - 2 * _SIDE
#: What the library leaves free around each page's content.
_PADDING = 6
_END = (
    "Le récapitulatif reste 6 ans dans l’espace du conducteur, le certificat vaut 4 mois. Ce reçu ne vaut pas facture."
)


def render(receipt: Receipt, at: datetime) -> bytes:
    """Return a page of the receipt as PDF, as it stands at an instant."""
    out = io.BytesIO()
    number, at = str(receipt.batch.receipt_number), at.astimezone(PARIS)
    foot = partial(_foot, told=f"Reçu {number}, édité le {at:%d/%m/%Y à %H:%M}")
    sheet = Sheet(Info(f"Reçu {number}", current_app.config["ISSUER"], at), sealed=False, outlined=True, foot=foot)
    document = SimpleDocTemplate(
        out,
        pagesize=A4,
        leftMargin=_SIDE - _PADDING,
        rightMargin=_SIDE - _PADDING,
        topMargin=_TOP,
        bottomMargin=_FOOT,
        **sheet.options,
    )
    story = [*_head(receipt, at, sheet.root), _table(receipt, sheet.root.add("Table")), *_end(receipt, sheet.root)]
    document.build(story, canvasmaker=sheet.canvas)
    return sheet.finished(out.getvalue())


def _head(receipt: Receipt, at: datetime, root: Element) -> list[Flowable]:
    batch = receipt.batch
    issuer = _p("<b>Registre CQC</b><br/>" + escape(current_app.config["ISSUER"]), "soft", root.add("P"))
    centre = f"{escape(batch.centre.name)}<br/><font color='#526067'>SIRET {batch.centre.siret}</font>"
    top = Table([[issuer, _p(centre, "right", root.add("P"))]], colWidths=[_WIDTH * 0.55, _WIDTH * 0.45])
    below = [("LINEBELOW", (0, 0), (-1, -1), 1.5, _ACCENT), ("BOTTOMPADDING", (0, 0), (-1, -1), 4)]
    top.setStyle(TableStyle([*_BARE, *below]))
    title = _p(f"Reçu {escape(str(batch.receipt_number))}", "title", root.add("H1"))
    by = batch.registered_by.full_name if batch.registered_by else ""
    when = batch.registered_at.astimezone(PARIS) if batch.registered_at else at
    parts = f" Lignes, partie {receipt.page} sur {receipt.page_count}." if receipt.page_count > 1 else ""
    replaces = f" Remplace {receipt.replaces}." if receipt.replaces else ""
    sub = f"Enregistré le {when:%d/%m/%Y à %H:%M:%S} par {escape(by)}, {MODES[batch.mode]}.{replaces}{parts}"
    under, facts = _p(sub, "soft", root.add("P")), _facts(receipt, root.add("Table"))
    state = f"État au {at:%d/%m/%Y à %H:%M}\u00a0: {for_paper(receipt.standing.sentence)}"
    said = Table([[_p(escape(state), "say", root.add("P"))]], colWidths=[_WIDTH])
    said.setStyle(TableStyle([*_FACE, ("BACKGROUND", (0, 0), (-1, -1), _SOFT), ("TOPPADDING", (0, 0), (-1, -1), 3)]))
    return [top, title, under, Spacer(1, 2 * mm), facts, Spacer(1, 2 * mm), said, Spacer(1, 2 * mm)]


def _facts(receipt: Receipt, element: Element) -> Table:
    orders, references = ", ".join(receipt.trace.order_numbers[:3]), ", ".join(receipt.trace.references[:3])
    heads = ("Formation", "N° de commande", "Lignes", "Montant")
    told = (
        training(receipt),
        (orders, f"référence {references}" if references else "sans référence"),
        lines_told(receipt),
        amount(receipt),
    )
    rows = [
        [_p(head, "soft", cell) for head, cell in zip(heads, element.row(*["TH"] * 4), strict=True)],
        [_fact(*pair, cell) for pair, cell in zip(told, element.row(*["TD"] * 4), strict=True)],
    ]
    facts = Table(rows, colWidths=[_WIDTH * part for part in (0.3, 0.2, 0.23, 0.27)])
    facts.setStyle(TableStyle([*_BARE, ("RIGHTPADDING", (0, 0), (-1, -1), 8)]))
    return facts


def _fact(value: str, beside: str, element: Element) -> Words:
    small = f"<font size='7' color='#526067'>{escape(beside)}</font>"
    return _p(f"<b>{escape(value)}</b><br/>{small}", "text", element)


def _table(receipt: Receipt, element: Element) -> Table:
    several = len(receipt.trace.trainings) > 1
    heads = ["Ligne", "Stagiaire", "Naissance", "N° de permis", *(["Formation, fin"] if several else []), "Certificat"]
    parts = (0.06, 0.24, 0.1, 0.14, 0.25, 0.21) if several else (0.08, 0.36, 0.13, 0.18, 0.25)
    above, body = element.add("THead").row(*["TH"] * len(heads)), element.add("TBody")
    rows = [
        [_p(head, "head", cell) for head, cell in zip(heads, above, strict=True)],
        *(_row(line, several, body.row(*["TD"] * len(heads))) for line in receipt.lines),
    ]
    table = Table(rows, colWidths=[_WIDTH * part for part in parts], repeatRows=1)
    table.setStyle(
        TableStyle(
            [
                *_FACE,
                ("VALIGN", (0, 0), (-1, -1), "MIDDLE"),
                ("TOPPADDING", (0, 0), (-1, -1), 0.9),
                ("BOTTOMPADDING", (0, 0), (-1, -1), 1.6),
                ("LEFTPADDING", (0, 0), (-1, -1), 5),
                ("RIGHTPADDING", (0, 0), (-1, -1), 5),
                ("BACKGROUND", (0, 0), (-1, 0), _SOFT),
                ("LINEBELOW", (0, 0), (-1, 0), 0.75, _ACCENT),
                ("LINEBELOW", (0, 1), (-1, -1), 0.5, _LINE),
            ]
        )
    )
    return table


def _row(line: ReceiptLine, several: bool, elements: Sequence[Element]) -> list[Words]:
    one = line.registration
    name = f"<b>{escape(one.last_name)}</b> {escape(one.first_name)}"
    cells = [
        str(one.line_number),
        f"<strike>{name}</strike>" if line.note else name,
        f"{one.identity.birth_date:%d/%m/%Y}",
        escape(one.identity.permit_number),
        *([f"{escape(one.training.full_label)}, {one.end_date:%d/%m/%Y}"] if several else []),
        escape(for_paper(line.told)),
    ]
    return [_p(cell, "text", element) for cell, element in zip(cells, elements, strict=True)]


def _end(receipt: Receipt, root: Element) -> list[Flowable]:
    said = for_paper(left_out(receipt))
    texts = [*([escape(said)] if said else []), _END]
    return [Spacer(1, 2 * mm), *(_p(text, "soft", root.add("P")) for text in texts)]


def _foot(canvas: Paper, page: int, pages: int, told: str) -> None:
    canvas.setFont(faces.REGULAR, 7.5)
    canvas.setFillColor(_GREY)
    canvas.drawString(_SIDE, 8 * mm, told)
    canvas.drawRightString(A4[0] - _SIDE, 8 * mm, f"Page {page}/{pages}")


#: Else each cell names Helvetica, which is not in the file.
_FACE = [("FONTNAME", (0, 0), (-1, -1), faces.REGULAR)]
_BARE = [
    *_FACE,
    ("LEFTPADDING", (0, 0), (-1, -1), 0),
    ("RIGHTPADDING", (0, 0), (-1, -1), 0),
    ("TOPPADDING", (0, 0), (-1, -1), 0),
    ("BOTTOMPADDING", (0, 0), (-1, -1), 1),
    ("VALIGN", (0, 0), (-1, -1), "TOP"),
]


def _p(markup: str, style: str, element: Element) -> Words:
    return rich(markup, _styles()[style], element)


@cache
def _styles() -> dict[str, ParagraphStyle]:
    faces.register()
    text = ParagraphStyle("text", fontName=faces.REGULAR, fontSize=8, leading=10, textColor=_INK, splitLongWords=1)
    return {
        "text": text,
        "soft": ParagraphStyle("soft", text, fontSize=7.5, leading=9.5, textColor=_GREY),
        "right": ParagraphStyle("right", text, alignment=2),
        "head": ParagraphStyle("head", text, fontName=faces.BOLD, fontSize=7.5, leading=9.5, textColor=_GREY),
        "say": ParagraphStyle("say", text, fontSize=8.5, leading=11),
        "title": ParagraphStyle(
            "title", text, fontName=faces.BOLD, fontSize=16, leading=19, textColor=_ACCENT, spaceBefore=8
        ),
    }
