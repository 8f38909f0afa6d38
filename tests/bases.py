"""Which bases a file of tests runs on: it says `BACKENDS = BOTH`; without a word it runs on SQLite."""

from __future__ import annotations

#: Where the two bases could answer differently: SQL of a dialect, locks, numbers drawn, many rows at once.
BOTH = ("sqlite", "postgresql")
#: Once more on PostgreSQL under the application's role, where row-level security holds.
UNDER_THE_ROLE = ("sqlite", "postgresql-role")
EVERY = ("sqlite", "postgresql", "postgresql-role")
