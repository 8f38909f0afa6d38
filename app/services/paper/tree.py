"""What a document says, in the order in which it is read: the structure tree of a tagged PDF (ISO 32000-1, 14.7; PDF/UA-1).

A tree is built before anything is drawn, in the order of reading; drawing then tells which marked content each element stands
for (`marking.Paper`). It is written last, once all pages are drawn and the file is an archive's.
"""

from __future__ import annotations

import base64
import io
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import pikepdf
from reportlab.pdfbase.pdfdoc import PDFObject

#: Attributes of elements (14.8.5), as they stand in the file.
COLUMN, ROW = "<</O/Table/Scope/Column>>", "<</O/Table/Scope/Row>>"
BULLETS = "<</O/List/ListNumbering/Disc>>"
#: What may be empty and still says something: that a cell holds nothing.
_CELLS = ("TD", "TH")
#: So many objects are packed together.
_PACK = 1000


class Raw(PDFObject):  # type: ignore[misc]
    """An object of the file, given as its bytes."""

    def __init__(self, said: bytes = b"") -> None:
        self.said = said

    def format(self, _document: Any) -> bytes:
        """Return the bytes."""
        return self.said


class Mark(NamedTuple):
    """A piece of a page's content; pages are counted from 1, pieces of a page from 0."""

    page: int
    number: int


@dataclass(slots=True)
class Annotation:
    """Something beside the content of a page that a reader can act on: a link, or the field of the seal.

    ``entries`` say what it is, ``number`` is that of its object in the file.
    """

    raw: Raw
    page: int
    owner: Element
    entries: str
    number: int = 0


class Element:
    """One element: its role (H1, P, Table…), what belongs to it, and what stands in its place where it cannot be read.

    ``alt`` describes what is no text; ``actual`` is the text meant where what is drawn cannot show it.
    """

    __slots__ = ("actual", "alt", "attributes", "kids", "number", "role")

    def __init__(self, role: str, attributes: str = "", alt: str = "", actual: str = "") -> None:
        self.role, self.attributes, self.alt, self.actual = role, attributes, alt, actual
        self.kids: list[Element | Mark | Annotation] = []
        self.number = 0

    def add(self, role: str, attributes: str = "", alt: str = "", actual: str = "") -> Element:
        """Return a new element, the last of this one."""
        kid = Element(role, attributes, alt, actual)
        self.kids.append(kid)
        return kid

    def row(self, *roles: str) -> list[Element]:
        """Return the cells of a new row, each of this role; a heading cell names its row where it stands beside others."""
        line = self.add("TR")
        scope = COLUMN if all(role == "TH" for role in roles) else ROW
        return [line.add(role, scope if role == "TH" else "") for role in roles]

    @property
    def is_drawn(self) -> bool:
        """Tell whether something of it stands on a page already."""
        return any(isinstance(kid, Mark) for kid in self.kids)

    @property
    def is_empty(self) -> bool:
        """Tell whether nothing of it stands on any page, and nothing is meant by that."""
        return self.role not in _CELLS and all(isinstance(kid, Element) and kid.is_empty for kid in self.kids)


def write(file: bytes, root: Element, owners: list[list[Element]], annotations: list[Annotation]) -> bytes:
    """Return a finished file with its tree added at its end; ``owners``: page by page, whose each piece of content is.

    It is added as a further section, its objects packed: an annex of twenty thousand rows has a hundred and sixty thousand
    elements, too many for libraries that keep each as an object of their own.
    """
    with pikepdf.open(io.BytesIO(file)) as pdf:
        start = int(pdf.trailer.Size)
        if "/StructTreeRoot" in pdf.Root:
            del pdf.Root["/StructTreeRoot"]
        catalog = pdf.Root.unparse(resolved=True)
        number, trailer = pdf.Root.objgen[0], _trailer(pdf)
        pages = [page.obj.objgen[0] for page in pdf.pages]
        kept = {at: [one.objgen[0] for one in page.get("/Annots", [])] for at, page in enumerate(pdf.pages, 1)}
    for one in annotations:
        one.number = kept[one.page].pop(0)
    every = list(_numbered(root, start))
    said = [_said(element, parent, pages) for element, parent in every]
    said[:1] = [_top(root, owners, annotations), *said[:1]]
    linked = catalog.removesuffix(b">>") + f"/StructTreeRoot {start} 0 R >>".encode()
    return _appended(file, start, said, (number, linked), trailer)


def _top(root: Element, owners: list[list[Element]], annotations: list[Annotation]) -> bytes:
    """Return the root of the tree, with what leads from a piece of content or an annotation to its element."""
    nums = [f"{at} [{' '.join(f'{one.number} 0 R' for one in page)}]" for at, page in enumerate(owners)]
    nums += [f"{key} {one.owner.number} 0 R" for key, one in enumerate(annotations, len(owners))]
    parents = f"<</Nums [{' '.join(nums)}]>>"
    next_key = len(owners) + len(annotations)
    return (
        f"<</Type/StructTreeRoot /K {root.number} 0 R /ParentTree {parents} /ParentTreeNextKey {next_key}>>"
    ).encode()


