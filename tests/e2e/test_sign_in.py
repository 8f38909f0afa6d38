"""Signing in with a second factor in a real browser: set up, asked for, lost and reset; other sessions ended."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pyotp
import pytest
from playwright.sync_api import Page, expect

from .conftest import PASSWORD, sign_in
from .test_account import look

pytestmark = pytest.mark.browser

OWNER = "representant@demo.example"


def spare_codes(page: Page) -> list[str]:
    """Wait for the ten codes and return them."""
    expect(page.locator(".codes code")).to_have_count(10)
    return page.locator(".codes code").all_inner_texts()


def test_a_second_factor_is_set_up_asked_for_and_reset(new_person: Callable[..., Page]) -> None:
    owner = new_person(OWNER)
    owner.goto("/mon-profil/")
    look(owner, "profile-privileged")
    owner.get_by_role("link", name="Activer la double authentification").click()
    expect(owner.get_by_role("img", name="Code QR de la clé, écrite en toutes lettres ci-dessous")).to_be_visible()
    owner.wait_for_function("(image => image.complete && image.naturalWidth > 100)(document.querySelector('img.qr'))")
    look(owner, "factor-setup")
    phone = pyotp.TOTP(owner.locator("code.secret").inner_text().replace(" ", ""))
    owner.get_by_label("Code", exact=True).fill("000000")
    owner.get_by_label("Mot de passe", exact=True).fill(PASSWORD)
    owner.get_by_role("button", name="Activer", exact=True).click()
    expect(owner.get_by_role("link", name="Ce code n’est pas le bon")).to_be_visible()
    look(owner, "factor-setup-error")
    owner.get_by_label("Code", exact=True).fill(phone.now())
    owner.get_by_label("Mot de passe", exact=True).fill(PASSWORD)
    owner.get_by_role("button", name="Activer", exact=True).click()
    expect(owner.get_by_role("heading", level=1)).to_have_text("Vos codes de secours")
    look(owner, "factor-codes")
    codes = spare_codes(owner)
    owner.get_by_role("link", name="Je les ai conservés").click()
    owner.get_by_role("link", name="Gérer la double authentification").click()
    look(owner, "factor-on")

    elsewhere = new_person()
    sign_in(elsewhere, OWNER)
    expect(elsewhere.get_by_role("heading", level=1)).to_have_text("Code de connexion")
    look(elsewhere, "factor-code")
    elsewhere.get_by_label("Code à 6 chiffres ou code de secours").fill(codes[0])
    elsewhere.keyboard.press("Enter")
    expect(elsewhere.get_by_text("Vous avez utilisé un code de secours. Il vous en reste 9.")).to_be_visible()

    owner.goto("/mon-profil/")
    owner.get_by_role("button", name="Déconnecter mes autres sessions").click()
    expect(owner.get_by_text("Vos autres sessions sont fermées. Vous restez connecté ici.")).to_be_visible()
    elsewhere.goto("/mon-profil/")
    expect(elsewhere.get_by_text("Votre session a été fermée")).to_be_visible()
    look(elsewhere, "login-closed")

    agent = new_person("agent@demo.example")
    agent.goto("/comptes/list/?_flt_0_words=representant")
    look(agent, "accounts")
    agent.get_by_role("link", name="Voir", exact=False).first.click()
    look(agent, "account-card")
    form = agent.get_by_role("form", name="Téléphone et codes de secours perdus")
    form.get_by_label("Motif").fill("Téléphone perdu, identité vérifiée")
    form.get_by_role("button", name="Réinitialiser la double authentification").click()
    expect(agent.get_by_text("La double authentification est réinitialisée")).to_be_visible()

    sign_in(elsewhere, OWNER)
    expect(elsewhere.get_by_role("heading", level=1)).not_to_have_text("Code de connexion")


def test_a_code_of_the_telephone_opens_once(new_person: Callable[..., Page]) -> None:
    agent = new_person("agent@demo.example")
    agent.goto("/mon-profil/double-authentification/")
    phone = pyotp.TOTP(agent.locator("code.secret").inner_text().replace(" ", ""))
    agent.get_by_label("Code", exact=True).fill(phone.now())
    agent.get_by_label("Mot de passe", exact=True).fill(PASSWORD)
    agent.get_by_role("button", name="Activer", exact=True).click()
    codes = spare_codes(agent)
    agent.goto("/")
    agent.get_by_text("Ouvrir le menu de la personne").click(force=True)
    agent.get_by_role("button", name="Se déconnecter").click()
    agent.get_by_label("Adresse électronique").fill("agent@demo.example")
    agent.get_by_label("Mot de passe", exact=True).fill(PASSWORD)
    agent.get_by_role("button", name="Se connecter").click()
    agent.get_by_label("Code à 6 chiffres ou code de secours").fill(phone.at(datetime.now(UTC) + timedelta(seconds=30)))
    agent.keyboard.press("Enter")
    agent.wait_for_url(lambda url: "/login" not in url)
    agent.goto("/mon-profil/double-authentification/")
    agent.get_by_label("Mot de passe", exact=True).fill(PASSWORD)
    agent.get_by_label("Code", exact=True).fill(codes[0])
    agent.get_by_role("button", name="Désactiver").click()
    expect(agent.get_by_text("La double authentification est désactivée.")).to_be_visible()


def test_before_an_idle_sign_in_ends_one_is_told_and_may_stay(new_person: Callable[..., Page]) -> None:
    page = new_person("gestionnaire@demo.example")
    page.clock.install()
    page.goto("/aide/")
    warning, last = (
        page.locator("[data-idle]"),
        page.get_by_role("contentinfo").get_by_role("link", name="Vérifier un certificat"),
    )
    last.focus()
    page.clock.fast_forward((120 - 4) * 60_000)
    expect(warning).to_be_hidden()
    page.clock.fast_forward(62_000)  # two minutes before the end, the cookie's precision of a minute taken off
    expect(page.get_by_role("alert")).to_have_text(
        "Sans action de votre part, votre session se termine dans deux minutes."
    )
    look(page, "idle")
    expect(last).to_be_focused()
    page.keyboard.press("Shift+Tab")
    for _ in range(3):  # the links of the footer that come before
        page.keyboard.press("Shift+Tab")
    expect(page.get_by_role("button", name="Rester connecté")).to_be_focused()
    page.keyboard.press("Enter")
    expect(warning).to_be_hidden()
    expect(page.get_by_role("link", name="Aide", exact=True)).to_be_focused()
    page.clock.fast_forward(120 * 60_000)
    expect(page.get_by_role("alert")).to_have_text(
        "Votre session a pu se terminer. Ce qui était enregistré est conservé."
    )
