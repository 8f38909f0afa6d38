"""Lists, searches, forms and dashboards with 150,000 drivers and 1,000,000 registrations: SQL queries and server time a page.

Run: `python -m benchmarks.pages [--registrations 1000000] [--base sqlite] [--searches]`, the one search alone.
"""

from __future__ import annotations

import argparse
import gc
import logging
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import structlog
from flask.testing import FlaskClient
from sqlalchemy import select

from app.extensions import db
from app.models import Accreditation, Batch, Centre, Document, Driver, Registration
from tests.conftest import PASSWORD
from tests.support import statements

from . import bases, crowd, searches
from .table import note

MOST_QUERIES, MOST_MILLISECONDS = 25, 200
AGENT, MANAGER, DRIVER = "agent@demo.example", "gestionnaire@demo.example", "conducteur@demo.example"


@dataclass(frozen=True, slots=True)
class Page:
    """One page measured: whose it is, queries, milliseconds of server time (the best of some rounds)."""

    who: str
    address: str
    queries: int
    milliseconds: float

    @property
    def holds(self) -> bool:
        """Tell whether both limits hold."""
        return self.queries < MOST_QUERIES and self.milliseconds < MOST_MILLISECONDS


def addresses() -> dict[str, list[str]]:
    """Return person → addresses, with what a rare, a common and a senseless search ask."""
    driver = db.session.scalars(select(Driver).order_by(Driver.id.desc())).first()
    one = db.session.scalars(select(Registration).order_by(Registration.id.desc()).offset(5_000)).first()
    batch = db.session.scalars(select(Batch).where(Batch.state == "registered", Batch.mode == "file")).first()
    own = select(Batch.key, Batch.centre_id).join(Centre).where(Centre.siret == "12345678200010")
    key = db.session.execute(own.where(Batch.state == "registered").order_by(Batch.id.desc())).first()
    assert driver is not None
    assert one is not None
    assert batch is not None
    assert key is not None
    number = db.session.scalar(select(Document.number).where(Document.registration_id == one.id))
    centre = db.session.scalar(select(Centre.id).order_by(Centre.id.desc()))
    accreditation = db.session.scalar(select(Accreditation.id))
    words = [
        one.last_name, one.last_name[:2], one.first_name, f"{one.last_name} {one.first_name}", driver.permit_number,
        driver.permit_number[:3], one.order_number, "cmd", batch.receipt_number, number, "zzzzz", "cmd-000012 jean",
    ]  # fmt: skip
    born = f"{driver.birth_date:%d/%m/%Y}"
    found = [*words, born, f"{driver.last_name} {born}", "12345678200010", MANAGER]
    registrations = [
        "", *(f"_flt_0_words={word}" for word in words), "_flt_0_training=3", "_flt_0_mode=api",
        *(f"_flt_0_documents={state}" for state in ("preparation", "retenus", "sans-compte", "refuses", "revoques")),
        "_flt_0_since=01/03/2019&_flt_0_until=31/03/2019", "_flt_0_since=01/01/2022", "_flt_0_training=1&_flt_0_mode=api",
        "_flt_0_training=2&_flt_0_documents=revoques", f"_flt_0_words={one.first_name}&_flt_0_documents=retenus",
    ]  # fmt: skip
    return {
        AGENT: [
            "/tableau-de-bord/", "/a-traiter/", "/centres/list/", "/centres/list/?_flt_0_words=centre 12",
            f"/centres/show/{centre}", f"/centres/edit/{centre}", "/agrements/list/", f"/agrements/show/{accreditation}",
            f"/agrements/edit/{accreditation}", "/agrements/add", "/suspensions/add", "/contrats/list/", "/catalogue/list/",
            "/tarifs/list/", "/conducteurs/list/", f"/conducteurs/show/{driver.id}", f"/conducteurs/{driver.id}/identite",
            *(f"/conducteurs/list/?_flt_0_words={word}" for word in words[:6]), "/conducteurs/list/?_flt_0_account=non",
            "/conducteurs/list/?_oc_DriversView=permit_number&_od_DriversView=desc",
            *(f"/enregistrements/list/?{query}" for query in registrations),
            f"/enregistrements/list/?_flt_0_centre={centre}", f"/enregistrements/show/{one.id}",
            "/enregistrements/list/?_oc_RegistrationsView=last_name&_od_RegistrationsView=asc",
            "/enregistrements/list/?page_RegistrationsView=19", "/journal/list/",
            "/journal/list/?_flt_0_action=batch.registered", "/journal/list/?_flt_0_words=zzzzz",
            *(f"/journal/list/?_flt_0_words={word}" for word in (MANAGER, words[0], "le")), "/comptes/list/",
            *(f"/comptes/list/?_flt_0_words={word}" for word in (*words[:4], "exemple", "zzzzz", "Élise", "a")),
            "/comptes/list/?_flt_0_factor=non", "/comptes/list/?_flt_0_open=non", "/comptes/list/?page_AccountsView=19",
            "/comptes/list/?_oc_AccountsView=email&_od_AccountsView=desc", "/representants/list/", "/gestionnaires/list/",
            "/gestionnaires/list/?_flt_0_words=zzzzz", f"/centres/{centre}/personnes/", "/contrats/add",
            "/formateurs-et-moniteurs/list/", "/cartes/", "/exports/", *(f"/recherche/?q={word}" for word in found),
        ],
        MANAGER: [
            "/tableau-de-bord/", "/sessions/", "/imports/", "/mon-centre/", "/exports/",
            f"/sessions/{key.key}/recu", "/mes-conducteurs/list/",
            *(f"/mes-conducteurs/list/?_flt_0_words={word}" for word in words[:6]), "/mes-conducteurs/list/?_flt_0_account=oui",
            *(f"/mes-enregistrements/list/?{query}" for query in registrations),
            "/mes-enregistrements/list/?_oc_CentreRegistrationsView=last_name&_od_CentreRegistrationsView=asc",
            "/mes-enregistrements/list/?page_CentreRegistrationsView=19", *(f"/recherche/?q={word}" for word in found),
        ],
        DRIVER: ["/mon-espace/"],
    }  # fmt: skip


