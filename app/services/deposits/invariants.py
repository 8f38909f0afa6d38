"""What must hold of deposits and events at any moment, each a question to the base that answers with the breaches: none."""
# ruff: noqa: S608 (statements are put together from constants of this module)

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from sqlalchemy import select

from app.extensions import db
from app.models import Deposit, Invoice
from app.models.billing.deposits import DUE, FAILED
from app.services.core import clock
from app.services.operations.invariants import Invariant

from . import depositing
from .codes import Act, Code

#: An issued invoice has its deposit after this: its file made, the night gone by that catches up.
PATIENCE = timedelta(days=2)
_ANSWERS = ", ".join(f"'{one}'" for one in Act)
_ONCE_HANDED = (
    f"({', '.join(repr(str(one)) for one in (Code.DEPOSITED, Code.RECEIVED, Code.AVAILABLE, Code.APPROVED))})"
)
_STATEMENTS = (
    Invariant(
        "deposit.one_live",
        "Une facture a plusieurs dépôts en cours, ou un dépôt en cours que suit un autre",
        "SELECT 'invoice ' || invoice_id FROM deposit WHERE state <> 'failed' GROUP BY invoice_id HAVING count(*) > 1"
        " UNION ALL SELECT 'deposit ' || d.id FROM deposit d WHERE d.state <> 'failed' AND EXISTS"
        " (SELECT 1 FROM deposit n WHERE n.invoice_id = d.invoice_id AND n.attempt > d.attempt)",
    ),
    Invariant(
        "deposit.file",
        "Un dépôt porte une autre empreinte que le fichier de sa facture, ou un autre numéro",
        "SELECT 'deposit ' || d.id FROM deposit d JOIN invoice v ON v.id = d.invoice_id"
        " WHERE d.sha256 <> coalesce(v.sha256, '') OR d.tracking_id <> v.public_number || '/' || d.attempt",
    ),
    Invariant(
        "deposit.internal",
        "Un avoir interne, ou un brouillon, a un dépôt ou des statuts",
        "SELECT v.public_number FROM invoice v WHERE (v.internal OR v.state <> 'issued') AND"
        " (EXISTS (SELECT 1 FROM deposit d WHERE d.invoice_id = v.id)"
        " OR EXISTS (SELECT 1 FROM invoice_event e WHERE e.invoice_id = v.id))",
    ),
    Invariant(
        "event.acts",
        "Une réponse à un statut ne nomme pas son agent, ou un statut de la plateforme en nomme un",
        f"SELECT 'event ' || id FROM invoice_event WHERE (code IN ({_ANSWERS}) AND by_id IS NULL)"
        " OR ((platform = 'register') <> (by_id IS NOT NULL))",
    ),
    Invariant(
        "event.deposited",
        "La plateforme dit reçue une facture qui ne lui a jamais été remise",
        f"SELECT v.public_number FROM invoice v WHERE EXISTS (SELECT 1 FROM invoice_event e WHERE e.invoice_id = v.id"
        f" AND e.code IN {_ONCE_HANDED} AND e.platform <> 'register')"
        " AND NOT EXISTS (SELECT 1 FROM deposit d WHERE d.invoice_id = v.id AND d.flow_id IS NOT NULL)",
    ),
    Invariant(
        "event.answered_refusal",
        "Un refus accepté n’a pas son avoir",
        f"SELECT 'event ' || e.id FROM invoice_event e WHERE e.code IN ('{Act.ACCEPTED}', '{Act.BILLED_AGAIN}')"
        " AND NOT EXISTS (SELECT 1 FROM invoice n WHERE n.corrects_id = e.invoice_id)",
    ),
)


def _forgotten() -> Iterator[str]:
    """Yield the issued invoices, with a file, that have no deposit though two days have gone by."""
    late = (depositing.wanted(), Invoice.issued_at < clock.now() - PATIENCE)
    for number in db.session.execute(select(Invoice.public_number).where(*late).order_by(Invoice.id)).scalars():
        yield number or ""


def _lost() -> Iterator[str]:
    """Yield the deposits that nothing tries again although they are not given up, and those whose time is long past."""
    past = clock.machine_now() - PATIENCE
    stuck = ((Deposit.state == DUE) & Deposit.next_at.is_(None)) | (
        Deposit.state.in_((DUE, FAILED)) & (Deposit.next_at < past)
    )
    yield from db.session.execute(select(Deposit.tracking_id).where(stuck).order_by(Deposit.id)).scalars()


CHECKS = (
    *_STATEMENTS,
    Invariant("deposit.forgotten", "Une facture émise depuis plus de deux jours n’a pas de dépôt", _forgotten),
    Invariant("deposit.lost", "Un dépôt n’est ni fait, ni retenté, ni remis à un agent", _lost),
)
