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
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest import mock

from flask import Flask
from reportlab.pdfgen.canvas import Canvas

from app.services.documents.pages import render_certificate, render_recap, warm_up
from app.services.paper import marking, words
from app.services.paper.marking import Sheet
from app.services.seal import sealing
from config import Test

from . import documents
from .table import Row, medians

#: Asked of one warm worker, and of two beside one; of a page that says what each of its texts is beside one that does not.
A_SECOND, TWO, MARKED = 12, 1.8, 1.3
PER_PROCESS = 40


def rows(rounds: int) -> Iterator[Row]:
    """Yield how many sealed documents a second on one process, and how much more on two."""
    with tempfile.TemporaryDirectory() as folder, _app(Path(folder)).app_context():
        each = medians({"one": lambda: _seconds(1), "two": lambda: _seconds(2)}, rounds)
        beside = medians({"marked": _marked, "bare": _bare}, 3 * rounds)
    one, two = PER_PROCESS / each["one"], 2 * PER_PROCESS / each["two"]
    yield Row(
        "documents sealed (PAdES on PDF/A-3), one worker", f"{one:.1f}/s, {1000 / one:.1f} ms each",
        value=one, limit=A_SECOND, at_least=True, unit="/s",
    )  # fmt: skip
    yield Row(
        "documents sealed, two workers at once", f"{two:.1f}/s", f"one worker {one:.1f}/s", two / one, limit=TWO,
        at_least=True,
    )  # fmt: skip
    ratio = beside["marked"] / beside["bare"]
    yield Row(
        "documents sealed, marked and with their tree (PDF/UA-1), CPU", f"{1000 * beside['marked']:.1f} ms each",
        f"the same without marks and tree {1000 * beside['bare']:.1f} ms", ratio, limit=MARKED,
    )  # fmt: skip


class _Bare(Canvas):  # type: ignore[misc]
    """reportlab's canvas as it is: what draws on ours draws on it, and nothing is marked."""

    def __init__(self, sheet: Sheet, *args: Any, **options: Any) -> None:
        self.sheet = sheet
        super().__init__(*args, **options)

    def say(self, _elements: Any, draw: Callable[[], object], **_options: Any) -> None:
        """Draw."""
        draw()

    def figure(self, _element: Any, picture: Any, place: tuple[float, float, float]) -> None:
        """Draw a picture."""
        self.drawImage(picture, *place, place[2])

    def link(self, *_told: Any) -> None:
        """Nothing leads anywhere."""


def _bare() -> float:
    """Return the CPU seconds that a document takes without marks, line ends, field, link and tree."""
    with (
        mock.patch.object(Sheet, "canvas", lambda sheet, *args, **options: _Bare(sheet, *args, **options)),
        mock.patch.object(marking, "write", lambda file, *_told: file),
        mock.patch.object(words, "end_lines", return_value=None),
    ):
        return _marked()


def _marked() -> float:
    """Return the CPU seconds that a document takes."""
    begin = time.process_time()
    for number in range(PER_PROCESS):
        sealed(number)
    return (time.process_time() - begin) / PER_PROCESS


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
