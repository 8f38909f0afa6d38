"""Fixtures shared by all tests; the rules' own tests use none of them."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest import mock

import pytest

from app.validators.memory import collector_paused

if TYPE_CHECKING:
    from flask import Flask
    from flask.testing import FlaskClient

HERE = Path(__file__).parent
PASSWORD = "volant-Ardoise-2026"
#: Rooms whose tests ask which document is there, whose it is and how often, never how it looks or who sealed it.
WITHOUT_DRAWING = (
    "accounts", "amendments", "api", "billing", "cards", "crud", "decisions", "identities", "notifications", "registration",
    "retention",
)  # fmt: skip


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test on the bases that its mark, or else its file, names (`tests.bases`)."""
    mark = metafunc.definition.get_closest_marker("bases")
    names = mark.args if mark else getattr(metafunc.module, "BACKENDS", None)
    own = any("backend_name" in mark.args[0] for mark in metafunc.definition.iter_markers("parametrize"))
    if names and not own and "backend_name" in metafunc.fixturenames:
        metafunc.parametrize("backend_name", names)


#: Files that take long for a single one: begun first, so that no worker is left alone with them at the end.
LONG = (
    "upgrading/test_exploitation.py",
    "e2e/test_every_screen.py",
    "e2e/test_every_office_screen.py",
    "walls/test_secrets.py",
    "faults/test_kill.py",
    "walls/test_every_address.py",
)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[Any]:
    """Collect without the cycle collector, which would walk what grows and stays; none of it is walked again later.

    What a test makes is nearly all gone when nothing refers to it: cycles are looked for a seventh as often as usual.
    """
    with collector_paused():
        result = yield
    gc.freeze()
    gc.set_threshold(5_000, 20, 20)
    return result


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Bring the long files to the front; leave out what asks a second base the same again with other words."""
    again = _asking_again(items)
    if again:
        config.hook.pytest_deselected(items=list(again))
    items[:] = sorted((item for item in items if item not in again), key=_is_short)


def _is_short(item: pytest.Item) -> bool:
    return not item.path.as_posix().endswith(LONG)


def _asking_again(items: list[pytest.Item]) -> set[pytest.Item]:
    """Return those that are a further value on a further base; a file (`EACH_VALUE`) or a mark may ask for each."""
    asked, again = set(), set()
    for item in items:
        params = getattr(getattr(item, "callspec", None), "params", {})
        base = params.get("backend_name", "sqlite")
        if base == "sqlite" or item.get_closest_marker("bases") or getattr(item.module, "EACH_VALUE", False):  # type: ignore[attr-defined]
            continue
        question = (item.nodeid.partition("[")[0], base)
        if question in asked:
            again.add(item)
        asked.add(question)
    return again


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


@pytest.fixture(scope="session", autouse=True)
def _never_waiting_for_the_disk() -> Iterator[None]:
    """Take files for written once the system has them: no test cuts the power (the programs of e2e and faults do wait)."""
    with mock.patch("os.fsync", new=bool):
        yield


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


@pytest.fixture(autouse=True)
def _drawing(request: pytest.FixtureRequest) -> Iterator[None]:
    """Leave documents undrawn in the rooms whose tests do not look at them (`tests.shortcuts`)."""
    if "app" not in request.fixturenames or request.path.relative_to(HERE).parts[0] not in WITHOUT_DRAWING:
        yield
        return
    from tests.shortcuts import without_drawing

    with without_drawing():
        yield


@pytest.fixture
def sign_in(request: pytest.FixtureRequest) -> Callable[..., FlaskClient]:
    """Sign a person of the demonstration in: ``sign_in(client, "gestionnaire@demo.example")``.

    By the sign-in page where that is the subject; elsewhere by what the page calls once it knows the password.
    """
    from tests.shortcuts import enter

    def act(client: FlaskClient, email: str) -> FlaskClient:
        client.post("/login/", data={"username": email, "password": PASSWORD})
        response = client.get("/", follow_redirects=False)
        assert response.status_code == 302
        assert "/login/" not in response.headers["Location"], f"{email} could not sign in"
        return client

    def quickly(client: FlaskClient, email: str) -> FlaskClient:
        enter(client, email)
        return client

    return act if request.path.parent.name == "accounts" else quickly
