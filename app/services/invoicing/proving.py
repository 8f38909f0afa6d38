"""Proved before it takes a number: a draft's content is judged, and its hash kept; nothing that was not proved is issued."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

from sqlalchemy import update

from app.extensions import db
from app.models import Invoice
from app.models.billing.invoices import DRAFT
from app.services.core import clock
from app.services.core.refusal import Refusal
from app.services.core.taking import taken
from app.services.core.transaction import transaction

from . import assembling, numbering, proof
from .content import Content

FINDINGS_MAX = 1000


class Verdict(Protocol):
    """What was found in an invoice: nothing (``ok``), or what the rules refuse."""

    @property
    def ok(self) -> bool:
        """Tell whether it was judged and nothing was found."""

    @property
    def findings(self) -> Sequence[Any]:
        """Return what was found."""


Judge = Callable[[Content], Verdict]


class NotProved(Refusal):
    """Nobody could judge the invoice, or something was found: it takes no number."""

    message = (
        "Aucun contrôle de la facture électronique n’est en état de répondre : rien n’est émis, l’essai sera refait."
    )


@contextmanager
def judge() -> Iterator[Judge]:
    """Give what judges invoices, for many of them: one child that proves them all."""
    with proof.Prover() as prover:
        yield prover.prove


def prove(invoice_id: int, by: Judge | None) -> None:
    """Note that a draft is proved, or what was found; raise :class:`NotProved`, or `assembling.Incomplete`.

    What was proved before and has not changed is not judged again. No transaction is open while it is judged.
    """
    draft = db.session.get_one(Invoice, invoice_id, populate_existing=True)
    if draft.state != DRAFT:
        return
    content = assembling.of_draft(draft, clock.today()).content
    said, proved = numbering.hash_of(content), draft.proved_hash
    db.session.rollback()
    if said == proved:
        return
    verdict = by(content) if by is not None else None
    found = "" if verdict is not None and verdict.ok else _told(verdict)
    with transaction():
        own = (Invoice.id == invoice_id, Invoice.state == DRAFT)
        kept = {"proved_hash": "" if found else said, "findings": found}
        taken(update(Invoice).where(*own).values(kept))
    if found:
        raise NotProved(found)


def _told(verdict: Verdict | None) -> str:
    if verdict is None:
        return NotProved.message
    text = getattr(verdict, "reason", "") or " ; ".join(str(one) for one in verdict.findings)
    return (text or NotProved.message)[:FINDINGS_MAX]
