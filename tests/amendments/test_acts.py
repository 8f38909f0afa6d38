"""Cancelling and replacing: the rows of the tables of correction (spec: billing, 8), each a test that bears its name."""

from __future__ import annotations

import smtplib
import threading
from datetime import date
from decimal import Decimal
from typing import Any
from unittest.mock import Mock

import pytest
from flask import Flask
from sqlalchemy import func, select, update

from app.extensions import db
from app.french.spaces import plain
from app.jobs import work
from app.models import (
    Batch,
    Cancellation,
    CardRequest,
    Centre,
    Document,
    Driver,
    JournalEntry,
    Mail,
    Outbox,
    Registration,
    Tariff,
)
from app.models.amendment import REASONS, REPLACING
from app.services.amendments import acts, alone, effects, orders
from app.services.amendments.acts import Who
from app.services.billing import drafts
from app.services.cards import requests as card_requests
from app.services.core import actor, clock
from app.services.core.refusal import Refusal
from app.services.drivers import space
from app.services.notifications import mail
from app.services.registration import receipts
from app.services.rights import access
from tests.bases import EVERY
from tests.invoicing.making import issue
from tests.support import MARIE, PIERRE, centre_id, drain, person_id, registered, training_id

BACKENDS = EVERY
OTHER_PERMIT = {"permit_number": "850492100132"}


def one(*rows: dict[str, str], **options: Any) -> Registration:
    """Return the registration of one driver, its documents drawn and mailed."""
    batch = registered(*(rows or (MARIE,)), **options)
    drain()
    return db.session.execute(select(Registration).where(Registration.batch_id == batch.id)).scalar_one()


def me() -> Who:
    return Who(person_id())


def agent() -> Who:
    return Who(person_id(), person_id("agent@demo.example"))


def order(
    row: Registration, code: str = "wrong_permit", reason: str = "chiffres inversés", **changes: str
) -> orders.Order:
    line = {**orders.as_typed(row).values(), **changes} if changes else None
    return orders.order(row, code, reason, line)


def again(row: Registration | int) -> Registration:
    db.session.expire_all()
    return db.session.get_one(Registration, row if isinstance(row, int) else row.id)


def mend(row: Registration, who: Who | None = None, code: str = "wrong_permit", **changes: str) -> acts.Outcome:
    return acts.amend(order(row, code, **changes), who or me())


def new_of(outcome: acts.Outcome) -> Registration:
    assert outcome.new is not None
    return db.session.get_one(Registration, outcome.new.id)


def live(row: Registration) -> dict[str, Document]:
    return {document.kind: document for document in again(row).documents if document.state != "revoked"}


