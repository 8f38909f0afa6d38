"""Every screen, opened by each kind of person who may see it, at both widths: axe, keyboard, frame, French; forms sent empty.

Which screens there are, and who sees them, is told by the reviewed table of `tests/walls`: a new screen is looked at here
without a line to add, once its row is known there. An address that answers no page of its own needs its reason in `ASIDE`.
Agents, who see most, have a file of their own (`test_every_office_screen.py`): each of two workers takes one.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Response

from app.extensions import db
from app.models import Batch
from app.services.contracts import acts as contract_acts
from app.services.imports import intake
from app.services.registration import drafts
from tests.imports.importing import FIRST
from tests.support import MARIE, PIERRE, centre_id, draft, drain, person_id
from tests.walls import access, everybody
from tests.walls.rows import BODIES, Rows, make_rows

from .conftest import Program, sign_in, start_program
from .screen import Screens

pytestmark = pytest.mark.browser

#: Why an address that answers is no screen to look at.
ASIDE = {
    "a file": ("static", "appbuilder.static", "pages.robots", "*.export", "*.pdf", "*.image", "*.fetch", "*.annotated",
               "*.template", "*.slips", "*.picture", "DriverSpaceView.document", "lent.document",
               "InvoicesView.workbook"),
    "what programs read": ("health.healthz", "health.readyz", "offline.keys", "offline.service", "offline.manifest",
                           "offline.revocation_lists"),
    "a part that htmx puts into a screen looked at": ("*.state", "WebhooksView.deliveries"),
}  # fmt: skip
#: Forms that nothing need be typed into, by their screen and place, and why.
TAKEN_EMPTY = {
    "CorrectionsView.cell 0": "an empty cell is a cell like another, remarked in the report",
    "SessionsView.index 0": "the first choices are taken",
    "LendingView.index 0": "the first choices are taken",
    "MyPeopleView.member 0": "no right at all may be given",
    "CentrePeopleView.member 0": "no right at all may be given",
    "CorrectionDecisionsView.show 0": "an answer may be left out of an acceptance",
    "CardRequestView.pictures 0": "the pictures sent before are kept",
}
NOWHERE = "x" * 43
#: Beside the table: who sees which state, or which refusal. « {name} » is a row (`furnish`).
STATES = {
    "anonymous": (
        f"/inscription/{NOWHERE}", f"/mot-de-passe/{NOWHERE}", f"/adresse/{NOWHERE}", f"/invitation/{NOWHERE}",
        f"/partage/{NOWHERE}", "/verifier/CQ-22-00000-00000", "/nulle-part/",
    ),
    "driver": ("/sessions/", "/nulle-part/"),
    "manager": (
        "/sessions/{empty}/formation", "/sessions/{empty}/conducteurs", "/sessions/{empty}/controle",
        "/sessions/{faulty}/conducteurs", "/sessions/{faulty}/conducteurs?ligne=1", "/sessions/{faulty}/controle",
        "/imports/{report}", "/imports/{report}?gravite=erreurs", "/imports/{report}?gravite=informations",
        "/imports/{refused}", "/sessions/{draft}/conducteurs?ligne=1", "/a-traiter/", "/nulle-part/",
    ),
    "legal": (
        "/mon-centre/contrat/{offer}", "/factures/lignes/?seule=r{registration}", "/factures/lignes/?recu={registered}",
        "/nulle-part/",
    ),
    "agent": (
        "/facturation/?mois=2021-12", "/comptabilite/?mois=2022-01", "/comptabilite/rapprochement/?mois=2019-01",
        "/contrats/show/{offer}", "/comptes/list/?_flt_0_words=zzz", "/sessions/", "/nulle-part/",
        "/enregistrements/list/?_flt_0_since=31/02/2022&_flt_0_training=abc",
        "/imports-des-centres/show/{report_id}", "/imports-des-centres/show/{report_id}?gravite=erreurs",
        "/imports-des-centres/show/{refused_id}", "/imports-des-centres/list/?_flt_0_words=zzz",
    ),
}  # fmt: skip
#: A list that is not searched by words → what no row of it answers.
NOBODY = {"TariffsView.list": "_flt_0_on=01/01/1900", "VatRegimesView.list": "_flt_0_on=01/01/1900"}
WHO = [column for column in everybody.PEOPLE if column != "closed"]  # a closed account sees what everybody sees


@dataclass
class House:
    """A program on a base where every list, step and report has something to show."""

    program: Program
    addresses: dict[str, str]
    named: dict[str, object]

    def screens(self, who: str) -> Iterator[tuple[str, str]]:
        """Give name and address of every screen of a person."""
        column = list(everybody.PEOPLE).index(who)
        for line in access.SCREENS.read().values():
            endpoint, method, *answers = line.split()
            if method == "GET" and answers[column] == "200" and not is_aside(endpoint):
                assert endpoint in self.addresses, f"{endpoint} is in the table and not in the program"
                yield endpoint, self.addresses[endpoint]
                if endpoint.endswith(".list"):
                    yield (
                        f"{endpoint} without a row",
                        f"{self.addresses[endpoint]}?{NOBODY.get(endpoint, '_flt_0_words=zzz')}",
                    )
        for address in STATES.get(who, ()):
            yield address, address.format_map(self.named)


@dataclass
class Furnished:
    """A base: its file, the program's secret, the address of every screen, and the rows by name."""

    file: Path
    secret: str
    addresses: dict[str, str]
    named: dict[str, object]


