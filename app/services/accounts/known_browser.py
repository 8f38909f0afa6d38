"""Browsers that an account was signed in from: what strangers try against the account does not keep its owner out of them.

A browser keeps a signed text: its own name, and a mark for each account. A mark is worth nothing for another browser or
account, nor once the password was changed; it opens nothing by itself.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import timedelta

from itsdangerous import BadData, URLSafeTimedSerializer

from app.models import Person
from app.services.core import vault

#: How long a browser is known after the last sign-in from it.
HOLDS = timedelta(days=365)
#: The last so many people who signed in are known: one browser may serve a whole office.
MOST = 8


@dataclass(frozen=True, slots=True)
class Browser:
    """A browser by its own name, and the marks of the accounts it is known to, the last first."""

    name: str
    marks: tuple[str, ...] = ()


def read(text: str) -> Browser:
    """Return the browser that kept this text; one that nobody knows where there is none, or a forged or an old one."""
    try:
        name, *marks = _signer().loads(text, max_age=int(HOLDS.total_seconds()))
    except (BadData, ValueError, TypeError):
        return Browser(secrets.token_hex(16))
    return Browser(name, tuple(marks))


def remember(browser: Browser, person: Person) -> str:
    """Return the text for the browser to keep once the person has signed in from it."""
    marks = dict.fromkeys((_marks(browser, person)[0], *browser.marks))
    return str(_signer().dumps([browser.name, *list(marks)[:MOST]]))


def counted(value: str, person: Person | None, browser: Browser | None) -> str:
    """Return what tries at an account are counted by: by ``value``; in a browser it knows, by that and the browser."""
    if browser is None or person is None or not set(_marks(browser, person)) & set(browser.marks):
        return value
    return f"{value} in {browser.name}"


def _marks(browser: Browser, person: Person) -> list[str]:
    """Return a keyed hash that changes with the password, and names nobody; then the same under the secrets of before."""
    about = f"known browser:{browser.name}:{person.id}:{person.password}".encode()
    return [hmac.new(secret.encode(), about, hashlib.sha256).hexdigest()[:32] for secret in vault.secrets()]


def _signer() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(
        vault.signing_keys(), salt="known browser", signer_kwargs={"digest_method": hashlib.sha256}
    )
