"""The parts that every .xlsx of ours is made of, written as a stream; every text stays a text."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from xml.sax.saxutils import escape

NAMESPACE = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
DECLARATION = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml"

_NO_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
# Excel reads _x0041_ as « A »: the first underscore is written as its own code.
_ESCAPE = re.compile("_(?=x[0-9A-Fa-f]{4}_)")
#: What the parts are.
TYPES = (
    f'<Types xmlns="{PACKAGE}/content-types">'
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    '<Default Extension="xml" ContentType="application/xml"/>'
    f'<Override PartName="/xl/workbook.xml" ContentType="{TYPE}.sheet.main+xml"/>'
    f'<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{TYPE}.worksheet+xml"/>'
    f'<Override PartName="/xl/styles.xml" ContentType="{TYPE}.styles+xml"/></Types>'
)
PARTS: Mapping[str, str] = {
    "_rels/.rels": f'<Relationships xmlns="{PACKAGE}/relationships">'
    f'<Relationship Id="rId1" Type="{OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
    "xl/workbook.xml": f'<workbook xmlns="{NAMESPACE}" xmlns:r="{OFFICE}">'
    '<sheets><sheet name="Sessions" sheetId="1" r:id="rId1"/></sheets></workbook>',
    "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{PACKAGE}/relationships">'
    f'<Relationship Id="rId1" Type="{OFFICE}/worksheet" Target="worksheets/sheet1.xml"/>'
    f'<Relationship Id="rId2" Type="{OFFICE}/styles" Target="styles.xml"/></Relationships>',
}


@lru_cache(maxsize=16_384)
def text_cell(text: str) -> str:
    """Return a cell that holds a text; labels, dates and first names come again and again.

    The file may be sent again, within the same 10 Mo, so nothing is written that goes without saying: a cell stands in the
    column after the one before it, and naming each would be a third of the file.
    """
    if not text:
        return "<c/>"
    space = "" if text.isalnum() or (text == text.strip() and "\n" not in text) else ' xml:space="preserve"'
    return f'<c t="inlineStr"><is><t{space}>{text_of(text)}</t></is></c>'


def text_of(text: str) -> str:
    """Return a text as XML; most texts are plain and pass at once."""
    if text.isalnum():
        return text
    # A parser makes a line feed of a carriage return that stands as it is.
    return escape(_ESCAPE.sub("_x005F_", _NO_XML.sub("", text))).replace("\r", "_x000D_")
