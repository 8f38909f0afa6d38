"""Money on the command line: the drafts of a month, their issue, and the sales journal."""

from __future__ import annotations

from datetime import date

import click
from flask.cli import AppGroup

from app.services.accounting import periods
from app.services.accounting.formats import Format
from app.services.billing import drafts, months
from app.services.core import clock
from app.services.core.refusal import Refusal
from app.services.invoicing import proving, running

_KINDS = [one.value for one in Format]

billing = AppGroup("billing", help="What is billed.")


@billing.command("build")
@click.option("--period", required=True, metavar="YYYY-MM", help="The month, which is over.")
def build(period: str) -> None:
    """Make the drafts of a month, or bring them up to date; safe to run again."""
    month = _month(period)
    try:
        built = running.build(month)
    except Refusal as refusal:
        click.echo(refusal.message, err=True)
        raise SystemExit(1) from None
    click.echo(f"{built.drafts} draft(s), {built.lines} line(s), {built.net} EUR excluding VAT; {built.held} held")
    for reason, count in drafts.held(month):
        click.echo(f"  {count} held: {reason}")


@billing.command("issue")
@click.option("--period", required=True, metavar="YYYY-MM", help="The month, which is over.")
def issue(period: str) -> None:
    """Issue the drafts of a month that nothing holds; safe to run again. Exit 1 where one was refused."""
    month = _month(period)
    try:
        with proving.judge() as by:
            done = running.issue(month, by)
    except Refusal as refusal:
        click.echo(refusal.message, err=True)
        raise SystemExit(1) from None
    span = f" ({done.numbers[0]} to {done.numbers[-1]})" if done.numbers else ""
    built = drafts.of_month(months.last_of(month))
    click.echo(f"{len(done.numbers)} issued{span}; {built.held} held; {sum(done.refused.values())} refused")
    for reason, count in [*drafts.held(month), *done.refused.items()]:
        click.echo(f"  {count}: {reason}")
    if done.refused:
        raise SystemExit(1)


@billing.command("export")
@click.option("--period", required=True, metavar="YYYY-MM", help="The month.")
@click.option("--format", "kind", required=True, type=click.Choice(_KINDS), help="FEC of French tax law, or plain CSV.")
def export(period: str, kind: str) -> None:
    """Write the sales journal of a month to standard output; a closed month gives the same bytes for ever."""
    month = _month(period)
    if month > clock.today():
        click.echo("Ce mois est à venir : rien n’y est écrit.", err=True)
        raise SystemExit(1)
    try:
        content = periods.export(Format.of(kind), month)
    except Refusal as refusal:
        click.echo(refusal.message, err=True)
        raise SystemExit(1) from None
    if periods.of(month) is None:
        click.echo("Mois non clôturé : cet export est provisoire, ses écritures ne sont pas validées.", err=True)
    click.echo(content, nl=False)


def _month(period: str) -> date:
    month = months.read(period)
    if month is None:
        raise click.BadParameter("a month is written YYYY-MM", param_hint="--period")
    return month
