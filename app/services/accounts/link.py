"""The link between a driver's record and the account of its person: made by a proof, undone by an agent (decision 16)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from sqlalchemy import Select, or_, select, update
from sqlalchemy.orm import aliased

from app.extensions import db
from app.models import Document, Driver, IdentityClaim, IdentityCorrection, Registration, Trainer
from app.models.driver import standing
from app.models.registration import AVAILABLE, CERTIFICATE
from app.services.core import clock, dialect
from app.services.core.refusal import Refusal
from app.services.core.taking import taken
from app.services.core.transaction import transaction
from app.services.journal import record as journal
from app.services.notifications import certificate_mail
from app.validators.fields import NameKey, name_key


@dataclass(frozen=True, slots=True)
class Identity:
    """Who somebody says to be: values parsed by the rules' own parsers, the permit number normalised."""

    last_name: str
    first_name: str
    birth_date: date
    permit_number: str

    @property
    def values(self) -> dict[str, object]:
        """Return the columns that hold it, in a claim as in a driver's row."""
        return {name: getattr(self, name) for name in Identity.__slots__}


def link(claim: IdentityClaim, driver: Driver, proof: str, actor_id: int | None) -> None:
    """Make the driver the account's; every code made before is worthless from here on. No commit.

    ``actor_id``: the agent who decided, None where the person proved it alone.
    """
    agree = _key(claim).agrees(_key(driver))
    before = {"person": driver.person_id, "names_agree": agree}
    if not agree:
        driver.last_name, driver.first_name = claim.last_name, claim.first_name
    driver.person_id, driver.proof, driver.proved_at = claim.person_id, proof, clock.now()
    driver.code_series += 1
    db.session.flush()
    journal.record(
        "identity.proved",
        "driver",
        driver.id,
        actor_id=actor_id or claim.person_id,
        before=before,
        after={"person": claim.person_id, "proof": proof},
    )


def unlink(driver: Driver) -> None:
    """Take the driver's record from the account it had; no commit."""
    driver.person_id, driver.proof, driver.proved_at = None, "", None
    driver.code_series += 1
    db.session.flush()


def replace_codes(driver_id: int, actor_id: int) -> None:
    """Make every activation code and invitation of a driver worthless: receipts show new ones. An agent decides so."""
    with transaction():
        if not taken(update(Driver).where(Driver.id == driver_id).values(code_series=Driver.code_series + 1)):
            raise Refusal("Ce conducteur n’existe pas.")
        journal.record("identity.codes_replaced", "driver", driver_id, actor_id=actor_id)


def find(birth_date: date, permit_number: str) -> Driver | None:
    """Return the driver to whom this identity leads, be it their own or a former one; None where it leads to nobody."""
    return db.session.execute(_led_to(birth_date, permit_number)).scalar_one_or_none()


def driver_for(birth_date: date, permit_number: str) -> Driver | None:
    """Return the driver to whom this identity leads, locked for the transaction, or None."""
    query = _led_to(birth_date, permit_number).with_for_update().execution_options(populate_existing=True)
    driver = db.session.execute(query).scalar_one_or_none()
    if driver is not None and driver.same_as_id is not None:  # found to be another one while it was waited for
        driver = db.session.execute(query).scalar_one_or_none()
    return driver


def _led_to(birth_date: date, permit_number: str) -> Select[Driver]:
    known = aliased(Driver)
    own = select(standing(known)).where(known.birth_date == birth_date, known.permit_number == permit_number)
    return select(Driver).where(Driver.id == own.scalar_subquery())


def driver_or_new(identity: Identity) -> Driver:
    """Return the driver of this identity, written where nobody registered them yet, locked for the transaction.

    A centre that registers them at this moment shares the row.
    """
    dialect.insert_if_new(Driver, identity.values)
    driver = driver_for(identity.birth_date, identity.permit_number)
    assert driver is not None
    return driver


def known_names(driver_id: int) -> set[tuple[str, str]]:
    """Return every (last name, first name) the register has for a driver: its own and former ones, those of the
    registrations and of the trainer's rights.
    """
    own = select(Driver.last_name, Driver.first_name).where(or_(Driver.id == driver_id, Driver.same_as_id == driver_id))
    former = select(IdentityCorrection.last_name, IdentityCorrection.first_name).where(
        IdentityCorrection.driver_id == driver_id
    )
    lines = select(Registration.last_name, Registration.first_name).where(
        Registration.driver_id == driver_id, Registration.live()
    )
    rights = select(Trainer.last_name, Trainer.first_name).where(Trainer.driver_id == driver_id)
    return {(last, first) for last, first in db.session.execute(own.union(former, lines, rights))}


def mail_certificates(driver: Driver) -> None:
    """Make due the mail of each certificate that waited for the account and still holds; no commit.

    Documents being drawn at this moment are waited for (PostgreSQL) or mailed by who draws them.
    """
    query = (
        select(Document)
        .join(Document.registration)
        .where(Registration.driver_id == driver.id, Registration.live(), Document.kind == CERTIFICATE)
        .with_for_update(of=Document)
        .execution_options(populate_existing=True)
    )
    today = clock.today()
    waiting = [
        document.registration
        for document in db.session.execute(query).scalars()
        if document.state == AVAILABLE and document.valid_until >= today
    ]
    certificate_mail.make_due(waiting)


def withhold_other_names(claim: IdentityClaim, driver: Driver) -> None:
    """Hold back, for an agent, what stands under a name that is not the account's (domain: a mistyped permit number)."""
    own = Registration.driver_id == driver.id, Registration.live()
    lines = db.session.execute(select(Registration).where(*own)).scalars()
    rights = db.session.execute(select(Trainer).where(Trainer.driver_id == driver.id)).scalars()
    for registered in (*lines, *rights):
        if not _key(registered).agrees(_key(claim)):
            registered.withheld = True
    db.session.flush()


def _key(named: IdentityClaim | Driver | Registration | Trainer) -> NameKey:
    return name_key(named.last_name, named.first_name)
