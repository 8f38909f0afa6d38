"""A country's month invoiced in one night by the real program on PostgreSQL: time of each step, memory, the wait at screens.

Run: python -m benchmarks.month [centres [registrations]]
"""

from __future__ import annotations

import contextlib
import logging
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from statistics import quantiles
from typing import Any

import structlog
from sqlalchemy import func, select, text

from app.extensions import db
from app.models import Deposit, Invoice, InvoiceRun, Outbox
from app.models.billing.invoices import ISSUED
from app.models.outbox import INVOICES, NIGHTLY
from app.services.core import outbox
from app.services.core.transaction import transaction
from tests.e2e.conftest import Program, start_program
from tests.faults.person import PASSWORD, Person
from tests.support import statements

from . import bases, crowd
from .table import note

#: Asked (billing.md, volumes): the whole run in minutes; screens' p95 meanwhile, times what they take of an idle program.
MINUTES, SLOWER = 20, 1.3
FIRST, TODAY = date(2022, 1, 1), "2022-02-03"
WARM_SECONDS, IDLE_SECONDS = 15, 30
AGENT, MANAGER = "agent@demo.example", "gestionnaire@demo.example"
SCREENS = {
    AGENT: (
        "/tableau-de-bord/",
        "/centres/list/",
        "/enregistrements/list/",
        "/facturation/",
        "/recherche/?q=centre 12",
    ),
    MANAGER: ("/tableau-de-bord/", "/sessions/", "/mes-enregistrements/list/", "/mes-conducteurs/list/", "/imports/"),
}

#: Screens of money, opened once the month is through: what each asks of the base, and the milliseconds it takes.
AFTERWARDS = (
    "/facturation/?mois=2022-01",
    "/facturation/",
    "/facturation/plateforme/",
    "/comptabilite/?mois=2022-01",
    "/comptabilite/rapprochement/?mois=2022-01",
    "/encaissements/",
    "/encaissements/retards/",
    "/a-traiter/",
)


@dataclass
class Screens:
    """Two people who open screens, one after the other, and what each screen took, in milliseconds."""

    url: str
    taken: list[float] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    _over: threading.Event = field(default_factory=threading.Event)

    @contextlib.contextmanager
    def opened(self) -> Iterator[None]:
        """Have them open screens for as long as the block lasts; raise `AssertionError` where one was refused."""
        people = [threading.Thread(target=self._open, args=(who,)) for who in SCREENS]
        for one in people:
            one.start()
        yield
        self._over.set()
        for one in people:
            one.join()
        assert not self.failures, self.failures[:3]

    def _open(self, who: str) -> None:
        address = "/login/"
        try:
            person = Person(self.url, who)
            for address in SCREENS[who]:  # once for a program that has just begun
                person.get(address.replace(" ", "%20"))
            while not self._over.is_set():
                for address in SCREENS[who]:
                    start = time.perf_counter()
                    person.get(address.replace(" ", "%20"))
                    self.taken.append((time.perf_counter() - start) * 1000)
                    self._over.wait(0.1)
        except Exception as error:
            self.failures.append(f"{address}: {error!r}")

    @property
    def p95(self) -> float:
        """Return the milliseconds within which 95 screens of 100 were there."""
        return quantiles(self.taken, n=20)[-1]


class Memory:
    """The most that a program's processes held together, and the largest of them alone, in MB, looked at twice a second."""

    def __init__(self, root: int) -> None:
        self.together = self.largest = 0.0
        self._root, self._over = root, threading.Event()
        self._watch = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> Memory:
        self._watch.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._watch.join()

    def _look(self) -> None:
        while not self._over.wait(0.5):
            held = [held for pid in _family(self._root) if (held := _held(pid))]
            self.together = max(self.together, sum(held))
            self.largest = max(self.largest, max(held, default=0.0))


def _family(root: int) -> list[int]:
    """Return a process and all that descend from it."""
    found = [root]
    for pid in found:
        with contextlib.suppress(OSError):
            for task in Path(f"/proc/{pid}/task").iterdir():
                found += map(int, (task / "children").read_text().split())
    return found


def _held(pid: int) -> float:
    """Return the megabytes of a process, pages shared with others counted in parts; 0 of one that is gone."""
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) / 1024
    return 0.0


