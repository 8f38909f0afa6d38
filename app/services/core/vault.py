"""Keys derived from the program's secret, one a use, and texts kept encrypted in the base."""

from __future__ import annotations

import base64
from functools import cache

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from flask import current_app


def secrets() -> tuple[str, ...]:
    """Return the program's secret, then those of before that are still taken (`SECRET_KEY_FORMER`).

    What is made is made of the first; what is shown to us may have been made of any.
    """
    return (str(current_app.config["SECRET_KEY"]), *current_app.config["SECRET_KEY_FORMER"])


def signing_keys() -> list[str]:
    """Return the same for itsdangerous: it signs with the last and takes all of them."""
    return list(reversed(secrets()))


def keys(use: str) -> tuple[bytes, ...]:
    """Return the 32 bytes of one use under each secret that is taken, the present one first.

    What the bytes of one use give away tells nothing of another.
    """
    return tuple(_derived(secret, use) for secret in secrets())


def encrypt(use: str, text: str) -> str:
    """Return a text encrypted for one use (Fernet: 57 characters and 4/3 of its length)."""
    return _ciphers(use)[0].encrypt(text.encode()).decode()


def decrypt(use: str, sealed: str) -> str:
    """Return the text; raise `cryptography.fernet.InvalidToken` when it was encrypted under a secret that is not taken."""
    return MultiFernet(_ciphers(use)).decrypt(sealed.encode()).decode()


def read(use: str, sealed: str) -> str | None:
    """Return the text; None when it was encrypted under a secret that is not taken."""
    try:
        return decrypt(use, sealed)
    except InvalidToken:
        return None


def is_present(use: str, sealed: str) -> bool:
    """Tell whether a text was encrypted under the present secret."""
    try:
        _ciphers(use)[0].decrypt(sealed.encode())
    except InvalidToken:
        return False
    return True


def _ciphers(use: str) -> list[Fernet]:
    return [Fernet(base64.urlsafe_b64encode(one)) for one in keys(use)]


@cache
def _derived(secret: str, use: str) -> bytes:
    return HKDF(SHA256(), 32, salt=None, info=f"registre-cqc {use}".encode()).derive(secret.encode())
