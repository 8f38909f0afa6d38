"""The key that signs what documents say of themselves in their QR code, and the nightly list of revocations.

It is a key of its own: the seal's proves files and comes with certificates, this one proves a few bytes to programs without
network. Keys used before stay published, so that what they signed is still recognised; what one that leaked signed is void
once it is left out of STATEMENT_FORMER.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from flask import Config as Settings
from flask import current_app

from config import ConfigurationError

from . import authority

#: Bytes of a key's id, and of a signature (r and s, 32 bytes each, as in JWS).
ID_BYTES, SIGNATURE_BYTES = 4, 64
_FOLDER, _KEY = "statements", "key.pem"
_PUBLIC = re.compile(rb"-----BEGIN PUBLIC KEY-----.+?-----END PUBLIC KEY-----", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Keys:
    """The key that signs today, and those that signed before."""

    key: ec.EllipticCurvePrivateKey
    former: tuple[ec.EllipticCurvePublicKey, ...]
    is_demonstration: bool

    @property
    def id(self) -> bytes:
        """Return the id of the key that signs."""
        return id_of(self.key.public_key())

    def sign(self, content: bytes) -> bytes:
        """Return the signature (ES256): r and s, one after the other."""
        r, s = decode_dss_signature(self.key.sign(content, ec.ECDSA(hashes.SHA256())))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")

    def published(self) -> dict[str, Any]:
        """Return the public keys as a JWK set (RFC 7517), the one that signs first."""
        return {"keys": list(self._published())}

    def _published(self) -> Iterator[dict[str, Any]]:
        for public in (self.key.public_key(), *self.former):
            numbers = public.public_numbers()
            yield {
                "kty": "EC",
                "crv": "P-256",
                "alg": "ES256",
                "use": "sig",
                "kid": encoded(id_of(public)),
                "x": encoded(numbers.x.to_bytes(32, "big")),
                "y": encoded(numbers.y.to_bytes(32, "big")),
                "demonstration": self.is_demonstration,
            }


def keys() -> Keys:
    """Return what this process signs with, read at the first call; raise `config.ConfigurationError` when it cannot be."""
    known = current_app.extensions.get("statement keys")
    if known is None:
        known = current_app.extensions["statement keys"] = load(current_app.config)
    return known  # type: ignore[no-any-return]


def load(settings: Settings) -> Keys:
    """Return the keys of the settings, or a demonstration's, made in the data folder at the first call.

    Raises `config.ConfigurationError` for what cannot be read or is not on the curve P-256.
    """
    path, password = settings["STATEMENT_KEY"], settings["STATEMENT_KEY_PASSWORD"]
    is_demonstration = not path
    if is_demonstration:
        path, password = authority.made_once(Path(settings["DATA_DIR"]), _FOLDER, _make) / _KEY, ""
    key = authority.read_key(Path(path), password, "STATEMENT_KEY")
    former = _read_former(Path(settings["STATEMENT_FORMER"])) if settings["STATEMENT_FORMER"] else ()
    return Keys(key, former, is_demonstration)


def id_of(public: ec.EllipticCurvePublicKey) -> bytes:
    """Return the first bytes of the SHA-256 of a public key (DER, SubjectPublicKeyInfo)."""
    der = public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(der).digest()[:ID_BYTES]


def encoded(content: bytes) -> str:
    """Return bytes in base64url without padding, as JWS and JWK have them."""
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def _make(folder: Path) -> None:
    authority.write_key(folder / _KEY, ec.generate_private_key(ec.SECP256R1()))


def _read_former(path: Path) -> tuple[ec.EllipticCurvePublicKey, ...]:
    try:
        found = [serialization.load_pem_public_key(pem) for pem in _PUBLIC.findall(path.read_bytes())]
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"STATEMENT_FORMER cannot be read: {type(error).__name__}") from None
    on_curve = [
        one for one in found if isinstance(one, ec.EllipticCurvePublicKey) and isinstance(one.curve, ec.SECP256R1)
    ]
    if not found or len(on_curve) < len(found):
        raise ConfigurationError("STATEMENT_FORMER must hold public keys (PEM) on the curve P-256")
    return tuple(on_curve)
