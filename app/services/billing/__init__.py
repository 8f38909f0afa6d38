"""Money: how a centre is billed, what it will be billed, what its order numbers have cost.

Offers: profiles, missing, billable, billed, near, orders, estimates, drafts, grouping, holding, ceilings, alerts, months,
regimes.
May know: rights, reference, notifications, journal, and below.
"""
