"""The canvas of every PDF of ours: each text it draws is marked as a piece of an element of the tree, all else as decoration.

PDF/UA-1, 7.1: content is either tagged or an artifact. What is drawn while nothing is being said is an artifact, so that a
line, a mark or a background can never be taken for content.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from reportlab.pdfgen.canvas import Canvas

from . import faces
from .archive import PRODUCER, Attachment, archive
from .tree import Annotation, Element, Mark, Raw, text, write

#: The field that the seal fills: `seal.signer` asks for it by this name.
SEAL_FIELD, _SEAL_TOLD = "Cachet", "Cachet électronique du registre"
_DECORATION, _PAGINATION = "/Artifact BMC", "/Artifact <</Type/Pagination>> BDC"
#: What ends a piece of content.
END = "EMC"
_PRINTED, _PRINTED_AND_LOCKED = 4, 132
#: What draws without a text.
_PAINTERS = ("line", "lines", "rect", "roundRect", "drawPath", "bezier", "ellipse", "grid", "arc", "wedge", "circle")


@dataclass(frozen=True)
class Info:
    """What a file says of itself: title, author, and its creation date (aware)."""

    title: str
    author: str
    created_at: datetime


@dataclass
class Sheet:
    """A document being drawn: what it says of itself, its tree, and what of it stands on which page.

    ``sealed``: it holds the field that the seal will fill. ``outlined``: its headings are bookmarks as well. ``foot`` writes
    the foot of a page once it is known how many there are: (canvas, page, pages).
    """

    info: Info
    root: Element = field(default_factory=lambda: Element("Document"))
    sealed: bool = True
    outlined: bool = False
    foot: Callable[[Any, int, int], None] | None = None
    owners: list[list[Element]] = field(default_factory=list)
    annotations: list[Annotation] = field(default_factory=list)
    kept: list[dict[str, Any]] = field(default_factory=list)
    bookmarks: int = 0
    seal: Element | None = None

    def __post_init__(self) -> None:
        faces.register()

    @property
    def options(self) -> dict[str, Any]:
        """Return what a document template of reportlab is to know."""
        info = self.info
        told = {"title": info.title, "author": info.author, "creator": PRODUCER, "subject": "", "lang": "fr"}
        return {**told, "invariant": 1, "initialFontName": faces.REGULAR}

    def finished(self, pages: bytes, attachment: Attachment | None = None) -> bytes:
        """Return the drawn pages as the file to keep, before any seal: an archive, with the tree of what they say."""
        file = archive(pages, self.info.title, self.info.author, self.info.created_at, attachment)
        return write(file, self.root, self.owners, self.annotations)

    def canvas(self, *args: Any, **options: Any) -> Paper:
        """Return the canvas to draw it on; it takes what reportlab's takes."""
        return Paper(self, *args, **options)


