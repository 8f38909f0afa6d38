"""A card request: open or not by the day, filled in, sent once and paid once, decided once, each step told."""

from __future__ import annotations

import threading
from datetime import date
from unittest.mock import Mock

import pytest
from flask import Flask
from sqlalchemy import func, select, update
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from app.extensions import db
from app.jobs import work
from app.models import CardRequest, Document, JournalEntry, Mail, Registration
from app.models.card import ACCEPTED, CANCELLED, DRAFT, IN_REVIEW, PRODUCTION, REFUSED, SENT, SUBMITTED
from app.models.registration import CERTIFICATE, REVOKED
from app.services.cards import desk as card_desk
from app.services.cards import grounds as card_grounds
from app.services.cards import payment
from app.services.cards import requests as card_requests
from app.services.cards.moves import Moved
from app.services.core.refusal import Refusal
from app.services.demonstration import examples
from app.services.reporting import waiting
from app.services.retention import cards as card_retention
from app.services.storage import pictures, store
from app.services.storage.folder import Folder
from tests.bases import on_both
from tests.cards.making import AGENT, HOLDER, HOME, certified, filled, marie, photo, sent, signature
from tests.support import MARIE, drain, person_id, registered, registered_trainer, training_id

pytestmark = pytest.mark.usefixtures("app")
NAMES = {"last_name": "MARTIN", "first_name": "Marie"}
MINOR = {**MARIE, "birth_date": "15/03/2004", "permit_number": "040392100123"}


def on(app: Flask, day: date) -> None:
    app.config["TODAY"] = day


def opens(day: date, app: Flask, driver) -> bool:
    on(app, day)
    return [ground.is_open(day) for ground in card_grounds.grounds_of(driver)] == [True]


def test_the_certificate_s_days_decide(app: Flask) -> None:
    certified()
    assert opens(date(2022, 1, 10), app, marie())
    assert opens(date(2022, 5, 10), app, marie())
    assert not opens(date(2022, 5, 11), app, marie())
    with pytest.raises(card_requests.NotOpen):
        card_requests.begin(marie(), "formation", db.session.scalar(select(Registration.id)))


def test_the_eighteenth_birthday_decides(app: Flask) -> None:
    from app.models import Driver

    registered(MINOR, training=training_id("CAP conducteur routier marchandises"))
    drain()
    minor = db.session.execute(select(Driver).where(Driver.permit_number == MINOR["permit_number"])).scalar_one()
    ground = card_grounds.grounds_of(minor)[0]
    assert not opens(date(2022, 3, 14), app, minor)
    with pytest.raises(card_requests.NotOpen):
        card_requests.begin(minor, ground.kind, ground.id)
    assert opens(date(2022, 3, 15), app, minor)
    assert card_requests.begin(minor, ground.kind, ground.id).state == DRAFT
    assert opens(date(2022, 7, 15), app, minor)
    assert not opens(date(2022, 7, 16), app, minor)


def test_a_draft_whose_ground_ends_is_not_sent(app: Flask) -> None:
    request = filled()
    on(app, date(2022, 5, 11))
    with pytest.raises(card_requests.NotOpen):
        card_requests.submit(request.id, person_id(HOLDER))
    on(app, date(2022, 5, 10))
    assert card_requests.submit(request.id, person_id(HOLDER)).state == SUBMITTED


@pytest.mark.parametrize("change", [{"withheld": True}, {"state": REVOKED}])
def test_no_request_without_a_certificate_that_holds(change: dict[str, object]) -> None:
    request = filled()
    model = Registration if "withheld" in change else Document
    db.session.execute(update(model).values(**change))
    db.session.commit()
    with pytest.raises(card_requests.NotOpen):
        card_requests.submit(request.id, person_id(HOLDER))
    assert card_grounds.grounds_of(marie()) == []


