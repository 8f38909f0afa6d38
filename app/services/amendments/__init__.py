"""Mending what was wrong: cancelling a registration or putting another in its place, with all that hangs on it.

Offers: orders, alone, effects, acts, several, requests, calls, card_stops, reports, sayings, look_alikes, trainer_rights,
words.
May know: registration, documents, cards, and below.
"""
