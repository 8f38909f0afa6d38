"""The file of an invoice: its page as PDF/A-3 with the electronic invoice (`factur-x.xml`) inside, sealed last.

Before the seal the same invoice gives the same bytes. Nothing can be put into a sealed file: the seal allows no change.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from datetime import datetime

import pikepdf

from app.services.core.clock import PARIS
from app.services.paper import archive
from app.services.seal import sealing

from . import xml
from .content import Content, Detail
from .pages import page

XML_NAME, XML_TYPE = "factur-x.xml", "text/xml"
_DESCRIPTION = "Facture électronique (Factur-X)"
_SPACE = "urn:factur-x:pdfa:CrossIndustryDocument:invoice:1p0#"
#: What the file's metadata say of the invoice within, as Factur-X wants it.
_SAID = {
    "DocumentFileName": (XML_NAME, "name of the embedded XML invoice file"),
    "DocumentType": ("INVOICE", "type of the embedded document"),
    "Version": ("1.0", "version of the Factur-X XML schema"),
    "ConformanceLevel": ("EN 16931", "conformance level of the embedded Factur-X data"),
}
_SCHEMA = archive.Schema(
    "Factur-X PDFA Extension Schema",
    _SPACE,
    "fx",
    tuple(archive.Property(name, "Text", "external", told) for name, (_value, told) in _SAID.items()),
)


def make(content: Content, details: Sequence[Detail], issued_at: datetime) -> bytes:
    """Return the sealed file of an issued invoice or credit note; ``issued_at`` is aware.

    Sealing twice gives two files: the first that is stored holds. Raises `config.ConfigurationError` without a seal.
    """
    return sealing.seal(draw(content, details, issued_at))


def draw(content: Content, details: Sequence[Detail], issued_at: datetime, notice: str | None = None) -> bytes:
    """Return the file before it is sealed, its XML inside; ``notice``: what it says of the seal, else the present one."""
    at = issued_at.astimezone(PARIS)
    drawn = page.draw(content, details, sealing.notice() if notice is None else notice, at)
    return attach(drawn, xml.write(content))


def attach(drawn: page.Drawn, invoice: bytes) -> bytes:
    """Return drawn pages as PDF/A-3 with this XML attached, dated from the instant of issue."""
    attachment = archive.Attachment(XML_NAME, invoice, XML_TYPE, _DESCRIPTION, _metadata(), _SCHEMA)
    return drawn.sheet.finished(drawn.pages, attachment)


def attached(content: bytes) -> bytes:
    """Return the XML that a file holds; raise ValueError where it holds none, or cannot be read."""
    try:
        with pikepdf.open(io.BytesIO(content)) as pdf:
            return pdf.attachments[XML_NAME].get_file().read_bytes()
    except (pikepdf.PdfError, KeyError) as error:
        raise ValueError from error


def file_name(content: Content) -> str:
    """Return the name under which a person saves the file: kind and number, nothing else."""
    return f"{content.kind.label.lower()}-{content.number}.pdf"


def _metadata() -> str:
    """Return the properties of Factur-X."""
    values = "".join(f"<fx:{name}>{value}</fx:{name}>" for name, (value, _told) in _SAID.items())
    return f'<rdf:Description rdf:about="" xmlns:fx="{_SPACE}">{values}</rdf:Description>'
