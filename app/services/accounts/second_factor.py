"""The second factor: six digits from the person's telephone (TOTP, RFC 6238), ten codes for when it is lost."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass

import pyotp
from flask import current_app
from sqlalchemy import delete, func, select, update

from app.extensions import db
from app.models import Membership, Person, RecoveryCode, SecondFactor
from app.models.centre import LEGAL_REPRESENTATIVE
from app.models.person import is_enabled
from app.models.types import holds_on
from app.services.core import actor, clock, dialect, outbox, throttle, vault
from app.services.core.refusal import Refusal
from app.services.core.taking import changed
from app.services.core.throttle import Limit
from app.services.core.transaction import transaction
from app.services.journal import record as journal

from . import known_browser, passwords
from . import mail as account_mail
from . import notices as account_notices
from .closing import needed
from .known_browser import Browser
from .password_change import CHANGING, WrongPassword
from .sign_in import LONGEST

STEP = 30
#: A telephone's clock may be a step early or late.
TOLERANCE = 1
CODES = 10
#: Without letters and digits that are taken for one another; 12 of them are 59 bits.
ALPHABET = "23456789abcdefghjkmnpqrstuvwxyz"
TRYING = Limit("second factor", 5, longest=LONGEST)
CODE, RECOVERY = "second_factor", "recovery_code"
SUBJECT = "person"
#: What secrets are encrypted for (`services.core.vault`).
USE = "second factor"


class WrongCode(Refusal):
    """The code is not the telephone's, was taken already, or is no unused recovery code."""

    message = "Ce code n’est pas le bon, ou a déjà servi. Saisissez celui que l’application affiche maintenant."


class NotOffered(Refusal):
    """The person has no place that the second factor protects."""

    message = "La double authentification est proposée aux agents et aux représentants légaux."


class AlreadyOn(Refusal):
    """There is a second factor already."""

    message = "La double authentification est déjà activée."


class NotOn(Refusal):
    """There is no second factor."""

    message = "La double authentification n’est pas activée."


class Required(Refusal):
    """The operator asks agents for a second factor."""

    message = "La double authentification est obligatoire pour les agents : elle ne peut pas être désactivée."


@dataclass(frozen=True, slots=True)
class Setup:
    """What a telephone needs: the secret as text (groups of four) and the address that a QR code carries."""

    secret: str
    address: str


def is_privileged(person: Person) -> bool:
    """Tell whether a person is an agent or a centre's legal representative, today."""
    return person.is_agent or _represents(person.id)


@actor.acting(actor.PROGRAM)
def is_on(person_id: int) -> bool:
    """Tell whether signing in asks this person for a code."""
    return is_enabled(db.session.get(SecondFactor, person_id, populate_existing=True))


def must_enrol(person: Person) -> bool:
    """Tell whether the operator's settings ask this person for a second factor that they have not set up."""
    return _is_required(person) and not is_on(person.id)


@actor.acting(actor.PROGRAM)
def codes_left(person_id: int) -> int:
    """Return how many recovery codes are unused."""
    query = select(func.count()).where(RecoveryCode.person_id == person_id, RecoveryCode.used_at.is_(None))
    return db.session.scalar(query) or 0


def start(person: Person) -> Setup:
    """Return what the telephone needs, the same until it is confirmed. Raises :class:`NotOffered`, :class:`AlreadyOn`."""
    if not is_privileged(person):
        raise NotOffered
    fresh = vault.encrypt(USE, pyotp.random_base32())
    with transaction():
        values = {"person_id": person.id, "secret": fresh, "created_at": clock.now(), "last_step": 0}
        dialect.insert_if_new(SecondFactor, values)
        row = db.session.get_one(SecondFactor, person.id, populate_existing=True)
        if row.enabled_at is not None:
            raise AlreadyOn
        if (secret := vault.read(USE, row.secret)) is None:  # begun under a secret of the program that is gone
            row.secret, secret = fresh, vault.decrypt(USE, fresh)
    address = pyotp.TOTP(secret).provisioning_uri(name=person.email, issuer_name="Registre CQC")
    return Setup(" ".join(secret[at : at + 4] for at in range(0, len(secret), 4)), address)


def confirm(person: Person, password: str, code: str) -> list[str]:
    """Turn the second factor on for who shows both password and code; return the recovery codes, for the only time.

    Raises :class:`NotOffered`, :class:`AlreadyOn`, `password_change.WrongPassword`, :class:`WrongCode`, `throttle.TooOften`.
    """
    start(person)
    _check_password(person, password)
    throttle.count(TRYING, str(person.id))
    with transaction():
        _take_step(person.id, code, enabled=False)
        db.session.execute(
            update(SecondFactor).where(SecondFactor.person_id == person.id).values(enabled_at=clock.machine_now())
        )
        codes = _new_codes(person.id)
        throttle.forget(TRYING, str(person.id))
        account_notices.note("second_factor.on", account_mail.FACTOR_ON, person)
    outbox.ring()
    return codes


@actor.acting(actor.PROGRAM)
def check(person_id: int, typed: str, browser: Browser | None = None) -> str:
    """Take a code of the telephone or a recovery code; return which it was (:data:`CODE`, :data:`RECOVERY`).

    A ``browser`` that the account knows has tries of its own, which strangers' do not use up.

    Raises :class:`WrongCode` or `throttle.TooOften`.
    """
    tried = known_browser.counted(str(person_id), db.session.get(Person, person_id), browser)
    throttle.count(TRYING, tried)
    try:
        with transaction():
            used = _take(person_id, typed)
            throttle.forget(TRYING, tried)
    except WrongCode:
        with transaction():
            journal.record("second_factor.refused", SUBJECT, person_id, actor_id=None)
        raise
    return used


