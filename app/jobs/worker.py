"""The worker: one process that takes jobs from the queue, each in a fork of the warm program, and relays what waits."""

from __future__ import annotations

import multiprocessing
import multiprocessing.process
import os
import time
from typing import Any

import structlog
from flask import Flask, current_app
from redis import exceptions as redis_exceptions
from rq import Worker, worker_registration
from rq.job import Job
from rq.queue import Queue
from rq.registry import FailedJobRegistry, StartedJobRegistry
from rq.utils import now

from app.extensions import db
from app.services.core import actor, outbox, queue, throttle
from app.services.core.queue_job import OutboxJob, OutboxQueue
from app.services.core.transaction import transaction
from app.services.deposits import polling
from app.services.documents import pages as document_pages
from app.services.journal import chain as journal_chain
from app.services.operations import nightly
from app.services.seal import sealing

log = structlog.get_logger()

#: Seconds between two rounds of housekeeping.
HOUSEKEEPING = 60


class WarmWorker(Worker):
    """RQ's worker; each job runs in a fork that has the application ready and connections of its own.

    It believes Redis no more than `services.queue_job` says: it takes neither orders nor pauses from there.
    """

    job_class = OutboxJob
    queue_class = OutboxQueue
    app: Flask
    relay: multiprocessing.process.BaseProcess | None = None

    def main_work_horse(self, job: Job, queue: Queue) -> None:
        """Run the job in the fork: the parent's connections to the base are left to the parent."""
        with self.app.app_context():
            db.engine.dispose(close=False)
            super().main_work_horse(job, queue)

    def run_maintenance_tasks(self) -> None:
        """Do RQ's own chores, now and then, and start the relay again should it have died alone."""
        super().run_maintenance_tasks()  # type: ignore[no-untyped-call]
        if self.relay is not None and not self.relay.is_alive():
            log.warning("relay gone, starting it again", exit=self.relay.exitcode)
            self.relay = start_relay(self.app)

    def clean_registries(self) -> None:
        """Clean up after workers that died; RQ's registries that we do not use are not even looked at."""
        for ours in self.queues:
            if ours.acquire_maintenance_lock():
                try:
                    self._clean(ours)
                finally:
                    ours.release_maintenance_lock()  # type: ignore[no-untyped-call]
        self.last_cleaned_at = now()  # type: ignore[assignment]

    def _clean(self, queue: Queue) -> None:
        """Clean one queue's registries. What cannot be read there is removed: the outbox knows what is to be done."""
        started, failed = (
            kind(name=queue.name, connection=self.connection, job_class=OutboxJob, serializer=self.serializer)
            for kind in (StartedJobRegistry, FailedJobRegistry)
        )
        try:
            started.cleanup()
            failed.cleanup()
            worker_registration.clean_worker_registry(queue)
            queue.intermediate_queue.cleanup(self, queue)
        except (redis_exceptions.ConnectionError, redis_exceptions.TimeoutError):
            raise
        except Exception as error:
            log.warning("registry of the queue removed: unreadable", error=type(error).__name__)
            self.connection.delete(started.key, failed.key, queue.intermediate_queue_key)

    def clean_group_registries(self) -> None:
        """Do nothing: jobs of ours have no group."""

    def check_for_suspension(self, burst: bool) -> None:
        """Do nothing: whoever holds Redis does not pause us."""

    def handle_payload(self, message: Any) -> None:
        """Refuse an order that comes by Redis; a worker is stopped by its signals."""
        log.warning("order to the worker refused", worker=self.name)


def work(*, burst: bool = False) -> None:
    """Work until told to stop (SIGTERM, Ctrl-C), or until nothing waits when ``burst``."""
    app = current_app._get_current_object()  # type: ignore[attr-defined]
    document_pages.warm_up()
    sealing.warm_up()
    actor.be(actor.PROGRAM)
    outbox.ring(again=True)
    db.session.remove()
    db.engine.dispose()
    relay = None if burst else start_relay(app)
    worker = WarmWorker(
        [queue.queue()],
        connection=queue.connection(),
        serializer="json",
        worker_ttl=60,
        job_monitoring_interval=10,
        maintenance_interval=30,
    )
    worker.app, worker.relay = app, relay
    worker.work(burst=burst, logging_level="WARNING")


def start_relay(app: Flask) -> multiprocessing.process.BaseProcess:
    """Start the relay beside this process and return it; it ends when this process does."""
    # A process, not a thread: jobs are forked, and a fork must not inherit a lock another thread holds.
    relay = multiprocessing.get_context("fork").Process(target=_relay, args=(app, os.getpid()), daemon=True)
    relay.start()
    return relay


def keep_house() -> None:
    """Seal what was written to the journal since the last time; forget old tries."""
    journal_chain.seal()
    with transaction():
        throttle.clean()


def _relay(app: Flask, worker_pid: int) -> None:
    """Ring for whatever is due, again and again, as long as the worker lives: bells get lost. Keep house now and then."""
    tended = time.monotonic()
    while os.getppid() == worker_pid:
        time.sleep(app.config["RELAY_SECONDS"])
        try:
            with app.app_context():
                actor.be(actor.PROGRAM)
                nightly.make_due()
                polling.make_due()
                outbox.ring()
                if time.monotonic() - tended >= HOUSEKEEPING:
                    tended = time.monotonic()
                    keep_house()
        except Exception as error:  # the relay outlives a base that is away for a while
            log.warning("relay failed, trying again", error=type(error).__name__)
