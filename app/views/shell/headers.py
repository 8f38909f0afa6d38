"""What every answer says to browsers: content policy, caching, and where a lost sign-in leads during an htmx call."""

from __future__ import annotations

import secrets
from urllib.parse import SplitResult, quote, urlsplit

from flask import Flask, Response, current_app, request

#: No host but ours, no inline script, no inline style, no frame.
POLICY = (
    "default-src 'none'; script-src 'self' 'nonce-{nonce}'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; manifest-src 'self'; form-action 'self'; base-uri 'self'; frame-ancestors 'none'"
)
FIXED = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}
#: What a reading of the API says instead of `no-store`: the caller alone keeps it, and asks each time whether it still holds.
REVALIDATED = "private, no-cache"


def csp_nonce() -> str:
    """Return this request's nonce; Flask-AppBuilder's templates ask for it by this name."""
    nonce: str = request.environ.setdefault("registre.nonce", secrets.token_urlsafe(16))
    return nonce


def is_htmx() -> bool:
    """Tell whether htmx asks for a piece of a page."""
    return request.headers.get("HX-Request") == "true"


def parts_of(address: str) -> SplitResult:
    """Return the parts of an address that a browser names in a header; empty ones for a text that is no address."""
    try:
        return urlsplit(address)
    except ValueError:
        return urlsplit("")


def page_of_htmx() -> SplitResult:
    """Return the address of the page on which htmx stands."""
    return parts_of(request.headers.get("HX-Current-URL", ""))


def _secure(response: Response) -> Response:
    response.headers.setdefault("Content-Security-Policy", POLICY.format(nonce=csp_nonce()))
    for name, value in FIXED.items():
        response.headers.setdefault(name, value)
    if hsts := current_app.config["HSTS"]:
        response.headers["Strict-Transport-Security"] = hsts
    keeps = (request.endpoint or "").endswith("static") or response.headers.get("Cache-Control") == REVALIDATED
    if not keeps:
        # `no-store`, also for signed-out pages: after signing out, « back » must show nothing of the person's.
        response.headers["Cache-Control"] = "no-store"
    return response


def _lead_htmx_to_login(response: Response) -> Response:
    """Turn a redirection to the sign-in page into an order to htmx, which would paint that page into a table cell."""
    location = response.headers.get("Location", "")
    if is_htmx() and response.status_code in (301, 302, 303) and urlsplit(location).path == "/login/":
        response.status_code = 401
        response.headers["HX-Redirect"] = "/login/?next=" + quote(_page_address())
        del response.headers["Location"]
        response.set_data("")
    return response


def _page_address() -> str:
    """Return the address of the page htmx stands on, without the host."""
    parts = page_of_htmx()
    return parts.path + (f"?{parts.query}" if parts.query else "") or "/"


def register(app: Flask) -> None:
    """Add the headers to every answer and the nonce to every template."""
    app.jinja_env.globals["csp_nonce"] = csp_nonce
    app.after_request(_secure)
    app.after_request(_lead_htmx_to_login)
