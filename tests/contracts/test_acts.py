"""The service contract: offered with its exact text, signed as it was read, suspended, resumed, replaced, ended."""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import select, update

from app.extensions import db
from app.french.spaces import plain
from app.models import Accreditation, Centre, JournalEntry, Mail, Membership, Outbox, ServiceContract, Tariff
from app.services.api import gate as api_gate
from app.services.api import keys as api_keys
from app.services.contracts import acts as contract_acts
from app.services.contracts import text as contract_text
from app.services.contracts.acts import Signature
from app.services.core import clock
from app.services.core.reason import ReasonNeeded
from app.services.core.refusal import Refusal
from app.services.journal import search as journal_search
from app.services.registration import analysis, confirm
from app.services.retention import documents as document_retention
from app.services.rights import access
from app.services.storage import store  # fmt: skip
from tests.bases import on_both
from tests.support import MARIE, centre_id, draft, drain, person_id

AGENT, REPRESENTATIVE, MANAGER = (f"{name}@demo.example" for name in ("agent", "representant", "gestionnaire"))


def offered(version: str = "2") -> int:
    return contract_acts.offer(centre_id(), version, person_id(AGENT)).id


def sign(contract_id: int, email: str = REPRESENTATIVE, text_sha256: str = "", centre: int = 0) -> None:
    known = db.session.get_one(ServiceContract, contract_id).text_sha256
    signature = Signature("Camille Roche", "Directrice", text_sha256 or known)
    contract_acts.sign(contract_id, centre or centre_id(), person_id(email), signature)


def current() -> ServiceContract:
    query = select(ServiceContract).where(ServiceContract.centre_id == centre_id(), ServiceContract.state == "signed")
    return db.session.execute(query).scalar_one()


def acts() -> list[str]:
    query = select(JournalEntry.action).where(JournalEntry.action.like("contract.%")).order_by(JournalEntry.id)
    return list(db.session.execute(query).scalars())


def letters(app: Flask) -> str:
    drain()
    return plain("\n".join(path.read_text() for path in (Path(app.config["DATA_DIR"]) / "mails").glob("*.eml")))


def test_the_text_names_the_centre_and_the_tariffs_of_the_day(app: Flask) -> None:
    contract = db.session.get_one(ServiceContract, offered())
    assert "Centre de formation Démo, SIRET 123 456 782 00010, 12 rue des Ateliers, 69007 Lyon" in contract.text
    assert "25,34 € HT, TVA 20 %" in contract.text
    assert "Tarifs en vigueur le 10/01/2022" in contract.text
    assert contract.text_sha256 == contract_text.digest(contract.text)
    assert "{" not in contract.text


@pytest.mark.parametrize("name", ["# Titre\n- point", "{tariffs} {version}", "<b>gras</b> & co"])
def test_a_name_is_never_read_as_a_mark_or_a_place(app: Flask, name: str) -> None:
    db.session.execute(update(Centre).where(Centre.id == centre_id()).values(name=name))
    db.session.commit()
    contract = db.session.get_one(ServiceContract, contract_id := offered())
    [block] = [block for block in contract_text.blocks(contract.text) if "12 rue des Ateliers" in block.text]
    assert block.kind == contract_text.PARAGRAPH
    assert block.text.startswith(f"et {' '.join(name.split())}, SIRET")
    sign(contract_id)
    drain()
    assert contract_acts.content(db.session.get_one(ServiceContract, contract_id)).startswith(b"%PDF")


