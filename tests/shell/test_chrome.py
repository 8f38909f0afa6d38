"""What surrounds every page: landmarks, person and centre, sign-in, content policy, static pages."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app import roles
from app.extensions import db
from app.models import SignUp
from app.models.sign_up import WAITING
from app.services.core import clock
from app.views.shell import chrome
from app.views.shell.filters import count_of
from app.views.shell.headers import csp_nonce
from config import ROOT
from tests.support import statements

PUBLIC = ("/login/", "/aide/", "/accessibilite/", "/donnees-personnelles/", "/nulle-part/")
SignIn = Callable[..., FlaskClient]


@pytest.mark.parametrize("address", PUBLIC)
def test_every_page_is_french_with_one_title_and_a_way_to_its_content(client: FlaskClient, address: str) -> None:
    page = client.get(address).text
    assert '<html lang="fr">' in page
    assert len(re.findall(r"<h1[ >]", page)) == 1
    assert '<a class="skip" href="#contenu">' in page
    assert '<main id="contenu"' in page
    assert " – Registre CQC</title>" in page


@pytest.mark.parametrize("address", PUBLIC)
def test_no_page_needs_inline_script_or_style_or_another_host(client: FlaskClient, address: str) -> None:
    response = client.get(address)
    policy = response.headers["Content-Security-Policy"]
    assert "unsafe-inline" not in policy
    assert "frame-ancestors 'none'" in policy
    nonce = re.search(r"'nonce-([^']+)'", policy)
    assert nonce
    for script in re.findall(r"<script[^>]*>", response.text):
        assert f'nonce="{nonce[1]}"' in script
    assert not re.search(r"<style|\sstyle=|\son\w+=|javascript:", response.text)
    assert not re.search(r"(src|href)=\"(https?:)?//", response.text)


def test_each_request_has_a_nonce_of_its_own(app: Flask) -> None:
    nonces = set()
    for _ in range(3):
        with app.test_request_context():
            nonces.add(csp_nonce())
    assert len(nonces) == 3


def test_static_files_are_there_and_may_be_kept_but_pages_may_not(client: FlaskClient) -> None:
    page = client.get("/login/")
    files = re.findall(r'(?:href|src)="(/static/[^"]+)"', page.text)
    assert len(files) > 10
    for file in files:
        with client.get(file) as response:
            assert response.status_code == 200, file
            assert "no-store" not in response.headers.get("Cache-Control", "")
        assert "?v=" in file, f"{file} would stay in browsers' caches after an update"
    assert page.headers["Cache-Control"] == "no-store"


def test_every_icon_that_templates_name_is_drawn(app: Flask) -> None:
    drawn = set(re.findall(r'id="i-([\w-]+)"', (_folder(app.static_folder) / "img/icons.svg").read_text()))
    named: set[str] = set()
    for template in (_folder(app.root_path) / "templates").rglob("*.html"):
        named |= set(re.findall(r'icon\("([\w-]+)"', template.read_text()))
    assert named
    assert named <= drawn


def test_the_band_says_that_the_day_is_frozen_outside_production(app: Flask, client: FlaskClient) -> None:
    sentence = "Environnement de démonstration. La date du jour est figée au 10/01/2022."
    assert sentence in client.get("/aide/").text
    app.config["TODAY"] = None
    frozen = client.get("/aide/").text
    assert "Environnement de démonstration." in frozen
    assert "figée" not in frozen
    app.config["ENVIRONMENT"] = "production"
    assert "Environnement de démonstration" not in client.get("/aide/").text


def test_person_role_and_centre_stand_on_the_page(client: FlaskClient, sign_in: SignIn) -> None:
    page = sign_in(client, "gestionnaire@demo.example").get("/aide/").text
    assert "Centre de formation Démo" in page
    assert "Gestionnaire" in page
    assert "gestionnaire@demo.example" in page
    assert re.search(r'<form method="post" action="/logout/">', page)


def test_a_person_sees_no_other_centre_in_the_bar(client: FlaskClient, sign_in: SignIn) -> None:
    page = sign_in(client, "voisin@demo.example").get("/aide/").text
    assert "Centre Voisin" in page
    assert "Centre de formation Démo" not in page


@pytest.mark.parametrize("email", ["agent@demo.example", "gestionnaire@demo.example", "conducteur@demo.example"])
def test_no_menu_entry_leads_nowhere(client: FlaskClient, sign_in: SignIn, email: str) -> None:
    sign_in(client, email)
    page = client.get("/aide/").text
    links = re.findall(r'class="navlink" href="([^"]+)"', page) + re.findall(r'<a href="(/[^"]+)">', page)
    assert "/aide/" in links
    for link in links:
        assert client.get(link).status_code < 400, link


@pytest.mark.parametrize(("email", "password"), [("agent@demo.example", "faux"), ("personne@demo.example", "faux")])
def test_a_refused_sign_in_says_the_same_of_known_and_unknown_accounts(
    client: FlaskClient, email: str, password: str
) -> None:
    response = client.post("/login/", data={"username": email, "password": password})
    assert response.status_code == 422
    assert "<title>Erreur : Se connecter" in response.text
    assert "Adresse électronique ou mot de passe incorrect." in response.text
    assert password not in response.text


def test_a_missing_password_is_tied_to_its_field(client: FlaskClient) -> None:
    page = client.post("/login/", data={"username": "agent@demo.example", "password": ""}).text
    field = re.search(r'<input[^>]*id="password"[^>]*>', page)
    assert field
    assert 'aria-invalid="true"' in field[0]
    assert 'aria-describedby="password-error"' in field[0]
    assert 'id="password-error"' in page
    assert page.index("data-error-summary") < page.index("<h1>")
    assert '<a href="#password">' in page


def test_a_menu_entry_is_marked_where_one_stands(client: FlaskClient, sign_in: SignIn) -> None:
    page = sign_in(client, "conducteur@demo.example").get("/mon-espace/").text
    assert re.findall(r'href="([^"]+)" aria-current="page">', page) == ["/mon-espace/"]


def test_an_agents_entries_stand_in_groups_and_the_group_says_where_one_stands(
    client: FlaskClient, sign_in: SignIn
) -> None:
    page = sign_in(client, "agent@demo.example").get("/agrements/list/").text
    menu = page[page.index('aria-label="Menu principal"') : page.index("</nav>")]
    groups = re.findall(r"<summary[^>]*>(.*?)</summary>", menu, re.DOTALL)
    assert [re.sub(r"<[^>]+>", "", group).strip() for group in groups] == [
        "Centres, Agréments",
        "Registre",
        "Facturation",
        "Réglages",
    ]
    assert re.findall(r'href="([^"]+)" aria-current="page">', menu) == ["/agrements/list/"]
    assert menu.count('aria-current="true"') == 1


def test_a_group_without_entries_is_not_shown(
    client: FlaskClient, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone: chrome.Entries = (("Vide", (("Rien", "/nulle-part/"),)), ("Aide", "/aide/"))
    monkeypatch.setitem(chrome.MENU, roles.AGENT, alone)
    page = sign_in(client, "agent@demo.example").get("/aide/").text
    assert "Vide" not in page
    assert 'class="navlink" href="/aide/"' in page


def test_the_menu_says_how_many_things_wait_and_asks_the_base_once(client: FlaskClient, sign_in: SignIn) -> None:
    browser = sign_in(client, "agent@demo.example")
    with statements() as asked:
        before = browser.get("/aide/").text
    assert "en attente</span>" not in before
    assert len([one for one in asked if "asking_alert" in one]) == 1
    db.session.add(
        SignUp(
            email="zoe@exemple.fr",
            last_name="ABEILLE",
            first_name="Zoé",
            birth_date=date(1990, 1, 1),
            permit_number="900192100123",
            password_hash="",
            state=WAITING,
            created_at=clock.now(),
        )
    )
    db.session.commit()
    after = browser.get("/aide/").text
    assert '<span class="navlink__count">1<span class="vh"> en attente</span></span>' in after


def test_counts_agree_with_their_noun() -> None:
    assert [count_of(n, "ligne") for n in (0, 1, 2)] == ["0 ligne", "1 ligne", "2 lignes"]


def _folder(path: str | None) -> Path:
    assert path
    return Path(path)


def test_no_screen_gives_its_template_what_the_frame_names() -> None:
    """A name that `base.html` sets hides what a view passes under it: it stood in the way of pages beyond the first once."""
    names = re.findall(r"{%-? set (\w+)", (ROOT / "app/templates/base.html").read_text())
    assert names
    given: set[str | None] = set()
    for path in (ROOT / "app/views").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if (
                isinstance(node, ast.Call)
                and getattr(node.func, "attr", getattr(node.func, "id", "")) == "render_template"
            ):
                given |= {one.arg for one in node.keywords}
    assert "drafts" in given
    assert given & set(names) == set()
