"""Activation codes and the links of invitations: worked out from the program's secret whenever they are shown, never stored.

One code a driver and centre. A base that is stolen gives none away; raising a driver's series makes all of them worthless.
"""

from __future__ import annotations

import base64
import hashlib
import hmac

from flask import current_app

from app.services.core import vault

#: No sign that is taken for another, in print or by hand: 0 O, 1 I L, 2 Z, 5 S, 8 B.
ALPHABET = "ACDEFGHJKMNPQRTUVWXY34679"
LENGTH = 8
_SHOWN_AT = LENGTH // 2


def code(driver_id: int, centre_id: int, series: int) -> str:
    """Return the code by which this centre's trainee proves to be this driver (8 characters)."""
    return _codes(driver_id, centre_id, series)[0]


def link_token(driver_id: int, centre_id: int, series: int) -> str:
    """Return the secret that the link of this centre's invitation bears (43 characters)."""
    return _link_tokens(driver_id, centre_id, series)[0]


def shown(text: str) -> str:
    """Return a code as people read it: « ACDE-FGHJ »."""
    return f"{text[:_SHOWN_AT]}-{text[_SHOWN_AT:]}"


def parse(typed: str) -> str | None:
    """Return a code as typed in its one form, None for what can be none: case, spaces and hyphens are forgiven."""
    text = "".join(sign for sign in typed.upper() if sign.isalnum())
    return text if len(text) == LENGTH and set(text) <= set(ALPHABET) else None


def hash_of(proof: str) -> str:
    """Return the keyed hash of a code or a token (hexadecimal): what a sign-up keeps, and what is compared."""
    return _hashes(proof)[0]


def is_code(proof_hash: str, driver_id: int, centre_id: int, series: int) -> bool:
    """Tell whether a hash (:func:`hash_of`) is of this code, under any secret of the program that is taken."""
    return _is_one_of(proof_hash, _codes(driver_id, centre_id, series))


def is_link_token(proof_hash: str, driver_id: int, centre_id: int, series: int) -> bool:
    """Tell whether a hash is of this invitation's token, as :func:`is_code`."""
    return _is_one_of(proof_hash, _link_tokens(driver_id, centre_id, series))


def invitation_url(driver_id: int, centre_id: int, series: int) -> str:
    """Return the address that an invitation by mail leads to."""
    return f"{current_app.config['BASE_URL']}/inscription/?invitation={link_token(driver_id, centre_id, series)}"


def _codes(driver_id: int, centre_id: int, series: int) -> list[str]:
    return [_signs(digest) for digest in _digests("code", driver_id, centre_id, series)]


def _signs(digest: bytes) -> str:
    number, signs = int.from_bytes(digest), []
    for _ in range(LENGTH):
        number, at = divmod(number, len(ALPHABET))
        signs.append(ALPHABET[at])
    return "".join(signs)


def _link_tokens(driver_id: int, centre_id: int, series: int) -> list[str]:
    digests = _digests("link", driver_id, centre_id, series)
    return [base64.urlsafe_b64encode(one).rstrip(b"=").decode() for one in digests]


def _digests(use: str, driver_id: int, centre_id: int, series: int) -> list[bytes]:
    """Return what a proof is made of, under the present secret of the program and under those of before."""
    text = f"{use}:{driver_id}:{centre_id}:{series}"
    return [hmac.digest(key, text.encode(), "sha256") for key in vault.keys("activation")]


def _hashes(proof: str) -> list[str]:
    return [hmac.new(key, proof.encode(), hashlib.sha256).hexdigest() for key in vault.keys("proof of identity")]


def _is_one_of(proof_hash: str, proofs: list[str]) -> bool:
    return any(hmac.compare_digest(own, proof_hash) for proof in proofs for own in _hashes(proof))
