"""What most tests need done and few are about: a document drawn, a person signed in, a form's token. The same end without
the way there.

Drawing and signing in are done in full by the tests that are about them (`tests/documents`, `tests/seal`, `tests/contracts`;
`tests/accounts`) and by every test in a browser.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from unittest import mock

from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import create_environ

from app.extensions import db
from app.models import Person
from app.services.accounts.sign_in import WrongCredentials
from app.services.core import actor
from app.services.documents import pages
from app.services.documents.page_form import Shape
from app.services.paper.marking import Info
from app.services.seal import sealing
from app.views.shell import sign_ins


def _told(_shape: Shape, values: dict[str, str], info: Info, _code: str | None) -> bytes:
    """Return what a document says, as no page: each value, and what the seal would add, another each time."""
    words = [info.title, *values.values(), os.urandom(8).hex()]
    return "\n".join(["%PDF-1.7", *words, "%%EOF"]).encode()


@contextmanager
def without_drawing() -> Iterator[None]:
    """Have documents say their values without being laid out and sealed, which takes sixty milliseconds a registration."""
    with mock.patch.object(pages, "draw", _told), mock.patch.object(sealing, "seal", bytes):
        yield


def enter(client: FlaskClient, email: str) -> None:
    """Sign a person in, in this browser, as the sign-in page does once it knows the password; end a sign-in of before.

    Raises `WrongCredentials` for nobody, or whose account is closed.
    """
    app = client.application
    asked = create_environ("/login/", method="POST")
    client._add_cookies_to_wsgi(asked)
    with app.app_context(), app.request_context(asked):
        actor.be(actor.PROGRAM)
        person = db.session.execute(select(Person).where(Person.username == email)).scalar_one_or_none()
        if person is None or not person.active:
            raise WrongCredentials
        sign_ins.begin(person, "password")
        answer = app.process_response(app.make_response(""))
    client._update_cookies_from_response("localhost", "/login/", answer.headers.getlist("Set-Cookie"))


def token(browser: FlaskClient, address: str) -> str:
    """Return the token of the forms of a page."""
    page = browser.get(address)
    assert page.status_code == 200, address
    found = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page.text)
    assert found, address
    return found[1]
