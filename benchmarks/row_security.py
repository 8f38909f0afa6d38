"""What row-level security costs: the same work as the owner of the tables and as the application's role, side by side.

Run: `python -m benchmarks.row_security [lines]`. Each figure is the median of the rounds, the two bases taking turns.
"""

from __future__ import annotations

import logging
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from statistics import median
from time import perf_counter
from unittest.mock import patch

import structlog
from flask.testing import FlaskClient
from sqlalchemy import text

from app.extensions import db
from app.models import Batch
from app.services.core import actor
from app.services.registration import analysis, confirm, report
from tests.backends import Postgres, PostgresRole
from tests.conftest import PASSWORD
from tests.support import centre_id, draft, many, person_id

ROUNDS, SMALL = 9, 10
MANAGER = "gestionnaire@demo.example"


class Side:
    """One base with a large registered batch, a large draft with remarks, and a manager signed in."""

    def __init__(self, base: Postgres, lines: int) -> None:
        self.base, self.at = base, 0
        with base.app.app_context():
            actor.be(actor.PROGRAM)
            self.by = actor.centre(person_id(), centre_id())
            self._name()
            done = draft(*many(lines))
            analysis.check(done)
            start = perf_counter()
            confirm.register(done, person_id())
            self.large = perf_counter() - start
            self.draft = draft(*many(lines))
            analysis.check(self.draft)
            self.key, self.receipt = (db.session.get_one(Batch, id_).key for id_ in (self.draft, done))
            db.session.execute(text("SELECT 1"))
            db.session.commit()
        self.browser: FlaskClient = base.app.test_client()
        self.browser.post("/login/", data={"username": MANAGER, "password": PASSWORD})

    def _name(self) -> None:
        actor.be(self.by)

    def register(self) -> float:
        """Return the seconds that registering a few drivers nobody knows takes."""
        with self.base.app.app_context():
            self._name()
            self.at += 1
            rows = [{**row, "permit_number": f"9{self.at:04d}{n:07d}"} for n, row in enumerate(many(SMALL))]
            batch_id, person = draft(*rows), person_id()
            analysis.check(batch_id)
            start = perf_counter()
            confirm.register(batch_id, person)
            return perf_counter() - start

    def report(self) -> float:
        """Return the seconds that a page in the middle of the report takes."""
        with self.base.app.app_context():
            self._name()
            batch = db.session.get_one(Batch, self.draft)
            start = perf_counter()
            report.page(batch, report.Filter(), 40)
            return perf_counter() - start

    def page(self, address: str) -> float:
        """Return the seconds that a page takes, as a request."""
        start = perf_counter()
        assert self.browser.get(address).status_code == 200, address
        return perf_counter() - start


def main(lines: int) -> None:
    """Print a line a kind of work."""
    logging.disable(logging.WARNING)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    with tempfile.TemporaryDirectory() as folder, patch("app.services.core.outbox.ring"):
        places = [Path(folder) / name for name in ("owner", "role")]
        for place in places:
            place.mkdir()
        sides = [Side(kind(place), lines) for kind, place in zip((Postgres, PostgresRole), places, strict=True)]
        _say(f"registering {lines:,} lines (once)", *(side.large for side in sides))
        work: dict[str, Callable[[Side], float]] = {
            f"registering {SMALL} lines": Side.register,
            f"a page of the report of {lines:,} lines": Side.report,
            "the same as a request": lambda side: side.page(f"/sessions/{side.key}/controle?page=40"),
            "the receipt, as a request": lambda side: side.page(f"/sessions/{side.receipt}/recu?page=40"),
            f"the centre's {lines:,} registrations, as a request": lambda side: side.page("/mes-enregistrements/list/"),
        }
        for name, act in work.items():
            times = [[act(side) for side in sides] for _ in range(ROUNDS)]
            _say(name, *(median(column) for column in zip(*times, strict=True)))
        for side in sides:
            side.base.close()


def _say(name: str, owner: float, role: float) -> None:
    print(f"{name:48} owner {owner * 1e3:8.1f} ms   role {role * 1e3:8.1f} ms   ratio {role / owner:.2f}", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 2_000)
