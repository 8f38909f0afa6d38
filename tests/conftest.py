"""Fixtures shared by all tests; the rules' own tests use none of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from flask import Flask
    from flask.testing import FlaskClient

PASSWORD = "volant-Ardoise-2026"


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test on the bases that its mark, or else its file, names (`tests.bases`)."""
    mark = metafunc.definition.get_closest_marker("bases")
    names = mark.args if mark else getattr(metafunc.module, "BACKENDS", None)
    own = any("backend_name" in mark.args[0] for mark in metafunc.definition.iter_markers("parametrize"))
    if names and not own and "backend_name" in metafunc.fixturenames:
        metafunc.parametrize("backend_name", names)


#: Files that take long for a single one: begun first, so that no worker is left alone with them at the end.
LONG = ("e2e/test_every_screen.py", "walls/test_secrets.py", "faults/test_kill.py", "walls/test_access.py")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Bring the long files to the front."""
    items.sort(key=lambda item: not item.path.as_posix().endswith(LONG))


@pytest.fixture(scope="session")
def backends(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Any]]:
    """Give a backend by name, made once a run."""
    from tests.backends import BACKENDS

    made: dict[str, Any] = {}

    def get(name: str) -> Any:
        if name not in made:
            made[name] = BACKENDS[name](tmp_path_factory.mktemp(name))
        return made[name]

    yield get
    for backend in made.values():
        backend.close()


@pytest.fixture
def backend_name() -> str:
    """Name the base of a test; a file that names several runs on each."""
    return "sqlite"


@pytest.fixture
def app(backends: Callable[[str], Any], backend_name: str) -> Iterator[Flask]:
    """Give the application on a fresh, seeded base (TODAY is 2022-01-10), within its context."""
    backend = backends(backend_name)
    backend.reset()
    config = dict(backend.app.config)
    with backend.app.app_context():
        from app.extensions import db
        from app.services.core import actor

        actor.be(actor.PROGRAM)  # the test's own looks at the base; each request names its actor itself
        yield backend.app
        db.session.remove()
    backend.app.config.clear()
    backend.app.config.update(config)


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """Give a browser without a page: nobody is signed in."""
    return app.test_client()


@pytest.fixture
def sign_in() -> Callable[..., FlaskClient]:
    """Sign a person of the demonstration in: ``sign_in(client, "gestionnaire@demo.example")``."""

    def act(client: FlaskClient, email: str) -> FlaskClient:
        client.post("/login/", data={"username": email, "password": PASSWORD})
        response = client.get("/", follow_redirects=False)
        assert response.status_code == 302
        assert "/login/" not in response.headers["Location"], f"{email} could not sign in"
        return client

    return act
