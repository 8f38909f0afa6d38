"""Nights that build and issue a month, in jobs of bounded time."""

from __future__ import annotations

from contextlib import nullcontext
from datetime import date

import pytest
from flask import Flask
from sqlalchemy import func, select

from app.extensions import db
from app.jobs import work
from app.models import Invoice, InvoiceRun, Outbox
from app.services.billing import drafts
from app.services.core.transaction import transaction
from app.services.invoicing import asked, proving, running
from app.services.invoicing.content import Content
from tests.bases import BOTH
from tests.support import MARIE, PIERRE, registered

from .making import JANUARY, Judge, Verdict, all_issued

BACKENDS = BOTH


def test_nights_build_from_the_first_and_issue_from_the_third(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    def on_day(day: date) -> None:
        monkeypatch.setitem(app.config, "TODAY", day)

    monkeypatch.setattr(proving, "judge", lambda: nullcontext(Judge()))
    registered(MARIE)
    on_day(date(2022, 1, 31))
    _night()
    assert db.session.scalar(select(func.count()).select_from(Invoice)) == 0
    on_day(date(2022, 2, 1))
    _night()
    assert drafts.of_month(date(2022, 1, 31)).drafts == 1
    _night()
    assert all_issued() == []
    on_day(date(2022, 2, 3))
    _night()
    assert [one.public_number for one in all_issued()] == ["F2022-000001"]
    done_at = running.of(JANUARY).done_at  # type: ignore[union-attr]
    assert _night() == 1, "the credit notes alone"
    assert len(all_issued()) == 1
    run = running.of(JANUARY)
    assert (run.state, run.done_at) == ("done", done_at)  # type: ignore[union-attr]


def test_a_month_longer_than_a_job_is_issued_in_shares(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is refused is tried once a run: it neither keeps the others waiting nor makes the run endless."""

    def judged(content: Content) -> Verdict:
        return Verdict(content.order_number != "CMD 1", ("BR-CO-13",))

    for order in ("CMD 0", "CMD 1", "CMD 2", "CMD 3"):
        registered({**PIERRE, "order_number": order})
    monkeypatch.setitem(app.config, "TODAY", date(2022, 2, 3))
    monkeypatch.setattr(asked, "A_JOB", 0.0)
    monkeypatch.setattr(proving, "judge", lambda: nullcontext(judged))
    assert _night() == 4 + 1, "an invoice a job, none for the credit notes"
    assert [one.order_number for one in all_issued()] == ["CMD 0", "CMD 2", "CMD 3"]
    run = db.session.execute(select(InvoiceRun)).scalar_one()
    assert (run.state, run.issued, run.drafts) == ("issuing", 3, 1)
    monkeypatch.setattr(proving, "judge", lambda: nullcontext(Judge()))
    _night()
    assert running.of(JANUARY).state == "done"  # type: ignore[union-attr]


def _night() -> int:
    """Do what a night makes due to be issued, as a worker does; return the jobs that took."""
    with transaction():
        running.nightly()
    jobs = 0
    waits = select(Outbox.id).where(Outbox.kind == "issue", Outbox.done_at.is_(None)).order_by(Outbox.turn, Outbox.id)
    while ids := list(db.session.execute(waits).scalars()):
        for outbox_id in ids:
            work.run(outbox_id)
            jobs += 1
    return jobs
