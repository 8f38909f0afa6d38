"""Carrying issued invoices to their buyers through a platform, what it tells of them since, and what agents do about it.

Offers: platform, simulated, codes, statuses, depositing, polling, payments_told, acts, watching, invariants.
May know: invoicing, and below. Never payments: what is paid is told from above (`payments_told.tell`).
"""