@on_both
def test_a_ground_bears_one_request_and_a_draft_given_up_frees_it() -> None:
    ground = certified()
    request = card_requests.begin(marie(), "formation", ground)
    assert card_requests.begin(marie(), "formation", ground).id == request.id
    card_requests.set_picture(request, pictures.PHOTO, photo())
    path = str(request.photo_path)
    card_requests.cancel(request, person_id(HOLDER))
    assert not (store.folder() / path).exists()
    assert card_requests.begin(marie(), "formation", ground).id != request.id


def test_another_driver_has_neither_ground_nor_request() -> None:
    from app.models import Driver

    request = filled()
    other = db.session.execute(select(Driver).where(Driver.permit_number == "298795874")).scalar_one()
    assert card_grounds.grounds_of(other) == []
    assert card_requests.own(other, request.key) is None
    with pytest.raises(card_requests.NotOpen):
        card_requests.begin(other, "formation", int(str(request.registration_id)))


def test_steps_are_told_until_all_are_done() -> None:
    request = card_requests.begin(marie(), "formation", certified())
    assert card_requests.missing(request) == ["adresse", "photo", "paiement"]
    with pytest.raises(card_requests.Incomplete):
        card_requests.submit(request.id, person_id(HOLDER))
    card_requests.set_address(request, HOME)
    assert card_requests.missing(request) == ["photo", "paiement"]
    with pytest.raises(Refusal):
        card_requests.set_means(request, "gold")


@on_both
def test_sent_twice_it_is_one_request_one_payment_one_mail() -> None:
    request = filled()
    first = card_requests.submit(request.id, person_id(HOLDER))
    number, paid = first.number, first.payment_reference
    again = card_requests.submit(request.id, person_id(HOLDER))
    assert (again.number, again.payment_reference) == (number, paid)
    assert paid.startswith("SIMULE-")
    assert (again.fee, again.vat_rate) == (pytest.approx(47), pytest.approx(20))
    assert [event.state for event in again.events] == [SUBMITTED]
    assert waiting.counts()["cartes"] == 1
    drain()
    assert db.session.scalar(select(func.count()).select_from(Mail).where(Mail.kind == "card")) == 1


@on_both
def test_twins_send_one_request(app: Flask) -> None:
    request_id, holder = filled().id, person_id(HOLDER)
    db.session.remove()
    numbers: list[str | None] = []
    start = threading.Barrier(3)

    def click() -> None:
        with app.app_context():
            start.wait()
            numbers.append(card_requests.submit(request_id, holder).number)
            db.session.remove()

    twins = [threading.Thread(target=click) for _ in range(3)]
    for twin in twins:
        twin.start()
    for twin in twins:
        twin.join()
    assert len(numbers) == 3
    assert len(set(numbers)) == 1
    assert len(db.session.get_one(CardRequest, request_id).events) == 1


def test_a_declined_card_leaves_the_draft() -> None:
    request = filled()
    card_requests.set_means(request, "declined")
    with pytest.raises(payment.Declined):
        card_requests.submit(request.id, person_id(HOLDER))
    db.session.refresh(request)
    assert (request.state, request.number, request.payment_reference) == (DRAFT, None, None)


@on_both
def test_from_sent_to_the_card_each_change_is_told_and_noted() -> None:
    request, agent = sent(), person_id(AGENT)
    for state in (IN_REVIEW, ACCEPTED, PRODUCTION, SENT):
        card_desk.act(request.id, state, agent)
    drain()
    mails = db.session.execute(select(Mail.state).where(Mail.kind == "card")).scalars().all()
    assert mails == ["sent"] * 5
    acts = db.session.execute(
        select(JournalEntry.action).where(JournalEntry.subject_type == "card_request").order_by(JournalEntry.id)
    ).scalars()
    assert list(acts) == [f"card.{s}" for s in ("draft", "submitted", "in_review", "accepted", "production", "sent")]
    assert db.session.get_one(CardRequest, request.id).agent_id == agent


@pytest.mark.parametrize("to", [ACCEPTED, PRODUCTION, SENT, DRAFT, CANCELLED])
def test_illegal_moves_are_refused(to: str) -> None:
    request = sent()
    with pytest.raises(Moved, match="Déposée"):
        card_desk.act(request.id, to, person_id(AGENT))


