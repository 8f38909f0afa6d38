"""Reading by pages while others register: nothing missed, nothing twice, whenever they began and whenever they commit."""

from __future__ import annotations

import os
import random
import threading
import time
from collections import Counter
from collections.abc import Sequence
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select, text

from app.extensions import db
from app.models import Registration
from app.models.api import OF_REGISTRATION
from app.services.api import changes, lists, reading
from app.services.api.lists import Page, Question
from app.services.core import actor
from app.services.core.dialect import on_postgresql
from app.services.core.transaction import transaction
from tests.bases import EVERY, on_both
from tests.support import MARIE, centre_id, registered

BACKENDS = EVERY
EACH_VALUE = True
#: LIST_ROWS=100000 for a long run.
ROWS = int(os.environ.get("LIST_ROWS", "10000"))
WRITERS, CHUNK = 4, 250

_LINES = """
WITH RECURSIVE lines (at) AS (SELECT 1 UNION ALL SELECT at + 1 FROM lines WHERE at < :count)
INSERT INTO batch_line (batch_id, number, reference, order_number, training_label, category, end_date, first_name,
    last_name, birth_date, permit_number, rank, remarks, not_text, group_key, set_aside)
SELECT b.batch_id, 10 + lines.at, '', '', '', '', '', '', '', '', '', 2, '', '', '', b.set_aside
FROM batch_line b, lines WHERE b.batch_id = :batch AND b.number = 1
"""
_ROWS = """
INSERT INTO registration (batch_id, line_number, centre_id, driver_id, training_id, accreditation_id, end_date, last_name,
    first_name, reference, order_number, price, vat_rate, registered_on, withheld)
SELECT r.batch_id, l.number, r.centre_id, r.driver_id, r.training_id, r.accreditation_id, r.end_date, r.last_name,
    r.first_name, '', r.order_number, r.price, r.vat_rate, r.registered_on, r.withheld
FROM registration r JOIN batch_line l ON l.batch_id = r.batch_id AND l.number > 10
WHERE r.batch_id = :batch AND r.line_number = 1
    AND NOT EXISTS (SELECT 1 FROM registration o WHERE o.batch_id = l.batch_id AND o.line_number = l.number)
"""


def batch_of_one() -> int:
    """Return the id of a registered batch, whose one line is copied by the writers."""
    return registered(MARIE).id


def write(batch_id: int, count: int, rng: random.Random) -> None:
    """Add registrations to a batch in one transaction, which is in no hurry to commit."""
    with transaction():
        first = db.session.scalar(
            text("SELECT max(number) FROM batch_line WHERE batch_id = :batch"), {"batch": batch_id}
        )
        db.session.execute(text(_LINES.replace("10 +", f"{max(first, 10)} +")), {"batch": batch_id, "count": count})
        db.session.execute(text(_ROWS), {"batch": batch_id})
        # On SQLite whoever waits here holds up everybody.
        time.sleep(rng.choice((0, 0, 0.02, 0.1)) if on_postgresql() else rng.choice((0, 0.002)))


@pytest.fixture(autouse=True)
def _bare(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let pages tell of each registration its id and instant alone: it is which they are that is looked at."""

    def describe(_centre_id: int, ids: Sequence[int]) -> list[dict[str, Any]]:
        at = changes.instants(OF_REGISTRATION, ids)
        return [{"id": id_, "updated_at": at[id_]} for id_ in ids]

    monkeypatch.setattr(reading, "registrations", describe)


def follow(centre: int, question: Question) -> list[dict[str, Any]]:
    """Return what one reading gives, from its question to the page that has no next."""
    found: list[dict[str, Any]] = []
    page = Page(centre, {}, question)
    while True:
        answer = lists.registrations(page)
        found += answer["items"]
        if answer["next"] is None:
            return found
        page = Page(centre, {}, question, changes.decode(OF_REGISTRATION, centre, answer["next"]).place)


def start(app: Flask, *doings: Any) -> list[threading.Thread]:
    """Begin to do things, each in a thread of its own; what one raises is kept on it."""

    def run(doing: Any) -> None:
        with app.app_context():
            actor.be(actor.PROGRAM)
            try:
                doing()
            except BaseException as error:
                raised.append(error)
            finally:
                db.session.remove()

    raised: list[BaseException] = []
    threads = [threading.Thread(target=run, args=(doing,)) for doing in doings]
    for thread in threads:
        thread.raised = raised  # type: ignore[attr-defined]
        thread.start()
    return threads


def test_nothing_is_missed_and_nothing_comes_twice(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lists, "PAGE", 1000 if ROWS > 50_000 else 150)
    centre = centre_id()
    batches = [batch_of_one() for _ in range(WRITERS)]
    db.session.commit()

    def writer(number: int) -> None:
        rng = random.Random(number)
        for _ in range(ROWS // WRITERS // CHUNK):
            write(batches[number], CHUNK, rng)

    threads = start(app, *(lambda number=number: writer(number) for number in range(WRITERS)))
    seen: Counter[int] = Counter()
    last, readings, over = None, 0, False
    while not over:
        over = not any(thread.is_alive() for thread in threads)  # then one reading more
        rows = follow(centre, Question(updated_since=last))
        assert len({row["id"] for row in rows}) == len(rows), "twice in one reading"
        # Going on from the instant of the last one, those of that instant come again; nothing else does.
        seen.update(row["id"] for row in rows if row["updated_at"] != last or row["id"] not in seen)
        assert [row["updated_at"] for row in rows] == sorted(row["updated_at"] for row in rows)
        last, readings = rows[-1]["updated_at"] if rows else last, readings + 1
    for thread in threads:
        thread.join()
        assert not thread.raised  # type: ignore[attr-defined]
    db.session.rollback()
    every = set(db.session.execute(select(Registration.id)).scalars())
    assert len(every) == ROWS // WRITERS // CHUNK * CHUNK * WRITERS + WRITERS
    assert seen.keys() == every, "missed"
    assert set(seen.values()) == {1}, "twice"
    assert readings >= 2


@on_both
def test_who_began_first_and_commits_last_is_not_lost(app: Flask) -> None:
    """The slow one has written before, the quick one commits before: the reader has passed the quick one already."""
    centre, slow, quick = centre_id(), batch_of_one(), batch_of_one()
    db.session.commit()
    [before] = [follow(centre, Question())]
    if not on_postgresql():
        return  # one writer at a time: the quick one waits
    written, go_on = threading.Event(), threading.Event()

    def take_long() -> None:
        with transaction():
            db.session.execute(text(_LINES), {"batch": slow, "count": 3})
            db.session.execute(text(_ROWS), {"batch": slow})
            written.set()
            go_on.wait(20)

    [thread] = start(app, take_long)
    assert written.wait(20)
    write(quick, 2, random.Random(2))
    passed = follow(centre, Question(updated_since=before[-1]["updated_at"]))
    assert len(passed) >= 2, "what is committed is told at once, whoever else is at work"
    go_on.set()
    thread.join()
    after = follow(centre, Question(updated_since=passed[-1]["updated_at"]))
    slow_ones = db.session.execute(
        select(Registration.id).where(Registration.batch_id == slow, Registration.line_number > 10)
    )
    assert {row["id"] for row in after} >= set(slow_ones.scalars())
    assert len(follow(centre, Question())) == db.session.scalar(select(func.count()).select_from(Registration))
