"""« de » and « à » before a name: elided before a vowel or an h that is not heard, contracted with an article."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from flask import Flask, render_template_string
from flask.testing import FlaskClient
from markupsafe import Markup
from sqlalchemy import select

from app.extensions import db
from app.french.words import of, to
from app.models import Centre, JournalEntry, Membership
from app.services.journal import record, sentences
from tests.support import centre_id, person_id


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("MARTIN Marie", "de MARTIN Marie"), ("ANDRÉ Paul", "d’ANDRÉ Paul"), ("Élise Roux", "d’Élise Roux"),
        ("Œuvrard", "d’Œuvrard"), ("Henri Petit", "d’Henri Petit"), ("HÉLÈNE", "d’HÉLÈNE"), ("Hugo", "de Hugo"),
        ("Yves", "d’Yves"), ("Yann", "de Yann"), ("Hôtel-École", "d’Hôtel-École"), ("Haddad", "de Haddad"),
        ("onze", "de onze"), ("12 lignes", "de 12 lignes"), ("« Auto »", "de « Auto »"), ("", "de "),
        ("Le Goff Yann", "de Le Goff Yann"), ("LE GOFF Yann", "de LE GOFF Yann"),
        ("le centre Démo", "du centre Démo"), ("les agréments", "des agréments"),
    ],
)  # fmt: skip
def test_de_before_a_name(name: str, said: str) -> None:
    assert of(name) == said


def test_the_article_of_a_place_is_contracted() -> None:
    assert of("Le Havre Formation", is_place=True) == "du Havre Formation"
    assert of("Les Routiers", is_place=True) == "des Routiers"
    assert of("Léman", is_place=True) == "de Léman"
    assert [to(name, is_place=True) for name in ("Le Havre", "Auto-École")] == ["au Havre", "à Auto-École"]


def test_no_sentence_of_the_code_leads_to_a_name_by_itself() -> None:
    """Templates do it by their filter; elsewhere it is `of` and `to`."""
    leads = re.compile(r"(?<!\w)(?:de|à) \{[^{}]*\b(?:full_)?name\b[^{}]*\}", re.IGNORECASE)
    app = Path(__file__).resolve().parents[2] / "app"
    files = [*app.glob("services/**/*.py"), *app.glob("views/**/*.py")]
    assert len(files) > 300
    assert not [f"{path.name}: {found}" for path in files for found in leads.findall(path.read_text())]


@pytest.mark.parametrize(
    ("drawn", "shown"),
    [
        ("<h1>Droits de {{ who }}</h1>", "<h1>Droits d’Anne</h1>"),
        ('<img alt="Photo de {{ who }}" src="/de {{ who }}">', '<img alt="Photo d’Anne" src="/de Anne">'),
        ("Gestionnaire de {{ centre.name }}, écrit à {{ centre.name }}", "Gestionnaire du Havre, écrit au Havre"),
        ("De {{ who }} : {{ bold }} de {{ bold }}", "D’Anne\u00a0: <b>Ève &amp; A</b> d’<b>Ève &amp; A</b>"),
        ("lignes {{ 1 }} à {{ 2 }} de {{ 3 }}, mode {{ who }}", "lignes 1 à 2 de 3, mode Anne"),
        ("de {% if who %}{{ who }}{% endif %} de {{ evil }}", "de Anne d’A&lt;b&gt;"),
        ("<code>de {{ who }}</code>", "<code>de Anne</code>"),
    ],
)
def test_templates_lead_to_names(app: Flask, drawn: str, shown: str) -> None:
    values = {"who": "Anne", "centre": {"name": "Le Havre"}, "bold": Markup("<b>Ève &amp; A</b>"), "evil": "A<b>"}
    assert render_template_string(drawn, **values) == shown


def test_a_member_s_page_and_the_journal_say_it_right(app: Flask, client: FlaskClient, sign_in) -> None:
    centre = db.session.get_one(Centre, centre_id())
    centre.name = "Auto-École du Port"
    record.record("billing_profile.changed", "centre", centre.id, actor_id=person_id())
    db.session.commit()
    legal = sign_in(client, "representant@demo.example")
    place = db.session.scalar(select(Membership.id).where(Membership.person_id == person_id("sansdroit@demo.example")))
    assert "Gestionnaire d’Auto-École du Port" in legal.get(f"/mon-centre/droits/{place}").text
    [told] = sentences.tell(
        db.session.scalars(select(JournalEntry).where(JournalEntry.action == "billing_profile.changed")).all()
    )
    assert (told.before, told.about.text) == (
        "a modifié les coordonnées de facturation du",
        "centre Auto-École du Port",
    )
