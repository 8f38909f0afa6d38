"""The faces of every PDF of ours, what may be drawn with them, and what their signs are to a reader."""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from reportlab.pdfbase import pdfmetrics, ttfonts
from reportlab.pdfbase.ttfonts import TTFont

from app.french.spaces import NARROW, WIDE

_FONTS = Path(__file__).resolve().parents[2] / "static" / "fonts"
REGULAR, BOLD = "Registre", "Registre-Bold"
#: What is drawn where a face has no glyph; both have one for it.
NO_GLYPH = "\ufffd"
#: Codes of a subset that mean no sign are below; a block of a map holds so many at most.
_SPACE, _BLOCK = 32, 100
_MAP_BEGINS = """/CIDInit /ProcSet findresource begin
12 dict begin
begincmap
/CIDSystemInfo << /Registry ({name}) /Ordering ({name}) /Supplement 0 >> def
/CMapName /{name} def
/CMapType 2 def
1 begincodespacerange
<00> <FF>
endcodespacerange"""
_MAP_ENDS = """endcmap
CMapName currentdict /CMap defineresource pop
end
end"""
_log = logging.getLogger(__name__)


@cache
def register() -> None:
    """Make the two faces known to reportlab, once a process."""
    for name, file in ((REGULAR, "NotoSans-Regular.ttf"), (BOLD, "NotoSans-Bold.ttf")):
        pdfmetrics.registerFont(TTFont(name, _FONTS / file))
    pdfmetrics.registerFontFamily(REGULAR, REGULAR, BOLD, REGULAR, BOLD)


def drawable(value: str) -> str:
    """Return the value on one line, without characters that have no place on paper, a box in place of those without a glyph."""
    line = one_line(value)
    glyphs = pdfmetrics.getFont(BOLD).face.charToGlyph
    if not (missing := {char for char in line if ord(char) not in glyphs}):
        return line
    _log.warning("no glyph for %s: drawn as boxes", ", ".join(sorted(f"U+{ord(char):04X}" for char in missing)))
    return "".join(NO_GLYPH if char in missing else char for char in line)


def one_line(value: str) -> str:
    """Return the value on one line, without characters that have no place on paper."""
    register()
    line = re.sub(r"[ \t\r\n\f\v]+", " ", value)
    return "".join(char for char in line if char.isprintable() or char in (WIDE, NARROW))


def _to_unicode(name: str, subset: Sequence[int]) -> str:
    """Return what each code of a subset means (ISO 32000-1, 9.10.3): those used, a hundred a block, UTF-16.

    reportlab's own maps the codes without a sign to U+0000, which PDF/A forbids, and writes a sign beyond U+FFFF wrongly.
    """
    used = [(code, sign) for code, sign in enumerate(subset) if sign >= _SPACE]
    blocks = [used[at : at + _BLOCK] for at in range(0, len(used), _BLOCK)]
    lines = [_MAP_BEGINS.format(name=name)]
    for block in blocks:
        lines.append(f"{len(block)} beginbfchar")
        lines += [f"<{code:02X}> <{chr(sign).encode('utf-16-be').hex().upper()}>" for code, sign in block]
        lines.append("endbfchar")
    return "\n".join([*lines, _MAP_ENDS])


# Looked up there by every face, those that xhtml2pdf makes known included.
ttfonts.makeToUnicodeCMap = _to_unicode
