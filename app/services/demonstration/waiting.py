"""What waits in the demonstration: at the centre a draft and an import in error, for the agents one thing of each kind."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta

from sqlalchemy import select

from app.extensions import db
from app.models import Accreditation, Batch, CardRequest, Document, Mail, Registration
from app.models.amendment import NOT_ATTENDED, WRONG_NAME
from app.models.batch import MANUAL
from app.models.card import ACCEPTED, IN_REVIEW, PRODUCTION
from app.models.outbox import INVITATION_MAIL
from app.models.registration import RECAP
from app.models.trainer import TRAINER
from app.services.amendments import orders
from app.services.amendments import requests as corrections
from app.services.amendments.acts import Who
from app.services.cards import desk as card_desk
from app.services.cards import grounds as card_grounds
from app.services.cards import payment
from app.services.cards import requests as card_requests
from app.services.core import outbox
from app.services.core.transaction import transaction
from app.services.decisions import identity_checks
from app.services.documents import drawing, integrity
from app.services.drivers import account_invitations
from app.services.imports import analysing, uploads
from app.services.imports import desk as import_desk
from app.services.notifications import mail
from app.services.reference import writing
from app.services.registration import analysis
from app.services.rights import asking
from app.services.storage import pictures, store
from app.services.trainers import drafts as trainer_drafts
from app.services.trainers import registration as trainer_registration
from app.validators.trainer import NO, YES

from . import demonstration, doors, drawings, people, plan
from .doors import AGENT, LEGAL, MANAGER, Desk
from .people import Trainee
from .plan import COURSES, DEMO, GOODS, NEIGHBOUR, PASSENGERS

HOME = card_requests.Postal("", "14 rue des Charmettes", "69100", "VILLEURBANNE")
#: The code by which a mail server says that it knows no such mailbox.
NO_SUCH_MAILBOX = 550
#: Beyond, a limit of strangers a day is not passed for a show.
MOST_STRANGERS = 10_000
#: Days until the end of the accreditation that is to be renewed.
ENDS_IN = 40


@dataclass
class Year:
    """The year under way: its day, its desk, the batches that were registered, by centre and row of the plan.

    ``password_hash``: of the demonstration's password, made once.
    """

    today: date
    desk: Desk
    password_hash: str
    batches: dict[tuple[str, int], int] = field(default_factory=dict)

    def registration(self, back: int, siret: str = DEMO, line: int = 1) -> Registration | None:
        """Return a line of a receipt; None where it was not registered, as its day comes before the demonstration's."""
        query = select(Registration).where(
            Registration.batch_id == self.batches.get((siret, back), 0), Registration.line_number == line
        )
        return db.session.execute(query).scalar_one_or_none()

    def person(self, email: str) -> int:
        """Return one of the demonstration's people."""
        return self.desk.people[email]


def _about(back: int, siret: str = DEMO) -> Callable[[Callable[[Year, Registration], None]], Callable[[Year], None]]:
    """Let an act be about a registration of the plan, and none where there is none."""

    def with_registration(act: Callable[[Year, Registration], None]) -> Callable[[Year], None]:
        def run(year: Year) -> None:
            if (registration := year.registration(back, siret)) is not None:
                act(year, registration)

        return run

    return with_registration


def accreditation(year: Year) -> None:
    """Give the neighbour an accreditation that ends soon."""
    item = Accreditation()
    values = {
        "centre_id": year.desk.centres[NEIGHBOUR],
        "authority": "Préfet de la région Bretagne",
        "number": "FI-35-2020-031",
        "valid_from": demonstration.SINCE,
        "valid_to": year.today + timedelta(days=ENDS_IN),
        "trainings": [year.desk.trainings[COURSES["pass-v"]]],
    }
    writing.save(item, values, year.person(AGENT))


def trainer(year: Year) -> None:
    """Register a trainer whose card the centre pays."""
    _trainer(year, people.CHANTAL, GOODS, YES)


def withheld_trainer(year: Year) -> None:
    """Register a trainer under another name than the account's: an agent decides."""
    _trainer(year, people.NATHALIE.known_as("LEFÈVRE"), PASSENGERS, NO)


def _trainer(year: Year, who: Trainee, sector: str, fee_borne: str) -> None:
    person_id = year.person(LEGAL)
    row = trainer_drafts.start(year.desk.centres[DEMO], person_id, TRAINER)
    typed = {
        "first_name": who.first_name,
        "last_name": who.last_name,
        "birth_date": f"{who.birth_date:%d/%m/%Y}",
        "permit_number": who.permit_number,
        "email": who.email,
    }
    trainer_drafts.save_person(row, typed)
    trainer_drafts.save_terms(row, [sector], fee_borne, f"COM{year.today:%Y}" if fee_borne == YES else "", "")
    trainer_registration.register(row.id, row.version, person_id)


@_about(66)
def card_in_production(year: Year, registration: Registration) -> None:
    """Ask for a card that is in production by now."""
    request = _card(registration)
    for state in (IN_REVIEW, ACCEPTED, PRODUCTION):
        card_desk.act(request.id, state, year.person(AGENT))


@_about(66)
def card_to_stop(year: Year, registration: Registration) -> None:
    """Cancel the training that this card leans on: an agent has it stopped."""
    who = Who(year.person(MANAGER))
    asked = corrections.ask(orders.order(registration, NOT_ATTENDED, "Stagiaire absent le dernier jour."), who)
    corrections.accept(asked.id, year.person(AGENT), "Enregistrement annulé.")


@_about(27)
def card_to_examine(year: Year, registration: Registration) -> None:
    """Send a request for a card that nobody has looked at."""
    _card(registration)


