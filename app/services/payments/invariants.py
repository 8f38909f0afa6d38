"""What must hold of payments at any moment, each a question to the base that answers with the breaches: none."""
# ruff: noqa: S608 (statements are put together from constants of this module)

from __future__ import annotations

from app.services.operations.invariants import Invariant

_LIVE = "undone_at IS NULL"
#: What an invoice could take at the instant of an allocation `a` to it: its total less the credit notes of before, with what of
#: these was given elsewhere.
_ROOM = (
    "i.total - coalesce((SELECT sum(c.total) FROM invoice c WHERE c.corrects_id = i.id AND c.state = 'issued'"
    " AND c.issued_at < a.at), 0) + coalesce((SELECT sum(m.amount) FROM allocation m JOIN invoice c"
    " ON c.id = m.credit_note_id WHERE c.corrects_id = i.id AND m.at < a.at), 0)"
)
CHECKS = (
    Invariant(
        "payment.invoice",
        "Une facture a reçu plus qu’elle ne devait",
        "SELECT 'invoice ' || i.id FROM allocation a JOIN invoice i ON i.id = a.invoice_id"
        f" WHERE a.{_LIVE} AND a.amount > 0 AND {_ROOM} < (SELECT sum(o.amount) FROM allocation o"
        f" WHERE o.invoice_id = i.id AND o.{_LIVE} AND o.id <= a.id)"
        " UNION SELECT 'invoice ' || i.id FROM invoice i JOIN allocation a ON a.invoice_id = i.id"
        f" WHERE a.{_LIVE} GROUP BY i.id, i.total, i.kind, i.state"
        " HAVING sum(a.amount) > i.total OR sum(a.amount) < 0 OR i.kind <> 'invoice' OR i.state <> 'issued'",
    ),
    Invariant(
        "payment.entry",
        "Plus a été affecté d’une écriture de banque qu’elle ne contient",
        f"SELECT 'bank entry ' || e.id FROM bank_entry e JOIN allocation a ON a.bank_entry_id = e.id AND a.{_LIVE}"
        " GROUP BY e.id, e.amount HAVING abs(sum(a.amount)) > abs(e.amount) OR sum(a.amount) * e.amount < 0"
        " UNION SELECT 'bank entry ' || e.id FROM bank_entry e JOIN allocation a ON a.bank_entry_id = e.id"
        f" WHERE a.{_LIVE} AND (a.amount < 0) <> (e.amount < 0)",
    ),
    Invariant(
        "payment.credit_note",
        "Plus a été affecté d’un avoir qu’il ne rend",
        "SELECT 'credit note ' || c.id FROM invoice c JOIN allocation a ON a.credit_note_id = c.id"
        f" WHERE a.{_LIVE} GROUP BY c.id, c.total, c.kind, c.state"
        " HAVING sum(a.amount) > c.total OR c.kind <> 'credit_note' OR c.state <> 'issued'",
    ),
    Invariant(
        "payment.returned",
        "Un virement rendu par la banque l’a été au-delà de ce qui était affecté",
        "SELECT 'allocation ' || a.id FROM allocation a JOIN allocation r ON r.returns_id = a.id"
        f" WHERE r.{_LIVE} GROUP BY a.id, a.amount, a.invoice_id, a.undone_at"
        " HAVING a.undone_at IS NOT NULL OR a.amount + sum(r.amount) < 0"
        " OR min(r.invoice_id) <> a.invoice_id OR max(r.invoice_id) <> a.invoice_id",
    ),
    Invariant(
        "payment.shares",
        "La part de chaque taux de TVA d’un règlement ne fait pas son montant",
        "SELECT 'allocation ' || a.id FROM allocation a LEFT JOIN (SELECT allocation_id, invoice_id, sum(amount) AS amount"
        " FROM allocation_vat GROUP BY allocation_id, invoice_id) s ON s.allocation_id = a.id AND s.invoice_id = a.invoice_id"
        " WHERE a.invoice_id IS NOT NULL AND coalesce(s.amount, 0) <> a.amount"
        " UNION SELECT 'allocation ' || a.id FROM allocation a JOIN invoice c ON c.id = a.credit_note_id"
        " LEFT JOIN (SELECT allocation_id, invoice_id, sum(amount) AS amount FROM allocation_vat"
        " GROUP BY allocation_id, invoice_id) s ON s.allocation_id = a.id AND s.invoice_id = c.corrects_id"
        " WHERE coalesce(s.amount, 0) <> -a.amount",
    ),
    Invariant(
        "bank.statement",
        "Les écritures d’un relevé ne mènent pas de son solde d’ouverture à son solde de clôture",
        "SELECT 'statement ' || s.id FROM bank_statement s LEFT JOIN (SELECT statement_id, sum(amount) AS amount,"
        " count(*) AS n FROM bank_entry GROUP BY statement_id) e ON e.statement_id = s.id"
        " WHERE s.opening + coalesce(e.amount, 0) + s.repeated_amount <> s.closing OR coalesce(e.n, 0) <> s.entries",
    ),
)
