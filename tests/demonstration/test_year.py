"""The demonstration's year: who registered what when, what waits, the same each time, all of it or none."""

from __future__ import annotations

import os
import signal
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask_appbuilder import Model
from sqlalchemy import func, select

from app.extensions import db
from app.jobs.work import HANDLERS
from app.models import (
    Batch,
    Centre,
    Document,
    Driver,
    Invoice,
    JournalEntry,
    Mail,
    Outbox,
    Registration,
    Trainer,
    Training,
)
from app.models.batch import API, FILE, IN_ERROR, MANUAL, REGISTERED
from app.models.billing.invoices import ISSUED
from app.models.outbox import DEMONSTRATION, DOCUMENTS, INVOICE_FILE
from app.models.types import UtcDateTime
from app.services.cards import desk as card_desk
from app.services.core import actor, clock, outbox
from app.services.core.refusal import Refusal
from app.services.demonstration import demonstration, doors, money, plan, year
from app.services.drivers import fco, space
from app.services.imports import desk as import_desk
from app.services.invoicing import proving
from app.services.journal.words import FIELDS
from app.services.payments import dunning, reading, settlement
from app.services.payments.settlement import State
from app.services.proving import check
from app.services.registration import analysis, batches, drafts
from app.services.reporting import dashboard, waiting
from app.validators.validity import add_months
from config import BARE, YEAR
from tests.backends import TODAY, Sqlite
from tests.bases import EVERY
from tests.invoicing.making import Judge
from tests.registration.test_analysis import FIRST_TABLE, SECOND_TABLE, raws
from tests.support import centre_id, draft

DAY = date.fromisoformat(TODAY)
DEMO, NEIGHBOUR = plan.DEMO, plan.NEIGHBOUR
#: A leap day, the first day of a year, a Sunday, the last day of a long month, the first days that have a year to show.
DAYS = tuple(
    map(date.fromisoformat, ("2024-02-29", "2023-01-01", "2026-11-29", "2025-08-31", "2020-06-30", "2022-01-10"))
)
#: What waits for agents, but requests for an account: nobody makes them any more.
ONE_OF_EACH = {
    "identites": 1, "interrogations": 1, "comptes": 0, "corrections": 2, "cartes": 1, "retenus": 1, "droits": 1,
    "fichiers": 1, "controles": 0, "travaux": 1, "courriels": 1, "encaissements": 0, "factures": 0,
}  # fmt: skip


@contextmanager
def base(folder: Path, today: date | None = DAY, seed: str = YEAR) -> Iterator[Flask]:
    """Give the application on a bare base of its own, on a day."""
    backend = Sqlite(folder)
    backend.app.config.update(TODAY=today, SEED=seed)
    with backend.app.app_context():
        actor.be(actor.PROGRAM)
        yield backend.app
        db.session.remove()
    backend.close()


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    """Give the year once for the tests that only look at it."""
    with base(tmp_path_factory.mktemp("year")) as app:
        assert year.load()
        yield app


def counts() -> Counter[tuple[str, str]]:
    """Return how many registrations each centre made by each door."""
    query = (
        select(Centre.siret, Batch.mode, func.count())
        .select_from(Registration)
        .join(Batch, Batch.id == Registration.batch_id)
        .join(Centre, Centre.id == Registration.centre_id)
        .group_by(Centre.siret, Batch.mode)
    )
    return Counter({(siret, mode): count for siret, mode, count in db.session.execute(query)})


def told() -> list[tuple[Any, ...]]:
    """Return all that a year tells, but what is random for good reason: public numbers, keys, the hours of today."""
    r = Registration
    lines = select(
        r.id, r.centre_id, r.registered_on, r.end_date, r.line_number, r.last_name, r.first_name, r.training_id, r.price,
        r.order_number, r.reference, r.withheld, r.cancelled_on, Driver.birth_date, Driver.permit_number, Driver.person_id,
    ).join(r.driver)  # fmt: skip
    papers = select(Document.registration_id, Document.kind, Document.state, Document.valid_from, Document.valid_until)
    acts = select(JournalEntry.id, JournalEntry.action, JournalEntry.actor_id, JournalEntry.centre_id, JournalEntry.at)
    found = [
        tuple(row) for query in (lines, papers) for row in db.session.execute(query.order_by(*query.selected_columns))
    ]
    return found + [
        (*row[:4], row.at if row.at.astimezone(clock.PARIS).date() < clock.today() else None)
        for row in db.session.execute(acts.order_by("id"))
    ]