@on_both
def test_signed_as_it_was_read_then_drawn_and_told(app: Flask, tmp_path: Path) -> None:
    old = current().id
    contract_id = offered()
    sign(contract_id)
    signed, ended = db.session.get_one(ServiceContract, contract_id), db.session.get_one(ServiceContract, old)
    assert (signed.state, signed.signed_on, signed.signed_by_id) == (
        "signed",
        date(2022, 1, 10),
        person_id(REPRESENTATIVE),
    )
    assert (signed.signer_name, signed.signer_quality) == ("Camille Roche", "Directrice")
    assert (ended.state, ended.valid_to) == ("ended", date(2022, 1, 10))
    assert acts() == ["contract.offered", "contract.replaced", "contract.signed"]
    said = letters(app)
    assert said.count("To: representant@demo.example") == 2
    assert "To: gestionnaire@demo.example" not in said

    db.session.refresh(signed)
    (tmp_path / "contract.pdf").write_bytes(contract_acts.content(signed))
    text = subprocess.run(
        ["pdftotext", tmp_path / "contract.pdf", "-"], capture_output=True, text=True, check=True
    ).stdout
    for part in (
        "Camille Roche, Directrice",
        signed.text_sha256,
        "Article 8. Durée et évolution",
        "25,34 € HT",
    ):
        assert part in " ".join(text.split()), part
    path = signed.path
    contract_acts.draw(contract_id)
    db.session.commit()
    assert db.session.get_one(ServiceContract, contract_id, populate_existing=True).path == path


def test_a_change_of_tariffs_does_not_change_what_was_offered(app: Flask) -> None:
    contract_id = offered()
    text = db.session.get_one(ServiceContract, contract_id).text
    db.session.execute(update(Tariff).values(amount="99.99"))
    db.session.commit()
    sign(contract_id)
    assert db.session.get_one(ServiceContract, contract_id).text == text


@pytest.mark.parametrize("email", [AGENT, MANAGER, "voisin@demo.example", "conducteur@demo.example"])
def test_nobody_else_signs(app: Flask, email: str) -> None:
    contract_id = offered()
    with pytest.raises(access.NotAllowed):
        sign(contract_id, email)
    assert db.session.get_one(ServiceContract, contract_id).state == "offered"


def test_a_representative_who_left_or_of_another_centre_does_not_sign(app: Flask) -> None:
    contract_id, neighbour = offered(), centre_id("98765432400019")
    with pytest.raises(access.NotAllowed):
        sign(contract_id, centre=neighbour)
    db.session.add(Membership(person_id=person_id(REPRESENTATIVE), centre_id=neighbour, role="legal_representative"))
    db.session.commit()
    with pytest.raises(contract_acts.NotInThisState):
        sign(contract_id, centre=neighbour)
    db.session.execute(update(Membership).values(valid_to=date(2022, 1, 9)))
    db.session.commit()
    with pytest.raises(access.NotAllowed):
        sign(contract_id)
    assert current().version == "1"


def test_another_text_than_the_one_shown_is_not_signed(app: Flask) -> None:
    contract_id = offered()
    with pytest.raises(contract_acts.OtherText):
        sign(contract_id, text_sha256="0" * 64)
    assert current().version == "1"
    assert "contract.signed" not in acts()


@on_both
def test_one_offer_at_a_time_and_one_signature(app: Flask) -> None:
    contract_id = offered()
    with pytest.raises(contract_acts.AlreadyOffered):
        offered()
    sign(contract_id)
    with pytest.raises(contract_acts.NotInThisState):
        sign(contract_id)
    assert acts().count("contract.signed") == 1
    sign(offered())
    assert current().id != contract_id


def test_an_offer_taken_back_cannot_be_signed(app: Flask) -> None:
    contract_id = offered()
    contract_acts.withdraw(contract_id, person_id(AGENT), "Erreur de version")
    with pytest.raises(contract_acts.NotInThisState):
        sign(contract_id)
    assert contract_id not in [one.id for one in contract_acts.all_of(centre_id())]
    assert "Motif" in letters(app)


@on_both
def test_acts_follow_the_state_and_say_why(app: Flask) -> None:
    agent, contract_id = person_id(AGENT), current().id
    for reason in ("", "  ", "x" * 301):
        with pytest.raises(ReasonNeeded):
            contract_acts.suspend(contract_id, agent, reason)
    contract_acts.suspend(contract_id, agent, "Agrément retiré")
    for act in (contract_acts.suspend, contract_acts.withdraw):
        with pytest.raises(contract_acts.NotInThisState):
            act(contract_id, agent, "encore")
    assert not access.contract_in_force(centre_id())
    contract_acts.resume(contract_id, agent, "Agrément rendu")
    assert access.contract_in_force(centre_id())
    contract_acts.end(contract_id, agent, "Cessation")
    for act in (contract_acts.suspend, contract_acts.resume, contract_acts.end):
        with pytest.raises(contract_acts.NotInThisState):
            act(contract_id, agent, "encore")
    assert not access.contract_in_force(centre_id())
    told = [(entry.action, entry.reason) for entry in journal_search.history(contract_acts.SUBJECT, contract_id)]
    assert told == [
        ("contract.suspended", "Agrément retiré"), ("contract.resumed", "Agrément rendu"), ("contract.ended", "Cessation"),
    ]  # fmt: skip


