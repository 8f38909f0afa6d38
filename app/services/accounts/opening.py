"""A driver's account: asked for on screen, confirmed by mail, opened where the name agrees with the register's.

Nothing that is answered on screen before the address is confirmed depends on what the register knows.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from flask import current_app
from sqlalchemy import delete, exists, func, select, update
from sqlalchemy.exc import IntegrityError

from app import roles
from app.extensions import db
from app.models import AccountLink, Document, Driver, Mail, Person, Registration, SignUp, Trainer
from app.models.registration import AVAILABLE, CERTIFICATE
from app.models.sign_up import CONFIRM, OPENED, REPLACED, SENT, WAITING
from app.services.core import actor, clock, insertion, links, outbox, throttle
from app.services.core.refusal import Refusal
from app.services.core.throttle import Limit
from app.services.core.transaction import transaction
from app.services.journal import record as journal
from app.services.notifications import certificate_mail, mail
from app.validators.fields import NameKey, name_key

from . import mail as account_mail
from . import passwords

CONFIRM_WITHIN = timedelta(hours=24)
#: Sign-ups that nobody confirmed are forgotten after this.
UNCONFIRMED = timedelta(days=7)
FROM_NETWORK, FOR_ADDRESS = throttle.network("sign-up network"), Limit("sign-up address", 3)
CONFIRMING = Limit("confirm", 5)


class WrongPassword(Refusal):
    """The password is not the one that was chosen."""

    message = "Ce n’est pas le mot de passe choisi à l’inscription."


@dataclass(frozen=True, slots=True)
class Applicant:
    """Who asks for an account: values parsed by the rules' own parsers, the permit number normalised."""

    last_name: str
    first_name: str
    birth_date: date
    permit_number: str
    email: str

    @property
    def words(self) -> tuple[str, ...]:
        """Return what a password may not be made of."""
        return (self.last_name, self.first_name, self.email, f"{self.birth_date:%d/%m/%Y}")


@actor.acting(actor.PROGRAM)
def sign_up(applicant: Applicant, password: str, network: str) -> None:
    """Keep the request and mail a link that confirms the address; the same work whatever the register knows.

    ``network`` is the address the request came from. Raises `passwords.WeakPassword` or `throttle.TooOften`.
    """
    passwords.check(password, applicant.words)
    throttle.count(FROM_NETWORK, network)
    throttle.count(FOR_ADDRESS, applicant.email)
    hashed = passwords.hash_of(password)
    with transaction():
        _forget_unconfirmed()
        row = SignUp(
            email=applicant.email, last_name=applicant.last_name, first_name=applicant.first_name,
            birth_date=applicant.birth_date, permit_number=applicant.permit_number, password_hash=hashed, state=SENT,
            created_at=clock.now(),
        )  # fmt: skip
        db.session.add(row)
        db.session.flush()
        link = links.issue(CONFIRM, row.email, CONFIRM_WITHIN, row.id)
        mail.make_due(account_mail.CONFIRM_MAIL, row.email, {"link": link.nonce})
    outbox.ring()


@actor.acting(actor.PROGRAM)
def confirm(token: str, password: str) -> Person | None:
    """Open the account of the sign-up that this link confirms and return its person; None: an agent will decide.

    The password chosen at the sign-up is asked again: a link clicked by who never signed up opens nothing to who did it in
    their name. Raises `links.LinkSpent`, :class:`WrongPassword` or `throttle.TooOften`.
    """
    link = links.find(CONFIRM, token)
    throttle.count(CONFIRMING, link.nonce)
    row = _sign_up_of(link)
    if not passwords.matches(row.password_hash, password):
        raise WrongPassword
    try:
        with transaction():
            links.spend(link)
            person = _settle(row)
    except IntegrityError:  # the same address, confirmed elsewhere at this very moment
        raise links.LinkSpent from None
    outbox.ring()
    return person


def open_account(row: SignUp, driver: Driver, actor_id: int | None) -> Person:
    """Make the person of a sign-up and make the driver theirs; the certificates still valid are mailed. No commit.

    ``actor_id``: the agent who decided, None where the person did it alone.
    """
    before = {"person": driver.person_id, "names_agree": _agree(row, driver)}
    person = _new_person(row)
    driver.last_name, driver.first_name, driver.person_id = *_spelling(row, driver), person.id
    row.state, row.person_id, row.password_hash, row.decided_at = OPENED, person.id, "", clock.now()
    db.session.flush()
    journal.record(
        "account.opened", "driver", driver.id, actor_id=actor_id or person.id, before=before,
        after={"person": person.id, "sign_up": row.id},
    )  # fmt: skip
    return person


