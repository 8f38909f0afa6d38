"""How long requests take, for who watches the program; only where METRICS_PORT asks for it."""

from __future__ import annotations

import time

from flask import Flask, g, request
from werkzeug.wrappers import Response

from app.services.operations import metrics


def register(app: Flask) -> None:
    """Time every request but those for static files."""
    if not app.config["METRICS_PORT"]:
        return

    @app.before_request
    def begin() -> None:
        g.began = time.perf_counter()

    @app.after_request
    def end(response: Response) -> Response:
        endpoint = request.endpoint or "none"
        if "began" in g and not endpoint.endswith("static"):
            metrics.observe(endpoint, request.method, response.status_code, time.perf_counter() - g.began)
        return response
