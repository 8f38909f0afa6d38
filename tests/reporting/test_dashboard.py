"""The dashboards count what was registered, whose it is, and what waits."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from flask import Flask
from sqlalchemy import func, select, update
from sqlalchemy.sql import visitors

from app.extensions import db
from app.models import Accreditation, DayVolume, Driver, Outbox, Registration
from app.services.core import clock
from app.services.decisions import to_handle, withheld_documents
from app.services.registration import analysis
from app.services.reporting import dashboard, volumes, waiting
from tests.bases import BOTH
from tests.support import MARIE, PIERRE, centre_id, draft, many, registered, statements, training_id

BACKENDS = BOTH
EACH_VALUE = True


@pytest.fixture
def spread(app: Flask) -> None:
    """Give registrations of this month, of last month and of thirteen months ago."""
    registered(MARIE, PIERRE)
    for rows, day in ((many(3), date(2021, 12, 31)), (many(5)[3:], date(2020, 12, 31))):
        batch = registered(*rows, training=training_id("FIMO Voyageurs", "Voyageurs"))
        db.session.execute(update(Registration).where(Registration.batch_id == batch.id).values(registered_on=day))
        db.session.commit()


def test_a_centre_s_dashboard_counts_months_trainings_and_amounts(spread: None) -> None:
    desk = dashboard.centre_desk(centre_id())
    shown = desk.volumes
    assert [month.count for month in shown.trend] == [0] * 10 + [3, 2]
    assert (shown.trend[0].first, shown.this_month.name, shown.last_month.name) == (
        date(2021, 2, 1),
        "janvier",
        "décembre",
    )
    assert [(one.label, one.month, one.year) for one in shown.trainings] == [("FIMO Marchandises", 2, 2)]
    assert (shown.today, shown.year) == (2, 2)
    assert desk.billed == Decimal("50.68")
    assert desk.without_account == 6


def test_another_centre_s_dashboard_shows_nothing_of_it(spread: None) -> None:
    desk = dashboard.centre_desk(centre_id("98765432400019"))
    assert sum(month.count for month in desk.volumes.trend) == 0
    assert (desk.billed, desk.without_account, desk.drafts, desk.lines_in_error) == (0, 0, 0, 0)


def _months() -> list[int]:
    """Return the months of the agents' trend that hold something, the current one last."""
    return [month.count for month in dashboard.agent_desk().volumes.trend if month.count]


def test_what_the_night_counted_is_shown_with_what_came_and_was_cancelled_since(spread: None) -> None:
    before = dashboard.agent_desk()
    volumes.count_days()
    assert dashboard.agent_desk() == before
    assert set(db.session.execute(select(DayVolume.day, DayVolume.count)).tuples()) == {(date(2021, 12, 31), 3)}
    registered({**PIERRE, "permit_number": "051231999999"})
    _cancel(date(2021, 12, 31))
    assert _months() == [2, 3]
    volumes.count_days()
    assert _months() == [2, 3]
    with clock.moved(datetime(2022, 1, 11, 12, tzinfo=UTC)):
        volumes.count_days()
        assert _months() == [2, 3]
    assert set(db.session.execute(select(DayVolume.day, DayVolume.count)).tuples()) == {(date(2021, 12, 31), 2)}


def test_the_month_s_amounts_and_modes_are_those_of_the_days_counted_and_of_those_since(spread: None) -> None:
    with clock.moved(datetime(2022, 1, 13, 12, tzinfo=UTC)):
        before = dashboard.agent_desk()
        volumes.count_days()
        assert dashboard.agent_desk() == before
        assert (before.billed, before.centres, dict(before.modes)["Manuel"]) == (Decimal("50.68"), 1, 2)
        registered({**PIERRE, "permit_number": "051231999999", "end_date": "12/01/2022"})
        _cancel(date(2022, 1, 10))
        after = dashboard.agent_desk()
        assert (after.billed, after.centres, dict(after.modes)["Manuel"]) == (Decimal("50.68"), 1, 2)
        assert after.volumes.today == 1
    assert dashboard.agent_desk().volumes.this_month.count == 1, "a day before: neither what came, nor what is to come"


def test_days_that_were_counted_are_not_counted_again_by_the_page(spread: None) -> None:
    volumes.count_days()
    db.session.execute(update(DayVolume).values(count=1_000))
    db.session.commit()
    assert _months() == [1_000, 2]