@pytest.mark.usefixtures("app")
class TestCancelling:
    @pytest.mark.parametrize("code", REASONS)
    def test_every_reason_cancels(self, code: str) -> None:
        row = one()
        outcome = acts.amend(order(row, code), me())
        assert outcome.kind == "cancelled"
        assert again(row).cancelled_on == date(2022, 1, 10)
        kept = db.session.execute(select(Cancellation)).scalar_one()
        assert (kept.registration_id, kept.reason_code, kept.kind) == (row.id, code, "cancelled")
        assert kept.asked_by_id == person_id()
        assert {document.state for document in again(row).documents} == {"revoked"}

    def test_it_is_journalled_with_its_reason(self) -> None:
        acts.amend(order(one(), "duplicate"), me())
        entry = db.session.execute(
            select(JournalEntry).where(JournalEntry.action == "registration.cancelled")
        ).scalar_one()
        assert entry.after == {"state": "cancelled", "reason_code": "duplicate"}
        assert entry.reason == "chiffres inversés"

    def test_a_document_still_to_be_drawn_is_revoked_and_never_drawn(self) -> None:
        batch = registered(MARIE)
        row = db.session.execute(select(Registration).where(Registration.batch_id == batch.id)).scalar_one()
        acts.amend(order(row, "duplicate"), me())
        drain()
        assert {(d.state, d.path) for d in again(row).documents} == {("revoked", None)}
        assert db.session.scalar(select(func.count()).select_from(Mail)) == 0

    def test_who_was_mailed_the_certificate_is_told_it_is_cancelled(self) -> None:
        row = one()
        acts.amend(order(row, "duplicate"), me())
        drain()
        mails = db.session.execute(select(Mail).order_by(Mail.id)).scalars().all()
        assert [(mail.kind, mail.state) for mail in mails] == [("certificate", "sent"), ("cancelled", "sent")]
        assert mails[0].recipient == mails[1].recipient

    def test_a_mail_not_sent_yet_is_not_sent_any_more_and_nobody_is_told(self) -> None:
        batch = registered(MARIE)
        work.run(db.session.execute(select(Outbox.id)).scalar_one())
        row = db.session.execute(select(Registration).where(Registration.batch_id == batch.id)).scalar_one()
        acts.amend(order(row, "duplicate"), me())
        db.session.execute(update(Outbox).where(Outbox.done_at.is_(None)).values(due_at=clock.machine_now()))
        db.session.commit()
        drain()
        assert set(db.session.execute(select(Mail.kind, Mail.state)).tuples()) == {
            ("certificate", "dropped"),
            ("cancelled", "dropped"),
        }

    def test_a_mail_that_may_have_arrived_is_told_of_as_such(self, monkeypatch: pytest.MonkeyPatch) -> None:
        batch = registered(MARIE)
        work.run(db.session.execute(select(Outbox.id)).scalar_one())
        with monkeypatch.context() as patch:
            patch.setattr(mail, "_deliver", Mock(side_effect=smtplib.SMTPServerDisconnected))
            drain()
        row = db.session.execute(select(Registration).where(Registration.batch_id == batch.id)).scalar_one()
        acts.amend(order(row, "duplicate"), me())
        db.session.execute(
            update(Outbox).where(Outbox.done_at.is_(None)).values(due_at=clock.machine_now(), attempts=0)
        )
        db.session.commit()
        drain()
        first, second = db.session.execute(select(Mail).order_by(Mail.id)).scalars()
        assert [(one.kind, one.state) for one in (first, second)] == [("certificate", "dropped"), ("cancelled", "sent")]
        assert "est annulé ; un courriel vous l'a peut-être apporté.\nIl ne vaut plus" in plain(
            str(mail._message(second).body)
        )

    def test_a_double_click_cancels_once(self) -> None:
        row = one()
        asked = order(row, "duplicate")
        acts.amend(asked, me())
        with pytest.raises(acts.AlreadyCancelled):
            acts.amend(asked, me())
        assert db.session.scalar(select(func.count()).select_from(Cancellation)) == 1

    def test_an_unknown_reason_and_another_one_without_words_are_refused(self) -> None:
        row = one()
        for code, text in (("nothing", "x"), ("", ""), ("other", "  "), ("duplicate", "x" * 301)):
            with pytest.raises(Refusal):
                orders.order(row, code, text)


