"""A form that meets an ended sign-in: kept, not done; the person is led to sign in, then to where it stood."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode, urlsplit

from flask import Blueprint, Flask, abort, current_app, g, jsonify, redirect, request, url_for
from flask_appbuilder.baseviews import BaseView
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response

from app.extensions import csrf
from app.services.accounts import kept_forms
from app.services.accounts.kept_forms import Sent

from ..headers import is_htmx, page_of_htmx, parts_of
from . import owner

#: The argument of an address that names what was kept.
KEY = "reprise"
#: So many characters of a page's fields are kept.
LARGEST = 4 * 1024 * 1024
#: Returns the page on which the fields of a form stand, from the page it came from (empty: none that answers), its fields and
#: the arguments of its address.
Page = Callable[..., str]
#: Endpoint → its page, for forms whose fields stand on another page than they came from.
PAGES: dict[str, Page] = {}

blueprint = Blueprint("resume", __name__)


def stands_at(**pages: Page) -> None:
    """Say where the fields of a screen's forms stand: ``Screen__handler`` → its page."""
    PAGES.update({name.replace("__", "."): page for name, page in pages.items()})


def keep_request(person_id: int) -> str | None:
    """Keep the fields of this request for a person, and return the page that will show them; None where it has none."""
    sent = Sent(request.path, tuple(request.form.items(multi=True)))
    key = kept_forms.keep(person_id, [sent])
    return with_key(_page(), key) if key else None


def with_key(page: str, key: str) -> str:
    """Return the address of a page that puts back what was kept."""
    return f"{page}{'&' if '?' in page else '?'}{urlencode({KEY: key})}"


def lead_back(page: str) -> Response:
    """Lead to a page, by way of the sign-in for who is signed out; htmx leads the whole window there."""
    address = page if g.user.is_authenticated else url_for("LoginView.login", next=page)
    if not is_htmx():
        return redirect(address, 303)
    response = current_app.make_response(("", 200 if g.user.is_authenticated else 401))
    response.headers["HX-Redirect"] = address
    return response


def after_a_void_token() -> Response | None:
    """Answer a form whose token no longer holds: back to its page, with its fields, for the person it was drawn for.

    None for everybody else, and where nothing was typed.
    """
    person_id = owner.of_request()
    if request.method != "POST" or person_id is None or not _needs_sign_in():
        return None
    if not g.user.is_authenticated or person_id != g.user.id:
        return None
    page = keep_request(person_id)
    return lead_back(page) if page else None


def _keep_what_meets_nobody() -> Response | None:
    """Keep the fields of a form that was sent by a person whose sign-in has ended, before the form is refused."""
    if request.method != "POST" or g.user.is_authenticated or not _needs_sign_in():
        return None
    person_id = owner.of_request()
    page = keep_request(person_id) if person_id is not None else None
    return lead_back(page) if page else None


def _needs_sign_in() -> bool:
    """Tell whether the request is a screen's, but for signing in and out; public pages act for anybody."""
    name = (request.endpoint or "").rpartition(".")[0]
    views = current_app.appbuilder.baseviews  # type: ignore[attr-defined]
    view: BaseView | None = next((view for view in views if view.endpoint == name), None)
    return view is not None and hasattr(view, "enter")


def _page() -> str:
    """Return the page on which the form of this request stood; the first page where that is no address to come back to."""
    parts = page_of_htmx() if is_htmx() else parts_of(request.referrer or "")
    asked = parts.path + (f"?{parts.query}" if parts.query else "")
    if f"{parts.scheme}://{parts.netloc}/" != request.host_url or not is_page(asked):
        asked = ""
    if named := PAGES.get(request.endpoint or ""):
        return named(asked, request.form, **(request.view_args or {}))
    return asked or (request.path if is_page(request.path) else "/")


def is_page(address: str) -> bool:
    """Tell whether a page of ours answers at this address."""
    parts = urlsplit(address)
    if parts.scheme or parts.netloc or not parts.path.startswith("/") or address.startswith("//"):
        return False
    try:
        endpoint, _ = current_app.url_map.bind("").match(parts.path, "GET")
    except HTTPException:  # none, or only a form answers there
        return False
    return not str(endpoint).startswith("LoginView.")


@blueprint.post("/saisie-gardee/")
def keep_typed() -> Response:
    """Keep what a page's script sends of its fields, and answer in JSON where to go on."""
    person_id = owner.of_request()
    page, forms = _told()
    key = kept_forms.keep(person_id, forms) if person_id is not None else None
    back = page if is_page(page) else "/"
    if key and person_id is not None:
        back = with_key(back, key)
    if g.user.is_authenticated:
        return jsonify({"next": back if g.user.id == person_id else "/"})
    return jsonify({"next": url_for("LoginView.login", next=back)})


def _told() -> tuple[str, list[Sent]]:
    """Return page and forms of the call; 400 for what no page of ours sends."""
    if (request.content_length or 0) > LARGEST:
        abort(413)
    body: Any = request.get_json(silent=True)
    try:
        forms = [
            Sent(str(urlsplit(one["action"]).path), tuple((str(name), str(value)) for name, value in one["fields"]))
            for one in body["forms"][: kept_forms.MOST]
        ]
        page = str(body["page"])
        json.dumps([page, [one.fields for one in forms]]).encode()
    except (TypeError, KeyError, ValueError):
        abort(400)
    return page, forms


def register(app: Flask) -> None:
    """Keep before the token is looked at."""
    csrf.exempt(blueprint)  # a page whose sign-in has ended sends it; for whom it may keep is signed
    app.register_blueprint(blueprint)
    app.before_request(_keep_what_meets_nobody)
