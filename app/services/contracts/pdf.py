"""The signed service contract as PDF: the text that was signed, word for word but for its no-break spaces, and who signed it.

Pure: a contract in, bytes out; the same contract gives the same bytes. The text runs over as many pages as it needs, so it is
laid out here rather than on the one-page forms of `rendering`.
"""

from __future__ import annotations

import io
from datetime import date, datetime, time
from functools import cache
from typing import Any
from xml.sax.saxutils import escape

from flask import current_app
from reportlab.lib.colors import HexColor
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.platypus import Flowable, KeepTogether, SimpleDocTemplate, Spacer

from app.french.spaces import for_paper
from app.models import ServiceContract
from app.services.core.clock import PARIS
from app.services.paper import faces, words
from app.services.paper.marking import Info, Paper, Sheet
from app.services.paper.tree import BULLETS, Element
from app.services.seal import sealing

from . import text as contract_text

_INK, _ACCENT, _GREY = HexColor("#182226"), HexColor("#0b5a70"), HexColor("#526067")
_BULLET = "•"


def render(contract: ServiceContract) -> bytes:
    """Return the PDF of a signed contract: its text, then the signature's name, quality, day and the text's SHA-256."""
    title = f"Contrat de service, version {contract.version}"
    sheet = Sheet(Info(title, current_app.config["ISSUER"], _signed_at(contract)), outlined=True)
    story = [flowable for block in contract_text.blocks(contract.text) for flowable in _flowables(block, sheet.root)]
    story.append(KeepTogether(_signature(contract, sheet.root)))
    out = io.BytesIO()
    page = SimpleDocTemplate(
        out,
        pagesize=A4,
        leftMargin=22 * mm,
        rightMargin=22 * mm,
        topMargin=20 * mm,
        bottomMargin=22 * mm,
        **sheet.options,
    )

    def foot(canvas: Paper, _document: Any) -> None:
        canvas.saveState()
        with canvas.paginating():
            canvas.setFont(faces.REGULAR, 8)
            canvas.setFillColor(_GREY)
            canvas.drawString(22 * mm, 12 * mm, f"{title}, contrat n° {contract.id}")
            canvas.drawRightString(A4[0] - 22 * mm, 12 * mm, f"Page {canvas.getPageNumber()}")
        canvas.restoreState()

    page.build(story, onFirstPage=foot, onLaterPages=foot, canvasmaker=sheet.canvas)
    return sheet.finished(out.getvalue())


def _signed_at(contract: ServiceContract) -> datetime:
    """Return the instant of the signature; the first hour of its day for one signed on paper."""
    if contract.signed_at:
        return contract.signed_at.astimezone(PARIS)
    return datetime.combine(contract.signed_on or date.min, time(), PARIS)


@cache
def _styles() -> dict[str, ParagraphStyle]:
    faces.register()
    body = ParagraphStyle(
        "body", fontName=faces.REGULAR, fontSize=9.5, leading=13.5, textColor=_INK, spaceAfter=5, splitLongWords=1
    )
    return {
        contract_text.PARAGRAPH: body,
        contract_text.LIST: ParagraphStyle(
            "item", body, spaceAfter=2, leftIndent=12, bulletIndent=0, bulletFontName=faces.REGULAR, bulletFontSize=9.5
        ),
        contract_text.TITLE: ParagraphStyle(
            "title", body, fontName=faces.BOLD, fontSize=18, leading=23, textColor=_ACCENT, spaceAfter=10
        ),
        contract_text.HEADING: ParagraphStyle(
            "heading",
            body,
            fontName=faces.BOLD,
            fontSize=11,
            leading=15,
            textColor=_ACCENT,
            spaceBefore=8,
            keepWithNext=1,
        ),
    }


_ROLES = {contract_text.TITLE: "H1", contract_text.HEADING: "H2", contract_text.PARAGRAPH: "P"}


def _flowables(block: contract_text.Block, root: Element) -> list[Flowable]:
    if block.kind != contract_text.LIST:
        return [_said(for_paper(block.text), block.kind, root.add(_ROLES[block.kind]))]
    listed = root.add("L", BULLETS)
    return [_item(for_paper(item), listed.add("LI")) for item in block.items]


def _item(text: str, element: Element) -> Flowable:
    bullet, body = element.add("Lbl"), element.add("LBody")
    return words.rich(escape(text), _styles()[contract_text.LIST], (bullet, body), bulletText=_BULLET)


def _said(text: str, kind: str, element: Element) -> Flowable:
    return words.plain(text, _styles()[kind], element)


def _signature(contract: ServiceContract, root: Element) -> list[Flowable]:
    at = contract.signed_at.astimezone(PARIS) if contract.signed_at else None
    when = f"{at:%d/%m/%Y à %H:%M:%S} (heure de Paris)" if at else f"{contract.signed_on:%d/%m/%Y}"
    lines = [
        f"Pour le centre\u00a0: {contract.signer_name}, {contract.signer_quality}.",
        f"Signé à l’écran le {when}.",
        f"Empreinte SHA-256 du texte signé\u00a0: {contract.text_sha256}",
        for_paper(sealing.notice()),
    ]
    return [
        Spacer(1, 6 * mm),
        _said("Signature", contract_text.HEADING, root.add("H2")),
        *(_said(line, contract_text.PARAGRAPH, root.add("P")) for line in lines),
    ]
