"""`flask secret-key …`: a new SECRET_KEY beside the one before."""

from __future__ import annotations

import click
from flask.cli import AppGroup

from app.services.proving import renewing

secret_key = AppGroup("secret-key", help="A new SECRET_KEY beside the one before (SECRET_KEY_FORMER).")


@secret_key.command("renew")
def renew() -> None:
    """Encrypt what the base keeps under SECRET_KEY; exit 1 while something cannot be read under any key that is named."""
    renewing.renew()
    raise SystemExit(_told())


@secret_key.command("show")
def show() -> None:
    """Count what is kept under SECRET_KEY; exit 1 while something needs another one: SECRET_KEY_FORMER must stay."""
    raise SystemExit(_told())


def _told() -> int:
    found = renewing.look()
    for one in found:
        click.echo(
            f"{one.sort}: {one.present} under SECRET_KEY, {one.former} under SECRET_KEY_FORMER, {one.unreadable} unreadable"
        )
    return int(any(one.former or one.unreadable for one in found))
