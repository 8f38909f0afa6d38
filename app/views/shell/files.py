"""Answers that are a file kept by no cache on the way."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import abort, make_response
from werkzeug.wrappers import Response

from app.services.decisions import identity_checks
from app.services.reporting import sheets
from app.services.storage import pictures, store


def pdf(content: bytes, name: str) -> Response:
    """Return a PDF to save under this name, kept by no cache on the way."""
    response = make_response(content)
    response.headers["Content-Type"] = "application/pdf"
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    response.headers["Cache-Control"] = "private, no-store"
    return response


def workbook(content: bytes, name: str) -> Response:
    """Return an .xlsx to save under this name, kept by no cache on the way."""
    response = pdf(content, name)
    response.headers["Content-Type"] = sheets.FORMATS[sheets.XLSX]
    return response


def identity_picture(check: Any) -> Response:
    """Return the picture of a document that waits: see `picture`."""
    return picture(lambda: identity_checks.picture(check), pictures.IDENTITY, "piece-d-identite.jpg")


def picture(read: Callable[[], bytes], kind: str, name: str) -> Response:
    """Return a picture as kept, by no cache on the way; 404 for one that is gone, 503 while the store does not hand it over."""
    try:
        content = read()
    except store.Unreadable:
        abort(503, "Cette image ne peut pas être lue pour le moment. Réessayez plus tard.")
    except store.Missing:
        abort(404, "Cette image n’est plus conservée.")
    response = make_response(content)
    response.headers["Content-Type"] = pictures.TYPES[kind]
    response.headers["Content-Disposition"] = f'inline; filename="{name}"'
    response.headers["Cache-Control"] = "private, no-store"
    return response
