"""Sealed documents a second, as a worker makes them: drawn, PDF/A-3, signed. On one process, then on two at once.

Run: python -m benchmarks.sealed [--profile]
"""

from __future__ import annotations

import cProfile
import multiprocessing
import pstats
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from flask import Flask

from app.services.documents.pages import render_certificate, render_recap, warm_up
from app.services.seal import sealing
from config import Test

from . import documents
from .table import Row, medians

#: Asked of one warm worker, and of two beside one.
A_SECOND, TWO = 12, 1.8
PER_PROCESS = 40


def rows(rounds: int) -> Iterator[Row]:
    """Yield how many sealed documents a second on one process, and how much more on two."""
    with tempfile.TemporaryDirectory() as folder, _app(Path(folder)).app_context():
        each = medians({"one": lambda: _seconds(1), "two": lambda: _seconds(2)}, rounds)
    one, two = PER_PROCESS / each["one"], 2 * PER_PROCESS / each["two"]
    yield Row(
        "documents sealed (PAdES on PDF/A-3), one worker", f"{one:.1f}/s, {1000 / one:.1f} ms each",
        value=one, limit=A_SECOND, at_least=True, unit="/s",
    )  # fmt: skip
    yield Row(
        "documents sealed, two workers at once", f"{two:.1f}/s", f"one worker {one:.1f}/s", two / one, limit=TWO,
        at_least=True,
    )  # fmt: skip


def _app(folder: Path) -> Flask:
    """Return an application that seals with a demonstration authority of its own, warm as a worker is."""
    app = Flask("benchmarks")
    app.config.from_object(Test({"DATA_DIR": str(folder)}))
    with app.app_context():
        warm_up()
        for number in range(4):
            sealed(number)
    return app


def sealed(number: int) -> bytes:
    """Make a certificate or a récapitulatif, in turn."""
    notice = sealing.notice()
    if number % 2:
        return sealing.seal(render_certificate(replace(documents.certificate(number), sealed_by=notice)))
    return sealing.seal(render_recap(replace(documents.recap(number), sealed_by=notice)))


def _seconds(processes: int) -> float:
    """Return how long so many processes take, each for its share, from their common start to the last one's end."""
    fork = multiprocessing.get_context("fork")
    gate = fork.Barrier(processes + 1)
    workers = [fork.Process(target=_work, args=(gate, share)) for share in range(processes)]
    for worker in workers:
        worker.start()
    gate.wait()
    begin = time.perf_counter()
    for worker in workers:
        worker.join()
    return time.perf_counter() - begin


def _work(gate: multiprocessing.synchronize.Barrier, share: int) -> None:
    gate.wait()
    for number in range(share * PER_PROCESS, (share + 1) * PER_PROCESS):
        sealed(number)


def _profile() -> None:
    with tempfile.TemporaryDirectory() as folder, _app(Path(folder)).app_context():
        profile = cProfile.Profile()
        profile.enable()
        for number in range(PER_PROCESS):
            sealed(number)
        profile.disable()
    pstats.Stats(profile).sort_stats("cumulative").print_stats(40)


if __name__ == "__main__":
    if "--profile" in sys.argv:
        _profile()
    else:
        for row in rows(3):
            print(row.what, row.measured, row.beside, row.asked, sep=" · ")
