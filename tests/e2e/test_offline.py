"""Verifying without network, in a real browser in flight mode: the QR code of a paper's picture, and the answers."""

from __future__ import annotations

import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from flask import Flask, request
from playwright.sync_api import Browser, BrowserContext, Page, expect
from sqlalchemy import select
from werkzeug.serving import BaseWSGIServer, make_server

from app.extensions import db
from app.models import Document
from app.models.registration import CERTIFICATE
from app.services.core import actor
from app.services.core.transaction import transaction
from app.services.documents import drawing, revocation, revocations
from app.services.seal.statement_key import Keys
from app.validators.fields import name_words
from tests.backends import missing
from tests.documents.test_statement import as_of
from tests.support import MARIE, drain, person_id, registered

from .test_account import look

pytestmark = pytest.mark.browser

PAGE = "/verifier/hors-ligne/"
MOST_BYTES = 200_000


@dataclass
class House:
    """A certificate, the picture of its first page, and a browser that has opened the page once."""

    document: Document
    picture: Path
    context: BrowserContext
    page: Page

    def choose(self, picture: Path) -> None:
        self.page.locator("[data-picture]").set_input_files(picture)

    def paste(self, text: str) -> None:
        if not self.page.get_by_label("Contenu du code QR").is_visible():
            self.page.get_by_text("Coller le contenu du code").click()
        self.page.get_by_label("Contenu du code QR").fill(text)
        self.page.get_by_role("button", name="Vérifier", exact=True).click()

    def told(self, heading: str) -> None:
        expect(self.page.get_by_role("heading", name=heading, exact=True)).to_be_visible()


@pytest.fixture
def server(app: Flask) -> Iterator[BaseWSGIServer]:
    running = make_server("127.0.0.1", 0, app, threaded=True)
    app.config["BASE_URL"] = f"http://127.0.0.1:{running.port}"
    thread = threading.Thread(target=running.serve_forever)
    thread.start()
    yield running
    running.shutdown()
    thread.join()


def furnish(app: Flask) -> None:
    with app.app_context():
        actor.be(actor.PROGRAM)
        registered(MARIE)
        drain()
        with transaction():
            revocations.make()
        db.session.remove()


@pytest.fixture
def house(app: Flask, server: BaseWSGIServer, browser: Browser, tmp_path: Path) -> Iterator[House]:
    if not shutil.which("pdftoppm"):
        missing("poppler")
    with ThreadPoolExecutor(1) as pool:  # sealing runs a loop of its own, and the browser's runs here
        pool.submit(furnish, app).result()
    document = db.session.execute(select(Document).where(Document.kind == CERTIFICATE)).scalar_one()
    (tmp_path / "certificat.pdf").write_bytes(drawing.content(document))
    subprocess.run(
        ["pdftoppm", "-png", "-r", "150", "-singlefile", tmp_path / "certificat.pdf", tmp_path / "certificat"],
        check=True,
    )
    context = browser.new_context(
        base_url=app.config["BASE_URL"], viewport={"width": 1280, "height": 900}, locale="fr-FR"
    )
    page = context.new_page()
    page.clock.set_fixed_time("2022-01-10T12:00:00+01:00")
    page.on("pageerror", lambda error: pytest.fail(f"script error: {error}"))
    page.goto(PAGE)
    expect(page.get_by_text("Page gardée sur cet appareil")).to_be_visible()
    yield House(document, tmp_path / "certificat.png", context, page)
    context.close()


def statement_of(house: House) -> str:
    return as_of(house.document.id)


def test_in_flight_mode_a_fresh_certificate_is_authentic_and_names_can_be_compared(house: House) -> None:
    page = house.page
    look(page, "offline")
    house.context.set_offline(True)
    page.reload()
    house.choose(house.picture)
    house.told("Authentique, valide")
    expect(page.locator("[data-fact=number]")).to_have_text(house.document.number)
    expect(page.get_by_text("FIMO Marchandises")).to_be_visible()
    expect(page.get_by_text("Révocations connues au")).to_be_visible()
    look(page, "offline-valid")
    for last, first, born, sentence in (
        ("Martin", "Marie", "12041985", "sont ceux du titulaire"),
        ("MÀRTIN", "marie", "12/04/1985", "sont ceux du titulaire"),
        ("Marie", "Martin", "12/04/1985", "sont ceux du titulaire"),
        ("Martin", "Marie", "13/04/1985", "ne sont pas, ensemble"),
        ("Martine", "Marie", "12/04/1985", "ne sont pas, ensemble"),
        ("Martin", "", "12/04/1985", "Saisissez le nom"),
    ):
        page.get_by_label("Nom", exact=True).fill(last)
        page.get_by_label("Prénoms").fill(first)
        page.get_by_label("Date de naissance").fill(born)
        page.get_by_role("button", name="Comparer").click()
        expect(page.get_by_text(sentence)).to_be_visible()


