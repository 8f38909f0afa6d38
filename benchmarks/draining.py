"""A worker's rate on registrations sent one by one beside that on as many sent at once, and what the first one waits.

Run: python -m benchmarks.draining
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import func, select

from app.extensions import db
from app.models import Document
from app.models.registration import AVAILABLE
from tests.backends import TODAY, Sqlite
from tests.jobs.conftest import REDIS
from tests.support import many, registered

from .table import Row

#: Documents a second of registrations sent one by one, divided by those sent at once.
KEPT = 0.85
ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True, slots=True)
class Drained:
    """What a worker did: documents, and the processor seconds of itself and its forks, its start left out."""

    documents: int
    seconds: float

    @property
    def rate(self) -> float:
        """Return the documents a second of processor time."""
        return self.documents / self.seconds


def rows(count: int) -> Iterator[Row]:
    """Yield the rate of one-line rows beside that of one large batch of ``count`` registrations."""
    with tempfile.TemporaryDirectory() as folder:
        base = Sqlite(Path(folder))
        try:
            start = _drain(base, 0, at_once=False).seconds
            small, large = (_drain(base, count, at_once=at_once, start=start) for at_once in (False, True))
        finally:
            base.close()
    yield Row(
        f"documents a processor second, {count} registrations one by one", f"{small.rate:.1f}/s",
        f"sent at once {large.rate:.1f}/s", small.rate / large.rate, limit=KEPT, at_least=True,
    )  # fmt: skip


def _env(base: Sqlite) -> dict[str, str]:
    """Return the environment of a worker on this base, with a queue of its own on the real Redis."""
    own = {
        "DATA_DIR": str(base.folder), "DATABASE_URL": f"sqlite:///{base.file}", "SECRET_KEY": "x" * 32, "TODAY": TODAY,
        "REDIS_URL": REDIS, "QUEUE_NAME": f"bench-{uuid.uuid4().hex[:8]}",
    }  # fmt: skip
    return {**os.environ, **own}


def _drain(base: Sqlite, count: int, *, at_once: bool, start: float = 0.0) -> Drained:
    """Register so many people and let a worker of its own draw all their documents; ``start``: seconds to leave out."""
    base.reset()
    with base.app.app_context():
        people = many(count)
        for batch in [people] if at_once and people else [[who] for who in people]:
            registered(*batch)
        db.session.remove()
        db.engine.dispose()
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    worker = [sys.executable, "-m", "flask", "--app", "run", "worker", "--burst"]
    subprocess.run(worker, env=_env(base), cwd=ROOT, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    with base.app.app_context():
        drawn = db.session.execute(select(func.count()).where(Document.state == AVAILABLE)).scalar_one()
        db.session.remove()
    return Drained(drawn, spent - start)


if __name__ == "__main__":
    for row in rows(int(sys.argv[1]) if len(sys.argv) > 1 else 200):
        print(row.what, row.measured, row.beside, row.asked, sep=" · ")
