"""The seal of a document: a PAdES-B-B signature that certifies it and allows no change, put on last.

Sealing the same page twice gives two files: the instant and the signature's random part differ. A document is therefore sealed
once, and the hash of its row is that of the sealed file.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from cryptography import x509
from flask import current_app

from . import authority as seal_authority
from .authority import Authority

if TYPE_CHECKING:
    from .signer import Signer


def authority() -> Authority:
    """Return what this process seals with, read at the first call; raise `config.ConfigurationError` when it cannot be."""
    known = current_app.extensions.get("seal")
    if known is None:
        known = current_app.extensions["seal"] = seal_authority.load(current_app.config)
    return known  # type: ignore[no-any-return]


def warm_up(page: bytes) -> None:
    """Make one seal, on a page that is not kept: the first one sets up what a fork would have to set up again.

    Raises `config.ConfigurationError` when key or certificate cannot be used.
    """
    seal(page)


def seal(page: bytes) -> bytes:
    """Return the document, sealed: any later change of a byte shows."""
    return _signer().sign(page)


def notice() -> str:
    """Return what a document says of its seal."""
    mine = authority()
    if mine.is_demonstration:
        return f"Scellé par l’« {seal_authority.DEMONSTRATION} » : document sans valeur légale."
    return f"Scellé électroniquement par {mine.title}."


def _signer() -> Signer:
    known = current_app.extensions.get("seal.signer")
    if known is None:
        from .signer import Signer

        known = current_app.extensions["seal.signer"] = Signer(authority())
    return known  # type: ignore[no-any-return]


def knows(pem: bytes) -> bool:
    """Tell whether every certificate of a PEM file is one of those whose seals are ours."""
    mine = authority()
    return set(x509.load_pem_x509_certificates(pem)) <= {*mine.chain, *mine.former}


def recognise(pem: bytes) -> None:
    """Take the seals of these certificates for ours as well, in this process, as SEAL_FORMER does."""
    mine = authority()
    known = (*mine.former, *x509.load_pem_x509_certificates(pem))
    current_app.extensions["seal"] = replace(mine, former=known)
