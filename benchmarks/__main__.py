"""Measure everything and print one table. Run: `python -m benchmarks [--quick]`."""

from __future__ import annotations

import argparse
import logging
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

import structlog

from app.validators.file import MAX_BYTES

from . import bases, draining, elsewhere, gate, imports, invoices, load, papers, registration, sealed, workbooks
from .table import Row, note, show, show_head


@dataclass(frozen=True, slots=True)
class Scale:
    """How much is measured: lines of the files on the way, of the largest (None: what fills 10 Mo), rounds,
    refusals of a key, programs that call at once and how often each, registrations a worker drains.
    """

    sizes: tuple[int, ...]
    largest: int | None
    rounds: int
    refusals: int
    programs: tuple[int, int]
    drained: int


FULL = Scale((100, 1_000, 10_000, 100_000), None, 3, 600, (load.CLIENTS, load.TURNS), 1_000)
QUICK = Scale((100, 200, 1_000), 2_000, 1, 20, (4, 2), 10)


def rows(scale: Scale, folder: Path) -> Iterator[Row]:
    """Yield the rows of the table as they are measured; files and bases live in the folder."""
    yield from papers.rows(scale.rounds)
    yield from sealed.rows(scale.rounds)
    yield from invoices.rows(scale.rounds)
    yield from draining.rows(scale.drained)
    path, largest = _largest(scale, folder)
    with bases.opened(folder) as opened:
        times = {}
        imports.warm_up(opened, workbooks.write(folder / "warm.xlsx", workbooks.CYCLE).read_bytes())
        for count in (*scale.sizes, largest):
            content = (path if count == largest else workbooks.write(folder / "some.xlsx", count)).read_bytes()
            times[count] = imports.measure(opened, content, count, scale.rounds)
            yield from imports.rows(opened, times[count], count, largest=count == largest)
        yield from imports.growth(opened, times)
        for base in opened:
            yield imports.memory(base, content)
            yield imports.command(base, path, largest, scale.rounds)
            yield imports.first_page(base, content, largest, 5 * scale.rounds)
        clean = workbooks.write(folder / "clean.xlsx", largest, with_faults=False).read_bytes()
        yield from gate.rows(opened, scale.refusals)
        yield from load.rows(opened, folder, *scale.programs)
        yield from registration.rows(opened, clean, largest, scale.rounds)
    ours = median(times[largest]["sqlite"])
    yield from elsewhere.rows(path, largest, ours, bases.TITLES["sqlite"], scaled=not scale.largest)


def _largest(scale: Scale, folder: Path) -> tuple[Path, int]:
    """Return the largest file that is measured and how many lines it holds."""
    path = folder / "largest.xlsx"
    if scale.largest:
        return workbooks.write(path, scale.largest), scale.largest
    count = workbooks.write_largest(path)
    note(f"the largest file holds {count:,} lines in {path.stat().st_size:,} bytes, the limit being {MAX_BYTES:,}")
    return path, count


def main() -> None:
    """Print the table; with `--quick`, small files and no judgement: it only shows that everything runs."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="2,000 lines instead of 10 Mo, one round, nothing judged")
    quick = parser.parse_args().quick
    logging.disable(logging.WARNING)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    show_head()
    with tempfile.TemporaryDirectory() as folder:
        for row in rows(QUICK if quick else FULL, Path(folder)):
            show(replace(row, limit=None) if quick else row)


if __name__ == "__main__":
    main()
