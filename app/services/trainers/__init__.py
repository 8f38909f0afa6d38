"""Registering trainers (formateurs, moniteurs): no document, the right to ask for a card.

Offers: drafts, registration, notices.
May know: registration, and below.
"""
