"""Documents withheld for a name that disagrees, and what else « À traiter » shows: decided once, journalled, mailed."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select, update

from app.extensions import db
from app.models import Document, JournalEntry, Mail, Membership, MembershipRight, Outbox, Registration
from app.models.outbox import MAIL, MAIL_REFUSED
from app.services.core import clock
from app.services.core.refusal import Refusal
from app.services.decisions import mail as decision_mail
from app.services.decisions import to_handle, withheld_documents
from app.services.drivers import space as driver_space
from app.services.notifications import mail
from tests.bases import BOTH
from tests.support import MARIE, drain, person_id, registered, training_id

BACKENDS = BOTH

WRONG = {**MARIE, "last_name": "MARTINEZ", "first_name": "Maria"}


@pytest.fixture
def agent(app: Flask) -> int:
    """Give the agent's id."""
    return person_id("agent@demo.example")


def case() -> int:
    registered(WRONG)
    drain()
    return db.session.execute(select(Registration.id).where(Registration.withheld.is_(True))).scalar_one()


def waiting_ids() -> list[int]:
    return [one.about.id for one in withheld_documents.waiting()[0]]


def test_a_name_that_disagrees_waits_with_both_names(agent: int) -> None:
    row = case()
    cases, total = withheld_documents.waiting()
    assert total == 1
    registration = cases[0].about
    assert (registration.id, registration.last_name, registration.driver.last_name) == (row, "MARTINEZ", "MARTIN")
    assert db.session.query(Mail).count() == 0


def test_handing_over_gives_the_documents_and_mails_the_certificate_once(agent: int) -> None:
    row = case()
    withheld_documents.release(row, agent)
    assert waiting_ids() == []
    drain()
    mails = db.session.execute(select(Mail)).scalars().all()
    assert [(mail.registration_id, mail.state, mail.recipient) for mail in mails] == [
        (row, "sent", "conducteur@demo.example")
    ]
    driver = driver_space.driver_of(person_id("conducteur@demo.example"))
    assert driver is not None
    assert len(driver_space.space(driver).documents) == 2
    entry = db.session.execute(
        select(JournalEntry).where(JournalEntry.action == withheld_documents.RELEASED)
    ).scalar_one()
    assert (entry.actor_id, entry.subject_id, entry.after) == (agent, str(row), {"withheld": False})
    with pytest.raises(withheld_documents.AlreadyDecided):
        withheld_documents.release(row, agent)
    assert db.session.query(Mail).count() == 1


def test_a_module_is_handed_over_without_a_mail(agent: int) -> None:
    registered(WRONG, training=training_id("Module FCO"))
    drain()
    withheld_documents.release(waiting_ids()[0], agent)
    assert db.session.query(Mail).count() == 0
    assert drain() == 0


def test_nothing_is_decided_while_documents_are_drawn(agent: int) -> None:
    registered(WRONG)
    with pytest.raises(withheld_documents.StillDrawn):
        withheld_documents.release(waiting_ids()[0], agent)
    assert withheld_documents.waiting()[1] == 1


def test_keeping_back_needs_a_reason_and_can_be_undone(agent: int) -> None:
    row = case()
    for reason in ("", "  ", "x" * 301):
        with pytest.raises(Refusal):
            withheld_documents.keep(row, agent, reason)
    assert waiting_ids() == [row]
    withheld_documents.keep(row, agent, " Permis d’une \n autre personne ")
    assert waiting_ids() == []
    kept = withheld_documents.kept()
    assert [(one.about.id, one.kept.reason, one.kept.actor_id) for one in kept if one.kept] == [
        (row, "Permis d’une autre personne", agent)
    ]
    withheld_documents.release(row, agent)
    assert withheld_documents.kept() == []
    with pytest.raises(withheld_documents.AlreadyDecided):
        withheld_documents.keep(row, agent, "Trop tard")


def test_a_registration_that_never_was_is_refused(agent: int) -> None:
    for act in (lambda: withheld_documents.release(4711, agent), lambda: withheld_documents.keep(4711, agent, "motif")):
        with pytest.raises(Refusal, match="n’existe pas"):
            act()


