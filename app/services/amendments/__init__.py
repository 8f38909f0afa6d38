"""Mending what was wrong: cancelling a registration or putting another in its place, with all that hangs on it.

Offers: acts, effects, lines, requests, words.
May know: registration, documents, cards, and below.
"""
