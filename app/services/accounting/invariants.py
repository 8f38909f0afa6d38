"""What must hold of the sales journal: entries balance, their numbers have no gap, a closed month is what was closed."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import select

from app.extensions import db
from app.models import AccountingPeriod
from app.services.core.clock import PARIS
from app.services.operations.invariants import Invariant

from . import formats, periods
from .formats import Format


def _otherwise() -> Iterator[str]:
    """Yield the closed months whose files are no longer those that were closed."""
    for closed in db.session.execute(select(AccountingPeriod).order_by(AccountingPeriod.month)).scalars():
        found, day = periods.rows(closed.month), closed.closed_at.astimezone(PARIS).date()
        told = {kind: periods.sha256(formats.write(kind, found, day)) for kind in Format}
        if told != {Format.FEC: closed.fec_sha256, Format.CSV: closed.csv_sha256}:
            yield f"{closed.month:%Y-%m}"


CHECKS = (
    Invariant(
        "accounting.balance",
        "Une écriture du journal des ventes n’a pas autant au débit qu’au crédit",
        "SELECT month || ' ' || number FROM accounting_line GROUP BY month, number HAVING sum(debit) <> sum(credit)",
    ),
    Invariant(
        "accounting.numbers",
        "Les écritures d’un mois clôturé ne se suivent pas, ou n’ont pas le total clôturé",
        "SELECT p.month FROM accounting_period p LEFT JOIN (SELECT month, count(DISTINCT number) AS n, max(number) AS last,"
        " sum(debit) AS debit FROM accounting_line GROUP BY month) l ON l.month = p.month"
        " WHERE p.entries <> coalesce(l.n, 0) OR p.entries <> coalesce(l.last, 0) OR p.debit <> coalesce(l.debit, 0)",
    ),
    Invariant(
        "accounting.sales",
        "Une facture ou un avoir d’un mois clôturé n’est pas au journal des ventes pour son montant",
        "SELECT i.public_number FROM accounting_line l JOIN invoice i ON i.id = l.act_id"
        " WHERE l.act = 'issued' AND l.auxiliary <> '' AND (l.piece <> i.public_number OR l.debit + l.credit <> i.total"
        " OR (i.kind = 'credit_note') <> (l.credit > 0))",
    ),
    Invariant("accounting.frozen", "L’export d’un mois clôturé n’est plus celui qui a été clôturé", _otherwise),
)
