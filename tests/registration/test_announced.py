"""« Importer » asks the facts again: what came to cost again or to withhold since the report that was shown stops it, once."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select

from app.extensions import db
from app.models import Batch, ImportFile, Registration, Trainer
from app.services.core import actor
from app.services.imports import confirmation as import_confirmation
from app.services.imports import corrections
from app.services.registration import analysis, announced, confirm, drafts
from app.services.registration.announced import NewFacts, Told
from app.services.registration.confirm import register
from app.services.trainers import registration as trainer_registration
from tests.bases import EVERY
from tests.imports.test_intake import analysed, rows_of
from tests.registration.test_analysis import SECOND_TABLE
from tests.support import (
    LEGAL,
    MARIE,
    PIERRE,
    centre_id,
    draft,
    drain,
    many,
    person_id,
    registered,
    trainer_draft,
    training_id,
)

BACKENDS = EVERY
EACH_VALUE = True

DURAND = {**MARIE, "last_name": "DURAND"}


def checked(*rows: dict[str, str], **options: Any) -> int:
    """Return a draft with these lines, as « Vérifier » left it."""
    batch_id = draft(*rows, **options)
    analysis.check(batch_id)
    return batch_id


def billed() -> int:
    return db.session.scalar(select(func.count()).select_from(Registration)) or 0


def batch(batch_id: int) -> Batch:
    return db.session.get_one(Batch, batch_id, populate_existing=True)


def stopped(batch_id: int, **options: Any) -> NewFacts:
    """Return what stops the import of a batch; nothing is written, and the batch may be confirmed again."""
    before = billed()
    with pytest.raises(NewFacts) as refusal:
        register(batch_id, person_id(), **options)
    assert (billed(), batch(batch_id).state, batch(batch_id).is_checked) == (before, "ready", True)
    assert batch(batch_id).summary["new"] == refusal.value.lines
    return refusal.value


@pytest.mark.usefixtures("app")
class TestByHand:
    def test_two_drafts_of_the_same_lines_the_second_is_stopped_once(self) -> None:
        first, second = checked(PIERRE, MARIE), checked(*many(3), MARIE, PIERRE)
        register(first, person_id())
        told = stopped(second)
        assert told.lines == [4, 5]
        assert told.message == (
            "Rien n’a été enregistré ni facturé : depuis le rapport que vous avez vu, 2 lignes sont déjà enregistrées et "
            "seraient facturées de nouveau. Relisez ces lignes, placées en tête, puis confirmez de nouveau."
        )
        assert batch(second).summary["kinds"]["already_registered"] == 2
        assert register(second, person_id()).is_new
        assert billed() == 7

    def test_what_was_told_before_does_not_stop(self) -> None:
        registered(MARIE)
        again = checked(MARIE)
        assert announced.told(batch(again)) == Told(already=1)
        assert register(again, person_id()).is_new

    def test_told_once_and_registered_a_third_time_the_same_day(self) -> None:
        registered(MARIE)
        left, right = checked(MARIE), checked(MARIE)
        register(left, person_id())
        assert stopped(right).lines == [1]
        register(right, person_id())
        assert billed() == 3

    def test_a_dialog_older_than_the_last_check_is_stopped(self) -> None:
        """In another tab the check was made again; this one's dialog never told of what it found."""
        batch_id = checked(*many(1), MARIE)
        shown = announced.told(batch(batch_id))
        registered(MARIE)
        analysis.check(batch_id)
        assert stopped(batch_id, told=shown).lines == [2]
        assert register(batch_id, person_id(), told=announced.told(batch(batch_id))).is_new

    def test_a_driver_who_came_to_be_known_under_another_name(self) -> None:
        batch_id = checked({**PIERRE, "last_name": "DUPOND"})
        registered(PIERRE, training=training_id("FCO Complète"))
        told = stopped(batch_id)
        assert told.lines == [1]
        assert "1 stagiaire est connu de votre centre sous un autre nom" in told.message

    def test_documents_that_came_to_be_withheld(self) -> None:
        """An account was opened meanwhile, under another name than the line's."""
        registered(PIERRE, training=training_id("FCO Complète"))
        batch_id = checked(*many(1), PIERRE)
        driver = db.session.execute(select(Registration)).scalars().one().driver
        driver.person_id, driver.last_name = person_id(), "LEROY"
        db.session.commit()
        told = stopped(batch_id)
        assert told.lines == [2]
        assert "1 stagiaire est connu sous un autre nom et ses documents seraient retenus" in told.message
        register(batch_id, person_id())
        assert db.session.scalar(select(func.count()).where(Registration.withheld.is_(True))) == 1

    def test_errors_come_first(self) -> None:
        batch_id = checked(MARIE)
        registered(MARIE)
        drafts.add_rows(batch_id, [{**PIERRE, "permit_number": ""}])
        analysis.check(batch_id)
        with pytest.raises(confirm.NotChecked):
            register(batch_id, person_id())

    def test_a_line_identical_to_another_costs_once(self) -> None:
        batch_id = checked(MARIE, MARIE)
        registered(MARIE)
        assert stopped(batch_id).lines == [1]

    def test_another_centre_s_registration_says_nothing(self) -> None:
        batch_id = checked(PIERRE)
        neighbour = centre_id("98765432400019")
        done = registered(PIERRE)
        db.session.execute(Registration.__table__.update().values(centre_id=neighbour))
        db.session.commit()
        assert (done.state, register(batch_id, person_id()).is_new) == ("registered", True)


