"""Money on the command line: the drafts of a month."""

from __future__ import annotations

import click
from flask.cli import AppGroup

from app.services.billing import drafts, months
from app.services.core.refusal import Refusal

billing = AppGroup("billing", help="What is billed.")


@billing.command("build")
@click.option("--period", required=True, metavar="YYYY-MM", help="The month, which is over.")
def build(period: str) -> None:
    """Make the drafts of a month, or bring them up to date; safe to run again."""
    month = months.read(period)
    if month is None:
        raise click.BadParameter("a month is written YYYY-MM", param_hint="--period")
    try:
        built = drafts.build(month)
    except Refusal as refusal:
        click.echo(refusal.message, err=True)
        raise SystemExit(1) from None
    click.echo(f"{built.drafts} draft(s), {built.lines} line(s), {built.net} EUR excluding VAT; {built.held} held")
    for reason, count in drafts.held(month):
        click.echo(f"  {count} held: {reason}")
