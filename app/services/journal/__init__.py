"""The journal tells what was done; nothing is decided by reading it.

Offers: record (writing), chain (its seal), search and words (reading).
May know: core.
"""