def renew_codes(person: Person, password: str, code: str) -> list[str]:
    """Replace the recovery codes and return the new ones, for the only time; raises as :func:`turn_off` does."""
    _prove(person, password, code)
    with transaction():
        codes = _new_codes(person.id)
        account_notices.note("second_factor.codes_renewed", account_mail.CODES_RENEWED, person)
    outbox.ring()
    return codes


def turn_off(person: Person, password: str, code: str) -> None:
    """Turn the second factor off for who shows both password and code.

    Raises :class:`NotOn`, :class:`Required`, `password_change.WrongPassword`, :class:`WrongCode`, `throttle.TooOften`.
    """
    if _is_required(person):
        raise Required
    _prove(person, password, code)
    with transaction():
        _remove(person.id)
        account_notices.note("second_factor.off", account_mail.FACTOR_OFF, person)
    outbox.ring()


def reset(person_id: int, actor_id: int, reason: str) -> None:
    """Take a person's second factor away on an agent's word, and tell them by mail.

    Raises :class:`NotOn`, or a :class:`Refusal` without a reason, or for the agent's own.
    """
    reason = needed(reason)
    if person_id == actor_id:
        raise Refusal("Demandez à un autre agent de réinitialiser votre propre double authentification.")
    with transaction():
        person = db.session.get(Person, person_id)
        if person is None or not is_on(person_id):
            raise NotOn
        _remove(person_id)
        journal.record("second_factor.reset", SUBJECT, person_id, actor_id=actor_id, reason=reason)
        account_notices.tell(account_mail.FACTOR_RESET, person)
    outbox.ring()


def _is_required(person: Person) -> bool:
    return bool(current_app.config["SECOND_FACTOR_FOR_AGENTS"]) and person.is_agent


def _represents(person_id: int) -> bool:
    today = clock.today()
    holds = holds_on(today, Membership.valid_to)
    query = select(Membership.id).where(
        Membership.person_id == person_id, Membership.role == LEGAL_REPRESENTATIVE, holds
    )
    with actor.acting(actor.PROGRAM):  # asked at the sign-in, too, when nobody is named yet
        return db.session.execute(query.limit(1)).first() is not None


def _prove(person: Person, password: str, code: str) -> None:
    if not is_on(person.id):
        raise NotOn
    _check_password(person, password)
    check(person.id, code)


def _check_password(person: Person, password: str) -> None:
    throttle.count(CHANGING, str(person.id))
    if not passwords.matches(person.password, password):
        raise WrongPassword
    with transaction():
        throttle.forget(CHANGING, str(person.id))


def _take(person_id: int, typed: str) -> str:
    """Use up a code of either kind, in the caller's transaction."""
    bare = "".join(typed.split()).replace("-", "").lower()
    if bare.isascii() and bare.isdigit() and len(bare) == 6:
        _take_step(person_id, bare, enabled=True)
        return CODE
    used = changed(
        update(RecoveryCode)
        .where(
            RecoveryCode.person_id == person_id,
            RecoveryCode.code_hash.in_(_hashes(person_id, bare)),
            RecoveryCode.used_at.is_(None),
        )
        .values(used_at=clock.machine_now())
    )
    if not used:
        raise WrongCode
    return RECOVERY


def _take_step(person_id: int, typed: str, *, enabled: bool) -> None:
    """Use up the step whose code this is; of two who show the same code at once, one gets :class:`WrongCode`."""
    row = db.session.get(SecondFactor, person_id, populate_existing=True)
    if row is None or is_enabled(row) != enabled:
        raise WrongCode
    if (secret := vault.read(USE, row.secret)) is None:  # the program's secret is another one: an agent sets it up anew
        raise WrongCode
    totp, now = pyotp.TOTP(secret), int(clock.machine_now().timestamp()) // STEP
    bare = "".join(typed.split())
    steps = range(now - TOLERANCE, now + TOLERANCE + 1)
    good = [step for step in steps if hmac.compare_digest(totp.generate_otp(step).encode(), bare.encode())]
    taken = changed(
        update(SecondFactor)
        .where(SecondFactor.person_id == person_id, SecondFactor.last_step < max(good, default=0))
        .values(last_step=max(good, default=0))
    )
    if not taken:
        raise WrongCode


def _new_codes(person_id: int) -> list[str]:
    """Replace the recovery codes, in the caller's transaction."""
    db.session.execute(delete(RecoveryCode).where(RecoveryCode.person_id == person_id))
    codes = ["".join(secrets.choice(ALPHABET) for _ in range(12)) for _ in range(CODES)]
    db.session.add_all(RecoveryCode(person_id=person_id, code_hash=_hashes(person_id, code)[0]) for code in codes)
    return [f"{code[:4]}-{code[4:8]}-{code[8:]}" for code in codes]


def _remove(person_id: int) -> None:
    db.session.execute(delete(RecoveryCode).where(RecoveryCode.person_id == person_id))
    db.session.execute(delete(SecondFactor).where(SecondFactor.person_id == person_id))


def _hashes(person_id: int, code: str) -> list[str]:
    """Return a keyed hash, then those under secrets of before: long random codes need no slow one."""
    about = f"{person_id}:{code}".encode()
    return [hmac.new(key, about, hashlib.sha256).hexdigest() for key in vault.keys("recovery codes")]
