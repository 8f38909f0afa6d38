"""A document read as an aid reads it: by its tree, in the tree's order, each text by its fonts' own maps."""

from __future__ import annotations

import io
import re
from collections import defaultdict
from collections.abc import Iterator
from typing import Any, NamedTuple

import pikepdf

_BFCHAR = re.compile(r"<([0-9A-F]{2})> <([0-9A-F]{4,8})>")


class Said(NamedTuple):
    """An element that says something itself: its roles from the document down, and what is read of it."""

    path: tuple[str, ...]
    text: str

    @property
    def role(self) -> str:
        """Return its own role."""
        return self.path[-1]


def read(content: bytes) -> list[Said]:
    """Return what a document says, in the order of reading; of a figure, what it is described as."""
    with pikepdf.open(io.BytesIO(content)) as pdf:
        pieces = {page.obj.objgen: _pieces(page) for page in pdf.pages}
        return list(_walk(pdf.Root.StructTreeRoot.K, (), pieces))


def text(content: bytes) -> str:
    """Return all that a document says, as one text with single spaces."""
    return " ".join(" ".join(one.text for one in read(content)).split())


def unsaid(content: bytes) -> list[str]:
    """Return the texts that stand on the pages as decoration, page by page."""
    with pikepdf.open(io.BytesIO(content)) as pdf:
        return [_pieces(page)[None] for page in pdf.pages]


def marks(content: bytes) -> dict[tuple[int, int], int]:
    """Return how many elements stand for each piece of content: page and number → count."""
    found: dict[tuple[int, int], int] = defaultdict(int)
    with pikepdf.open(io.BytesIO(content)) as pdf:
        at = {page.obj.objgen: number for number, page in enumerate(pdf.pages)}
        for page in pdf.pages:
            for number in _pieces(page):
                if number is not None:
                    found[at[page.obj.objgen], number] += 0
        for element in elements(pdf.Root.StructTreeRoot.K):
            for page, number in _marks_of(element):
                found[at[page], number] += 1
    return found


def elements(element: Any) -> Iterator[Any]:
    """Yield an element and all within it, in the order of reading."""
    yield element
    for kid in _kids(element):
        if isinstance(kid, pikepdf.Dictionary) and "/S" in kid:
            yield from elements(kid)


def _walk(element: Any, path: tuple[str, ...], pieces: dict[Any, dict[int | None, str]]) -> Iterator[Said]:
    path = (*path, str(element.S)[1:])
    own = "".join(pieces[page].get(number, "") for page, number in _marks_of(element))
    if "/ActualText" in element:
        yield Said(path, str(element.ActualText))
    elif "/Alt" in element:
        yield Said(path, str(element.Alt))
    elif own:
        yield Said(path, own)
    for kid in _kids(element):
        if isinstance(kid, pikepdf.Dictionary) and "/S" in kid:
            yield from _walk(kid, path, pieces)


def _kids(element: Any) -> list[Any]:
    kids = element.get("/K")
    if kids is None:
        return []
    return list(kids) if isinstance(kids, pikepdf.Array) else [kids]


def _marks_of(element: Any) -> Iterator[tuple[Any, int]]:
    for kid in _kids(element):
        if isinstance(kid, int):
            yield element.Pg.objgen, kid
        elif isinstance(kid, pikepdf.Dictionary) and kid.get("/Type") == "/MCR":
            yield kid.Pg.objgen, int(kid.MCID)


def _pieces(page: Any) -> dict[int | None, str]:
    """Return what each piece of a page's content says; under None what is decoration."""
    maps = {name: _map(font) for name, font in page.Resources.Font.items()}
    told: dict[int | None, str] = {None: ""}
    current: int | None = None
    signs: dict[int, str] = {}
    for operands, operator in pikepdf.parse_content_stream(page):
        match str(operator):
            case "BDC" | "BMC":
                mark = operands[1] if len(operands) > 1 else {}
                current = int(mark["/MCID"]) if "/MCID" in mark else None
                told.setdefault(current, "")
            case "EMC":
                current = None
            case "Tf":
                signs = maps[str(operands[0])]
            case "Tj":
                told[current] += "".join(signs[code] for code in bytes(operands[0]))
    return told


def _map(font: Any) -> dict[int, str]:
    table = font.ToUnicode.read_bytes().decode() if "/ToUnicode" in font else ""
    return {int(code, 16): bytes.fromhex(sign).decode("utf-16-be") for code, sign in _BFCHAR.findall(table)}
