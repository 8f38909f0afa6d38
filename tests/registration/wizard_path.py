"""The path by hand, as a browser without scripts walks it."""

from __future__ import annotations

from dataclasses import dataclass

from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from app.extensions import db
from app.models import Batch
from tests.support import draft

HTMX = {"HX-Request": "true"}


@dataclass
class Path:
    """A batch and the browser that works on it."""

    client: FlaskClient
    key: str

    @property
    def batch(self) -> Batch:
        """Return the batch as it stands now."""
        db.session.expire_all()
        return db.session.execute(select(Batch).where(Batch.key == self.key)).scalar_one()

    def get(self, step: str, **arguments: str) -> TestResponse:
        """Ask for an address below the batch's."""
        return self.client.get(f"/sessions/{self.key}/{step}", query_string=arguments)

    def post(self, step: str, data: dict[str, str] | None = None, *, htmx: bool = False) -> TestResponse:
        """Send a form to an address below the batch's."""
        return self.client.post(f"/sessions/{self.key}/{step}", data=data or {}, headers=HTMX if htmx else {})

    def goes_to(self, response: TestResponse) -> str:
        """Return where a redirection leads, below the batch's address or as it is."""
        assert response.status_code == 302, response.text
        return response.headers["Location"].removeprefix(f"/sessions/{self.key}/")


def on_draft(client: FlaskClient, *rows: dict[str, str], **options: object) -> Path:
    """Return the path of a draft of the demonstration centre that holds these lines."""
    batch_id = draft(*rows, **options)  # type: ignore[arg-type]
    return Path(client, db.session.get_one(Batch, batch_id).key)
