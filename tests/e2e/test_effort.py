"""How much hand work the office's four longest paths cost: counted while they are done, and held to a bound.

One is counted for a click, a choice or a tick; and for what is typed without leaving the keyboard into one field: the key that
leads there (F8), the text, pasted or typed, the key that sends it. Signing in is not counted, waiting costs nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from app.validators.remark import HEADERS
from tests.corpus import builders
from tests.support import many

from .conftest import Program, start_program
from .test_account import letter

pytestmark = pytest.mark.browser
AGENT, MANAGER = "agent@demo.example", "gestionnaire@demo.example"
SECRET = "girafe-lampe-nuage-72"
SIRET, NUMBER, NEWCOMER = "732 829 320 00074", "FI-29-2022-001", "dir@ponant.example"


class Hand:
    """A person's hand on a page, which counts what it does."""

    def __init__(self, page: Page) -> None:
        self.page, self.count, self.pages = page, 0, 0
        page.on("framenavigated", lambda frame: self._moved(frame is page.main_frame))

    def _moved(self, is_page: bool) -> None:
        self.pages += is_page

    def click(self, place: Locator) -> None:
        """Click, tick, or follow."""
        self.count += 1
        place.click()

    def choose(self, place: Locator, label: str) -> None:
        """Choose in a list."""
        self.count += 1
        place.select_option(label=label)

    def type(self, place: Locator, text: str, then: str = "") -> None:
        """Type or paste into a field; ``then``: the key that sends it."""
        self.count += 1
        place.fill(text)
        if then:
            place.press(then)

    def mend_next(self, text: str) -> None:
        """Correct the next faulty cell of a report, by the keyboard alone."""
        self.count += 1
        before = self.page.locator("#why").inner_text()
        self.page.keyboard.press("F8")
        self.page.keyboard.press("F2")
        expect(self.page.locator("[data-editing] .input")).to_be_focused()
        self.page.keyboard.type(text)
        self.page.keyboard.press("Enter")
        expect(self.page.locator("#why")).not_to_have_text(before)
        expect(self.page.locator("[data-editing]")).to_have_count(0)

    def mend_all(self, text: str) -> None:
        """Correct the next faulty cell and all that hold the same: the field by keyboard, the box by a click."""
        self.count += 2
        before = self.page.locator("#why").inner_text()
        self.page.keyboard.press("F8")
        self.page.keyboard.press("F2")
        expect(self.page.locator("[data-editing] .input")).to_be_focused()
        self.page.get_by_label(re.compile("Corriger aussi")).check()
        self.page.locator("[data-editing] .input").fill(text)
        self.page.keyboard.press("Enter")
        expect(self.page.locator("#why")).not_to_have_text(before)


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    """Run a program of its own: its centres and receipts are counted by no other test."""
    running = start_program(tmp_path_factory.mktemp("effort"))
    yield running
    assert running.stop() == 0


def _accredit(hand: Hand) -> None:
    """Give the new centre its accreditation, from its page."""
    page = hand.page
    hand.click(page.get_by_role("link", name="Ajouter un agrément").first)
    hand.type(page.get_by_label("Autorité"), "Préfet de la région Bretagne")
    hand.type(page.get_by_label("N° d’agrément"), NUMBER)
    hand.click(page.get_by_label("FIMO Marchandises"))
    hand.type(page.get_by_role("textbox", name="Valable du"), "01/01/2022", "Enter")
    expect(page.get_by_text("Ajout enregistré.")).to_be_visible()


def test_a_new_centre_is_put_in_service(new_person: Callable[..., Page], program: Program) -> None:
    """From the agent's dashboard to « peut enregistrer »: at most 25, the representative's own part included (45 before)."""
    hand = Hand(page := new_person(AGENT))
    hand.click(page.locator("nav summary", has_text="Centres"))
    hand.click(page.get_by_role("link", name="Centres", exact=True))
    hand.click(page.get_by_role("link", name="Ajouter").first)
    hand.type(page.get_by_label("Nom du centre"), "Auto-École Ponant")
    hand.type(page.get_by_label("SIRET"), SIRET, "Enter")
    expect(page.get_by_text("Le centre est créé.")).to_be_visible()
    hand.click(page.get_by_role("link", name="Inviter le représentant légal"))
    hand.type(page.get_by_label("Adresse électronique"), NEWCOMER, "Enter")
    expect(page.get_by_text("Une invitation part")).to_be_visible()
    _accredit(hand)
    hand.click(page.get_by_role("link", name=re.compile("proposition|Proposer")).first)
    hand.click(page.get_by_role("button", name="Enregistrer"))
    expect(page.get_by_text("Le contrat est proposé")).to_be_visible()
    by_agent = hand.count

    body = letter(program, NEWCOMER, "vous invite au Registre CQC").get_body(("plain",))
    assert body is not None
    address = re.search(r"http://\S+/invitation/\S+", body.get_content())
    assert address
    other = Hand(new_person())
    other.count += 1  # the link of the mail
    other.page.goto(address[0])
    for label, text in (("Nom", "Le Goff"), ("Prénom", "Anne"), ("Mot de passe", SECRET)):
        other.type(other.page.get_by_label(label, exact=True), text)
    other.type(other.page.get_by_label("Mot de passe, une seconde fois"), SECRET, "Enter")
    expect(other.page.get_by_text("Vous intervenez désormais pour Auto-École Ponant.")).to_be_visible()
    other.click(other.page.get_by_role("link", name="Faire : Contrat de service signé"))
    other.type(other.page.get_by_label("Qualité"), "Gérante")
    other.click(other.page.get_by_label("J’ai lu le contrat"))
    other.click(other.page.get_by_role("button", name="Signer le contrat"))
    expect(other.page.get_by_text("Le contrat est signé et en vigueur.")).to_be_visible()
    page.reload()
    expect(page.get_by_text("En service", exact=True)).to_be_visible()
    print(f"\na new centre: {by_agent} by the agent, {other.count} by the representative")
    assert by_agent + other.count <= 25


