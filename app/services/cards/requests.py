"""A request for the driver's card (CQC), as its holder makes it: begun on a ground, filled in step by step, sent once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import IO, Any

from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import joinedload, selectinload

from app.extensions import db
from app.models import CardRequest, Driver, Registration
from app.models.card import CANCELLED, CENTRE, DRAFT, EDITABLE, GIVEN_UP, HOLDER, REFUSED, SUBMITTED
from app.services.core import clock, numbers, outbox
from app.services.core.refusal import Refusal
from app.services.core.taking import taken
from app.services.core.transaction import transaction
from app.services.journal import record as journal
from app.services.reference.pricing import fee_of
from app.services.storage import pictures, store
from app.validators.validity import add_months

from . import grounds as card_grounds
from . import payment
from .moves import SUBJECT, Moved, move

#: A refused request may be corrected for as long as a certificate holds.
CORRECTION_MONTHS = 4
_NO_PICTURES: dict[str, Any] = dict.fromkeys(("photo_path", "photo_sha256", "signature_path", "signature_sha256"))
ADDRESS, PICTURES, PAYMENT = "adresse", "photo", "paiement"


class NotOpen(Refusal):
    """There is no ground, or not today."""

    message = "La demande de carte n’est pas ouverte : aucun certificat valable ni droit de formateur ne la fonde aujourd’hui."


class TooLate(Refusal):
    """A refused request was not taken up again in time."""

    message = f"Cette demande a été refusée il y a plus de {CORRECTION_MONTHS} mois : elle ne peut plus être reprise."


class Incomplete(Refusal):
    """A step is still to be done."""

    message = "La demande est incomplète : terminez toutes les étapes avant de l’envoyer."


@dataclass(frozen=True, slots=True)
class Postal:
    """Where the card is sent: lines parsed by `validators.postal`."""

    address_extra: str
    street: str
    postcode: str
    city: str


def begin(driver: Driver, kind: str, ground_id: int) -> CardRequest:
    """Return the request on a ground, begun now where there is none yet; twins share one. Raises :class:`NotOpen`."""
    ground = card_grounds.find(driver, kind, ground_id)
    if ground is None:
        raise NotOpen
    if ground.request is not None:
        return ground.request
    if not ground.is_open(clock.today()):
        raise NotOpen
    last_name, first_name = card_grounds.names_today(driver, ground)
    now = clock.machine_now()
    request = CardRequest(
        driver_id=driver.id,
        registration=ground.registration,
        trainer=ground.trainer,
        state=DRAFT,
        last_name=last_name,
        first_name=first_name,
        birth_date=driver.birth_date,
        permit_number=driver.permit_number,
        payer=ground.payer,
        created_at=now,
        updated_at=now,
    )
    try:
        with transaction():
            db.session.add(request)
            db.session.flush()
            if not card_grounds.still_counts(driver, ground):
                raise NotOpen
            journal.record("card.draft", SUBJECT, request.id, actor_id=driver.person_id)
    except IntegrityError:  # the twin of this click was quicker
        found = card_grounds.find(driver, kind, ground_id)
        if found is None or found.request is None:
            raise
        return found.request
    return request


def own(driver: Driver, key: str) -> CardRequest | None:
    """Return a driver's own request of that key with its ground and history, or None, whatever the reason."""
    query = (
        select(CardRequest)
        .options(
            joinedload(CardRequest.registration).joinedload(Registration.training),
            joinedload(CardRequest.trainer),
            selectinload(CardRequest.events),
        )
        .where(CardRequest.key == key, CardRequest.driver_id == driver.id, CardRequest.state != CANCELLED)
    )
    return db.session.execute(query).scalar_one_or_none()


def set_address(request: CardRequest, address: Postal) -> None:
    """Keep where the card is sent; raises :class:`Moved` where the request was sent meanwhile."""
    with transaction():
        _change(request, **{name: getattr(address, name) for name in Postal.__slots__})


def set_picture(request: CardRequest, kind: str, stream: IO[bytes]) -> None:
    """Keep a photo or a signature in place of the one before; raises `pictures.PictureRefused` or :class:`Moved`."""
    kept = pictures.keep(pictures.redraw(stream, kind), kind)
    before = _path(request, kind)
    try:
        with transaction():
            _change(request, **{f"{kind}_path": kept.path, f"{kind}_sha256": kept.sha256})
    except Refusal:  # of any other failure nobody knows whether the row stands: the purge does
        store.remove(kept.path)
        raise
    if before:
        store.remove(before)


def picture(request: CardRequest, kind: str) -> bytes:
    """Return a picture of a request as kept; raise `store.Missing` where there is none (any more)."""
    path, digest = _path(request, kind), getattr(request, f"{kind}_sha256")
    if not path or not digest:
        raise store.Missing(kind)
    return store.get(path, digest)


def set_means(request: CardRequest, means: str) -> None:
    """Keep the means of payment; raises :class:`Refusal` for one that is not offered."""
    if means not in {one.code for one in payment.provider().means()}:
        raise Refusal("Choisissez un moyen de paiement.")
    with transaction():
        _change(request, payment_means=means)


