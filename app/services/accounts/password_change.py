"""A new password: by a link mailed to who forgot it, or by who knows the current one. Either ends the other sign-ins."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select

from app.extensions import db
from app.models import AccountLink, Driver, Person
from app.models.outbox import RESET
from app.models.person import new_token
from app.models.sign_up import RESET as RESET_LINK
from app.services.core import actor, links, outbox, throttle
from app.services.core.refusal import Refusal
from app.services.core.throttle import Limit
from app.services.core.transaction import transaction
from app.services.notifications import mail

from . import mail as account_mail
from . import notices as account_notices
from . import passwords, sign_in
from .known_browser import Browser

RESET_WITHIN = timedelta(minutes=30)
FROM_NETWORK, FOR_ADDRESS = throttle.network("reset network"), Limit("reset address", 3)
CHANGING = Limit("password change", 5)


class WrongPassword(Refusal):
    """The current password is not this one."""

    message = "Ce n’est pas votre mot de passe actuel."


@actor.acting(actor.PROGRAM)
def ask(email: str, network: str, browser: Browser | None = None) -> None:
    """Take a request for a link; whether an account has this address is only looked up later, by the worker.

    A ``browser`` that the account knows has requests of its own, which strangers' do not use up. Raises
    `throttle.TooOften`.
    """
    throttle.count(FROM_NETWORK, network)
    throttle.count(FOR_ADDRESS, sign_in.counted(email, browser))
    with transaction():
        links.forget(RESET_LINK)
        link = links.issue(RESET_LINK, email, RESET_WITHIN)
        outbox.add(RESET, [{"link": link.id}])
    outbox.ring()


def prepare(link_id: int) -> None:
    """Make the mail of a request due where an open account has its address, else drop the request; no commit."""
    link = db.session.get(AccountLink, link_id)
    if link is None or link.person_id is not None:
        return
    query = select(Person).where(Person.email == link.email, Person.active.is_(True))
    person = db.session.execute(query).scalars().first()
    if person is None:
        db.session.delete(link)
        return
    link.person_id = person.id
    mail.make_due(account_mail.RESET_MAIL, person.email, {"link": link.nonce})


@actor.acting(actor.PROGRAM)
def check_link(token: str) -> None:
    """Raise `links.LinkSpent` unless this link still opens the form."""
    _owner(links.find(RESET_LINK, token))


@actor.acting(actor.PROGRAM)
def reset(token: str, password: str) -> None:
    """Set a new password by a mailed link; raises `links.LinkSpent` or `passwords.WeakPassword`."""
    link = links.find(RESET_LINK, token)
    person = _owner(link)
    passwords.check(password, _words(person))
    hashed = passwords.hash_of(password)
    with transaction():
        links.spend(link)
        _set(person, hashed, "password.reset")
    outbox.ring()


def impose(person_id: int, password: str) -> None:
    """Set a new password on the operator's word (the command line); raises `passwords.WeakPassword`."""
    person = db.session.get_one(Person, person_id)
    passwords.check(password, _words(person))
    hashed = passwords.hash_of(password)
    with transaction():
        _set(person, hashed, "password.reset")
    outbox.ring()


def change(person_id: int, current: str, password: str) -> Person:
    """Set a new password for who knows the current one and return the person, whose cookie must be renewed.

    Raises :class:`WrongPassword`, `passwords.WeakPassword` or `throttle.TooOften`.
    """
    throttle.count(CHANGING, str(person_id))
    person = db.session.get_one(Person, person_id)
    if not passwords.matches(person.password, current):
        raise WrongPassword
    passwords.check(password, _words(person))
    hashed = passwords.hash_of(password)
    with transaction():
        _set(person, hashed, "password.changed")
        throttle.forget(CHANGING, str(person_id))
    outbox.ring()
    return person


def _owner(link: AccountLink) -> Person:
    """Return whose password the link sets; raise `links.LinkSpent` where its mail box is no longer the account's."""
    person = link.person
    if person is None or not person.active or link.email != person.email:
        raise links.LinkSpent
    return person


def _set(person: Person, hashed: str, act: str) -> None:
    """Keep the new password, renew the cookie's token, use up whatever other link the person was sent, and tell them.

    What was tried at the account before is forgotten.
    """
    person.password, person.auth_token = hashed, new_token()
    links.void(person.id)
    sign_in.forget_tries(person)
    throttle.forget(FOR_ADDRESS, person.email)
    account_notices.note(act, account_mail.PASSWORD_CHANGED, person)


def _words(person: Person) -> list[str]:
    """Return what this person's password may not be made of."""
    query = select(Driver.birth_date).where(Driver.person_id == person.id)
    born = [f"{day:%d/%m/%Y}" for day in db.session.execute(query).scalars()]
    return [person.last_name, person.first_name, person.email, *born]
