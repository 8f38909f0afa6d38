"""A PostgreSQL and a Redis of the run's own, web processes and workers as in production: all can really be killed."""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import psycopg
from redis import Redis
from redis.exceptions import RedisError

from config import ROOT
from tests.backends import TODAY
from tests.e2e.conftest import free_port

OWNER, ROLE, NAME = "registre_owner", "registre_app", "registre"
WEB_PROCESSES, WORKERS = 4, 2
#: Dies with this program, should it be killed itself.
_WITH_US = ("setpriv", "--pdeathsig", "TERM")
FLASK = (sys.executable, "-m", "flask", "--app", "run")


def tools() -> Path | None:
    """Return the folder of PostgreSQL's own programs, None where this machine has none that this user may start."""
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: float(path.parts[-3]))
    found = shutil.which("initdb") or (str(versions[-1]) if versions else None)
    if found is None or (os.geteuid() == 0 and not _other_user()):
        return None
    return Path(found).parent


def _other_user() -> list[str]:
    """Return what starts a program as another user where we are root, whom PostgreSQL refuses."""
    if os.geteuid() != 0:
        return []
    try:
        pwd.getpwnam("postgres")
    except KeyError:
        return []
    return ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]


class Cluster:
    """A PostgreSQL server of its own in a temporary folder, as durable as any: nothing of it is switched off."""

    def __init__(self) -> None:
        bin_ = tools()
        assert bin_ is not None, "PostgreSQL's own programs are not here"
        self.bin, self.port = bin_, free_port()
        self.folder = Path(tempfile.mkdtemp(prefix="registre-base-"))
        if _other_user():
            shutil.chown(self.folder, "postgres", "postgres")
        words = ["-D", str(self.folder / "data"), "-U", OWNER, "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8"]
        self._run("initdb", *words)
        self.start()
        with psycopg.connect(self.url(OWNER, "postgres"), autocommit=True) as admin:
            admin.execute(f"CREATE DATABASE {NAME}")

    def url(self, user: str, name: str = NAME) -> str:
        """Return the address of a database of this server."""
        return f"postgresql://{user}:x@127.0.0.1:{self.port}/{name}"

    def start(self) -> None:
        """Start it, and wait until it answers."""
        options = f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories='' -c max_connections=100"
        self._run(
            "pg_ctl", "-D", str(self.folder / "data"), "-l", str(self.folder / "log"), "-w", "-o", options, "start"
        )

    def stop(self, mode: str = "fast") -> None:
        """Stop it; « immediate » is a crash: what was not on disk is read from its log at the next start."""
        self._run("pg_ctl", "-D", str(self.folder / "data"), "-m", mode, "-w", "stop")

    def remove(self) -> None:
        """Stop it and remove all it held."""
        with suppress(subprocess.CalledProcessError):
            self.stop("immediate")
        shutil.rmtree(self.folder, ignore_errors=True)

    def _run(self, tool: str, *words: str) -> None:
        command = [*_other_user(), str(self.bin / tool), *words]
        subprocess.run(command, cwd="/", stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=True)


class Part:
    """One process of the machine, in a session of its own, its words in a log; started again when it dies."""

    def __init__(self, name: str, command: list[str], env: dict[str, str], log: Path) -> None:
        self.name, self.command, self.env, self.log = name, command, env, log
        self.process = self._start()

    def _start(self) -> subprocess.Popen[bytes]:
        with self.log.open("ab") as said:
            return subprocess.Popen(
                [*_WITH_US, *self.command], cwd=ROOT, env=self.env, stdout=said, stderr=said, start_new_session=True
            )

    def revive(self) -> None:
        """Start it again where it has died."""
        if self.process.poll() is not None:
            self.process = self._start()

    def family(self) -> list[int]:
        """Return its processes, itself first: those of its session."""
        listed = subprocess.run(["ps", "-e", "-o", "pid=,sess="], capture_output=True, text=True, check=True).stdout
        pairs = [line.split() for line in listed.splitlines()]
        own = self.process.pid
        return sorted((int(pid) for pid, session in pairs if int(session) == own), key=lambda pid: (pid != own, pid))

    def stop(self) -> None:
        """Stop it, by force after half a minute."""
        self.process.terminate()
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            kill(self.family())


def kill(pids: list[int]) -> None:
    """Kill processes; those that have just ended are no matter."""
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


