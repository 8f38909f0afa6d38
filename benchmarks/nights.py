"""What each task of the night takes on a base: seconds, and the most memory of a process that does nothing else.

Alone on a base that is filled: `DATA_DIR=… DATABASE_URL=… TODAY=2022-01-10 python -m benchmarks.nights <task>`.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import date, timedelta
from unittest.mock import patch

from sqlalchemy import select, text

from app import create_app
from app.extensions import db
from app.jobs import work
from app.models import Outbox
from app.models.outbox import INVOICES, NIGHTLY
from app.services.billing import months
from app.services.core import actor, clock, outbox
from app.services.core.dialect import on_postgresql
from app.services.core.queue_job import JOB_TIMEOUT
from app.services.core.transaction import transaction
from config import ROOT, from_environment
from tests.backends import TODAY

from . import bases
from .worker import peak_mib

_BILLED = (
    "INSERT INTO invoice (key, centre_id, state, period_start, period_end, order_number, net, vat, total, held_reason,"
    " built_at) SELECT 'before' || id, id, 'draft', :first, :last, 'before', 0, 0, 0, '', :now FROM centre",
    "INSERT INTO invoice_item (invoice_id, registration_id, root_id, charge_round, training_id, amount, vat_rate,"
    " registered_on) SELECT i.id, r.id, r.id, 1, r.training_id, r.price, r.vat_rate, r.registered_on FROM registration r"
    " JOIN invoice i ON i.centre_id = r.centre_id AND i.order_number = 'before'"
    " WHERE r.registered_on < :month AND r.ledger_id IS NULL"
    " AND NOT EXISTS (SELECT 1 FROM invoice_item c WHERE c.root_id = r.id)",
)
#: Jobs of one task that are waited for: one that hands itself on more often is long, each of its jobs short.
MOST = 100


def told(base: bases.Base) -> Iterator[str]:
    """Yield a table of the tasks: how many jobs each took, the longest and all of them in seconds, peak memory in MiB."""
    yield f"A job may take {JOB_TIMEOUT} s; a task that needs more hands itself on."
    yield ""
    yield "| task | jobs | longest, s | all, s | peak, MiB |"
    yield "|---|---|---|---|---|"
    for task in sorted(work.TASKS, key=INVOICES.__eq__):  # last: what it bills behind is of this measure alone
        if task == INVOICES:
            with bases.by_owner(base).app_context():
                bill_before(months.before(clock.today()))
        one = alone(base, task)
        yield f"| {task} | {one['jobs']} | {one['longest']:.1f} | {one['seconds']:.1f} | {one['peak_mib']:.0f} |"


def bill_before(month: date) -> None:
    """Let a draft of each centre hold all that was registered before a month: the night bills one month, as every night of a
    register that has billed its months does, past the charges of all those before.
    """
    if on_postgresql():
        # Without triggers and foreign keys; what is written is not read again for each row that follows.
        db.session.execute(text("SET LOCAL session_replication_role = replica"))
        db.session.execute(text("SET LOCAL enable_nestloop = off"))
    first, last = month.replace(day=1), month.replace(day=1) - timedelta(days=1)
    values = {"first": last.replace(day=1), "last": last, "month": first, "now": clock.now()}
    for statement in _BILLED:
        db.session.execute(text(statement), values)
    db.session.commit()
    with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("ANALYZE"))


def alone(base: bases.Base, task: str) -> dict[str, float]:
    """Run a task in a process of its own, as a worker would, and return its figures."""
    url = base.app.config["SQLALCHEMY_DATABASE_URI"]
    env = {**os.environ, "DATA_DIR": str(base.folder), "DATABASE_URL": url, "TODAY": TODAY, "SECRET_KEY": "x" * 32}
    words = [sys.executable, "-m", "benchmarks.nights", task]
    done = subprocess.run(words, cwd=ROOT, env=env, stdout=subprocess.PIPE, check=True)
    return dict(json.loads(done.stdout.splitlines()[-1]))


def main() -> None:
    """Do one task of the night to its end, job by job, and print what it took; documents are on no disk: none is read."""
    task = sys.argv[1]
    quiet = (
        patch("app.services.core.outbox.ring"),
        patch("app.services.documents.integrity._fault", return_value=None),
    )
    with quiet[0], quiet[1], create_app(from_environment()).app_context():
        actor.be(actor.PROGRAM)
        with transaction():
            outbox.add(NIGHTLY, [{"task": task}])
        taken = list(_jobs(task))
        print(json.dumps({"jobs": len(taken), "longest": max(taken), "seconds": sum(taken), "peak_mib": peak_mib()}))


def _jobs(task: str) -> Iterator[float]:
    """Do the jobs of a task, and yield the seconds of each; another that was left before its end stays where it is."""
    undone = select(Outbox).where(Outbox.kind == NIGHTLY, Outbox.done_at.is_(None)).order_by(Outbox.id)
    for _ in range(MOST):
        due = [row.id for row in db.session.scalars(undone) if row.payload["task"] == task]
        if not due:
            return
        id_ = due[-1]
        began = time.perf_counter()
        work.run(id_)
        yield time.perf_counter() - began
        row = db.session.get_one(Outbox, id_, populate_existing=True)
        assert row.done_at is not None, f"{row.payload}: {row.last_error}"
        db.session.rollback()


if __name__ == "__main__":
    main()
