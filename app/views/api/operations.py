"""The calls of the API as data: what the routes are made of, and the OpenAPI document with them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any

from flask import Blueprint, g, json, make_response, request
from werkzeug.wrappers import Response

from app.services.api import gate as api_gate
from app.services.api.files import File
from app.services.api.gate import Allowance, Caller, KeyRefused
from app.services.core import actor
from app.views.shell.headers import REVALIDATED
from app.views.shell.incidents import OPEN

from . import strict
from .problems import Problem
from .schemas import Schema

blueprint = Blueprint("api_v1", __name__, url_prefix="/api/v1")

#: What any call may meet.
ALWAYS = (
    "key_missing", "key_invalid", "key_expired", "key_revoked", "address_refused", "key_without_right", "scope_missing",
    "too_many_calls", "unknown_parameter", "service_unavailable",
    "internal_error",
)  # fmt: skip
#: What a call with a body may meet.
BODY = (
    "invalid_json", "duplicate_field", "control_character", "unknown_field", "missing_field", "wrong_type", "too_long",
    "no_line", "too_large", "too_many_lines", "not_json",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Operation:
    """One call: the scopes of which a key needs one, its parameters (name → schema), the schema of its answer, problems."""

    name: str
    method: str
    path: str
    scopes: tuple[str, ...]
    summary: str
    description: str
    answer: str
    status: int = 200
    request: str = ""
    #: Schema of what stands in the address (one place at most).
    place: Schema | None = None
    query: tuple[tuple[str, Schema, str], ...] = ()
    problems: tuple[str, ...] = ()
    #: Further statuses by which it succeeds → schema, what it means; its handler then returns the status with the answer.
    also: tuple[tuple[int, str, str], ...] = ()
    #: Of an answer that is a file, its type; its handler then returns the file.
    media: str = ""

    @property
    def all_problems(self) -> tuple[str, ...]:
        """Return the codes of every problem this call may meet."""
        writes = self.method != "GET" and f"{blueprint.name}.{self.name}" not in OPEN
        return (*ALWAYS, *(BODY if self.request else ()), *(("read_only",) if writes else ()), *self.problems)


OPERATIONS: list[Operation] = []
Handler = Callable[..., dict[str, Any] | tuple[dict[str, Any], int] | File]


def operation(told: Operation) -> Callable[[Handler], Handler]:
    """Register a handler as a call of the API: it is handed the caller, after the key, the scope and the rate."""

    def register(handler: Handler) -> Handler:
        OPERATIONS.append(told)

        @wraps(handler)
        def serve(**arguments: Any) -> Response:
            caller = admit(told.scopes)
            strict.parameters(*(name for name, _, _ in told.query))
            said = handler(caller, **arguments)
            if isinstance(said, File):
                return _file(said, told.media)
            return _answer(*said) if isinstance(said, tuple) else _answer(said, told.status)

        blueprint.add_url_rule(told.path, told.name, serve, methods=[told.method])
        return handler

    return register


def admit(scopes: tuple[str, ...]) -> Caller:
    """Return who calls; raise :class:`Problem` for a key, an address, a rate or a scope that does not open this call."""
    scheme, _, key = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not key:
        g.refused_key = "key_missing"
        raise Problem("key_missing")
    try:
        caller = api_gate.authenticate(key.strip(), request.remote_addr or "")
    except KeyRefused as refusal:
        g.refused_key = refusal.code
        raise Problem(refusal.code) from None
    actor.be(actor.centre(caller.person_id, caller.centre_id))
    g.api_allowance = allowance = api_gate.count_call(caller)
    if allowance.remaining < 0:
        raise Problem("too_many_calls")
    if not caller.scopes.intersection(scopes):
        raise Problem("scope_missing", f"Cette clé n’a pas la portée « {scopes[0]} ».")
    return caller


def rate_headers(allowance: Allowance) -> dict[str, str]:
    """Return what tells a caller how many calls are left in this minute."""
    return {
        "RateLimit-Limit": str(allowance.limit),
        "RateLimit-Remaining": str(max(allowance.remaining, 0)),
        "RateLimit-Reset": str(allowance.reset),
    }


def _answer(said: dict[str, Any], status: int) -> Response:
    """Return the JSON answer."""
    text = json.dumps(said, ensure_ascii=False, sort_keys=False)
    response = make_response(text, status, {"Content-Type": "application/json"})
    return _revalidated(response)


def _file(said: File, media: str) -> Response:
    """Return the answer that is a file, to save under its name."""
    disposition = f'attachment; filename="{said.name}"'
    return _revalidated(make_response(said.content, 200, {"Content-Type": media, "Content-Disposition": disposition}))


def _revalidated(response: Response) -> Response:
    """Give the answer to a reading its ETag; 304 where the caller holds it already."""
    if request.method in ("GET", "HEAD"):
        response.headers["Cache-Control"], response.headers["Vary"] = REVALIDATED, "Authorization"
        response.add_etag()
        response.make_conditional(request.environ)
    return response
