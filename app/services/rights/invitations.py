"""Inviting people to act for a centre: a one-use link by mail, accepted with an account of that address, old or new.

Who invites learns nothing of the address: the same is written, mailed and answered whether or not it has an account.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from flask import current_app
from sqlalchemy import ColumnElement, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import joinedload

from app import roles
from app.extensions import db
from app.models import MemberInvitation, Membership, Person
from app.models.centre import LEGAL_REPRESENTATIVE, MANAGER, MEMBER_ROLES
from app.services.accounts import mail as account_mail
from app.services.accounts import passwords
from app.services.core import actor, clock, links, outbox, throttle
from app.services.core.refusal import Refusal
from app.services.core.taking import taken
from app.services.core.throttle import Limit
from app.services.core.transaction import transaction
from app.services.journal import record as journal
from app.services.notifications import invitation_limits, mail
from app.validators.address import parse_address

from . import access, members, naming, promises, telling
from . import mail as member_mail
from .granting import Grant

HOLDS = timedelta(days=7)
FOR_ADDRESS, ACCEPTING = Limit("member invitation address", 5), Limit("member invitation accept", 5)


class AlreadyInvited(Refusal):
    """One open invitation an address and centre."""

    message = "Une invitation attend déjà à cette adresse : renvoyez-la, ou annulez-la d’abord."


class AnotherPersons(Refusal):
    """The invitation went to another address than the account's."""

    message = "Cette invitation a été envoyée à une autre adresse que celle de votre compte : rien n’a été fait."


@dataclass(frozen=True, slots=True)
class Newcomer:
    """Who opens an account to accept: names as typed, and the password chosen."""

    first_name: str
    last_name: str
    password: str


def invite(centre_id: int, typed: str, role: str, actor_id: int, rights: Mapping[str, Grant] | None = None) -> str:
    """Invite an address to act for a centre and return it in its one form. ``rights``: what a manager gets by accepting.

    Raises `access.NotAllowed` (only an agent names a legal representative), :class:`AlreadyInvited`, `throttle.TooOften`, or
    `Refusal`: a bad address, rights that cannot be granted, or somebody who acts for the centre already.
    """
    members.require_grantor(actor_id, centre_id)
    if role not in MEMBER_ROLES:
        raise Refusal("Choisissez la fonction dans la liste.")
    if role == LEGAL_REPRESENTATIVE and not members.is_agent(actor_id):
        raise access.NotAllowed("Seul un agent d’IN Groupe nomme un représentant légal.")
    if role == LEGAL_REPRESENTATIVE and rights:
        raise Refusal("Un représentant légal tient tous les droits du centre : n’en choisissez aucun.")
    members.check(centre_id, rights or {})
    address = parse_address(typed)
    if address is None:
        raise Refusal("Saisissez une adresse électronique, par exemple prenom.nom@exemple.fr.")
    held = {one.person.email.lower(): one.role for one in members.of_centre(centre_id)}
    if held.get(address) in (role, LEGAL_REPRESENTATIVE):
        raise Refusal("Cette personne intervient déjà pour ce centre.")
    invitation_limits.MEMBERS.count(actor_id, centre_id)
    throttle.count(FOR_ADDRESS, address)
    now, nonce = clock.machine_now(), secrets.token_hex(16)
    row = MemberInvitation(
        centre_id=centre_id,
        email=address,
        role=role,
        nonce=nonce,
        token_hash=_hash(nonce),
        created_at=now,
        sent_at=now,
        expires_at=now + HOLDS,
        invited_by_id=actor_id,
        rights=promises.plain(rights or {}),
    )
    try:
        with transaction():
            db.session.add(row)
            db.session.flush()
            _mail(row)
            _record(row, "member.invited", actor_id)
    except IntegrityError:
        raise AlreadyInvited from None
    outbox.ring()
    return address


def resend(centre_id: int, invitation_id: int, actor_id: int) -> str:
    """Send an invitation again, under a new link good for as long again; the old link is dead. Return the address."""
    members.require_grantor(actor_id, centre_id)
    row = _own(centre_id, invitation_id, actor_id)
    invitation_limits.MEMBERS.count(actor_id, centre_id)
    throttle.count(FOR_ADDRESS, row.email)
    nonce, now = secrets.token_hex(16), clock.machine_now()
    with transaction():
        if not _change(row, nonce=nonce, token_hash=_hash(nonce), sent_at=now, expires_at=now + HOLDS):
            raise links.LinkSpent("Cette invitation a été acceptée ou annulée entre-temps.")
        _mail(row)
        _record(row, "member.invited_again", actor_id)
    outbox.ring()
    return row.email


def cancel(centre_id: int, invitation_id: int, actor_id: int) -> None:
    """Make an invitation worthless; one already accepted or cancelled stays what it is."""
    members.require_grantor(actor_id, centre_id)
    row = _own(centre_id, invitation_id, actor_id)
    with transaction():
        if _change(row, cancelled_at=clock.machine_now()):
            _record(row, "member.invitation_cancelled", actor_id)


def waiting(centre_id: int) -> list[MemberInvitation]:
    """Return the invitations neither accepted nor cancelled, the latest first; those run out may be sent again."""
    query = (
        select(MemberInvitation)
        .where(MemberInvitation.centre_id == centre_id, *_open())
        .options(joinedload(MemberInvitation.invited_by))
        .order_by(MemberInvitation.id.desc())
        .limit(50)
    )
    return list(db.session.execute(query).scalars())


def has_run_out(row: MemberInvitation) -> bool:
    """Tell whether the link no longer holds."""
    return row.expires_at <= clock.machine_now()