@pytest.mark.usefixtures("app")
class TestReplacing:
    @pytest.mark.parametrize(
        ("code", "changes"),
        [
            ("wrong_permit", OTHER_PERMIT),
            ("wrong_birth_date", {"birth_date": "04/12/1985"}),
            ("wrong_name", {"first_name": "Maria"}),
            ("wrong_training", {"training_label": "FIMO Voyageurs", "category": "Voyageurs"}),
            ("wrong_end_date", {"end_date": "06/01/2022"}),
        ],
    )
    def test_every_reason_that_replaces(self, code: str, changes: dict[str, str]) -> None:
        assert code in REPLACING
        row = one()
        new = new_of(mend(row, code=code, **changes))
        assert orders.as_typed(new).values() == {**orders.as_typed(again(row)).values(), **changes}
        assert (new.is_live, again(row).is_live) == (True, False)
        assert live(row) == {}
        assert live(new).keys() == {"recap", "certificate"}

    @pytest.mark.parametrize("code", sorted(REASONS.keys() - set(REPLACING)))
    def test_other_reasons_take_no_replacement(self, code: str) -> None:
        with pytest.raises(Refusal):
            order(one(), code, **OTHER_PERMIT)

    def test_a_line_that_changes_nothing_is_no_replacement(self) -> None:
        row = one()
        with pytest.raises(Refusal):
            orders.order(row, "wrong_permit", "", orders.as_typed(row).values())

    def test_link(self) -> None:
        first = one()
        second = new_of(mend(first, **OTHER_PERMIT))
        third = new_of(mend(second, permit_number="850492100777"))
        assert (again(first).ledger_id, second.ledger_id, third.ledger_id) == (None, first.id, first.id)
        rows = db.session.execute(select(Cancellation).order_by(Cancellation.id)).scalars()
        assert [(r.registration_id, r.replaced_by_id) for r in rows] == [(first.id, second.id), (second.id, third.id)]

    def test_own_receipt_in_a_batch_of_its_own(self) -> None:
        row = one()
        before = row.batch.receipt_number
        outcome = mend(row, **OTHER_PERMIT)
        batch = db.session.execute(select(Batch).where(Batch.key == outcome.batch_key)).scalar_one()
        assert (batch.mode, batch.state, batch.receipt_number) == ("correction", "registered", outcome.receipt_number)
        assert receipts.receipt(batch).replaces == before
        assert receipts.receipt(again(row).batch).replaces is None

    def test_price_is_the_old_one_across_a_tariff_change(self) -> None:
        row = one()
        db.session.execute(update(Tariff).values(amount=Decimal("99.00")))
        db.session.commit()
        new = new_of(mend(row, **OTHER_PERMIT))
        assert (new.price, new.vat_rate) == (Decimal("25.34"), Decimal("20.00"))

    def test_price_of_another_class_is_today_s(self) -> None:
        row = one(end_date="07/01/2022")
        new = new_of(mend(row, code="wrong_training", training_label="Module FCO"))
        assert new.price == Decimal("5.07")

    def test_documents_are_numbered_anew_and_established_today(self) -> None:
        row = one()
        before = {document.number for document in row.documents}
        new = new_of(mend(row, **OTHER_PERMIT))
        assert not before & {document.number for document in new.documents}
        assert {document.established_on for document in new.documents} == {date(2022, 1, 10)}

    def test_validity_in_full_for_a_wrong_permit_or_birth_date(self, app: Flask) -> None:
        row = one()
        app.config["TODAY"] = date(2022, 1, 15)
        new = new_of(mend(row, **OTHER_PERMIT))
        assert live(new)["certificate"].valid_until == date(2022, 5, 15)

    @pytest.mark.parametrize(
        ("code", "changes"),
        [
            ("wrong_name", {"first_name": "Marie-Ange"}),
            ("wrong_training", {"training_label": "FIMO Voyageurs", "category": "Voyageurs"}),
            ("wrong_end_date", {"end_date": "06/01/2022"}),
        ],
    )
    def test_validity_kept_for_name_training_and_end_date(self, app: Flask, code: str, changes: dict[str, str]) -> None:
        row = one()
        app.config["TODAY"] = date(2022, 1, 15)
        certificate = live(new_of(mend(row, code=code, **changes)))["certificate"]
        assert (certificate.established_on, certificate.valid_until) == (date(2022, 1, 15), date(2022, 5, 10))

    def test_third_replacement_of_a_chain_is_an_agent_s(self) -> None:
        row = one()
        row = new_of(mend(row, permit_number="850492100001"))
        row = new_of(mend(row, permit_number="850492100002"))
        with pytest.raises(acts.NeedsAgent):
            mend(row, permit_number="850492100003")
        assert new_of(mend(row, agent(), permit_number="850492100003")).is_live

    def test_driver_found_or_created_and_the_old_row_stays(self) -> None:
        row = one()
        count = db.session.scalar(select(func.count()).select_from(Driver))
        new = new_of(mend(row, **OTHER_PERMIT))
        assert new.driver_id != again(row).driver_id
        assert db.session.scalar(select(func.count()).select_from(Driver)) == (count or 0) + 1
        back = new_of(mend(new, permit_number=MARIE["permit_number"]))
        assert back.driver_id == again(row).driver_id

    def test_already_registered_ignores_the_cancelled_and_the_one_replaced(self) -> None:
        row = one()
        assert acts.look(row, order(row, "wrong_end_date", end_date="06/01/2022"), me()).new
        mend(row, code="duplicate")
        batch = registered(MARIE)
        assert batch.summary["informations"] == 0

    def test_the_same_rules_judge_the_new_line(self) -> None:
        row = one()
        for changes in ({"permit_number": "x"}, {"end_date": "11/01/2022"}, {"birth_date": "12/04/2012"}):
            with pytest.raises(effects.LineRefused) as refused:
                mend(row, **changes)
            assert refused.value.row.remarks
        assert again(row).is_live
        assert db.session.scalar(select(func.count()).select_from(Batch)) == 1

    def test_the_right_driver_gets_the_certificate_and_the_stranger_s_space_says_nothing(self) -> None:
        row = one()
        stranger = again(row).driver
        new = new_of(mend(row, **OTHER_PERMIT))
        drain()
        assert live(new)["certificate"].state == "available"
        held = space.space(stranger)
        assert (held.registrations, held.documents, held.ended) == ([], [], [])

    def test_name_judged_afresh(self) -> None:
        row = one({**MARIE, "last_name": "MARTINEAU"})
        assert again(row).withheld
        assert new_of(mend(row, code="wrong_name", last_name="MARTIN")).withheld is False


