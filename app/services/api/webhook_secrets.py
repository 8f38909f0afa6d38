"""The secrets that sign messages to centres: a new SECRET_KEY changes none of them, and the base alone gives none away."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType

from app.models import WebhookEndpoint
from app.services.core import vault

#: What they are encrypted for (`services.core.vault`).
USE = "webhook secrets"


def of(endpoint: WebhookEndpoint, at: datetime) -> list[str]:
    """Return the secrets that sign a message to this address at an instant, the present one first.

    Each as Standard Webhooks writes it: `whsec_` and 32 bytes in base64.
    """
    kept, nonces = _kept(endpoint), [endpoint.nonce]
    if endpoint.previous_nonce and endpoint.previous_until and endpoint.previous_until > at:
        nonces.append(endpoint.previous_nonce)
    return [_secret(kept, nonce) for nonce in nonces]


def new(endpoint: WebhookEndpoint) -> str:
    """Give an address whose nonce was just drawn its secret, and return it; the one before is kept. No commit."""
    made = _worked_out(endpoint.nonce, vault.secrets()[0])
    endpoint.secrets = encrypted(endpoint, {**_kept(endpoint), endpoint.nonce: made})
    return made


def encrypted(endpoint: WebhookEndpoint, known: Mapping[str, str] = MappingProxyType({})) -> str:
    """Return the secrets of an address as its row keeps them; of each nonce the one ``known``, or worked out of it."""
    nonces = filter(None, (endpoint.nonce, endpoint.previous_nonce))
    return vault.encrypt(USE, json.dumps({nonce: _secret(known, nonce) for nonce in nonces}))


def _kept(endpoint: WebhookEndpoint) -> dict[str, str]:
    """Return nonce → secret as the row keeps them; nothing where they were encrypted under a SECRET_KEY that is not taken."""
    read = vault.read(USE, endpoint.secrets) if endpoint.secrets else None
    return dict(json.loads(read)) if read else {}


def _secret(known: Mapping[str, str], nonce: str) -> str:
    """Return the secret of a nonce; one that is not kept was drawn before secrets were, under the oldest SECRET_KEY taken."""
    return known.get(nonce) or _worked_out(nonce, vault.secrets()[-1])


def _worked_out(nonce: str, key: str) -> str:
    digest = hmac.new(key.encode(), f"webhook:{nonce}".encode(), hashlib.sha256).digest()
    return f"whsec_{base64.b64encode(digest).decode()}"
