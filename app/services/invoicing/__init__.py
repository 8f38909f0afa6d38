"""Invoices as legal documents: their content, its proof, number, files, and what becomes of them.

Offers: content, mentions, reference, xml, proof, files; assembling, proving, issuing, running, credit_notes, filing, reading,
invariants.
May know: billing, documents, contracts' rows, notifications, journal, and below.
"""
