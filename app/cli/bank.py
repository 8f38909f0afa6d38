"""The bank on the command line: account statements."""

from __future__ import annotations

from pathlib import Path

import click
from flask.cli import AppGroup

from app.services.core import actor
from app.services.core.refusal import Refusal
from app.services.payments import camt, importing, matching

bank = AppGroup("bank", help="What the bank says was paid.")


@bank.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def import_(file: Path) -> None:
    """Read a CAMT.053 statement and allocate what is exact; the same file again changes nothing. Exit 1 on a file refused."""
    try:
        with file.open("rb") as stream, actor.acting(actor.PROGRAM):
            done = importing.read_in(stream.read(camt.MAX_BYTES + 1), file.name, None)
    except Refusal as refusal:
        click.echo(refusal.message, err=True)
        raise SystemExit(1) from None
    matched = matching.run()
    click.echo(f"{done.entries} new entries, {done.known} known; {matched} allocated")
