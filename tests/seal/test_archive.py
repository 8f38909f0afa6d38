"""What PDF/A-3A asks of a file (ISO 19005-3), clause by clause, on the sealed documents."""

from __future__ import annotations

import io
import re
import shutil
import struct
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pikepdf
import pytest
from flask import Flask

from app.services.documents.pages import render_certificate
from app.services.seal import sealing as seal
from tests.backends import missing
from tests.documents.test_pages import CERTIFICATE

ICC_COLOUR_SPACE, ICC_CLASS = slice(16, 20), slice(12, 16)


@pytest.fixture
def pdf(document: bytes) -> Iterator[pikepdf.Pdf]:
    """Give the sealed document, opened."""
    with pikepdf.open(io.BytesIO(document)) as opened:
        yield opened


def dictionaries(pdf: pikepdf.Pdf) -> Iterator[Any]:
    """Yield every dictionary of the file, streams' included."""
    for thing in pdf.objects:
        if isinstance(thing, (pikepdf.Dictionary, pikepdf.Stream)):
            yield thing


def test_the_header_and_the_trailer(document: bytes) -> None:  # 6.1.2, 6.1.3
    assert re.match(rb"%PDF-1\.[0-7]\n%[\x80-\xff]{4}", document)
    with pikepdf.open(io.BytesIO(document)) as pdf:
        assert pdf.pdf_version == "1.7"
        assert "/Version" not in pdf.Root
        assert len(pdf.trailer.ID) == 2
        assert "/Encrypt" not in pdf.trailer
    assert document.rstrip().endswith(b"%%EOF")


def test_streams_are_whole_and_plain(document: bytes, pdf: pikepdf.Pdf) -> None:  # 6.1.7
    for at in (found.start() for found in re.finditer(rb"endstream", document)):
        assert document[at - 1 : at] in (b"\n", b"\r")
    for thing in dictionaries(pdf):
        # An annotation's /F are its flags.
        assert not {"/F", "/FFilter", "/FDecodeParms"} & set(thing.keys()) or thing.get("/Subtype") in (
            "/Widget",
            "/Link",
        )
        assert "LZW" not in str(thing.get("/Filter", ""))


def test_the_colours_have_a_profile(pdf: pikepdf.Pdf) -> None:  # 6.2.3
    (intent,) = pdf.Root.OutputIntents
    assert intent.S == "/GTS_PDFA1"
    profile = intent.DestOutputProfile.read_bytes()
    assert profile[ICC_COLOUR_SPACE] == b"RGB "
    assert profile[ICC_CLASS] == b"mntr"
    assert profile[8] < 5
    assert intent.DestOutputProfile.N == 3
    assert struct.unpack(">I", profile[:4])[0] == len(profile)


def test_nothing_is_transparent_active_or_outside(pdf: pikepdf.Pdf) -> None:  # 6.2.10, 6.4, 6.5, 6.6, 6.8
    forbidden = {
        "/SMask", "/Mask", "/ca", "/CA", "/BM", "/JavaScript", "/JS", "/AA", "/OpenAction", "/EmbeddedFiles", "/XFA",
        "/Launch", "/GoToR", "/Alternates", "/OPI", "/PS", "/TR", "/NeedAppearances", "/Group", "/Trans",
    }  # fmt: skip
    assert [set(thing.keys()) & forbidden for thing in dictionaries(pdf) if set(thing.keys()) & forbidden] == []
    images = [thing for thing in dictionaries(pdf) if thing.get("/Subtype") == "/Image"]
    assert images
    assert not any(image.get("/Interpolate", False) for image in images)


