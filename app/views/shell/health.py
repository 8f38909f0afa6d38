"""Addresses for those who watch over the program: is the process alive, can it work."""

from __future__ import annotations

from flask import Blueprint, Response, jsonify

from app.services.operations import health

blueprint = Blueprint("health", __name__)


@blueprint.get("/healthz")
def healthz() -> Response:
    """Answer that the process is alive; nothing else is asked."""
    return jsonify(status="ok")


@blueprint.get("/readyz")
def readyz() -> tuple[Response, int]:
    """Answer whether base, queue and store answer; 503 as long as one does not."""
    found = health.checks()
    ready = all(found.values())
    words = {name: "ok" if holds else "unavailable" for name, holds in found.items()}
    return jsonify(status="ok" if ready else "unavailable", checks=words), 200 if ready else 503
