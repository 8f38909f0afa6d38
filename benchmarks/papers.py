"""The documents a second, beside plain reportlab pages; what is drawn stands in `documents.py`."""

from __future__ import annotations

from collections.abc import Iterator

from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont

from app.services.documents.pages import warm_up
from config import ROOT

from . import documents
from .table import Row, medians

#: Asked of one warm worker, both kinds in turn, signature not included.
A_SECOND = 18


def rows(rounds: int) -> Iterator[Row]:
    """Yield how many documents a second, beside each of the two plain pages."""
    pdfmetrics.registerFont(TTFont("plain", ROOT / "app" / "static" / "fonts" / "NotoSans-Regular.ttf"))
    warm_up()
    drawers = {"documents": documents.ours, "platypus": documents.platypus, "canvas": documents.canvas}
    acts = {name: lambda draw=draw: documents.seconds(draw, 0) for name, draw in drawers.items()}
    each = medians(acts, rounds)
    ours = each.pop("documents")
    for name, plain in each.items():
        yield Row(
            "documents, both kinds in turn",
            f"{1 / ours:.1f}/s, {ours * 1000:.1f} ms each",
            f"a plain {name} page {plain * 1000:.1f} ms",
            ours / plain, value=1 / ours, limit=A_SECOND if name == "platypus" else None, at_least=True, unit="/s",
        )  # fmt: skip
