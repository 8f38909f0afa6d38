"""Commands of `flask --app run …`."""

from __future__ import annotations

import click
from flask import Flask
from flask.cli import AppGroup

from app.jobs import worker
from app.services import demonstration, outbox, reference_data, retention
from app.services.transaction import transaction

from .analyse import analyse
from .api import api_key

seed = AppGroup("seed", help="Load data into the base.")
outbox_group = AppGroup("outbox", help="What waits to be done.")


@seed.command("demo")
def seed_demo() -> None:
    """Load the demonstration data, unless the base holds a centre already."""
    loaded = demonstration.load()
    click.echo("Demonstration data loaded." if loaded else "The base already holds a centre: nothing was changed.")


@seed.command("reference")
def seed_reference() -> None:
    """Load roles, catalogue and tariffs, where there are none yet."""
    demonstration.ensure_roles()
    with transaction():
        reference_data.load()
    click.echo("Roles, catalogue and tariffs are in place.")


@click.command("worker")
@click.option("--burst", is_flag=True, help="Stop when nothing waits any more.")
def run_worker(burst: bool) -> None:
    """Take jobs from the queue until told to stop."""
    worker.work(burst=burst)


@outbox_group.command("relay")
def relay() -> None:
    """Ring the queue for whatever is due."""
    click.echo(f"{outbox.ring(again=True)} rung")


@click.command("purge")
@click.option("--dry-run", is_flag=True, help="Say what would be removed; remove nothing.")
def purge(dry_run: bool) -> None:
    """Remove what has reached the end of its keeping."""
    done = retention.purge(dry_run=dry_run)
    verb = "would be removed" if dry_run else "removed"
    click.echo(f"{done.files} file(s) with {done.lines} line(s), {done.orphans} orphan(s) {verb}")


def register(app: Flask) -> None:
    """Add our commands to the application."""
    for command in (seed, outbox_group, run_worker, analyse, api_key, purge):
        app.cli.add_command(command)
