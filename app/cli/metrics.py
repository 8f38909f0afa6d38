"""`flask metrics`: the figures, on a port of their own; the public port never shows them."""

from __future__ import annotations

from collections.abc import Iterable
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import click
from flask import Flask, current_app

from app.services.core import actor
from app.services.operations import metrics
from app.views.shell.looking import HeadAsGet


@click.command("metrics")
def serve_metrics() -> None:
    """Serve /metrics on METRICS_HOST:METRICS_PORT until told to stop."""
    config = current_app.config
    if not config["METRICS_PORT"]:
        click.echo("METRICS_PORT is not set: nothing to serve.", err=True)
        raise SystemExit(2)
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    at = config["METRICS_HOST"], config["METRICS_PORT"]
    with make_server(*at, HeadAsGet(_answers(app)), server_class=_Server, handler_class=_Quiet) as server:
        server.serve_forever()


def _answers(app: Flask) -> Any:
    def answer(environ: dict[str, Any], start: Any) -> Iterable[bytes]:
        if environ["PATH_INFO"] != "/metrics":
            start("404 Not Found", [("Content-Type", "text/plain")])
            return [b"/metrics\n"]
        with app.app_context():
            actor.be(actor.PROGRAM)
            body = metrics.text()
        start("200 OK", [("Content-Type", "text/plain; version=0.0.4; charset=utf-8")])
        return [body]

    return answer


class _Server(ThreadingMixIn, WSGIServer):
    """A thread a request: one who asks slowly does not keep the others waiting."""

    daemon_threads = True


class _Quiet(WSGIRequestHandler):
    #: Seconds that a piece of the request may take.
    timeout = 5

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  the library's name
        """Say nothing: it is asked every few seconds."""
