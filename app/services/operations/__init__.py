"""What those who run the machine ask: is it well, what does it count, may its role work.

Offers: health, metrics, nightly, database_role, invariants, incidents.
May know: core, storage.
"""
