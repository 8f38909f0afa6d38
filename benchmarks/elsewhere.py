"""The same file and the same checks by two libraries one would otherwise take, in an environment of their own."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from config import ROOT
from tests.backends import TODAY

from . import workbooks
from .table import Row, Seconds, note, told

PYTHON = ROOT / ".venv-bench" / "bin" / "python"


@dataclass(frozen=True, slots=True)
class Rival:
    """A library: the script that runs it, the share of its time that is ours at most, the part of the lines it gets."""

    name: str
    script: str
    share: float
    part: int = 1


#: django-import-export takes minutes: it gets a fifth of the lines, and its time grows linearly at best.
RIVALS = (
    Rival("frictionless", "with_frictionless.py", 1 / 5),
    Rival("django-import-export's dry run", "with_import_export.py", 1 / 20, part=5),
)


def rows(largest: Path, count: int, ours: Seconds, base: str, *, scaled: bool) -> Iterator[Row]:
    """Yield a row a library: our report of so many lines beside its time on the same file; ``scaled``: on a part of it."""
    if not PYTHON.exists():
        note(
            "frictionless and django-import-export are not installed: their rows are left out; `make bench` installs them"
        )
        return
    for rival in RIVALS:
        part = rival.part if scaled else 1
        path = largest if part == 1 else workbooks.write(largest.with_name("part.xlsx"), count // part)
        seconds = check(rival, path, count // part) * part
        how = f" (a fifth of the lines {told(seconds / part)}, x 5)" if part > 1 else ""
        yield Row(
            f"report of {count:,} lines, {base}",
            told(ours), f"{rival.name} {told(seconds)}{how}", ours / seconds, limit=rival.share,
        )  # fmt: skip


def check(rival: Rival, path: Path, count: int) -> Seconds:
    """Return how long a library takes. Raises `AssertionError` unless it finds the very lines in error we find."""
    command = [str(PYTHON), str(Path(__file__).with_name(rival.script)), str(path), TODAY]
    answer = json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)
    assert answer["errors"] == workbooks.planted(count), (rival.name, answer)
    return float(answer["seconds"])