def _appended(file: bytes, start: int, said: list[bytes], catalog: tuple[int, bytes], trailer: str) -> bytes:
    """Return the file with these objects, numbered from ``start``, and its catalog anew (ISO 32000-1, 7.5.7 and 7.5.8)."""
    out, place = [file], len(file)
    first_pack = start + len(said)
    entries = [(2, first_pack + at // _PACK, at % _PACK) for at in range(len(said))]

    def add(number: int, thing: bytes) -> int:
        nonlocal place
        begun, written = place, b"%d 0 obj\n%s\nendobj\n" % (number, thing)
        out.append(written)
        place += len(written)
        return begun

    for at in range(0, len(said), _PACK):
        entries.append((1, add(first_pack + at // _PACK, _packed(start + at, said[at : at + _PACK])), 0))
    entries.append((1, place, 0))
    listed = [(1, add(catalog[0], catalog[1]), 0), *entries]
    entries[-1] = listed[-1] = (1, place, 0)
    size = start + len(entries)
    index = f"/Index [{catalog[0]} 1 {start} {len(entries)}]"
    previous = int(file[file.rindex(b"startxref") + 9 :].split()[0])
    table = b"".join(struct.pack(">BIH", *entry) for entry in listed)
    head = f"/Type/XRef /Size {size} /W [1 4 2] {index} /Prev {previous} {trailer}"
    begun = add(size - 1, deflated(head, table))
    return b"".join([*out, b"startxref\n%d\n%%%%EOF\n" % begun])


def _packed(start: int, said: list[bytes]) -> bytes:
    places, at = [], 0
    for number, one in enumerate(said, start):
        places.append(f"{number} {at}")
        at += len(one) + 1
    head = " ".join(places).encode() + b"\n"
    return deflated(f"/Type/ObjStm /N {len(said)} /First {len(head)}", head + b"\n".join(said))


def deflated(head: str, content: bytes) -> bytes:
    """Return a compressed stream with these entries; its last byte is never one that ends a line (`archive`)."""
    data, filters = zlib.compress(content), "/FlateDecode"
    if data[-1:] in (b"\r", b"\n"):
        data, filters = base64.a85encode(data) + b"~>", "[/ASCII85Decode /FlateDecode]"
    return f"<<{head} /Filter {filters} /Length {len(data)}>>\nstream\n".encode() + data + b"\nendstream"


def _trailer(pdf: pikepdf.Pdf) -> str:
    """Return what the file says of itself as a whole, for its new end to repeat."""
    root, info = pdf.Root.objgen[0], pdf.docinfo.objgen[0]
    return f"/Root {root} 0 R /Info {info} 0 R /ID {pdf.trailer.ID.unparse().decode('latin-1')}"


def text(value: str) -> str:
    """Return a text as it stands in the file: hexadecimal UTF-16."""
    return f"<FEFF{value.encode('utf-16-be').hex().upper()}>"


def _numbered(root: Element, top: int) -> Iterator[tuple[Element, int]]:
    """Give each element that says something its number, after that of the tree's root; yield it with its parent's, parents
    first.
    """
    waiting, number = [(root, top)], top
    while waiting:
        element, parent = waiting.pop()
        number += 1
        element.number = number
        element.kids = [kid for kid in element.kids if not isinstance(kid, Element) or not kid.is_empty]
        waiting.extend((kid, number) for kid in reversed(element.kids) if isinstance(kid, Element))
        yield element, parent


def _said(element: Element, parent: int, pages: list[int]) -> bytes:
    home = next((kid.page for kid in element.kids if isinstance(kid, Mark)), 0)
    kids = " ".join(_kid(kid, home, pages) for kid in element.kids)
    parts = [f"<</Type/StructElem /S/{element.role} /P {parent} 0 R"]
    if kids:
        parts.append(f"/K [{kids}]" if len(element.kids) > 1 else f"/K {kids}")
    if home:
        parts.append(f"/Pg {pages[home - 1]} 0 R")
    if element.attributes:
        parts.append(f"/A {element.attributes}")
    if element.alt:
        parts.append(f"/Alt {text(element.alt)}")
    if element.actual:
        parts.append(f"/ActualText {text(element.actual)}")
    return " ".join([*parts, ">>"]).encode()


def _kid(kid: Element | Mark | Annotation, home: int, pages: list[int]) -> str:
    if isinstance(kid, Element):
        return f"{kid.number} 0 R"
    if isinstance(kid, Annotation):
        return f"<</Type/OBJR /Obj {kid.number} 0 R /Pg {pages[kid.page - 1]} 0 R>>"
    return str(kid.number) if kid.page == home else f"<</Type/MCR /Pg {pages[kid.page - 1]} 0 R /MCID {kid.number}>>"