@pytest.mark.usefixtures("app")
class TestByFile:
    def test_a_saved_copy_of_a_file_registered_meanwhile(self) -> None:
        first, copy = (db.session.get_one(ImportFile, analysed(*rows_of(SECOND_TABLE)).id) for _ in range(2))
        assert import_confirmation.confirm(first, person_id())
        with pytest.raises(NewFacts):
            import_confirmation.confirm(copy, person_id())
        assert (billed(), len(batch(copy.batch_id).summary["new"])) == (6, 6)
        assert import_confirmation.confirm(copy, person_id())
        assert billed() == 12

    def test_a_large_file_is_told_on_its_report_by_the_job(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(import_confirmation, "AT_ONCE", 1)
        first, copy = (db.session.get_one(ImportFile, analysed(*rows_of(SECOND_TABLE)).id) for _ in range(2))
        assert not import_confirmation.confirm(first, person_id())
        assert not import_confirmation.confirm(copy, person_id())
        drain()
        db.session.expire_all()
        assert (billed(), batch(first.batch_id).state, batch(copy.batch_id).state) == (6, "registered", "ready")
        assert "6 lignes sont déjà enregistrées et seraient facturées de nouveau" in str(copy.refusal)
        assert not import_confirmation.confirm(copy, person_id())
        drain()
        assert (billed(), batch(copy.batch_id).state) == (12, "registered")

    def test_a_dialog_older_than_the_last_check_orders_nothing(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(import_confirmation, "AT_ONCE", 1)
        file = db.session.get_one(ImportFile, analysed(*rows_of(SECOND_TABLE)).id)
        shown = announced.told(file.batch)
        registered(MARIE)
        batch(file.batch_id).summary = {**file.batch.summary, "kinds": {"already_registered": 1}}
        db.session.commit()
        with pytest.raises(confirm.Changed):
            import_confirmation.confirm(file, person_id(), told=shown)
        assert batch(file.batch_id).state == "ready"

    def test_corrections_keep_what_is_at_stake(self) -> None:
        """A name corrected to another one withholds, to the account's own no more; a line set aside costs nothing."""
        rows = [list(row) for row in rows_of(SECOND_TABLE)]
        file = db.session.get_one(ImportFile, analysed(*rows).id)
        number = next(at for at, row in enumerate(rows, 1) if "LEROY" in row)
        assert announced.trainees_withheld(batch(file.batch_id)) == 0
        corrections.correct_cell(file.batch_id, number, "last_name", "LEROI", person_id())
        assert (announced.told(batch(file.batch_id)).withheld, announced.trainees_withheld(file.batch)) == (1, 1)
        corrections.set_aside(file.batch_id, number, True, person_id())
        assert announced.told(batch(file.batch_id)).withheld == 0
        corrections.set_aside(file.batch_id, number, False, person_id())
        assert announced.told(batch(file.batch_id)).withheld == 1
        corrections.correct_cell(file.batch_id, number, "last_name", "LEROY", person_id())
        assert announced.told(batch(file.batch_id)).withheld == 0
        assert import_confirmation.confirm(file, person_id())

    def test_a_trainee_on_two_lines_is_one_trainee(self) -> None:
        fimo, fco = "FIMO Marchandises", "FCO Complète"
        line = ("REF", "COM", fimo, "Marchandises", "07/01/2022", "Marie", "DURAND", "12/04/1985", "850492100123")
        other = (*line[:2], fco, *line[3:])
        file = analysed(line, other)
        assert (announced.told(batch(file.id)).withheld, announced.trainees_withheld(batch(file.id))) == (2, 1)


@pytest.mark.usefixtures("app")
class TestWithheld:
    def test_the_count_is_what_registration_does(self) -> None:
        batch_id = checked(DURAND, PIERRE, *many(2))
        assert announced.trainees_withheld(batch(batch_id)) == 1
        register(batch_id, person_id())
        withheld = select(Registration.last_name).where(Registration.withheld.is_(True))
        assert list(db.session.execute(withheld).scalars()) == ["DURAND"]

    def test_the_analysis_tells_it_of_drivers_the_centre_registered_only(self) -> None:
        """Of others nothing may tell whether an identity is known."""
        assert analysis.check(checked(DURAND)).to_json()["withheld"] == []
        registered(MARIE, training=training_id("FCO Complète"))
        assert analysis.check(checked(PIERRE, DURAND)).to_json()["withheld"] == [2]


def at_once(app: Flask, *acts: Any) -> list[Any]:
    """Do these acts at the same moment, as the demonstration centre, each in a session of its own; return how each ended."""
    manager = person_id()
    at_centre = actor.centre(manager, centre_id())
    db.session.remove()
    ended: list[Any] = []
    gate = threading.Barrier(len(acts))

    def run(act: Any) -> None:
        with app.app_context():
            actor.be(at_centre)
            gate.wait()
            try:
                ended.append(act(manager))
            except Exception as refusal:
                ended.append(refusal)
            db.session.remove()

    threads = [threading.Thread(target=run, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    actor.be(actor.PROGRAM)
    return ended


class TestAtOnce:
    def test_of_eight_drafts_of_the_same_line_one_is_registered(self, app: Flask) -> None:
        ids = [checked(MARIE) for _ in range(8)]
        ended = at_once(app, *(lambda manager, one=one: register(one, manager) for one in ids))
        assert sorted(type(one).__name__ for one in ended) == ["NewFacts"] * 7 + ["Outcome"], ended
        assert billed() == 1
        assert sorted(batch(one).state for one in ids) == ["ready"] * 7 + ["registered"]

    def test_of_two_trainers_typed_twice_one_is_billed(self, app: Flask) -> None:
        rows = [trainer_draft() for _ in range(3)]
        drafted = [(row.id, row.version) for row in rows]
        person = person_id(LEGAL)
        acts = (
            lambda _manager, id_=id_, version=version: trainer_registration.register(id_, version, person, Told())
            for id_, version in drafted
        )
        ended = at_once(app, *acts)
        assert sorted(type(one).__name__ for one in ended) == ["NewFacts"] * 2 + ["Outcome"], ended
        done = select(func.count()).select_from(Trainer).where(Trainer.state == "registered")
        assert db.session.scalar(done) == 1
        again = next(row for row in drafted if db.session.get_one(Trainer, row[0]).state == "draft")
        assert trainer_registration.register(again[0], again[1], person, Told(already=1)).is_new
