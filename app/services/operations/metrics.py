"""Figures for who watches the program: counts, ages and durations; no name, no address, no id of anybody or anything."""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from flask import current_app
from redis.exceptions import RedisError
from sqlalchemy import func, select

from app.extensions import db
from app.models import Batch, Breach, Document, NightlyTask, Outbox
from app.models.batch import FILE
from app.models.outbox import CHECK
from app.services.core import clock, queue

#: Seconds; a page is meant to take less than 0.2.
BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1, 2.5, 5, 10, 30)


def folder() -> Path:
    """Return where the web processes write their figures."""
    return Path(current_app.config["DATA_DIR"]) / "metrics"


def observe(endpoint: str, method: str, status: int, seconds: float) -> None:
    """Note one request, by its endpoint (never its address, which holds keys)."""
    _durations(str(folder())).labels(endpoint, method, f"{status // 100}xx").observe(seconds)


def count_refusal(kind: str) -> None:
    """Count one refused request, where figures are kept."""
    if current_app.config["METRICS_PORT"]:
        _refusals(str(folder())).labels(kind).inc()


def text() -> bytes:
    """Return everything in Prometheus' format: the durations of all web processes, and what the base and the queue hold."""
    library = _library(str(folder()))
    from prometheus_client import multiprocess

    registry = library.CollectorRegistry()
    multiprocess.MultiProcessCollector(registry, path=str(folder()))  # type: ignore[no-untyped-call]
    registry.register(_Base())
    return bytes(library.generate_latest(registry))


class _Base:
    """What the base and the queue hold now."""

    def collect(self) -> Iterator[Any]:
        """Yield each figure."""
        from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

        undone = Outbox.done_at.is_(None)
        waiting, oldest = db.session.execute(
            select(func.count(), func.min(Outbox.created_at)).select_from(Outbox).where(undone)
        ).one()
        failed = select(func.count()).select_from(Outbox).where(undone, Outbox.last_error.is_not(None))
        age = (clock.machine_now() - oldest).total_seconds() if oldest else 0
        yield GaugeMetricFamily("registre_outbox_undone", "Rows that wait to be done.", value=waiting)
        yield GaugeMetricFamily("registre_outbox_oldest_seconds", "Age of the oldest of them.", value=max(age, 0))
        yield GaugeMetricFamily(
            "registre_outbox_failed", "Rows whose last try failed.", value=db.session.scalar(failed)
        )
        depth = _depth()
        yield GaugeMetricFamily("registre_queue_up", "1 where the queue answers.", value=int(depth is not None))
        yield GaugeMetricFamily("registre_queue_jobs", "Jobs in the queue.", value=depth or 0)
        imports = GaugeMetricFamily("registre_imports", "Imports of files, by state.", labels=["state"])
        states = select(Batch.state, func.count()).where(Batch.mode == FILE).group_by(Batch.state)
        for state, count in db.session.execute(states):
            imports.add_metric([state], count)
        yield imports
        documents = CounterMetricFamily("registre_documents", "Documents drawn, by kind.", labels=["kind"])
        kinds = select(Document.kind, func.count()).where(Document.sha256.is_not(None)).group_by(Document.kind)
        for kind, count in db.session.execute(kinds):
            documents.add_metric([kind], count)
        yield documents
        yield from self._invariants()

    def _invariants(self) -> Iterator[Any]:
        """Yield what the last look at the invariants found, and its age: no breach of no look proves nothing."""
        from prometheus_client.core import GaugeMetricFamily

        breaches = GaugeMetricFamily(
            "registre_breaches", "Rows that break an invariant, by invariant.", labels=["code"]
        )
        for code, count in db.session.execute(select(Breach.code, Breach.count).order_by(Breach.code)):
            breaches.add_metric([code], count)
        yield breaches
        last = db.session.scalar(select(func.max(NightlyTask.started_at)).where(NightlyTask.task == CHECK))
        if last is not None:
            age = (clock.machine_now() - last).total_seconds()
            yield GaugeMetricFamily("registre_check_seconds", "Age of the last nightly check.", value=max(age, 0))


def _depth() -> int | None:
    try:
        return queue.length()
    except RedisError:
        return None


@cache
def _durations(path: str) -> Any:
    return _library(path).Histogram(
        "registre_request_seconds",
        "Duration of requests.",
        ["endpoint", "method", "status"],
        registry=None,
        buckets=BUCKETS,
    )


@cache
def _refusals(path: str) -> Any:
    return _library(path).Counter("registre_refused", "Refused requests and keys, by kind.", ["kind"], registry=None)


@cache
def _library(path: str) -> Any:
    """Import the library once its folder is named: it looks for it as it is imported."""
    Path(path).mkdir(parents=True, exist_ok=True, mode=0o700)
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = path
    import prometheus_client

    return prometheus_client
