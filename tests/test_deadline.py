"""The deadline's day proves what it says: a loss, a double and a silent mail are found; its profile is the one it names."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import delete, select

from app.extensions import db
from app.models import Document, Mail
from benchmarks.deadline import day, proof
from benchmarks.deadline.book import Book, Receipt
from tests.support import drain, many, registered

SIZE = day.Size(registrations=1_000, seconds=800, clients=20)


@pytest.fixture
def told(app: Any) -> Receipt:
    """Register three drivers by hand, their documents drawn, and return what the client was told."""
    batch = registered(*many(3))
    drain()
    permits = tuple(line["permit_number"] for line in many(3))
    return Receipt(day.HAND, batch.key, str(batch.receipt_number), permits)


def test_what_was_promised_and_stands_holds(told: Receipt) -> None:
    found = proof.of([told])
    assert (found.registrations, found.acknowledged, found.documents, found.holds) == (3, 3, 6, True)
    assert proof.left() == 0


def test_a_registration_that_is_not_there_is_lost(told: Receipt) -> None:
    more = replace(told, permits=(*told.permits, "999999999999"))
    found = proof.of([more])
    assert (found.lost, found.astray, found.holds) == (1, 1, False)


def test_a_driver_registered_twice_is_doubled_though_nobody_was_told(told: Receipt) -> None:
    registered(many(3)[0])
    drain()
    found = proof.of([told])
    assert (found.doubled, found.lost, found.holds) == (1, 0, False)


def test_a_receipt_that_names_another_number_leads_astray(told: Receipt) -> None:
    assert not proof.of([replace(told, number="RE-22-00000-00000")]).holds
    assert proof.of([replace(told, number="", door=day.API)]).holds


def test_a_document_that_is_not_drawn_is_missing(told: Receipt) -> None:
    document = db.session.scalars(select(Document).limit(1)).one()
    document.state = "pending"
    db.session.commit()
    found = proof.of([told])
    assert (found.missing, found.holds, proof.left()) == (1, False, 1)


def test_a_mail_that_was_not_sent_is_found(app: Any) -> None:
    marie = {**many(1)[0], "first_name": "Marie", "last_name": "MARTIN", "birth_date": "12/04/1985"}
    batch = registered({**marie, "permit_number": "850492100123"})
    drain()
    told = Receipt(day.HAND, batch.key, str(batch.receipt_number), ("850492100123",))
    assert (proof.of([told]).mails, proof.of([told]).holds) == (1, True)
    db.session.execute(delete(Mail))
    db.session.commit()
    assert (proof.of([told]).unmailed, proof.of([told]).holds) == (1, False)


def test_four_in_ten_come_in_the_last_eighth_and_every_line_once() -> None:
    acts = list(day.acts(SIZE))
    rush = sum(act.count for act in acts if act.moment >= SIZE.seconds * 7 / 8)
    assert abs(rush - 400) <= 50
    lines = sorted(at for act in acts for at in range(act.first, act.first + act.count))
    assert lines == list(range(1_000))
    assert {act.door for act in acts} == {day.HAND, day.FILE, day.API}


def test_a_worker_is_killed_each_minute_and_the_last_restarts_fall_into_the_rush() -> None:
    faults = day.faults(SIZE)
    assert [one.moment for one in faults if one.what == day.WORKER] == [60 * at for at in range(1, 14)]
    for what in (day.BASE, day.QUEUE):
        moments = [one.moment for one in faults if one.what == what]
        assert len(moments) == 3
        assert SIZE.seconds * 7 / 8 <= moments[-1] < SIZE.seconds


def test_a_failure_that_says_no_sentence_of_ours_is_kept() -> None:
    book = Book()
    book.failed(day.HAND, 503, "<p>Le service ne peut pas répondre pour le moment.</p>")
    book.failed(day.HAND, 500, "Traceback (most recent call last):")
    book.failed(day.API, 502, "Bad gateway")
    assert [one[:3] for one in book.dumb] == ["500", "502"]
    assert sum(book.failures.values()) == 3
