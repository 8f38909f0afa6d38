"""What must hold of charges, each that of its registration; what invoices make of them, `invoicing.invariants` says."""

from __future__ import annotations

from app.services.operations.invariants import Invariant

CHECKS = (
    Invariant(
        "billing.charged_twice",
        "Un enregistrement, ou une redevance, est facturé deux fois sans avoir été crédité",
        """
        SELECT min(i.id) FROM invoice_item i WHERE NOT i.credit AND NOT EXISTS (
            SELECT 1 FROM invoice_item b WHERE b.credit AND b.charge_round = i.charge_round
              AND (b.root_id = i.root_id OR b.trainer_id = i.trainer_id))
          GROUP BY i.root_id, i.trainer_id HAVING count(*) > 1""",
    ),
    Invariant(
        "billing.price",
        "Un enregistrement est facturé à un autre prix, un autre centre ou une autre suite que les siens",
        """
        SELECT x.id FROM invoice_item x JOIN invoice i ON i.id = x.invoice_id JOIN registration r ON r.id = x.registration_id
          WHERE x.amount <> r.price OR x.vat_rate <> r.vat_rate OR i.centre_id <> r.centre_id
            OR x.root_id <> COALESCE(r.ledger_id, r.id)""",
    ),
    Invariant(
        "billing.order",
        "Un brouillon facture un enregistrement sous un autre numéro de commande",
        """
        SELECT x.id FROM invoice_item x JOIN invoice i ON i.id = x.invoice_id JOIN registration r ON r.id = x.registration_id
          LEFT JOIN order_override o ON o.registration_id = r.id
          WHERE i.state = 'draft' AND NOT x.credit AND i.order_number <> COALESCE(o.order_number, r.order_number)""",
    ),
)
