"""The frame of every screen: the border that names who asks, sign-in state, errors, headers, shared form pieces."""

from __future__ import annotations

from flask import Flask


def register(app: Flask) -> None:
    """Put the frame around the application; what runs before a request runs in this order."""
    from . import (
        actors,
        base,
        border,
        chrome,
        errors,
        filters,
        headers,
        health,
        incidents,
        looking,
        pages,
        refused,
        resume,
        sign_ins,
        timing,
    )

    for part in (
        looking,
        timing,
        refused,
        border,
        sign_ins,
        actors,
        incidents,
        resume,
        filters,
        chrome,
        headers,
        errors,
        base,
    ):
        part.register(app)
    for blueprint in (pages.blueprint, health.blueprint):
        app.register_blueprint(blueprint)
