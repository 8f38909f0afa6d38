"""Signing in: who a mail address and a password stand for, with waits that grow; ending every sign-in of a person.

Whatever is refused is refused alike and after the same work: an unknown address, a closed account, a wrong password.
"""

from __future__ import annotations

from datetime import timedelta
from functools import cache

from flask import current_app
from flask_appbuilder.security.sqla.models import Group, Role, assoc_user_group, assoc_user_role
from sqlalchemy import func, select
from sqlalchemy.orm import contains_eager

from app.extensions import db
from app.models import Person
from app.models.person import new_token
from app.services.core import actor, clock, throttle
from app.services.core.dialect import on_postgresql
from app.services.core.refusal import Refusal
from app.services.core.throttle import Limit
from app.services.core.transaction import transaction
from app.services.journal import record as journal
from app.validators.fields import clean

from . import known_browser, passwords
from .known_browser import Browser

DONE, REFUSED = "sign_in.done", "sign_in.refused"
#: A wait stops guessing; a longer one would only let strangers keep the owner out.
LONGEST = timedelta(minutes=15)
FOR_ACCOUNT = Limit("sign-in account", 5, longest=LONGEST)
#: Good sign-ins are uncounted and wrong ones forgotten: a whole centre sits behind one address, and people mistype.
FROM_NETWORK = throttle.network("sign-in network", forgets=timedelta(minutes=5))


class WrongCredentials(Refusal):
    """No open account has this address and this password: which of them is wrong is not said."""

    message = "Adresse électronique ou mot de passe incorrect."


@actor.acting(actor.PROGRAM)
def check(email: str, password: str, network: str, browser: Browser | None = None) -> Person:
    """Return the person who has this address and this password; ``network``: the address the try comes from.

    A ``browser`` that the account knows has tries of its own, which strangers' do not use up.

    Raises :class:`WrongCredentials` or `throttle.TooOften`.
    """
    email = clean(email).lower()
    throttle.count(FROM_NETWORK, network)
    tried = counted(email, browser)
    throttle.count(FOR_ACCOUNT, tried)
    person = _account(email)
    good = passwords.matches(person.password if person and person.password else _no_hash(), password)
    if person is None or not person.active or not good:
        with transaction():  # of an address that has no account nothing is kept
            journal.record(REFUSED, "person", person.id if person else "", actor_id=None)
        raise WrongCredentials
    kept = passwords.renewed(str(person.password), password)
    with transaction():
        _keep_hash(person, kept)
        throttle.forget(FOR_ACCOUNT, tried)
        throttle.take_back(FROM_NETWORK, network)
    return person


@actor.acting(actor.PROGRAM)
def counted(email: str, browser: Browser | None) -> str:
    """Return what tries at the account of an address are counted by (`known_browser`)."""
    known = browser is not None and bool(browser.marks)
    return known_browser.counted(email, _account(email) if known else None, browser)


def forget_tries(person: Person) -> None:
    """Forget what strangers tried at an account, in the caller's transaction: its owner has shown who they are."""
    for address in {person.email, person.username}:
        throttle.forget(FOR_ACCOUNT, address)


@actor.acting(actor.PROGRAM)
def holder(token: str) -> Person | None:
    """Return the person of an open account whose cookie bears this token, with their roles, or None.

    One read. Table after table is joined: SQLite would go through everybody's roles for a join within a join.
    """
    theirs = Person.id == func.registre_signed_in(token) if on_postgresql() else Person.auth_token == token
    query = (
        select(Person)
        .outerjoin(assoc_user_role, assoc_user_role.c.user_id == Person.id)
        .outerjoin(Role, Role.id == assoc_user_role.c.role_id)
        .outerjoin(assoc_user_group, assoc_user_group.c.user_id == Person.id)
        .outerjoin(Group, Group.id == assoc_user_group.c.group_id)
        .options(contains_eager(Person.roles), contains_eager(Person.groups))
    )
    return db.session.execute(query.where(theirs, Person.active.is_(True))).unique().scalar_one_or_none()


def note(person: Person, how: str) -> None:
    """Write into the journal that a person is signed in; ``how``: password, second_factor, recovery_code, sign_up."""
    with transaction():
        person.login_count, person.fail_login_count = (person.login_count or 0) + 1, 0
        person.last_login = clock.machine_now().replace(tzinfo=None)
        journal.record(DONE, "person", person.id, actor_id=person.id, after={"by": how})


@actor.acting(actor.PROGRAM)
def end_all(person_id: int, act: str) -> Person:
    """End every sign-in of a person at once and return them; ``act`` is what the journal calls it."""
    with transaction():
        person = db.session.get_one(Person, person_id)
        person.auth_token = new_token()
        journal.record(act, "person", person.id, actor_id=person.id)
    return person


def _account(email: str) -> Person | None:
    """Return the account of an address; user names are addresses, save for what the command line made."""
    query = select(Person).where((Person.email == email) | (Person.username == email))
    return db.session.execute(query.order_by(Person.id).limit(1)).scalar_one_or_none()


def _keep_hash(person: Person, kept: str) -> None:
    """Keep the hash of a password's one form, unless the password was changed at this very moment."""
    before = person.password
    if kept != before:
        locked = db.session.get_one(Person, person.id, with_for_update=True, populate_existing=True)
        locked.password = kept if locked.password == before else locked.password


def _no_hash() -> str:
    return _hash_of_nothing(current_app.config["FAB_PASSWORD_HASH_METHOD"])


@cache
def _hash_of_nothing(method: str) -> str:
    """Return a hash to compare with where there is no account, so that the answer takes as long."""
    return passwords.hash_of("no such account")