def test_an_expired_certificate_is_handed_over_without_a_mail(agent: int) -> None:
    row = case()
    old = clock.today() - timedelta(days=1)
    db.session.execute(update(Document).where(Document.kind == "certificate").values(valid_from=old, valid_until=old))
    db.session.commit()
    withheld_documents.release(row, agent)
    assert db.session.query(Mail).count() == 0


def _work(**values: object) -> int:
    now = clock.machine_now()
    row = Outbox(kind=MAIL, payload={"mail": 1}, **{"created_at": now, "due_at": now, "attempts": 0, **values})
    db.session.add(row)
    db.session.commit()
    return row.id


def test_failed_and_forgotten_work_is_shown_running_work_is_not(agent: int) -> None:
    late = clock.machine_now() - timedelta(minutes=11)
    failed, forgotten = _work(attempts=1, last_error="Timeout"), _work(created_at=late)
    _work()
    _work(attempts=1)
    _work(created_at=late, done_at=clock.machine_now())
    rows, total = to_handle.failed_work()
    assert ([row.id for row in rows], total) == ([failed, forgotten], 2)


def test_work_past_its_time_starts_afresh_when_relaunched(agent: int) -> None:
    long_ago = clock.machine_now() - timedelta(hours=50)
    row = _work(created_at=long_ago, due_at=clock.machine_now() + timedelta(hours=2), attempts=9, last_error="Timeout")
    to_handle.retry(row, agent)
    found = db.session.get_one(Outbox, row)
    assert found.due_at <= clock.machine_now()
    assert found.created_at > long_ago
    entry = db.session.execute(select(JournalEntry).where(JournalEntry.action == "outbox.retried")).scalar_one()
    assert (entry.subject_id, entry.actor_id) == (str(row), agent)


def test_work_that_is_done_is_not_relaunched(agent: int) -> None:
    row = _work(done_at=clock.machine_now())
    with pytest.raises(Refusal, match="déjà fait"):
        to_handle.retry(row, agent)


def test_refused_addresses_are_shown_with_their_driver(agent: int) -> None:
    registered(MARIE)
    drain()
    assert to_handle.refused_mails() == ([], 0)
    db.session.execute(update(Mail).values(state=MAIL_REFUSED, error="SMTP 550"))
    db.session.commit()
    mails, total = to_handle.refused_mails()
    assert total == 1
    assert (mails[0].error, mails[0].registration.driver.last_name) == ("SMTP 550", "MARTIN")


def test_the_centre_is_told_by_mail_why_documents_stay_withheld(app: Flask, agent: int) -> None:
    row = case()
    withheld_documents.keep(row, agent, "Le permis est celui d’une autre personne")
    drain()
    [letter] = db.session.execute(select(Mail).where(Mail.kind == decision_mail.WITHHELD)).scalars().all()
    assert (letter.recipient, letter.state) == ("gestionnaire@demo.example", "sent")
    content = mail.KINDS[letter.kind].content(letter)
    assert content.values["reason"] == "Le permis est celui d’une autre personne"
    assert content.values["receipt"] == db.session.get_one(Registration, row).batch.receipt_number


def test_a_mail_that_is_true_no_more_is_not_sent(agent: int) -> None:
    row = case()
    withheld_documents.keep(row, agent, "Autre permis")
    withheld_documents.release(row, agent)
    drain()
    [letter] = db.session.execute(select(Mail).where(Mail.kind == decision_mail.WITHHELD)).scalars().all()
    assert letter.state == "dropped"


def test_the_representatives_are_told_where_who_registered_may_no_more(agent: int) -> None:
    row = case()
    place = select(Membership.id).where(Membership.person_id == person_id("gestionnaire@demo.example"))
    db.session.execute(
        update(MembershipRight).where(MembershipRight.membership_id.in_(place)).values(withdrawn_at=clock.now())
    )
    withheld_documents.keep(row, agent, "Autre permis")
    mails = db.session.execute(select(Mail.recipient).where(Mail.kind == decision_mail.WITHHELD)).scalars().all()
    assert mails == ["representant@demo.example"]
