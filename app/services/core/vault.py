"""Keys derived from the program's secret, one a use, and texts kept encrypted in the base."""

from __future__ import annotations

import base64
from functools import cache

from cryptography.fernet import Fernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from flask import current_app


def key(use: str) -> bytes:
    """Return the 32 bytes that serve one use: what one gives away tells nothing of another."""
    return _derived(str(current_app.config["SECRET_KEY"]), use)


def encrypt(use: str, text: str) -> str:
    """Return a text encrypted for one use (Fernet: 57 characters and 4/3 of its length)."""
    return Fernet(base64.urlsafe_b64encode(key(use))).encrypt(text.encode()).decode()


def decrypt(use: str, sealed: str) -> str:
    """Return the text; raise `cryptography.fernet.InvalidToken` when it was encrypted under another secret."""
    return Fernet(base64.urlsafe_b64encode(key(use))).decrypt(sealed.encode()).decode()


@cache
def _derived(secret: str, use: str) -> bytes:
    return HKDF(SHA256(), 32, salt=None, info=f"registre-cqc {use}".encode()).derive(secret.encode())
