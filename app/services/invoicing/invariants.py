"""What must hold of invoices at any moment, each a question to the base that answers with the breaches: none.

Amounts are compared as whole cents, by formulas other than those that wrote them.
"""
# ruff: noqa: S608 (statements are put together from constants of this module)

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import select

from app.extensions import db
from app.models import Invoice
from app.models.billing.invoices import ISSUED
from app.services.operations.invariants import Invariant

from . import assembling, numbering

#: Invoices read again at once.
STEP = 200
_CREDITED = (
    "SELECT c.corrects_id, v.category, v.rate, sum(v.base) AS base, sum(v.vat) AS vat FROM invoice c"
    " JOIN invoice_vat v ON v.invoice_id = c.id WHERE c.kind = 'credit_note' AND c.state = 'issued'"
    " GROUP BY c.corrects_id, v.category, v.rate"
)
#: Whether a charge stands on an issued invoice, no issued credit note taking it back.
_STANDS = (
    "EXISTS (SELECT 1 FROM invoice_item i JOIN invoice v ON v.id = i.invoice_id WHERE {same} AND NOT i.credit{state}"
    " AND NOT EXISTS (SELECT 1 FROM invoice_item b JOIN invoice c ON c.id = b.invoice_id WHERE b.credit"
    " AND c.state = 'issued' AND b.charge_round = i.charge_round"
    " AND (b.root_id = i.root_id OR b.trainer_id = i.trainer_id)))"
)
#: `Registration.root_id`: not by COALESCE, of which no index is asked below the policies of rows.
_ROOT = "CASE WHEN r.ledger_id IS NULL THEN r.id ELSE r.ledger_id END"
_LAST_PERIOD = "(SELECT max(period_end) FROM invoice WHERE state = 'issued' AND kind = 'invoice')"
#: Whether what was charged was given back after the last month billed: the next one charges it again.
_BACK_SINCE = (
    "EXISTS (SELECT 1 FROM invoice_item b JOIN invoice c ON c.id = b.invoice_id WHERE {same} AND b.credit"
    f" AND c.state = 'issued' AND c.issued_on > {_LAST_PERIOD})"
)
_SINCE = "(SELECT min(valid_from) FROM seller)"
_STATEMENTS = (
    Invariant(
        "invoice.series",
        "Une série de factures ou d’avoirs a un trou, ou un numéro de trop",
        "SELECT s.kind || ' ' || s.year FROM invoice_series s LEFT JOIN invoice i ON i.kind = s.kind"
        " AND i.series_year = s.year AND i.state = 'issued' GROUP BY s.kind, s.year, s.last_number"
        " HAVING count(i.id) <> s.last_number OR coalesce(max(i.number), 0) <> s.last_number"
        " OR (s.last_number > 0 AND min(i.number) <> 1)",
    ),
    Invariant(
        "invoice.series_known",
        "Une facture porte un numéro que sa série n’a pas donné",
        "SELECT i.public_number FROM invoice i WHERE i.state = 'issued' AND NOT EXISTS (SELECT 1 FROM invoice_series s"
        " WHERE s.kind = i.kind AND s.year = i.series_year AND s.last_number >= i.number)",
    ),
    Invariant(
        "invoice.days",
        "Une facture est datée d’avant celle qui la précède dans sa série",
        "SELECT b.public_number FROM invoice a JOIN invoice b ON b.kind = a.kind AND b.series_year = a.series_year"
        " AND b.number = a.number + 1 WHERE b.issued_on < a.issued_on",
    ),
    Invariant(
        "invoice.everything_billed",
        "Un enregistrement, ou une redevance, d’un mois facturé n’est sur aucune facture",
        "SELECT 'registration ' || r.id FROM registration r WHERE r.cancelled_on IS NULL AND r.price > 0"
        f" AND r.registered_on >= {_SINCE} AND r.registered_on <= {_LAST_PERIOD}"
        f" AND NOT {_STANDS.format(same='i.root_id = ' + _ROOT, state='')}"
        f" AND NOT {_BACK_SINCE.format(same='b.root_id = ' + _ROOT)}"
        " UNION ALL SELECT 'trainer ' || t.id FROM trainer t WHERE t.state = 'registered' AND t.cancelled_on IS NULL"
        f" AND t.fee > 0 AND t.registered_on >= {_SINCE} AND t.registered_on <= {_LAST_PERIOD}"
        f" AND NOT {_STANDS.format(same='i.trainer_id = t.id', state='')}"
        f" AND NOT {_BACK_SINCE.format(same='b.trainer_id = t.id')}",
    ),
    Invariant(
        "invoice.cancelled_in_draft",
        "Un brouillon facture un enregistrement annulé",
        "SELECT 'registration ' || r.id FROM invoice_item i JOIN invoice v ON v.id = i.invoice_id"
        " JOIN registration r ON r.id = i.registration_id"
        " WHERE v.state = 'draft' AND NOT i.credit AND r.cancelled_on IS NOT NULL",
    ),
    Invariant(
        "invoice.cancelled_and_charged",
        "Un enregistrement annulé reste facturé, sans avoir ni décision de ne pas en faire",
        "SELECT 'registration ' || r.id FROM registration r JOIN cancellation c ON c.registration_id = r.id"
        " LEFT JOIN registration n ON n.id = c.replaced_by_id"
        f" WHERE {_STANDS.format(same='i.registration_id = r.id', state=' AND v.state = ' + chr(39) + 'issued' + chr(39))}"
        " AND c.credit <> 'none' AND NOT (n.id IS NOT NULL AND n.price = r.price)"
        " AND NOT EXISTS (SELECT 1 FROM invoice_item b WHERE b.credit AND b.registration_id = r.id)",
    ),
    Invariant(
        "invoice.items",
        "Les lignes d’une facture ne disent pas exactement ce qu’elle contient",
        "SELECT 'invoice ' || v.id FROM invoice v LEFT JOIN (SELECT invoice_id, sum(amount) AS amount, count(*) AS n"
        " FROM invoice_item GROUP BY invoice_id) i ON i.invoice_id = v.id LEFT JOIN (SELECT invoice_id, sum(amount)"
        " AS amount, sum(quantity) AS n FROM invoice_line GROUP BY invoice_id) l ON l.invoice_id = v.id"
        " WHERE coalesce(i.amount, 0) <> coalesce(l.amount, 0) OR coalesce(i.n, 0) <> coalesce(l.n, 0)"
        " UNION ALL SELECT 'invoice ' || v.id FROM invoice v JOIN invoice_item i ON i.invoice_id = v.id"
        " WHERE v.kind = 'invoice' AND i.credit",
    ),
    Invariant(
        "invoice.bases",
        "La base d’un taux de TVA n’est pas la somme de ses lignes",
        "SELECT 'invoice ' || v.invoice_id FROM invoice_vat v LEFT JOIN (SELECT invoice_id, category, vat_rate,"
        " sum(amount) AS amount FROM invoice_line GROUP BY invoice_id, category, vat_rate) l"
        " ON l.invoice_id = v.invoice_id AND l.category = v.category AND l.vat_rate = v.rate"
        " WHERE v.base <> coalesce(l.amount, 0)",
    ),
    Invariant(
        "invoice.sums",
        "Les totaux d’une facture ne sont pas la somme de ses lignes et de sa TVA",
        "SELECT 'invoice ' || i.id FROM invoice i LEFT JOIN (SELECT invoice_id, sum(base) AS base, sum(vat) AS vat"
        " FROM invoice_vat GROUP BY invoice_id) v ON v.invoice_id = i.id"
        " LEFT JOIN (SELECT invoice_id, sum(amount) AS amount FROM invoice_line GROUP BY invoice_id) l"
        " ON l.invoice_id = i.id"
        " WHERE i.net <> coalesce(l.amount, 0) OR i.net <> coalesce(v.base, 0) OR i.vat <> coalesce(v.vat, 0)"
        " OR i.total <> i.net + i.vat",
    ),
    Invariant(
        "invoice.vat",
        "La TVA d’une facture n’est pas celle de sa base, arrondie une fois",
        "SELECT 'invoice ' || i.id FROM invoice i JOIN invoice_vat v ON v.invoice_id = i.id"
        " WHERE i.kind = 'invoice' AND v.vat <> (v.base * v.rate + 5000) / 10000",
    ),
    Invariant(
        "credit.at_most",
        "Les avoirs d’une facture rendent plus que ce qu’elle a facturé",
        f"SELECT 'invoice ' || k.corrects_id FROM ({_CREDITED}) k LEFT JOIN invoice_vat v ON v.invoice_id = k.corrects_id"
        " AND v.category = k.category AND v.rate = k.rate"
        " WHERE k.base > coalesce(v.base, 0) OR k.vat > coalesce(v.vat, 0)"
        " OR (k.base = v.base AND k.vat <> v.vat)",
    ),
    Invariant(
        "credit.vat",
        "La TVA des avoirs d’une facture n’est pas celle de ce qu’ils rendent",
        f"SELECT 'invoice ' || k.corrects_id FROM ({_CREDITED}) k WHERE k.vat <> (k.base * k.rate + 5000) / 10000",
    ),
    Invariant(
        "credit.items",
        "Un avoir rend ce que sa facture n’a pas facturé",
        "SELECT 'invoice ' || c.id FROM invoice c JOIN invoice_item b ON b.invoice_id = c.id"
        " WHERE c.kind = 'credit_note' AND (NOT b.credit OR NOT EXISTS (SELECT 1 FROM invoice_item i"
        " WHERE i.invoice_id = c.corrects_id AND NOT i.credit AND i.charge_round = b.charge_round"
        " AND i.amount = b.amount AND i.vat_rate = b.vat_rate"
        " AND (i.root_id = b.root_id OR i.trainer_id = b.trainer_id)))",
    ),
    Invariant(
        "credit.rounds",
        "Un enregistrement est facturé à nouveau sans que son avoir ait été émis",
        "SELECT 'charge ' || i.id FROM invoice_item i WHERE NOT i.credit AND i.charge_round > 1 AND NOT EXISTS"
        " (SELECT 1 FROM invoice_item b JOIN invoice c ON c.id = b.invoice_id WHERE b.credit AND c.state = 'issued'"
        " AND b.charge_round = i.charge_round - 1 AND (b.root_id = i.root_id OR b.trainer_id = i.trainer_id))",
    ),
)


def _contents() -> Iterator[str]:
    """Yield the issued invoices whose rows no longer say what was hashed, or whose hash does not follow the one before."""
    before: dict[tuple[str, int], str] = {}
    issued = select(Invoice.id).where(Invoice.state == ISSUED)
    ids = list(db.session.execute(issued.order_by(Invoice.kind, Invoice.series_year, Invoice.number)).scalars())
    for at in range(0, len(ids), STEP):
        rows = {
            one.id: one
            for one in db.session.execute(select(Invoice).where(Invoice.id.in_(ids[at : at + STEP]))).scalars()
        }
        for id_ in ids[at : at + STEP]:
            row = rows[id_]
            content = assembling.of_issued(row)
            hashed, series = numbering.hash_of(content), (row.kind, row.series_year or 0)
            chained = numbering.chained(before.get(series, ""), content.number, content.issued_on, row.due_on, hashed)
            if hashed != row.content_hash or chained != row.chain_hash:
                yield content.number
            before[series] = row.chain_hash or ""
        db.session.expire_all()


CHECKS = (
    *_STATEMENTS,
    Invariant(
        "invoice.content", "Une facture ne dit plus ce qui a été émis, ou la chaîne de sa série est rompue", _contents
    ),
)
