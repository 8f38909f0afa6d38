"""The statement of a page that takes the base longest, and the plan by which it is answered, as who opened the page asks it."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import event

from app.extensions import db

_DEEPEST = 10_000
#: A line of a plan that only names the one below it.
_HEAD = re.compile(r"\s+(InitPlan|SubPlan) \d+")


@dataclass(slots=True)
class Longest:
    """A statement as it was sent, milliseconds until its last row was there, its plan."""

    statement: str = ""
    milliseconds: float = 0.0
    plan: str = ""

    def told(self) -> str:
        """Return all of it as a block of Markdown."""
        return f"{self.milliseconds:.1f} ms:\n```\n{self.statement}\n\n{executed(self.plan)}\n```"


def executed(plan: str) -> str:
    """Return a plan of PostgreSQL without what was never executed: below policies, most of it."""
    kept: list[str] = []
    passed = _DEEPEST
    for line in plan.splitlines():
        depth = len(line) - len(line.lstrip())
        if depth > passed:
            continue
        passed = depth if "(never executed)" in line else _DEEPEST
        while kept and _HEAD.match(kept[-1]) and (passed == depth or depth <= len(kept[-1]) - len(kept[-1].lstrip())):
            kept.pop()  # what headed it heads nothing any more
        if passed == _DEEPEST:
            kept.append(line)
    return "\n".join(kept)


@contextmanager
def watched() -> Iterator[Longest]:
    """Find the longest SELECT of the block; each is asked a second time where it was asked, in its transaction."""
    found = Longest()

    def ask_again(connection: Any, _cursor: Any, statement: str, parameters: Any, *_rest: Any) -> None:
        if not statement.lstrip("( ").startswith(("SELECT", "WITH")) or " FOR UPDATE" in statement:
            return
        plain = connection.connection.cursor()
        start = time.perf_counter()
        plain.execute(statement, parameters).fetchall()
        taken = (time.perf_counter() - start) * 1000
        if taken > found.milliseconds:
            words = "EXPLAIN (ANALYZE, BUFFERS)" if connection.dialect.name == "postgresql" else "EXPLAIN QUERY PLAN"
            lines = plain.execute(f"{words} {statement}", parameters).fetchall()
            found.statement, found.milliseconds = statement, taken
            found.plan = "\n".join(str(line[-1]) for line in lines)
        plain.close()

    event.listen(db.engine, "after_cursor_execute", ask_again)
    try:
        yield found
    finally:
        event.remove(db.engine, "after_cursor_execute", ask_again)
