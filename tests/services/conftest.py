"""Services are tested on both bases."""

from __future__ import annotations

import pytest


@pytest.fixture(params=["sqlite", "postgresql"])
def backend_name(request: pytest.FixtureRequest) -> str:
    """Run each test of this folder on SQLite and on PostgreSQL."""
    return str(request.param)
