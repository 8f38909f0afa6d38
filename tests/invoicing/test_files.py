"""The file of an invoice: a PDF/A-3 with its XML inside, sealed last, as independent readers see it."""

from __future__ import annotations

import hashlib
import io
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from random import Random

import facturx
import pikepdf
import pytest
from flask import Flask
from pikepdf import pdfa as judge
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation import validate_pdf_signature
from pyhanko_certvalidator import ValidationContext

from app.services.invoicing import files, xml
from app.services.invoicing.pages import page
from app.services.seal import checking, sealing
from app.services.seal.checking import Finding
from tests.backends import missing
from tests.seal.conftest import bare_app

from .contents import credit_note, details, invoice, long_lines, public

AT = datetime(2026, 11, 3, 2, 4, 5, tzinfo=UTC)
CASES = {"invoice": invoice(), "credit note": credit_note(), "public": public(), "long": invoice(long_lines(40))}
#: What pikepdf's judge of PDF/A-3B does not know, and the standard allows: the field of the seal, level A, and metadata of an
#: extension schema; in the finished file attachments and the seal besides. Anything else is a fault.
FALSE_ALARMS_OF_PAGES = Counter(
    {
        "interactive forms (/AcroForm) are not supported": 1,
        "pdfaid:conformance is 'A', expected 'B'": 1,
        "XMP namespace pdfaExtension=http://www.aiim.org/pdfa/ns/extension/ is not permitted": 1,
        "XMP namespace pdfaSchema=http://www.aiim.org/pdfa/ns/schema# is not permitted": 1,
        "XMP namespace pdfaProperty=http://www.aiim.org/pdfa/ns/property# is not permitted": 1,
        "XMP property pdfaExtension:schemas is not permitted": 1,
        "XMP property pdfuaid:part is not permitted": 1,
    }
)
FALSE_ALARMS = FALSE_ALARMS_OF_PAGES + Counter(
    {
        "permissions (/Perms) are not supported": 1,
        "embedded files are not supported": 2,
        "XMP namespace fx=urn:factur-x:pdfa:CrossIndustryDocument:invoice:1p0# is not permitted": 1,
        "XMP property fx:DocumentFileName is not permitted": 1,
        "XMP property fx:DocumentType is not permitted": 1,
        "XMP property fx:Version is not permitted": 1,
        "XMP property fx:ConformanceLevel is not permitted": 1,
    }
)


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    """An application that seals, within its context."""
    app = bare_app(tmp_path_factory.mktemp("invoices"))
    with app.app_context():
        yield app


@pytest.fixture(scope="module")
def sealed(office: Flask) -> bytes:
    return files.make(invoice(), details(invoice()), AT)


def findings(content: bytes) -> Counter[str]:
    return Counter(one.message for one in judge.validate_written(io.BytesIO(content), "3b").findings)


@pytest.mark.parametrize("name", CASES)
def test_the_page_is_pdf_a_and_the_finished_file_but_for_the_known_false_alarms(office: Flask, name: str) -> None:
    content = CASES[name]
    drawn = page.draw(content, details(content), sealing.notice(), AT)
    assert findings(drawn.sheet.finished(drawn.pages)) == FALSE_ALARMS_OF_PAGES
    assert findings(files.make(content, details(content), AT)) == FALSE_ALARMS


@pytest.mark.parametrize("name", CASES)
def test_the_xml_taken_out_is_the_xml_written(office: Flask, name: str) -> None:
    content = CASES[name]
    made = files.make(content, details(content), AT)
    assert facturx.get_xml_from_pdf(made, check_xsd=True) == ("factur-x.xml", xml.write(content))
    assert xml.write(content) in made  # uncompressed: any reader finds it


def test_the_attachment_stands_where_readers_look_for_it(sealed: bytes) -> None:
    with pikepdf.open(io.BytesIO(sealed)) as pdf:
        (file,) = pdf.Root.AF
        assert file.AFRelationship == "/Alternative"
        assert pdf.Root.Names.EmbeddedFiles.Names[1].objgen == file.objgen
        held = pdf.attachments["factur-x.xml"].get_file()
        assert held.mime_type == "text/xml"
        assert held.md5 == hashlib.md5(xml.write(invoice()), usedforsecurity=False).digest()
        assert held.mod_date == AT
        assert pdf.Root.Lang == "fr-FR"
        said = pdf.open_metadata()
        assert said["{urn:factur-x:pdfa:CrossIndustryDocument:invoice:1p0#}ConformanceLevel"] == "EN 16931"
        assert said["{urn:factur-x:pdfa:CrossIndustryDocument:invoice:1p0#}DocumentFileName"] == "factur-x.xml"
        assert said["xmp:CreateDate"] == "2026-11-03T03:04:05+01:00"


def test_before_the_seal_the_same_invoice_gives_the_same_bytes(office: Flask) -> None:
    content = invoice()
    assert files.draw(content, details(content), AT) == files.draw(content, details(content), AT)
    assert files.file_name(content) == "facture-F2026-000123.pdf"
    assert files.file_name(credit_note()) == "avoir-A2026-000045.pdf"


def test_our_own_check_finds_it_intact_and_any_changed_byte_altered(sealed: bytes) -> None:
    assert checking.look(sealed) == Finding.INTACT
    start = sealed.index(xml.write(invoice()))
    random = Random(14)
    for at in (start + 900, *(random.randrange(len(sealed) - 20_000) for _ in range(40))):
        changed = bytearray(sealed)
        changed[at] ^= 1
        assert checking.look(bytes(changed)) != Finding.INTACT, at
    cheaper = sealed.replace(b"<ram:GrandTotalAmount>1483.94", b"<ram:GrandTotalAmount>0083.94")
    assert cheaper != sealed
    assert checking.look(cheaper) == Finding.ALTERED


def test_independent_readers_find_the_seal_valid_over_the_entire_file(sealed: bytes, tmp_path: Path) -> None:
    if not shutil.which("pdfsig"):
        missing("pdfsig")
    path = tmp_path / "invoice.pdf"
    path.write_bytes(sealed)
    said = subprocess.run(["pdfsig", "-nocert", str(path)], capture_output=True, text=True).stdout
    assert "Signature is Valid." in said
    assert "Total document signed" in said
    (signature,) = PdfFileReader(io.BytesIO(sealed)).embedded_signatures
    roots = [sealing.authority().chain[-1]]
    status = validate_pdf_signature(signature, ValidationContext(trust_roots=_asn1(roots), allow_fetching=False))
    assert status.intact
    assert status.valid
    assert status.trusted
    assert status.docmdp_ok
    assert status.coverage.name == "ENTIRE_FILE"


def test_nothing_can_be_embedded_after_the_seal(office: Flask) -> None:
    """Why the order is: embed, then seal."""
    content = invoice()
    drawn = page.draw(content, details(content), sealing.notice(), AT)
    bare = sealing.seal(drawn.sheet.finished(drawn.pages))
    assert checking.look(bare) == Finding.INTACT
    late = files.attach(drawn._replace(pages=bare), xml.write(content))
    assert checking.look(late) != Finding.INTACT
    (signature,) = PdfFileReader(io.BytesIO(late)).embedded_signatures
    roots = [sealing.authority().chain[-1]]
    status = validate_pdf_signature(signature, ValidationContext(trust_roots=_asn1(roots), allow_fetching=False))
    assert not status.intact


def _asn1(certificates: list[object]) -> list[object]:
    from asn1crypto import x509
    from cryptography.hazmat.primitives.serialization import Encoding

    return [x509.Certificate.load(one.public_bytes(Encoding.DER)) for one in certificates]  # type: ignore[attr-defined]
