"""The acts of the demonstration's year, each by the service that does it for whoever acts on a screen or by API."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

from sqlalchemy import select

from app.extensions import db
from app.models import Batch, Centre, Driver, Outbox, Person, SignUp, Training
from app.models.batch import API, FILE
from app.models.outbox import ANALYSIS
from app.models.sign_up import SENT
from app.services.accounts import activation, identity, opening
from app.services.accounts import link as account_link
from app.services.api import gate, keys, registering
from app.services.core import clock, outbox
from app.services.core.transaction import transaction
from app.services.imports import analysing, confirmation, intake
from app.services.imports import desk as import_desk
from app.services.registration import analysis, confirm, drafts
from app.services.reporting import sheets
from app.validators.line import RawLine
from app.validators.remark import HEADERS

from .people import Trainee
from .plan import COURSES, DEMO, Session

MANAGER, NEIGHBOUR, LEGAL = "gestionnaire@demo.example", "voisin@demo.example", "representant@demo.example"
AGENT = "agent@demo.example"
#: Whose network the acts come from: an address that is nobody's (RFC 5737).
NETWORK = "192.0.2.10"
#: What the centre's software may do, and how it is called in the list of keys.
SCOPES, SOFTWARE = (keys.READ, keys.ANALYSE, keys.REGISTER), "Logiciel de planning"


@dataclass
class Desk:
    """What the acts of the year need again and again. ``key``: of the centre's software, once it has one."""

    centres: dict[str, int]
    people: dict[str, int]
    trainings: dict[tuple[str, str], int]
    key: str = ""

    def actor(self, siret: str) -> int:
        """Return who registers at a centre."""
        return self.people[MANAGER if siret == DEMO else NEIGHBOUR]


def desk() -> Desk:
    """Return the desk of the demonstration's centres."""
    centres = db.session.execute(select(Centre.siret, Centre.id)).tuples()
    people = db.session.execute(select(Person.username, Person.id)).tuples()
    trainings = db.session.execute(select(Training.label, Training.category, Training.id))
    return Desk(dict(centres.all()), dict(people.all()), {(label, category): id_ for label, category, id_ in trainings})


def subscribe(at: Desk) -> None:
    """Subscribe the centre to the API and give its software a key."""
    centre_id, person_id = at.centres[DEMO], at.people[LEGAL]
    keys.subscribe(centre_id, person_id)
    at.key = keys.create(centre_id, person_id, keys.NewKey(SOFTWARE, SCOPES))


def register(at: Desk, session: Session) -> Batch:
    """Register a session by its door and return its batch."""
    if session.door == API:
        return _by_api(at, session)
    return _by_file(at, session) if session.door == FILE else _by_hand(at, session)


def draft(at: Desk, session: Session) -> Batch:
    """Type a session by hand, as far as the second step."""
    centre_id, person_id = at.centres[session.siret], at.actor(session.siret)
    [course] = {line.course for line in session.lines}
    batch = drafts.start(centre_id, person_id)
    drafts.choose_training(batch.id, at.trainings[COURSES[course]], f"{session.end_date:%d/%m/%Y}", person_id)
    drafts.add_rows(batch.id, [_typed(session, line.trainee) for line in session.lines], person_id)
    return batch


def send(centre_id: int, person_id: int, name: str, lines: Sequence[Sequence[str]]) -> Batch:
    """Send a file, whose analysis waits, and return its batch."""
    content = io.BytesIO()
    sheets.write(sheets.XLSX, list(HEADERS.values()), lines, content)
    content.seek(0)
    return intake.receive(centre_id, person_id, name, content)


def analyse(batch: Batch) -> None:
    """Do at once what a worker would do with the file of a batch."""
    analysing.analyse(batch.id)
    with transaction():
        outbox.finish(analysis_of(batch))
    db.session.expire_all()


def analysis_of(batch: Batch) -> int:
    """Return the row of work by which the file of a batch is analysed."""
    query = select(Outbox).where(Outbox.kind == ANALYSIS, Outbox.done_at.is_(None)).order_by(Outbox.id.desc())
    return next(row.id for row in db.session.execute(query).scalars() if row.payload["batch"] == batch.id)


def driver_of(trainee: Trainee) -> Driver:
    """Return the register's row of a trainee."""
    driver = account_link.find(trainee.birth_date, trainee.permit_number)
    assert driver is not None, "registered before"
    return driver


def open_account(trainee: Trainee, password_hash: str) -> int:
    """Open the account of a person who proves nothing, and return the person's id.

    ``password_hash``: one of the demonstration's password, for hashing takes its time.
    """
    with transaction():
        row = SignUp(
            email=trainee.email,
            last_name=trainee.last_name,
            first_name=trainee.first_name,
            birth_date=trainee.birth_date,
            permit_number=trainee.permit_number,
            password_hash=password_hash,
            state=SENT,
            created_at=clock.now(),
        )
        db.session.add(row)
        db.session.flush()
        person_id: int = opening.open_account(row, None).id
    return person_id


def prove(at: Desk, trainee: Trainee, person_id: int, siret: str) -> None:
    """Prove an account by the code of a centre's receipt."""
    driver = driver_of(trainee)
    identity.prove(person_id, activation.code(driver.id, at.centres[siret], driver.code_series), NETWORK)


def _by_hand(at: Desk, session: Session) -> Batch:
    batch, person_id = draft(at, session), at.actor(session.siret)
    analysis.check(batch.id, person_id)
    confirm.register(batch.id, person_id)
    return batch


def _by_file(at: Desk, session: Session) -> Batch:
    centre_id, person_id = at.centres[session.siret], at.actor(session.siret)
    name = f"sessions-{session.end_date:%Y-%m}.xlsx"
    batch = send(centre_id, person_id, name, [_cells(session, *one) for one in _lines(session)])
    analyse(batch)
    file = import_desk.file_of(batch.id)
    assert file is not None
    confirmation.confirm(file, person_id)
    return batch


def _by_api(at: Desk, session: Session) -> Batch:
    lines = [
        RawLine(number, *_cells(session, course, trainee))
        for number, (course, trainee) in enumerate(_lines(session), 1)
    ]
    caller = gate.authenticate(at.key, NETWORK)
    gate.count_call(caller)
    sent = sha256(json.dumps(lines).encode()).hexdigest()
    answer = registering.register(caller, registering.Demand(f"planning-{sent[:16]}", sent, lines))
    return db.session.execute(select(Batch).where(Batch.key == answer["batch"])).scalar_one()


def _lines(session: Session) -> list[tuple[str, Trainee]]:
    return [(line.course, line.trainee) for line in session.lines]


def _typed(session: Session, trainee: Trainee) -> dict[str, str]:
    """Return a line of step 2 as it is typed."""
    return {
        "reference": session.reference,
        "order_number": session.order_number,
        "first_name": trainee.first_name,
        "last_name": trainee.last_name,
        "birth_date": f"{trainee.birth_date:%d/%m/%Y}",
        "permit_number": trainee.permit_number,
    }


def _cells(session: Session, course: str, trainee: Trainee) -> tuple[str, ...]:
    """Return a line of the file as it is typed."""
    typed = _typed(session, trainee)
    label, category = COURSES[course]
    end = f"{session.end_date:%d/%m/%Y}"
    return (typed["reference"], typed["order_number"], label, category, end, *list(typed.values())[2:])
