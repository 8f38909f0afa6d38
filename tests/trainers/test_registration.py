"""Trainers and instructors: the draft, the registration done once, the notice, the rights it opens."""

from __future__ import annotations

import threading
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import Date, Insert, func, insert, literal, select, update
from sqlalchemy.exc import IntegrityError

from app.extensions import db
from app.french.spaces import plain
from app.models import (
    Accreditation,
    Driver,
    JournalEntry,
    Mail,
    Membership,
    MembershipRight,
    Outbox,
    ServiceContract,
    SignUp,
    Suspension,
    Tariff,
    Trainer,
)
from app.models.centre import TRAINERS
from app.services.accounts import identity
from app.services.accounts import link as account_link
from app.services.accounts import opening as account_opening
from app.services.core import clock
from app.services.core.refusal import Refusal
from app.services.core.throttle import TooOften
from app.services.decisions import withheld_rights
from app.services.reference import pricing
from app.services.rights import access
from app.services.trainers import drafts as trainer_drafts
from app.services.trainers import notices as trainer_notices
from app.services.trainers import registration as trainer_registration
from tests.bases import on_both
from tests.support import (
    CHLOE,
    LEGAL,
    MARIE,
    centre_id,
    code_of,
    drain,
    person_id,
    registered,
    registered_trainer,
    trainer_draft,
)

DRIVER = "conducteur@demo.example"
#: The driver of the demonstration with an account.
AS_MARIE = {key: MARIE[key] for key in ("first_name", "last_name", "birth_date", "permit_number")}


def count(model: Any) -> int:
    return db.session.scalar(select(func.count()).select_from(model)) or 0


def acts() -> list[str]:
    query = select(JournalEntry.action).where(JournalEntry.subject_type == "trainer").order_by(JournalEntry.id)
    return list(db.session.execute(query).scalars())


def suspended(ends_on: date | None) -> Insert:
    """Return the statement that suspends every accreditation since the new year."""
    rows = select(Accreditation.id, literal(date(2022, 1, 1)), literal(ends_on, Date), literal("Audit"))
    return insert(Suspension).from_select(["accreditation_id", "starts_on", "ends_on", "reason"], rows)


@pytest.mark.usefixtures("app")
class TestTheDraft:
    def test_each_page_is_kept_and_the_next_step_is_the_first_not_valid(self) -> None:
        row = trainer_drafts.start(centre_id(), person_id(LEGAL), "instructor")
        assert trainer_drafts.step_of(row) == 1
        trainer_drafts.save_person(row, CHLOE)
        assert trainer_drafts.step_of(row) == 2
        trainer_drafts.save_terms(row, ["Voyageurs"], "non", "dropped", "dropped")
        assert trainer_drafts.step_of(row) == 3
        assert (row.full_name, row.sectors, row.order_number, row.reference) == ("DURAND Chloé", ["Voyageurs"], "", "")

    def test_a_refused_page_changes_nothing(self) -> None:
        row = trainer_draft()
        before = row.version
        with pytest.raises(trainer_drafts.PageRefused) as refused:
            trainer_drafts.save_person(row, {**CHLOE, "email": "", "last_name": "1"})
        assert [finding.field for finding in refused.value.findings] == ["last_name", "email"]
        with pytest.raises(trainer_drafts.PageRefused):
            trainer_drafts.save_terms(row, [], "oui", "", "")
        assert (row.version, row.last_name) == (before, "DURAND")

    def test_a_page_sent_again_unchanged_leaves_the_version(self) -> None:
        row = trainer_draft()
        before = row.version
        trainer_drafts.save_person(row, CHLOE)
        trainer_drafts.save_terms(row, ["Marchandises"], "oui", "COM1", "")
        assert row.version == before

    @on_both
    def test_cancelling_forgets_what_was_typed(self) -> None:
        row = trainer_draft()
        trainer_drafts.cancel(row.id, person_id(LEGAL))
        assert (row.state, row.full_name, row.email, row.permit_number, row.birth_date) == (
            "cancelled",
            "",
            "",
            "",
            None,
        )
        for closed in (
            lambda: trainer_drafts.cancel(row.id, person_id(LEGAL)),
            lambda: trainer_drafts.save_person(row, CHLOE),
            lambda: trainer_registration.register(row.id, row.version, person_id(LEGAL)),
        ):
            with pytest.raises(trainer_drafts.Closed):
                closed()
        assert acts() == ["trainer.started", "trainer.cancelled"]

    def test_only_drafts_that_hold_a_person_are_taken_up_again(self) -> None:
        trainer_drafts.start(centre_id(), person_id(LEGAL), "trainer")
        registered_trainer()
        row = trainer_draft(permit_number="999999999")
        assert trainer_drafts.resumable(centre_id()) == [row]
        assert trainer_drafts.resumable(centre_id("98765432400019")) == []

    def test_what_this_centre_knows_is_told(self) -> None:
        registered_trainer()
        row = trainer_draft(last_name="MARTIN")
        assert [finding.code for finding in trainer_drafts.judge(row).findings] == [
            "already_registered", "identity_differs", "no_account",
        ]  # fmt: skip
        instructor = trainer_draft(profile="instructor")
        assert [finding.code for finding in trainer_drafts.judge(instructor).findings] == ["no_account"]


