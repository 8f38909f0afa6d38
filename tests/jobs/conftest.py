"""Jobs are tested on both bases; the queue, where one is needed, is a real one under a name of its own."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator

import pytest
from flask import Flask
from redis import Redis
from redis.exceptions import RedisError

from app.services.core import queue
from tests.backends import missing

REDIS = os.environ.get("TEST_REDIS_URL", "redis://127.0.0.1:6379/9")


@pytest.fixture
def bell(app: Flask) -> Iterator[str]:
    """Give the application a queue of its own on the real Redis; it is emptied afterwards."""
    try:
        Redis.from_url(REDIS, socket_connect_timeout=1).ping()
    except RedisError:
        missing("Redis")
    app.config["REDIS_URL"], app.config["QUEUE_NAME"] = REDIS, f"test-{uuid.uuid4().hex[:8]}"
    app.extensions.pop("queue", None)
    yield REDIS
    queue.queue().delete(delete_jobs=True)
    app.extensions.pop("queue", None)
