"""Registering: all or none, once, at the price of the day, with its documents."""

from __future__ import annotations

import threading
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select, update
from sqlalchemy.exc import IntegrityError

from app.extensions import db
from app.models import (
    Batch,
    Document,
    Driver,
    JournalEntry,
    Membership,
    MembershipRight,
    Outbox,
    Registration,
    ServiceContract,
    Tariff,
)
from app.services.core import actor
from app.services.reference import pricing
from app.services.registration import analysis, batches, confirm, drafts
from app.services.rights import access
from tests.bases import UNDER_THE_ROLE, on_sqlite
from tests.support import MARIE, PIERRE, centre_id, draft, many, person_id, registered, training_id

BACKENDS = UNDER_THE_ROLE


def count(model: Any) -> int:
    return db.session.scalar(select(func.count()).select_from(model)) or 0


@pytest.mark.usefixtures("app")
class TestWhatIsWritten:
    def test_each_line_is_a_registration_at_the_price_of_the_day(self) -> None:
        batch = registered(MARIE, PIERRE)
        rows = list(db.session.execute(select(Registration).order_by(Registration.line_number)).scalars())
        assert [(r.line_number, r.last_name, r.price, r.vat_rate) for r in rows] == [
            (1, "MARTIN", Decimal("25.34"), Decimal("20.00")),
            (2, "DUPONT", Decimal("25.34"), Decimal("20.00")),
        ]
        assert {r.registered_on for r in rows} == {date(2022, 1, 10)}
        assert batch.state == "registered"
        assert batch.receipt_number.startswith("RE-22-")
        assert pricing.billed(batch.id).total == Decimal("50.68")

    def test_a_large_batch_is_written_in_bulk_and_gives_the_same_rows(self) -> None:
        registered(*many(5))
        batch = registered(MARIE, PIERRE, *many(1100))
        assert batch.summary["kept"] == 1102
        rows = list(db.session.execute(select(Registration).where(Registration.batch_id == batch.id)).scalars())
        assert {(r.price, r.vat_rate, r.registered_on, r.end_date, r.withheld) for r in rows} == {
            (Decimal("25.34"), Decimal("20.00"), date(2022, 1, 10), date(2022, 1, 7), False)
        }
        assert len({r.driver_id for r in rows}) == 1102
        assert count(Driver) == 6 + 1100 + 1
        documents = list(
            db.session.execute(select(Document).join(Registration).where(Registration.batch_id == batch.id)).scalars()
        )
        assert len({d.number for d in documents}) == 2 * 1102
        assert {d.state for d in documents} == {"pending"}

    def test_a_known_driver_is_found_and_an_unknown_one_created(self) -> None:
        before = count(Driver)
        registered(MARIE, PIERRE)
        assert count(Driver) == before + 1
        known = db.session.execute(select(Driver).where(Driver.permit_number == "850492100123")).scalar_one()
        assert db.session.execute(select(Registration).where(Registration.driver_id == known.id)).scalar_one()

    def test_each_registration_gets_both_documents_with_their_days(self) -> None:
        registered(MARIE)
        certificate, recap = db.session.execute(select(Document).order_by(Document.kind)).scalars()
        assert (certificate.kind, certificate.valid_from, certificate.valid_until) == (
            "certificate",
            date(2022, 1, 10),
            date(2022, 5, 10),
        )
        assert (recap.kind, recap.valid_until) == ("recap", date(2028, 1, 10))
        assert certificate.number.startswith("CQ-22-")

    @on_sqlite
    def test_an_fco_module_alone_gives_no_certificate(self) -> None:
        registered(MARIE, training=training_id("Module FCO"))
        assert [d.kind for d in db.session.execute(select(Document)).scalars()] == ["recap"]
        assert db.session.execute(select(Registration.price)).scalar_one() == Decimal("5.07")

    @on_sqlite
    def test_a_minor_s_certificate_holds_from_the_18th_birthday(self) -> None:
        minor = {**PIERRE, "birth_date": "20/03/2004"}
        registered(minor, training=training_id("CAP conducteur routier marchandises"))
        certificate = db.session.execute(select(Document).where(Document.kind == "certificate")).scalar_one()
        assert (certificate.valid_from, certificate.valid_until) == (date(2022, 3, 20), date(2022, 7, 20))

    def test_an_identical_line_is_neither_imported_nor_billed(self) -> None:
        batch = registered(MARIE, MARIE)
        assert count(Registration) == 1
        assert pricing.billed(batch.id).total == Decimal("25.34")

    def test_a_name_that_is_not_the_account_s_withholds_the_documents(self) -> None:
        registered({**MARIE, "last_name": "DURAND"}, PIERRE)
        withheld = dict(db.session.execute(select(Registration.last_name, Registration.withheld)).all())
        assert withheld == {"DURAND": True, "DUPONT": False}

    @on_sqlite
    def test_case_accents_and_order_of_the_name_do_not_matter(self) -> None:
        registered({**MARIE, "last_name": "Marie", "first_name": "MÀRTIN"})
        assert db.session.execute(select(Registration.withheld)).scalar_one() is False

    def test_the_work_left_is_written_with_it_and_the_act_is_journalled(self) -> None:
        batch = registered(*many(60))
        chunks = [row.payload["registrations"] for row in db.session.execute(select(Outbox)).scalars()]
        assert [len(ids) for ids in chunks] == [25, 25, 10]
        entry = db.session.execute(select(JournalEntry).where(JournalEntry.action == "batch.registered")).scalar_one()
        assert entry.after == {"receipt": batch.receipt_number, "registrations": 60}
        assert entry.actor_id == person_id()


