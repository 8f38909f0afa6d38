"""Putting a PAdES-B-B signature on a page with pyHanko; imported by whoever seals, as it takes most of a second to load."""

from __future__ import annotations

import io
from typing import Any

from asn1crypto import keys
from asn1crypto import x509 as asn1
from cryptography.hazmat.primitives import serialization
from pyhanko.pdf_utils.generic import pdf_name
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign.fields import MDPPerm, SigSeedSubFilter
from pyhanko.sign.signers import PdfSignatureMetadata, PdfSigner, SimpleSigner
from pyhanko_certvalidator import registry

from .authority import Authority

_DER = serialization.Encoding.DER
#: Bytes of a signature beside the certificates it carries.
_SIGNATURE_ROOM = 2048


class _Writer(IncrementalPdfFileWriter):  # type: ignore[misc]
    """Adds the signature and nothing else: PDF/A-3 stands on PDF 1.7, and the metadata stay as they were drawn."""

    def ensure_output_version(self, version: tuple[int, int]) -> None:
        """Keep the version of the file."""

    def _update_meta(self) -> None:
        """Keep the metadata of the file."""

    def _populate_trailer(self, trailer: Any) -> None:
        """Leave the table of objects plain: deflated, its last byte would now and then be taken for the end of a line."""
        super()._populate_trailer(trailer)  # type: ignore[no-untyped-call]
        trailer.pop(pdf_name("/Filter"), None)


class Signer:
    """Seals with the key of an authority; made once a process."""

    def __init__(self, mine: Authority) -> None:
        chain = [one.public_bytes(_DER) for one in mine.chain]
        key = mine.key.private_bytes(_DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        store: Any = registry.SimpleCertificateStore()  # type: ignore[no-untyped-call]
        store.register_multiple(asn1.Certificate.load(one) for one in chain[1:])
        signer = SimpleSigner(asn1.Certificate.load(chain[0]), keys.PrivateKeyInfo.load(key), store)
        metadata = PdfSignatureMetadata(
            field_name="Cachet",
            md_algorithm="sha256",
            subfilter=SigSeedSubFilter.PADES,
            certify=True,
            docmdp_permissions=MDPPerm.NO_CHANGES,
            reason="Document établi par le registre",
        )
        self._signer = PdfSigner(metadata, signer)
        # In hexadecimal digits; known beforehand, it need not be found by signing twice.
        self._room = 2 * (_SIGNATURE_ROOM + sum(map(len, chain)))

    def sign(self, page: bytes) -> bytes:
        """Return the page, certified, with no change allowed."""
        out = io.BytesIO()
        self._signer.sign_pdf(_Writer(io.BytesIO(page)), output=out, bytes_reserved=self._room)
        return out.getvalue()
