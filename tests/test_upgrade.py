"""What the upgrade to decisions and mail values carries over: it is undone on a base with work in hand, then done."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from alembic.script import ScriptDirectory
from flask import Flask
from flask_migrate import downgrade, upgrade
from sqlalchemy import delete, select, text

from app.extensions import db
from app.models import Decision, Mail, ServiceContract, SignUp
from app.models.sign_up import WAITING
from app.services.accounts import address_change
from app.services.accounts import opening as account_opening
from app.services.amendments.requests import ANSWER
from app.services.contracts import acts as contract_acts
from app.services.core import actor, clock
from app.services.decisions import account_requests, withheld_documents, withheld_rights
from app.services.decisions import mail as decision_mail
from app.services.drivers import account_invitations
from app.services.identities import mails as identity_mails
from app.services.notifications import mail
from app.services.rights import invitations as member_invitations
from app.services.rights import mail as rights_mail
from app.services.trainers import notices as trainer_notices
from config import ROOT
from tests.accounts.test_opening import DUPONT, GOOD
from tests.backends import BACKENDS
from tests.conftest import PASSWORD
from tests.support import MARIE, PIERRE, centre_id, drain, person_id, registered, registered_trainer
from tests.trainers.test_registration import AS_MARIE

MIGRATIONS = str(ROOT / "migrations")
UPGRADE = "0012"
AGENT, LEGAL = "agent@demo.example", "representant@demo.example"


@pytest.fixture(params=["sqlite", "postgresql"])
def app(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    """Give the application on a base of its own: its tables are taken back and made again."""
    backend = BACKENDS[request.param](tmp_path_factory.mktemp(request.param))
    with backend.app.app_context():
        actor.be(actor.PROGRAM)
        yield backend.app
        db.session.remove()
    backend.close()


#: Kinds of mails that came after the upgrade.
LATER = {
    "password_changed",
    "factor_on",
    "factor_off",
    "codes_renewed",
    "identity",
    "cancelled",
    ANSWER,
    "right_answer",
    "report_answer",
    "right_closed",
    "error_report",
    "agent_act",
    "budget",
    "invoice_issued",
    "invoice_refused",
    "invoice_contested",
    "invoice_held",
    "due_soon",
    "dunning_1",
    "dunning_2",
    "dunning_3",
}
LATER |= {rights_mail.JOINED, rights_mail.CHANGED, rights_mail.ENDED, rights_mail.ASKED, decision_mail.WITHHELD}
LATER |= {identity_mails.CORRECTED, identity_mails.JOINED, identity_mails.PARTED}


def _decide(app: Flask) -> None:
    """Take a decision of each kind, and leave one case of each undecided."""
    agent = person_id(AGENT)
    registered(MARIE)
    registered({**MARIE, "last_name": "MARTINEZ", "first_name": "Maria"}, PIERRE)
    drain()
    withheld_documents.keep(withheld_documents.waiting()[0][0].about.id, agent, "Autre permis")
    right = registered_trainer(**{**AS_MARIE, "last_name": "DURAND"})
    withheld_rights.keep(right.id, agent, "Autre personne")
    withheld_rights.open_right(right.id, agent)
    account_requests.refuse(_request("DURAND"), agent, "Nom différent")
    account_requests.accept(_request("DUPOND"), agent)
    query = select(ServiceContract.id).where(
        ServiceContract.centre_id == centre_id(), ServiceContract.state == "signed"
    )
    contract = db.session.execute(query).scalar_one()
    contract_acts.suspend(contract, agent, "Factures impayées")
    contract_acts.resume(contract, agent, "Paiement reçu")
    contract_acts.suspend(contract, agent, "Audit en cours")
    contract_acts.resume(contract, agent, "Audit terminé")
    drain()
    db.session.execute(delete(Mail).where(Mail.kind.in_(LATER)))
    db.session.commit()


def _request(last_name: str) -> int:
    """Write a request for an account as they waited before identities were proved; return its id."""
    row = SignUp(
        email=DUPONT.email, last_name=last_name, first_name="Pierre", birth_date=DUPONT.birth_date,
        permit_number=DUPONT.permit_number, password_hash="-", state=WAITING, created_at=clock.now(),
    )  # fmt: skip
    db.session.add(row)
    db.session.commit()
    return row.id


def _leave_mails_in_hand() -> None:
    """Make mails due that nobody has sent yet."""
    batch = registered({**PIERRE, "permit_number": "871192200456", "birth_date": "02/02/1987"})
    told = registered_trainer(permit_number="800569210099")
    drain()
    trainer_notices.send_again(told.id, "autre@exemple.fr", person_id(LEGAL))
    account_invitations.invite(batch.id, 1, "invite@mail.example", person_id())
    address_change.ask(person_id(), PASSWORD, "nouvelle@exemple.fr")
    member_invitations.invite(centre_id(), "gerante@mail.example", "manager", person_id(LEGAL))
    account_opening.sign_up(replace(DUPONT, email="encore@exemple.fr"), GOOD, "192.0.2.9")
    mail.make_due("factor_reset", "agent@demo.example", {"person": person_id(AGENT), "reset": "0f" * 8})
    db.session.commit()


def _decisions() -> list[tuple[Any, ...]]:
    about = (Decision.registration_id, Decision.trainer_id, Decision.sign_up_id, Decision.service_contract_id)
    query = select(*about, Decision.outcome, Decision.actor_id, Decision.reason)
    return sorted((tuple(row) for row in db.session.execute(query)), key=str)


def _said() -> dict[int, tuple[Any, ...]]:
    """Return mail id → its kind, to whom, in what state, and what it says."""
    rows = db.session.execute(select(Mail)).scalars()
    return {row.id: (row.kind, row.recipient, row.state, mail.KINDS[row.kind].content(row)) for row in rows}


def _move(direction: Any, revision: str) -> None:
    db.session.remove()
    db.engine.dispose()
    direction(directory=MIGRATIONS, revision=revision)
    actor.be(actor.PROGRAM)


def test_decisions_and_mails_in_hand_are_carried_over(app: Flask) -> None:
    _decide(app)
    _leave_mails_in_hand()
    decided, said = _decisions(), _said()
    assert len(decided) == 9
    assert {kind for kind, *_ in said.values()} == mail.KINDS.keys() - LATER - {"reset", "card", "address_changed"}
    _move(downgrade, str(ScriptDirectory(MIGRATIONS).get_revision(UPGRADE).down_revision))
    told = dict(db.session.execute(text("SELECT kind, max(subject) FROM mail GROUP BY kind")).tuples().all())
    assert told["right_open"].endswith("-2")
    assert told["contract"].count(".") == 3
    assert told["certificate"] is None
    assert db.session.scalar(text("SELECT reason FROM sign_up WHERE state = 'refused'")) == "Nom différent"
    _move(upgrade, "head")
    assert _decisions() == decided
    assert _said() == said
    waiting = [what for _, _, state, what in said.values() if state == "pending"]
    assert len(waiting) >= 7
    drain()
    assert not [row for row in db.session.execute(select(Mail)).scalars() if row.state == "pending"]


def test_a_reason_that_is_nowhere_any_more_is_said_so_and_nothing_else_is_lost(app: Flask) -> None:
    """Before, the journal held the only reason: one purged since cannot be carried over, its mail can."""
    _decide(app)
    before = _said()
    _move(downgrade, str(ScriptDirectory(MIGRATIONS).get_revision(UPGRADE).down_revision))
    if db.engine.dialect.name == "postgresql":
        db.session.execute(text("SET LOCAL session_replication_role = replica"))
    else:
        db.session.execute(text("DROP TRIGGER tr_journal_delete"))
    db.session.execute(text("DELETE FROM journal WHERE action LIKE 'contract.%' OR action LIKE 'account.%'"))
    db.session.commit()
    _move(upgrade, "head")
    after = _said()
    assert after.keys() == before.keys()
    reasons = [what.values["words"] for kind, _, _, what in after.values() if kind == "contract"]
    assert len(reasons) == 4
    assert all("non communiqué" in words for words in reasons)
    refused = select(Decision.reason, Decision.actor_id).where(Decision.outcome == "refused")
    assert db.session.execute(refused).one() == ("Nom différent", None)
