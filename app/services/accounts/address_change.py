"""A new mail address: asked for with the password, or by an agent; confirmed by a link sent to it, told to the old one."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy.exc import IntegrityError

from app.extensions import db
from app.models import AccountLink, Person
from app.models.sign_up import ADDRESS
from app.services.core import actor, links, outbox, throttle
from app.services.core.refusal import Refusal
from app.services.core.transaction import transaction
from app.services.journal import record as journal
from app.services.notifications import mail

from . import mail as account_mail
from . import passwords
from .password_change import CHANGING, WrongPassword

CONFIRM_WITHIN = timedelta(hours=24)


class SameAddress(Refusal):
    """Nothing would change."""

    message = "C’est déjà votre adresse électronique."


@actor.acting(actor.PROGRAM)
def ask(person_id: int, password: str, email: str) -> None:
    """Mail a link to the new address and a notice to the old one; a link sent before holds no more.

    Whether another account has this address is only told in its own mail box. Raises `password_change.WrongPassword`,
    :class:`SameAddress` or `throttle.TooOften`.
    """
    throttle.count(CHANGING, str(person_id))
    person = db.session.get_one(Person, person_id)
    if not passwords.matches(person.password, password):
        raise WrongPassword
    if email == person.email.lower():
        raise SameAddress
    with transaction():
        _send(person, email, person.id)
        throttle.forget(CHANGING, str(person_id))
    outbox.ring()


@actor.acting(actor.PROGRAM)
def ask_for(person_id: int, email: str, actor_id: int) -> None:
    """Do the same for somebody else, as an agent: without their password, and both mails say who asked.

    Raises :class:`SameAddress`.
    """
    person = db.session.get_one(Person, person_id)
    if email == person.email.lower():
        raise SameAddress
    with transaction():
        _send(person, email, actor_id)
    outbox.ring()


def _send(person: Person, email: str, actor_id: int) -> None:
    """Make link and notice due, and journal who asked; no commit."""
    links.forget(ADDRESS)
    links.void(person.id, ADDRESS)
    link = links.issue(ADDRESS, email, CONFIRM_WITHIN)
    link.person_id = person.id
    values: dict[str, object] = {"link": link.nonce}
    if actor_id != person.id:
        values["by_agent"] = True
    mail.make_due(account_mail.ADDRESS_LINK, email, values)
    mail.make_due(account_mail.ADDRESS_ASKED, person.email, values)
    journal.record("address.asked", "person", person.id, actor_id=actor_id)


@actor.acting(actor.PROGRAM)
def find(token: str) -> AccountLink:
    """Return the link of this token while it still may change an address; raise `links.LinkSpent` otherwise."""
    link = links.find(ADDRESS, token)
    if link.person is None or not link.person.active or account_mail.is_taken(link.email):
        raise links.LinkSpent
    return link


@actor.acting(actor.PROGRAM)
def confirm(token: str) -> Person:
    """Give the person the address that this link confirms, once, and return the person; tell the old address.

    Raises `links.LinkSpent`.
    """
    link = find(token)
    person = link.person
    assert person is not None
    before = person.email
    try:
        with transaction():
            links.spend(link)
            links.void(person.id)  # those that went to the old address
            person.email = person.username = link.email
            db.session.flush()
            mail.make_due(account_mail.ADDRESS_CHANGED, before, {"link": link.nonce})
            journal.record(
                "address.changed",
                "person",
                person.id,
                actor_id=person.id,
                before={"email": before},
                after={"email": person.email},
            )
    except IntegrityError:  # the same address, taken elsewhere at this very moment
        raise links.LinkSpent from None
    outbox.ring()
    db.session.refresh(person)  # for who asked, whoever they are
    return person
