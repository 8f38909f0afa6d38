"""Who a driver is, mended by agents: an identity that changed or was wrong, two records that are one person, and apart again.

Offers: correcting, merging, parting, candidates, history, words.
May know: amendments, registration, documents, cards, accounts, and below.
"""
