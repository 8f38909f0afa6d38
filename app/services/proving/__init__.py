"""Proving that what the register holds is whole: every invariant, by the base and by the files.

Offers: check, backup, restore, renewing.
May know: every room but retention and demonstration.
"""
