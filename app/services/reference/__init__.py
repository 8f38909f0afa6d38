"""What agents keep: centres, accreditations, catalogue, tariffs, and what a registration costs by them.

Offers: writing, rules, messages, pricing, shipped, accreditations.
May know: journal, and below.
"""
