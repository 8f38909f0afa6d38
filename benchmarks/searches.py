"""The one search among 1,000,000 registrations: some hundred questions, each asked once, by an agent and by a manager.

Beside the time that passes stands the processors' own, the program's and that of its connection's process: on a machine that
does other things as well, only the latter tells of the search.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from statistics import quantiles
from typing import NamedTuple
from urllib.parse import quote

from sqlalchemy import func, select

from app.extensions import db
from app.models import Centre, Document, Person, Registration
from tests.conftest import PASSWORD

from . import bases
from .table import note

#: What is asked of the 95th percentile, over all questions of one person.
MOST_MILLISECONDS = 50
#: Registrations the questions are made of, spread over the whole table.
ASKED_OF = 40
#: The centre whose manager asks: it holds a good part of the registrations.
SIRET = "12345678200010"

Question = tuple[str, str]


class Taken(NamedTuple):
    """Milliseconds that passed, and those of the processors."""

    passed: float
    spent: float


def questions(count: int = ASKED_OF) -> Iterator[Question]:
    """Yield what is typed, with its kind: all that a registration may be looked for by, of this many registrations."""
    last = db.session.scalar(select(func.max(Registration.id))) or 0
    own = select(Registration.id).join(Registration.centre).where(Centre.siret == SIRET).order_by(Registration.id)
    wanted = [*range(last // (count // 2), last, last // (count // 2)), *islice(db.session.scalars(own), 7, None, 997)]
    for one in islice(db.session.scalars(select(Registration).where(Registration.id.in_(wanted[:count]))), count):
        yield from _of(one)


def _of(one: Registration) -> Iterator[Question]:
    driver = one.driver
    born = f"{driver.birth_date:%d/%m/%Y}"
    number = select(Document.number).where(Document.registration_id == one.id, Document.kind == "certificate")
    yield "a name", one.last_name
    yield "a first name", one.first_name
    yield "two letters", one.last_name[:2]
    yield "both names", f"{one.last_name} {one.first_name}"
    yield "a name nobody has", f"{one.last_name}zz"
    yield "a birth date", born
    yield "a name and a birth date", f"{one.last_name} {born}"
    yield "a permit", driver.permit_number
    yield "a permit's beginning", driver.permit_number[:5]
    yield "a certificate", db.session.scalar(number) or ""
    yield "a receipt", one.batch.receipt_number or ""
    yield "an order number", one.order_number
    yield "a SIRET", one.centre.siret
    address = db.session.scalar(select(Person.email).where(Person.id == driver.person_id))
    yield "a mail address", address or "personne@exemple.fr"


def show(base: bases.Base, who: str) -> None:
    """Print p50 and p95 of each kind of question, and of all of them: milliseconds of server time of the whole page."""
    times: dict[str, list[Taken]] = {}
    with bases.by_owner(base).app_context():
        asked = list(questions())
        db.session.remove()
    with base.app.app_context():
        server = server_process()
        db.session.remove()
    client = base.app.test_client()
    client.reads_plain = False  # tests alone read answers so
    client.post("/login/", data={"username": who, "password": PASSWORD})
    for _, text in asked[:14]:
        client.get(f"/recherche/?q={quote(text)}")
    gc.collect()
    for kind, text in asked:
        start, spent = time.perf_counter(), processor_seconds(server)
        status = client.get(f"/recherche/?q={quote(text)}").status_code
        taken = Taken((time.perf_counter() - start) * 1000, (processor_seconds(server) - spent) * 1000)
        times.setdefault(kind, []).append(taken)
        assert status in (200, 302), (text, status)
    for kind, some in times.items():
        print(f"search by {kind:26} {who.partition('@')[0]:13} {_told(some)}", flush=True)
    every = [one for some in times.values() for one in some]
    mark = "" if _share([one.passed for one in every], 95) < MOST_MILLISECONDS else "   MISSED"
    note(f"{bases.title(base)}, {who.partition('@')[0]}: {len(every)} searches, {_told(every)}{mark}")


def server_process() -> int:
    """Return the process that answers this connection, 0 where the base is this process's own."""
    if db.engine.dialect.name != "postgresql":
        return 0
    return int(db.session.scalar(select(func.pg_backend_pid())) or 0)


def processor_seconds(server: int) -> float:
    """Return the seconds of processor that this process and the base's have taken so far."""
    told = Path(f"/proc/{server}/schedstat")
    return time.process_time() + (int(told.read_text().split()[0]) / 1e9 if server and told.exists() else 0)


def _told(taken: list[Taken]) -> str:
    passed, spent = ([getattr(one, name) for one in taken] for name in ("passed", "spent"))
    told = [
        f"{_share(of, 50):6.1f} ms, p95 {_share(of, 95):6.1f} ms, longest {max(of):6.1f} ms" for of in (passed, spent)
    ]
    return f"p50 {told[0]}   of processor {told[1]}"


def _share(taken: list[float], percent: int) -> float:
    return quantiles(taken, n=100, method="inclusive")[percent - 1]
