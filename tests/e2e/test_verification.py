"""The verification page in a real browser: a number, a name, a file; and a revocation that shows at once."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from .conftest import Program
from .test_account import look, register

pytestmark = pytest.mark.browser


def certificate(program: Program, last_name: str) -> tuple[str, int, Path]:
    """Return number, registration and file of a driver's certificate."""
    with sqlite3.connect(program.folder / "registre.db") as base:
        number, registration, path = base.execute(
            "SELECT d.number, r.id, d.path FROM document d JOIN registration r ON r.id = d.registration_id"
            " WHERE d.kind = 'certificate' AND r.last_name = ?", (last_name,),
        ).fetchone()  # fmt: skip
    return number, registration, program.folder / "documents" / path


def send(page: Page, path: Path) -> None:
    """Send a file to the verification page."""
    page.goto("/verifier/")
    page.get_by_label("Fichier PDF à vérifier").set_input_files(path)
    page.get_by_role("button", name="Vérifier le fichier").click()


def test_a_document_is_verified_by_number_name_and_file_then_revoked(
    new_person: Callable[..., Page], program: Program, tmp_path: Path
) -> None:
    manager = new_person("gestionnaire@demo.example")
    register(manager, "SCEAU", "910512345678")
    expect(manager.get_by_text("Attend un compte")).to_be_visible()
    expect(manager.get_by_text("documents en préparation")).to_have_count(0, timeout=30_000)
    number, registration, path = certificate(program, "SCEAU")

    employer = new_person()
    employer.goto("/verifier/")
    look(employer, "verify")
    employer.get_by_label("Numéro du certificat").fill(number.lower())
    employer.get_by_role("button", name="Vérifier", exact=True).click()
    expect(employer.get_by_role("heading", name="Certificat valide")).to_be_visible()
    expect(employer.get_by_text("Autorité de démonstration")).to_be_visible()
    for name, answer in (("Dupont", "ne sont pas, ensemble, ceux du titulaire"), ("sceau camille", "SCEAU Camille")):
        employer.get_by_label("Nom du titulaire").fill(name)
        employer.get_by_label("Date de naissance", exact=True).fill("12051991")
        employer.get_by_role("button", name="Confirmer l’identité").click()
        expect(employer.get_by_text(answer)).to_be_visible()
        look(employer, f"verify-{name.split()[0]}")

    send(employer, path)
    expect(employer.get_by_text("celui que le registre a scellé")).to_be_visible()
    look(employer, "verify-file")
    content = bytearray(path.read_bytes())
    content[len(content) // 3] ^= 1
    changed = tmp_path / "certificat.pdf"
    changed.write_bytes(content)
    send(employer, changed)
    expect(employer.get_by_role("heading", name="Fichier modifié")).to_be_visible()
    look(employer, "verify-changed")

    agent = new_person("agent@demo.example")
    agent.goto(f"/enregistrements/show/{registration}")
    agent.get_by_role("link", name=f"Révoquer {number}").click()
    agent.get_by_role("button", name="Révoquer le document").click()
    expect(agent.get_by_role("link", name="Indiquez le motif de la révocation")).to_be_visible()
    look(agent, "revoke")
    agent.get_by_label("Motif de la révocation").fill("Formation non suivie")
    agent.get_by_role("button", name="Révoquer le document").click()
    expect(agent.get_by_text(f"Le document {number} est révoqué")).to_be_visible()
    send(employer, path)
    expect(employer.get_by_role("heading", name="Certificat révoqué")).to_be_visible()
    look(employer, "verify-revoked")
