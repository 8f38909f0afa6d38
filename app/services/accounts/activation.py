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
    number = int.from_bytes(_digest("code", driver_id, centre_id, series))
    signs = []
    for _ in range(LENGTH):
        number, at = divmod(number, len(ALPHABET))
        signs.append(ALPHABET[at])
    return "".join(signs)


def link_token(driver_id: int, centre_id: int, series: int) -> str:
    """Return the secret that the link of this centre's invitation bears (43 characters)."""
    return base64.urlsafe_b64encode(_digest("link", driver_id, centre_id, series)).rstrip(b"=").decode()


def shown(text: str) -> str:
    """Return a code as people read it: « ACDE-FGHJ »."""
    return f"{text[:_SHOWN_AT]}-{text[_SHOWN_AT:]}"


def parse(typed: str) -> str | None:
    """Return a code as typed in its one form, None for what can be none: case, spaces and hyphens are forgiven."""
    text = "".join(sign for sign in typed.upper() if sign.isalnum())
    return text if len(text) == LENGTH and set(text) <= set(ALPHABET) else None


def hash_of(proof: str) -> str:
    """Return the keyed hash of a code or a token (hexadecimal): what a sign-up keeps, and what is compared."""
    return hmac.new(vault.key("proof of identity"), proof.encode(), hashlib.sha256).hexdigest()


def invitation_url(driver_id: int, centre_id: int, series: int) -> str:
    """Return the address that an invitation by mail leads to."""
    return f"{current_app.config['BASE_URL']}/inscription/?invitation={link_token(driver_id, centre_id, series)}"


def _digest(use: str, driver_id: int, centre_id: int, series: int) -> bytes:
    text = f"{use}:{driver_id}:{centre_id}:{series}"
    return hmac.new(vault.key("activation"), text.encode(), hashlib.sha256).digest()
