"""The third door: API v1, its document and its help. JSON in, JSON out, no cookie, so no forged request to fear."""

from __future__ import annotations

import re
import traceback
from contextlib import suppress

import structlog
from flask import Flask, g, request
from flask_appbuilder import AppBuilder
from sqlalchemy.exc import DBAPIError, OperationalError
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge
from werkzeug.wrappers import Response

from app.extensions import csrf, db
from app.services.core import trace
from app.services.operations import incidents
from app.services.rights import asking
from app.views.shell import incidents as shell_incidents
from app.views.shell.errors import BASE_BACK

from . import calls, invoices, lists, pages
from .operations import blueprint, rate_headers
from .problems import Problem, answer

__all__ = ["calls", "invoices", "lists", "register"]

log = structlog.get_logger()
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")


@blueprint.before_request
def _name_the_call() -> None:
    g.api_request_id = _call_number()


def _call_number() -> str:
    """Return the caller's own number for the call, or the one that the request has here."""
    given = request.headers.get("X-Request-Id", "")
    return given if _REQUEST_ID.fullmatch(given) else trace.current()


@blueprint.before_request
def _refuse_writes() -> None:
    """Refuse a call that writes while the register is only read; a caller sends it again, with the same key, later."""
    if (notice := shell_incidents.is_refused()) is not None:
        g.announced = True
        g.retry_after = incidents.retry_after(notice)
        raise Problem("read_only")


@blueprint.after_request
def _tell(response: Response) -> Response:
    """Add the call's number and what is left of its minute."""
    response.headers["X-Request-Id"] = g.api_request_id
    if "api_allowance" in g:
        response.headers.update(rate_headers(g.api_allowance))
        if response.status_code == 429:
            response.headers.setdefault("Retry-After", str(g.api_allowance.reset))
    return response


@blueprint.errorhandler(Problem)
def _on_problem(problem: Problem) -> Response:
    response = answer(problem)
    if problem.code == "too_many_strangers":
        response.headers["Retry-After"] = str(asking.seconds_left())
    if problem.code == "read_only":
        response.headers["Retry-After"] = str(g.retry_after)
    return response


@blueprint.errorhandler(RequestEntityTooLarge)
def _on_large_body(_error: RequestEntityTooLarge) -> Response:
    return answer(Problem("too_large"))


@blueprint.errorhandler(Exception)
def _on_failure(error: Exception) -> Response | HTTPException:
    """Answer an unforeseen failure; the log names its kind and the call, never what the call carried."""
    if isinstance(error, HTTPException):
        return error
    with suppress(DBAPIError):
        db.session.rollback()
    # Not the error's own words: those of the base repeat the values of the line.
    frame = traceback.extract_tb(error.__traceback__)[-1]
    where = f"{frame.filename}:{frame.lineno} {frame.name}"
    log.error("api call failed", request_id=g.api_request_id, error=type(error).__name__, where=where)
    return answer(Problem("internal_error"))


@blueprint.errorhandler(OperationalError)
def _on_base_away(error: OperationalError) -> Response:
    """Answer while the base is away or overloaded: the call is sent again later, as after any other 503."""
    with suppress(DBAPIError):
        db.session.rollback()
    log.error("base away", request_id=g.api_request_id, error=type(error.orig).__name__, endpoint=request.endpoint)
    response = answer(Problem("service_unavailable"))
    response.headers["Retry-After"] = str(BASE_BACK)
    return response


def _number_the_rest(response: Response) -> Response:
    """Number the answers of addresses below the API's that are no call, or no such call."""
    if request.path.startswith("/api/v1/"):
        response.headers.setdefault("X-Request-Id", _call_number())
    return response


def register(app: Flask, appbuilder: AppBuilder) -> None:
    """Open the door, and register the screens where a centre subscribes to it."""
    from . import subscription, webhooks

    app.after_request(_number_the_rest)
    csrf.exempt(blueprint)
    app.register_blueprint(blueprint)
    app.register_blueprint(pages.help_blueprint)
    appbuilder.add_view_no_menu(subscription.ApiSubscriptionView)
    appbuilder.add_view_no_menu(webhooks.WebhooksView)