def fill(centres: int, registrations: int) -> None:
    """Give so many centres their lines of January, a third of them under two order numbers, and all they are billed with."""
    crowd.fill(crowd.Size(centres, max(100, registrations // 2), registrations, lines=5, evenly=True))
    for statement in (
        "UPDATE registration SET registered_on = date '2022-01-01' + id % 31,"
        " order_number = CASE WHEN centre_id % 3 = 0 AND batch_id % 3 = 0 THEN 'CMD B' ELSE 'CMD A' END",
        "UPDATE registration SET search_order = order_number",
        "INSERT INTO billing_profile (centre_id, name, siret, vat_number, street, extra, postcode, city, e_address,"
        " service_required, engagement_required, payment_days, accounts_email, confirmed_siret, updated_at, updated_by_id)"
        " SELECT id, name, '80000000200019', 'FR11800000002', '1 rue du Port', '', '69001', 'Lyon', '800000002', false, false,"
        " 30, 'comptes.' || id || '@exemple.fr', '80000000200019', now(), (SELECT min(id) FROM ab_user) FROM centre"
        " WHERE id NOT IN (SELECT centre_id FROM billing_profile)",
    ):
        db.session.execute(text(statement))
    db.session.commit()


def counted() -> dict[str, int]:
    """Return how many invoices of the month there are, issued, filed and deposited."""
    one = select(func.count()).select_from(Invoice).where(Invoice.period_start == FIRST)
    ways = {
        "drafts": one, "issued": one.where(Invoice.state == ISSUED), "filed": one.where(Invoice.path.is_not(None)),
        "deposited": select(func.count()).select_from(Deposit).where(Deposit.state != "waiting"),
    }  # fmt: skip
    return {name: db.session.scalar(query) or 0 for name, query in ways.items()}


def run(base: bases.Base, folder: Path, centres: int, registrations: int) -> None:
    """Fill the base, have the program invoice the month, and say what it took."""
    with base.app.app_context():
        fill(centres, registrations)
    bases.let_go(base)
    folder.mkdir()
    program = start_program(folder, DATABASE_URL=base.app.config["SQLALCHEMY_DATABASE_URI"], TODAY=TODAY)
    try:
        _measure(base, program)
    finally:
        program.stop()


def _measure(base: bases.Base, program: Program) -> None:
    fresh, idle, busy = Screens(program.url), Screens(program.url), Screens(program.url)
    with fresh.opened():  # each process compiles its pages and statements once
        time.sleep(WARM_SECONDS)
    with idle.opened():
        time.sleep(IDLE_SECONDS)
    with base.app.app_context(), Memory(program.process.pid) as memory, busy.opened():
        with transaction():
            outbox.add(NIGHTLY, [{"task": INVOICES}])
        reached = _followed()
    whole = max(reached.values())
    for name, seconds in reached.items():
        note(f"{name:10} {seconds:6.0f} s after the night began")
    note(f"whole run {whole / 60:.1f} min (asked {MINUTES}), {_issued(base) / whole:.1f} invoices a second")
    note(f"memory: {memory.together:.0f} MB together, the largest process {memory.largest:.0f} MB")
    with base.app.app_context():
        # As autovacuum does within the minute; not every server for tests has it on.
        db.session.execute(text("ANALYZE"))
        db.session.commit()
        _afterwards(base)
    ratio = busy.p95 / idle.p95
    note(f"screens' p95: {idle.p95:.0f} ms idle, {busy.p95:.0f} ms meanwhile: {ratio:.2f} (asked {SLOWER})")


def _followed() -> dict[str, float]:
    """Return the seconds after which each step was through, once nothing of the month waits any more."""
    start, reached = time.monotonic(), {}
    while True:
        run_of = db.session.scalars(select(InvoiceRun)).first()
        now: dict[str, Any] = counted()
        waits = db.session.scalar(select(func.count()).where(Outbox.done_at.is_(None), Outbox.kind != "mail"))
        db.session.rollback()
        seconds = time.monotonic() - start
        if run_of is not None and run_of.state != "building":
            reached.setdefault("built", seconds)
        for name in ("issued", "filed", "deposited"):
            if now["drafts"] and now[name] >= now["drafts"]:
                reached.setdefault(name, seconds)
        if "issued" in reached and not waits:
            return {**reached, "all done": seconds}
        note(f"{seconds:5.0f} s: {now}, {waits} rows wait")
        time.sleep(5)


def _afterwards(base: bases.Base) -> None:
    client = base.app.test_client()
    client.post("/login/", data={"username": AGENT, "password": PASSWORD})
    for address in AFTERWARDS:
        client.get(address)
        with statements() as asked:
            start = time.perf_counter()
            status = client.get(address).status_code
        note(f"{(time.perf_counter() - start) * 1000:6.0f} ms {len(asked):3} queries {status} {address}")


def _issued(base: bases.Base) -> int:
    with base.app.app_context():
        return counted()["issued"]


def main(centres: int = 2_000, registrations: int = 30_000) -> None:
    """Measure one month."""
    logging.disable(logging.WARNING)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    with tempfile.TemporaryDirectory() as folder, bases.opened(Path(folder)) as opened:
        for base in opened:
            if base.name == "postgresql":
                run(base, Path(folder) / "month", centres, registrations)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
