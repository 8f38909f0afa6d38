"""Who works on the base: the owner of its tables for some commands, the application's role for all else."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any

import click
from flask import current_app

from app import create_app
from app.extensions import db
from app.services.core import actor, trace
from app.services.core.refusal import Refusal
from app.services.operations import database_role


@click.command("db-role")
def db_role() -> None:
    """Make the role that DATABASE_URL names and give it its grants; run it after each upgrade."""
    application = current_app.config["SQLALCHEMY_DATABASE_URI"]
    try:
        with as_owner():
            name = database_role.grant(application)
    except Refusal as refusal:
        click.echo(refusal.message, err=True)
        raise SystemExit(2) from None
    click.echo(f"{name} may do what the application needs.")


@contextmanager
def as_owner() -> Iterator[None]:
    """Work on the base as the owner of its tables, where there is one apart."""
    if not current_app.config["DATABASE_OWNER_URL"]:
        yield
        return
    with create_app(current_app.extensions["settings"].as_owner()).app_context():
        actor.be(actor.PROGRAM)
        try:
            yield
        finally:
            db.session.remove()
            db.engine.dispose()


def by_the_program(command: click.Command) -> None:
    """Name the program as the actor of a command, and of those below it; what one run of it does bears one number."""
    for below in getattr(command, "commands", {}).values():
        by_the_program(below)
    run = command.callback
    if run is None or hasattr(run, "names_actor"):
        return

    @wraps(run)
    def named(*words: Any, **options: Any) -> Any:
        actor.be(actor.PROGRAM)
        with trace.stretch("command", str(command.name)):
            return run(*words, **options)

    named.names_actor = True  # type: ignore[attr-defined]
    command.callback = named
