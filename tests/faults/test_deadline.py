"""A share of `make deadline`: base and queue of its own really restarted, a worker really killed, nothing lost or doubled."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from benchmarks.deadline import machine
from tests.backends import missing
from tests.e2e.conftest import ROOT

#: Registrations, seconds, clients; what a machine under load may take is none of this test's matter.
SHARE = ("--registrations", "110", "--seconds", "25", "--clients", "8", "--kill-every", "14", "--restarts", "1")


def test_a_share_of_the_day_loses_and_doubles_nothing(tmp_path: Path) -> None:
    if machine.tools() is None:
        missing("initdb")
    told = tmp_path / "told.md"
    words = [
        sys.executable,
        "-m",
        "benchmarks.deadline",
        *SHARE,
        "--lease",
        "20",
        "--relay",
        "1",
        "--report",
        str(told),
    ]
    done = subprocess.run(words, cwd=ROOT, env=dict(os.environ), capture_output=True, text=True, check=False)
    assert told.exists(), done.stderr
    text = told.read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| ([^|]+?) \| \**([\d,]+)", text, re.MULTILINE))
    assert (rows["acknowledged"], rows["standing in the base"], rows["workers killed"]) == ("110", "110", "1")
    assert "**lost** | **0**" in text
    assert "**doubled** | **0**" in text
    assert "documents available | 220, missing 0" in text
    assert "every file read: 0 breach(es)" in text
    assert "day ended early: 0" in text
    assert "Of these answers, 0 said no French sentence" in text
    assert done.returncode == 0, done.stderr
