"""Keys that open nothing, side by side: does the time of a refusal tell what is wrong with a key?

Alone: `python -m benchmarks.gate`.
"""

from __future__ import annotations

import itertools
import logging
import random
import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import structlog
from flask import Flask
from sqlalchemy import update

from app.extensions import db
from app.models import ApiKey
from app.services.api import keys as api_keys
from app.services.api.keys import NewKey
from app.services.core import clock

from . import bases
from .bases import Base, title
from .table import Row, show, show_head

DEMO, NEIGHBOUR = "12345678200010", "98765432400019"
TRIES = 600
#: Medians of many interleaved tries of the same refusal wander by about one part in a hundred.
LIMIT = 1.1
REFERENCE = "unknown"


def rows(bases_: list[Base], tries: int = TRIES) -> list[Row]:
    """Return a row a base and kind of key: the median time of its refusal beside that of an unknown key."""
    found = []
    for base in bases_:
        times = measure(base.app, tries)
        for name, seconds in times.items():
            told = f"{seconds * 1e6:.0f} µs"
            reference = f"{REFERENCE} {times[REFERENCE] * 1e6:.0f} µs"
            ratio = seconds / times[REFERENCE]
            found.append(Row(f"refusal of a key: {name}, {title(base)}", told, reference, ratio, limit=LIMIT))
    return found


def measure(app: Flask, tries: int) -> dict[str, float]:
    """Return the median seconds of a refusal, by what is wrong with the key; tries are interleaved in a random order."""
    with app.app_context():
        shown = {name: {"Authorization": f"Bearer {key}"} for name, key in keys().items()}
        db.session.remove()
    client = app.test_client()
    call: Callable[[str], float] = lambda name: _timed(client, shown[name])  # noqa: E731
    for name in itertools.islice(itertools.cycle(shown), 50):
        call(name)
    times: dict[str, list[float]] = {name: [] for name in shown}
    chance = random.Random(1)
    for _ in range(tries):
        order = list(shown)
        chance.shuffle(order)
        for name in order:
            times[name].append(call(name))
    return {name: statistics.median(seconds) for name, seconds in times.items()}


def _timed(client: object, headers: dict[str, str]) -> float:
    start = time.perf_counter()
    response = client.get("/api/v1/catalogue", headers=headers)  # type: ignore[attr-defined]
    seconds = time.perf_counter() - start
    assert response.status_code in (401, 403)
    return seconds


def keys() -> dict[str, str]:
    """Return what is wrong with a key → a key of that kind; nothing of them opens anything."""
    good = new_key()
    return {
        REFERENCE: "cqc_live_00000000_" + "A" * 43,
        "malformed": "cqc",
        "wrong secret": good[:-1] + ("a" if good[-1] != "a" else "b"),
        "expired": _changed(new_key(), ends_on=clock.today() - timedelta(days=1)),
        "revoked": _changed(new_key(), revoked_at=clock.machine_now() - timedelta(days=1)),
        "of another centre, revoked": _changed(new_key(NEIGHBOUR), revoked_at=clock.machine_now() - timedelta(days=1)),
        "from elsewhere": new_key(networks=("198.51.100.0/24",)),
    }


def new_key(siret: str = DEMO, networks: tuple[str, ...] = ()) -> str:
    """Return a key that reads, for a centre, accepted from some networks only."""
    return api_keys.issue(siret, NewKey("Mesure", ("read",), networks=networks))


def _changed(key: str, **values: object) -> str:
    db.session.execute(update(ApiKey).where(ApiKey.prefix == key.split("_")[2]).values(**values))
    db.session.commit()
    return key


def main() -> None:
    """Print the table."""
    logging.disable(logging.WARNING)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    show_head()
    with tempfile.TemporaryDirectory() as folder, bases.opened(Path(folder)) as opened:
        for row in rows(opened):
            show(row)


if __name__ == "__main__":
    main()
