"""A new SECRET_KEY beside the one before: what the base keeps under the old one is put under the new one, and counted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import InstrumentedAttribute

from app.extensions import db
from app.models import KeptForm, SecondFactor, WebhookEndpoint
from app.services.accounts import kept_forms, second_factor
from app.services.api import webhook_secrets
from app.services.core import vault
from app.services.core.taking import taken
from app.services.core.transaction import transaction

#: What the base keeps encrypted: its name, its row's key, the column, what it is encrypted for.
_ENCRYPTED: tuple[tuple[str, Any, InstrumentedAttribute[Any], str], ...] = (
    ("second factors", SecondFactor.person_id, SecondFactor.secret, second_factor.USE),
    ("webhook secrets", WebhookEndpoint.id, WebhookEndpoint.secrets, webhook_secrets.USE),
    ("kept forms", KeptForm.id, KeptForm.forms, kept_forms.USE),
)


@dataclass(frozen=True, slots=True)
class Kept:
    """Rows of one sort: under the present secret, under one of before that is taken, under none that is taken."""

    sort: str
    present: int
    former: int
    unreadable: int


def look() -> list[Kept]:
    """Count what is kept encrypted, and addresses of webhooks whose secret is not kept yet as under a secret of before."""
    found = []
    for sort, _, column, use in _ENCRYPTED:
        texts = list(db.session.execute(select(column)).scalars())
        present = sum(vault.is_present(use, text) if text else not vault.secrets()[1:] for text in texts)
        readable = sum(text is None or vault.read(use, text) is not None for text in texts)
        found.append(Kept(sort, present, readable - present, len(texts) - readable))
    return found


def renew() -> None:
    """Encrypt anew, under the present secret, what can be read: row by row, while people work; twice is once."""
    _keep_secrets_of_webhooks()
    for _, key, column, use in _ENCRYPTED:
        for id_, sealed in db.session.execute(select(key, column)).tuples().all():
            if vault.is_present(use, sealed) or (text := vault.read(use, sealed)) is None:
                continue
            with transaction():  # unless somebody has changed it meanwhile: then it is under the present one
                taken(
                    update(column.class_).where(key == id_, column == sealed).values({column: vault.encrypt(use, text)})
                )


def _keep_secrets_of_webhooks() -> None:
    """Keep those that are still worked out of a nonce, unless their centre has new ones made meanwhile."""
    e = WebhookEndpoint
    for endpoint in db.session.execute(select(e).where(e.secrets.is_(None))).scalars().all():
        kept = update(e).where(e.id == endpoint.id, e.nonce == endpoint.nonce, e.secrets.is_(None))
        with transaction():
            taken(kept.values(secrets=webhook_secrets.encrypted(endpoint)))
