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
from app.models import Batch, Breach, NightlyTask, Outbox
from app.models.batch import FILE
from app.models.outbox import BACKUP, CHECK
from app.services.core import clock, queue

from . import service_levels

FAILED = "failed"
#: Seconds; a page is meant to take less than 0.2.
BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1, 2.5, 5, 10, 30)


def folder() -> Path:
    """Return where the web processes write their figures."""
    return Path(current_app.config["DATA_DIR"]) / "metrics"


def observe(endpoint: str, method: str, status: int, seconds: float) -> None:
    """Note one request, by its endpoint (never its address, which holds keys)."""
    _durations(str(folder())).labels(endpoint, method, f"{status // 100}xx").observe(seconds)


def observe_door(door: str, status: int, seconds: float, *, announced: bool = False) -> None:
    """Note one request by its door, and how it ended: answered, failed by us, or refused as people had been told."""
    outcome = "announced" if announced else FAILED if status >= 500 else "answered"
    figures = _doors(str(folder()))
    figures.labels(door, FAILED)  # there from 0 on: the first failure is seen as one more
    figures.labels(door, outcome).observe(seconds)


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
        from prometheus_client.core import GaugeMetricFamily

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
        depth, workers = _queue()
        yield GaugeMetricFamily("registre_queue_up", "1 where the queue answers.", value=int(depth is not None))
        yield GaugeMetricFamily("registre_queue_jobs", "Jobs in the queue.", value=depth or 0)
        yield GaugeMetricFamily("registre_workers", "Workers alive; 0 where the queue is away.", value=workers)
        imports = GaugeMetricFamily("registre_imports", "Imports of files, by state.", labels=["state"])
        states = select(Batch.state, func.count()).where(Batch.mode == FILE).group_by(Batch.state)
        for state, count in db.session.execute(states):
            imports.add_metric([state], count)
        yield imports
        yield from self._levels()
        yield from self._invariants()
        yield from self._nights()

    def _levels(self) -> Iterator[Any]:
        """Yield what is done in time and what is not: a counter over all time, of which any window may be asked."""
        from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

        done = CounterMetricFamily(
            "registre_work",
            "Registrations drawn, mails sent, in time or late.",
            labels=["kind", "outcome"],
        )
        overdue = GaugeMetricFamily("registre_work_overdue", "What waits and is late.", labels=["kind"])
        oldest = GaugeMetricFamily("registre_work_oldest_seconds", "Age of the oldest that waits.", labels=["kind"])
        for one in service_levels.standings():
            done.add_metric([one.kind, "in_time"], one.in_time)
            done.add_metric([one.kind, "late"], one.late)
            overdue.add_metric([one.kind], one.overdue)
            oldest.add_metric([one.kind], one.oldest)
        yield from (done, overdue, oldest)

    def _invariants(self) -> Iterator[Any]:
        """Yield what the last look at the invariants found, and its age: no breach of no look proves nothing."""
        from prometheus_client.core import GaugeMetricFamily

        breaches = GaugeMetricFamily(
            "registre_breaches", "Rows that break an invariant, by invariant.", labels=["code"]
        )
        for code, count in db.session.execute(select(Breach.code, Breach.count).order_by(Breach.code)):
            breaches.add_metric([code], count)
        yield breaches

    def _nights(self) -> Iterator[Any]:
        """Yield the ages of the last look at the invariants and of the last backup; no age of what never was."""
        from prometheus_client.core import GaugeMetricFamily

        asked = NightlyTask.task.in_((CHECK, BACKUP))
        lasts = select(NightlyTask.task, func.max(NightlyTask.started_at)).where(asked).group_by(NightlyTask.task)
        for task, last in db.session.execute(lasts):
            age = (clock.machine_now() - last).total_seconds()
            yield GaugeMetricFamily(f"registre_{task}_seconds", f"Age of the last {task}.", value=max(age, 0))


def _queue() -> tuple[int | None, int]:
    """Return how many jobs wait, None where the queue is away, and how many workers are alive."""
    try:
        return queue.length(), queue.workers()
    except RedisError:
        return None, 0


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
def _doors(path: str) -> Any:
    return _library(path).Histogram(
        "registre_answer_seconds",
        "Duration of answers, by door.",
        ["door", "outcome"],
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