@pytest.mark.usefixtures("app")
class TestTheRegistration:
    def test_the_fee_borne_is_the_one_in_force_that_day(self) -> None:
        row = registered_trainer()
        assert (row.state, row.fee, row.vat_rate) == ("registered", Decimal("47.00"), Decimal("20.00"))
        assert (row.registered_on, row.registered_by_id) == (date(2022, 1, 10), person_id(LEGAL))
        assert str(row.receipt_number).startswith("FM-22-")
        assert row.driver is not None
        assert (row.driver.last_name, row.driver.permit_number) == ("DURAND", "800569210042")
        assert acts() == ["trainer.started", "trainer.registered"]

    def test_a_fee_not_borne_is_billed_to_nobody(self) -> None:
        row = registered_trainer("non")
        assert (row.fee, row.vat_rate, row.order_number) == (None, None, "")

    def test_without_a_tariff_the_centre_cannot_bear_it_but_the_person_can(self) -> None:
        db.session.execute(update(Tariff).where(Tariff.price_class == "card_fee").values(valid_to=date(2022, 1, 9)))
        db.session.commit()
        row = trainer_draft()
        with pytest.raises(pricing.NoFee):
            trainer_registration.register(row.id, row.version, person_id(LEGAL))
        assert row.state == "draft"
        assert registered_trainer("non").state == "registered"

    @on_both
    def test_a_driver_known_already_is_shared(self) -> None:
        registered({**MARIE, **{key: CHLOE[key] for key in AS_MARIE}})
        before = count(Driver)
        row = registered_trainer()
        assert count(Driver) == before
        assert row.driver is not None

    @on_both
    def test_twice_is_once(self) -> None:
        row = trainer_draft()
        first = trainer_registration.register(row.id, row.version, person_id(LEGAL))
        again = trainer_registration.register(row.id, row.version, person_id(LEGAL))
        stale = trainer_registration.register(row.id, 0, person_id(LEGAL))
        assert (first.is_new, again.is_new, stale.is_new) == (True, False, False)
        assert first.receipt_number == again.receipt_number == stale.receipt_number
        assert count(Mail) == 1

    @on_both
    def test_what_was_not_shown_is_not_registered(self) -> None:
        row = trainer_draft()
        shown = row.version
        trainer_drafts.save_person(row, {**CHLOE, "last_name": "DUPOND"})
        with pytest.raises(trainer_registration.Changed):
            trainer_registration.register(row.id, shown, person_id(LEGAL))
        assert (row.state, count(Mail)) == ("draft", 0)

    def test_a_draft_that_no_longer_stands_is_judged_again(self, app: Flask) -> None:
        row = trainer_draft(birth_date="10/01/2004")
        app.config["TODAY"] = date(2022, 1, 9)
        with pytest.raises(trainer_registration.HasErrors):
            trainer_registration.register(row.id, row.version, person_id(LEGAL))
        app.config["TODAY"] = date(2022, 1, 10)
        assert trainer_registration.register(row.id, row.version, person_id(LEGAL)).is_new

    def test_a_draft_not_finished_is_refused(self) -> None:
        row = trainer_drafts.start(centre_id(), person_id(LEGAL), "trainer")
        with pytest.raises(trainer_registration.HasErrors):
            trainer_registration.register(row.id, row.version, person_id(LEGAL))

    @pytest.mark.parametrize(
        ("change", "sentence"),
        [
            (update(ServiceContract).values(state="suspended"), access.NO_CONTRACT),
            (update(Accreditation).values(withdrawn_on=date(2022, 1, 10)), access.NO_ACCREDITATION),
            (suspended(None), access.NO_ACCREDITATION),
            (suspended(date(2022, 1, 10)), access.NO_ACCREDITATION),
            (update(Membership).values(valid_to=date(2022, 1, 9)), "Vous n’intervenez pas pour ce centre."),
        ],
        ids=["contract", "accreditation", "suspended", "last day suspended", "membership"],
    )
    def test_contract_accreditation_and_place_are_judged_at_confirmation(self, change: Any, sentence: str) -> None:
        row = trainer_draft()
        db.session.execute(change)
        db.session.commit()
        with pytest.raises(access.NotAllowed, match=sentence):
            trainer_registration.register(row.id, row.version, person_id(LEGAL))
        assert row.state == "draft"

    def test_the_right_to_register_sessions_is_not_the_right_to_register_trainers(self) -> None:
        row, manager = trainer_draft(), person_id("gestionnaire@demo.example")
        with pytest.raises(access.NotAllowed, match="« formateurs et moniteurs »"):
            trainer_registration.register(row.id, row.version, manager)
        place = db.session.execute(select(Membership).where(Membership.person_id == manager)).scalar_one()
        db.session.add(MembershipRight(membership_id=place.id, right=TRAINERS, granted_at=clock.now()))
        db.session.commit()
        assert trainer_registration.register(row.id, row.version, manager).is_new

    @on_both
    def test_the_base_refuses_a_fee_that_does_not_fit(self) -> None:
        row = registered_trainer("non")
        for values in ({"fee": Decimal("47.00")}, {"fee_borne": True}, {"goods": False}, {"driver_id": None}):
            with pytest.raises(IntegrityError):
                db.session.execute(update(Trainer).where(Trainer.id == row.id).values(**values))
            db.session.rollback()

    @on_both
    def test_twelve_clicks_at_once_open_one_right(self, app: Flask) -> None:
        row = trainer_draft()
        trainer_id, version, person, gate = row.id, row.version, person_id(LEGAL), threading.Barrier(12)
        outcomes: list[Any] = []

        def act() -> None:
            with app.app_context():
                gate.wait()
                try:
                    outcomes.append(trainer_registration.register(trainer_id, version, person))
                except Exception as error:
                    outcomes.append(error)
                finally:
                    db.session.remove()

        db.session.remove()
        threads = [threading.Thread(target=act) for _ in range(12)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert not [outcome for outcome in outcomes if isinstance(outcome, Exception)]
        assert sum(outcome.is_new for outcome in outcomes) == 1
        assert len({outcome.receipt_number for outcome in outcomes}) == 1
        assert (count(Mail), count(Outbox), acts().count("trainer.registered")) == (1, 1, 1)


@pytest.mark.usefixtures("app")
class TestTheNotice:
    def letter(self, app: Flask) -> str:
        import email
        import email.policy
        from pathlib import Path

        [path] = (Path(app.config["DATA_DIR"]) / "mails").glob("*.eml")
        message = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
        part = message.get_body(("plain",))
        assert part is not None
        return plain(f"{message['To']}\n{message['Subject']}\n{part.get_content()}")

    def test_it_says_that_the_right_is_open_and_who_pays(self, app: Flask) -> None:
        row = registered_trainer()
        assert trainer_notices.state_of(row).state == "pending"
        drain()
        told = self.letter(app)
        assert told.startswith("chloe.durand@exemple.fr\nVous pouvez demander votre carte CQC\n")
        assert "vous a enregistré comme formateur" in told
        assert "prise en charge par Centre de formation Démo" in told
        assert "/inscription/" in told
        assert "/mon-espace/" in told
        assert trainer_notices.state_of(row).state == "sent"

    def test_it_says_that_the_person_pays(self, app: Flask) -> None:
        registered_trainer("non", profile="instructor")
        drain()
        told = self.letter(app)
        assert "comme moniteur" in told
        assert "n’est pas prise en charge" in told

    def test_a_refused_address_is_mended_by_sending_again(self) -> None:
        row = registered_trainer()
        with pytest.raises(trainer_notices.StillSending):
            trainer_notices.send_again(row.id, "chloe@exemple.fr", person_id(LEGAL))
        db.session.execute(update(Mail).values(state="refused", error="SMTP 550"))
        db.session.commit()
        assert trainer_notices.state_of(row).state == "refused"
        with pytest.raises(Refusal, match="Saisissez l’adresse"):
            trainer_notices.send_again(row.id, "chloe@", person_id(LEGAL))
        assert trainer_notices.send_again(row.id, "Chloe@Exemple.fr", person_id(LEGAL)) == "chloe@exemple.fr"
        drain()
        assert (trainer_notices.state_of(row).state, trainer_notices.state_of(row).address) == (
            "sent",
            "chloe@exemple.fr",
        )
        assert acts()[-1] == "trainer.notified"

    @on_both
    def test_one_address_is_not_written_to_without_end(self) -> None:
        row = registered_trainer()
        drain()
        for _ in range(trainer_notices.FOR_ADDRESS.free):
            trainer_notices.send_again(row.id, "chloe@exemple.fr", person_id(LEGAL))
            drain()
        with pytest.raises(TooOften):
            trainer_notices.send_again(row.id, "chloe@exemple.fr", person_id(LEGAL))
        assert count(Mail) == 1 + trainer_notices.FOR_ADDRESS.free

    @on_both
    def test_a_refused_address_is_told_apart_among_others(self) -> None:
        row = registered_trainer()
        mails = list(db.session.execute(select(Mail)).scalars())
        assert trainer_notices.of_mails(mails) == {mails[0].id: row}


@pytest.mark.usefixtures("app")
class TestTheRight:
    def test_it_is_open_to_the_account_that_bears_the_name(self) -> None:
        row = registered_trainer(**AS_MARIE)
        assert not row.withheld
        assert trainer_registration.rights_of(person_id(DRIVER)) == [row]
        assert trainer_registration.rights_of(person_id("leroy@demo.example")) == []

    def test_a_draft_opens_nothing(self) -> None:
        trainer_draft(**AS_MARIE)
        assert trainer_registration.rights_of(person_id(DRIVER)) == []

    def test_another_name_is_withheld_and_nobody_is_told(self) -> None:
        row = registered_trainer(**{**AS_MARIE, "last_name": "DURAND"})
        assert row.withheld
        assert trainer_registration.rights_of(person_id(DRIVER)) == []
        assert count(Mail) == 0
        assert trainer_notices.state_of(row).state == "withheld"
        with pytest.raises(Refusal):
            trainer_notices.send_again(row.id, "x@exemple.fr", person_id(LEGAL))

    @on_both
    def test_an_account_opened_later_finds_it_under_its_name_only(self) -> None:
        mine, other = registered_trainer(), registered_trainer(last_name="MARTIN", first_name="Anne")
        born = date(1980, 5, 3)
        row = SignUp(
            email="chloe@exemple.fr", last_name="Durand", first_name="Chloe", birth_date=born, password_hash="x",
            permit_number="800569210042", state="sent", created_at=clock.now(),
        )  # fmt: skip
        db.session.add(row)
        db.session.flush()
        person = account_opening.open_account(row, None)
        db.session.commit()
        assert trainer_registration.rights_of(person.id) == []
        identity.prove(person.id, code_of("800569210042"), "192.0.2.1")
        assert trainer_registration.rights_of(person.id) == [mine]
        assert other.withheld

    @on_both
    def test_a_name_typed_for_a_trainer_is_one_to_sign_up_with(self) -> None:
        """The driver was first registered under another name; the trainer's line bears the right one."""
        registered({**MARIE, **{key: CHLOE[key] for key in AS_MARIE}, "last_name": "DURANT"})
        row = registered_trainer()
        assert row.driver_id is not None
        assert ("DURAND", "Chloé") in account_link.known_names(row.driver_id)


@pytest.mark.usefixtures("app")
class TestWithheldRights:
    def withheld(self) -> Trainer:
        return registered_trainer(**{**AS_MARIE, "last_name": "DURAND"})

    @on_both
    def test_an_agent_opens_it_once_and_the_person_is_told(self) -> None:
        row, agent = self.withheld(), person_id("agent@demo.example")
        registered_trainer(permit_number="999999999")
        assert [case.about for case in withheld_rights.waiting()[0]] == [row]
        withheld_rights.open_right(row.id, agent)
        with pytest.raises(withheld_rights.AlreadyDecided):
            withheld_rights.open_right(row.id, agent)
        with pytest.raises(withheld_rights.AlreadyDecided):
            withheld_rights.keep(row.id, agent, "Trop tard")
        drain()
        assert trainer_notices.state_of(row).state == "sent"
        assert trainer_registration.rights_of(person_id(DRIVER)) == [row]
        assert withheld_rights.waiting() == ([], 0)
        assert acts().count("trainer.opened") == 1

    def test_kept_shut_it_needs_a_reason_and_may_still_be_opened(self) -> None:
        row, agent = self.withheld(), person_id("agent@demo.example")
        for reason in (" ", "x" * 301):
            with pytest.raises(Refusal):
                withheld_rights.keep(row.id, agent, reason)
        withheld_rights.keep(row.id, agent, " Autre  personne ")
        assert withheld_rights.waiting() == ([], 0)
        [case] = withheld_rights.kept()
        assert case.about == row
        assert case.kept is not None
        assert (case.kept.reason, case.kept.actor_id) == ("Autre personne", agent)
        withheld_rights.open_right(row.id, agent)
        assert withheld_rights.kept() == []

    def test_who_was_told_before_the_account_is_not_told_twice(self) -> None:
        row = registered_trainer()
        drain()
        row.withheld = True
        db.session.commit()
        withheld_rights.open_right(row.id, person_id("agent@demo.example"))
        assert count(Mail) == 1

    def test_only_what_is_registered_can_be_decided(self) -> None:
        row, agent = trainer_draft(), person_id("agent@demo.example")
        for act in (lambda: withheld_rights.open_right(row.id, agent), lambda: withheld_rights.keep(0, agent, "Non")):
            with pytest.raises(Refusal, match="n’existe pas"):
                act()