def test_fonts_are_inside_with_their_widths(pdf: pikepdf.Pdf) -> None:  # 6.2.11
    fonts = [thing for thing in dictionaries(pdf) if thing.get("/Type") == "/Font"]
    assert len(fonts) == 2
    for font in fonts:
        assert font.Subtype == "/TrueType"
        assert font.LastChar - font.FirstChar + 1 == len(font.Widths)
        assert "/ToUnicode" in font
        # Symbolic: no encoding beside the font's own, which has one table only.
        assert font.FontDescriptor.Flags & 4
        assert "/Encoding" not in font
        program = font.FontDescriptor.FontFile2.read_bytes()
        assert cmap_tables(program) == 1


def cmap_tables(program: bytes) -> int:
    """Return how many encodings a TrueType program has."""
    (count,) = struct.unpack(">H", program[4:6])
    for at in range(count):
        tag, _, offset, _ = struct.unpack(">4sIII", program[12 + 16 * at : 28 + 16 * at])
        if tag == b"cmap":
            return int(struct.unpack(">H", program[offset + 2 : offset + 4])[0])
    return 0


def test_it_says_what_it_is(pdf: pikepdf.Pdf) -> None:  # 6.6.2
    assert "/Filter" not in pdf.Root.Metadata
    with pdf.open_metadata(update_docinfo=False, set_pikepdf_as_editor=False) as metadata:
        said = dict(metadata)
    assert said["{http://www.aiim.org/pdfa/ns/id/}part"] == "3"
    assert said["{http://www.aiim.org/pdfa/ns/id/}conformance"] == "A"
    assert said["{http://www.aiim.org/pdfua/ns/id/}part"] == "1"
    title = said["{http://purl.org/dc/elements/1.1/}title"]
    assert title == str(pdf.docinfo["/Title"])
    assert said["{http://ns.adobe.com/pdf/1.3/}Producer"] == str(pdf.docinfo["/Producer"])
    assert pdf.Root.Lang == "fr-FR"
    assert pdf.Root.ViewerPreferences.DisplayDocTitle


def test_the_seal_is_a_field_that_readers_accept(pdf: pikepdf.Pdf) -> None:  # 6.4.3, 6.1.12
    (field,) = pdf.Root.AcroForm.Fields
    assert field.F & 4  # printed
    assert not field.F & (1 | 2 | 32)  # neither invisible, hidden nor without view
    assert list(field.Rect) == [0, 0, 0, 0]
    assert set(pdf.Root.Perms.keys()) == {"/DocMDP"}
    (reference,) = field.V.Reference
    assert not {"/DigestLocation", "/DigestMethod", "/DigestValue"} & set(reference.keys())


@pytest.mark.parametrize("title", ["<b>&amp;", "]]>", "é\u2019", "<?xpacket end?>"])
def test_a_hostile_title_stays_text(sealing: Flask, title: str) -> None:
    page = io.BytesIO(render_certificate(replace(CERTIFICATE, number=title, issuer=title)))
    with pikepdf.open(page) as pdf, pdf.open_metadata(update_docinfo=False, set_pikepdf_as_editor=False) as metadata:
        assert str(metadata["dc:title"]).endswith(title)
        assert metadata["dc:creator"] == [title]


def test_independent_tools_read_fonts_and_names(sealing: Flask, tmp_path: Path) -> None:
    if not shutil.which("pdffonts"):
        missing("poppler")
    name = "Nguyễn Łukasiewicz-Żółć Œuvrard NÚÑEZ Țurcanu"
    path = tmp_path / "document.pdf"
    path.write_bytes(seal.seal(render_certificate(replace(CERTIFICATE, last_name=name, first_name="Đặng Thị Hằng"))))
    fonts = subprocess.run(["pdffonts", str(path)], capture_output=True, text=True, check=True)
    rows = [line.split() for line in fonts.stdout.splitlines()[2:]]
    assert [row[-5:-2] for row in rows] == [["yes", "yes", "yes"]] * len(rows)
    assert fonts.stderr == ""
    text = subprocess.run(["pdftotext", "-layout", str(path), "-"], capture_output=True, text=True, check=True).stdout
    assert name in re.sub(r"\s+", " ", text)
    assert "Đặng Thị Hằng" in text