def test_one_character_of_the_statement_changed_is_not_authentic(house: House) -> None:
    house.context.set_offline(True)
    house.page.reload()
    said = statement_of(house)
    address, _, statement = said.partition("#")
    house.paste(said)
    house.told("Authentique, valide")
    # The last letter holds bits that no byte needs: they may not be changed either.
    for at in (20, 60, len(statement) - 1):
        other = "B" if statement[at] != "B" else "C"
        house.paste(f"{address}#{statement[:at]}{other}{statement[at + 1 :]}")
        house.told("Non authentique")
        house.paste(said)
        house.told("Authentique, valide")
    house.paste(f"{address[:-1]}{'Z' if address[-1] != 'Z' else 'Y'}#{statement}")
    house.told("Non authentique")
    look(house.page, "offline-altered")


def test_a_revocation_is_told_once_its_list_was_fetched_and_in_flight_mode_from_then_on(house: House) -> None:
    revocation.revoke(house.document.id, person_id("agent@demo.example"), "Formation non suivie")
    house.page.reload()
    house.choose(house.picture)
    house.told("Authentique, valide")  # the list is of the night before, and says so
    expect(house.page.get_by_text("Révocations connues au")).to_be_visible()
    with transaction():
        revocations.make()
    house.page.reload()
    house.context.set_offline(True)
    house.page.reload()
    house.choose(house.picture)
    house.told("Révoqué")
    look(house.page, "offline-revoked")


def test_another_authority_an_older_paper_and_any_other_code_are_told_apart(
    house: House, app: Flask, tmp_path: Path
) -> None:
    house.context.set_offline(True)
    house.page.reload()
    forged = as_of(house.document.id, Keys(ec.generate_private_key(ec.SECP256R1()), (), False))
    house.paste(forged)
    house.told("Non authentique")
    expect(house.page.get_by_text("aucune clé du registre")).to_be_visible()
    number = house.document.number
    house.paste(f"{app.config['BASE_URL']}/verifier/{number}")
    house.told("À vérifier en ligne")
    expect(house.page.get_by_role("link", name="Vérifiez-le en ligne")).to_have_attribute("href", f"/verifier/{number}")
    house.paste("https://ailleurs.example/")
    house.told("Pas un code du registre")
    house.paste("")
    expect(house.page.get_by_text("Collez le contenu du code QR.")).to_be_visible()
    blank = tmp_path / "vide.txt"
    blank.write_text("rien")
    house.choose(blank)
    expect(house.page.get_by_text("Ce fichier n’est pas une image lisible")).to_be_visible()


def test_a_network_that_answers_nothing_or_something_else_is_none(
    house: House, app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    def answered(says: Callable[[], str]) -> None:
        told = [lambda: says() if request.path == "/verifier/cles.json" else None]
        monkeypatch.setitem(app.before_request_funcs, None, [*told, *before])

    before = list(app.before_request_funcs.get(None, ()))
    answered(lambda: "<p>Bienvenue à l’hôtel</p>")
    house.page.reload()
    house.paste(statement_of(house))
    house.told("Authentique, valide")
    released = threading.Event()
    answered(lambda: str(released.wait(30)))
    house.page.reload()
    expect(house.page.get_by_role("button", name="Choisir une image")).to_be_visible()
    house.choose(house.picture)
    try:
        heading = house.page.get_by_role("heading", name="Authentique, valide", exact=True)
        expect(heading).to_be_visible(timeout=15_000)
    finally:
        released.set()


def test_the_page_is_small_asks_nothing_of_the_register_and_folds_names_as_it_does(house: House) -> None:
    page = house.page
    page.reload()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    house.choose(house.picture)
    house.told("Authentique, valide")
    assert not [url for url in asked if "/static/" not in url], "nobody is told what was looked at"
    kept = page.evaluate(
        """async () => { let sum = 0; for (const name of await caches.keys()) {
        if (name === "offline-lists") continue;
        const cache = await caches.open(name);
        for (const key of await cache.keys()) sum += (await (await cache.match(key)).arrayBuffer()).byteLength;
        } return sum; }"""
    )
    assert 50_000 < kept <= MOST_BYTES
    names = [chr(code) for code in range(0xC0, 0x180)] + [
        "D’Arc",
        "Jean-Paul",
        "ŁUKASZ",
        "van der  Berg",
        "Ñandú",
        "J. R.",
    ]
    ours = ["".join(name_words(name)) for name in names]
    theirs = page.evaluate(
        "async (names) => { const { folded } = await import('/static/js/offline/names.js'); return names.map(folded); }",
        names,
    )
    assert {n: (a, b) for n, a, b in zip(names, ours, theirs, strict=True) if a != b} == {}
