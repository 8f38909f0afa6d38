"""What makes a drawn page a PDF/A-3B file: it says of itself what it is, and what its colours are, without anything outside.

The page already has its fonts inside and neither transparency nor scripts; this adds the metadata (XMP), the output intent
(sRGB) and the plain syntax that the standard asks for, and what is attached to it. The same page gives the same bytes.
"""

from __future__ import annotations

import hashlib
import io
import struct
import zlib
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from xml.sax.saxutils import escape

import pikepdf
from PIL import ImageCms

#: Kept in the file's own words: what made it, whatever draws or seals after.
PRODUCER = "Registre CQC"
LANGUAGE = "fr-FR"
_XMP = """<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:xmp="http://ns.adobe.com/xap/1.0/"
 xmlns:pdf="http://ns.adobe.com/pdf/1.3/" xmlns:pdfaid="http://www.aiim.org/pdfa/ns/id/">
<pdfaid:part>3</pdfaid:part><pdfaid:conformance>B</pdfaid:conformance>
<dc:format>application/pdf</dc:format>
<dc:title><rdf:Alt><rdf:li xml:lang="x-default">{title}</rdf:li></rdf:Alt></dc:title>
<dc:creator><rdf:Seq><rdf:li>{author}</rdf:li></rdf:Seq></dc:creator>
<dc:language><rdf:Bag><rdf:li>{language}</rdf:li></rdf:Bag></dc:language>
<xmp:CreatorTool>{producer}</xmp:CreatorTool><pdf:Producer>{producer}</pdf:Producer>
<xmp:CreateDate>{moment}</xmp:CreateDate><xmp:ModifyDate>{moment}</xmp:ModifyDate>
</rdf:Description>{more}</rdf:RDF></x:xmpmeta>
<?xpacket end="w"?>"""


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that a document carries, as another form of itself; it stands in it uncompressed, for any reader to find."""

    name: str
    content: bytes
    mime: str
    description: str
    #: What the document's metadata say of it: whole `rdf:Description` elements.
    metadata: str = ""


def archive(page: bytes, title: str, author: str, created_at: datetime, attachment: Attachment | None = None) -> bytes:
    """Return the page as a PDF/A-3B file of this title; ``created_at`` is aware, and the attachment's day as well."""
    with pikepdf.open(io.BytesIO(page)) as pdf:
        _drop_transitions(pdf)
        profile = pdf.make_stream(_profile(), {"/N": 3, "/Filter": pikepdf.Name.FlateDecode})
        pdf.Root.OutputIntents = [
            pikepdf.Dictionary(
                Type=pikepdf.Name.OutputIntent,
                S=pikepdf.Name.GTS_PDFA1,
                DestOutputProfile=pdf.make_indirect(profile),
                OutputConditionIdentifier="sRGB IEC61966-2.1",
                Info="sRGB IEC61966-2.1",
                RegistryName="http://www.color.org",
            )
        ]
        packet = _XMP.format(
            title=escape(title),
            author=escape(author),
            language=LANGUAGE,
            producer=PRODUCER,
            moment=created_at.isoformat(timespec="seconds"),
            more=attachment.metadata if attachment else "",
        )
        metadata = pdf.make_stream(packet.encode(), {"/Type": pikepdf.Name.Metadata, "/Subtype": pikepdf.Name.XML})
        pdf.Root.Metadata = pdf.make_indirect(metadata)
        pdf.Root.Lang = LANGUAGE
        pdf.Root.ViewerPreferences = pikepdf.Dictionary(DisplayDocTitle=True)
        if attachment is not None:
            _attach(pdf, attachment, created_at)
        # What stands in both places must agree, and what is empty says nothing.
        for name in ("/Keywords", "/Subject", "/Trapped"):
            if name in pdf.docinfo:
                del pdf.docinfo[name]
        pdf.docinfo["/Producer"] = PRODUCER
        out = io.BytesIO()
        pdf.save(
            out,
            min_version="1.7",
            deterministic_id=True,
            compress_streams=False,
            fix_metadata_version=False,
            stream_decode_level=pikepdf.StreamDecodeLevel.none,
            object_stream_mode=pikepdf.ObjectStreamMode.disable,
        )
    return out.getvalue()


def _attach(pdf: pikepdf.Pdf, attachment: Attachment, at: datetime) -> None:
    """Put a file into the document, where readers of attachments and of PDF/A-3 look for it."""
    stamp = f"{at:D:%Y%m%d%H%M%S%z}"
    content = pdf.make_stream(
        attachment.content,
        Type=pikepdf.Name.EmbeddedFile,
        Subtype=pikepdf.Name(f"/{attachment.mime}"),
        Params=pikepdf.Dictionary(
            Size=len(attachment.content),
            CheckSum=pikepdf.String(hashlib.md5(attachment.content, usedforsecurity=False).digest()),
            ModDate=f"{stamp[:-2]}'{stamp[-2:]}'",
        ),
    )
    file = pdf.make_indirect(
        pikepdf.Dictionary(
            Type=pikepdf.Name.Filespec,
            F=attachment.name,
            UF=attachment.name,
            Desc=attachment.description,
            AFRelationship=pikepdf.Name.Alternative,
            EF=pikepdf.Dictionary(F=content, UF=content),
        )
    )
    pdf.Root.AF = pikepdf.Array([file])
    pdf.Root.Names = pikepdf.Dictionary(EmbeddedFiles=pikepdf.Dictionary(Names=[attachment.name, file]))


def _drop_transitions(pdf: pikepdf.Pdf) -> None:
    """Take from the pages how they would be turned on a screen: no part of an archive."""
    for sheet in pdf.pages:
        if "/Trans" in sheet:
            del sheet["/Trans"]


@cache
def _profile() -> bytes:
    """Return the sRGB colour profile, deflated; the day it was made is a fixed one, or no two files would be alike."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    profile[24:36] = struct.pack(">6H", 2022, 1, 1, 0, 0, 0)
    return zlib.compress(bytes(profile))