def test_the_year_breaks_no_invariant(loaded: Flask) -> None:
    check.chain.seal()  # as the relay does within a minute
    report = check.run()
    assert (report.found, report.asked) == ([], len(check.invariants()))


def test_the_year_of_each_centre_by_each_door(loaded: Flask) -> None:
    assert counts() == {
        (DEMO, MANUAL): 141, (DEMO, FILE): 104, (DEMO, API): 69, (NEIGHBOUR, MANUAL): 21,
    }  # fmt: skip
    trend = dashboard.centre_desk(centre_id()).volumes
    assert all(month.count for month in trend.trend)
    assert trend.today == 2
    assert db.session.scalar(select(func.min(Registration.registered_on))) > add_months(DAY, -12)


def test_all_that_the_centre_is_accredited_for_was_registered(loaded: Flask) -> None:
    done = set(db.session.execute(select(Registration.training_id).distinct()).scalars())
    open_to_it = {entry.id for entry in drafts.open_trainings(centre_id(), DAY)}
    assert open_to_it <= done
    assert len(open_to_it) == len(plan.COURSES)
    minors = select(Registration).join(Registration.driver).where(Driver.birth_date > add_months(DAY, -12 * 18))
    [pupil] = db.session.execute(minors).scalars()
    assert pupil.training.minors_allowed
    assert pupil.documents[-1].valid_from == add_months(pupil.driver.birth_date, 12 * 18)
    assert db.session.scalar(select(func.count()).select_from(Trainer).where(Trainer.state == REGISTERED)) == 2


def test_modules_of_an_fco_are_under_way_and_some_make_a_certificate(loaded: Flask) -> None:
    module = select(Training.id).where(Training.label == "Module FCO")
    query = (
        select(Registration.driver_id, func.count(Document.id))
        .outerjoin(Document, (Document.registration_id == Registration.id) & (Document.kind == "certificate"))
        .where(Registration.training_id.in_(module))
        .group_by(Registration.driver_id)
    )
    certificates = [count for _, count in db.session.execute(query)]
    assert len(certificates) > 8
    assert sorted(certificates)[-2:] == [1, 1]


def test_each_registration_is_one_that_the_rules_accept_on_its_day(loaded: Flask) -> None:
    for batch in db.session.execute(select(Batch).where(Batch.state == REGISTERED)).scalars().all():
        if batch.registered_at is None:
            continue
        with clock.moved(batch.registered_at):
            lines = [one.line for one in batches.stored_lines(batch)]
            own = list(db.session.execute(select(Registration.id).where(Registration.batch_id == batch.id)).scalars())
            found = analysis.analyse_lines(batch.centre_id, lines, analysis.reach_of(batch), asked=False, without=own)
        assert found.report.importable, batch.id
    db.session.rollback()


def test_the_agents_have_one_of_each_to_handle_and_a_card_to_examine(loaded: Flask) -> None:
    assert waiting.counts() == ONE_OF_EACH
    assert card_desk.waiting() == 1
    [(accreditation, left)] = dashboard.expiring(centre_id(NEIGHBOUR))
    assert 0 < left < 90
    assert accreditation.valid_from == demonstration.SINCE


def test_the_centre_has_a_draft_to_take_up_and_the_first_table_in_error(loaded: Flask) -> None:
    [left] = batches.drafts(centre_id(), MANUAL)
    assert drafts.line_count(left.id) == 4
    assert left.updated_at.astimezone(clock.PARIS).date() == date(2022, 1, 7)
    [file] = import_desk.unfinished(centre_id())
    assert (file.batch.state, file.batch.created_at.astimezone(clock.PARIS).date()) == (IN_ERROR, date(2022, 1, 7))
    assert [one.line for one in batches.stored_lines(file.batch)] == raws(FIRST_TABLE)
    kinds = file.batch.summary or {}
    assert (kinds["lines"], kinds["informations"], kinds["errors"]) == (6, 1, 5)


