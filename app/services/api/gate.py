"""The gate of the API: whom a key stands for, whether it still opens, how many calls are left in its minute."""

from __future__ import annotations

import hmac
import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

from flask import current_app
from sqlalchemy import case, select, update

from app.extensions import db
from app.models import ApiKey
from app.models.centre import API, REGISTER
from app.services.core import actor, clock
from app.services.core.refusal import Refusal
from app.services.core.transaction import transaction
from app.services.notifications import webhook_events
from app.services.rights import access
from app.validators import networks

_FORM = re.compile(r"cqc_(?:live|test)_([0-9a-f]{8})_([A-Za-z0-9_-]{43})")
#: Compared with where no key has the prefix, so that every refusal takes the same steps.
_NO_HASH = sha256(b"no such key").hexdigest()
#: The rate limit counts calls by the minute of the clock.
WINDOW = timedelta(minutes=1)


class KeyRefused(Refusal):
    """The key opens nothing; ``code`` is the stable name of the reason."""

    def __init__(self, code: str) -> None:
        super().__init__()
        self.code = code


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls: the key's centre, the person it acts as, what it may do."""

    key_id: int
    prefix: str
    centre_id: int
    person_id: int
    scopes: frozenset[str]
    sandbox: bool
    #: Whether the centre's service contract is in force today.
    has_contract: bool
    #: Whether some address of the centre is told of events (`webhook_events`).
    has_webhooks: bool
    #: For whom lines are judged: the person, by the right « API »; by « enregistrement de sessions » failing that.
    reach: access.Reach


@dataclass(frozen=True, slots=True)
class Allowance:
    """Calls a minute, calls left in this minute (below zero: this one is too many), seconds until the next."""

    limit: int
    remaining: int
    reset: int


@actor.acting(actor.PROGRAM)
def authenticate(text: str, address: str) -> Caller:
    """Return whom a key stands for, one query; raise :class:`KeyRefused` whatever is wrong with it or with the address.

    It acts as the person who made it, so it opens nothing once that person has left the centre, lost the right or had
    the account closed.
    """
    form = _FORM.fullmatch(text)
    prefix, secret = form.groups() if form else ("", "")
    by_api, by_hand = (access.holder_clause(ApiKey.created_by_id, ApiKey.centre_id, right) for right in (API, REGISTER))
    told = (access.contract_clause(ApiKey.centre_id), webhook_events.listens_clause(ApiKey.centre_id))
    query = select(ApiKey, by_api, by_hand, *told).where(ApiKey.prefix == prefix)
    row = db.session.execute(query.execution_options(populate_existing=True)).one_or_none()
    key, holds_api, holds_register, has_contract, has_webhooks = row or (None, False, False, False, False)
    known = key.secret_hash if key else _NO_HASH
    if not hmac.compare_digest(known, key_hash(secret)) or key is None:
        raise KeyRefused("key_invalid")
    _check_still_good(key, clock.machine_now(), address)
    if not (holds_api or holds_register):
        raise KeyRefused("key_without_right")
    return Caller(
        key.id,
        key.prefix,
        key.centre_id,
        key.created_by_id,
        frozenset(key.scope_list),
        key.sandbox,
        has_contract,
        has_webhooks,
        access.Reach(key.created_by_id, (API,) if holds_api else (REGISTER,)),
    )


def count_call(caller: Caller) -> Allowance:
    """Count a call in the window of its minute; one statement, which also notes the key's last use."""
    now = clock.machine_now()
    start = now.replace(second=0, microsecond=0)
    same = ApiKey.last_used_at == start
    statement = (
        update(ApiKey)
        .where(ApiKey.id == caller.key_id)
        .values(calls=case((same, ApiKey.calls + 1), else_=1), last_used_at=start)
        .returning(ApiKey.calls)
        .execution_options(synchronize_session=False)
    )
    with transaction(always=True):
        calls = db.session.scalar(statement) or 1
    limit = int(current_app.config["API_CALLS_PER_MINUTE"])
    return Allowance(limit, limit - calls, (start + WINDOW - now).seconds + 1)


def _check_still_good(key: ApiKey, now: datetime, address: str) -> None:
    if key.revoked_at is not None and key.revoked_at <= now:
        raise KeyRefused("key_revoked")
    if key.ends_on is not None and key.ends_on < clock.today():
        raise KeyRefused("key_expired")
    if key.networks and not _is_within(address, key.networks.split()):
        raise KeyRefused("address_refused")


def _is_within(address: str, accepted: Iterable[str]) -> bool:
    found = networks.parse(address)
    return found is not None and any(found in ipaddress.ip_network(network) for network in accepted)


def key_hash(secret: str) -> str:
    """Return the SHA-256 of a key's secret part, in hexadecimal."""
    return sha256(secret.encode()).hexdigest()
