"""What is counted and what is exported.

Offers: dashboard, exports, sheets.
May know: every room that keeps what it counts.
"""
