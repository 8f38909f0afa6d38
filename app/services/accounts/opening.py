"""A driver's account: asked for on screen, confirmed by mail, opened. It shows nothing of the register before a proof.

Nothing that is answered depends on what the register knows, but to who holds a proof (`identity`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from flask import current_app
from sqlalchemy import delete, exists, func, select
from sqlalchemy.exc import IntegrityError

from app import roles
from app.extensions import db
from app.models import AccountLink, Mail, Person, SignUp
from app.models.sign_up import CONFIRM, OPENED, SENT
from app.services.core import actor, clock, links, outbox, throttle
from app.services.core.refusal import Refusal
from app.services.core.throttle import Limit
from app.services.core.transaction import transaction
from app.services.journal import record as journal
from app.services.notifications import mail

from . import activation, identity, passwords
from . import mail as account_mail
from .link import Identity

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


@dataclass(frozen=True, slots=True)
class Opened:
    """An account just opened; ``refusal``: what is wrong with the proof that came with the sign-up, empty where nothing is."""

    person: Person
    refusal: str = ""


@actor.acting(actor.PROGRAM)
def sign_up(applicant: Applicant, password: str, network: str, proof: str = "") -> None:
    """Keep the request and mail a link that confirms the address; the same work whatever the register knows.

    ``network`` is the address the request came from; ``proof`` an activation code or an invitation's token, tried once the
    address is confirmed. Raises `passwords.WeakPassword` or `throttle.TooOften`.
    """
    passwords.check(password, applicant.words)
    throttle.count(FROM_NETWORK, network)
    if proof:
        throttle.count(identity.BY_NETWORK, network)
    throttle.count(FOR_ADDRESS, applicant.email)
    hashed = passwords.hash_of(password)
    with transaction():
        _forget_unconfirmed()
        row = SignUp(
            email=applicant.email,
            last_name=applicant.last_name,
            first_name=applicant.first_name,
            birth_date=applicant.birth_date,
            permit_number=applicant.permit_number,
            password_hash=hashed,
            state=SENT,
            created_at=clock.now(),
            proof_hash=activation.hash_of(proof) if proof else "",
        )
        db.session.add(row)
        db.session.flush()
        link = links.issue(CONFIRM, row.email, CONFIRM_WITHIN, row.id)
        mail.make_due(account_mail.CONFIRM_MAIL, row.email, {"link": link.nonce})
    outbox.ring()


@actor.acting(actor.PROGRAM)
def confirm(token: str, password: str) -> Opened:
    """Open the account of the sign-up that this link confirms, whatever the register knows of the identity.

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
            person = open_account(row, None)
            refusal = _prove(row, person)
    except IntegrityError:  # the same address, confirmed elsewhere at this very moment
        raise links.LinkSpent from None
    outbox.ring()
    return Opened(person, refusal)


def open_account(row: SignUp, actor_id: int | None) -> Person:
    """Make the person of a sign-up, who claims the identity typed and is no driver of the register yet; no commit.

    ``actor_id``: the agent who decided, None where the person did it alone.
    """
    person = _new_person(row)
    identity.new_claim(person.id, Identity(row.last_name, row.first_name, row.birth_date, row.permit_number))
    row.state, row.person_id, row.password_hash, row.decided_at = OPENED, person.id, "", clock.now()
    db.session.flush()
    journal.record(
        "account.opened",
        "person",
        person.id,
        actor_id=actor_id or person.id,
        after={"sign_up": row.id},
    )
    return person


def _sign_up_of(link: AccountLink) -> SignUp:
    row = link.sign_up
    if row is None or row.state != SENT or account_mail.is_taken(row.email):
        raise links.LinkSpent
    return row


def _prove(row: SignUp, person: Person) -> str:
    """Try the proof that came with the sign-up, if any; return what is wrong with it, in words, and forget it."""
    proof_hash, row.proof_hash = row.proof_hash, ""
    claim = identity.claim_of(person.id)
    refusal = identity.try_proof(claim, proof_hash) if claim and proof_hash else None
    return refusal.message if refusal else ""


def _new_person(row: SignUp) -> Person:
    role = current_app.appbuilder.sm.find_role(roles.DRIVER)  # type: ignore[attr-defined]
    person = Person(
        username=row.email,
        email=row.email,
        first_name=row.first_name,
        last_name=row.last_name,
        active=True,
        password=row.password_hash,
        roles=[role],
    )
    db.session.add(person)
    db.session.flush()
    return person


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
