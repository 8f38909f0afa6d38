"""A sign-in that ends loses nothing that stands in the fields: what was sent is kept for its person, and put back.

Every form bears for whom it was drawn, in its signed token (`owner`). One that meets an ended sign-in, or whose token is
void, is not done: its fields are kept (`services.accounts.kept_forms`), its person signs in again and finds them where they
stood (`refill`). Another person who signs in in that browser is never shown them. It works without scripts; with them,
`static/js/guard.js` also sends what was typed in a page that a call without fields told of the end.
"""

from __future__ import annotations

from flask import Flask

from . import keeping, putting_back


def register(app: Flask) -> None:
    """Keep before any screen refuses, and put back into the page shown."""
    keeping.register(app)
    putting_back.register(app)
