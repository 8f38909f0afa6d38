"""The service contract: offered, suspended, taken up again and ended by an agent; read and signed by the legal representative.

Each act is one conditional update, so that of two at once one is refused; the journal keeps the history, the centre's legal
representatives are told by mail.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from sqlalchemy import exists, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import joinedload

from app.extensions import db
from app.models import Centre, Decision, Membership, ServiceContract
from app.models.centre import ENDED, OFFERED, SIGNED, SUSPENDED, WITHDRAWN
from app.models.decision import Outcome
from app.models.outbox import CONTRACT
from app.services.core import case, clock, outbox
from app.services.core.reason import REASON_MAX
from app.services.core.reason import reason as reason_of
from app.services.core.refusal import Refusal
from app.services.core.taking import taken
from app.services.core.transaction import transaction
from app.services.journal import record as journal
from app.services.rights import access, naming, recipients
from app.services.seal import sealing
from app.services.storage import store

from . import mail as contract_mail
from . import pdf as contract_pdf
from . import text as contract_text

_REASON = f"Donnez le motif, en {REASON_MAX} caractères au plus : il est communiqué au centre."
SUBJECT = "service_contract"
#: Of an offer to a centre that nobody represents.
NOBODY_YET = "Le centre n’a pas de représentant légal : la proposition partira par courriel dès qu’il en aura un."


class NotInThisState(Refusal):
    """Somebody else acted on the contract meanwhile, or the act does not fit its state."""

    message = "Ce contrat a changé d’état entre-temps : rien n’a été fait. Relisez la page."


class AlreadyOffered(Refusal):
    """One offer at a time."""

    message = "Une proposition attend déjà la signature de ce centre : retirez-la avant d’en faire une autre."


class OtherText(Refusal):
    """The text signed is not the one on offer."""

    message = "Le texte proposé n’est plus celui que vous avez lu : rien n’a été signé. Relisez-le avant de le signer."


class CurrentSuspended(Refusal):
    """A new version does not lift a suspension."""

    message = "Le contrat en cours est suspendu : une nouvelle version ne se signe qu’une fois la suspension levée."


@dataclass(frozen=True, slots=True)
class Signature:
    """What the legal representative states when signing: name, quality, and the SHA-256 of the text that was shown."""

    name: str
    quality: str
    text_sha256: str


def offer(centre_id: int, version: str, actor_id: int) -> ServiceContract:
    """Offer a version of the text to a centre, filled with its name and today's tariffs, and return the contract.

    Raises :class:`AlreadyOffered`, `contract_text.NoSuchText`, `pricing.NoTariff`, or `Refusal` for a centre that is not known.
    """
    centre = db.session.get(Centre, centre_id)
    if centre is None:
        raise Refusal("Choisissez un centre de la liste.")
    text = contract_text.compose(version, centre, clock.today())
    contract = ServiceContract(
        centre_id=centre_id,
        version=version,
        state=OFFERED,
        text=text,
        text_sha256=contract_text.digest(text),
        offered_at=clock.now(),
        offered_by_id=actor_id,
    )
    try:
        with transaction():
            db.session.add(contract)
            db.session.flush()
            _record(contract, "offered", actor_id, {"version": version, "text_sha256": contract.text_sha256})
    except IntegrityError:
        raise AlreadyOffered from None
    outbox.ring()
    return contract


def withdraw(contract_id: int, actor_id: int, reason: str) -> None:
    """Take an offer back before it is signed; raises :class:`NotInThisState` or `ReasonNeeded`."""
    _act(contract_id, Outcome.WITHDRAWN, (OFFERED,), WITHDRAWN, actor_id, reason)


def suspend(contract_id: int, actor_id: int, reason: str) -> None:
    """Stop registering under a contract from this moment; raises :class:`NotInThisState` or `ReasonNeeded`."""
    _act(contract_id, Outcome.SUSPENDED, (SIGNED,), SUSPENDED, actor_id, reason)


def resume(contract_id: int, actor_id: int, reason: str) -> None:
    """Take a suspended contract up again; raises :class:`NotInThisState` or `ReasonNeeded`."""
    _act(contract_id, Outcome.RESUMED, (SUSPENDED,), SIGNED, actor_id, reason)


def end(contract_id: int, actor_id: int, reason: str) -> None:
    """End a contract for good, today; raises :class:`NotInThisState` or `ReasonNeeded`."""
    _act(contract_id, Outcome.ENDED, (SIGNED, SUSPENDED), ENDED, actor_id, reason, valid_to=clock.today())


def sign(contract_id: int, centre_id: int, person_id: int, signature: Signature) -> None:
    """Sign an offer for the centre; the contract in force until now ends, the worker draws the PDF.

    Raises `access.NotAllowed` unless the person is a legal representative of the centre, :class:`NotInThisState`,
    :class:`OtherText`, :class:`CurrentSuspended`, or `Refusal` for a name or quality that is missing.
    """
    name, quality = (" ".join(text.split()) for text in (signature.name, signature.quality))
    if not (0 < len(name) <= 121 and 0 < len(quality) <= 120):
        raise Refusal("Indiquez votre nom et votre qualité, en 120 caractères au plus.")
    try:
        with transaction(durable=True):
            access.require_representative(person_id, centre_id)
            _end_current(centre_id, contract_id, person_id)
            # The text is compared with what was shown in the very update that signs it.
            signed = _move(
                contract_id,
                (OFFERED,),
                SIGNED,
                (ServiceContract.centre_id == centre_id, ServiceContract.text_sha256 == signature.text_sha256),
                signed_on=clock.today(),
                signed_at=clock.now(),
                signed_by_id=person_id,
                signer_name=name,
                signer_quality=quality,
            )
            if not signed:
                raise _why_not_signed(contract_id, centre_id)
            contract = db.session.get_one(ServiceContract, contract_id)
            outbox.add(CONTRACT, [{"contract": contract_id}])
            after = {"version": contract.version, "text_sha256": contract.text_sha256, "quality": quality}
            _record(contract, "signed", person_id, after)
    except IntegrityError:  # the contract that was suspended is in force again since it was looked at
        raise NotInThisState from None
    outbox.ring()


def _why_not_signed(contract_id: int, centre_id: int) -> Refusal:
    contract = of_centre(contract_id, centre_id)
    return OtherText() if contract is not None and contract.state == OFFERED else NotInThisState()


def _end_current(centre_id: int, contract_id: int, person_id: int) -> None:
    """End what is in force, taking its lock first: a suspension made at this very moment is seen."""
    query = select(ServiceContract).where(ServiceContract.centre_id == centre_id)
    old = db.session.execute(query.where(ServiceContract.state == SIGNED)).scalar_one_or_none()
    if old is not None and _move(old.id, (SIGNED,), ENDED, valid_to=clock.today()):
        journal.record(
            "contract.replaced",
            SUBJECT,
            old.id,
            actor_id=person_id,
            centre_id=centre_id,
            before={"state": SIGNED},
            after={"state": ENDED, "by": contract_id},
        )
    suspended = exists().where(ServiceContract.centre_id == centre_id, ServiceContract.state == SUSPENDED)
    if db.session.scalar(select(suspended)):
        raise CurrentSuspended


def of_centre(contract_id: int, centre_id: int) -> ServiceContract | None:
    """Return a contract of the centre, None for another's or one that is not known."""
    contract = db.session.get(ServiceContract, contract_id, populate_existing=True)
    return contract if contract is not None and contract.centre_id == centre_id else None