@actor.acting(actor.PROGRAM)
def find(token: str) -> MemberInvitation:
    """Return the invitation of this link while it holds; raise `links.LinkSpent` otherwise."""
    query = (
        select(MemberInvitation)
        .where(MemberInvitation.token_hash == links.hash_of(token), MemberInvitation.expires_at > clock.machine_now())
        .where(*_open())
        .options(joinedload(MemberInvitation.centre))
    )
    row = db.session.execute(query).scalar_one_or_none()
    if row is None:
        raise links.LinkSpent
    return row


@actor.acting(actor.PROGRAM)
def accept(token: str, person_id: int) -> Membership:
    """Accept as a person who is signed in, with the account of that very address, and return the place.

    Raises `links.LinkSpent`, :class:`AnotherPersons`, or `Refusal` for an agent.
    """
    row, person = find(token), db.session.get_one(Person, person_id)
    if person.email.lower() != row.email:
        raise AnotherPersons
    if person.is_agent:
        raise Refusal("Un agent d’IN Groupe n’intervient pas pour un centre.")
    with transaction():
        membership = _take(row, person)
    outbox.ring()
    return membership


@actor.acting(actor.PROGRAM)
def accept_new(token: str, newcomer: Newcomer) -> Person:
    """Open an account at the invited address, accept, and return the person.

    Raises `links.LinkSpent`, `passwords.WeakPassword`, `throttle.TooOften`, or `Refusal` where the address has an account:
    only who reads its mail box learns so.
    """
    row = find(token)
    throttle.count(ACCEPTING, row.nonce)
    if account_mail.is_taken(row.email):
        raise Refusal("Cette adresse a déjà un compte : connectez-vous pour accepter l’invitation.")
    passwords.check(newcomer.password, (newcomer.first_name, newcomer.last_name, row.email))
    hashed = passwords.hash_of(newcomer.password)
    person = Person(
        username=row.email,
        email=row.email,
        first_name=newcomer.first_name,
        last_name=newcomer.last_name,
        active=True,
        password=hashed,
        roles=[],
    )
    try:
        with transaction():
            db.session.add(person)
            db.session.flush()
            _take(row, person)
    except IntegrityError:  # the same link, used twice at once
        raise links.LinkSpent from None
    outbox.ring()
    return person


def _take(row: MemberInvitation, person: Person) -> Membership:
    """Use the invitation up and give the place, in the caller's transaction."""
    row_id, nonce, role, centre_id = row.id, row.nonce, row.role, row.centre_id
    won = taken(
        update(MemberInvitation)
        .where(MemberInvitation.id == row_id, MemberInvitation.nonce == nonce, *_open())
        .where(MemberInvitation.expires_at > clock.machine_now())
        .values(accepted_at=clock.machine_now(), accepted_by_id=person.id)
    )
    if not won:
        raise links.LinkSpent
    _give_role(person)
    query = select(Membership).where(Membership.person_id == person.id, Membership.centre_id == centre_id)
    membership = db.session.execute(query).scalar_one_or_none()
    before = {"role": membership.role, "until": _iso(membership)} if membership else None
    if membership is None:
        membership = Membership(person_id=person.id, centre_id=centre_id, role=role)
        db.session.add(membership)
    holds = membership.valid_to is None or membership.valid_to >= clock.today()
    if not (holds and membership.role == LEGAL_REPRESENTATIVE):
        membership.role = role
    membership.valid_to = None
    db.session.flush()
    journal.record(
        "member.joined",
        "membership",
        membership.id,
        actor_id=person.id,
        centre_id=centre_id,
        before=before,
        after={"person": person.id, "role": membership.role, "invitation": row_id},
    )
    if membership.role == LEGAL_REPRESENTATIVE:
        naming.named(membership)
    telling.of_joining(row, membership, *promises.keep(row, membership))
    return membership


def _iso(membership: Membership) -> str | None:
    return membership.valid_to.isoformat() if membership.valid_to else None


def _give_role(person: Person) -> None:
    role = current_app.appbuilder.sm.find_role(roles.CENTRE)  # type: ignore[attr-defined]
    if role not in person.roles:
        person.roles = [*person.roles, role]


def _own(centre_id: int, invitation_id: int, actor_id: int) -> MemberInvitation:
    row = db.session.get(MemberInvitation, invitation_id, populate_existing=True)
    if row is None or row.centre_id != centre_id:
        raise Refusal("Cette invitation n’existe pas, ou concerne un autre centre.")
    if row.role != MANAGER and not members.is_agent(actor_id):
        raise access.NotAllowed("Seul un agent d’IN Groupe invite un représentant légal.")
    return row


def _open() -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return MemberInvitation.accepted_at.is_(None), MemberInvitation.cancelled_at.is_(None)


def _change(row: MemberInvitation, **values: object) -> bool:
    """Change an invitation that is still open; False where it no longer is."""
    won = taken(update(MemberInvitation).where(MemberInvitation.id == row.id, *_open()).values(**values))
    db.session.refresh(row)
    return won


def _hash(nonce: str) -> str:
    return links.hash_of(links.token(member_mail.INVITATION_LINK, nonce))


def _mail(row: MemberInvitation) -> None:
    mail.make_due(member_mail.MEMBER, row.email, {"invitation": row.nonce})


def _record(row: MemberInvitation, action: str, actor_id: int) -> None:
    journal.record(
        action,
        "member_invitation",
        row.id,
        actor_id=actor_id,
        centre_id=row.centre_id,
        after={"role": row.role, "expires_at": row.expires_at.isoformat(timespec="seconds")},
    )
