"""Trainers and instructors registered: the legal act, done once, the notice it makes due, the rights it opens."""

from __future__ import annotations

from sqlalchemy import select, update
from sqlalchemy.orm import joinedload

from app.extensions import db
from app.models import Driver, Trainer
from app.models.centre import TRAINERS
from app.models.trainer import DRAFT, REGISTERED
from app.services.accounts import link as account_link
from app.services.accounts.link import Identity
from app.services.core import clock, numbers, outbox
from app.services.core.refusal import Refusal
from app.services.core.taking import taken
from app.services.core.transaction import transaction
from app.services.journal import record as journal
from app.services.reference import pricing
from app.services.registration import announced
from app.services.registration.announced import Told
from app.services.registration.confirm import Outcome
from app.services.rights import access
from app.validators.fields import name_key
from app.validators.stake import withholds
from app.validators.trainer import Person

from . import notices as trainer_notices
from .drafts import SUBJECT, Closed, judge


class Changed(Refusal):
    """The draft is not the one that was shown."""

    message = "Cette saisie a changé depuis que vous l’avez relue. Relisez-la avant d’enregistrer."


class HasErrors(Refusal):
    """The draft, judged again at confirmation, has an error: nothing was registered."""

    message = "Une nouvelle vérification a trouvé des erreurs. Rien n’a été enregistré : corrigez-les."


class NewFacts(Refusal):
    """Since the draft was shown, registering came to cost again or to withhold: nothing was done, once."""

    def __init__(self, who: str, before: Told, now: Told) -> None:
        if now.already > before.already:
            what = f"votre centre a déjà enregistré ce {who}"
        else:
            what = "cette personne est connue sous un autre nom"
        super().__init__(
            f"Rien n’a été enregistré ni facturé : depuis le contrôle que vous avez vu, {what}. "
            "Relisez les contrôles, puis confirmez de nouveau."
        )


def register(trainer_id: int, version: int, person_id: int, told: Told | None = None) -> Outcome:
    """Register the draft as it was shown (``version``) and return the receipt's number.

    ``told``: what the person was told of costs and of a right withheld. One already registered answers with its receipt.
    Raises `access.NotAllowed` (contract, right or accreditation gone), :class:`Changed`, :class:`HasErrors`,
    :class:`NewFacts`, `pricing.NoFee` or `trainer_drafts.Closed`.
    """
    with transaction(durable=True):
        # The conditional update comes first: it takes the lock, so that a twin waits here and then finds « registered ».
        won = taken(
            update(Trainer)
            .where(Trainer.id == trainer_id, Trainer.state == DRAFT, Trainer.version == version)
            .values(version=version + 1)
        )
        if not won:
            return _already(trainer_id)
        row = db.session.get_one(Trainer, trainer_id, populate_existing=True)
        access.require(person_id, row.centre_id, TRAINERS)
        announced.hold(row.centre_id)
        judged = judge(row)
        if judged.errors or judged.person is None:
            raise HasErrors
        if told is not None and not told.covers(judged.told):
            raise NewFacts(row.profile_name.lower(), told, judged.told)
        _write(row, judged.person, person_id)
        number = str(row.receipt_number)
    outbox.ring()
    return Outcome(number, is_new=True)


def _already(trainer_id: int) -> Outcome:
    row = db.session.get_one(Trainer, trainer_id, populate_existing=True)
    if row.state != REGISTERED:
        raise Changed if row.state == DRAFT else Closed
    return Outcome(str(row.receipt_number), is_new=False)


def _write(row: Trainer, person: Person, person_id: int) -> None:
    """Open the right: the driver it is for, its number, what is billed, the notice, the journal; no commit."""
    day = clock.today()
    if row.fee_borne:
        fee = pricing.fee_borne(day, row.centre_id)
        row.fee, row.vat_rate = fee.amount, fee.vat_rate
    driver = _driver(person)
    row.driver_id, row.withheld = driver.id, _disagrees(driver, person)
    row.receipt_number = numbers.public_number(numbers.TRAINER, day.year)
    row.registered_at, row.registered_on, row.registered_by_id = clock.now(), day, person_id
    row.state, row.updated_at = REGISTERED, clock.machine_now()
    db.session.flush()
    if not row.withheld:
        trainer_notices.make_due(row, row.email)
    journal.record(
        "trainer.registered",
        SUBJECT,
        row.id,
        actor_id=person_id,
        centre_id=row.centre_id,
        after={
            "receipt": row.receipt_number,
            "profile": row.profile,
            "fee": str(row.fee or 0),
            "withheld": row.withheld,
        },
    )


def _driver(person: Person) -> Driver:
    """Return the driver of this identity, locked, so that an account opened at this moment sees the name typed here."""
    return account_link.driver_or_new(
        Identity(person.last_name, person.first_name, person.birth_date, person.permit_number)
    )


def _disagrees(driver: Driver, person: Person) -> bool:
    """Tell whether the account bears another name: a mistyped permit number must not open a stranger's right."""
    account = name_key(driver.last_name, driver.first_name) if driver.has_account else None
    return withholds(account, person.last_name, person.first_name)


def rights_of(person_id: int) -> list[Trainer]:
    """Return the rights open to a signed-in person, with their centres, the latest first.

    One withheld for an agent's decision (the name typed is not the account's) is not among them.
    """
    query = (
        select(Trainer)
        .join(Trainer.driver)
        .options(joinedload(Trainer.centre))
        .where(Driver.person_id == person_id, Trainer.live(), Trainer.withheld.is_(False))
        .order_by(Trainer.registered_at.desc(), Trainer.id.desc())
    )
    return list(db.session.execute(query).scalars())
