"""What ties a request to all that follows from it, and how long requests take, for who watches the program.

Every request has a number (`services.core.trace`), made here; figures are kept only where METRICS_PORT asks for them.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import TYPE_CHECKING

from flask import Flask, current_app, g, request
from flask.logging import default_handler
from flask_appbuilder.views import ModelView
from werkzeug.wrappers import Response

from app.services.core import trace
from app.services.operations import metrics

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

#: Under which the request's stretch stands in its environment.
_STRETCH = "registre.stretch"
#: Blueprint, or room of the screens, → the door that its answers are counted by; lists of the back office, and all else, are
#: « screens ». « health » says how the program is: it is counted by none.
DOORS = {
    "registration": "hand",
    "trainers": "hand",
    "imports": "file",
    "api_v1": "api",
    **dict.fromkeys(("verification", "lot", "offline"), "verification"),
    "health": "",
}
SCREENS = "screens"


class Traced:
    """Stands before everything: whatever is said, written or made due in a request bears its number."""

    def __init__(self, app: Flask, screens: WSGIApplication) -> None:
        self.app, self.screens = app, screens

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a request under a number of its own, whatever number it came with."""
        with trace.stretch("request", environ["REQUEST_METHOD"], self.app) as stretch:
            environ[_STRETCH] = stretch
            return self.screens(environ, start_response)


def _tell(response: Response) -> Response:
    """Say the number in the answer; name the stretch by the endpoint, never by the address, which holds keys."""
    response.headers[trace.HEADER] = trace.current()
    if stretch := request.environ.get(_STRETCH):
        stretch.name = f"{request.method} {request.endpoint or 'none'}"
        stretch.failed = response.status_code >= 500
    return response


def _begin() -> None:
    g.began = time.perf_counter()


def _end(response: Response) -> Response:
    endpoint = request.endpoint or "none"
    if current_app.config["METRICS_PORT"] and "began" in g and not endpoint.endswith("static"):
        seconds = time.perf_counter() - g.began
        metrics.observe(endpoint, request.method, response.status_code, seconds)
        if through := door(current_app._get_current_object(), endpoint):  # type: ignore[attr-defined]
            metrics.observe_door(through, response.status_code, seconds, announced=g.get("announced", False))
    return response


def door(app: Flask, endpoint: str) -> str:
    """Return the door that an endpoint belongs to; empty for one that serves nobody (static files, probes)."""
    known: dict[str, str] = app.extensions.setdefault("doors", {})
    if endpoint not in known:
        known[endpoint] = _found_door(app, endpoint)
    return known[endpoint]


def _found_door(app: Flask, endpoint: str) -> str:
    name = endpoint.partition(".")[0]
    if name in DOORS or endpoint.endswith("static"):
        return DOORS.get(name, "")
    views = {type(view).__name__: view for view in app.appbuilder.baseviews}  # type: ignore[attr-defined]
    view = views.get(name)
    if view is None or isinstance(view, ModelView):
        return SCREENS
    room = type(view).__module__.removeprefix("app.views.").partition(".")[0]
    return DOORS.get(room, SCREENS)


def register(app: Flask) -> None:
    """Give each request its number, and time it; to be called before anything that writes."""
    app.wsgi_app = Traced(app, app.wsgi_app)  # type: ignore[method-assign]
    app.after_request(_tell)
    app.jinja_env.globals["trace_number"] = trace.current
    default_handler.addFilter(trace.IN_RECORDS)
    default_handler.setFormatter(trace.FORMAT)
    app.before_request(_begin)
    app.after_request(_end)