def _card(registration: Registration) -> CardRequest:
    driver = registration.driver
    _draw(registration)
    request = card_requests.begin(driver, card_grounds.FORMATION, registration.id)
    card_requests.set_address(request, HOME)
    card_requests.set_picture(request, pictures.PHOTO, drawings.portrait())
    card_requests.set_picture(request, pictures.SIGNATURE, drawings.signature())
    card_requests.set_means(request, payment.Simulated.ACCEPTED)
    return card_requests.submit(request.id, driver.person_id or 0)


@_about(20)
def certificate(year: Year, registration: Registration) -> None:
    """Draw MARTIN Marie's certificate: her space holds it from the first moment on."""
    _draw(registration)


@_about(220, NEIGHBOUR)
def faulty_document(year: Year, registration: Registration) -> None:
    """Lose the file of a document, and look at the files as each night."""
    _draw(registration)
    query = select(Document.path).where(Document.registration_id == registration.id, Document.kind == RECAP)
    store.remove(str(db.session.scalar(query)))
    integrity.verify_all()


def _draw(registration: Registration) -> None:
    with transaction():
        drawing.draw([registration.id])


@_about(47)
def correction(year: Year, registration: Registration) -> None:
    """Ask for the correction of a name that was mistyped more than a week ago."""
    right = orders.as_typed(registration)._asdict() | {"last_name": "MARCHAND"}
    order = orders.order(registration, WRONG_NAME, "Deux lettres interverties à la saisie.", right)
    corrections.ask(order, Who(year.person(MANAGER)))


@_about(47)
def refused_invitation(year: Year, registration: Registration) -> None:
    """Invite a driver at an address that is no more."""
    address = f"{registration.first_name.lower()}@ancienne-messagerie.example"
    account_invitations.invite(registration.batch_id, registration.line_number, address, year.person(MANAGER))
    of_it = Mail.kind == INVITATION_MAIL, Mail.registration_id == registration.id
    with transaction():
        mail.refused(db.session.execute(select(Mail.id).where(*of_it)).scalar_one(), NO_SUCH_MAILBOX)


def identity_document(year: Year) -> None:
    """Open an account without a code, and send an identity document."""
    who = people.THIERRY
    person_id = doors.open_account(who, year.password_hash)
    card = drawings.identity_document(who.last_name, who.first_name, f"{who.birth_date:%d.%m.%Y}")
    identity_checks.send(person_id, card)


def strangers(year: Year) -> None:
    """Let the neighbour ask about more strangers than it may in a day."""
    limit = asking.limit_of_a_day()
    if 0 < limit <= MOST_STRANGERS:
        with transaction():
            asked = {(demonstration.SINCE, f"9{number:08d}") for number in range(limit + 1)}
            asking.count(year.desk.centres[NEIGHBOUR], asked)


def send_lost_file(year: Year) -> None:
    """Send a file that the disk has lost when its analysis begins."""
    centre_id, person_id = year.desk.centres[NEIGHBOUR], year.desk.actor(NEIGHBOUR)
    batch = doors.send(centre_id, person_id, "stagiaires-a-inscrire.xlsx", [("", "1400")])
    year.batches[NEIGHBOUR, -1] = batch.id
    file = import_desk.file_of(batch.id)
    assert file is not None
    uploads.remove(str(file.path))


def fail_lost_file(year: Year) -> None:
    """Fail at this analysis, as a worker does, and give it up: the row stays for the agents."""
    batch = db.session.get_one(Batch, year.batches[NEIGHBOUR, -1])
    work = outbox.claim(doors.analysis_of(batch))
    assert work is not None
    try:
        analysing.analyse(batch.id)
    except OSError as error:
        outbox.fail(work.id, error)
        with transaction():
            analysing.give_up(batch.id)


def draft(year: Year) -> None:
    """Leave a session by hand at its second step."""
    at = plan.at_work(year.today, 1, 16, 40)
    found = people.drawn(plan.lot(1), year.today)
    lines = tuple(plan.Line("fimo-v", next(found)) for _ in range(4))
    end = plan.working_day(year.today, 2)
    doors.draft(year.desk, plan.Session(DEMO, 1, at, MANUAL, end, f"COM{end:%Y%m}", lines))


def send_first_table(year: Year) -> None:
    """Send the first table of the reference document: six lines, five errors, one information."""
    end, later = year.today - timedelta(days=9), year.today + timedelta(days=10)
    head = f"REF{end:%Y%m%d}", f"COM{end:%Y%m}"
    lines = [(*head, *cells) for cells in _first_table(f"{end:%d/%m/%Y}", f"{later:%d/%m/%Y}")]
    batch = doors.send(year.desk.centres[DEMO], year.person(MANAGER), f"sessions-{end:%Y-%m}.xlsx", lines)
    doors.analyse(batch)
    year.batches[DEMO, -1] = batch.id


def _first_table(end: str, later: str) -> list[tuple[str, ...]]:
    return [
        ("FIMO Marchandises", GOODS, end, "PIERRE", "DUPONT", "01/01/1990", "82R987928"),
        ("FCO Complète", GOODS, end, "", "LEROY", "25/12/2002", "298795874"),
        ("Titre Professionnel CTCR", GOODS, end, "BENOIT", "VERTAPEN", "07/07/1987", "7555755556"),
        ("FIMO Voyageurs", PASSENGERS, later, "VINCENT", "PETIT", "20/10/1981", "22225465545"),
        ("FCO Complète", PASSENGERS, end, "11111", "BAELEN", "17/09/1949", "56656455656"),
        ("Passerelle Voyageurs", GOODS, end, "THOMAS", "RAIKONEN", "21/03/2020", "24453344634"),
    ]


def check_first_table(year: Year) -> None:
    """Check it again today: a file is kept for 30 days after it was last touched, by the real clock."""
    analysis.check(year.batches[DEMO, -1], year.person(MANAGER))
