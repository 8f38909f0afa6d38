"""Keys of the API: made by a centre's legal representative, shown once, kept as a hash, replaced, revoked, checked."""

from __future__ import annotations

import ipaddress
import re
import secrets
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from app.extensions import db
from app.models import ApiKey, ApiSubscription, Centre, Membership
from app.models.api import ANALYSE, READ, REGISTER, SCOPES
from app.models.centre import API, LEGAL_REPRESENTATIVE
from app.models.centre import REGISTER as REGISTER_RIGHT
from app.services.core import clock
from app.services.core.refusal import Refusal
from app.services.core.transaction import transaction
from app.services.journal import record as journal
from app.services.rights import access

from .gate import key_hash

__all__ = ["ANALYSE", "READ", "REGISTER", "SCOPES"]


class NotSubscribed(Refusal):
    """The conditions were not accepted yet."""

    message = "Acceptez d’abord les conditions d’utilisation de l’API."


class NobodyToActAs(Refusal):
    """Nobody stands at the centre in whose name a key could act."""

    message = (
        "Ce centre n’a ni représentant légal, ni gestionnaire autorisé : une clé n’aurait personne au nom de qui agir."
    )


@dataclass(frozen=True, slots=True)
class NewKey:
    """What a key is asked to be. ``networks``: address ranges (CIDR); empty, calls may come from anywhere."""

    name: str
    scopes: tuple[str, ...]
    sandbox: bool = False
    ends_on: date | None = None
    networks: tuple[str, ...] = ()


def scopes_of(text: str) -> tuple[str, ...]:
    """Return the scopes named in « analyse,register », in their order; raise :class:`Refusal` on an unknown or empty list."""
    named = {word.strip() for word in text.split(",")} - {""}
    if not named or named - SCOPES.keys():
        raise Refusal(f"Portées inconnues ou absentes : {text or '(vide)'}. Choisissez parmi {', '.join(SCOPES)}.")
    return tuple(scope for scope in SCOPES if scope in named)


def networks_of(text: str) -> tuple[str, ...]:
    """Return the address ranges named in a text, separated by spaces or commas; raise :class:`Refusal` on a malformed one."""
    found = []
    for word in re.split(r"[\s,;]+", text.strip()):
        try:
            found += [str(ipaddress.ip_network(word, strict=False))] if word else []
        except ValueError:
            raise Refusal(f"Plage d’adresses non reconnue : {word[:50]}. Exemple : 203.0.113.0/24.") from None
    return tuple(found)


def subscription(centre_id: int) -> ApiSubscription | None:
    """Return the centre's subscription, None before the conditions are accepted."""
    return db.session.get(ApiSubscription, centre_id, options=[joinedload(ApiSubscription.accepted_by)])


def subscribe(centre_id: int, person_id: int) -> None:
    """Accept the conditions for a centre; accepting twice changes nothing. Raises `access.NotAllowed`."""
    _require_representative(centre_id, person_id)
    if subscription(centre_id) is not None:
        return
    with transaction():
        db.session.add(ApiSubscription(centre_id=centre_id, accepted_at=clock.now(), accepted_by_id=person_id))
        journal.record("api.subscribed", "centre", centre_id, actor_id=person_id, centre_id=centre_id)


def keys(centre_id: int) -> list[ApiKey]:
    """Return the centre's keys, revoked ones too, the latest first."""
    query = select(ApiKey).where(ApiKey.centre_id == centre_id).options(joinedload(ApiKey.created_by))
    return list(db.session.execute(query.order_by(ApiKey.id.desc())).scalars())


def state(key: ApiKey) -> tuple[str, str]:
    """Return what a key is worth now, as (kind of tag, words)."""
    now, today = clock.machine_now(), clock.today()
    if key.revoked_at and key.revoked_at <= now:
        return "error", "Révoquée"
    if key.ends_on and key.ends_on < today:
        return "", "Échue"
    return ("gold", "Remplacée") if key.revoked_at else ("ok", "Active")


def create(centre_id: int, person_id: int, wanted: NewKey) -> str:
    """Make a key and return it, whole, for the only time.

    Raises `access.NotAllowed` unless the person is the legal representative, :class:`NotSubscribed`, or a :class:`Refusal`
    that says what is wrong.
    """
    _require_representative(centre_id, person_id)
    if subscription(centre_id) is None:
        raise NotSubscribed
    with transaction():
        return _add(centre_id, person_id, wanted)


