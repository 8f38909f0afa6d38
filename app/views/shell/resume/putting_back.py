"""What was kept, back in the fields of the page that its person is led to, with a sentence that says so."""

from __future__ import annotations

from flask import Flask, Response, g, get_template_attribute, request
from werkzeug.datastructures import ImmutableMultiDict

from app.services.accounts import kept_forms
from app.services.accounts.kept_forms import Sent

from .keeping import KEY, is_page, with_key
from .refill import Filled, put_back

_MESSAGES = '<div id="messages" class="messages" role="status">'


def kept() -> list[Sent]:
    """Return what the address says was kept for the signed-in person, read once a request."""
    if "kept_forms" not in g:
        key = request.args.get(KEY, "") if request.method == "GET" else ""
        g.kept_forms = kept_forms.find(key, g.user.id) if key and g.user.is_authenticated else []
    return g.kept_forms  # type: ignore[no-any-return]


def take_up(*actions: str) -> bool:
    """Have the page be drawn as if what was kept had just been sent to it; tell whether a form sent to one of these paths was.

    For pages that answer a form without keeping anything, such as a preview: their fields stand on no other page.
    """
    if len(kept()) != 1 or kept()[0].action not in actions:
        return False
    request.form = ImmutableMultiDict(kept()[0].fields)
    g.kept_is_drawn = True
    return True


def _put_back(response: Response) -> Response:
    """Fill the page in; a page that leads on leads what was kept with it."""
    if KEY not in request.args or not g.get("user") or not g.user.is_authenticated or not kept():
        return response
    key, location = request.args[KEY], response.headers.get("Location", "")
    if response.status_code in (301, 302, 303) and is_page(location) and f"{KEY}=" not in location:
        address, hash_, place = location.partition("#")
        response.headers["Location"] = with_key(address, key) + hash_ + place
    elif response.mimetype == "text/html" and not response.direct_passthrough and response.status_code < 500:
        page = response.get_data(as_text=True)
        filled = Filled(page, True, []) if g.get("kept_is_drawn") else put_back(page, request.path, kept())
        response.set_data(filled.page.replace(_MESSAGES, _MESSAGES + _notice(filled), 1))
    return response


def _notice(filled: Filled) -> str:
    """Return what is said above the page."""
    return str(get_template_attribute("shell/resumed.html", "notice")(filled.left, filled.is_back))


def register(app: Flask) -> None:
    """Look at every page that is asked for with what was kept."""
    app.after_request(_put_back)