def missing(request: CardRequest) -> list[str]:
    """Return the steps still to be done, in their order; none when the request may be sent."""
    steps = []
    if not (request.street and request.postcode and request.city):
        steps.append(ADDRESS)
    if not (request.photo_path and request.signature_path):
        steps.append(PICTURES)
    if request.payer == HOLDER and not request.payment_reference and not request.payment_means:
        steps.append(PAYMENT)
    return steps


def submit(request_id: int, actor_id: int) -> CardRequest:
    """Charge the fee where the holder pays, and send the request, once; one sent already is returned as it stands.

    Taken up again after a refusal, it keeps its number and is not charged again. Raises :class:`Incomplete`,
    :class:`NotOpen`, :class:`TooLate`, `pricing.NoFee`, `payment.Declined` or :class:`Moved`.
    """
    with transaction(durable=True):
        request = _lock(request_id)
        if request.state not in EDITABLE:
            if request.state in GIVEN_UP:
                raise Moved(request.state)
            return request
        if missing(request):
            raise Incomplete
        _require_ground(request)
        fee = fee_of(request)
        if request.payer == HOLDER and request.payment_reference is None:
            # The order is the request's key: a payment taken before a failure of this commit is found again, not repeated.
            request.payment_reference = payment.provider().charge(request.key, fee.total, request.payment_means)
        request.number = request.number or numbers.public_number(numbers.CARD, clock.today().year)
        request.fee, request.vat_rate = fee.amount, fee.vat_rate
        request.submitted_at = clock.now()
        db.session.flush()
        request = move(request.id, SUBMITTED, actor_id, agent_id=None)
    outbox.ring()
    return request


def cancel(request: CardRequest, actor_id: int | None) -> None:
    """Give a draft up and remove its pictures; raises :class:`Moved` where it was sent meanwhile."""
    paths = _paths(request)
    with transaction():
        move(request.id, CANCELLED, actor_id, **_NO_PICTURES)
    for path in paths:
        store.remove(path)


def drop_pictures(request: CardRequest, why: str) -> None:
    """Remove both pictures of a request, first from its row, then from the store; the journal keeps why."""
    paths = _paths(request)
    with transaction():
        for name, value in _NO_PICTURES.items():
            setattr(request, name, value)
        journal.record("card.pictures_purged", SUBJECT, request.id, actor_id=None, reason=why)
    for path in paths:
        store.remove(path)


def correct_until(request: CardRequest) -> date | None:
    """Return the last day on which a refused request may be taken up again; None in any other state."""
    if request.state != REFUSED:
        return None
    refused = max(event.at for event in request.events if event.state == REFUSED)
    return add_months(refused.astimezone(clock.PARIS).date(), CORRECTION_MONTHS)


def is_too_late(request: CardRequest) -> bool:
    """Tell whether a refused request may not be taken up again any more."""
    until = correct_until(request)
    return until is not None and clock.today() > until


def of(driver: Driver) -> list[CardRequest]:
    """Return a driver's requests with their grounds and history, the latest first; drafts given up are not among them."""
    query = (
        select(CardRequest)
        .options(
            joinedload(CardRequest.registration).joinedload(Registration.training),
            joinedload(CardRequest.trainer),
            selectinload(CardRequest.events),
        )
        .where(CardRequest.driver_id == driver.id, CardRequest.state != CANCELLED)
        .order_by(CardRequest.id.desc())
    )
    return list(db.session.execute(query).scalars())


def who_pays(request: CardRequest) -> str:
    """Return who pays, in words."""
    if request.payer == CENTRE and request.trainer is not None:
        return f"{request.trainer.centre.name}, qui a pris la redevance à sa charge"
    return "Vous, par carte bancaire"


def _require_ground(request: CardRequest) -> None:
    """Raise unless the ground holds today, or did when the request was first sent and it is corrected in time."""
    if not card_grounds.holds(request):
        raise NotOpen
    if request.state == REFUSED:
        if is_too_late(request):
            raise TooLate
        return
    kind = card_grounds.FORMATION if request.registration_id else card_grounds.RIGHT
    ground = card_grounds.find(request.driver, kind, request.registration_id or request.trainer_id or 0)
    if ground is None or not ground.is_open(clock.today()):
        raise NotOpen


def _lock(request_id: int) -> CardRequest:
    """Take the request's lock: a twin waits here, then finds it sent."""
    db.session.execute(
        update(CardRequest)
        .where(CardRequest.id == request_id)
        .values(updated_at=clock.machine_now())
        .execution_options(synchronize_session=False)
    )
    db.session.expire_all()
    return db.session.get_one(CardRequest, request_id)


def _change(request: CardRequest, **changes: object) -> None:
    won = taken(
        update(CardRequest)
        .where(CardRequest.id == request.id, CardRequest.state.in_(EDITABLE))
        .values(updated_at=clock.machine_now(), **changes)
    )
    db.session.refresh(request)
    if not won:
        raise Moved(request.state)


def _paths(request: CardRequest) -> list[str]:
    return [path for kind in (pictures.PHOTO, pictures.SIGNATURE) if (path := _path(request, kind))]


def _path(request: CardRequest, kind: str) -> str | None:
    path: str | None = getattr(request, f"{kind}_path")
    return path
