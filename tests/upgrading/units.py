"""What systemd does of the files in `deploy/systemd`, in small: `systemctl` for a test that runs no systemd.

The command lines, settings, folders and sockets are those of the files. A socket is held here while its service is restarted.
"""

from __future__ import annotations

import os
import shlex
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from configparser import ConfigParser
from pathlib import Path
from typing import Any

#: The stub on the path: sends its words, ends as it is told.
STUB = """#!{python}
import socket, sys
with socket.socket(socket.AF_UNIX) as asked:
    asked.connect({address!r})
    asked.sendall("\\0".join(sys.argv[1:]).encode())
    asked.shutdown(socket.SHUT_WR)
    sys.exit(int(asked.makefile().read()))
"""
#: A socket is the third file of the process that it is handed over to.
HANDED_OVER = """
import os, sys
os.dup2(int(sys.argv[1]), 3)
os.environ.update(LISTEN_FDS="1", LISTEN_PID=str(os.getpid()))
os.execv(sys.argv[2], sys.argv[2:])
"""
#: Seconds a service is given to say that it is ready, and to end.
READY, END = 120, 60


class Units:
    """The services of one machine. ``mapped``: how the test's places stand in for those that the files name."""

    def __init__(self, root: Path, folder: Path, mapped: Callable[[str], str]) -> None:
        self.root, self.folder, self.mapped = root, folder, mapped
        self.running: dict[str, subprocess.Popen[bytes]] = {}
        self.sockets: dict[str, socket.socket] = {}
        self.started: list[str] = []
        self.door = socket.socket(socket.AF_UNIX)
        self.address = str(root / "systemctl.sock")
        self.door.bind(self.address)
        self.door.listen()
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        """Stop all that runs, the last started first."""
        self.door.close()
        for name in reversed(list(self.running)):
            self.stop(name)
        for one in self.sockets.values():
            one.close()

    def _serve(self) -> None:
        while True:
            try:
                asked, _ = self.door.accept()
            except OSError:
                return
            with asked:
                words = asked.makefile().read().split("\0")
                try:
                    status = self.told(words)
                except Exception as error:
                    (self.root / "units.log").write_text(f"{words}: {error!r}")
                    status = 1
                asked.sendall(str(status).encode())

    def told(self, words: list[str]) -> int:
        """Do what `systemctl` is asked and return its exit status; what is not of the program is passed over."""
        verb, names = (
            words[0],
            [word for word in words[1:] if not word.startswith("--") and word.startswith("registre")],
        )
        act: dict[str, Callable[[str], int]] = {
            "start": self.start, "enable": self.start, "stop": self.stop, "is-active": self.is_down, "restart": self.restart,
        }  # fmt: skip
        return max([act[verb](name) for name in names], default=0) if verb in act else 0

    def restart(self, name: str) -> int:
        self.stop(name)
        return self.start(name)

    def is_down(self, name: str) -> int:
        process = self.running.get(name)
        return 0 if process is not None and process.poll() is None else 3

    def start(self, name: str) -> int:
        """Start a unit, and wait until it is ready where it says so; the exit status of one that runs once."""
        if name.endswith(".timer"):
            return 0 if self._read(name)["Timer"]["OnCalendar"] else 1
        if name.endswith(".socket"):
            host, _, port = self._read(name)["Socket"]["ListenStream"].rpartition(":")
            self.sockets[name.removesuffix(".socket")] = socket.create_server((host, int(port)), backlog=2048)
            return 0
        if self.is_down(name) == 0:
            return 0
        service = self._read(f"{name}.service")["Service"]
        command = shlex.split(service["ExecStart"])
        process = self._spawned(name, command, service)
        self.started.append(" ".join(command[1:]))
        if service.get("Type") == "oneshot":
            return process.wait()
        self.running[name] = process
        return 0

    def _spawned(self, name: str, command: list[str], service: Any) -> subprocess.Popen[bytes]:
        folder = os.path.realpath(service["WorkingDirectory"])
        environment = {**os.environ, "PWD": folder}
        for path in service["EnvironmentFile"].split("\n"):
            lines = Path(path).read_text().splitlines()
            environment |= dict(line.split("=", 1) for line in lines if "=" in line)
        held = self.sockets.get(name)
        options: dict[str, Any] = {}
        notified = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) if service.get("Type") == "notify" else None
        if held is not None:
            at = held.fileno()
            command = [sys.executable, "-c", HANDED_OVER, str(at), *command]
            options["pass_fds"] = (at,)
        if notified is not None:
            told = self.root / f"{name}.notify"
            told.unlink(missing_ok=True)
            notified.bind(str(told))
            environment["NOTIFY_SOCKET"] = str(told)
        with (self.root / f"{name}.log").open("ab") as log:
            process = subprocess.Popen(
                command, cwd=folder, env=environment, stdout=log, stderr=log, start_new_session=True, **options
            )
        if notified is not None:
            self._wait_ready(notified, process)
        return process

    @staticmethod
    def _wait_ready(notified: socket.socket, process: subprocess.Popen[bytes]) -> None:
        with notified:
            notified.settimeout(0.2)
            for _ in range(5 * READY):
                try:
                    if b"READY=1" in notified.recv(4096):
                        return
                except TimeoutError:
                    if process.poll() is not None:
                        raise RuntimeError("it ended before it was ready") from None

    def stop(self, name: str) -> int:
        process = self.running.pop(name, None)
        if process is not None and process.poll() is None:
            process.terminate()
            try:
                process.wait(END)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        return 0

    def _read(self, name: str) -> ConfigParser:
        """Return a unit's file, an instance's from its template; settings that stand twice in lines."""
        template, _, instance = name.partition("@")
        path = self.folder / (f"{template}@{name[name.rindex('.') :]}" if instance else name)
        parser = ConfigParser(strict=False, interpolation=None, dict_type=_Repeated)
        parser.optionxform = str  # type: ignore[assignment,method-assign]
        parser.read_string(self.mapped(path.read_text()))
        return parser


class _Repeated(dict[str, Any]):
    """Keeps what is set twice, as systemd does of files of settings."""

    def __setitem__(self, key: str, value: Any) -> None:
        if key == "EnvironmentFile" and isinstance(value, list) and isinstance(self.get(key), list):
            value = [*self[key], *value]
        super().__setitem__(key, value)
