"""Invoices as legal documents: their content, its proof, number, files, and what becomes of them.

Offers: content, mentions, reference, xml, proof.
May know: billing, documents, contracts' rows, notifications, journal, and below.
"""
