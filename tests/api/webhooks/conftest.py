"""A centre that has subscribed, and a receiver of its messages."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask
from sqlalchemy import select

from app.extensions import db
from app.models import WebhookDelivery
from app.models.api import EVENTS
from app.services.api import keys as api_keys
from app.services.api import webhooks
from tests.receiver import Receiver, receiver
from tests.support import centre_id, person_id

REPRESENTATIVE = "representant@demo.example"


@pytest.fixture
def software(app: Flask) -> Iterator[Receiver]:
    """Run a receiver on this machine, which the program may call."""
    app.config["WEBHOOK_PRIVATE_ADDRESSES"] = True
    with receiver() as running:
        yield running


@pytest.fixture
def subscribed(app: Flask) -> int:
    """Accept the API's conditions for the demonstration centre and return the representative's id."""
    person = person_id(REPRESENTATIVE)
    api_keys.subscribe(centre_id(), person)
    return person


@pytest.fixture
def endpoint(software: Receiver, subscribed: int) -> tuple[int, str]:
    """Give the receiver's address, told of everything: (its id, its secret)."""
    return webhooks.create(centre_id(), subscribed, software.url, EVENTS)


def deliveries() -> list[WebhookDelivery]:
    """Return every message, as the base has it now."""
    db.session.expire_all()
    return list(db.session.execute(select(WebhookDelivery).order_by(WebhookDelivery.id)).scalars())