@on_both
def test_a_suspension_lifted_at_the_moment_of_the_signature_leaves_one_contract(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    contract_id, old = offered(), current().id
    # The agent's act falls between the look at what is in force and the signature: nothing in force is seen, then it is.
    monkeypatch.setattr(contract_acts, "_end_current", lambda *_: None)
    with pytest.raises(contract_acts.NotInThisState):
        sign(contract_id)
    assert current().id == old
    assert db.session.get_one(ServiceContract, contract_id).state == "offered"


def test_a_new_version_does_not_lift_a_suspension(app: Flask) -> None:
    contract_id, old = offered(), current().id
    contract_acts.suspend(old, person_id(AGENT), "Impayés")
    with pytest.raises(contract_acts.CurrentSuspended):
        sign(contract_id)
    assert db.session.get_one(ServiceContract, contract_id).state == "offered"
    assert db.session.get_one(ServiceContract, old).state == "suspended"


@on_both
@pytest.mark.parametrize("act", [contract_acts.suspend, contract_acts.end])
def test_registering_is_judged_again_at_confirmation(app: Flask, act: Callable[..., None]) -> None:
    batch_id = draft(MARIE)
    analysis.check(batch_id)
    act(current().id, person_id(AGENT), "Contrôle en cours")
    with pytest.raises(access.NotAllowed, match="n’est pas en vigueur"):
        confirm.register(batch_id, person_id())
    contract = contract_acts.offer(centre_id(), "2", person_id(AGENT))
    if act is contract_acts.end:
        sign(contract.id)
        assert confirm.register(batch_id, person_id()).is_new


def test_a_key_of_the_api_learns_of_a_suspension_at_its_next_call(app: Flask) -> None:
    key = api_keys.issue("12345678200010", api_keys.NewKey("Logiciel", ("register",)))
    assert api_gate.authenticate(key, "").has_contract
    contract_acts.suspend(current().id, person_id(AGENT), "Contrôle")
    assert not api_gate.authenticate(key, "").has_contract


@on_both
def test_of_two_who_sign_at_once_one_does(app: Flask) -> None:
    contract_id = offered()
    said: list[str] = []
    gate = threading.Barrier(2)

    def attempt() -> None:
        with app.app_context():
            gate.wait()
            try:
                sign(contract_id)
                said.append("signed")
            except Refusal as refusal:
                said.append(type(refusal).__name__)

    threads = [threading.Thread(target=attempt) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(said) == ["NotInThisState", "signed"]
    assert current().id == contract_id
    assert db.session.query(Outbox).filter_by(kind="contract").count() == 1


def test_without_tariffs_nothing_is_offered(app: Flask) -> None:
    db.session.execute(update(Tariff).values(valid_to=date(2021, 12, 31)))
    db.session.commit()
    with pytest.raises(Refusal, match="Aucun tarif"):
        offered()
    assert db.session.query(Mail).count() == 0
    assert db.session.query(Accreditation).count() > 0


@on_both
def test_the_purge_keeps_a_contract_and_removes_a_file_without_one(app: Flask) -> None:
    sign(contract_id := offered())
    drain()
    contract = db.session.get_one(ServiceContract, contract_id)
    left = store.put_named("contracts/99-0123456789ab.pdf", b"%PDF").path
    past = (clock.machine_now() - timedelta(days=2)).timestamp()
    for path in (str(contract.path), left):
        os.utime(store.folder() / path, (past, past))
    assert document_retention.remove_orphans() == 1
    assert contract_acts.content(contract).startswith(b"%PDF")
    assert not (store.folder() / left).exists()
