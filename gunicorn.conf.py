"""How gunicorn serves the program: read by itself wherever it is started in this folder (`gunicorn run:app`)."""

import os
from typing import Any

#: A sync worker with one thread (a view object of Flask-AppBuilder is shared by threads, and so are its filters) that waits for
#: whole requests: senders that trickle stop nobody. Never another class.
worker_class = "app.cli.web_worker.WebWorker"
threads = 1
preload_app = True
#: Seconds for one request; a worker that takes longer is killed.
timeout = 180
graceful_timeout = 30
#: An access log (`--access-logfile -`) names nobody.
logger_class = "app.cli.access_log.AccessLogger"
access_log_format = '%(h)s %(l)s %(u)s %(t)s "%(r)s" %(s)s %(b)s "%(f)s" "%(a)s" %({x-trace-id}o)s'


def on_starting(_server: Any) -> None:
    """Wait for `make run` to have the base ready (`app.cli.machine.Gate`); the program is loaded by then."""
    if gate := os.environ.get("START_GATE"):
        os.read(int(gate), 1)  # nothing ever comes: it ends when the gate opens
