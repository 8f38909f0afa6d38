"""What is counted, what is exported, and the one search over the register.

Offers: dashboard, exports, sheets, finding.
May know: every room that keeps what it counts.
"""
