"""The VAT of a territory, confirmed by an agent: until then what is registered there is billed to nobody."""

from __future__ import annotations

from sqlalchemy import select, update

from app.extensions import db
from app.models import Invoice, VatRegime
from app.services.core import actor, reason
from app.services.core.refusal import Refusal
from app.services.core.taking import taken
from app.services.core.transaction import transaction
from app.services.journal import record as journal

from . import grouping, holding

SUBJECT = "vat_regime"


class Confirmed(Refusal):
    """Somebody has confirmed it before, or it is gone."""

    message = "Cette TVA est déjà confirmée, ou n’existe plus : rien n’a été fait."


def confirm(regime_id: int, agent_id: int, typed: str) -> None:
    """Note that the VAT of a territory is right, and free the drafts that waited for it.

    Raises :class:`Confirmed` or `reason.ReasonNeeded`.
    """
    why = reason.reason(typed, "Dites sur quoi repose cette confirmation : un texte, la réponse d’un conseil.")
    with transaction():
        own = (VatRegime.id == regime_id, VatRegime.to_confirm.is_(True))
        if not taken(update(VatRegime).where(*own).values(to_confirm=False)):
            raise Confirmed
        journal.record("vat_regime.confirmed", SUBJECT, regime_id, actor_id=agent_id, reason=why)
        with actor.acting(actor.PROGRAM):
            waiting = select(Invoice.id).where(*grouping.BILLS, Invoice.held_reason != "")
            holding.complete(list(db.session.execute(waiting).scalars()))
