"""Fifty programs at once against the real one (web, worker, queue): p95 of the API's calls beside `/healthz`'s in the same run.

Alone: `python -m benchmarks.load`.
"""

from __future__ import annotations

import http.client
import json
import logging
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import structlog
from sqlalchemy import func, select

from app.extensions import db
from app.models import Registration
from app.services.api import keys as api_keys
from app.services.api.keys import NewKey
from tests.e2e.conftest import start_program
from tests.support import many

from . import bases
from .bases import Base, title
from .table import Row, show, show_head, told

DEMO = "12345678200010"
CLIENTS, TURNS = 50, 10
TRAINING = {"training_label": "FIMO Marchandises", "category": "Marchandises", "end_date": "2022-01-07"}
MOST = 1_000
#: What one call of 1,000 lines may take, from the first byte sent to the last received, on an idle program.
MOST_SECONDS = 0.5


@dataclass
class Times:
    """Seconds of each call, by its name; a call that failed ends the run."""

    taken: dict[str, list[float]] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def note(self, name: str, seconds: float) -> None:
        """Keep one duration."""
        with self._lock:
            self.taken.setdefault(name, []).append(seconds)

    def p95(self, name: str) -> float:
        """Return the time within which 95 calls of 100 were answered."""
        return statistics.quantiles(self.taken[name], n=20)[-1]


def rows(bases_: list[Base], folder: Path, clients: int = CLIENTS, turns: int = TURNS) -> Iterator[Row]:
    """Yield the rows of each base: calls under load beside `/healthz`, and the largest call alone."""
    for base in bases_:
        times, alone = measure(base, folder / f"load-{base.name}", clients, turns)
        beside = f"/healthz p95 {told(times.p95('healthz'))}"
        for name in ("analysis", "registration"):
            yield Row(
                f"one-line {name}, {clients} programs at once, {title(base)}",
                f"p95 {told(times.p95(name))}, median {told(statistics.median(times.taken[name]))}",
                beside, times.p95(name) / times.p95("healthz"),
            )  # fmt: skip
        yield Row(
            f"{MOST:,} lines analysed in one call, {title(base)}",
            told(alone),
            value=alone,
            limit=MOST_SECONDS,
            unit="s",
        )


def measure(base: Base, folder: Path, clients: int, turns: int) -> tuple[Times, float]:
    """Run the program on a base; return the times under load, and the median time of the largest call without load."""
    with base.app.app_context():
        keys = [api_keys.issue(DEMO, NewKey(f"Charge {at}", ("analyse", "register"))) for at in range(clients)]
        before = _registered()
    bases.let_go(base)
    folder.mkdir()
    url = base.app.config["SQLALCHEMY_DATABASE_URI"]
    program = start_program(folder, DATABASE_URL=url)
    try:
        alone = statistics.median(_largest(program.url, keys[0]) for _ in range(5))
        times = _load(program.url, keys, turns)
    finally:
        program.stop()
    assert not times.failures, times.failures[:3]
    with base.app.app_context():
        assert _registered() - before == clients * turns, "each registration stands once"
    bases.let_go(base)
    return times, alone


def _registered() -> int:
    return db.session.scalar(select(func.count()).select_from(Registration)) or 0


def _largest(url: str, key: str) -> float:
    body = {"lines": [{**TRAINING, **line} for line in many(MOST)]}
    return _call(url, "POST", "/api/v1/analyses", key, body, 200)


def _load(url: str, keys: list[str], turns: int) -> Times:
    times, gate = Times(), threading.Barrier(len(keys))
    lines = [{**TRAINING, **line} for line in many(len(keys) * turns)]

    def act(at: int, key: str) -> None:
        try:
            gate.wait()
            for turn in range(turns):
                number = at * turns + turn
                body = {"lines": [lines[number]]}
                times.note("analysis", _call(url, "POST", "/api/v1/analyses", key, body, 200))
                times.note("registration", _call(url, "POST", "/api/v1/registrations", key, body, 201, f"e{number}"))
                times.note("healthz", _call(url, "GET", "/healthz", key, None, 200))
        except Exception as error:
            times.failures.append(repr(error))

    threads = [threading.Thread(target=act, args=one) for one in enumerate(keys)]
    run: Callable[[threading.Thread], None]
    for run in (threading.Thread.start, threading.Thread.join):
        for thread in threads:
            run(thread)
    return times


def _call(url: str, method: str, path: str, key: str, body: object, status: int, idempotency_key: str = "") -> float:
    """Make one call on a connection of its own and return its seconds; raise `AssertionError` on another status."""
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json", "Idempotency-Key": idempotency_key}
    sent = None if body is None else json.dumps(body)
    start = time.perf_counter()
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=60)
    connection.request(method, path, sent, headers)
    answer = connection.getresponse()
    text = answer.read()
    seconds = time.perf_counter() - start
    connection.close()
    assert answer.status == status, text
    return seconds


def main() -> None:
    """Print the table."""
    logging.disable(logging.WARNING)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    show_head()
    with tempfile.TemporaryDirectory() as folder, bases.opened(Path(folder)) as opened:
        for row in rows(opened, Path(folder)):
            show(row)


if __name__ == "__main__":
    main()
