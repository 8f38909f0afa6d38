"""`app` for flask and gunicorn; `python run.py` runs web and worker of one machine (see `app/services/machine.py`)."""

from __future__ import annotations

import gc

from app import create_app
from app.validators.memory import collector_paused

if __name__ == "__main__":
    from app.cli.machine import main

    raise SystemExit(main())

with collector_paused():
    app = create_app()
    gc.freeze()  # what a start makes stays: no collection walks it, not even a first one, and forks share its pages
