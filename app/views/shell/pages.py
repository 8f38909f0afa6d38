"""Pages that only say something: help, accessibility, personal data."""

from __future__ import annotations

from flask import Blueprint, Response, render_template

blueprint = Blueprint("pages", __name__)


@blueprint.get("/aide/")
def help_page() -> str:
    """Show how to register trainings and where to find documents."""
    return render_template("shell/pages/help.html")


@blueprint.get("/robots.txt")
def robots() -> Response:
    """Ask search engines to leave the verification page alone: numbers and initials are nobody's search result."""
    return Response("User-agent: *\nDisallow: /verifier/\n", mimetype="text/plain")


@blueprint.get("/accessibilite/")
def accessibility() -> str:
    """Show what has been done for accessibility and what has not been audited."""
    return render_template("shell/pages/accessibility.html")


@blueprint.get("/donnees-personnelles/")
def personal_data() -> str:
    """Show what is kept, why, and for how long."""
    return render_template("shell/pages/personal_data.html")
