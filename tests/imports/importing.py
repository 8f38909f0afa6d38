"""What the tests of « Mes imports » share: the two tables as files, sending one, reading a page."""

from __future__ import annotations

import re
from typing import Any

from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from app.extensions import db
from app.models import Batch
from app.validators.remark import HEADERS
from tests.corpus import builders
from tests.registration.test_analysis import FIRST_TABLE, ORDER, REF, SECOND_TABLE
from tests.support import drain

MANAGER = "gestionnaire@demo.example"
HTMX = {"HX-Request": "true"}
EMPTY = b"PK\x03\x04 cut"


def sheet(table: list[tuple[Any, ...]], kind: str = "xlsx") -> bytes:
    make: Any = builders.xlsx if kind == "xlsx" else builders.xls
    return make(list(HEADERS.values()), *([REF, ORDER, *cells] for _, *cells in table))


FIRST, SECOND = sheet(FIRST_TABLE), sheet(SECOND_TABLE)


def send(client: FlaskClient, content: bytes, name: str = "sessions.xlsx", **options: Any) -> TestResponse:
    """Post a file as a browser does; written out, since the test client leaves large parts open on disk."""
    head = f'--border\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n\r\n'.encode()
    body = head + content + b"\r\n--border--\r\n"
    return client.post("/imports/", data=body, content_type="multipart/form-data; boundary=border", **options)


def analysed(client: FlaskClient, content: bytes, name: str = "sessions.xlsx") -> str:
    """Send a file, let the worker analyse it, return its address."""
    address = send(client, content, name).headers["Location"]
    drain()
    db.session.expire_all()
    return str(address)


def batch_at(address: str) -> Batch:
    db.session.expire_all()
    return db.session.execute(select(Batch).where(Batch.key == address.rsplit("/", 1)[1])).scalar_one()


def words(response: TestResponse) -> str:
    """Return what a page says, without its marks."""
    return " ".join(re.sub(r"<[^>]+>", " ", response.text).replace("&#39;", "'").split())


def numbers(response: TestResponse) -> list[int]:
    """Return the numbers of the lines shown, in their order."""
    return [int(number) for number in re.findall(r'data-line="(\d+)"', response.text)]
