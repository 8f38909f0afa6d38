"""The seal of a document: whose it is, putting it on, checking it without a parser; and the key of what QR codes say.

Offers: sealing, checking, authority, statement_key.
May know: no other room.
"""
