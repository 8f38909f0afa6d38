"""A driver's identity corrected by an agent: what no registration can mend. Both values are kept, and lead to the driver."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.exc import IntegrityError

from app.extensions import db
from app.models import CardRequest, Driver, DriverMerge, IdentityCorrection, Registration
from app.models.card import OPEN_STATES
from app.models.driver import Change
from app.models.registration import PENDING
from app.services.accounts.link import Identity
from app.services.core import actor, clock, outbox
from app.services.core.reason import reason as reason_of
from app.services.core.reason import version_of
from app.services.core.refusal import Refusal
from app.services.core.taking import changed, taken
from app.services.core.transaction import transaction
from app.services.journal import record as journal

from . import hanging, mails, merging
from .effects import NotTwo
from .hanging import Hanging
from .holding import hold

MISSING = "Dites pourquoi cette identité est corrigée."
NAMES, KEY = ("last_name", "first_name"), ("birth_date", "permit_number")


class Known(Refusal):
    """Another driver has this identity: it is two records that are one person, or somebody else."""

    message = "Un autre conducteur est connu sous cette date de naissance et ce N° de permis."

    def __init__(self, other_id: int) -> None:
        super().__init__()
        self.other_id = other_id


class Joined(Refusal):
    """The identity is that of a record that was joined to this driver."""

    message = (
        "Cette identité est celle d’une fiche réunie à ce conducteur. Défaites la réunion, puis réunissez les deux fiches en "
        "gardant l’autre identité."
    )


@dataclass(frozen=True, slots=True)
class Order:
    """A correction asked for, well formed."""

    driver_id: int
    kind: str
    reason: str
    identity: Identity

    @property
    def leads(self) -> bool:
        """Tell whether the identity before was the driver's: a line that bears it leads to the driver still."""
        return self.kind == Change.CHANGE


@dataclass(frozen=True)
class Effects:
    """What a correction brings about. ``fields``: the columns that change; ``cards``: requests that follow; ``made``: those
    whose card is in the making or was sent.
    """

    order: Order
    now: Hanging
    fields: tuple[str, ...]
    cards: list[CardRequest]
    made: list[CardRequest]

    @property
    def changes_key(self) -> bool:
        """Tell whether the driver is found by another birth date or permit number from now on."""
        return any(field in KEY for field in self.fields)

    @property
    def pending(self) -> int:
        """Return how many documents are still to be drawn."""
        return sum(one.state == PENDING for row in self.now.registrations for one in row.documents)

    @property
    def version(self) -> str:
        """Return a text that changes with anything a person was shown of it."""
        shown = [self.order.kind, self.order.identity.values, self.now.told()]
        return version_of(shown)


def order(driver: Driver, kind: str, reason: str, identity: Identity) -> Order:
    """Return what is asked for; raise `Refusal` where nothing changes, without a reason, or for a birth date that changed."""
    if kind not in Change.labels():
        raise Refusal("Dites si l’identité a changé ou si elle était fausse.")
    why = reason_of(reason, MISSING)
    if identity == identity_of(driver):
        raise Refusal("Aucune valeur ne change : corrigez au moins un champ.")
    if kind == Change.CHANGE and identity.birth_date != driver.birth_date:
        raise Refusal(
            "Une date de naissance ne change pas : si elle était fausse, choisissez « L’identité était fausse »."
        )
    return Order(driver.id, kind, why, identity)


def identity_of(driver: Driver) -> Identity:
    """Return a driver's identity."""
    return Identity(driver.last_name, driver.first_name, driver.birth_date, driver.permit_number)


def look(asked: Order) -> Effects:
    """Return what a correction would bring about; raise :class:`Known`, :class:`Joined`, `effects.NotTwo` or LookupError."""
    driver = db.session.get(Driver, asked.driver_id)
    if driver is None:
        raise LookupError(asked.driver_id)
    if driver.same_as_id is not None:
        raise NotTwo
    _former(driver, asked.identity)
    now = hanging.of(driver)
    before, after = identity_of(driver).values, asked.identity.values
    fields = tuple(field for field in (*NAMES, *KEY) if before[field] != after[field])
    made = [card for card in now.cards if card.state in ("production", "sent")]
    return Effects(asked, now, fields, [card for card in now.cards if card.state in OPEN_STATES], made)


