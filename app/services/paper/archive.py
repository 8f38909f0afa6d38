"""What makes drawn pages a PDF/A-3A and PDF/UA-1 file: it says of itself what it is, and what its colours are, without anything
outside.

The pages already have their fonts, marks and tree inside and neither transparency nor scripts; this adds the metadata (XMP),
the output intent (sRGB), the plain syntax that the standards ask for, and what is attached. The same pages give the same bytes.
"""

from __future__ import annotations

import base64
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
 xmlns:pdf="http://ns.adobe.com/pdf/1.3/" xmlns:pdfaid="http://www.aiim.org/pdfa/ns/id/"
 xmlns:pdfuaid="http://www.aiim.org/pdfua/ns/id/">
<pdfaid:part>3</pdfaid:part><pdfaid:conformance>A</pdfaid:conformance><pdfuaid:part>1</pdfuaid:part>
<dc:format>application/pdf</dc:format>
<dc:title><rdf:Alt><rdf:li xml:lang="x-default">{title}</rdf:li></rdf:Alt></dc:title>
<dc:creator><rdf:Seq><rdf:li>{author}</rdf:li></rdf:Seq></dc:creator>
<dc:language><rdf:Bag><rdf:li>{language}</rdf:li></rdf:Bag></dc:language>
<xmp:CreatorTool>{producer}</xmp:CreatorTool><pdf:Producer>{producer}</pdf:Producer>
<xmp:CreateDate>{moment}</xmp:CreateDate><xmp:ModifyDate>{moment}</xmp:ModifyDate>
</rdf:Description>{more}<rdf:Description rdf:about="" xmlns:pdfaExtension="http://www.aiim.org/pdfa/ns/extension/"
 xmlns:pdfaSchema="http://www.aiim.org/pdfa/ns/schema#" xmlns:pdfaProperty="http://www.aiim.org/pdfa/ns/property#">
<pdfaExtension:schemas><rdf:Bag>{schemas}</rdf:Bag></pdfaExtension:schemas></rdf:Description></rdf:RDF></x:xmpmeta>
<?xpacket end="w"?>"""


@dataclass(frozen=True, slots=True)
class Property:
    """A property of a schema that PDF/A does not know of itself."""

    name: str
    kind: str
    category: str
    told: str


@dataclass(frozen=True, slots=True)
class Schema:
    """A schema of such properties, as a file that uses it must describe it (ISO 19005-3, 6.6.2.3.3)."""

    name: str
    space: str
    prefix: str
    properties: tuple[Property, ...]

    def described(self) -> str:
        """Return its description, an item of the list of schemas."""
        properties = "".join(
            '<rdf:li rdf:parseType="Resource">'
            f"<pdfaProperty:name>{one.name}</pdfaProperty:name><pdfaProperty:valueType>{one.kind}</pdfaProperty:valueType>"
            f"<pdfaProperty:category>{one.category}</pdfaProperty:category>"
            f"<pdfaProperty:description>{one.told}</pdfaProperty:description></rdf:li>"
            for one in self.properties
        )
        return (
            f'<rdf:li rdf:parseType="Resource"><pdfaSchema:schema>{self.name}</pdfaSchema:schema>'
            f"<pdfaSchema:namespaceURI>{self.space}</pdfaSchema:namespaceURI><pdfaSchema:prefix>{self.prefix}</pdfaSchema:prefix>"
            f"<pdfaSchema:property><rdf:Seq>{properties}</rdf:Seq></pdfaSchema:property></rdf:li>"
        )


_UA = Schema(
    "PDF/UA identification schema",
    "http://www.aiim.org/pdfua/ns/id/",
    "pdfuaid",
    (Property("part", "Integer", "internal", "part of ISO 14289 that the file conforms to"),),
)


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that a document carries, as another form of itself; it stands in it uncompressed, for any reader to find."""

    name: str
    content: bytes
    mime: str
    description: str
    #: What the document's metadata say of it (whole `rdf:Description` elements), and the schema of what they say.
    metadata: str
    schema: Schema


def archive(page: bytes, title: str, author: str, created_at: datetime, attachment: Attachment | None = None) -> bytes:
    """Return drawn pages as a PDF/A-3A and PDF/UA-1 file of this title; ``created_at``, of its attachment as well, is aware."""
    with pikepdf.open(io.BytesIO(page)) as pdf:
        for at, sheet in enumerate(pdf.pages):
            _prepare(sheet, at)
        _end_streams(pdf)
        pdf.Root.OutputIntents = [_intent(pdf)]
        packet = _XMP.format(
            title=escape(title),
            author=escape(author),
            language=LANGUAGE,
            producer=PRODUCER,
            moment=created_at.isoformat(timespec="seconds"),
            more=attachment.metadata if attachment else "",
            schemas="".join(one.described() for one in (_UA, *([attachment.schema] if attachment else []))),
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
        return _written(pdf)


def _written(pdf: pikepdf.Pdf) -> bytes:
    out = io.BytesIO()
    pdf.save(
        out,
        min_version="1.7",
        deterministic_id=True,
        compress_streams=False,
        fix_metadata_version=False,
        stream_decode_level=pikepdf.StreamDecodeLevel.none,
        object_stream_mode=pikepdf.ObjectStreamMode.generate,  # what is added to it (`tree`) is packed as well
    )
    return out.getvalue()


def _prepare(page: pikepdf.Page, at: int) -> None:
    """Say of a page where its elements are found and that its fields follow them; how it is turned is no part of an archive."""
    if "/Trans" in page:
        del page["/Trans"]
    page["/Tabs"] = pikepdf.Name.S
    page["/StructParents"] = at


def _end_streams(pdf: pikepdf.Pdf) -> None:
    """Write anew each stream whose last byte is taken for the end of a line (6.1.7.1: its length would not hold).

    The last byte of a deflated one is of a sum over the content, whichever way it is deflated: so it is written in letters.
    """
    for thing in pdf.objects:
        if isinstance(thing, pikepdf.Stream) and (raw := thing.read_raw_bytes())[-1:] in (b"\r", b"\n"):
            known = thing.get("/Filter", pikepdf.Array())
            filters = [*known] if isinstance(known, pikepdf.Array) else [known]
            thing.write(base64.a85encode(raw) + b"~>", filter=pikepdf.Array([pikepdf.Name.ASCII85Decode, *filters]))


def _intent(pdf: pikepdf.Pdf) -> pikepdf.Dictionary:
    profile = pdf.make_stream(_profile(), {"/N": 3, "/Filter": pikepdf.Name.FlateDecode})
    return pikepdf.Dictionary(
        Type=pikepdf.Name.OutputIntent,
        S=pikepdf.Name.GTS_PDFA1,
        DestOutputProfile=pdf.make_indirect(profile),
        OutputConditionIdentifier="sRGB IEC61966-2.1",
        Info="sRGB IEC61966-2.1",
        RegistryName="http://www.color.org",
    )


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


@cache
def _profile() -> bytes:
    """Return the sRGB colour profile, deflated; the day it was made is a fixed one, or no two files would be alike."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    profile[24:36] = struct.pack(">6H", 2022, 1, 1, 0, 0, 0)
    return zlib.compress(bytes(profile))
