"""What is not kept for ever: each kind of data with its delay.

Offers: purge.
May know: every room whose data it purges.
"""
