"""Commands of `flask --app run …`."""

from __future__ import annotations

import click
from flask import Flask
from flask.cli import AppGroup

from app.jobs import work, worker
from app.services.core import outbox
from app.services.core.refusal import Refusal
from app.services.core.transaction import transaction
from app.services.demonstration import demonstration, examples, year
from app.services.documents import integrity
from app.services.journal import refused_requests
from app.services.journal.chain import ChainBroken
from app.services.reference import shipped
from app.services.retention import purge as retention

from .analyse import analyse
from .api import api_key
from .backup import backup, restore
from .bank import bank
from .billing import billing
from .check import check
from .database import as_owner, by_the_program, db_role
from .incident import incident
from .journal import journal
from .metrics import serve_metrics
from .secret_key import secret_key

seed = AppGroup("seed", help="Load data into the base.")
documents_group = AppGroup("documents", help="What was sealed and stored.")
outbox_group = AppGroup("outbox", help="What waits to be done.")


#: Count of the purge → how its report says it; the first line always stands.
PURGED = {
    "files": "{count} file(s) with {lines} line(s), {orphans} orphan(s)",
    "journal": "{count} journal entries",
    "webhooks": "{count} webhook message(s)",
    "drafts": "{count} draft(s) left for 30 days",
    "certificates": "{count} certificate file(s) whose validity has ended",
    "recaps": "{count} récapitulatif file(s) after 6 years",
    "hashes": "{count} document hash(es) after 6 years",
    "sign_ups": "{count} sign-up(s) never confirmed",
    "cards": "{count} card request(s) whose pictures have served, or given up",
    "copies": "{count} copies of own data",
    "exports": "{count} export(s) older than a week",
    "work": "{count} row(s) of work done 90 days ago",
    "asked": "{count} stranger(s) that centres asked about a week ago",
    "refusals": "{count} count(s) of refused requests after 12 months",
    "reports": "{count} report(s) of errors and checks of registrations after 6 years",
}


@seed.command("demo")
def seed_demo() -> None:
    """Load the demonstration data that SEED names, unless the base holds a centre already.

    The year is also written on a demonstration that nobody has touched.
    """
    try:
        loaded = [demonstration.load(), year.load()]
        outbox.ring()
    except demonstration.NotInProduction as refusal:
        click.echo(refusal.message, err=True)
        raise SystemExit(2) from None
    click.echo("Demonstration data loaded." if any(loaded) else "The base already holds a centre: nothing was changed.")


@seed.command("examples")
def seed_examples() -> None:
    """Add to the demonstration data trainings of two drivers, and a card request for agents to examine."""
    try:
        request = examples.load(work.run_due)
    except Refusal as refusal:
        click.echo(refusal.message, err=True)
        raise SystemExit(2 if isinstance(refusal, demonstration.NotInProduction) else 1) from None
    click.echo(f"Examples loaded; card request {request.number} waits for an agent.")


@seed.command("reference")
def seed_reference() -> None:
    """Load roles, catalogue and tariffs, where there are none yet."""
    demonstration.ensure_roles()
    with transaction():
        shipped.load()
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


@documents_group.command("verify")
def verify_documents() -> None:
    """Read every stored document again: exit 1 when one is missing or altered, 2 when the store does not answer."""
    try:
        report = integrity.verify_all()
    except OSError as error:
        click.echo(f"The store does not answer: {type(error).__name__}", err=True)
        raise SystemExit(2) from None
    said = ", ".join(f"{count} {fault}" for fault, count in sorted(report.faults.items()))
    click.echo(f"{report.checked} document(s) read: {said or 'all as they were sealed'}")
    raise SystemExit(0 if report.is_sound else 1)


@click.command("purge")
@click.option("--dry-run", is_flag=True, help="Say what would be removed; remove nothing.")
def purge(dry_run: bool) -> None:
    """Remove what has reached the end of its keeping."""
    try:
        with as_owner():
            done = retention.purge(dry_run=dry_run)
    except ChainBroken as refusal:
        click.echo(refusal.message, err=True)
        raise SystemExit(1) from None
    verb = "would be removed" if dry_run else "removed"
    for name, words in PURGED.items():
        count = getattr(done, name)
        if count or name == "files":
            click.echo(f"{words.format(count=count, lines=done.lines, orphans=done.orphans)} {verb}")


@click.command("refusals")
@click.option("--days", default=7, show_default=True, help="How many days to look back.")
def refusals(days: int) -> None:
    """List refused requests (403, 429) and refused keys of the API, by day and network."""
    for row in refused_requests.of_last(days):
        who = f"person {row.person_id}" if row.person_id else "nobody signed in"
        click.echo(f"{row.day} {row.count:6} {row.kind:20} {row.network:39} {row.endpoint} ({who})")


def register(app: Flask) -> None:
    """Add our commands to the application."""
    for command in (
        seed,
        backup,
        restore,
        bank,
        billing,
        check,
        documents_group,
        outbox_group,
        run_worker,
        analyse,
        api_key,
        purge,
        journal,
        incident,
        serve_metrics,
        db_role,
        refusals,
        secret_key,
    ):
        by_the_program(command)
        app.cli.add_command(command)