def issue(siret: str, wanted: NewKey) -> str:
    """Make a key for the centre of this SIRET, from the command line, in the name of its legal representative.

    Where it has none, in that of a manager who holds the right. Raises :class:`Refusal`.
    """
    centre_id = db.session.scalar(select(Centre.id).where(Centre.siret == siret.replace(" ", "")))
    if centre_id is None:
        raise Refusal(f"Aucun centre n’est enregistré sous le SIRET {siret}.")
    with transaction():
        return _add(centre_id, _acting_for(centre_id), wanted)


def rotate(centre_id: int, key_id: int, person_id: int, overlap: timedelta) -> str:
    """Make the key that takes over from another, which ends after the overlap, and return it, whole, for the only time."""
    _require_representative(centre_id, person_id)
    with transaction():
        old = _own(centre_id, key_id)
        ends = clock.machine_now() + overlap
        old.revoked_at = min(old.revoked_at or ends, ends)
        wanted = NewKey(old.name, tuple(old.scope_list), old.sandbox, old.ends_on, tuple(old.networks.split()))
        journal.record(
            "api_key.rotated",
            "api_key",
            old.id,
            actor_id=person_id,
            centre_id=centre_id,
            after={"prefix": old.prefix, "ends": old.revoked_at.isoformat()},
        )
        return _add(centre_id, person_id, wanted)


def revoke(centre_id: int, key_id: int, person_id: int) -> None:
    """Refuse a key from now on; revoking twice changes nothing. Raises `access.NotAllowed` or :class:`Refusal`."""
    _require_representative(centre_id, person_id)
    with transaction():
        key = _own(centre_id, key_id)
        now = clock.machine_now()
        if key.revoked_at is None or key.revoked_at > now:
            key.revoked_at = now
            journal.record(
                "api_key.revoked",
                "api_key",
                key.id,
                actor_id=person_id,
                centre_id=centre_id,
                after={"prefix": key.prefix},
            )


def _add(centre_id: int, person_id: int, wanted: NewKey) -> str:
    """Write a key and its journal row, in the caller's transaction; return the key."""
    name = " ".join(wanted.name.split())
    if not 1 <= len(name) <= 80:
        raise Refusal("Donnez à la clé un nom de 80 caractères au plus.")
    if wanted.ends_on is not None and wanted.ends_on < clock.today():
        raise Refusal("La date de fin de la clé est déjà passée.")
    prefix, secret = secrets.token_hex(4), secrets.token_urlsafe(32)
    scopes = scopes_of(",".join(wanted.scopes))
    key = ApiKey(
        centre_id=centre_id,
        name=name,
        prefix=prefix,
        secret_hash=key_hash(secret),
        scopes=",".join(scopes),
        sandbox=wanted.sandbox,
        ends_on=wanted.ends_on,
        networks=" ".join(wanted.networks),
        created_by_id=person_id,
        created_at=clock.now(),
    )
    db.session.add(key)
    db.session.flush()
    journal.record(
        "api_key.created",
        "api_key",
        key.id,
        actor_id=person_id,
        centre_id=centre_id,
        after={"prefix": prefix, "name": name, "scopes": list(scopes), "sandbox": wanted.sandbox},
    )
    return f"cqc_{'test' if wanted.sandbox else 'live'}_{prefix}_{secret}"


def _own(centre_id: int, key_id: int) -> ApiKey:
    key = db.session.get(ApiKey, key_id, populate_existing=True)
    if key is None or key.centre_id != centre_id:
        raise Refusal("Cette clé n’existe pas, ou appartient à un autre centre.")
    return key


def _require_representative(centre_id: int, person_id: int) -> None:
    place = access.require(person_id, centre_id, API)
    if place.role != LEGAL_REPRESENTATIVE:
        raise access.NotAllowed("Seul le représentant légal du centre souscrit à l’API et gère ses clés.")


def _acting_for(centre_id: int) -> int:
    """Return the person a key made by the operator acts as: the legal representative, else a manager who holds a right."""
    today = clock.today()
    query = select(Membership).where(Membership.centre_id == centre_id).order_by(Membership.id)
    places = list(db.session.execute(query).scalars())
    for is_fit in (
        lambda place: place.role == LEGAL_REPRESENTATIVE and place.may(API, today),
        lambda place: place.may(API, today),
        lambda place: place.may(REGISTER_RIGHT, today),
    ):
        if found := next(filter(is_fit, places), None):
            return int(found.person_id)
    raise NobodyToActAs