def mail_certificates(driver: Driver) -> None:
    """Make due the mail of each certificate that waited for the account and still holds; no commit.

    Documents being drawn at this moment are waited for (PostgreSQL) or mailed by who draws them.
    """
    query = (
        select(Document)
        .join(Document.registration)
        .where(Registration.driver_id == driver.id, Document.kind == CERTIFICATE)
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


def known_names(driver_id: int) -> set[tuple[str, str]]:
    """Return every (last name, first name) the register has for a driver: its own, those of the registrations and of the
    trainer's rights.
    """
    own = select(Driver.last_name, Driver.first_name).where(Driver.id == driver_id)
    lines = select(Registration.last_name, Registration.first_name).where(Registration.driver_id == driver_id)
    rights = select(Trainer.last_name, Trainer.first_name).where(Trainer.driver_id == driver_id)
    return {(last, first) for last, first in db.session.execute(own.union(lines, rights))}


def driver_for(birth_date: date, permit_number: str) -> Driver | None:
    """Return the driver of this identity, locked for the transaction, or None."""
    query = select(Driver).where(Driver.birth_date == birth_date, Driver.permit_number == permit_number)
    return db.session.execute(query.with_for_update().execution_options(populate_existing=True)).scalar_one_or_none()


def _sign_up_of(link: AccountLink) -> SignUp:
    row = link.sign_up
    if row is None or row.state != SENT or account_mail.is_taken(row.email):
        raise links.LinkSpent
    return row


def _settle(row: SignUp) -> Person | None:
    """Open the account, or hand the request to an agent: the name disagrees, or the driver has an account already."""
    driver = driver_for(row.birth_date, row.permit_number) or _new_driver(row)
    is_known = any(_key(row).agrees(name_key(last, first)) for last, first in known_names(driver.id))
    if driver.person_id is not None or not is_known:
        _hand_over(row, driver)
        return None
    person = open_account(row, driver, None)
    _withhold_other_names(row, driver)
    mail_certificates(driver)
    return person


def _hand_over(row: SignUp, driver: Driver) -> None:
    """Make the request wait for an agent; an earlier one from the same address is replaced."""
    db.session.execute(
        update(SignUp)
        .where(SignUp.email == row.email, SignUp.state == WAITING)
        .values(state=REPLACED, password_hash="")
    )
    row.state = WAITING
    journal.record("account.asked", "driver", driver.id, actor_id=None, after={"sign_up": row.id})


def _new_driver(row: SignUp) -> Driver:
    """Write the driver nobody has registered yet; a centre that registers them at this moment shares the row."""
    values = {
        "birth_date": row.birth_date, "permit_number": row.permit_number, "last_name": row.last_name,
        "first_name": row.first_name,
    }  # fmt: skip
    insertion.insert_if_new(Driver, values)
    driver = driver_for(row.birth_date, row.permit_number)
    assert driver is not None
    return driver


def _new_person(row: SignUp) -> Person:
    role = current_app.appbuilder.sm.find_role(roles.DRIVER)  # type: ignore[attr-defined]
    person = Person(
        username=row.email, email=row.email, first_name=row.first_name, last_name=row.last_name, active=True,
        password=row.password_hash, roles=[role],
    )  # fmt: skip
    db.session.add(person)
    db.session.flush()
    return person


def _withhold_other_names(row: SignUp, driver: Driver) -> None:
    """Hold back, for an agent, what stands under a name that is not the account's (domain: a mistyped permit number)."""
    lines = db.session.execute(select(Registration).where(Registration.driver_id == driver.id)).scalars()
    rights = db.session.execute(select(Trainer).where(Trainer.driver_id == driver.id)).scalars()
    for registered in (*lines, *rights):
        if not _agree(registered, row):
            registered.withheld = True
    db.session.flush()


def _spelling(row: SignUp, driver: Driver) -> tuple[str, str]:
    """Return the names the driver bears from now on: the register's spelling where it agrees, else the account's."""
    return (driver.last_name, driver.first_name) if _agree(driver, row) else (row.last_name, row.first_name)


Named = SignUp | Driver | Registration | Trainer


def _key(named: Named) -> NameKey:
    return name_key(named.last_name, named.first_name)


def _agree(one: Named, other: Named) -> bool:
    return _key(one).agrees(_key(other))


def forget_unconfirmed(*, dry_run: bool = False) -> int:
    """Delete the sign-ups that nobody confirmed in time and return how many there are."""
    fresh = AccountLink.sign_up_id == SignUp.id, AccountLink.created_at >= clock.machine_now() - UNCONFIRMED
    query = select(func.count()).select_from(SignUp).where(SignUp.state == SENT, ~exists().where(*fresh))
    count = db.session.scalar(query) or 0
    if count and not dry_run:
        with transaction():
            _forget_unconfirmed()
    return count


def _forget_unconfirmed() -> None:
    """Delete the sign-ups that nobody confirmed in time, with their links and mails: no reason to keep them is left."""
    old = AccountLink.kind == CONFIRM, AccountLink.created_at < clock.machine_now() - UNCONFIRMED
    stale = select(AccountLink.nonce).join(AccountLink.sign_up).where(*old, SignUp.state == SENT)
    db.session.execute(
        delete(Mail).where(Mail.kind == account_mail.CONFIRM_MAIL, Mail.values["link"].as_string().in_(stale))
    )
    db.session.execute(delete(AccountLink).where(AccountLink.nonce.in_(stale)))
    db.session.execute(delete(SignUp).where(SignUp.state == SENT, ~exists().where(AccountLink.sign_up_id == SignUp.id)))