@on_both
def test_of_two_agents_the_second_is_told(app: Flask) -> None:
    request_id, agent = sent().id, person_id(AGENT)
    card_desk.act(request_id, IN_REVIEW, agent)
    db.session.remove()
    outcomes: list[str] = []
    start = threading.Barrier(2)

    def decide(accept: bool) -> None:
        with app.app_context():
            start.wait()
            try:
                if accept:
                    card_desk.act(request_id, ACCEPTED, agent)
                else:
                    card_desk.refuse(request_id, agent, "Photo floue")
                outcomes.append("done")
            except Moved:
                outcomes.append("told")
            db.session.remove()

    agents = [threading.Thread(target=decide, args=(accept,)) for accept in (True, False)]
    for one in agents:
        one.start()
    for one in agents:
        one.join()
    assert sorted(outcomes) == ["done", "told"]


def test_a_refusal_needs_its_reason_and_is_corrected_without_paying_again(app: Flask) -> None:
    request, agent = sent(), person_id(AGENT)
    number, paid, before = request.number, request.payment_reference, str(request.photo_path)
    card_desk.act(request.id, IN_REVIEW, agent)
    for reason in ("", "  ", "x" * 301):
        with pytest.raises(Refusal):
            card_desk.refuse(request.id, agent, reason)
    card_desk.refuse(request.id, agent, "La photo est floue.")
    request = db.session.get_one(CardRequest, request.id)
    assert request.events[-1].reason == "La photo est floue."
    card_requests.set_picture(request, pictures.PHOTO, photo())
    assert not (store.folder() / before).exists()
    on(app, date(2022, 5, 10))
    again = card_requests.submit(request.id, person_id(HOLDER))
    assert (again.state, again.number, again.payment_reference) == (SUBMITTED, number, paid)


def test_a_refused_request_is_corrected_in_time(app: Flask) -> None:
    request, agent = sent(), person_id(AGENT)
    card_desk.act(request.id, IN_REVIEW, agent)
    card_desk.refuse(request.id, agent, "Photo floue")
    on(app, date(2022, 5, 11))
    with pytest.raises(card_requests.TooLate):
        card_requests.submit(request.id, person_id(HOLDER))


def test_what_is_sent_is_not_changed_any_more() -> None:
    request = sent()
    with pytest.raises(Moved):
        card_requests.set_address(request, HOME)
    with pytest.raises(Moved):
        card_requests.set_picture(request, pictures.PHOTO, photo())
    with pytest.raises(Moved):
        card_requests.cancel(request, person_id(HOLDER))
    kept = {path.name for path in (store.folder() / "pictures").rglob("*.*")}
    assert kept == {str(request.photo_path).split("/")[-1], str(request.signature_path).split("/")[-1]}


def test_a_picture_stays_whose_commit_was_made_and_not_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    request = filled()
    commit = Session.commit

    def without_answer(session: Session) -> None:
        commit(session)
        raise OperationalError("COMMIT", {}, ConnectionError())

    with monkeypatch.context() as patch:
        patch.setattr(Session, "commit", without_answer)
        with pytest.raises(OperationalError):
            card_requests.set_picture(request, pictures.PHOTO, photo())
    db.session.rollback()
    assert card_requests.picture(request, pictures.PHOTO)


def test_a_store_that_cannot_remove_the_former_picture_undoes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    request, full = filled(), OSError(5, "the disk fails")
    before = request.photo_path
    monkeypatch.setattr(Folder, "delete", Mock(side_effect=full))
    card_requests.set_picture(request, pictures.PHOTO, photo())
    assert request.photo_path != before


@on_both
def test_the_queue_finds_and_counts() -> None:
    request = sent()
    assert card_desk.listing("a-examiner").total == 1
    for words in ("martin", "MARIE martin", "850492", str(request.number)[:8]):
        assert [one.id for one in card_desk.listing("toutes", words).requests] == [request.id]
    assert card_desk.listing("toutes", "dupont").requests == []
    assert card_desk.listing("toutes", "%").total == 1
    assert card_desk.listing("envoyees").counts["a-examiner"] == 1
    assert card_desk.find(request.key).id == request.id


