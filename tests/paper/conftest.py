"""An application that seals, for documents made without a base."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask

from tests.seal.conftest import bare_app


@pytest.fixture(scope="session")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    """An application that seals, within its context."""
    app = bare_app(tmp_path_factory.mktemp("papers"))
    with app.app_context():
        yield app
