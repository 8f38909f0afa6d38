"""The journal's words for payments and accounts: kinds of subjects, acts, and what its sentences say of them."""

from __future__ import annotations

SUBJECTS = {
    "bank_statement": "Relevé de compte",
    "bank_entry": "Écriture de banque",
    "late_rate": "Taux des intérêts de retard",
    "account_map": "Compte du journal des ventes",
    "accounting_period": "Mois du journal des ventes",
}
#: Name of a value → its word.
FIELDS = {
    "code": "Code",
    "entries": "Écritures",
    "debit": "Total au débit",
    "fec_sha256": "Empreinte du FEC",
}
#: What was done → its words, and its sentence: {} stands for what it is about.
_ACTS = {
    "bank.imported": ("Relevé de compte importé", "a importé {}"),
    "bank.aside": ("Écriture de banque mise à part", "a mis à part {}"),
    "bank.taken_back": ("Écriture de banque reprise", "a repris {}"),
    "payment.allocated": ("Règlement affecté", "a affecté un règlement à {}"),
    "payment.returned": ("Règlement rendu par la banque", "a noté qu’un règlement a été rendu par la banque : {}"),
    "payment.refunded": ("Remboursement noté", "a noté un remboursement : {}"),
    "payment.undone": ("Affectation d’un règlement défaite", "a défait l’affectation d’un règlement : {}"),
    "dunning.paused": ("Relances suspendues", "a suspendu les relances : {}"),
    "dunning.resumed": ("Relances reprises", "a repris les relances : {}"),
    "dunning.done": ("Retard de paiement traité", "a traité un retard de paiement : {}"),
    "late_rate.changed": ("Taux des intérêts de retard fixé", "a fixé {}"),
    "invoice.detailed": ("Détail nominatif d’une facture téléchargé", "a téléchargé le détail nominatif de {}"),
    "account.chosen": ("Compte du journal des ventes choisi", "a choisi {}"),
    "account.forgotten": ("Compte habituel du journal des ventes repris", "a repris le compte habituel : {}"),
    "accounting.closed": ("Mois du journal des ventes clôturé", "a clôturé {}"),
}
ACTIONS = {act: words for act, (words, _) in _ACTS.items()}
PREDICATES = {act: sentence for act, (_, sentence) in _ACTS.items()}
#: Field of an entry → its word.
FIELDS = {"entries": "Écritures", "closed_on": "Clôture du relevé", "paid_on": "Payé le"}
