"""Reminders by mail: what ends soon or waits, each told once, and never once its ground has gone.

Offers: nightly, choices, mails.
May know: drivers, cards, registration, and below.
"""
