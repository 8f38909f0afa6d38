"""A month's money in a browser, from what is registered to what is paid: each amount is the same wherever it is shown."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import facturx
import pytest
from flask import Flask
from playwright.sync_api import Page, expect
from sqlalchemy import select

from app.extensions import db
from app.models import Centre, Invoice, Outbox, Registration
from app.services.amendments import acts, orders
from app.services.amendments.acts import Who
from app.services.billing import profiles
from app.services.core import actor
from app.services.invoicing.proof import Prover
from app.services.proving import check
from app.services.registration import analysis, confirm, drafts
from tests.backends import create, settings
from tests.deposits.making import read
from tests.payments.statements import Move, statement
from tests.support import MARIE, centre_id, many, person_id, registered, registered_trainer, training_id
from tests.walls.world import House, _centre

from .conftest import Program, start_program
from .test_corrections import fits
from .test_story import pdf_text

pytestmark = pytest.mark.browser
AGENT, LEGAL = "agent@demo.example", "representant@demo.example"
NEIGHBOUR, ISLAND = "98765432400019", "73282932000074"
HOUR = timedelta(hours=1)


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    """Run a program of its own: it is the third of February, the night's bills are still to be issued."""
    running = start_program(tmp_path_factory.mktemp("month"), TODAY="2022-02-03")
    yield running
    assert running.stop() == 0


@contextmanager
def within(program: Program, today: str) -> Iterator[Flask]:
    """Act by the services on the program's base, on a day of one's own."""
    app = create(settings(program.folder, f"sqlite:///{program.folder / 'registre.db'}", TODAY=today))
    with app.app_context():
        actor.be(actor.PROGRAM)
        yield app
        db.session.remove()
        db.engine.dispose()


def registered_at(siret: str, by: int, label: str, order: str, *rows: dict[str, str]) -> None:
    """Register lines of a centre under an order number."""
    batch_id = drafts.start(centre_id(siret), by).id
    drafts.choose_training(batch_id, training_id(*label.split("/")), "07/01/2022")
    drafts.add_rows(batch_id, [{**row, "order_number": order} for row in rows])
    analysis.check(batch_id)
    confirm.register(batch_id, by)


def cancelled(order_number: str, *, agent: bool) -> None:
    """Cancel the last line of an order number: the centre in time, or an agent, who gives back what is invoiced."""
    row = db.session.execute(
        select(Registration).where(Registration.order_number == order_number).order_by(Registration.id.desc())
    ).scalars().first()  # fmt: skip
    assert row is not None
    who = Who(person_id(), person_id(AGENT) if agent else None, credit=True if agent else None)
    acts.amend(orders.order(row, "not_attended", "N’est pas venu"), who)


def january(program: Program) -> None:
    """Register a month: two order numbers of one centre, a borne fee, a public centre, one overseas; cancel a line."""
    with within(program, "2022-01-10") as app:
        people = many(8)
        registered(*({**row, "order_number": "ENG 2022"} for row in (MARIE, *people[:2])))
        registered(*({**row, "order_number": "SIMU-REFUS"} for row in people[2:4]))
        registered_trainer(order="ENG 2022")
        db.session.commit()
        cancelled("ENG 2022", agent=False)
        house = House("ZALPHA")
        _centre(app, house, ISLAND)
        island, neighbour = centre_id(ISLAND), centre_id(NEIGHBOUR)
        for one, values in (
            (island, {"street": "4 rue de Paris", "postcode": "97400", "city": "Saint-Denis", "siret": ISLAND}),
            (neighbour, {"street": "3 quai du Port", "postcode": "44000", "city": "Nantes", "siret": NEIGHBOUR}),
        ):
            centre = db.session.get_one(Centre, one)
            centre.is_public, centre.chorus_service = one == neighbour, ""
            db.session.flush()
            siren = values["siret"][:9]
            number = f"FR{(12 + 3 * (int(siren) % 97)) % 97:02}{siren}"
            typed = {**values, "service_required": one == neighbour, "e_address": siren, "vat_number": number}
            before = vars_of(profiles.values_of(centre, None))
            profiles.save(one, profiles.Values(**{**before, **typed}), person_id(AGENT), agent=True)
        db.session.commit()
        registered_at(ISLAND, person_id(house.manager), "FIMO Marchandises/Marchandises", "RUN 1", *people[4:5])
        registered_at(NEIGHBOUR, person_id("voisin@demo.example"), "FIMO Voyageurs/Voyageurs", "CHORUS 7", *people[5:7])


def vars_of(values: profiles.Values) -> dict[str, Any]:
    """Return the fields of a profile as it would be typed."""
    return {name: getattr(values, name) for name in profiles.Values.__dataclass_fields__}


def invoices(program: Program) -> dict[str, Invoice]:
    """Return what is issued by order number and kind, the last of each; credit notes under « avoir <order number> »."""
    with within(program, "2022-02-03"):
        rows = db.session.execute(select(Invoice).where(Invoice.state == "issued").order_by(Invoice.issued_at)).scalars()
        found = {("avoir " if row.kind == "credit_note" else "") + row.order_number: row for row in rows}
        db.session.expunge_all()
        return found


def told_by_the_platform(program: Program) -> None:
    """Let the program make files and deposits, then the platform's hours pass."""
    with within(program, "2022-02-03"):
        waits = select(Outbox.id).where(Outbox.done_at.is_(None), Outbox.kind.in_(("invoice_file", "deposit")))
        while db.session.execute(waits).first():
            db.session.rollback()
            # the worker of the program does it
        read(HOUR)


def euros(amount: object) -> str:
    """Write an amount as screens do."""
    return f"{amount:,.2f}".replace(",", "\u202f").replace(".", ",") + "\u00a0€"


def issue(page: Page, count: int) -> None:
    """Issue what nothing holds."""
    page.get_by_role("button", name="Émettre ce qui est prêt").click()
    page.get_by_role("dialog").get_by_role("button").last.click()
    expect(page.get_by_text(re.compile(r"F2022-\d{6}")).first).to_be_visible(timeout=90_000)
    expect(page.get_by_text(f"{count} émise").first).to_be_visible()


def test_from_a_month_s_registrations_to_what_is_paid(
    program: Program, new_person: Callable[..., Page], tmp_path: Path
) -> None:
    january(program)
    agent, legal = new_person(AGENT), new_person(LEGAL)

    agent.goto("/facturation/?mois=2022-01")
    agent.get_by_role("button", name="Construire les brouillons").click()
    expect(agent.get_by_text("Chorus exige un code service : il manque").first).to_be_visible()
    fits(agent)
    agent.get_by_role("row").filter(has_text="CHORUS 7").get_by_role("link").last.click()
    agent.get_by_label("Code service").fill("FORM-CONT")
    agent.get_by_role("button", name=re.compile("Enregistrer")).click()
    agent.goto("/facturation/?mois=2022-01")
    expect(agent.get_by_text("Chorus exige un code service")).to_have_count(0)
    agent.screenshot(path="/tmp/month1.png", full_page=True)
