"""Decisions of agents stand in rows of their own, whatever becomes of the journal, which only tells of them."""

from __future__ import annotations

import ast
import re
from datetime import date
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import func, select

from app.extensions import db
from app.models import Decision, JournalEntry, Registration, ServiceContract, SignUp, Trainer
from app.services.contracts import acts as contract_acts
from app.services.core import clock
from app.services.decisions import account_requests, withheld_documents, withheld_rights
from app.services.journal import chain as journal_chain
from tests.accounts.test_opening import DUPONT, letters, text_of, waiting
from tests.bases import BOTH
from tests.support import MARIE, centre_id, drain, person_id, registered, registered_trainer
from tests.trainers.test_registration import AS_MARIE

BACKENDS = BOTH
__all__ = ["waiting"]  # a request for an account that waits

AGENT = "agent@demo.example"
SERVICES = Path(withheld_documents.__file__).parents[1]
#: Who reads the journal's table: it is written, sealed, purged and told there.
THE_JOURNAL = {"journal/record.py", "journal/chain.py", "journal/search.py", "journal/sentences.py"}
#: What proves that each act was told of: it decides nothing.
THE_JOURNAL |= {"proving/registrations.py"}
#: Who has it told: a person's own acts in the copy of their data. Screens of histories ask for them themselves.
HISTORIES = {"drivers/data_gathered.py"}


def purge_the_journal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take all there is of the journal away, as the purge of its old years does many years from now."""
    journal_chain.seal()
    with monkeypatch.context() as later:
        later.setattr(clock, "today", lambda: date(2050, 1, 10))
        assert journal_chain.purge_years() > 0
    assert db.session.scalar(select(func.count()).select_from(JournalEntry)) == 0


def test_documents_kept_back_stay_so_when_the_journal_is_purged(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    registered({**MARIE, "last_name": "MARTINEZ", "first_name": "Maria"})
    drain()
    row = db.session.execute(select(Registration.id).where(Registration.withheld.is_(True))).scalar_one()
    withheld_documents.keep(row, person_id(AGENT), "Permis d’une autre personne")
    purge_the_journal(monkeypatch)
    assert withheld_documents.waiting() == ([], 0)
    [case] = withheld_documents.kept()
    assert case.kept is not None
    assert (case.about.id, case.kept.reason, case.kept.actor_id) == (
        row,
        "Permis d’une autre personne",
        person_id(AGENT),
    )
    withheld_documents.release(row, person_id(AGENT))
    taken = db.session.execute(select(Decision.outcome).where(Decision.registration_id == row).order_by(Decision.id))
    assert list(taken.scalars()) == ["kept", "released"]


def test_a_right_kept_shut_stays_so_when_the_journal_is_purged(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    row = registered_trainer(**{**AS_MARIE, "last_name": "DURAND"})
    withheld_rights.keep(row.id, person_id(AGENT), "Autre personne")
    purge_the_journal(monkeypatch)
    assert withheld_rights.waiting() == ([], 0)
    [case] = withheld_rights.kept()
    assert case.kept is not None
    assert (case.about.id, case.kept.reason) == (row.id, "Autre personne")
    withheld_rights.open_right(row.id, person_id(AGENT))
    assert db.session.get_one(Trainer, row.id).withheld is False


def test_a_refusal_is_told_with_its_reason_when_the_journal_is_purged(
    app: Flask, monkeypatch: pytest.MonkeyPatch, waiting: SignUp
) -> None:
    [request], _ = account_requests.waiting()
    account_requests.refuse(request.sign_up.id, person_id(AGENT), "Le nom n’est pas celui du permis")
    purge_the_journal(monkeypatch)
    drain()
    assert "Motif : Le nom n’est pas celui du permis" in text_of(letters(app, DUPONT.email)[-1])
    decision = db.session.execute(select(Decision)).scalar_one()
    assert (decision.outcome, decision.actor_id, decision.at.astimezone(clock.PARIS).date()) == (
        "refused",
        person_id(AGENT),
        clock.today(),
    )


def test_each_act_on_a_contract_is_told_with_its_own_reason_when_the_journal_is_purged(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    query = select(ServiceContract.id).where(
        ServiceContract.centre_id == centre_id(), ServiceContract.state == "signed"
    )
    contract = db.session.execute(query).scalar_one()
    contract_acts.suspend(contract, person_id(AGENT), "Factures impayées")
    contract_acts.resume(contract, person_id(AGENT), "Paiement reçu")
    contract_acts.suspend(contract, person_id(AGENT), "Audit en cours")
    purge_the_journal(monkeypatch)
    drain()
    told = " ".join(text_of(one) for one in letters(app, "representant@demo.example"))
    for reason in ("Factures impayées", "Paiement reçu", "Audit en cours"):
        assert told.count(f"Motif : {reason}") == 1


def _reads_the_journal(source: str) -> bool:
    """Tell whether a module names the journal's table: by its class, or in SQL of its own."""
    tree = ast.parse(source)
    names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) for alias in node.names}
    names |= {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    texts = [node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    in_sql = any(re.search(r"\b(FROM|JOIN|UPDATE|INTO)\s+\"?journal\b", one) for one in texts)
    return in_sql or "JournalEntry" in names


def _imports(source: str, module: str) -> bool:
    tree = ast.parse(source)
    imports = (node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom))
    return any(
        node.module == "app.services.journal" and module in {alias.name for alias in node.names} for node in imports
    )


def test_no_service_reads_the_journal_to_decide() -> None:
    sources = {path.relative_to(SERVICES).as_posix(): path.read_text() for path in SERVICES.rglob("*.py")}
    assert {name for name, source in sources.items() if _reads_the_journal(source)} == THE_JOURNAL
    assert {name for name, source in sources.items() if _imports(source, "search")} == HISTORIES


def test_a_service_that_would_read_the_journal_is_found() -> None:
    assert _reads_the_journal("from app.models import Driver, JournalEntry")
    assert _reads_the_journal("from app import models\nmodels.JournalEntry.id")
    assert _reads_the_journal('db.session.execute(text("SELECT 1 FROM journal WHERE id = 1"))')
    assert not _reads_the_journal("from . import journal\njournal.record('a.b', 'c', 1, actor_id=None)")
