"""For whom a form was drawn: its token, signed by the program, says so."""

from __future__ import annotations

import secrets

from flask import current_app, g, request, session
from itsdangerous import BadData, URLSafeTimedSerializer

from app.services.core import vault

#: A page left open for longer is not taken up again (seconds).
HOLDS = 7 * 24 * 3600


def void_forms(person_id: int | None = None) -> None:
    """Make every form drawn before in this browser worth nothing; those to come are drawn for this person."""
    name = _name()
    session.pop(name, None)
    g.pop(name, None)
    if person_id is not None:
        # Of base 64, which nothing makes shorter: a page is as long each time it is drawn.
        session[name] = f"{secrets.token_urlsafe(32)}.{person_id}"


def of_request() -> int | None:
    """Return the id of the person for whom the form of this request was drawn; None where nothing proves it.

    It holds once the token is void for acting: when the sign-in it was drawn in has ended.
    """
    token = request.form.get(_name()) or request.headers.get("X-CSRFToken", "")
    try:
        told = URLSafeTimedSerializer(vault.signing_keys(), salt="wtf-csrf-token").loads(token, max_age=HOLDS)
    except BadData:
        return None
    number = str(told).partition(".")[2]
    return int(number) if number.isascii() and number.isdigit() else None


def _name() -> str:
    return str(current_app.config["WTF_CSRF_FIELD_NAME"])