def is_aside(endpoint: str) -> bool:
    """Tell whether an address answers no screen of its own."""
    _, _, name = endpoint.partition(".")
    return any({endpoint, f"*.{name}"} & set(names) for names in ASIDE.values())


def address_of(rows: Rows, endpoint: str) -> str:
    """Return the address of a screen, with the arguments that it needs."""
    rule = next(rule for rule in rows.app.url_map.iter_rules(endpoint) if "GET" in (rule.methods or ()))
    asked = BODIES.get(f"{endpoint} GET", {}).get("query_string", {})
    return rows.url(rule) + "".join(f"?{name}={value}" for name, value in asked.items())


def furnish(folder: Path) -> Furnished:
    """Make the rows of the table, and the states that it does not name."""
    with everybody.demonstration(folder) as (app, file):
        rows = make_rows(app)
        rows.named |= _states()
        drain()
        everybody.grant_all()
        asked = {line.split()[0] for line in access.SCREENS.read().values()}
        with app.test_request_context():
            known = {rule.endpoint for rule in app.url_map.iter_rules() if "GET" in (rule.methods or ())}
            addresses = {name: address_of(rows, name) for name in asked & known}
        return Furnished(file, app.config["SECRET_KEY"], addresses, rows.named)


def _states() -> dict[str, object]:
    """Make drafts, files and a contract as they stand on the way."""
    empty = drafts.start(centre_id(), person_id())
    wrong = {**PIERRE, "first_name": "", "birth_date": "31/02/1990"}, {**MARIE, "permit_number": "x"}
    faulty = db.session.get_one(Batch, draft(*wrong, MARIE, MARIE))
    files = {"report": FIRST, "refused": b"not a workbook"}
    received = {
        name: intake.receive(centre_id(), person_id(), "sessions.xlsx", io.BytesIO(content))
        for name, content in files.items()
    }
    offer = contract_acts.offer(centre_id(), "2", person_id("agent@demo.example"))
    keys = {name: batch.key for name, batch in {**received, "empty": empty, "faulty": faulty}.items()}
    return {**keys, "offer": offer.id, **{f"{name}_id": batch.id for name, batch in received.items()}}


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """Furnish a base and run a program on it."""
    folder = tmp_path_factory.mktemp("house")
    with ThreadPoolExecutor(1) as apart:  # sealing runs a loop of its own, which the thread of Playwright's may not
        furnished = apart.submit(furnish, folder).result()
    program = start_program(folder, DATABASE_URL=f"sqlite:///{furnished.file}", SECRET_KEY=furnished.secret)
    yield House(program, furnished.addresses, furnished.named)
    assert program.stop() == 0


@pytest.fixture(scope="module")
def screens() -> Screens:
    """Remember the shapes looked at, whoever saw them."""
    return Screens()


@pytest.fixture(scope="module")
def sent() -> set[str]:
    """Remember the forms sent, whoever sent them."""
    return set()


@pytest.fixture
def enter(browser: Browser, house: House) -> Iterator[Callable[[str], Page]]:
    """Open a browser for a kind of person: ``enter("agent")``."""
    contexts = []

    def act(who: str) -> Page:
        context = browser.new_context(base_url=house.program.url, locale="fr-FR", reduced_motion="reduce")
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: pytest.fail(f"script error on {page.url}: {error}"))
        if email := everybody.PEOPLE[who]:
            sign_in(page, email)
            page.wait_for_url(lambda url: "/login" not in url)
        return page

    yield act
    for context in contexts:
        context.close()


def is_page(answer: Response | None) -> bool:
    return answer is not None and "text/html" in answer.headers.get("content-type", "")


@dataclass
class Round:
    """One round of a kind of person through every screen: the house, the browser that enters, what was seen and sent before."""

    house: House
    enter: Callable[[str], Page]
    screens: Screens
    sent: set[str]

    def walk(self, who: str) -> None:
        """Look at each screen; each form is then sent empty: the answer says what is wrong, has the focus, and is a screen."""
        page = self.enter(who)
        forms: dict[str, tuple[str, int]] = {}
        for name, address in self.house.screens(who):
            answer = page.goto(address)
            assert is_page(answer), f"{name} answers no page: say in ASIDE why nobody looks at it"
            self.screens.look(page, f"{name} ({who}, {address})")
            forms |= {f"{name.partition(' ')[0]} {at}": (address, at) for at in range(self.screens.forms(page))}
        for form, (address, at) in forms.items():
            if form not in self.sent and form not in TAKEN_EMPTY:
                self.sent.add(form)
                page.goto(address)
                self.screens.send_empty(page, at, f"{form} ({who}, {address}) sent empty")
        assert not (complaints := self.screens.tell()), f"\n{complaints}"


@pytest.fixture
def rounds(house: House, enter: Callable[[str], Page], screens: Screens, sent: set[str]) -> Round:
    """Give what a round needs."""
    return Round(house, enter, screens, sent)


@pytest.mark.parametrize("who", [who for who in WHO if who != "agent"])
def test_every_screen_is_for_everybody(who: str, rounds: Round) -> None:
    rounds.walk(who)