def correct(asked: Order, agent_id: int, *, shown: str) -> int:
    """Correct a driver's identity and return the id of the correction.

    ``shown``: the version of the effects that the agent was shown. Raises as :func:`look`, `merging.Changed`, `holding.Busy`.
    """
    try:
        with transaction(durable=True), actor.acting(actor.PROGRAM):
            hold({asked.driver_id})
            own = Driver.id == asked.driver_id, Driver.same_as_id.is_(None)
            taken(
                update(Driver).where(*own).values(code_series=Driver.code_series)
            )  # SQLite's lock, before anything is read
            found = look(asked)
            if found.version != shown:
                raise merging.Changed
            correction = _write(found, agent_id)
    except IntegrityError:  # a centre registered that identity at this very moment
        raise merging.Changed from None
    outbox.ring()
    return correction


def _former(driver: Driver, identity: Identity) -> Driver | None:
    """Return the former identity of this driver that is taken up again, None for a new one; raise where it is another's."""
    if (identity.birth_date, identity.permit_number) == (driver.birth_date, driver.permit_number):
        return None
    same = Driver.birth_date == identity.birth_date, Driver.permit_number == identity.permit_number
    other = db.session.execute(select(Driver).where(*same)).scalar_one_or_none()
    if other is None:
        return None
    if other.same_as_id != driver.id:
        raise Known(other.same_as_id or other.id)
    joined = select(DriverMerge.id).where(DriverMerge.joined_id == other.id).limit(1)
    if db.session.scalar(joined) is not None:
        raise Joined
    return other


def _write(found: Effects, agent_id: int) -> int:
    asked, driver = found.order, found.now.driver
    before, after = identity_of(driver), asked.identity
    names = {field: asked.identity.values[field] for field in found.fields if field in NAMES}
    open_ids = [card.id for card in found.cards]
    if found.changes_key:
        _change_key(driver, asked)
    driver.last_name, driver.first_name = after.last_name, after.first_name
    row = IdentityCorrection(
        driver_id=driver.id,
        kind=asked.kind,
        reason=asked.reason,
        at=clock.now(),
        by_id=agent_id,
        after=_plain(after),
        **before.values,
    )
    db.session.add(row)
    db.session.flush()
    key = {"birth_date": after.birth_date, "permit_number": after.permit_number}
    merging.identify_cards(open_ids, {**key, **names})
    journal.record(
        "driver.identity_corrected",
        merging.SUBJECT,
        driver.id,
        actor_id=agent_id,
        before=_plain(before),
        after={**_plain(after), "why": Change.labels()[asked.kind]},
        reason=asked.reason,
    )
    mails.tell_corrected(row, driver)
    return row.id


def _change_key(driver: Driver, asked: Order) -> None:
    """Give the driver another birth date or permit number. Where the former ones were true, they stay as an identity that
    leads to the driver, and the registrations made under it go on saying so.
    """
    own = Registration.driver_id == driver.id, Registration.registered_as_id.is_(None)
    under_it = list(db.session.execute(select(Registration.id).where(*own)).scalars())
    former = _former(driver, asked.identity)
    if former is not None:
        _say(Registration.registered_as_id == former.id, None)
        changed(delete(Driver).where(Driver.id == former.id))
    before = identity_of(driver)
    driver.birth_date, driver.permit_number = asked.identity.birth_date, asked.identity.permit_number
    db.session.flush()
    if asked.leads:
        kept = Driver(**before.values, same_as_id=driver.id)
        db.session.add(kept)
        db.session.flush()
        _say(Registration.id.in_(under_it), kept.id)


def _say(which: Any, identity_id: int | None) -> None:
    """Let registrations say under which identity they were made."""
    statement = update(Registration).where(which).values(registered_as_id=identity_id)
    changed(statement.execution_options(synchronize_session=False))
    db.session.expire_all()


def _plain(identity: Identity) -> dict[str, str]:
    return {name: str(value) for name, value in identity.values.items()}
