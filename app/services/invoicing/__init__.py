"""Invoices as legal documents: their content, its proof, number, files, and what becomes of them.

Offers: content, mentions, reference, xml, proof; assembling, proving, issuing, running, credits, filing, reading, invariants.
May know: billing, documents, contracts' rows, notifications, journal, and below.
"""
