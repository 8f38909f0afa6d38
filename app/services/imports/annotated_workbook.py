"""The user's own lines with what is said of them: an .xlsx written as a stream, part by part.

Own writer, for a general library takes half a minute for 200,000 lines where this takes a few seconds. Every cell is a
text (an inline string): a value that begins with = + - @ never becomes a formula. But a cell that came as a number, a date or
a boolean where text was due goes back as one: sent again untouched, it is refused again.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from functools import lru_cache
from itertools import islice
from typing import BinaryIO
from xml.sax.saxutils import quoteattr

from app.services.core import xlsx
from app.validators.file import DETAIL_HEADER
from app.validators.line import RawLine
from app.validators.remark import EMAIL, EMAIL_HEADER, FIELDS, HEADERS, Remark, Severity

Annotated = tuple[RawLine, Sequence[Remark] | str]
"""A line with its remarks, or with what is to be said of a line that was not judged."""

MAX_COMMENTS = 5_000
"""Cells that get a comment; spreadsheet programs become slow with more. Colour and « Détail » are on every line."""

_PLAIN, _HEAD, _FAULTY, _DETAIL_ERROR, _DETAIL_INFORMATION, _INFORMATION = range(6)  # places in cellXfs below
_FAULTY_DAY, _FAULTY_CLOCK, _FAULTY_BOOLEAN = range(6, 9)
_BATCH = 5_000
_LINE_HEIGHT = 15  # points
_LETTERS = "ABCDEFGHIJK"
_COLUMN = {field: number for number, field in enumerate((*FIELDS, EMAIL), 1)}

_BOOLEANS = {"VRAI": 1, "FAUX": 0}
_DAY = re.compile(r"([0-9]{2})/([0-9]{2})/([0-9]{4})")
_CLOCK = re.compile(r"(-?)([0-9]{2,}):([0-9]{2}):([0-9]{2})")
_NUMBER = re.compile(r"-?[0-9]+(?:,[0-9]+)?(?:E[+-][0-9]+)?")
_FIRST_DAY, _AFTER_LEAP = date(1899, 12, 30), date(1900, 3, 1)  # Excel believes in 29/02/1900

#: What the parts are, where lines have comments.
_COMMENTED = xlsx.TYPES.replace(
    "</Types>",
    '<Default Extension="vml" ContentType="application/vnd.openxmlformats-officedocument.vmlDrawing"/>'
    f'<Override PartName="/xl/comments1.xml" ContentType="{xlsx.TYPE}.comments+xml"/></Types>',
)
_COMMENT_RELATIONS = (
    f'<Relationships xmlns="{xlsx.PACKAGE}/relationships">'
    f'<Relationship Id="rId1" Type="{xlsx.OFFICE}/comments" Target="../comments1.xml"/>'
    f'<Relationship Id="rId2" Type="{xlsx.OFFICE}/vmlDrawing" Target="../drawings/vmlDrawing1.vml"/></Relationships>'
)


def _fill(colour: str) -> str:
    return f'<fill><patternFill patternType="solid"><fgColor rgb="FF{colour}"/><bgColor indexed="64"/></patternFill></fill>'


def _format(font: int, fill: int, *, is_wrapped: bool = False, number_format: int = 49) -> str:
    wrap = '<alignment vertical="top" wrapText="1"/>' if is_wrapped else ""
    applied = 'applyNumberFormat="1" applyFont="1" applyFill="1"' + (' applyAlignment="1"' if wrap else "")
    return f'<xf numFmtId="{number_format}" fontId="{font}" fillId="{fill}" borderId="0" xfId="0" {applied}>{wrap}</xf>'


# Number format 49 is « @ »: text, so that what the user corrects stays text. Fills 0 and 1 are reserved.
_STYLES = (
    f'<styleSheet xmlns="{xlsx.NAMESPACE}"><fonts count="3"><font><sz val="11"/><name val="Calibri"/></font>'
    '<font><b/><sz val="11"/><color rgb="FFFFFFFF"/><name val="Calibri"/></font>'
    '<font><sz val="11"/><color rgb="FF8C1D18"/><name val="Calibri"/></font></fonts>'
    '<fills count="5"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill>'
    f"{_fill('1F3A5F')}{_fill('F9D7D5')}{_fill('FBEEC2')}</fills>"
    '<borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders>'
    '<cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs><cellXfs count="9">'
    f"{_format(0, 0)}{_format(1, 2)}{_format(0, 3)}{_format(2, 0, is_wrapped=True)}{_format(0, 0, is_wrapped=True)}"
    f"{_format(0, 4)}{_format(0, 3, number_format=14)}{_format(0, 3, number_format=46)}{_format(0, 3, number_format=0)}"
    '</cellXfs><cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles>'
    "</styleSheet>"
)
_WIDTHS = (60, 16, 28, 36, 24, 18, 20, 24, 20, 20, 36)


def _sheet_head(addresses: bool) -> str:
    widths = enumerate(_WIDTHS if addresses else _WIDTHS[:-1], 1)
    columns = (f'<col min="{n}" max="{n}" width="{w}" style="{_PLAIN}" customWidth="1"/>' for n, w in widths)
    return (
        f'<worksheet xmlns="{xlsx.NAMESPACE}" xmlns:r="{xlsx.OFFICE}"><sheetViews><sheetView workbookViewId="0">'
        '<pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/></sheetView></sheetViews><cols>'
        f"{''.join(columns)}</cols><sheetData>"
    )


def write(rows: Iterable[Annotated], target: BinaryIO, *, addresses: bool = False) -> None:
    """Writes an .xlsx of these lines, in the order given and each on its own row (blank rows stay blank); with the column of
    ``addresses`` where they bear any.

    Lines must come by rising number (ValueError otherwise). What XML cannot hold is left out.
    """
    comments: list[tuple[str, int, int, str]] = []
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        for name, content in xlsx.PARTS.items():
            archive.writestr(name, xlsx.DECLARATION + content)
        archive.writestr("xl/styles.xml", xlsx.DECLARATION + _STYLES)
        with archive.open("xl/worksheets/sheet1.xml", "w", force_zip64=True) as part:
            part.write((xlsx.DECLARATION + _sheet_head(addresses)).encode())
            texts = _row_texts(rows, comments, addresses)
            while batch := "".join(islice(texts, _BATCH)):
                part.write(batch.encode())
            part.write(b"</sheetData>" + b'<legacyDrawing r:id="rId2"/>' * bool(comments) + b"</worksheet>")
        # Last, for the comments are known once the sheet is written.
        types = _COMMENTED if comments else xlsx.TYPES
        archive.writestr("[Content_Types].xml", xlsx.DECLARATION + types)
        if comments:
            archive.writestr("xl/worksheets/_rels/sheet1.xml.rels", xlsx.DECLARATION + _COMMENT_RELATIONS)
            archive.writestr("xl/comments1.xml", xlsx.DECLARATION + _comments(comments))
            archive.writestr("xl/drawings/vmlDrawing1.vml", _drawing(comments))


def build(rows: Iterable[Annotated], *, addresses: bool = False) -> bytes:
    """The same as bytes, for a few lines or a test."""
    target = io.BytesIO()
    write(rows, target, addresses=addresses)
    return target.getvalue()


def _row_texts(rows: Iterable[Annotated], comments: list[tuple[str, int, int, str]], addresses: bool) -> Iterator[str]:
    heads = [DETAIL_HEADER, *HEADERS.values(), *([EMAIL_HEADER] if addresses else [])]
    yield f'<row r="1">{"".join(_cell(text, _HEAD) for text in heads)}</row>'
    last = 0
    for raw, remarks in rows:
        if raw.number <= last:
            raise ValueError("lines must come by rising number")
        last = raw.number
        if isinstance(remarks, str):
            yield _row_of(last + 1, _cell(remarks, _DETAIL_INFORMATION), _cells(raw, addresses))
        elif remarks:
            yield _row(raw, last + 1, remarks, comments, addresses)
        else:
            yield _row_of(last + 1, "<c/>", _cells(raw, addresses))


def _row(
    raw: RawLine, row: int, remarks: Sequence[Remark], comments: list[tuple[str, int, int, str]], addresses: bool
) -> str:
    styles, told, detail, detail_style = _marks(tuple(remarks))
    cells = [_cell(detail, detail_style)]
    for column, text in enumerate(_texts(raw, addresses), 1):
        is_text = column > len(FIELDS) or FIELDS[column - 1] not in raw.not_text
        cells.append(_cell(text, styles.get(column, _PLAIN)) if is_text else typed_cell(text))
        if column in told and len(comments) < MAX_COMMENTS:
            comments.append((_LETTERS[column], row, column, "\n".join(told[column])))
    # Several remarks: as many lines of text, which not every program makes room for by itself.
    height = f' ht="{_LINE_HEIGHT * len(remarks)}" customHeight="1"' if len(remarks) > 1 else ""
    return f'<row r="{row}"{height}>{"".join(cells)}</row>'


def _row_of(row: int, detail: str, cells: Iterable[str]) -> str:
    """The same for a line without a remark, which nearly every line of a large file is."""
    return f'<row r="{row}">{detail}{"".join(cells)}</row>'


def _texts(raw: RawLine, addresses: bool) -> Sequence[str]:
    texts: tuple[str, ...] = raw[1:10]
    return (*texts, raw.email) if addresses else texts


def _cells(raw: RawLine, addresses: bool) -> Iterable[str]:
    texts = _texts(raw, addresses)
    if not raw.not_text:
        return map(xlsx.text_cell, texts)
    came, codes = raw.not_text.split(), (*FIELDS, EMAIL)
    return [
        typed_cell(text) if code in came else xlsx.text_cell(text) for code, text in zip(codes, texts, strict=False)
    ]


@lru_cache(maxsize=4096)
def _marks(remarks: tuple[Remark, ...]) -> tuple[dict[int, int], dict[int, list[str]], str, int]:
    """Column → its style, column → what is said of it (an error wins over an information); « Détail » and its style."""
    styles: dict[int, int] = {}
    told: dict[int, list[str]] = {}
    for remark in remarks:
        if (column := _COLUMN.get(remark.field or "")) is None:
            continue
        told.setdefault(column, []).append(remark.message)
        if remark.severity is Severity.ERROR:
            styles[column] = _FAULTY
        else:
            styles.setdefault(column, _INFORMATION)
    has_error = any(remark.severity is Severity.ERROR for remark in remarks)
    detail = "\n".join(remark.message for remark in remarks)
    return styles, told, detail, _DETAIL_ERROR if has_error else _DETAIL_INFORMATION


def _cell(text: str, style: int) -> str:
    return xlsx.text_cell(text) if style == _PLAIN else xlsx.text_cell(text).replace("<c", f'<c s="{style}"', 1)


def typed_cell(text: str) -> str:
    """A cell that came as something else than text, from the text that was read of it: it stays what it was.

    A number bears the format of text, so that what is typed in its place is one; of a boolean LibreOffice makes a number then.
    """
    if text in _BOOLEANS:
        return f'<c s="{_FAULTY_BOOLEAN}" t="b"><v>{_BOOLEANS[text]}</v></c>'
    if found := _DAY.fullmatch(text):
        day = date(int(found[3]), int(found[2]), int(found[1]))
        return f'<c s="{_FAULTY_DAY}"><v>{(day - _FIRST_DAY).days - (day < _AFTER_LEAP)}</v></c>'
    if found := _CLOCK.fullmatch(text):
        seconds = (int(found[2]) * 60 + int(found[3])) * 60 + int(found[4])
        return f'<c s="{_FAULTY_CLOCK}"><v>{found[1]}{seconds / 86_400!r}</v></c>'
    return f'<c s="{_FAULTY}"><v>{text.replace(",", ".")}</v></c>' if _NUMBER.fullmatch(text) else _cell(text, _FAULTY)


def _comments(comments: Sequence[tuple[str, int, int, str]]) -> str:
    listed = "".join(
        f'<comment ref="{letter}{row}" authorId="0"><text><t xml:space="preserve">{xlsx.text_of(text)}</t></text></comment>'
        for letter, row, _, text in comments
    )
    head = f'<comments xmlns="{xlsx.NAMESPACE}"><authors><author>Contrôle</author></authors>'
    return f"{head}<commentList>{listed}</commentList></comments>"


def _drawing(comments: Sequence[tuple[str, int, int, str]]) -> str:
    """The boxes of the comments: Excel shows none without this old form of drawing."""
    shapes = "".join(
        f'<v:shape id={quoteattr(f"_x0000_s{1025 + at}")} type="#_x0000_t202" fillcolor="#ffffe1" o:insetmode="auto" '
        'style="position:absolute;margin-left:0;margin-top:0;width:220pt;height:60pt;z-index:1;visibility:hidden">'
        '<v:fill color2="#ffffe1"/><v:textbox/><x:ClientData ObjectType="Note"><x:MoveWithCells/><x:SizeWithCells/>'
        f"<x:Anchor>{column + 1}, 15, {row - 1}, 2, {column + 4}, 15, {row + 3}, 4</x:Anchor><x:AutoFill>False</x:AutoFill>"
        f"<x:Row>{row - 1}</x:Row><x:Column>{column}</x:Column></x:ClientData></v:shape>"
        for at, (_, row, column, _text) in enumerate(comments)
    )
    # Shape numbers are given out in blocks of 1,024, each of which is to be claimed.
    blocks = ",".join(str(block) for block in range(1, 2 + len(comments) // 1024 + 1))
    return (
        '<xml xmlns:v="urn:schemas-microsoft-com:vml" xmlns:o="urn:schemas-microsoft-com:office:office" '
        f'xmlns:x="urn:schemas-microsoft-com:office:excel"><o:shapelayout v:ext="edit"><o:idmap v:ext="edit" data="{blocks}"/>'
        '</o:shapelayout><v:shapetype id="_x0000_t202" coordsize="21600,21600" o:spt="202" '
        'path="m,l,21600r21600,l21600,xe"><v:stroke joinstyle="miter"/>'
        f'<v:path gradientshapeok="t" o:connecttype="rect"/></v:shapetype>{shapes}</xml>'
    )
