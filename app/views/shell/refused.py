"""Whatever is answered with 403 or 429, and every refused key of the API, is counted with the network it came from."""

from __future__ import annotations

from flask import Flask, g, request
from werkzeug.wrappers import Response

from app.models.refused import FORBIDDEN, TOO_OFTEN
from app.services.journal import refused_requests

KINDS = {403: FORBIDDEN, 429: TOO_OFTEN}


def _note(response: Response) -> Response:
    kind = g.pop("refused_key", None) or KINDS.get(response.status_code)
    if kind:
        person = g.get("user")
        person_id = person.id if person is not None and person.is_authenticated else 0
        refused_requests.note(kind, request.endpoint or "", request.remote_addr or "", person_id)
    return response


def register(app: Flask) -> None:
    """Look at every answer."""
    app.after_request(_note)
