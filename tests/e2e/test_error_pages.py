"""Error pages made to happen for real, in the browser: French, one sentence, a way on, a screen like any other."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from .conftest import Program, sign_in, start_program
from .screen import Screens
from .test_account import SHOTS

pytestmark = pytest.mark.browser

AGENT, DRIVER, MANAGER = "agent@demo.example", "conducteur@demo.example", "gestionnaire@demo.example"


@pytest.fixture(scope="module")
def frail(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    """Run a program of its own: its base is broken on the way."""
    running = start_program(tmp_path_factory.mktemp("frail"))
    yield running
    assert running.stop() == 0


@pytest.fixture(scope="module")
def screens() -> Screens:
    """Remember how the pages looked at were made."""
    return Screens()


@pytest.fixture
def enter(browser: Browser, frail: Program) -> Iterator[Callable[..., Page]]:
    """Open a browser; signed in where an address is given."""
    context = browser.new_context(base_url=frail.url, locale="fr-FR", reduced_motion="reduce")

    def act(email: str = "") -> Page:
        page = context.new_page()
        if email:
            sign_in(page, email)
            page.wait_for_url(lambda url: "/login" not in url)
        return page

    yield act
    context.close()


def break_base(program: Program, statement: str) -> None:
    """Write into the base what the program never would."""
    with closing(sqlite3.connect(program.folder / "registre.db", timeout=30)) as base:
        base.execute(statement)
        base.commit()


def misunderstood(page: Page, _program: Program) -> None:
    page.goto("/conducteurs/list/?psize_DriversView=x")


def expired(page: Page, _program: Program) -> None:
    page.goto("/mot-de-passe/")
    page.locator("main [name=csrf_token]").evaluate("field => { field.value = 'x' }")
    page.get_by_role("button", name="Recevoir le lien").click()


def forbidden(page: Page, _program: Program) -> None:
    page.goto("/sessions/")


def unknown(page: Page, _program: Program) -> None:
    page.goto("/nulle-part/")


def too_large(page: Page, _program: Program) -> None:
    page.goto("/mot-de-passe/")
    page.get_by_label("Adresse électronique").evaluate(
        "field => { field.type = 'hidden'; field.value = 'x'.repeat(11e6) }"  # shown, it would take seconds to lay out
    )
    page.get_by_role("button", name="Recevoir le lien").click()


def too_often(page: Page, _program: Program) -> None:
    for _ in range(5):
        sign_in(page, "personne@demo.example", "pas le bon")
        expect(page.get_by_text("Adresse électronique ou mot de passe incorrect.").first).to_be_visible()
    sign_in(page, "personne@demo.example", "pas le bon")


def failed(page: Page, program: Program) -> None:
    break_base(program, "UPDATE tariff SET valid_from = 'demain'")
    page.goto("/tarifs/list/")


def base_away(page: Page, program: Program) -> None:
    break_base(program, "ALTER TABLE ab_user RENAME TO away")
    try:
        page.goto("/mon-profil/")
    finally:
        break_base(program, "ALTER TABLE away RENAME TO ab_user")


@pytest.mark.parametrize(
    ("code", "who", "happen", "title", "sentence"),
    [
        (400, AGENT, misunderstood, "Demande non comprise", "Le numéro ou la taille de page n’est pas un nombre."),
        (400, MANAGER, expired, "Formulaire expiré", "votre saisie enregistrée est conservée"),
        (403, DRIVER, forbidden, "Accès refusé", "Votre compte ne donne pas accès à cette page."),
        (404, "", unknown, "Page introuvable", "Aucune page ne répond à cette adresse."),
        (413, "", too_large, "Envoi trop volumineux", "L’envoi dépasse la taille acceptée"),
        (429, "", too_often, "Trop de demandes", "Réessayez dans 1 minute."),
        (500, AGENT, failed, "Erreur du service", "Le service a rencontré une erreur et la demande n’a pas abouti."),
        (503, MANAGER, base_away, "Service momentanément indisponible", "Le service ne peut pas répondre"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_an_error_is_told_and_leads_on(
    frail: Program,
    screens: Screens,
    enter: Callable[..., Page],
    code: int,
    who: str,
    happen: Callable[..., None],
    title: str,
    sentence: str,
) -> None:
    page = enter(who)
    statuses: list[int] = []
    page.on("response", lambda answer: statuses.append(answer.status))
    happen(page, frail)
    expect(page.get_by_role("heading", level=1)).to_have_text(title)
    assert code in statuses
    expect(page).to_have_title(f"{title} – Registre CQC")
    expect(page.locator("main").get_by_text(sentence)).to_be_visible()
    expect(page.locator("main").get_by_role("link", name="Revenir à l’accueil")).to_have_attribute("href", "/")
    screens.look(page, f"error {code}")
    assert not (complaints := screens.tell()), f"\n{complaints}"
    for width in (1280, 390) if SHOTS else ():
        page.set_viewport_size({"width": width, "height": 900})
        page.screenshot(path=Path(SHOTS) / f"error-{code}-{happen.__name__}-{width}.png", full_page=True)
