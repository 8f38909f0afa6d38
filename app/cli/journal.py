"""`flask journal …`: the chain that seals the journal."""

from __future__ import annotations

import click
from flask.cli import AppGroup

from app.services.journal import chain as journal_chain

journal = AppGroup("journal", help="The chain that seals the journal.")


@journal.command("seal")
def seal() -> None:
    """Link the entries that have no link yet; the worker does so every minute."""
    click.echo(f"{journal_chain.seal()} entries sealed")


@journal.command("verify")
@click.option("--head", default="", help="POSITION:HASH printed earlier; the chain must still hold it.")
def verify(head: str) -> None:
    """Read the whole chain; exit 0 when it holds, 1 with the first thing that is wrong."""
    try:
        verdict = journal_chain.verify(head)
    except ValueError:
        raise click.BadParameter("a head is POSITION:HASH, as this command prints it", param_hint="--head") from None
    if verdict.wrong:
        click.echo(f"BROKEN: {verdict.wrong}", err=True)
        raise SystemExit(1)
    click.echo(f"The chain holds: {verdict.links} links, {verdict.unsealed} entries to be sealed, head {verdict.head}")
