"""Payments: what the bank's statements say, which invoice each euro is for, what is left to pay, what is told when it is late.

Offers: settlement, statements (CAMT.053), importing, matching, allocating, balances, dunning, invariants.
May know: deposits, invoicing, billing, notifications, journal, and below.
"""
