"""Billing lines under another order number, or reference, than their own: until they are on an issued invoice.

The registration never changes. Drafts are re-grouped in the same transaction; what is not drafted yet is billed so by the next.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, insert, select

from app.extensions import db
from app.models import Invoice, OrderOverride, Registration, Trainer
from app.models.billing.invoices import ORDER_MAX
from app.models.centre import INVOICES
from app.services.core import actor, clock
from app.services.core.numbers import euros
from app.services.core.refusal import Refusal
from app.services.core.taking import changed
from app.services.core.transaction import transaction
from app.services.journal import record as journal
from app.services.rights import access
from app.validators.fields import clean, parse_text

from . import billed, ceilings, drafts, grouping, near, regrouping
from .billed import FEE, REGISTRATION, Line, Ref
from .regrouping import STEP, Issued, NotBilled

__all__ = [
    "BadNumber",
    "Chosen",
    "Gone",
    "Issued",
    "Moved",
    "NoneChosen",
    "NotBilled",
    "TooMuch",
    "bill_under",
    "restore",
]

SUBJECTS = {REGISTRATION: "registration", FEE: "trainer"}


class BadNumber(Refusal):
    """The order number, or the reference, is none; ``field`` is the one concerned."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


class NoneChosen(Refusal):
    """Nothing was asked for."""

    message = "Choisissez au moins une ligne. Rien n’a été changé."


class Moved(Refusal):
    """Somebody bills it otherwise since it was shown."""

    message = "Une ligne n’est plus facturée comme cette page le montrait. Rien n’a été changé : relisez-la."


class Gone(Refusal):
    """The draft, or the invoice to come, bills nothing any more."""

    message = "Plus rien n’est à facturer ici : ces lignes sont facturées sous un autre numéro, ou annulées."


class TooMuch(Refusal):
    """A blocking ceiling would be passed."""

    def __init__(self, use: ceilings.Use) -> None:
        told = f"{euros(use.spent)} HT y seraient facturés pour un plafond de {euros(use.ceiling or use.spent)}"
        super().__init__(f"Rien n’a été changé : le plafond de la commande {use.order_number} est bloquant, et {told}.")


@dataclass(frozen=True, slots=True)
class Chosen:
    """The lines that are meant: some, by what each was billed under when it was shown (`Line.mark`), or all of a draft (its
    key), of the invoice to come of an order number, or of a receipt (the id of its batch). ``together``: with those of the
    order numbers nearly the same, one of which is kept for all.
    """

    shown: Mapping[Ref, str] | None = None
    draft: str = ""
    to_come: str | None = None
    batch_id: int | None = None
    together: bool = False


def bill_under(centre_id: int, chosen: Chosen, number: str, person_id: int, *, reference: str | None = None) -> int:
    """Bill lines under an order number, and with a reference unless it is None; return how many are billed otherwise than
    before: asked for again, none.

    Raises :class:`BadNumber`, :class:`NoneChosen`, :class:`Moved`, :class:`Issued`, :class:`NotBilled`, :class:`Gone`,
    :class:`TooMuch`, `access.NotAllowed`, or LookupError for a line that is not the centre's.
    """
    access.holder(person_id, centre_id, INVOICES)
    number, reference = _judged(number, reference)
    with transaction(), actor.acting(actor.PROGRAM):
        found = _take(centre_id, chosen)
        if chosen.together and number not in {line.number for line in found}:
            raise Moved
        wanted = {line.ref: (number, line.reference if reference is None else reference) for line in found}
        return _change(centre_id, found, wanted, chosen, person_id, "order.overridden")


def restore(centre_id: int, chosen: Chosen, person_id: int) -> int:
    """Bill lines under their own order numbers and references again; return how many changed. Raises as :func:`bill_under`."""
    access.holder(person_id, centre_id, INVOICES)
    with transaction(), actor.acting(actor.PROGRAM):
        found = _take(centre_id, chosen)
        wanted = {line.ref: (line.own_number, line.own_reference) for line in found}
        return _change(centre_id, found, wanted, chosen, person_id, "order.restored")


def _judged(number: str, reference: str | None) -> tuple[str, str | None]:
    """Return order number and reference as the rules of a registration keep them."""
    kept, said = clean(number), None if reference is None else clean(reference)
    if not kept or parse_text(kept) is None:
        raise BadNumber("order_number", f"Indiquez un numéro de commande, en {ORDER_MAX} caractères au plus.")
    if said and parse_text(said) is None:
        raise BadNumber("reference", f"Une référence fait {ORDER_MAX} caractères au plus.")
    return kept, said


