"""Every address with every method, asked as every kind of person; the answers stand in a table that people review.

A new address needs its lines in `access_table.txt` (`api_access_table.txt` for the API). To see the lines that are missing or
that changed, ready to be read and copied: ``python -m tests.walls.access``; ``--write`` puts them into the files, and the
difference is what is reviewed.
"""

from __future__ import annotations

import logging
import re
import sys
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import structlog
from flask import Flask

from .everybody import KEYS, PEOPLE, Visit, World, demonstration, is_api

FOLDER = Path(__file__).parent
SIGN_IN, REFUSED = "sign-in", "refused"


@dataclass(frozen=True)
class Table:
    """A reviewed table: its file and its columns."""

    file: Path
    columns: tuple[str, ...]

    def read(self) -> dict[str, str]:
        """Return endpoint and method → the whole line, its spaces made single."""
        lines = (" ".join(line.split()) for line in self.file.read_text().splitlines() if not line.startswith("#"))
        return {" ".join(line.split()[:2]): line for line in lines if line}

    def write(self, lines: Iterable[str]) -> str:
        """Return lines as the file holds them, aligned under the names of the columns."""
        rows = [["# endpoint", "method", *self.columns, "address"], *(line.split(" ") for line in lines)]
        widths = [max(len(row[at]) for row in rows) for at in range(len(rows[0]))]
        return "\n".join("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)

    def keep(self, lines: Iterable[str]) -> None:
        """Write the file anew, its comments kept."""
        told = [line for line in self.file.read_text().splitlines() if line.startswith("#")]
        told = [line for line in told if not line.startswith("# endpoint")]
        self.file.write_text("\n".join([*told, self.write(lines)]) + "\n")


SCREENS = Table(FOLDER / "access_table.txt", tuple(PEOPLE))
API = Table(FOLDER / "api_access_table.txt", tuple(KEYS))


def lines(app: Flask, visits: Iterable[Visit]) -> dict[Table, list[str]]:
    """Return the lines that the tables should hold: of each address and method what each was answered."""
    found: dict[Table, dict[tuple[str, ...], list[str]]] = {SCREENS: {}, API: {}}
    for visit in visits:
        if visit.method in ("GET", "POST"):
            asked = (visit.rule.endpoint, visit.method, visit.rule.rule.replace(" ", ""))
            found[API if is_api(visit.rule) else SCREENS].setdefault(asked, []).append(_told(app, visit))
    return {
        table: [
            " ".join([endpoint, method, *given, address]) for (endpoint, method, address), given in of_table.items()
        ]
        for table, of_table in found.items()
    }


def compare(table: Table, lines: list[str]) -> str:
    """Return what a person should look at: lines missing, answers changed, lines of no address; empty when all agree."""
    known = table.read()
    found = {" ".join(line.split(" ")[:2]): line for line in lines}
    missing = [line for name, line in found.items() if name not in known]
    changed = [line for name, line in found.items() if name in known and known[name] != line]
    gone = [line for name, line in known.items() if name not in found]
    parts = [
        (f"Lines to add to {table.file.name}, once each answer is what that person should get:", missing),
        ("Lines whose answers are no longer those reviewed (they were)", [known[" ".join(x.split()[:2])] for x in changed]),
        ("… and are now:", changed),
        ("Lines of addresses that are no more, to remove:", gone),
    ]  # fmt: skip
    return "\n\n".join(f"{title}\n{table.write(rows)}" for title, rows in parts if rows)


def _told(app: Flask, visit: Visit) -> str:
    """Return an answer in a word: its status, « sign-in » where it leads there, « refused » where a sentence says no."""
    if visit.status != 302:
        return str(visit.status)
    if urlsplit(visit.headers["Location"]).path == "/login/":
        return SIGN_IN
    kept = re.search(r"session=([^;]+)", " ".join(visit.headers.getlist("Set-Cookie")))
    session = app.session_interface.get_signing_serializer(app).loads(kept[1]) if kept else {}  # type: ignore[attr-defined]
    kinds = {kind for kind, _ in session.get("_flashes", ())}
    return REFUSED if kinds & {"danger", "warning"} else "302"


def main() -> None:
    """Print the lines to look at, or write them with ``--write``."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    with tempfile.TemporaryDirectory() as folder, demonstration(Path(folder)) as (app, file):
        world = World(app, file)
        asked = (visit for rule in world.rules() for visit in world.visits(rule, "GET", "POST"))
        for table, found in lines(app, asked).items():
            print(compare(table, found) or f"{table.file.name}: all {len(found)} lines agree")
            if "--write" in sys.argv:
                table.keep(found)


if __name__ == "__main__":
    main()
