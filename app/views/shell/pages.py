"""Pages that only say something: help, accessibility, personal data."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby

from flask import Blueprint, Response, get_template_attribute, render_template, request
from markupsafe import Markup

from app.services.reference import messages
from app.validators.fields import clean, fold

blueprint = Blueprint("pages", __name__)
#: Anchor of a section of the help → its macro in `shell/help/sections.html`, and its title; the messages follow the third.
SECTIONS = {
    "enregistrer": ("register", "Enregistrer des formations"),
    "formateurs": ("trainers", "Formateurs et moniteurs"),
    "corriger-lignes": ("mending", "Corriger des lignes"),
    "contrat": ("contract", "Contrat et mise en service"),
    "droits": ("rights", "Droits"),
    "documents": ("documents", "Documents"),
    "retenus": ("withheld", "Documents retenus"),
    "corriger": ("corrections", "Corriger ou annuler"),
    "factures": ("invoices", "Factures et consommation"),
    "conducteurs": ("drivers", "Vous êtes conducteur"),
    "logiciel": ("software", "Enregistrer depuis un logiciel"),
    "verifier": ("verifying", "Vérifier un certificat"),
    "joindre": ("contact", "Joindre l’exploitant"),
}
BEFORE_MESSAGES = ("enregistrer", "formateurs", "corriger-lignes")
#: Nobody types as much to find something.
LONGEST = 100


@dataclass(frozen=True, slots=True)
class Section:
    """A section of the help: its anchor, title and text, and whether it stands before the messages."""

    key: str
    title: str
    text: Markup
    is_before: bool


@blueprint.get("/aide/")
def help_page() -> str:
    """Show how all is done and every message with its cure; of a search, the sections and messages that hold its words."""
    asked = clean(request.args.get("q", ""))[:LONGEST]
    words = fold(asked).split()
    told = [one for one in messages.every() if _holds(f"{one.sentence} {one.cure}", words)]
    return render_template(
        "shell/pages/help.html",
        asked=asked,
        sections=[one for one in _sections() if _holds(f"{one.title} {one.text.striptags()}", words)],
        messages=[(part.value, _by_cure(some)) for part, some in groupby(told, lambda one: one.part)],
        count=len(told),
    )


def _by_cure(told: Iterable[messages.Message]) -> list[tuple[str, list[messages.Message]]]:
    """Return messages with their cure, those that follow each other and share one together."""
    return [(cure, list(some)) for cure, some in groupby(told, lambda one: one.cure)]


def _sections() -> Iterator[Section]:
    for key, (name, title) in SECTIONS.items():
        text = get_template_attribute("shell/help/sections.html", name)()
        yield Section(key, title, text, key in BEFORE_MESSAGES)


def _holds(text: str, words: list[str]) -> bool:
    folded = fold(text)
    return all(word in folded for word in words)


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
