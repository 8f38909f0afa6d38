"""Three centres whose every row bears a secret word of theirs, with their people, drivers, files, documents, mails and keys."""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from flask import Flask
from flask_appbuilder import Model
from sqlalchemy import select
from werkzeug.security import generate_password_hash

from app import models, roles
from app.extensions import db
from app.models import Batch, Centre, Document, Driver, Membership, MembershipRight, Person, Registration
from app.models.centre import LEGAL_REPRESENTATIVE, MANAGER, RIGHTS
from app.models.trainer import REGISTERED, TRAINER
from app.services.amendments import acts, orders
from app.services.amendments import requests as correction_requests
from app.services.amendments.acts import Who
from app.services.api import keys as api_keys
from app.services.api import webhooks
from app.services.api.keys import NewKey
from app.services.core import actor, clock
from app.services.drivers import account_invitations
from app.services.imports import intake
from app.services.journal import record as journal
from app.services.registration import analysis, confirm, drafts
from app.validators.remark import HEADERS
from tests.conftest import PASSWORD
from tests.corpus import builders
from tests.payments import making as payments
from tests.support import drain, training_id

from .rows import make_rows

#: The word every row of a centre bears, and the SIRET the centre has.
WORDS = {"ZALPHA": "11111111100001", "ZBRAVO": "22222222200002", "ZCHARLY": "33333333300003"}
#: A driver whom every centre has registered, under a name of its own.
SHARED = {"birth_date": "03/03/1983", "permit_number": "750123456789", "first_name": "Commun"}
#: What is in the rows of all centres: a search for it must find one's own only.
COMMON = "Commun"


@dataclass
class House:
    """A centre: its word, its people's addresses, a key of its own, the row that each argument of an address names."""

    word: str
    id: int = 0
    legal: str = ""
    manager: str = ""
    driver: str = ""
    key: str = ""
    named: dict[str, Any] = field(default_factory=dict)
    #: Keys and numbers that only the centre's own people come across.
    numbers: set[str] = field(default_factory=set)


def build(app: Flask) -> list[House]:
    """Fill a fresh demonstration base; what no centre of ours has is the demonstration centre's."""
    actor.be(actor.PROGRAM)
    others = make_rows(app).named
    houses = [_build(app, word, siret, others) for word, siret in WORDS.items()]
    drain()
    for house in houses:
        _name_documents(house)
    db.session.commit()
    return houses


def _build(app: Flask, word: str, siret: str, others: dict[str, Any]) -> House:
    house = House(word, named=dict(others))
    for part in (_centre, _batches, _corrections, _file, _access, _trainer, _reports, _money):
        part(app, house, siret)
        db.session.commit()
    return house


def _person(app: Flask, word: str, name: str, role: str) -> Person:
    person = Person(
        username=f"{name}.{word.lower()}@mail.example", email=f"{name}.{word.lower()}@mail.example", active=True,
        first_name=f"{word.title()}prenom", last_name=f"{word}{name.upper()}",
        password=generate_password_hash(PASSWORD, method=app.config["FAB_PASSWORD_HASH_METHOD"]),
        roles=[app.appbuilder.sm.find_role(role)],  # type: ignore[attr-defined]
    )  # fmt: skip
    db.session.add(person)
    db.session.flush()
    return person


