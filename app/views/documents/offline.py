"""Verifying without network: the page that a browser keeps, and what it fetches while there is a network. No sign-in.

The page is the same for everybody, and nothing it is asked comes here: keys and lists are fetched whole.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from flask import Blueprint, abort, current_app, jsonify, make_response, render_template, request, url_for
from werkzeug.wrappers import Response

from app.services.documents import revocations
from app.services.seal import statement_key
from app.views.shell.chrome import asset
from app.views.shell.headers import FIXED, REVALIDATED

blueprint = Blueprint("offline", __name__, url_prefix="/verifier")

SHEETS = (
    *(f"frame/{name}" for name in ("tokens", "base", "header", "page")),
    *(f"parts/{name}" for name in ("buttons", "fields", "notices", "lists", "cards")),
    *("spaces", "offline", "frame/narrow"),
)
#: What the browser keeps beside the page: nothing else is needed in flight mode.
KEPT = (
    *(f"css/{name}.css" for name in SHEETS),
    *(f"js/offline/{name}.js" for name in ("page", "statement", "names", "revocations", "reading")),
    *("js/dates.js", "vendor/qr/decode.min.js", "img/icons.svg", "img/mark.svg"),
)


@blueprint.get("/hors-ligne/")
def page() -> Response:
    """Show the page; it alone may ask for the camera."""
    response = make_response(render_template("documents/offline/page.html", sheets=SHEETS))
    response.headers["Permissions-Policy"] = FIXED["Permissions-Policy"].replace("camera=()", "camera=(self)")
    response.headers["X-Robots-Tag"] = "noindex, nofollow"
    return response


@blueprint.get("/hors-ligne/service.js")
def service() -> Response:
    """Return the service worker, with the list of what it keeps: another list, another worker."""
    kept = [url_for("offline.page"), url_for("offline.manifest"), *map(asset, KEPT)]
    source = (Path(str(current_app.static_folder)) / "js/offline/service.js").read_text(encoding="utf-8")
    said = render_template("documents/offline/page.html", sheets=SHEETS)
    version = hashlib.sha256(f"{kept}{source}{said}".encode()).hexdigest()[:16]
    response = make_response(f"const KEPT = {json.dumps(kept)};\nconst VERSION = {json.dumps(version)};\n{source}")
    response.headers["Content-Type"] = "text/javascript; charset=utf-8"
    return response


@blueprint.get("/hors-ligne/manifest.webmanifest")
def manifest() -> Response:
    """Return what the page is called once it is installed."""
    icon = {"src": asset("img/mark.svg"), "sizes": "any", "type": "image/svg+xml", "purpose": "any"}
    response = jsonify(
        name="Registre CQC : vérifier hors ligne",
        short_name="Vérifier CQC",
        lang="fr",
        start_url=url_for("offline.page"),
        scope=url_for("offline.page"),
        display="standalone",
        background_color="#f5f4ef",
        theme_color="#0c303b",
        icons=[icon],
    )
    response.headers["Content-Type"] = "application/manifest+json"
    return response


@blueprint.get("/cles.json")
def keys() -> Response:
    """Return the public keys that statements and lists are signed with, as a JWK set."""
    return _fetched(jsonify(statement_key.keys().published()))


@blueprint.get("/revocations")
def revocation_lists() -> Response:
    """Return the signed lists of last night, all of them: nobody says which document it is about."""
    content = revocations.current()
    if content is None:
        abort(404, "La liste des révocations n’est pas encore établie. Réessayez demain.")
    response = make_response(content)
    response.headers["Content-Type"] = "application/jwt"
    return _fetched(response)


def _fetched(response: Response) -> Response:
    """Have the browser ask whether what it keeps still holds."""
    response.headers["Cache-Control"] = REVALIDATED
    response.add_etag()
    return response.make_conditional(request)