def _cancel(day: date) -> None:
    one = select(func.min(Registration.id)).where(Registration.registered_on == day).scalar_subquery()
    db.session.execute(update(Registration).where(Registration.id == one).values(cancelled_on=clock.today()))
    db.session.commit()


def test_drafts_and_imports_in_error_are_counted(app: Flask) -> None:
    draft(MARIE, PIERRE)
    desk = dashboard.centre_desk(centre_id())
    assert (desk.drafts, desk.draft_lines) == (1, 2)
    assert (desk.imports_in_error, desk.lines_in_error) == (0, 0)


@pytest.mark.parametrize(("days", "shown"), [(-1, []), (0, [0]), (90, [90]), (91, [])])
def test_accreditations_that_end_within_ninety_days_are_announced(app: Flask, days: int, shown: list[int]) -> None:
    first = db.session.execute(select(Accreditation).where(Accreditation.centre_id == centre_id())).scalars().first()
    assert first is not None
    first.valid_to = clock.today() + timedelta(days=days)
    db.session.commit()
    assert [left for _, left in dashboard.expiring(centre_id())] == shown


@pytest.mark.parametrize(("days", "shown"), [(0, []), (1, [0]), (91, [90]), (92, [])])
def test_accreditations_to_be_withdrawn_are_announced(app: Flask, days: int, shown: list[int]) -> None:
    first = db.session.execute(select(Accreditation).where(Accreditation.centre_id == centre_id())).scalars().first()
    assert first is not None
    first.valid_to, first.withdrawn_on = date(2030, 1, 1), clock.today() + timedelta(days=days)
    db.session.commit()
    assert [left for _, left in dashboard.expiring(centre_id())] == shown


def test_agents_see_all_centres_what_waits_and_the_frequent_errors(spread: None) -> None:
    db.session.execute(update(Registration).where(Registration.last_name == "MARTIN").values(withheld=True))
    db.session.execute(update(Outbox).values(last_error="OSError"))
    db.session.commit()
    batch_id = draft({**MARIE, "birth_date": "01/01/2015"}, {**PIERRE, "birth_date": "31/02/1990", "first_name": ""})
    analysis.check(batch_id)
    desk = dashboard.agent_desk()
    assert desk.volumes.this_month.count == 2
    assert (desk.centres, desk.billed) == (1, Decimal("50.68"))
    assert dict(desk.modes) == {"Manuel": 2, "Fichier": 0, "API": 0, "Correction": 0}
    waits = waiting.counts()
    assert waits["retenus"] == withheld_documents.waiting()[1] == 1
    assert waits["travaux"] == 3
    assert sum(waits.values()) == 4
    assert ("Prénom non renseigné", 1) in desk.errors
    assert ("Le stagiaire doit être majeur", 1) in desk.errors
    assert all("compte" not in sentence for sentence, _ in desk.errors), "informations are no errors"


def test_work_that_waits_too_long_is_counted_however_long_ago_the_menu_was_first_shown(app: Flask) -> None:
    waiting.counts()
    registered(MARIE)
    undone = db.session.scalar(select(func.count()).select_from(Outbox).where(Outbox.done_at.is_(None)))
    assert undone
    assert waiting.counts()["travaux"] == 0
    with clock.moved(datetime.now(UTC) + to_handle.PATIENCE + timedelta(minutes=1)):
        assert waiting.counts()["travaux"] == to_handle.count_failed() == undone


def test_the_statement_that_is_kept_holds_no_instant_of_its_own() -> None:
    kept = [one.value for one in visitors.iterate(waiting._statement()) if one.__visit_name__ == "bindparam"]
    assert "waiting" in kept
    assert not [one for one in kept if isinstance(one, date)]


def test_the_queries_do_not_grow_with_the_rows(app: Flask) -> None:
    registered(MARIE)
    counts = []
    for _ in range(2):
        with statements() as seen:
            dashboard.agent_desk()
            waiting.counts()
            dashboard.centre_desk(centre_id())
        counts.append(len(seen))
        registered(*many(60))
        db.session.expire_all()
    assert counts[0] == counts[1] < 25


def test_drivers_without_account_are_counted_up_to_a_limit(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    registered(*many(4))
    monkeypatch.setattr(dashboard, "MANY", 3)
    found = dashboard.without_account(centre_id())
    assert (int(found), type(found).__name__) == (3, "MoreThan")
    assert db.session.scalar(select(db.func.count()).select_from(Driver).where(Driver.person_id.is_(None))) >= 4
