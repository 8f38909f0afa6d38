"""The third door in a real browser, and through the real web server: subscribe, make a key, register, read the receipt."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from clients.python.registre_cqc import ApiError, Client
from clients.python.verifier_webhook import verify
from tests.receiver import receiver

from .axe import violations
from .conftest import Program

pytestmark = pytest.mark.browser
LINE = {
    "order_number": "COM1", "training_label": "FIMO Marchandises", "category": "Marchandises", "end_date": "2022-01-07",
    "first_name": "Marie", "last_name": "MARTIN", "birth_date": "1985-04-12", "permit_number": "850492100123",
}  # fmt: skip


def test_subscribe_then_register_by_machine(new_person: Callable[..., Page], program: Program) -> None:
    page = new_person("representant@demo.example")
    page.goto("/mon-centre/api/")
    assert violations(page) == []
    page.get_by_role("button", name="Accepter les conditions et souscrire").click()
    page.get_by_label("Nom de la clé").fill("Logiciel de gestion")
    page.get_by_label("Enregistrer :").check()
    page.get_by_role("button", name="Créer la clé").click()
    key = page.get_by_label("Clé de l’API", exact=True).inner_text()
    assert violations(page) == []

    client = Client(program.url, key)
    answers: list[str] = []

    def send(twin: int) -> None:
        answers.append(
            client.register([{**LINE, "order_number": f"COM{twin % 5}"}], f"envoi-{twin % 5}", accept_duplicates=True)[
                "batch"
            ]
        )

    threads = [threading.Thread(target=send, args=(at,)) for at in range(30)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(answers), len(set(answers))) == (30, 5)

    page.goto(f"/sessions/{answers[0]}/recu")
    expect(page.get_by_role("main")).to_contain_text("par API")
    expect(page.get_by_role("main")).to_contain_text("25,34")
    page.goto("/mon-centre/api/")
    expect(page.get_by_role("main")).not_to_contain_text(key)
    page.get_by_role("button", name="Révoquer la clé Logiciel de gestion").click()
    page.get_by_role("dialog").get_by_role("button", name="Révoquer la clé").click()
    expect(page.get_by_text("Révoquée")).to_be_visible()
    with pytest.raises(ApiError, match="key_revoked"):
        client.catalogue()


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("path", ["/api/v1/", "/aide/api/"])
def test_the_pages_for_everybody(new_person: Callable[..., Page], path: str, width: int) -> None:
    page = new_person(width=width)
    page.goto(path)
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("width", [1280, 390])
def test_a_centre_gives_its_address_tries_it_and_sends_again(new_person: Callable[..., Page], width: int) -> None:
    with receiver() as software:
        software.statuses = [500, 204]
        page = new_person("representant@demo.example", width)
        page.goto("/mon-centre/api/")
        accept = page.get_by_role("button", name="Accepter les conditions et souscrire")
        if accept.count():
            accept.click()
        page.get_by_role("link", name="Webhooks", exact=True).click()
        assert violations(page) == []
        page.get_by_label("Adresse", exact=True).fill(software.url)
        page.get_by_role("button", name="Ajouter l’adresse").click()
        secret = page.get_by_label("Secret du webhook").inner_text()
        page.get_by_role("button", name="Envoyer un essai").click()
        expect(page.get_by_text("Le serveur a répondu 500.")).to_be_visible()
        expect(page.get_by_text("En échec")).to_be_visible()
        assert violations(page) == []
        page.get_by_role("button", name="Renvoyer le message").click()
        expect(page.get_by_text("Remis", exact=True)).to_be_visible()
        expect(page.get_by_text("En échec")).not_to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        first, second = software.messages
        assert first.headers["webhook-id"] == second.headers["webhook-id"]
        assert verify(secret, second.headers, second.body.encode())["type"] == "webhook.test"
        page.get_by_role("button", name="Retirer l’adresse").click()
        page.get_by_role("dialog").get_by_role("button", name="Retirer l’adresse").click()
        expect(page.get_by_text("L’adresse est retirée.")).to_be_visible()
