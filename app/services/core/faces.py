"""The faces of what reportlab lays out by itself (contracts, activation slips, invoices), and what may be drawn with them."""

from __future__ import annotations

import logging
import re
from functools import cache
from pathlib import Path

from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont

from app.french.spaces import NARROW, WIDE

_FONTS = Path(__file__).resolve().parents[2] / "static" / "fonts"
REGULAR, BOLD = "Registre", "Registre-Bold"
_log = logging.getLogger(__name__)


@cache
def register() -> None:
    """Make the two faces known to reportlab, once a process."""
    for name, file in ((REGULAR, "NotoSans-Regular.ttf"), (BOLD, "NotoSans-Bold.ttf")):
        pdfmetrics.registerFont(TTFont(name, _FONTS / file))
    pdfmetrics.registerFontFamily(REGULAR, REGULAR, BOLD, REGULAR, BOLD)


def drawable(value: str) -> str:
    """Return the value on one line, without characters that have no place on paper."""
    register()
    line = re.sub(r"[ \t\r\n\f\v]+", " ", value)
    text = "".join(char for char in line if char.isprintable() or char in (WIDE, NARROW))
    glyphs = pdfmetrics.getFont(BOLD).face.charToGlyph
    if missing := sorted({f"U+{ord(char):04X}" for char in text if ord(char) not in glyphs}):
        _log.warning("no glyph for %s: drawn as boxes", ", ".join(missing))
    return text