def all_of(centre_id: int) -> list[ServiceContract]:
    """Return the centre's contracts but offers withdrawn: the offer first, then the one in force, then the ended ones."""
    query = (
        select(ServiceContract)
        .where(ServiceContract.centre_id == centre_id, ServiceContract.state != WITHDRAWN)
        .options(joinedload(ServiceContract.signed_by))
        .order_by(ServiceContract.id.desc())
    )
    order = (OFFERED, SIGNED, SUSPENDED, ENDED)
    return sorted(db.session.execute(query).scalars(), key=lambda contract: order.index(contract.state))


def ask_for_pdf(contract_id: int, centre_id: int) -> None:
    """Make the PDF due of a signed text that has none yet; raises :class:`NotInThisState`."""
    contract = of_centre(contract_id, centre_id)
    if contract is None or not contract.text or contract.signed_on is None:
        raise NotInThisState
    if contract.path is None:
        with transaction():
            outbox.add(CONTRACT, [{"contract": contract_id}])
        outbox.ring()


def draw(contract_id: int) -> None:
    """Draw and seal the signed contract and store it; no commit. Of two at once the first keeps its file (`documents.draw`)."""
    contract = db.session.get_one(ServiceContract, contract_id)
    if contract.path is not None or contract.signed_on is None:
        return
    sealed = sealing.seal(contract_pdf.render(contract))
    file = store.put_named(f"contracts/{contract_id}-{sha256(sealed).hexdigest()[:12]}.pdf", sealed)
    won = taken(
        update(ServiceContract)
        .where(ServiceContract.id == contract_id, ServiceContract.path.is_(None))
        .values(path=file.path, sha256=file.sha256, size=file.size)
    )
    if not won:
        store.remove(file.path)


def content(contract: ServiceContract) -> bytes:
    """Return the stored PDF; raise `store.Missing` when it is not drawn, gone, or altered."""
    if not contract.path or not contract.sha256:
        raise store.Missing(str(contract.id))
    return store.get(contract.path, contract.sha256)


def _act(
    contract_id: int, outcome: Outcome, sources: tuple[str, ...], target: str, actor_id: int, reason: str, **values: Any
) -> None:
    reason = reason_of(reason, _REASON, _REASON)
    with transaction():
        if not _move(contract_id, sources, target, reason=reason, **values):
            raise NotInThisState
        contract = db.session.get_one(ServiceContract, contract_id)
        _record(contract, outcome, actor_id, {"state": target}, case.decide(contract, outcome, actor_id, reason))
    outbox.ring()


def _move(contract_id: int, sources: tuple[str, ...], target: str, more: tuple[Any, ...] = (), **values: Any) -> bool:
    """Move a contract to a state, from one of others, and tell whether it moved; in the caller's transaction."""
    return taken(
        update(ServiceContract)
        .where(ServiceContract.id == contract_id, ServiceContract.state.in_(sources), *more)
        .values(state=target, **values)
    )


def _record(
    contract: ServiceContract, act: str, actor_id: int, after: dict[str, Any], decision: Decision | None = None
) -> None:
    """Journal an act and make due its mail to each legal representative of the centre."""
    journal.record(
        f"contract.{act}",
        SUBJECT,
        contract.id,
        actor_id=actor_id,
        centre_id=contract.centre_id,
        after=after,
        reason=decision.reason if decision else "",
    )
    contract_mail.make_due(contract, act, recipients.representatives(contract.centre_id), decision)


@naming.follows
def _tell_of_the_offer(place: Membership) -> None:
    """Mail the offer that waits to a legal representative who was named after it was made; no commit."""
    query = select(ServiceContract).where(
        ServiceContract.centre_id == place.centre_id, ServiceContract.state == OFFERED
    )
    contract = db.session.execute(query).scalar_one_or_none()
    if contract is not None and not contract_mail.is_told(contract, "offered", place.person):
        contract_mail.make_due(contract, "offered", [(place.person_id, place.person.email)], None)
