"""Numbers without gap or double while three workers issue and are killed at any moment, on both bases.

A short share runs each time; `INVOICE_KILLS=long` issues 2,000 drafts under 25 kills at least.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from datetime import date

from flask import Flask
from sqlalchemy import func, insert, select

from app.extensions import db
from app.models import BatchLine, Invoice, InvoiceItem, InvoiceSeries, Outbox, Registration
from app.models.batch import new_key
from app.services.billing import holding, lines
from app.services.core import clock
from app.services.invoicing import invariants
from config import ROOT
from tests.bases import BOTH
from tests.support import centre_id, many, registered

from .making import all_issued

BACKENDS = BOTH
IS_LONG = os.environ.get("INVOICE_KILLS") == "long"
DRAFTS, KILLS, WORKERS = (2_000, 25, 3) if IS_LONG else (40, 3, 3)


def made(count: int) -> None:
    """Write so many drafts of January, each of one registration: rows alone, as a build of many centres leaves them."""
    registered(*many(1))
    model = db.session.execute(select(Registration)).scalars().one()
    columns = {
        c.key: getattr(model, c.key) for c in Registration.__table__.columns if c.key not in ("id", "line_number")
    }
    kept = {name: value for name, value in columns.items() if not name.startswith("search_")}
    rows = [{**kept, "order_number": f"CMD {at:05d}"} for at in range(count)]
    _lines(model.batch_id, rows)
    ids = list(db.session.execute(insert(Registration).returning(Registration.id), rows).scalars())
    drafts = [
        {
            "key": new_key(), "centre_id": centre_id(), "period_start": date(2022, 1, 1), "period_end": date(2022, 1, 31),
            "order_number": f"CMD {at:05d}", "built_at": clock.now(), "net": 0, "vat": 0, "total": 0, "held_reason": "",
            "state": "draft", "kind": "invoice",
        }
        for at in range(count)
    ]  # fmt: skip
    made_ids = list(db.session.execute(insert(Invoice).returning(Invoice.id), drafts).scalars())
    charge = {"training_id": model.training_id, "amount": model.price, "vat_rate": model.vat_rate}
    items = [
        {**charge, "invoice_id": draft, "registration_id": id_, "root_id": id_, "registered_on": model.registered_on}
        for draft, id_ in zip(made_ids, ids, strict=True)
    ]
    db.session.execute(insert(InvoiceItem), [{**one, "round": 1, "credit": False} for one in items])
    lines.restate(made_ids)
    holding.complete(made_ids)
    db.session.commit()


def _lines(batch_id: int, rows: list[dict[str, object]]) -> None:
    """Give each registration a line of the batch."""
    first = db.session.execute(select(BatchLine).where(BatchLine.batch_id == batch_id)).scalars().one()
    kept = {c.key: getattr(first, c.key) for c in BatchLine.__table__.columns if c.key not in ("id", "number")}
    numbered = [{**kept, "number": at} for at in range(2, len(rows) + 2)]
    db.session.execute(insert(BatchLine), numbered)
    for at, row in enumerate(rows, 2):
        row["line_number"] = at


def worker(app: Flask, seed: int) -> subprocess.Popen[bytes]:
    """Start a worker."""
    url = app.config["SQLALCHEMY_DATABASE_URI"]
    command = [
        sys.executable,
        "-m",
        "tests.invoicing.issuing_child",
        url,
        str(app.config["DATA_DIR"]),
        str(seed),
        "2022-02-03",
    ]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment)


def test_three_workers_killed_at_any_moment_leave_no_gap_and_no_double(app: Flask) -> None:
    made(DRAFTS)
    chance, seed, killed = random.Random(7), 0, 0
    workers = [worker(app, seed := seed + 1) for _ in range(WORKERS)]
    count = select(func.count()).select_from(Invoice).where(Invoice.state == "issued")
    end, step = time.monotonic() + (1800 if IS_LONG else 300), max(1, DRAFTS // (KILLS + 2))
    try:
        while any(one.poll() is None for one in workers):
            assert time.monotonic() < end, "the run does not end"
            db.session.rollback()
            if killed < KILLS and (db.session.scalar(count) or 0) >= (killed + 1) * step:
                at = chance.choice([at for at, one in enumerate(workers) if one.poll() is None])
                workers[at].send_signal(signal.SIGKILL)
                workers[at].wait()
                killed += 1
                workers[at] = worker(app, seed := seed + 1)
            time.sleep(chance.uniform(0.005, 0.05))
    finally:
        for one in workers:
            one.kill()
            one.wait()
    assert all(one.returncode == 0 for one in workers)
    assert killed == KILLS
    found = all_issued()
    assert sorted(one.number or 0 for one in found) == list(range(1, DRAFTS + 1))
    series = db.session.execute(select(InvoiceSeries)).scalars().one()
    assert (series.last_number, series.last_issued_on) == (DRAFTS, date(2022, 2, 3))
    due = [
        row.payload["invoice"]
        for row in db.session.execute(select(Outbox).where(Outbox.kind == "invoice_file")).scalars()
    ]
    assert sorted(due) == sorted(one.id for one in found)
    broken = {one.code: rows for one in invariants.CHECKS if (rows := one.breaches())}
    assert broken.keys() <= {"invoice.everything_billed"}  # the one registration that was the model of the others
