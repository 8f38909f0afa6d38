"""The third door in a real browser, and through the real web server: subscribe, make a key, register, read the receipt."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from clients.python.registre_cqc import ApiError, Client

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
        answers.append(client.register([{**LINE, "order_number": f"COM{twin % 5}"}], f"envoi-{twin % 5}")["batch"])

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
