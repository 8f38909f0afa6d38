"""What must hold whatever was killed: every invariant of the program's own `check`, on its base and its files."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from pathlib import Path

from tests.e2e.conftest import ROOT


class Base:
    """The program's base, read beside it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.connection = sqlite3.connect(folder / "registre.db", timeout=10)

    def one(self, query: str, *values: object) -> int:
        """Return the one number a query gives."""
        return int(self.connection.execute(query, values).fetchone()[0])

    def pending(self) -> int:
        """Return how many documents are still to be drawn, and outbox rows undone."""
        return self.one("SELECT count(*) FROM document WHERE state = 'pending'") + self.one(
            "SELECT count(*) FROM outbox WHERE done_at IS NULL"
        )

    def check(self) -> None:
        """Assert every invariant, files included, as who runs the program asks for them."""
        words = [sys.executable, "-m", "flask", "--app", "run", "check", "--files"]
        env = {**os.environ, "DATA_DIR": str(self.folder), "TODAY": "2022-01-10"}
        done = subprocess.run(words, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