def _centre(app: Flask, house: House, siret: str) -> None:
    """Make the centre with its contract, accreditations, representative and manager."""
    word = house.word
    centre = Centre(
        name=f"Centre {word}", siret=siret, address=f"1 rue {word}", email=f"contact@{word.lower()}.example",
        chorus_service=word, is_public=True,
    )  # fmt: skip
    db.session.add(centre)
    db.session.flush()
    legal, manager = _person(app, word, "legal", roles.CENTRE), _person(app, word, "manager", roles.CENTRE)
    since = date(2020, 1, 1)
    contract = models.ServiceContract(
        centre_id=centre.id, version=word, state="signed", signed_on=since, signed_by_id=legal.id, signer_name=word,
        signer_quality=word, text=f"Texte {word}", text_sha256="0" * 64, reason=word,
    )  # fmt: skip
    accreditation = models.Accreditation(
        centre_id=centre.id, authority=f"Préfet {word}", number=f"AG-{word}", valid_from=since,
        trainings=list(db.session.execute(select(models.Training)).scalars()),
    )  # fmt: skip
    suspension = models.Suspension(accreditation=accreditation, starts_on=since, ends_on=since, reason=word)
    rights = [MembershipRight(right=right, granted_at=clock.now()) for right in RIGHTS]
    rights[0].all_accreditations, rights[0].accreditations = False, [accreditation]
    places = [
        Membership(centre_id=centre.id, person=legal, role=LEGAL_REPRESENTATIVE),
        Membership(centre_id=centre.id, person=manager, role=MANAGER, rights=rights),
    ]
    db.session.add_all([contract, accreditation, suspension, *places])
    db.session.flush()
    journal.record(
        "test.word", "centre", centre.id, actor_id=legal.id, centre_id=centre.id, after={"w": word}, reason=word
    )
    house.id, house.legal, house.manager = centre.id, legal.username, manager.username
    house.named |= {
        "centre": centre.id, "contract": contract.id, "accreditation": accreditation.id, "suspension": suspension.id,
        "membership": places[1].id, "person": manager.id, "account": manager.id,
    }  # fmt: skip


def _line(word: str, at: int, **more: str) -> dict[str, str]:
    return {
        "reference": f"REF{word}", "order_number": f"CMD{word}", "last_name": f"{word}{'ABC'[at]}", "first_name": "Commun",
        "birth_date": f"0{at + 1}/02/1980", "permit_number": f"{word}00{at}".ljust(12, "0"), **more,
    }  # fmt: skip


def _draft(house: House, *lines: dict[str, str]) -> int:
    manager = _id(house.manager)
    batch_id = drafts.start(house.id, manager).id
    drafts.choose_training(batch_id, training_id(), "07/01/2022")
    drafts.add_rows(batch_id, lines)
    return batch_id


def _corrections(_app: Flask, house: House, _siret: str) -> None:
    """Cancel a registration, and ask an agent to cancel another."""
    who = Who(_id(house.manager))
    lines = [_line(house.word, at, permit_number=f"{house.word}77{at}".ljust(12, "0")) for at in range(2)]
    batch_id = _draft(house, *lines)
    analysis.check(batch_id)
    confirm.register(batch_id, who.person_id)
    rows = db.session.execute(select(Registration).where(Registration.batch_id == batch_id).order_by(Registration.id))
    wrong, doubted = rows.scalars()
    asked = correction_requests.ask(orders.order(doubted, "other", house.word), who)
    acts.amend(orders.order(wrong, "other", house.word), who)
    house.named |= {"correction": asked.id, "correction_key": asked.key}


def _batches(app: Flask, house: House, _siret: str) -> None:
    """Register drivers, one with an account and one whom every centre knows; leave a draft that is ready."""
    word = house.word
    account = _person(app, word, "driver", roles.DRIVER)
    own = Driver(
        last_name=f"{word}A", first_name="Commun", birth_date=date(1980, 2, 1), permit_number=f"{word}000".ljust(12, "0"),
        person_id=account.id,
    )  # fmt: skip
    db.session.add(own)
    db.session.commit()
    done = _draft(house, _line(word, 0), _line(word, 1), {**_line(word, 2), **SHARED, "last_name": f"{word}C"})
    analysis.check(done)
    confirm.register(done, _id(house.manager))
    drain()
    account_invitations.invite(done, 2, f"invite@{word.lower()}.example", _id(house.manager))
    ready = _draft(house, {**_line(word, 2), "permit_number": f"{word}999000"})
    analysis.check(ready)
    rows = db.session.execute(select(Registration.id).where(Registration.batch_id == done)).scalars().all()
    house.driver = account.username
    house.named |= {
        "registered": db.session.get_one(Batch, done).key, "draft": db.session.get_one(Batch, ready).key,
        "registration": rows[0], "withheld": rows[1], "driver": own.id,
    }  # fmt: skip


def _file(_app: Flask, house: House, _siret: str) -> None:
    """Send a file that holds an error."""
    word = house.word
    row = [
        "REF" + word,
        "CMD" + word,
        "FIMO Marchandises",
        "Marchandises",
        "07/01/2022",
        "Commun",
        f"{word}D",
        "31/02/1980",
        word,
    ]
    content = builders.xlsx(list(HEADERS.values()), row)
    batch = intake.receive(house.id, _id(house.manager), f"{word}.xlsx", io.BytesIO(content))
    drain()
    house.named["import"] = batch.key


