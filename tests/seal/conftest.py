"""An application that only knows its settings, and documents sealed by one demonstration authority a session."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask

from app.services.documents.pages import render_certificate, render_recap
from app.services.seal import sealing as seal
from config import Test
from tests.documents.test_pages import CERTIFICATE, RECAP


def bare_app(folder: Path, **env: str) -> Flask:
    """Return an application of these settings, without base or screens."""
    app = Flask("tests")
    app.config.from_object(Test({"DATA_DIR": str(folder), **env}))
    return app


@pytest.fixture(scope="session")
def authority_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the data folder that holds the session's demonstration authority."""
    return tmp_path_factory.mktemp("seal")


@pytest.fixture
def sealing(authority_folder: Path) -> Iterator[Flask]:
    """Give an application that seals, within its context."""
    app = bare_app(authority_folder)
    with app.app_context():
        yield app


@pytest.fixture
def sealed(sealing: Flask) -> bytes:
    """Give a sealed certificate."""
    return seal.seal(render_certificate(CERTIFICATE))


@pytest.fixture(params=["certificate", "recap"])
def document(sealing: Flask, request: pytest.FixtureRequest) -> bytes:
    """Give a sealed document of each kind."""
    return seal.seal(render_certificate(CERTIFICATE) if request.param == "certificate" else render_recap(RECAP))