class Machine:
    """Base, queue, web and workers; whatever dies is started again, as the containers of production are."""

    def __init__(self, folder: Path, lease: int, relay: int) -> None:
        self.folder, self.logs = folder, folder / "logs"
        self.logs.mkdir()
        self.base = Cluster()
        self.port, self._queue_port, self._word = free_port(), free_port(), secrets.token_hex(16)
        self.url = f"http://127.0.0.1:{self.port}"
        self.env = {
            **os.environ, "DATA_DIR": str(folder / "data"), "PORT": str(self.port), "TODAY": TODAY, "SEED": "bare",
            "DATABASE_URL": self.base.url(ROLE), "DATABASE_OWNER_URL": self.base.url(OWNER), "SECRET_KEY": "x" * 32,
            "REDIS_URL": f"redis://:{self._word}@127.0.0.1:{self._queue_port}/0", "OUTBOX_LEASE": str(lease),
            "RELAY_SECONDS": str(relay),
        }  # fmt: skip
        self.parts: list[Part] = []
        self._over = threading.Event()
        self._keeper = threading.Thread(target=self._keep, daemon=True)
        self.queue = self._start_queue()

    @property
    def working_env(self) -> dict[str, str]:
        """Return the settings of web and workers, who do not know the owner of the tables."""
        return {**self.env, "DATABASE_OWNER_URL": "elsewhere"}

    def start(self) -> None:
        """Start web and workers on a base that is ready, and wait until the web answers."""
        gunicorn = [sys.executable, "-m", "gunicorn", "run:app", "--bind", f"127.0.0.1:{self.port}"]
        web = [*gunicorn, "--workers", str(WEB_PROCESSES), "--log-level", "warning"]
        self.parts = [Part("web", web, self.working_env, self.logs / "web.log")]
        for at in range(WORKERS):
            self.parts.append(
                Part(f"worker {at}", [*FLASK, "worker"], self.working_env, self.logs / f"worker-{at}.log")
            )
        self._keeper.start()

    def flask(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run a command of the program as the owner of the tables."""
        return subprocess.run([*FLASK, *words], cwd=ROOT, env=self.env, capture_output=True, text=True, check=False)

    def worker(self, turn: int) -> Part:
        """Return the worker whose turn it is."""
        return self.parts[1 + turn % WORKERS]

    def restart_base(self, turn: int, away: float) -> None:
        """Take the base away for some seconds; by turns a crash, and a stop that breaks connections off."""
        self.base.stop(("immediate", "fast")[turn % 2])
        time.sleep(away)
        self.base.start()

    def restart_queue(self, turn: int, away: float) -> None:
        """Kill the queue and start it anew after some seconds; each second time it has lost all it held."""
        self.queue.kill()
        self.queue.wait()
        if turn % 2:
            shutil.rmtree(self.folder / "queue")
        time.sleep(away)
        self.queue = self._start_queue()

    def _start_queue(self) -> subprocess.Popen[bytes]:
        folder = self.folder / "queue"
        folder.mkdir(exist_ok=True)
        options = ["--port", str(self._queue_port), "--bind", "127.0.0.1", "--requirepass", self._word, "--save", ""]
        options += ["--appendonly", "yes", "--maxmemory-policy", "noeviction", "--dir", str(folder)]
        queue = subprocess.Popen(
            [*_WITH_US, "redis-server", *options], stdout=subprocess.DEVNULL, start_new_session=True
        )
        until(self._queue_answers, 30)
        return queue

    def _queue_answers(self) -> bool:
        with suppress(RedisError), Redis.from_url(self.env["REDIS_URL"], socket_connect_timeout=1) as queue:
            return bool(queue.ping())
        return False

    def _keep(self) -> None:
        while not self._over.wait(1):
            for part in self.parts:
                part.revive()

    def halt(self) -> None:
        """Stop web and workers; base and queue stay."""
        self._over.set()
        if self._keeper.ident is not None:
            self._keeper.join()
        for part in self.parts:
            part.stop()
        self.parts = []

    def remove(self) -> None:
        """Stop everything and remove what the base held."""
        self.halt()
        self.queue.kill()
        self.queue.wait()
        self.base.remove()


def until(holds: Callable[[], bool], seconds: float) -> None:
    """Wait for something to hold. Raises `AssertionError` after so many seconds."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it did not come"
        time.sleep(0.1)
