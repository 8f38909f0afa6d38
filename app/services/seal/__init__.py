"""The seal of a document: whose it is, putting it on, checking it without a parser.

Offers: sealing, checking, authority.
May know: no other room.
"""
