"""One-use links mailed to people: made, found again by their token, spent once."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from datetime import timedelta

from sqlalchemy import delete, select, update

from app.extensions import db
from app.models import AccountLink

from . import actor, clock, vault
from .refusal import Refusal
from .taking import taken

#: Longer than any link holds and any mail is tried.
KEPT = timedelta(days=7)


class LinkSpent(Refusal):
    """The link was used, has run out, or never was: which one is not said."""

    message = "Ce lien n’est plus valable : il ne sert qu’une fois, et pendant un temps limité."


@actor.acting(actor.PROGRAM)
def issue(kind: str, email: str, lifetime: timedelta, sign_up_id: int | None = None) -> AccountLink:
    """Write a link that holds for ``lifetime`` from now, in the caller's transaction, and return it."""
    now, nonce = clock.machine_now(), secrets.token_hex(16)
    link = AccountLink(
        kind=kind,
        nonce=nonce,
        token_hash=hash_of(token(kind, nonce)),
        email=email,
        created_at=now,
        expires_at=now + lifetime,
        sign_up_id=sign_up_id,
    )
    db.session.add(link)
    db.session.flush()
    return link


def token(kind: str, nonce: str, token_hash: str = "") -> str:
    """Return the secret that a link's address bears (43 characters): worked out again whenever its mail is sent.

    ``token_hash``: of a link that stands; one issued under a secret of before then keeps its token.
    """
    made = [_token(secret, kind, nonce) for secret in vault.secrets()]
    return next((one for one in made if hash_of(one) == token_hash), made[0])


def _token(secret: str, kind: str, nonce: str) -> str:
    digest = hmac.new(secret.encode(), f"link:{kind}:{nonce}".encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


@actor.acting(actor.PROGRAM)
def find(kind: str, typed: str) -> AccountLink:
    """Return the link of this token while it still holds; raise :class:`LinkSpent` otherwise."""
    query = select(AccountLink).where(
        AccountLink.kind == kind,
        AccountLink.token_hash == hash_of(typed),
        AccountLink.used_at.is_(None),
        AccountLink.expires_at > clock.machine_now(),
    )
    link = db.session.execute(query).scalar_one_or_none()
    if link is None:
        raise LinkSpent
    return link


@actor.acting(actor.PROGRAM)
def spend(link: AccountLink) -> None:
    """Use the link up, in the caller's transaction; of two who do it at once, one gets :class:`LinkSpent`."""
    now = clock.machine_now()
    done = taken(
        update(AccountLink)
        .where(AccountLink.id == link.id, AccountLink.used_at.is_(None), AccountLink.expires_at > now)
        .values(used_at=now)
    )
    if not done:
        raise LinkSpent


def void(person_id: int, *kinds: str) -> None:
    """Use up every link of these kinds (of all, by default) that a person was sent, in the caller's transaction."""
    open_links = update(AccountLink).where(AccountLink.person_id == person_id, AccountLink.used_at.is_(None))
    narrowed = open_links.where(AccountLink.kind.in_(kinds)) if kinds else open_links
    db.session.execute(narrowed.values(used_at=clock.machine_now()))


@actor.acting(actor.PROGRAM)
def forget(kind: str) -> None:
    """Delete the links of a kind that nothing can need any more, in the caller's transaction."""
    db.session.execute(
        delete(AccountLink).where(AccountLink.kind == kind, AccountLink.created_at < clock.machine_now() - KEPT)
    )


def hash_of(text: str) -> str:
    """Return what the base holds of a token (SHA-256, hexadecimal)."""
    return hashlib.sha256(text.encode()).hexdigest()
