"""What the judges do not look at, asked by hand (ISO 32000-1, 14.7 and 14.8; ISO 14289-1): of every kind of document."""

from __future__ import annotations

import io
import re
import zlib
from collections.abc import Iterator
from random import Random
from typing import Any

import pikepdf
import pytest
from flask import Flask

from app.services.paper.marking import Info, Sheet
from app.services.paper.tree import deflated
from tests.documents.test_pages import CERTIFICATE

from . import papers
from .judges import faults
from .reading import elements

KINDS = tuple(dict.fromkeys(papers.MAKERS))
#: A stream's dictionary without another in it, and its length.
_STREAM = re.compile(rb"/Length (\d+)[^>]*>>\s*stream\r?\n")


@pytest.fixture(scope="module", params=KINDS, ids=lambda maker: maker.__name__)
def content(office: Flask, request: pytest.FixtureRequest) -> bytes:
    """Give a document of each kind."""
    made: bytes = request.param(Random(11)).content
    return made


@pytest.fixture
def pdf(content: bytes) -> Iterator[pikepdf.Pdf]:
    """Give a document of each kind, opened."""
    with pikepdf.open(io.BytesIO(content)) as opened:
        yield opened


def parents(pdf: pikepdf.Pdf) -> dict[int, Any]:
    """Return key → what it leads to, of the tree from content to elements."""
    nums = pdf.Root.StructTreeRoot.ParentTree.Nums
    return {int(nums[at]): nums[at + 1] for at in range(0, len(nums), 2)}


def of_role(pdf: pikepdf.Pdf, role: str) -> list[Any]:
    return [one for one in elements(pdf.Root.StructTreeRoot.K) if f"/{role}" == one.S]


def test_each_page_leads_to_its_elements(pdf: pikepdf.Pdf) -> None:
    known = parents(pdf)
    for at, page in enumerate(pdf.pages):
        assert page.StructParents == at
        assert page.Tabs == "/S"
        for number, element in enumerate(known[at]):
            kids = element.K if isinstance(element.K, pikepdf.Array) else [element.K]
            assert any(_is_piece(kid, element, page, number) for kid in kids)
    assert pdf.Root.StructTreeRoot.ParentTreeNextKey == len(known)
    assert pdf.Root.MarkInfo.Marked


def _is_piece(kid: Any, element: Any, page: Any, number: int) -> bool:
    if isinstance(kid, int):
        return kid == number and element.Pg.objgen == page.obj.objgen
    return "/MCID" in kid and number == kid.MCID and kid.Pg.objgen == page.obj.objgen


def test_each_annotation_leads_to_its_element_and_is_described(pdf: pikepdf.Pdf) -> None:
    known = parents(pdf)
    found = [one for page in pdf.pages for one in page.get("/Annots", [])]
    for one in found:
        owner = known[int(one.StructParent)]
        kids = list(owner.K) if isinstance(owner.K, pikepdf.Array) else [owner.K]
        assert [kid.Obj.objgen for kid in kids if not isinstance(kid, int)] == [one.objgen]
        assert one.F & 4  # printed
        if one.Subtype == "/Link":
            assert owner.S == "/Link"
            assert str(one.Contents) == str(one.A.URI)
            left, bottom, right, top = (float(side) for side in one.Rect)
            assert 0 < left < right < 596
            assert 0 < bottom < top < 842
        else:
            assert (owner.S, str(owner.Alt)) == ("/Form", str(one.TU))
            assert str(one.T) == "Cachet"
    assert len({int(one.StructParent) for one in found}) == len(found)


def test_every_figure_has_its_place_and_its_description(pdf: pikepdf.Pdf) -> None:
    for figure in of_role(pdf, "Figure"):
        assert "http" in str(figure.Alt)
        left, bottom, right, top = (float(side) for side in figure.A.BBox)
        assert 0 < left < right < 596
        assert 0 < bottom < top < 842


def test_every_heading_cell_says_what_it_heads(pdf: pikepdf.Pdf) -> None:
    for cell in of_role(pdf, "TH"):
        assert cell.A.Scope in ("/Row", "/Column")


def test_every_row_of_a_table_has_as_many_cells(pdf: pikepdf.Pdf) -> None:
    for table in of_role(pdf, "Table"):
        counts = {len(row.K) if isinstance(row.K, pikepdf.Array) else 1 for row in elements(table) if row.S == "/TR"}
        assert len(counts) == 1


def test_no_code_of_a_font_means_nothing(pdf: pikepdf.Pdf) -> None:
    maps = [thing.ToUnicode.read_bytes() for thing in pdf.objects if _is_font(thing)]
    assert maps
    for one in maps:
        assert b"<00> <FF>" in one
        assert b"> <0000>" not in one
        assert all(int(count) <= 100 for count in re.findall(rb"(\d+) beginbfchar", one))


def _is_font(thing: Any) -> bool:
    return isinstance(thing, pikepdf.Dictionary) and thing.get("/Type") == "/Font"


def test_every_stream_is_as_long_as_it_says(content: bytes) -> None:
    streams = list(_STREAM.finditer(content))
    assert len(streams) > 5
    for found in streams:
        end = found.end() + int(found[1])
        assert content[end - 1 : end] != b"\r"
        assert re.match(rb"\r?\n?endstream", content[end:])


def test_a_page_whose_content_ends_in_a_carriage_return_is_mended(office: Flask) -> None:
    made, ends = 0, set()
    for number in range(26 * 60):
        drawn, sheet = page_of("abcdefghijklmnopqrstuvwxyz"[number % 26] * (number // 26 + 1))
        with pikepdf.open(io.BytesIO(drawn)) as pdf:
            last = pdf.pages[0].Contents.read_raw_bytes()[-1:]
        if last not in (b"\r", b"\n") or last in ends:
            continue
        ends.add(last)
        finished = sheet.finished(drawn)
        with pikepdf.open(io.BytesIO(finished)) as pdf:
            assert list(pdf.pages[0].Contents.Filter) == ["/ASCII85Decode", "/FlateDecode"]
            assert b"MCID" in pdf.pages[0].Contents.read_bytes()
        assert faults(finished) == []
        made += 1
        if made == 2:
            return
    raise AssertionError("no content found whose deflated form ends so")


def page_of(text: str) -> tuple[bytes, Sheet]:
    """Return a page of one text whose content is deflated and no more, and what is known of it."""
    out = io.BytesIO()
    sheet = Sheet(Info("Essai", "Essai", CERTIFICATE.established_at), sealed=False)
    canvas = sheet.canvas(out, pagesize=(200, 200), invariant=1, lang="fr", initialFontName="Registre")
    canvas.setFont("Registre", 10)
    canvas.say(sheet.root.add("P"), lambda: canvas.drawString(20, 100, text))
    canvas.save()
    with pikepdf.open(out) as pdf:
        content = pdf.pages[0].Contents
        content.write(zlib.compress(content.read_bytes()), filter=pikepdf.Name.FlateDecode)
        plain = io.BytesIO()
        pdf.save(plain, compress_streams=False, stream_decode_level=pikepdf.StreamDecodeLevel.none)
    return plain.getvalue(), sheet


def test_what_is_packed_never_ends_as_a_line_does() -> None:
    for number in range(2000):
        written = deflated("", b"%d" % number)
        (length,) = re.findall(rb"/Length (\d+)", written)
        begin = written.index(b"stream\n") + 7
        assert written[begin : begin + int(length)][-1:] not in (b"\r", b"\n")
        assert written[begin + int(length) :] == b"\nendstream"
