"""What must hold of the base whatever happened: named statements of what must not be, and the one snapshot they are asked of.

Rooms whose tables they are about write them; `services.proving` knows all of them and asks.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

from sqlalchemy import text

from app.extensions import db
from app.services.core.dialect import on_postgresql

#: `NUMBER_IN(o.payload, mail)`: the number under a name in a column of JSON, which each base writes in words of its own.
_NUMBER_IN = re.compile(r"NUMBER_IN\(([\w.]+), (\w+)\)")


class Invariant(NamedTuple):
    """Something that never is in a healthy base.

    ``code`` names it (« registration.batch_in_part »: never renamed, alerts lean on it); ``words``: what is wrong with a row
    found, in French, for agents; ``broken``: a SELECT that both bases understand, one column, the id of each such row, or a
    function that returns the ids.
    """

    code: str
    words: str
    broken: str | Callable[[], Iterable[object]]

    def breaches(self) -> list[str]:
        """Return the ids of the rows that break it, in the caller's transaction; none in a healthy base."""
        if callable(self.broken):
            return [str(one) for one in self.broken()]
        return [str(one) for one in db.session.execute(text(portable(self.broken))).scalars()]


def portable(statement: str) -> str:
    """Return a statement in the words of the session's base."""
    words = r"CAST(\1->>'\2' AS bigint)" if on_postgresql() else r"json_extract(\1, '$.\2')"
    return _NUMBER_IN.sub(words, statement)


@contextmanager
def one_snapshot() -> Iterator[None]:
    """Read in one view of the base, however many statements: what others write meanwhile is not seen.

    What the session holds unwritten is dropped before and after.
    """
    db.session.rollback()
    try:
        if on_postgresql():
            db.session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
        else:
            db.session.execute(text("BEGIN"))  # the driver itself begins at a write only
        yield
    finally:
        db.session.rollback()