def _take(centre_id: int, chosen: Chosen) -> list[Line]:
    """Return the lines meant, locked: whoever makes drafts or cancels one of them comes before or after."""
    grouping.alone()
    refs = sorted(_meant(centre_id, chosen))
    if not refs:
        raise Gone if chosen.shown is None else NoneChosen
    found: list[Line] = []
    for at in range(0, len(refs), STEP):
        step = refs[at : at + STEP]
        for model, kind in ((Registration, REGISTRATION), (Trainer, FEE)):
            ids = [ref.id for ref in step if ref.kind == kind]
            own: Any = select(model.id).where(model.id.in_(ids), model.centre_id == centre_id).order_by(model.id)
            if len(db.session.execute(own.with_for_update()).all()) != len(ids):
                raise LookupError(centre_id)
        db.session.expire_all()
        found += billed.of_refs(step)
    if len(found) != len(refs):
        raise LookupError(centre_id)
    return found if chosen.shown is not None else [line for line in found if line.is_live]  # one may just be cancelled


def _meant(centre_id: int, chosen: Chosen) -> list[Ref]:
    if chosen.shown is not None:
        return list(chosen.shown)
    if chosen.batch_id is not None:
        return billed.refs_of_receipt(chosen.batch_id)
    if chosen.to_come is not None:
        numbers = near.to_come(centre_id, chosen.to_come) if chosen.together else [chosen.to_come]
        return [ref for number in numbers for ref in billed.refs_to_come(centre_id, number)]
    draft = drafts.find(chosen.draft, centre_id)
    if draft is None:
        return []
    keys = list(near.of_draft(draft).values()) if chosen.together else [draft.key]
    ids = db.session.execute(select(Invoice.id).where(Invoice.key.in_(keys)).order_by(Invoice.id)).scalars().all()
    return [ref for id_ in ids for ref in billed.refs_of_draft(id_)]


def _change(
    centre_id: int,
    found: list[Line],
    wanted: dict[Ref, tuple[str, str]],
    chosen: Chosen,
    person_id: int,
    act: str,
) -> int:
    """Write what lines are billed under, re-group their drafts, look at the ceilings, note it; return how many changed."""
    moving = [line for line in found if (line.number, line.reference) != wanted[line.ref]]
    if chosen.shown is not None and any(chosen.shown[line.ref] != line.mark for line in moving):
        raise Moved
    steps = [moving[at : at + STEP] for at in range(0, len(moving), STEP)]
    drafted = [charge for step in steps for charge in regrouping.on_drafts(step)]
    for step in steps:
        _write(step, wanted, person_id)
    if drafted:
        regrouping.regroup(centre_id, drafted, wanted)
    _weigh(centre_id, [(line.number, wanted[line.ref][0]) for line in moving])
    for kind, subject in SUBJECTS.items():
        told = [
            (line.ref.id, _said(line, line.number, line.reference), _said(line, *wanted[line.ref]))
            for line in moving
            if line.ref.kind == kind
        ]
        journal.record_each(act, subject, told, actor_id=person_id, centre_id=centre_id)
    return len(moving)


def _weigh(centre_id: int, moves: list[tuple[str, str]]) -> None:
    """Look at the ceilings of the order numbers that lines came to, and went from; raise :class:`TooMuch`."""
    moved = [(before, after) for before, after in moves if before != after]
    try:
        ceilings.hold(centre_id, {after for _, after in moved})
    except ceilings.OverCeiling as over:
        raise TooMuch(over.use) from None
    ceilings.relieve(centre_id, {before for before, _ in moved})


def _write(step: Sequence[Line], wanted: dict[Ref, tuple[str, str]], person_id: int) -> None:
    """Keep what stands in for the lines' own numbers and references; nothing where they are billed under their own."""
    for kind, column in ((REGISTRATION, OrderOverride.registration_id), (FEE, OrderOverride.trainer_id)):
        own = [line for line in step if line.ref.kind == kind]
        changed(
            delete(OrderOverride)
            .where(column.in_([line.ref.id for line in own]))
            .execution_options(synchronize_session=False)
        )
        rows = [
            {
                column.key: line.ref.id,
                "order_number": number,
                "reference": None if reference == line.own_reference else reference,
                "by_id": person_id,
                "at": clock.now(),
            }
            for line in own
            for number, reference in [wanted[line.ref]]
            if (number, reference) != (line.own_number, line.own_reference)
        ]
        if rows:
            db.session.execute(insert(OrderOverride), rows)
    db.session.expire_all()


def _said(line: Line, number: str, reference: str) -> dict[str, str]:
    """Return what an entry says: the order number as billed, and the reference where it is not the line's own."""
    said = {"order_number": number}
    return said if reference == line.own_reference else {**said, "reference": reference}
