"""HEAD: answered as GET, with an empty body; whatever the screen writes meanwhile is not kept."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from flask import Flask, g, request

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

#: The request's word for having come as HEAD.
_LOOK = "registre.look"


class HeadAsGet:
    """Stands before everything: no screen ever sees HEAD, which mail scanners and link checkers send to whatever they find."""

    def __init__(self, screens: WSGIApplication) -> None:
        self.screens = screens

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a request; to HEAD, the status and the headers of GET."""
        if environ["REQUEST_METHOD"] != "HEAD":
            return self.screens(environ, start_response)
        body: Any = self.screens({**environ, "REQUEST_METHOD": "GET", _LOOK: True}, start_response)
        if hasattr(body, "close"):  # a file that would have been sent
            body.close()
        return []


def _note_the_look() -> None:
    """Tell the services (`services.transaction`) whether this request may only look."""
    g.only_looks = _LOOK in request.environ


def register(app: Flask) -> None:
    """Stand before every screen. To be called before anything that writes."""
    app.wsgi_app = HeadAsGet(app.wsgi_app)  # type: ignore[method-assign]
    app.before_request(_note_the_look)