def _faulty_file(path: Path) -> Path:
    """Write 200 lines of which 20 hold an error, of six kinds."""
    lines = [
        ["REF1", "COM1", "FIMO Marchandises", "Marchandises", "07/01/2022", one["first_name"], one["last_name"],
         one["birth_date"], f"9{one['permit_number']}"]
        for one in many(200)
    ]  # fmt: skip
    for at in range(5):
        lines[at][3] = "Marchandise"
    for at in range(20, 25):
        lines[at][2] = "FIMO Marchandisse"
    for at in range(40, 44):
        lines[at][4] = "07/01/2023"
    for at in range(60, 63):
        lines[at][1] = ""
    for at in range(80, 82):
        lines[at][5] = ""
    lines[100][7] = "31/02/1990"
    path.write_bytes(builders.xlsx(list(HEADERS.values()), *lines))
    return path


def test_two_hundred_lines_with_twenty_errors_are_registered(new_person: Callable[..., Page], tmp_path: Path) -> None:
    """At most 22 (37 before)."""
    hand = Hand(page := new_person(MANAGER))
    page.goto("/imports/")
    with page.expect_file_chooser() as window:
        hand.click(page.get_by_role("button", name="Parcourir"))
    hand.count += 1  # the file, in the window
    window.value.set_files(_faulty_file(tmp_path / "sessions.xlsx"))
    expect(page.get_by_role("heading", name="Rapport d’analyse")).to_be_visible(timeout=120_000)
    expect(page.locator("#counters")).to_contain_text("20 erreur(s)")
    expect(page.locator("#kinds .chip--error")).to_have_count(6)
    for _ in range(2):
        left = page.locator("#why").inner_text()
        hand.click(page.locator(".chip__fix").first)
        expect(page.locator("#why")).not_to_have_text(left)
        page.wait_for_load_state()  # a page of its own: its words stand before its keys do
    hand.mend_all("07/01/2022")
    hand.mend_all("COM1")
    for text in ("Anne", "Louis", "28/02/1990"):
        hand.mend_next(text)
    expect(page.locator("#counters")).to_contain_text("0 erreur(s)")
    hand.click(page.get_by_role("button", name="Importer", exact=True))
    hand.click(page.get_by_role("dialog").get_by_role("button", name=re.compile("^Importer 200 lignes")))
    expect(page.get_by_text("Votre import a été pris en compte avec succès")).to_be_visible(timeout=60_000)
    print(f"\n200 lines, 20 errors of 6 kinds: {hand.count}")
    assert hand.count <= 22


def _forty() -> list[tuple[str, str, str, str]]:
    """Return forty drivers whom no other test registers: first name, last name, birth date, permit."""
    return [
        (one["first_name"], f"P{one['last_name']}", one["birth_date"], f"8{one['permit_number']}") for one in many(40)
    ]


def test_forty_pasted_rows_are_registered_then_all_invited(new_person: Callable[..., Page]) -> None:
    """Pasted without an order number, at most 20 to the receipt (135 before); the forty invited on one page (40 before)."""
    hand = Hand(page := new_person(MANAGER))
    page.goto("/sessions/")
    hand.click(page.get_by_text("Manuellement", exact=True))
    hand.click(page.get_by_role("button", name="Continuer"))
    hand.choose(page.get_by_label("Libellé de la formation"), "FIMO Marchandises (25,34\xa0€ HT)")
    hand.type(page.get_by_label("Date de fin de la formation", exact=True), "07/01/2022", "Enter")
    hand.click(page.get_by_text("Coller des lignes").first)
    hand.type(page.get_by_label("Lignes copiées"), "\n".join("\t".join(row) for row in _forty()))
    hand.click(page.get_by_role("button", name="Voir l’aperçu"))
    hand.type(page.get_by_label("N° de commande", exact=True), "COM1", "Enter")
    expect(page.get_by_text("40 lignes, 1\u202f013,60\xa0€ HT à l’import")).to_be_visible()
    hand.click(page.get_by_role("button", name="Ajouter 40 lignes"))
    hand.click(page.get_by_role("link", name="Étape suivante").or_(page.get_by_role("button", name="Étape suivante")))
    hand.click(page.get_by_role("button", name="Vérifier"))
    hand.click(page.get_by_role("button", name=re.compile("^Importer 40 lignes")).first)
    hand.click(page.get_by_role("dialog").get_by_role("button", name=re.compile("^Importer 40 lignes")))
    expect(page.get_by_role("heading", level=1)).to_contain_text("Reçu RE-", timeout=60_000)
    print(f"\n40 rows pasted: {hand.count}")
    assert hand.count <= 20

    inviting = Hand(page)
    addresses = "\n".join(f"{last} {first} ; c{at}@mail.example" for at, (first, last, *_) in enumerate(_forty()))
    inviting.click(page.get_by_text(re.compile("Coller une liste")).first)
    inviting.type(page.get_by_label(re.compile("Liste")).first, addresses)
    inviting.click(page.get_by_role("button", name=re.compile("Répartir")))
    inviting.click(page.get_by_role("button", name="Inviter 40 conducteurs"))
    expect(page.get_by_text("40 invitations sont en cours d’envoi")).to_be_visible()
    print(f"40 drivers invited: {inviting.count}")
    assert inviting.count <= 4
    assert page.url.split("?")[0].endswith("/recu")