def test_the_two_tables_of_the_reference_document_come_out_as_they_stand(loaded: Flask) -> None:
    first = analysis.analyse_lines(centre_id(), raws(FIRST_TABLE), asked=False).report
    assert (first.lines, first.informations, first.errors) == (6, 1, 5)
    assert [row.line.number for row in first.rows] == [2, 3, 4, 5, 6, 1]
    second = analysis.analyse_lines(centre_id(), raws(SECOND_TABLE), asked=False).report
    assert [(row.line.number, [r.message for r in row.remarks]) for row in second.rows] == [
        (1, ["Ne possède pas encore de compte sur la plateforme"]),
        *((number, []) for number in range(2, 7)),
    ]


def test_marie_has_a_certificate_that_holds_and_modules_that_count(loaded: Flask) -> None:
    marie = db.session.execute(select(Driver).where(Driver.permit_number == "850492100123")).scalar_one()
    found = space.space(marie)
    assert found.certificate is not None
    assert found.certificate.document.valid_from <= DAY <= found.certificate.document.valid_until
    assert [(one.category, one.hours) for one in fco.overview(found.registrations, DAY).progress] == [
        ("Marchandises", 14)
    ]


def test_the_documents_wait_for_the_worker_the_newest_first(loaded: Flask) -> None:
    waiting = select(Outbox).where(Outbox.done_at.is_(None), Outbox.last_error.is_(None)).order_by(Outbox.turn)
    rows = list(db.session.execute(waiting).scalars())
    assert len(rows) > 50
    assert [row.id for row in rows] == sorted((row.id for row in rows), reverse=True)
    assert min(row.turn for row in rows) > 0, "what people do meanwhile comes first"
    assert {row.created_at for row in rows} == {row.due_at for row in rows}


def test_two_loads_of_a_day_are_the_same(loaded: Flask, tmp_path: Path) -> None:
    before = told()
    with base(tmp_path):
        year.load()
        again = told()
    assert again == before


@pytest.mark.parametrize("today", DAYS, ids=str)
def test_the_plan_follows_the_day_and_never_passes_it(today: date) -> None:
    sessions = plan.sessions(today, demonstration.SINCE)
    assert sessions == plan.sessions(today, demonstration.SINCE)
    count = sum(len(one.lines) for one in sessions)
    assert count == 335 if today.year > 2020 else 100 < count < 300
    for one in sessions:
        assert demonstration.SINCE <= one.end_date <= one.at.date() <= today
        assert one.at.date() > add_months(today, -12) - timedelta(days=1)
        assert one.back == 0 or one.at.weekday() < 5


