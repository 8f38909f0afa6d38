"""A worker of its own: analyses the file on standard input and prints the peak of its memory as JSON.

Not to be started by hand: `benchmarks.imports` prepares its base.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from unittest.mock import patch

from app import create_app
from app.extensions import db
from app.models import Batch
from config import from_environment

from .imports import analyse


def peak_mib() -> float:
    """Return the largest resident set this program ever had, in MiB; unlike getrusage, a parent's does not count."""
    status = Path("/proc/self/status").read_text()
    return int(re.findall(r"VmHWM:\s+(\d+) kB", status)[0]) / 1024


def main() -> None:
    """Analyse one file, as the queue would have it."""
    content = sys.stdin.buffer.read()
    quiet = (patch("app.services.imports.antivirus.check"), patch("app.services.core.outbox.ring"))
    with quiet[0], quiet[1], create_app(from_environment()).app_context():
        batch = db.session.get_one(Batch, analyse(content))
        assert batch.summary is not None, f"no report was made: {batch.state}"
    print(json.dumps({"peak_mib": peak_mib()}))


if __name__ == "__main__":
    main()