@on_both
@pytest.mark.parametrize(("days", "gone"), [(89, False), (91, True)])
def test_pictures_go_when_the_card_has_been_sent_for_long(days: int, gone: bool) -> None:
    from app.services.core import clock

    request, agent = sent(), person_id(AGENT)
    for state in (IN_REVIEW, ACCEPTED, PRODUCTION, SENT):
        card_desk.act(request.id, state, agent)
    from datetime import timedelta

    then = clock.machine_now() - timedelta(days=days)
    db.session.execute(update(CardRequest).values(updated_at=then))
    db.session.commit()
    assert card_retention.purge(dry_run=True) == gone
    assert len(list((store.folder() / "pictures").rglob("*.*"))) == 2
    assert card_retention.purge() == gone
    assert len(list((store.folder() / "pictures").rglob("*.*"))) == (0 if gone else 2)
    assert card_retention.purge() == 0


@on_both
def test_a_draft_left_behind_is_given_up() -> None:
    from datetime import timedelta

    from app.services.core import clock

    request = filled()
    db.session.execute(update(CardRequest).values(updated_at=clock.machine_now() - timedelta(days=31)))
    db.session.commit()
    assert card_retention.purge() == 1
    assert db.session.get_one(CardRequest, request.id).state == CANCELLED
    assert list((store.folder() / "pictures").rglob("*.*")) == []


def test_the_certificate_alone_opens_the_request() -> None:
    registered(MARIE, training=training_id("Module FCO"))
    drain()
    kinds = db.session.execute(select(Document.kind)).scalars().all()
    assert CERTIFICATE not in kinds
    assert card_grounds.grounds_of(marie()) == []


def test_refused_state_is_reached_from_review_only() -> None:
    with pytest.raises(Moved):
        card_desk.refuse(sent().id, person_id(AGENT), "non")
    assert db.session.scalar(select(CardRequest.state)) != REFUSED


def test_a_trainer_s_right_is_a_ground_and_the_centre_that_bears_the_fee_pays() -> None:
    right = registered_trainer(birth_date=MARIE["birth_date"], permit_number=MARIE["permit_number"], **NAMES)
    [ground] = card_grounds.grounds_of(marie())
    assert (ground.kind, ground.label) == ("formateur", "Formateur, Marchandises")
    request = card_requests.begin(marie(), ground.kind, ground.id)
    assert card_requests.missing(request) == ["adresse", "photo"]
    card_requests.set_address(request, HOME)
    card_requests.set_picture(request, pictures.PHOTO, photo())
    card_requests.set_picture(request, pictures.SIGNATURE, signature())
    done = card_requests.submit(request.id, person_id(HOLDER))
    assert (done.state, done.payment_reference, done.fee) == (SUBMITTED, None, right.fee)
    assert "Centre de formation Démo" in card_requests.who_pays(done)


def test_a_trainer_whose_centre_does_not_bear_the_fee_pays() -> None:
    registered_trainer("non", birth_date=MARIE["birth_date"], permit_number=MARIE["permit_number"], **NAMES)
    [ground] = card_grounds.grounds_of(marie())
    assert "paiement" in card_requests.missing(card_requests.begin(marie(), ground.kind, ground.id))


def test_a_right_withheld_for_its_name_is_no_ground() -> None:
    registered_trainer(birth_date=MARIE["birth_date"], permit_number=MARIE["permit_number"])
    assert card_grounds.grounds_of(marie()) == []


@on_both
def test_examples_fill_the_space_and_the_queue_once() -> None:
    number = examples.load(work.run_due).number
    assert [one.number for one in card_desk.listing("a-examiner").requests] == [number]
    assert len(card_grounds.grounds_of(marie())) == 1
    with pytest.raises(examples.NotTheDemonstration):
        examples.load(work.run_due)
