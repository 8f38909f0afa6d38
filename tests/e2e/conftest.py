"""The real program, started as a person starts it, in a real Chromium."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from tests.backends import missing
from tests.prepare import CHROMIUM

ROOT = Path(__file__).resolve().parents[2]
PASSWORD = "volant-Ardoise-2026"
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
expect.set_options(timeout=15_000)


def free_port() -> int:
    """Return a port nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def chromium_path() -> str | None:
    """Return the Chromium of this machine, if it has one."""
    return next(filter(None, map(shutil.which, CHROMIUM)), None)


@dataclass
class Program:
    """A running program: its address, its data folder, its process; whoever has signed in, and the address of its figures."""

    url: str
    folder: Path
    process: subprocess.Popen[bytes]
    signed_in: dict[str, Any] = field(default_factory=dict)
    metrics: str = ""

    def stop(self) -> int:
        """Send Ctrl-C and return the exit status; it gives each of its parts ten seconds."""
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(60)


def start_program(folder: Path, **env: str) -> Program:
    """Run `python run.py` on a free port, on the bare base, and wait until it answers."""
    port = free_port()
    settings = {**os.environ, "DATA_DIR": str(folder), "PORT": str(port), "TODAY": "2022-01-10", "SEED": "bare", **env}
    said = folder.parent / f"{folder.name}.log"
    with said.open("ab") as log:
        process = subprocess.Popen([sys.executable, "run.py"], cwd=ROOT, env=settings, stdout=log, stderr=log)
    url = f"http://127.0.0.1:{port}"
    until = time.monotonic() + 120  # a loaded machine takes its time
    while time.monotonic() < until:
        try:
            urllib.request.urlopen(f"{url}/login/", timeout=2).close()
            return Program(url, folder, process)
        except OSError:
            assert process.poll() is None, said.read_text()
            time.sleep(0.1)
    process.kill()
    raise AssertionError(said.read_text())


@pytest.fixture(scope="session")
def program(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    """Run one program for all browser tests; it tells its figures."""
    port = str(free_port())
    running = start_program(tmp_path_factory.mktemp("program"), WEBHOOK_PRIVATE_ADDRESSES="1", METRICS_PORT=port)
    running.metrics = f"http://127.0.0.1:{port}"
    yield running
    assert running.stop() == 0


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Run one headless Chromium."""
    path = chromium_path()
    if path is None:
        missing("Chromium")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield chromium
        chromium.close()


def sign_in(page: Page, email: str, password: str = PASSWORD) -> None:
    """Fill the sign-in form in and send it; what comes of it is for the caller to wait for."""
    page.goto("/login/")
    page.get_by_label("Adresse électronique").fill(email)
    page.get_by_label("Mot de passe", exact=True).fill(password)
    page.get_by_role("button", name="Se connecter").click()


def come_in(context: BrowserContext, program: Program, email: str) -> Page:
    """Return a page of a person who is signed in, on the first page; by the sign-in page at first, by its cookies later.

    A sign-in of before may have been ended meanwhile: the person then signs in again.
    """
    page = context.new_page()
    page.on("pageerror", lambda error: pytest.fail(f"script error on {page.url}: {error}"))
    if email in program.signed_in:
        context.add_cookies(program.signed_in[email])
        page.goto("/")
    if email and (email not in program.signed_in or "/login" in page.url):
        sign_in(page, email)
        page.wait_for_url(lambda url: "/login" not in url)
        program.signed_in[email] = context.cookies()
    return page


@pytest.fixture
def new_person(browser: Browser, program: Program) -> Iterator[Callable[..., Page]]:
    """Open a browser of its own for a person, signed in: ``new_person("agent@demo.example")``; anonymous without address."""
    contexts: list[BrowserContext] = []

    def act(email: str = "", width: int = 1280, **options: Any) -> Page:
        context = browser.new_context(
            base_url=program.url, viewport={"width": width, "height": 900}, locale="fr-FR", **options
        )
        contexts.append(context)
        return come_in(context, program, email)

    yield act
    for context in contexts:
        context.close()