class Paper(Canvas):  # type: ignore[misc]
    """reportlab's canvas, marking what it draws."""

    def __init__(self, sheet: Sheet, *args: Any, **options: Any) -> None:
        self.sheet = sheet
        self._saying: list[Element] = []
        self._decoration = _DECORATION
        self._is_marking = False
        super().__init__(*args, **options)
        self.setTitle(sheet.info.title)
        self.setAuthor(sheet.info.author)
        self.setCreator(PRODUCER)
        stamp = f"{sheet.info.created_at:D:%Y%m%d%H%M%S%z}"
        self.setDateFormatter(lambda *_: f"{stamp[:-2]}'{stamp[-2:]}'")

    def say(self, elements: Element | Sequence[Element], draw: Callable[[], object], *, goes_on: bool = False) -> None:
        """Draw what these elements say, one text each, the last one all that is left.

        An element that stands on a page already says nothing a second time (the head of a table on each of its pages), unless
        this is the rest of it (``goes_on``).
        """
        wanted = [elements] if isinstance(elements, Element) else list(elements)
        self._saying = [] if wanted[-1].is_drawn and not goes_on else wanted
        try:
            draw()
        finally:
            self._saying = []

    def bookmark(self, title: str, level: int) -> None:
        """Let a reader jump to this page by a heading that stands on it."""
        self.sheet.bookmarks += 1
        key = f"Heading{self.sheet.bookmarks}"
        self.bookmarkPage(key)
        self.addOutlineEntry(title, key, level)

    def figure(self, element: Element, picture: Any, place: tuple[float, float, float]) -> None:
        """Draw a square picture as the figure that it is; ``place``: left, bottom and side, in points of the page."""
        left, bottom, side = place
        box = f"{left:.2f} {bottom:.2f} {left + side:.2f} {bottom + side:.2f}"
        element.attributes = f"<</O/Layout/Placement/Block/BBox [{box}]>>"
        self.say(element, lambda: self.drawImage(picture, left, bottom, side, side))

    @contextmanager
    def paginating(self) -> Iterator[None]:
        """Draw what belongs to the page and not to the document: its number."""
        self._decoration = _PAGINATION
        yield
        self._decoration = _DECORATION

    def link(self, element: Element, address: str, box: tuple[float, float, float, float]) -> None:
        """Let a reader follow an address from where the element stands: left, bottom, right, top of the page, in points."""
        entries = f"/Subtype/Link /F {_PRINTED} /Border [0 0 0] /Rect [{' '.join(f'{one:.2f}' for one in box)}]"
        uri = address.replace("\\", "%5C").replace("(", "%28").replace(")", "%29")
        action = f"/A <</S/URI /URI ({uri})>> /Contents {text(address)}"
        self._annotate(element, f"{entries} {action}", f"Link{len(self.sheet.annotations)}")

    def drawText(self, text_object: Any) -> None:
        """Draw a text, as what is being said or as decoration."""
        self._marked(lambda: super(Paper, self).drawText(text_object))

    def drawImage(self, *args: Any, **options: Any) -> Any:
        """Draw a picture, as what is being said or as decoration."""
        return self._marked(lambda: super(Paper, self).drawImage(*args, **options))

    def showPage(self) -> None:
        """Turn the page; it is kept back where a foot waits for the number of pages."""
        if self.sheet.foot is None:
            self._turn()
        else:
            self.sheet.kept.append(dict(self.__dict__))
            self._startPage()

    def save(self) -> None:
        """Write the feet that wait, the tree and the file."""
        if self.sheet.foot is None and len(self._code):
            self._turn()
        for at, page in enumerate(kept := self.sheet.kept, 1):
            self.__dict__.update(page)
            assert self.sheet.foot is not None
            with self.paginating():
                self.sheet.foot(self, at, len(kept))
            self._turn()
        self._owned(count := self._doc.pageCounter - 1)
        for key, one in enumerate(self.sheet.annotations, count):
            one.raw.said = f"<</Type/Annot {one.entries} /StructParent {key}>>".encode("latin-1")
        if self.sheet.seal:
            self.sheet.root.kids.append(self.sheet.seal)  # read last, though the first page holds the field
        self._doc.Catalog.MarkInfo = Raw(b"<</Marked true>>")
        super().save()

    def _turn(self) -> None:
        if self.sheet.sealed and not hasattr(self._doc.Catalog, "AcroForm"):
            self._add_field()
        super().showPage()

    def _add_field(self) -> None:
        element = self.sheet.seal = Element("Form", alt=_SEAL_TOLD)
        entries = f"/Subtype/Widget /FT/Sig /T {text(SEAL_FIELD)} /TU {text(_SEAL_TOLD)} /Rect [0 0 0 0]"
        self._annotate(element, f"{entries} /F {_PRINTED_AND_LOCKED}", SEAL_FIELD)
        number, _ = self._doc.idToObjectNumberAndVersion[self._doc.refAnnotation(SEAL_FIELD).name]
        self._doc.Catalog.AcroForm = Raw(b"<</Fields [%d 0 R] /SigFlags 3>>" % number)

    def _annotate(self, element: Element, entries: str, name: str) -> None:
        raw = Raw()
        one = Annotation(raw, self.getPageNumber(), element, entries)
        element.kids.append(one)
        self.sheet.annotations.append(one)
        self._addAnnotation(raw, name)

    def _owned(self, page: int) -> list[Element]:
        """Return whose the pieces of this page are, in the order in which they are drawn."""
        owners = self.sheet.owners
        while len(owners) < page:
            owners.append([])
        return owners[page - 1] if page else []

    def piece(self, element: Element) -> str:
        """Return what begins a new piece of an element in the page's content."""
        owned = self._owned(self.getPageNumber())
        element.kids.append(Mark(self.getPageNumber(), len(owned)))
        owned.append(element)
        return f"/{element.role} <</MCID {len(owned) - 1}>> BDC"

    def draw_pieces(self, text: Any) -> None:
        """Draw a text that holds its own marks (`piece`), each ended by `END`."""
        super().drawText(text)

    def _marked(self, draw: Callable[[], Any]) -> Any:
        if self._is_marking:  # one shape drawn by way of another
            return draw()
        self._is_marking = True
        self._code.append(self._begin())
        try:
            return draw()
        finally:
            self._code.append(END)
            self._is_marking = False

    def _begin(self) -> str:
        if not self._saying:
            return self._decoration
        return self.piece(self._saying.pop(0) if len(self._saying) > 1 else self._saying[0])


def _as_decoration(name: str) -> Callable[..., Any]:
    drawn = getattr(Canvas, name)

    def paint(self: Paper, *args: Any, **options: Any) -> Any:
        saying, self._saying = self._saying, []
        try:
            return self._marked(lambda: drawn(self, *args, **options))
        finally:
            self._saying = saying

    return paint


for _name in _PAINTERS:
    setattr(Paper, _name, _as_decoration(_name))