@pytest.mark.usefixtures("app")
class TestSituations:
    @pytest.mark.parametrize(("day", "alone"), [(date(2022, 1, 17), True), (date(2022, 1, 18), False)])
    def test_a_until_the_seventh_day(self, app: Flask, day: date, alone: bool) -> None:
        row = one()
        app.config["TODAY"] = day
        assert acts.look(row, order(row, **OTHER_PERMIT), me()).needs_agent is not alone
        if alone:
            assert mend(row, **OTHER_PERMIT).new
        else:
            with pytest.raises(acts.NeedsAgent):
                mend(row, **OTHER_PERMIT)
            assert again(row).is_live

    def test_a_on_an_issued_invoice_an_agent_decides_whatever_the_day(self, app: Flask) -> None:
        row = one()
        app.config["TODAY"] = date(2022, 2, 1)
        drafts.build(date(2022, 1, 1))
        app.config["TODAY"] = date(2022, 1, 11)
        assert acts.look(again(row), order(row, "duplicate"), me()).needs_agent == ()
        app.config["TODAY"] = date(2022, 2, 1)
        issue()
        app.config["TODAY"] = date(2022, 1, 11)
        assert acts.look(again(row), order(row, "duplicate"), me()).needs_agent == (alone.INVOICED,)
        with pytest.raises(acts.NeedsAgent):
            mend(row, code="duplicate")
        assert mend(row, agent(), code="duplicate").kind == "cancelled"

    def test_b_an_agent_may_at_any_time(self, app: Flask) -> None:
        row = one()
        app.config["TODAY"] = date(2023, 1, 18)
        mend(row, agent(), **OTHER_PERMIT)
        kept = db.session.execute(select(Cancellation)).scalar_one()
        assert kept.decided_by_id == agent().agent_id

    def test_nobody_after_six_years(self, app: Flask) -> None:
        row = one()
        app.config["TODAY"] = date(2028, 1, 11)
        with pytest.raises(effects.TooOld):
            mend(row, agent(), **OTHER_PERMIT)

    def test_who_may_not_register_may_not_cancel(self) -> None:
        row = one()
        for email in ("sansdroit@demo.example", "voisin@demo.example", "conducteur@demo.example"):
            with pytest.raises(access.NotAllowed):
                acts.amend(order(row, "duplicate"), Who(person_id(email)))
        assert again(row).is_live

    def test_confirmation_bound_to_the_version_shown(self) -> None:
        row = one()
        asked = order(row, **OTHER_PERMIT)
        shown = acts.look(row, asked, me()).version
        with pytest.raises(acts.Changed):
            acts.amend(order(row, permit_number="850492100999"), me(), shown=shown)
        assert again(row).is_live
        assert acts.amend(asked, me(), shown=shown).new

    def test_a_document_revoked_by_an_agent_is_not_brought_back_by_the_centre(self) -> None:
        from app.services.documents import revocation

        row = one()
        revocation.revoke(live(row)["certificate"].id, person_id("agent@demo.example"), "Fraude")
        with pytest.raises(acts.NeedsAgent):
            mend(again(row), **OTHER_PERMIT)


@pytest.mark.usefixtures("app")
class TestFcoLedger:
    """Six modules, the certificate on the fifth; as worked out with `fco.completing`."""

    def modules(self, count: int = 6) -> list[Registration]:
        return [one(training=training_id("Module FCO"), end_date=f"{at:02d}/06/2021") for at in range(1, count + 1)]

    def certified(self, rows: list[Registration]) -> list[int]:
        return [at for at, row in enumerate(rows, 1) if "certificate" in live(row)]

    def test_cancelling_the_second_moves_the_certificate_to_the_sixth(self) -> None:
        rows = self.modules()
        assert self.certified(rows) == [5]
        with pytest.raises(acts.NeedsAgent):
            mend(rows[1], code="not_attended")
        mend(rows[1], agent(), code="not_attended")
        drain()
        assert self.certified(rows) == [6]
        assert live(rows[5])["certificate"].state == "available"

    def test_replacing_the_second_leaves_it_on_the_fifth(self) -> None:
        rows = self.modules()
        mend(rows[1], code="wrong_end_date", end_date="20/06/2021")
        assert self.certified(rows) == [5]

    def test_a_certificate_lost_is_regained_and_mailed_again(self) -> None:
        rows = self.modules(6)
        sixth = mend(rows[5], agent(), code="duplicate")
        assert sixth.kind == "cancelled"
        lost = mend(rows[0], agent(), code="not_attended")
        assert lost.kind == "cancelled"
        assert self.certified(rows) == []
        seventh = one(training=training_id("Module FCO"), end_date="07/06/2021")
        assert self.certified([*rows, seventh]) == [7]
        mend(seventh, agent(), code="duplicate")
        assert self.certified([*rows, seventh]) == []

    def test_the_one_that_completes_replaced_in_its_place(self) -> None:
        rows = self.modules(5)
        new = new_of(mend(rows[4], code="wrong_end_date", end_date="21/06/2021"))
        assert self.certified([*rows[:4], new]) == [5]

    def test_a_module_that_was_another_driver_s(self) -> None:
        rows = self.modules(5)
        with pytest.raises(acts.NeedsAgent):
            mend(rows[0], **OTHER_PERMIT)
        mend(rows[0], agent(), **OTHER_PERMIT)
        assert self.certified(rows) == []

    def test_another_centre_s_certificate_moves_by_an_agent_only(self) -> None:
        rows = self.modules()
        neighbour = db.session.execute(select(Centre.id).where(Centre.siret == "98765432400019")).scalar_one()
        db.session.execute(
            update(Registration).where(Registration.id.in_([rows[4].id, rows[5].id])).values(centre_id=neighbour)
        )
        db.session.commit()
        with actor.acting(actor.centre(person_id(), centre_id())), pytest.raises(acts.NeedsAgent):
            mend(again(rows[1]), code="not_attended")
        mend(again(rows[1]), agent(), code="not_attended")
        assert self.certified(rows) == [6]


