"""Whether a file bears our seal and is what was sealed. No PDF parser meets the file: it may come from anybody.

A signature of ours stands in the file as one long hexadecimal string; everything around it is what was signed. So a file is
intact exactly when its bytes without that string have the digest that our key signed, whatever a reader would make of them.
The work is bounded by the size of the file and by the few strings looked at.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice
from typing import Any

from asn1crypto import cms
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from . import sealing

#: A signature with its certificates takes some thousands of digits.
_HEXADECIMAL = re.compile(rb"<([0-9A-Fa-f]{512,65536}+)>")
#: Our files hold one such string; a file with more of them than this is none of ours.
_MOST = 4

_SHA256 = {"algorithm": "sha256", "parameters": None}
_FRAME: tuple[object, ...] = (
    "signed_data", "v1", [_SHA256], {"content_type": "data", "content": None}, None, "v1", "issuer_and_serial_number",
    _SHA256, {"algorithm": "sha256_ecdsa", "parameters": None}, None,
)  # fmt: skip


class Finding(StrEnum):
    """What a look at a file's seal tells."""

    INTACT = "intact"
    ALTERED = "altered"
    NONE = "none"


def look(content: bytes) -> Finding:
    """Tell whether the file bears a seal of ours and, if so, whether it is as it was sealed."""
    mine = sealing.authority()
    known = (*mine.chain, *mine.former)
    ours = {(one.issuer.public_bytes(), one.serial_number): one.public_key() for one in (mine.chain[0], *mine.former)}
    certificates = {one.public_bytes(serialization.Encoding.DER) for one in known}
    found = Finding.NONE
    for match in islice(_HEXADECIMAL.finditer(content), _MOST):
        signed = _read(match[1])
        if signed is None or not any(_is_by(key, signed) for key in ours.values()):
            continue
        around = hashlib.sha256(memoryview(content)[: match.start()])
        around.update(memoryview(content)[match.end() :])
        if around.digest() == signed.digest and signed.signer in ours and signed.certificates <= certificates:
            return Finding.INTACT
        found = Finding.ALTERED
    return found


@dataclass(frozen=True, slots=True)
class _Signed:
    """What a signature says: the digest of the file, the attributes that were signed, by what, and whose it claims to be.

    ``signer``: issuer and serial number of the certificate that it names.
    """

    digest: bytes
    attributes: bytes
    signature: bytes
    signer: tuple[bytes, int]
    certificates: frozenset[bytes]


def _read(digits: bytes) -> _Signed | None:
    """Return what this CMS structure (hexadecimal) holds; None when it is none, or not of our making."""
    try:
        blob = bytes.fromhex(digits.decode())
        whole = cms.ContentInfo.load(blob)
        (signer,) = whole["content"]["signer_infos"]
        attributes = signer["signed_attrs"]
        (digest,) = next(one["values"] for one in attributes if one["type"].native == "message_digest")
        # What the signature does not cover has one form only, and the place left over holds zeros.
        if _frame(whole) != _FRAME or any(blob[len(whole.dump()) :]):
            return None
        return _Signed(
            bytes(digest.native),
            attributes.untag().dump(),
            signer["signature"].native,
            (signer["sid"].chosen["issuer"].dump(), signer["sid"].chosen["serial_number"].native),
            frozenset(one.chosen.dump() for one in whole["content"]["certificates"]),
        )
    except Exception:  # whatever a made-up structure does to its reader, it is no signature of ours
        return None


def _frame(whole: Any) -> tuple[object, ...]:
    """Return what stands around the signed attributes."""
    content = whole["content"]
    (signer,) = content["signer_infos"]
    return (
        whole["content_type"].native,
        content["version"].native,
        content["digest_algorithms"].native,
        content["encap_content_info"].native,
        content["crls"].native,
        signer["version"].native,
        signer["sid"].name,
        signer["digest_algorithm"].native,
        signer["signature_algorithm"].native,
        signer["unsigned_attrs"].native,
    )


def _is_by(key: object, signed: _Signed) -> bool:
    if not isinstance(key, ec.EllipticCurvePublicKey):
        return False
    try:
        key.verify(signed.signature, signed.attributes, ec.ECDSA(hashes.SHA256()))
    except InvalidSignature:
        return False
    return True