@pytest.mark.parametrize("today", [DAYS[0], DAYS[1], None], ids=str)
def test_a_year_up_to_any_day_holds_nothing_of_the_future(
    tmp_path: Path, today: date | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    with base(tmp_path, today):
        assert year.load()
        assert waiting.counts() == ONE_OF_EACH
        assert sum(counts().values()) == 335
        assert db.session.scalar(select(func.max(Registration.registered_on))) <= clock.today()
        assert db.session.scalar(select(func.max(JournalEntry.at))) <= clock.now()
        if today is None:
            _invoiced(monkeypatch)
            assert _money()["late"]
            assert not _later()


def test_a_day_soon_after_the_demonstration_begins_has_what_fits(tmp_path: Path) -> None:
    with base(tmp_path, date(2020, 3, 15)):
        assert year.load()
        assert 50 < sum(counts().values()) < 150
        assert db.session.scalar(select(func.min(Registration.end_date))) >= demonstration.SINCE


def _later() -> list[tuple[str, datetime]]:
    """Return the instants of the base that are still to come, but those that are ends."""
    now, ends = clock.machine_now(), ("expires_at", "free_at", "due_at")
    columns = [
        column
        for table in Model.metadata.sorted_tables
        for column in table.columns
        if isinstance(column.type, UtcDateTime) and column.name not in ends
    ]
    return [
        (str(column), latest)
        for column in columns
        if (latest := db.session.scalar(select(func.max(column)))) is not None and latest > now
    ]


@pytest.mark.bases(*EVERY)
def test_every_base_takes_the_year_and_its_invoices(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    app.config["SEED"] = YEAR
    assert year.load()
    assert sum(counts().values()) == 335
    assert waiting.counts() == ONE_OF_EACH
    assert not year.load(), "once"
    _invoiced(monkeypatch)
    told = _money()
    assert told["issued"] == 17
    assert (told["paid"], told["drafts"], told["unmatched"]) == (15, [money.HELD], 1)
    assert told["late"] == [("Centre de formation Démo", {0, 1, 2, 3})]
    turns = select(func.min(Outbox.turn), func.max(Outbox.turn)).where(Outbox.done_at.is_(None))
    first, _ = db.session.execute(turns.where(Outbox.kind == INVOICE_FILE)).one()
    _, last = db.session.execute(turns.where(Outbox.kind == DOCUMENTS)).one()
    assert first > last, "people's documents come first"
    waits, given_up = Outbox.done_at.is_(None), clock.now() - outbox.GIVE_UP
    assert not db.session.scalar(select(Outbox.id).where(waits, Outbox.created_at < given_up).limit(1))
    _invoiced(monkeypatch)
    assert _money() == told, "begun again after a kill, it changes nothing"
    noted = {
        name for row in db.session.scalars(select(JournalEntry)) for name in (*(row.before or ()), *(row.after or ()))
    }
    assert (len(noted) > 40, noted - FIELDS.keys()) == (True, set()), "said by a code on the journal's screen"
    of_invoices = [one for one in check.invariants() if one.code.startswith(("invoice.", "credit.", "billing."))]
    assert (len(of_invoices) > 15, [one.code for one in of_invoices if one.breaches()]) == (True, [])


def _invoiced(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the year's invoices as the worker does, by a judge who finds nothing."""
    monkeypatch.setattr(proving, "judge", lambda: nullcontext(Judge()))
    row = db.session.execute(select(Outbox).where(Outbox.kind == DEMONSTRATION)).scalar_one()
    HANDLERS[row.kind](row.payload)
    db.session.expire_all()


def _money() -> dict[str, Any]:
    """Return what the invoices of the year tell."""
    issued = list(db.session.execute(select(Invoice).where(Invoice.state == ISSUED)).scalars())
    states = settlement.of([one.id for one in issued])
    late = [one for one in issued if states[one.id].state == State.OVERDUE]
    return {
        "issued": len(issued),
        "paid": sum(one.state == State.PAID for one in states.values()),
        "late": [(one.centre.name, {each.level for each in dunning.of_invoice(one.id)}) for one in late],
        "drafts": list(db.session.execute(select(Invoice.held_reason).where(Invoice.state != ISSUED)).scalars()),
        "unmatched": reading.waiting(),
        "mails": db.session.scalar(select(func.count()).select_from(Mail)),
    }


def nothing() -> bool:
    """Tell whether the base is the bare one."""
    return not any(db.session.scalar(select(func.count()).select_from(one)) for one in (Batch, JournalEntry, Outbox))


def test_a_load_that_breaks_leaves_nothing(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    app.config["SEED"] = YEAR
    real, done = doors.register, []

    def breaks(*args: Any) -> Batch:
        done.append(1)
        if len(done) > 20:
            raise Refusal("Non.")
        return real(*args)

    monkeypatch.setattr(doors, "register", breaks)
    with pytest.raises(Refusal):
        year.load()
    assert nothing()


def test_a_killed_load_is_made_anew_at_the_next_start(tmp_path: Path) -> None:
    with base(tmp_path):
        db.session.remove()
        db.engine.dispose()
        if not (child := os.fork()):
            _load_and_die()
        _, status = os.waitpid(child, 0)
        assert os.WTERMSIG(status) == signal.SIGKILL
        assert nothing()
        assert year.load()
        assert sum(counts().values()) == 335


def _load_and_die() -> None:
    """Load, in a process of its own, until a kill in the middle."""
    real, done = doors.register, []

    def dies(*args: Any) -> Batch:
        done.append(1)
        if len(done) > 20:
            os.kill(os.getpid(), signal.SIGKILL)
        return real(*args)

    try:
        doors.register = dies  # type: ignore[assignment]
        year.load()
    finally:
        os._exit(1)


def test_the_bare_base_stays_bare(app: Flask) -> None:
    assert app.config["SEED"] == BARE
    assert not year.load()
    assert nothing()


def test_a_base_that_somebody_works_on_is_left_alone(app: Flask) -> None:
    app.config["SEED"] = YEAR
    draft()
    assert not year.load()


def test_a_day_before_the_demonstration_begins_has_no_year(app: Flask) -> None:
    app.config.update(SEED=YEAR, TODAY=date(2020, 1, 15))
    assert not year.load()


def test_production_takes_no_demonstration(app: Flask) -> None:
    app.config.update(SEED=YEAR, ENVIRONMENT="production")
    with pytest.raises(demonstration.NotInProduction):
        year.load()
