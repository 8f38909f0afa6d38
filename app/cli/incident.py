"""`flask incident …`: what everybody is told, by who runs the program; `--here` where the base itself is ill."""

from __future__ import annotations

import click
from flask.cli import AppGroup
from sqlalchemy.exc import SQLAlchemyError

from app.services.core import clock
from app.services.core.refusal import Refusal
from app.services.decisions import incidents as deciding
from app.services.operations import incidents

incident = AppGroup(
    "incident", help="What everybody is told on every page, and the register closed for writing meanwhile."
)
_HERE = click.option("--here", is_flag=True, help="By a file of the data folder, without the base.")


@incident.command("set")
@click.argument("text")
@click.option("--from", "starts", default="", help="« JJ/MM/AAAA HH:MM », in Paris; now by default.")
@click.option("--until", "ends", default="", help="« JJ/MM/AAAA HH:MM », in Paris; until it is ended by default.")
@click.option(
    "--read-only", is_flag=True, help="People read and keep their drafts; other writes are refused, work is done."
)
@_HERE
def declare(text: str, starts: str, ends: str, read_only: bool, here: bool) -> None:
    """Tell everybody TEXT, within ten seconds in every process."""
    try:
        notice = deciding.read(text, starts, ends, read_only)
        if here:
            incidents.write_file(notice)
            click.echo("Told by the file of this data folder, until: flask --app run incident end --here")
            return
        click.echo(f"{deciding.declare(notice, None)} is told")
    except (Refusal, SQLAlchemyError) as error:
        _end(error)


@incident.command("show")
def show() -> None:
    """List what is told and what will be."""
    try:
        standing = deciding.standing()
    except SQLAlchemyError as error:
        click.echo(f"The base does not answer: {type(error).__name__}", err=True)
        standing = []
    told = [incidents.Notice(one.id, one.text, one.read_only, one.starts_at, one.ends_at) for one in standing]
    beside = incidents.of_file()
    for one in (*told, *([beside] if beside else [])):
        ends = f"{one.ends_at.astimezone(clock.PARIS):%d/%m/%Y %H:%M}" if one.ends_at else "it is ended"
        what = " (read-only)" if one.read_only else ""
        name = str(one.id) if one.id else "here"
        click.echo(f"{name}{what}: {one.starts_at.astimezone(clock.PARIS):%d/%m/%Y %H:%M} until {ends}: {one.text}")
    if not told and not beside:
        click.echo("Nothing is told.")


@incident.command("end")
@click.argument("number", type=int, required=False)
@_HERE
def end(number: int | None, here: bool) -> None:
    """Tell the message of this NUMBER no longer."""
    if here:
        incidents.write_file(None)
        click.echo("The file of this data folder tells nothing.")
        return
    if number is None:
        raise click.UsageError("Which one? flask --app run incident show")
    try:
        deciding.end(number, None)
    except (Refusal, SQLAlchemyError) as error:
        _end(error)
    click.echo(f"{number} is told no longer")


def _end(error: Exception) -> None:
    if isinstance(error, Refusal):
        click.echo(error.message, err=True)
    else:
        click.echo(f"The base does not answer ({type(error).__name__}): use --here", err=True)
    raise SystemExit(1) from None
