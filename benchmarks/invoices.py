"""Invoices: XML and embedding beside factur-x on the same pages, proofs a second, sealed files a second, the longest annex.

Run: python -m benchmarks.invoices
"""

from __future__ import annotations

import copy
import io
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import facturx
import pikepdf
from flask import Flask

from app.services.invoicing import files, proof, xml
from app.services.invoicing.content import Content
from app.services.invoicing.pages import page
from config import ROOT, Test
from tests.invoicing.contents import FCO, MODULE, NORMAL, credit_note, details, invoice, long_lines, public

from .table import Row, medians, timed

#: Asked: times the rate of factur-x; proofs a second (2,600 within ten minutes); files a second (2,600 within five minutes).
RATIO, PROOFS, FILES = 3, 4.4, 8.7
#: Asked of an invoice of this many rows: seconds, and memory of the whole process in MB.
LONGEST, ANNEX_SECONDS, ANNEX_MEMORY = 20_000, 20, 300
_AT = datetime(2026, 11, 3, 3, 4, tzinfo=UTC)
#: How often each is made in a round.
_TIMES = 4
_NOTICE = "Scellé pour un essai : document sans valeur légale."
#: What a night issues: few lines mostly, a long one now and then.
MONTH = [invoice(), public(), credit_note(), invoice(long_lines(1)), invoice(long_lines(15))]


def rows(rounds: int) -> Iterator[Row]:
    """Yield the rows of the table."""
    yield _beside(rounds)
    yield from _proofs(rounds)
    yield _files(rounds)
    yield from _annex()


def _beside(rounds: int) -> Row:
    pages = [(content, page.draw(content, details(content), _NOTICE, _AT)) for content in MONTH]
    data = [_data(content) for content in MONTH]

    def ours() -> None:
        for content, drawn in pages:
            files.attach(drawn, xml.write(content))

    def theirs() -> None:
        for (_content, drawn), one in zip(pages, data, strict=True):
            written = facturx.generate_cii_xml(
                copy.deepcopy(one), level="en16931", check_xsd=False, check_schematron=False
            )
            facturx.generate_from_binary(
                drawn.pages, written, flavor="factur-x", level="en16931", check_xsd=False, afrelationship="alternative"
            )

    each = medians({"ours": _often(ours), "theirs": _often(theirs)}, rounds)
    mine, other = (len(MONTH) * _TIMES / each[name] for name in ("ours", "theirs"))
    return Row(
        "invoices: XML written and embedded (PDF/A-3)", f"{mine:.0f}/s, {1000 / mine:.1f} ms each",
        f"factur-x {facturx.__version__} {other:.0f}/s, {1000 / other:.1f} ms each", mine / other, limit=RATIO, at_least=True,
    )  # fmt: skip


def _often(act: Callable[[], None]) -> Callable[[], float]:
    def acts() -> None:
        for _ in range(_TIMES):
            act()

    return lambda: timed(acts)


def _data(content: Content) -> dict[str, Any]:
    """Return what factur-x writes an invoice from, read back by its own reader."""
    read: dict[str, Any] = facturx.parse_ubl_cii_xml(xml.write(content))
    return read


def _proofs(rounds: int) -> Iterator[Row]:
    with proof.Prover() as prover:
        begun = time.perf_counter()
        assert prover.prove(invoice()).ok
        started = time.perf_counter() - begun

        def all_proved() -> None:
            for content in MONTH * _TIMES:
                assert prover.prove(content).ok

        each = len(MONTH) * _TIMES / medians({"proofs": lambda: timed(all_proved)}, rounds)["proofs"]
        memory = _peak(prover.pid)
    yield Row(
        "invoices proved (XSD and both schematrons), one child", f"{each:.1f}/s, child ready in {started:.1f} s",
        f"its peak memory {memory} MB", value=each, limit=PROOFS, at_least=True, unit="/s",
    )  # fmt: skip


def _files(rounds: int) -> Row:
    with tempfile.TemporaryDirectory() as folder, _app(Path(folder)).app_context():
        rows_of = [(content, details(content)) for content in MONTH]

        def made() -> None:
            for content, told in rows_of:
                files.make(content, told, _AT)

        made()
        each = len(MONTH) / medians({"files": lambda: timed(made)}, rounds)["files"]
    return Row(
        "invoice files made: drawn, XML inside, sealed", f"{each:.1f}/s, {1000 / each:.0f} ms each",
        value=each, limit=FILES, at_least=True, unit="/s",
    )  # fmt: skip


def _annex() -> Iterator[Row]:
    """Draw the longest invoice in a process of its own, as memory is told of a whole process."""
    told = subprocess.run(
        [sys.executable, "-m", "benchmarks.invoices", "--longest"], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout
    seconds, memory, pages = json.loads(told)
    what = f"invoice with an annex of {LONGEST:,} rows, {pages} pages"
    yield Row(what, f"{seconds:.1f} s", value=seconds, limit=ANNEX_SECONDS, unit="s")
    yield Row("… memory of the process", f"{memory} MB", value=memory, limit=ANNEX_MEMORY, unit="MB")


def _longest() -> tuple[float, int, int]:
    content = invoice(
        [
            ("FCO Complète — Marchandises", LONGEST // 5 * 3, FCO, NORMAL),
            ("Module FCO", LONGEST // 5 * 2, MODULE, NORMAL),
        ]
    )
    told = details(content)
    begun = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder, _app(Path(folder)).app_context():
        made = files.make(content, told, _AT)
    seconds = time.perf_counter() - begun
    return seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024, _pages(made)


def _pages(made: bytes) -> int:
    with pikepdf.open(io.BytesIO(made)) as pdf:
        return len(pdf.pages)


def _app(folder: Path) -> Flask:
    """Return an application that seals with a demonstration authority of its own."""
    app = Flask("benchmarks")
    app.config.from_object(Test({"DATA_DIR": str(folder)}))
    return app


def _peak(pid: int | None) -> int:
    """Return the most memory that a process has held, in MB."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) // 1024


if __name__ == "__main__":
    if "--longest" in sys.argv:
        print(json.dumps(_longest()))
    else:
        for row in rows(3):
            print(row.what, row.measured, row.beside, row.asked, sep=" · ")
