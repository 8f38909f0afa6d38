"""The faces of what reportlab lays out by itself: contracts, activation slips."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont

_FONTS = Path(__file__).resolve().parents[2] / "static" / "fonts"
REGULAR, BOLD = "Registre", "Registre-Bold"


@cache
def register() -> None:
    """Make the two faces known to reportlab, once a process."""
    for name, file in ((REGULAR, "NotoSans-Regular.ttf"), (BOLD, "NotoSans-Bold.ttf")):
        pdfmetrics.registerFont(TTFont(name, _FONTS / file))
    pdfmetrics.registerFontFamily(REGULAR, REGULAR, BOLD, REGULAR, BOLD)
