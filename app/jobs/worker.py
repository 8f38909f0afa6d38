"""The worker: one process that takes jobs from the queue, each in a fork of the warm program, and relays what waits."""

from __future__ import annotations

import multiprocessing
import os
import time

import structlog
from flask import Flask, current_app
from rq import Worker
from rq.job import Job
from rq.queue import Queue

from app.extensions import db
from app.services import outbox, queue, rendering

log = structlog.get_logger()


class WarmWorker(Worker):
    """RQ's worker; each job runs in a fork that has the application ready and connections of its own."""

    app: Flask

    def main_work_horse(self, job: Job, queue: Queue) -> None:
        """Run the job in the fork: the parent's connections to the base are left to the parent."""
        with self.app.app_context():
            db.engine.dispose(close=False)
            super().main_work_horse(job, queue)


def work(*, burst: bool = False) -> None:
    """Work until told to stop (SIGTERM, Ctrl-C), or until nothing waits when ``burst``."""
    app = current_app._get_current_object()  # type: ignore[attr-defined]
    rendering.warm_up()
    outbox.ring(again=True)
    db.session.remove()
    db.engine.dispose()
    if not burst:
        # A process, not a thread: jobs are forked, and a fork must not inherit a lock another thread holds.
        multiprocessing.get_context("fork").Process(target=_relay, args=(app, os.getpid()), daemon=True).start()
    worker = WarmWorker(
        [queue.queue()], connection=queue.connection(), serializer="json", worker_ttl=60, job_monitoring_interval=10,
        maintenance_interval=30,
    )  # fmt: skip
    worker.app = app
    worker.work(burst=burst, logging_level="WARNING")


def _relay(app: Flask, worker_pid: int) -> None:
    """Ring for whatever is due, again and again, as long as the worker lives: bells get lost."""
    while os.getppid() == worker_pid:
        time.sleep(app.config["RELAY_SECONDS"])
        try:
            with app.app_context():
                outbox.ring()
        except Exception as error:  # the relay outlives a base that is away for a while
            log.warning("relay failed, trying again", error=type(error).__name__)
