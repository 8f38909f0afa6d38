"""Before the tests: find the parts of the machine they use, start or install what can be, say what is left out.

Nothing is fatal here: a test whose part is missing is skipped, or fails where REQUIRE_SERVICES=1 says it must run.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path

#: The same engine without the browser's own windows: it opens a page with a third of the work.
SHELL = "chromium-headless-shell"
CHROMIUM = (SHELL, "chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
LEFT_OUT = "its tests are left out"


def answers(port: int) -> bool:
    """Tell whether something listens on this port of this machine."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def has_chromium() -> bool:
    """Tell whether a Chromium is on the path."""
    return any(map(shutil.which, CHROMIUM))


def has_clamd() -> bool:
    """Tell whether clamd is installed; the tests start one of their own."""
    return Path("/usr/sbin/clamd").exists() or shutil.which("clamd") is not None


def install(*packages: str) -> Callable[[], None]:
    """Return what installs Debian packages, where we are root on such a system."""

    def act() -> None:
        if os.geteuid() or not shutil.which("apt-get"):
            return
        quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        for command in (
            ["apt-get", "update", "-qq"],
            ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *packages],
        ):
            subprocess.run(command, env=quiet, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)

    return act


def start_postgres() -> None:
    """Start the Debian cluster that is installed but stopped."""
    versions = sorted(Path("/etc/postgresql").glob("*/main"))
    if versions and shutil.which("pg_ctlcluster"):
        version = versions[-1].parent.name
        command = ["pg_ctlcluster", "--skip-systemctl-redirect", version, "main", "start"]
        subprocess.run(command, check=False, capture_output=True)


def start_redis() -> None:
    """Start a Redis that keeps nothing."""
    if shutil.which("redis-server"):
        command = ["redis-server", "--daemonize", "yes", "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
        subprocess.run(command, check=False, capture_output=True)


#: What it is, whether it is there, what makes it so, what becomes of the tests without it.
PARTS: tuple[tuple[str, Callable[[], bool], Callable[[], None], str], ...] = (
    ("PostgreSQL", lambda: answers(5432), start_postgres, LEFT_OUT),
    ("Redis", lambda: answers(6379), start_redis, LEFT_OUT),
    ("clamd", has_clamd, install("clamav-daemon"), LEFT_OUT),
    ("Chromium's headless shell", lambda: shutil.which(SHELL) is not None, install(SHELL), "a whole browser serves"),
    ("Chromium", has_chromium, install("chromium"), LEFT_OUT),
    ("poppler (pdftotext, pdfsig)", lambda: shutil.which("pdfsig") is not None, install("poppler-utils"), LEFT_OUT),
    ("NSS tools (certutil)", lambda: shutil.which("certutil") is not None, install("libnss3-tools"), LEFT_OUT),
)


def main() -> None:
    """Print a line a part."""
    for name, is_there, provide, without in PARTS:
        if not is_there():
            provide()
        print(f"{name}: {'found' if is_there() else f'NOT found, {without}'}")


if __name__ == "__main__":
    main()