def _access(_app: Flask, house: House, siret: str) -> None:
    """Subscribe to the API: a key, an address for webhooks with a message, an invitation to a manager."""
    legal = _id(house.legal)
    api_keys.subscribe(house.id, legal)
    house.key = api_keys.issue(siret, NewKey(house.word, ("read", "analyse", "register")))
    endpoint, _ = webhooks.create(house.id, legal, f"https://{house.word.lower()}.example/", ["documents.available"])
    now = clock.now()
    db.session.add(models.AskingAlert(centre_id=house.id, day=clock.today(), at=now))
    delivery = models.WebhookDelivery(
        centre_id=house.id, endpoint_id=endpoint, message_id=f"msg_{house.word}", event="webhook.test", body=house.word,
        created_at=now, started_at=now, state="given_up", last_error=house.word,
    )  # fmt: skip
    invited = models.MemberInvitation(
        centre_id=house.id, email=f"futur@{house.word.lower()}.example", nonce=house.word, token_hash=house.word,
        created_at=now, sent_at=now, expires_at=now + timedelta(days=7), invited_by_id=legal,
    )  # fmt: skip
    db.session.add_all([delivery, invited])
    db.session.flush()
    house.named |= {
        "key": api_keys.keys(house.id)[0].id, "endpoint": endpoint, "delivery": delivery.id, "invitation": invited.id,
    }  # fmt: skip


def _trainer(_app: Flask, house: House, _siret: str) -> None:
    """Register the driver with an account as a trainer, who asks for a card on both grounds."""
    word, now = house.word, clock.now()
    about: dict[str, Any] = {
        "centre_id": house.id, "created_by_id": _id(house.manager), "profile": TRAINER, "created_at": now, "updated_at": now,
        "last_name": f"{word}A", "first_name": "Commun", "birth_date": date(1980, 2, 1),
        "permit_number": f"{word}000".ljust(12, "0"), "email": f"formateur@{word.lower()}.example", "goods": True,
        "reference": word,
    }  # fmt: skip
    done = models.Trainer(
        **about, state=REGISTERED, driver_id=house.named["driver"], fee_borne=False, registered_at=now,
        registered_on=clock.today(), registered_by_id=_id(house.manager), receipt_number=f"RE-22-{word}",
    )  # fmt: skip
    open_draft = models.Trainer(**about)
    card = models.CardRequest(
        driver_id=house.named["driver"], registration_id=house.named["registration"], payer="holder", street=f"1 {word}",
        city=word, last_name=f"{word}A", first_name="Commun", birth_date=date(1980, 2, 1), permit_number=word, created_at=now,
        updated_at=now,
    )  # fmt: skip
    card.events = [models.CardEvent(state="draft", at=now, reason=word)]
    db.session.add_all([done, open_draft, card])
    db.session.flush()
    agent = _id("agent@demo.example")
    for about_row in ({"registration_id": house.named["registration"]}, {"trainer_id": done.id}):
        db.session.add(models.Decision(**about_row, outcome="kept", actor_id=agent, at=now, reason=word))
    house.named |= {
        "trainer": done.key, "trainer_id": done.id, "trainer_draft": open_draft.key, "card": card.key, "card_sent": card.key,

    }  # fmt: skip


def _reports(_app: Flask, house: House, _siret: str) -> None:
    """Let the driver report an error, note a look-alike, and ask an agent to cancel the trainer's right."""
    now, registration = clock.now(), house.named["registration"]
    report = models.ErrorReport(
        registration_id=registration, person_id=_id(house.driver), said_at=now, said={"last_name": house.word}, text=house.word
    )  # fmt: skip
    look_alike = models.LookAlike(registration_id=registration, found_on=clock.today())
    right = models.TrainerCancellation(
        trainer_id=house.named["trainer_id"], reason_code="other", reason=house.word, asked_at=now,
        asked_by_id=_id(house.manager),
    )  # fmt: skip
    db.session.add_all([report, look_alike, right])


