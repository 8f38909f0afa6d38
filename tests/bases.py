"""Which bases tests run on: without a word on SQLite; a file says `BACKENDS = BOTH`, a test is marked `@on_both`.

A test needs a second base where the bases could answer differently: SQL of a dialect, locks, what is unique or refused by the
base itself, numbers drawn, many rows at once, policies. What is typed, said, or not offered is the same on each: of a test with
several values (`parametrize`), further bases run the first, unless its file says `EACH_VALUE = True` or it is marked itself.
"""

from __future__ import annotations

import pytest

BOTH = ("sqlite", "postgresql")
#: PostgreSQL under the application's role, where row-level security holds: as in production.
UNDER_THE_ROLE = ("sqlite", "postgresql-role")
#: Where locks and policies decide together: the role waits for the same locks as the owner does, and sees less.
EVERY = UNDER_THE_ROLE

#: One test is on other bases than its file.
on_sqlite = pytest.mark.bases("sqlite")
on_both = pytest.mark.bases(*BOTH)
under_the_role = pytest.mark.bases(*UNDER_THE_ROLE)
