"""Registering trainings: drafts by hand, facts, analysis, the legal act, receipts. One hall for the three doors.

Offers: drafts, analysis, confirm, report, receipts, search.
May know: rights, reference, and below; the documents it makes due are tied by the outbox only.
"""
