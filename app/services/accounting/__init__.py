"""What accountants and agents are told of the money: the sales journal, month by month, and what was registered against what
was invoiced and paid.

Offers: accounts, entries, periods, formats, reconciling, invariants.
May know: payments, invoicing, billing, journal, and below.
"""
