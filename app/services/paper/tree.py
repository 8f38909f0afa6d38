"""What a document says, in the order in which it is read: the structure tree of a tagged PDF (ISO 32000-1, 14.7; PDF/UA-1).

A tree is built before anything is drawn, in the order of reading; drawing then tells which marked content each element stands
for (`marking.Paper`). It is written as plain objects, once all pages are drawn.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from reportlab.pdfbase.pdfdoc import PDFObject

#: Attributes of elements (14.8.5), as they stand in the file.
COLUMN, ROW = "<</O/Table/Scope/Column>>", "<</O/Table/Scope/Row>>"
BULLETS = "<</O/List/ListNumbering/Disc>>"
#: What may be empty and still says something: that a cell holds nothing.
_CELLS = ("TD", "TH")


class Raw(PDFObject):  # type: ignore[misc]
    """An object of the file, given as its bytes."""

    def __init__(self, said: bytes = b"") -> None:
        self.said = said

    def format(self, _document: Any) -> bytes:
        """Return the bytes."""
        return self.said


@dataclass(frozen=True, slots=True)
class Mark:
    """A piece of a page's content; pages are counted from 1, pieces of a page from 0."""

    page: int
    number: int


@dataclass(slots=True)
class Annotation:
    """Something beside the content of a page that a reader can act on: a link, or the field of the seal."""

    raw: Raw
    page: int
    owner: Element
    #: The entries that say what it is.
    entries: str


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


def write(document: Any, root: Element, owners: list[list[Element]], annotations: list[Annotation]) -> None:
    """Write the tree into a document whose pages are all drawn; ``owners``: page by page, whose each piece of content is."""
    pages = [_number(document, f"Page{at}") for at in range(1, len(owners) + 1)]
    top = _add(document, Raw())
    every = list(_numbered(document, root, top[1]))
    for element, parent, raw in every:
        raw.said = _said(document, element, parent, pages)
    nums = [f"{at} [{' '.join(f'{one.number} 0 R' for one in page)}]" for at, page in enumerate(owners)]
    for key, one in enumerate(annotations, len(owners)):
        nums.append(f"{key} {one.owner.number} 0 R")
        one.raw.said = f"<</Type/Annot {one.entries} /P {pages[one.page - 1]} 0 R /StructParent {key}>>".encode(
            "latin-1"
        )
    next_key = len(owners) + len(annotations)
    parents = _add(document, Raw(f"<</Nums [{' '.join(nums)}]>>".encode()))
    top[0].said = (
        f"<</Type/StructTreeRoot /K {root.number} 0 R /ParentTree {parents[1]} 0 R /ParentTreeNextKey {next_key}>>"
    ).encode()
    document.Catalog.StructTreeRoot = top[0]
    document.Catalog.MarkInfo = Raw(b"<</Marked true>>")


def text(value: str) -> str:
    """Return a text as it stands in the file: hexadecimal UTF-16."""
    return f"<FEFF{value.encode('utf-16-be').hex().upper()}>"


def reference(document: Any, raw: Raw) -> str:
    """Return how other objects name this one."""
    return f"{_add(document, raw)[1]} 0 R"


def _add(document: Any, raw: Raw) -> tuple[Raw, int]:
    return raw, _number(document, document.Reference(raw).name)


def _number(document: Any, name: str) -> int:
    return int(document.idToObjectNumberAndVersion[name][0])


def _numbered(document: Any, root: Element, top: int) -> Any:
    """Give each element that says something its number; yield it with its parent's and its object, parents first."""
    waiting = [(root, top)]
    while waiting:
        element, parent = waiting.pop()
        raw, element.number = _add(document, Raw())
        element.kids = [kid for kid in element.kids if not isinstance(kid, Element) or not kid.is_empty]
        waiting.extend((kid, element.number) for kid in reversed(element.kids) if isinstance(kid, Element))
        yield element, parent, raw


def _said(document: Any, element: Element, parent: int, pages: list[int]) -> bytes:
    home = next((kid.page for kid in element.kids if isinstance(kid, Mark)), 0)
    kids = " ".join(_kid(document, kid, home, pages) for kid in element.kids)
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


def _kid(document: Any, kid: Element | Mark | Annotation, home: int, pages: list[int]) -> str:
    if isinstance(kid, Element):
        return f"{kid.number} 0 R"
    if isinstance(kid, Annotation):
        return f"<</Type/OBJR /Obj {reference(document, kid.raw)} /Pg {pages[kid.page - 1]} 0 R>>"
    return str(kid.number) if kid.page == home else f"<</Type/MCR /Pg {pages[kid.page - 1]} 0 R /MCID {kid.number}>>"
