"""What pages open to everybody share: where a request comes from, the answer to who asks too often, spent links."""

from __future__ import annotations

from flask import make_response, render_template, request
from werkzeug.exceptions import TooManyRequests
from werkzeug.wrappers import Response
from wtforms import Form

from app.services.core.throttle import TooOften


def network() -> str:
    """Return the network address the request comes from."""
    return request.remote_addr or ""


def page(template: str, form: Form, **values: object) -> Response:
    """Return a form as a page that no search engine keeps: 422 when it has errors."""
    response = make_response(render_template(template, form=form, **values), 422 if form.errors else 200)
    response.headers["X-Robots-Tag"] = "noindex"
    return response


def spent(again: str, words: str) -> Response:
    """Tell that a link is not good any more, and where to ask for another."""
    return make_response(render_template("accounts/spent.html", title="Lien expiré", again=again, words=words), 404)


def too_often(refusal: TooOften) -> TooManyRequests:
    """Return the 429 of a refusal, with the time to wait."""
    return TooManyRequests(refusal.message, retry_after=refusal.seconds)
