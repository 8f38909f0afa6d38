"""A worker that issues a month, to be killed at any moment: ``python -m tests.invoicing.issuing_child URL FOLDER SEED``.

Before and after the statements of an issue it waits for a random moment, so that a kill finds it there.
"""

from __future__ import annotations

import random
import sys
import time
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, event
from sqlalchemy.exc import OperationalError

from app.services.core import actor
from app.services.invoicing import running
from tests.backends import create, settings

from .making import JANUARY, Judge

#: Statements around which it waits: the draft taken, the number taken, the invoice frozen.
AROUND = ("UPDATE invoice ", "UPDATE invoice_series", "INSERT INTO outbox")


def main(url: str, folder: str, seed: str, day: str) -> None:
    """Issue all of January, again and again until nothing is left."""
    chance = random.Random(int(seed))
    app = create(settings(Path(folder), url, TODAY=day))

    def wait(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if statement.lstrip().startswith(AROUND) and chance.random() < 0.2:
            time.sleep(chance.uniform(0, 0.01))

    with app.app_context():
        actor.be(actor.PROGRAM)
        for moment in ("before_cursor_execute", "after_cursor_execute"):
            event.listen(Engine, moment, wait)
        while True:
            try:
                done = running.issue(JANUARY, Judge())
            except OperationalError:  # SQLite: another has been writing for longer than one waits
                continue
            if not done.numbers and not running.ready(JANUARY):
                return


if __name__ == "__main__":
    main(*sys.argv[1:])
