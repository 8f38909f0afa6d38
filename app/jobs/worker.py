"""The worker: one process that takes jobs from the queue, in forks of the warm program, and relays what waits.

A fork costs more than drawing the two documents of one registration: it goes on with what waits for some seconds, so that
many small rows are drawn at the rate of one large one.
"""

from __future__ import annotations

import mmap
import multiprocessing
import multiprocessing.process
import os
import time
from typing import Any

import structlog
from flask import Flask, current_app
from redis import exceptions as redis_exceptions
from rq import Worker, worker_registration
from rq.exceptions import NoSuchJobError
from rq.executions import Execution
from rq.job import Job
from rq.queue import Queue
from rq.registry import FailedJobRegistry, StartedJobRegistry
from rq.timeouts import JobTimeoutException
from rq.utils import now
from sqlalchemy import select

from app.extensions import db
from app.models import Training
from app.services.core import actor, outbox, queue, throttle, trace
from app.services.core.queue_job import JOB_TIMEOUT, OutboxJob, OutboxQueue
from app.services.core.transaction import transaction
from app.services.deposits import polling
from app.services.documents import drawing
from app.services.documents import pages as document_pages
from app.services.journal import chain as journal_chain
from app.services.operations import nightly
from app.services.seal import sealing

from .work import run

log = structlog.get_logger()

#: Seconds between two rounds of housekeeping.
HOUSEKEEPING = 60
#: Seconds after its start in which a fork still takes a further row.
GOES_ON = 5.0


class WarmWorker(Worker):
    """RQ's worker; each job runs in a fork that has the application ready and connections of its own.

    It believes Redis no more than `services.queue_job` says: it takes neither orders nor pauses from there.
    """

    job_class = OutboxJob
    queue_class = OutboxQueue
    app: Flask
    relay: multiprocessing.process.BaseProcess | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        #: One byte that a fork shares with its parent: no longer 0 once the worker is told to stop.
        self._stopping = mmap.mmap(-1, 1)

    def handle_warm_shutdown_request(self) -> None:
        """Let the fork end after the row in hand."""
        self._stopping[0] = 1
        super().handle_warm_shutdown_request()  # type: ignore[no-untyped-call]

    def main_work_horse(self, job: Job, queue: Queue) -> None:
        """Run the job in the fork: the parent's connections to the base are left to the parent."""
        with self.app.app_context():
            db.engine.dispose(close=False)
            super().main_work_horse(job, queue)

    def perform_job(self, job: Job, queue: Queue, execution: Execution) -> bool:
        """Run the job in the fork, then what waits behind it, in its order, each with its lease, timer and failures.

        A row in hand when the fork is killed has lost its bell: its lease runs out and the relay rings again, as for any row.
        """
        until = time.monotonic() + GOES_ON
        with self.app.app_context():  # its session ends with it: no transaction stays open under the rows that follow
            done = super().perform_job(job, queue, execution)
        while done and not self._stopping[0] and time.monotonic() < until and self._perform_next(queue):
            pass
        return done

    def _perform_next(self, queue: Queue) -> bool:
        """Run the job at the head of the queue; tell whether there was one and all went well."""
        moved = OutboxQueue.lmove(self.connection, queue.key, None)
        if moved is None:
            return False
        name = moved[1].decode()
        try:
            job = OutboxJob.fetch(name, connection=self.connection, serializer=self.serializer)
            self.connection.delete(job.key)
            with self.app.app_context(), self.death_penalty_class(JOB_TIMEOUT, JobTimeoutException, job_id=name):
                job.perform()
        except NoSuchJobError:
            return True
        except Exception as error:
            log.warning("fork ends early", job=name, error=type(error).__name__)
            return False
        finally:
            queue.intermediate_queue.remove(name)
        return True

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
    actor.be(actor.PROGRAM)
    _warm_up()
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


def _warm_up() -> None:
    """Do once what each fork would have to do again: lay out pages, make a seal, compile what a row asks of the base."""
    trainings = db.session.execute(select(Training.label, Training.hours).distinct()).tuples()
    sealing.warm_up(document_pages.warm_up(trainings))
    drawing.draw(())
    run(0)  # no row has this number


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
            with app.app_context(), trace.stretch("task", "relay"):
                actor.be(actor.PROGRAM)
                nightly.make_due()
                polling.make_due()
                outbox.ring()
                if time.monotonic() - tended >= HOUSEKEEPING:
                    tended = time.monotonic()
                    keep_house()
        except Exception as error:  # the relay outlives a base that is away for a while
            log.warning("relay failed, trying again", error=type(error).__name__)