def _money(_app: Flask, house: House, _siret: str) -> None:
    """Say how the centre is billed, set a ceiling, and draft an invoice with one charge."""
    word, now, today, registration = house.word, clock.now(), clock.today(), house.named["registration"]
    price, vat = Decimal("25.34"), Decimal("5.07")
    draft = models.Invoice(
        centre_id=house.id, period_start=today.replace(day=1), period_end=today, order_number=f"CMD{word}", net=price, vat=vat,
        total=price + vat, built_at=now,
    )  # fmt: skip
    db.session.add_all([
        draft,
        models.BillingProfile(
            centre_id=house.id, name=word, street=f"1 {word}", postcode="75001", city=word, updated_at=now,
            updated_by_id=_id(house.legal),
        ),
        models.BillingTerritory(centre_id=house.id, valid_from=today, territory=""),
        models.OrderBudget(centre_id=house.id, order_number=f"CMD{word}", ceiling=Decimal("1000.00")),
        models.OrderOverride(registration_id=registration, order_number=f"AUTRE{word}", by_id=_id(house.legal), at=now),
    ])  # fmt: skip
    db.session.flush()
    of_draft: dict[str, Any] = {"invoice_id": draft.id}
    db.session.add_all([
        models.InvoiceLine(
            **of_draft, position=1, label=word, unit_price=price, vat_rate=Decimal(20), category="S", amount=price, quantity=1
        ),
        models.InvoiceVat(**of_draft, category="S", rate=Decimal(20), base=price, vat=vat),
        models.InvoiceItem(
            **of_draft, registration_id=registration, root_id=registration, amount=price, vat_rate=Decimal(20),
            registered_on=today,
        ),
        models.Deposit(
            **of_draft, attempt=1, platform="simulated", tracking_id=f"{word}/1", sha256="0" * 64, last_error=word, made_at=now,
            changed_at=now, state="failed",
        ),
        models.InvoiceEvent(
            **of_draft, code="210", happened_at=now, received_at=now, text=word, platform="simulated", platform_event_id=word
        ),
        models.Dunning(**of_draft, level=1, day=today, at=now, due=price, interest=Decimal("0.01")),
        models.DunningPause(**of_draft, until=today, reason=word, by_id=_id(house.legal), at=now),
    ])  # fmt: skip
    paid = payments.allocation(
        "10.00", draft.id, entry=payments.entry(debtor_name=word, remittance=word, centre_id=house.id)
    )
    shared = {"allocation_id": paid.id, "invoice_id": draft.id, "rate": Decimal(20)}
    db.session.add(models.AllocationVat(**shared, amount=Decimal("10.00"), vat=Decimal("1.67")))


def _name_documents(house: House) -> None:
    certificate = db.session.execute(
        select(Document).where(Document.registration_id == house.named["registration"], Document.kind == "certificate")
    ).scalar_one()
    house.named |= {"document": certificate.id, "certificate": certificate.number}
    lent = models.LentView(
        token_hash=house.word.ljust(64, "0"), person_id=_id(house.driver), document_id=certificate.id, created_at=clock.now(),
        until=clock.today(),
    )  # fmt: skip
    db.session.add(lent)
    db.session.flush()
    db.session.add(models.LentLook(view_id=lent.id, looked_at=clock.now()))
    batches = select(Batch).where(Batch.centre_id == house.id)
    for batch in db.session.execute(batches).scalars():
        house.numbers |= {batch.key, batch.receipt_number or batch.key}
    of_centre = Document.registration.has(Registration.centre_id == house.id)
    house.numbers |= set(db.session.execute(select(Document.number).where(of_centre)).scalars())


def _id(email: str) -> int:
    return db.session.execute(select(Person.id).where(Person.username == email)).scalar_one()


def rows_of(house: House) -> dict[str, list[Any]]:
    """Return every row of the tables that have a column for the centre: table → rows, to compare before and after."""
    tables = [table for table in Model.metadata.tables.values() if "centre_id" in table.c]
    return {
        table.name: [tuple(row) for row in db.session.execute(select(table).where(table.c.centre_id == house.id))]
        for table in tables
    }


__all__ = ["COMMON", "WORDS", "House", "build", "rows_of"]
