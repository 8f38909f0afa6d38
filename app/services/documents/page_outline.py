"""What of a laid out page is which element of the tree: taken from the elements of its own template, once per shape.

Reading order is that of the template, though xhtml2pdf paints what stands at fixed places first.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from reportlab.platypus import KeepInFrame, Table
from xhtml2pdf.context import pisaContext
from xhtml2pdf.xhtml2pdf_reportlab import PmlParagraph

from app.services.paper import marking, words
from app.services.paper.tree import ROW, Element

_ROLES = {"h1": "H1", "h2": "H2", "p": "P", "a": "Link"}
_TABLE_ROLES = {"tr": "TR", "th": "TH", "td": "TD"}
_NOWHERE = -1


@dataclass
class FormSheet(marking.Sheet):
    """A form being filled: its elements by their number, the address its links lead to, and what its QR code holds."""

    elements: list[Element] = field(default_factory=list)
    address: str = ""
    code: str = ""


class Outline:
    """The elements of a template: each with its role and the number of the one it belongs to; 0 is the document."""

    def __init__(self, body: Any) -> None:
        self._rows: list[tuple[str, str, int]] = []
        self._numbers: dict[int, int] = {}
        #: The number of the code's element.
        self.code = 0
        self._walk(body, 0, False)

    def number(self, node: Any) -> int:
        """Return the number of the element that a node of the template stands in."""
        while node is not None:
            if id(node) in self._numbers:
                return self._numbers[id(node)]
            node = node.parentNode
        return _NOWHERE

    def grow(self, root: Element) -> list[Element]:
        """Return the elements of one document, by number, hung on its root."""
        grown = [root]
        for role, attributes, parent in self._rows:
            grown.append(grown[parent].add(role, attributes))
        return grown

    def _walk(self, node: Any, parent: int, in_table: bool) -> None:
        for kid in node.childNodes:
            tag = getattr(kid, "tagName", "")
            if not tag:
                continue
            inside = bool(kid.getElementsByTagName("th")) if tag == "table" else in_table
            role = _role(kid, tag, inside)
            at = self._add(role, ROW if role == "TH" else "", parent) if role else parent
            if role:
                self._numbers[id(kid)] = at
            self._walk(kid, at, inside)
            if kid.getAttribute("id") == "check":
                self.code = self._add("Figure", "", parent)

    def _add(self, role: str, attributes: str, parent: int) -> int:
        self._rows.append((role, attributes, parent))
        return len(self._rows)


def _role(node: Any, tag: str, in_table: bool) -> str:
    """Return the role of an element of a template; nothing for what only lays out (a table without heading cells)."""
    if tag == "table":
        return "Table" if in_table else ""
    if tag == "div":
        return "P" if "foot" in node.getAttribute("class").split() else ""
    return _ROLES.get(tag) or (_TABLE_ROLES.get(tag, "") if in_table else "")


class Context(pisaContext):  # type: ignore[misc]
    """Remembers the fragments that hold the place of a value, and which element each fragment stands in."""

    def __init__(self, path: str) -> None:
        self.slots: list[tuple[Any, str]] = []
        self.outline: Outline | None = None
        super().__init__(path)

    def _appendFrag(self, frag: Any) -> None:
        if isinstance(text := getattr(frag, "text", ""), str) and "{" in text:
            self.slots.append((frag, text))
        if (
            self.outline is None
            and self.node is not None
            and (bodies := self.node.ownerDocument.getElementsByTagName("body"))
        ):
            self.outline = Outline(bodies[0])  # now: the template is taken apart once its story stands
        frag.element = self.outline.number(self.node) if self.outline else _NOWHERE
        super()._appendFrag(frag)


class _Words(words.Said, PmlParagraph):  # type: ignore[misc]
    """A paragraph of xhtml2pdf's that is an element of the tree, known by its number: a form is filled many times."""

    number: int

    def said_as(self) -> Element:
        element: Element = self.canv.sheet.elements[self.number]  # type: ignore[attr-defined]
        return element

    def leads_to(self) -> str:
        address: str = self.canv.sheet.address  # type: ignore[attr-defined]
        return address

    def hand_on(self, part: Any) -> None:
        part.number = self.number


def mark(flowables: Iterable[Any]) -> dict[int, str]:
    """Make each paragraph say which element it is; return the text of each, values' places included."""
    told = {}
    for paragraph in _paragraphs(flowables):
        paragraph.number = next((frag.element for frag in paragraph.frags if frag.element != _NOWHERE), 0)
        paragraph.__class__ = _Words
        told[paragraph.number] = words.source(paragraph).replace("\n", " ")
    return told


def _paragraphs(thing: Any) -> Iterator[Any]:
    if isinstance(thing, PmlParagraph):
        yield thing
    elif isinstance(thing, Table):
        yield from _paragraphs(thing._cellvalues)
    elif isinstance(thing, KeepInFrame):
        yield from _paragraphs(thing._content)
    elif isinstance(thing, list | tuple):
        for one in thing:
            yield from _paragraphs(one)
