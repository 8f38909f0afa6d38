"""The whole way: a registration, the real queue, a real worker with its forks, a real server."""

from __future__ import annotations

import pytest
from flask import Flask
from standardwebhooks import Webhook

from app.jobs import worker
from app.models.api import AVAILABLE, CONFIRMED
from tests.api.webhooks.conftest import deliveries
from tests.jobs.conftest import bell
from tests.receiver import Receiver
from tests.support import MARIE, registered

__all__ = ["bell"]


@pytest.mark.usefixtures("bell")
def test_a_worker_takes_the_message_to_the_server(app: Flask, endpoint: tuple[int, str], software: Receiver) -> None:
    registered(MARIE)
    worker.work(burst=True)
    assert [message.told["type"] for message in software.messages] == [CONFIRMED, AVAILABLE]
    for message in software.messages:
        Webhook(endpoint[1]).verify(message.body, message.headers)
    assert {one.state for one in deliveries()} == {"delivered"}
