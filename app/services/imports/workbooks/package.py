"""The parts of an .xlsx and how they are tied, wherever its writer put them. In the child process only."""

from __future__ import annotations

import io
import posixpath
import zipfile
from collections.abc import Callable, Iterator, Mapping
from typing import IO, NamedTuple
from xml.parsers import expat

_PIECE = 256 * 1024

Attributes = Mapping[str, str]


class Damaged(Exception):
    """The file is not what it should be: no reader can make sense of it."""


class Relation(NamedTuple):
    """What one part says of another."""

    kind: str
    """Last word of its type: `worksheet`, `styles`, `sharedStrings` …"""
    part: str


class SheetPart(NamedTuple):
    """A sheet as the list of the workbook names it."""

    name: str
    state: str
    """`visible`, `hidden` or `veryHidden`."""
    kind: str
    part: str


class Package:
    """An .xlsx: its parts by name, upper or lower case, with the relations between them."""

    def __init__(self, content: bytes) -> None:
        """Raises Damaged (or what zipfile raises) when it is no archive or has no workbook."""
        self._archive = zipfile.ZipFile(io.BytesIO(content))
        self._names = {name.replace("\\", "/").lower(): name for name in self._archive.namelist()}
        starts = [part for kind, part in self.relations("").values() if kind == "officeDocument"]
        self.workbook = starts[0] if starts else "xl/workbook.xml"
        self._related = self.relations(self.workbook)

    def open(self, part: str) -> IO[bytes]:
        """The content of a part, as a stream. Raises Damaged when it is not there."""
        name = self._names.get(part.lower())
        if name is None:
            raise Damaged(part)
        return self._archive.open(name)

    def related(self, kind: str) -> str | None:
        """The part of the workbook of this kind, if any: its styles, its shared texts."""
        return next((relation.part for relation in self._related.values() if relation.kind == kind), None)

    def relations(self, part: str) -> dict[str, Relation]:
        """Identifier → what a part (the package itself: no name) refers to inside the package."""
        folder, name = posixpath.split(part)
        listed = posixpath.join(folder, "_rels", f"{name}.rels")
        found: dict[str, Relation] = {}

        def start(tag: str, attributes: Attributes) -> None:
            if tag == "Relationship" and attributes.get("TargetMode") != "External":
                target = posixpath.normpath(posixpath.join("/", folder, attributes.get("Target", "")))
                kind = attributes.get("Type", "").rpartition("/")[2]
                found[attributes.get("Id", "")] = Relation(kind, target.lstrip("/"))

        if listed.lower() in self._names:
            self.parse(listed, start)
        return found

    def parse(self, part: str, start: Callable[[str, Attributes], None]) -> None:
        """Tells each element of a part, by its name without prefix. Raises Damaged."""
        for _ in feed(self.open(part), new_parser(start)):
            pass

    def sheets(self) -> tuple[list[SheetPart], bool]:
        """The sheets in the order of the tabs, and whether days count from 1904."""
        sheets: list[SheetPart] = []
        dates: list[bool] = []

        def start(tag: str, attributes: Attributes) -> None:
            if tag == "workbookPr":
                dates.append(attributes.get("date1904", "0") in ("1", "true", "on"))
            elif tag == "sheet":
                key = next((value for name, value in attributes.items() if name.rpartition(":")[2] == "id"), "")
                kind, target = self._related.get(key, Relation("", ""))
                sheets.append(SheetPart(attributes.get("name", ""), attributes.get("state", "visible"), kind, target))

        self.parse(self.workbook, start)
        return sheets, any(dates)


def new_parser(start: Callable[[str, Attributes], None]) -> expat.XMLParserType:
    """A parser that tells elements by their name without prefix, and knows no document type: hence no entity."""
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler = lambda tag, attributes: start(tag.rpartition(":")[2], attributes)
    parser.StartDoctypeDeclHandler = _refuse_doctype
    return parser


def _refuse_doctype(*_: object) -> None:
    raise Damaged("a document type")


def feed(stream: IO[bytes], parser: expat.XMLParserType) -> Iterator[None]:
    """Parses a stream piece by piece, handing back after each. Raises Damaged where it is no XML."""
    try:
        while piece := stream.read(_PIECE):
            parser.Parse(piece, False)
            yield
        parser.Parse(b"", True)
    except expat.ExpatError as fault:
        raise Damaged(str(fault)) from fault
    yield