@pytest.mark.usefixtures("app")
class TestCards:
    def request(self, row: Registration, state: str) -> CardRequest:
        request = card_requests.begin(again(row).driver, "formation", row.id)
        if state != "draft":
            db.session.execute(
                update(CardRequest)
                .where(CardRequest.id == request.id)
                .values(
                    state=state, number="DC-22-00000-00001", submitted_at=request.created_at, street="1 rue A",
                    postcode="75001", city="Paris", fee=Decimal("10.00"), vat_rate=Decimal("20.00"), payment_reference="P",
                )
            )  # fmt: skip
            db.session.commit()
        return request

    def state(self, request: CardRequest) -> str:
        db.session.expire_all()
        return db.session.get_one(CardRequest, request.id).state

    def test_draft_is_cancelled_by_the_centre_alone(self) -> None:
        row = one()
        request = self.request(row, "draft")
        mend(row, code="duplicate")
        assert self.state(request) == "cancelled"

    @pytest.mark.parametrize("state", ["submitted", "in_review", "accepted", "refused"])
    def test_sent_in_is_stopped_by_an_agent_and_paid_back(self, state: str) -> None:
        row = one()
        request = self.request(row, state)
        with pytest.raises(acts.NeedsAgent):
            mend(row, code="duplicate")
        mend(row, agent(), code="duplicate")
        assert self.state(request) == "stopped"
        drain()
        told = db.session.execute(select(Mail).where(Mail.kind == "card")).scalar_one()
        assert told.state == "sent"
        assert "Remboursement SIMULE-R-" in request.events[-1].reason

    @pytest.mark.parametrize("state", ["production", "sent"])
    def test_in_the_making_or_sent_it_waits_for_an_agent(self, state: str) -> None:
        row = one()
        request = self.request(row, state)
        mend(row, agent(), code="duplicate")
        assert self.state(request) == state
        assert not again(row).is_live

    def test_replacement_of_the_same_person_takes_the_request_along(self) -> None:
        row = one()
        request = self.request(row, "submitted")
        new = new_of(mend(row, agent(), code="wrong_name", first_name="Marie-Ange"))
        assert self.state(request) == "submitted"
        moved = db.session.get_one(CardRequest, request.id)
        assert (moved.registration_id, moved.first_name) == (new.id, "Marie-Ange")

    def test_a_cancelled_registration_is_no_ground(self) -> None:
        row = one()
        driver = again(row).driver
        mend(row, code="duplicate")
        with pytest.raises(card_requests.NotOpen):
            card_requests.begin(driver, "formation", row.id)


@pytest.mark.usefixtures("app")
class TestAtOnce:
    def test_two_who_cancel_at_once_cancel_once(self, app: Flask) -> None:
        row = one(PIERRE)
        asked, who = order(row, "duplicate"), me()
        said: list[str] = []

        def act() -> None:
            with app.app_context():
                actor.be(actor.PROGRAM)
                try:
                    said.append(acts.amend(asked, who).kind)
                except acts.AlreadyCancelled:
                    said.append("already")
                finally:
                    db.session.remove()

        threads = [threading.Thread(target=act) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(said) == ["already", "already", "cancelled"]
        assert db.session.scalar(select(func.count()).select_from(Cancellation)) == 1
