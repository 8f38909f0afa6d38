"""A driver's own space and data, and the lists of drivers.

Offers: space, lending, fco, happenings, data_copy, account_invitations, search.
May know: cards, registration, and below.
"""