@pytest.mark.usefixtures("app")
class TestOnce:
    def test_a_second_call_answers_with_the_first_receipt(self) -> None:
        batch = registered(MARIE)
        again = confirm.register(batch.id, person_id())
        assert again == confirm.Outcome(batch.receipt_number, is_new=False)
        assert count(Registration) == 1

    def test_twelve_at_once_register_once(self, app: Flask) -> None:
        batch_id = draft(MARIE, PIERRE)
        analysis.check(batch_id)
        manager = person_id()
        at_centre = actor.centre(manager, centre_id())
        db.session.remove()
        outcomes: list[confirm.Outcome] = []
        gate = threading.Barrier(12)

        def act() -> None:
            with app.app_context():
                actor.be(at_centre)
                gate.wait()
                outcomes.append(confirm.register(batch_id, manager))

        threads = [threading.Thread(target=act) for _ in range(12)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len({outcome.receipt_number for outcome in outcomes}) == 1
        assert [outcome.is_new for outcome in outcomes].count(True) == 1
        assert (count(Registration), count(Document), len(outcomes)) == (2, 4, 12)

    def test_the_base_itself_refuses_a_second_registration_of_a_line(self) -> None:
        registered(MARIE)
        row = db.session.execute(select(Registration)).scalar_one()
        copy = {c.name: getattr(row, c.name) for c in Registration.__table__.columns if c.name != "id"}
        with pytest.raises(IntegrityError, match=r"(?i)unique"):
            db.session.execute(Registration.__table__.insert(), copy)


@pytest.mark.usefixtures("app")
class TestRefusals:
    def test_a_line_changed_since_the_check_closes_the_import(self) -> None:
        batch_id = draft(MARIE)
        analysis.check(batch_id)
        drafts.add_line(batch_id, PIERRE)
        with pytest.raises(confirm.NotChecked):
            confirm.register(batch_id, person_id())
        assert count(Registration) == 0

    def test_an_unchecked_draft_is_refused(self) -> None:
        with pytest.raises(confirm.NotChecked):
            confirm.register(draft(MARIE), person_id())

    def test_an_accreditation_withdrawn_meanwhile_stops_everything_and_is_shown(self) -> None:
        batch_id = draft(MARIE, PIERRE)
        analysis.check(batch_id)
        from app.models import Accreditation

        db.session.execute(update(Accreditation).values(withdrawn_on=date(2022, 1, 1)))
        db.session.commit()
        with pytest.raises(confirm.HasErrors):
            confirm.register(batch_id, person_id())
        batch = db.session.get_one(Batch, batch_id)
        assert (count(Registration), batch.state, batch.summary["errors"]) == (0, "in_error", 2)

    @on_sqlite
    @pytest.mark.parametrize("state", ["suspended", "ended"])
    def test_a_contract_no_longer_in_force_stops_it(self, state: str) -> None:
        batch_id = draft(MARIE)
        analysis.check(batch_id)
        db.session.execute(update(ServiceContract).values(state=state))
        db.session.commit()
        with pytest.raises(access.NotAllowed, match="contrat de service"):
            confirm.register(batch_id, person_id())
        assert (count(Registration), db.session.get_one(Batch, batch_id).state) == (0, "ready")

    def test_a_right_withdrawn_meanwhile_stops_it(self) -> None:
        batch_id = draft(MARIE)
        analysis.check(batch_id)
        mine = select(Membership.id).where(Membership.person_id == person_id())
        db.session.execute(
            update(MembershipRight).where(MembershipRight.membership_id.in_(mine)).values(ends_on=date(2022, 1, 9))
        )
        db.session.commit()
        with pytest.raises(access.NotAllowed, match="enregistrement de sessions"):
            confirm.register(batch_id, person_id())

    def test_no_tariff_no_registration(self) -> None:
        batch_id = draft(MARIE)
        analysis.check(batch_id)
        db.session.execute(update(Tariff).values(valid_to=date(2022, 1, 9)))
        db.session.commit()
        with pytest.raises(pricing.NoTariff):
            confirm.register(batch_id, person_id())
        assert db.session.get_one(Batch, batch_id).state == "ready"

    def test_a_cancelled_batch_cannot_be_registered_and_a_registered_one_not_cancelled(self) -> None:
        batch_id = draft(MARIE)
        batches.cancel(batch_id, person_id())
        with pytest.raises(batches.BatchClosed):
            confirm.register(batch_id, person_id())
        done = registered(PIERRE)
        with pytest.raises(batches.BatchClosed):
            batches.cancel(done.id, person_id())