def measure(base: bases.Base, rounds: int = 5) -> Iterator[Page]:
    """Yield each page measured on a filled base, one request before to warm it up."""
    with bases.by_owner(base).app_context():
        wanted = addresses()
    for who, pages in wanted.items():
        client = base.app.test_client()
        client.post("/login/", data={"username": who, "password": PASSWORD})
        for address in pages:
            page = _measure(base, client, who, address, rounds)
            if page is not None:
                yield page


def _measure(base: bases.Base, client: FlaskClient, who: str, address: str, rounds: int) -> Page | None:
    times = []
    with base.app.app_context(), statements() as seen:
        status = client.get(address).status_code
    if status == 404:
        return None
    assert status in (200, 302), (who, address, status)  # one answer of a search leads to its page
    for _ in range(rounds):
        gc.collect()
        start = time.perf_counter()
        client.get(address)
        times.append((time.perf_counter() - start) * 1000)
    return Page(who.partition("@")[0], address, len(seen), min(times))


def main() -> None:
    """Fill the bases and print the pages, those that miss a limit marked."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.pages", description=__doc__)
    parser.add_argument("--registrations", type=int, default=1_000_000)
    parser.add_argument("--base", choices=list(bases.KINDS))
    parser.add_argument(
        "--searches", action="store_true", help="only the one search: p50, p95 of some hundred questions"
    )
    asked = parser.parse_args()
    logging.disable(logging.WARNING)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    size = crowd.Size(registrations=asked.registrations, drivers=max(100, asked.registrations * 15 // 100))
    with tempfile.TemporaryDirectory() as folder, bases.opened(Path(folder), asked.base or "", by_role=True) as opened:
        for base in opened:
            _run(base, size, searches_alone=asked.searches)


def _run(base: bases.Base, size: crowd.Size, *, searches_alone: bool) -> None:
    start = time.perf_counter()
    with bases.by_owner(base).app_context():
        crowd.fill(size)
        db.session.remove()
    note(f"{bases.title(base)}: {size.registrations:,} registrations in {time.perf_counter() - start:.0f} s")
    for who in (AGENT, MANAGER):
        searches.show(base, who)
    for page in () if searches_alone else measure(base):
        mark = "" if page.holds else "   MISSED"
        print(f"{page.who:13} {page.queries:3} queries {page.milliseconds:8.1f} ms  {page.address}{mark}", flush=True)


if __name__ == "__main__":
    main()
