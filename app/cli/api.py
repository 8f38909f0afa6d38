"""`flask api-key`: a key of the API for a centre, made by the operator and printed once."""

from __future__ import annotations

from datetime import datetime

import click

from app.services.api import keys as api_keys
from app.services.api.keys import NewKey
from app.services.core.refusal import Refusal


@click.command("api-key")
@click.option("--siret", required=True, help="The centre that the key speaks for.")
@click.option("--scopes", required=True, help="Among read, analyse, register, correct, separated by commas.")
@click.option("--sandbox", is_flag=True, help="A key that registers nothing and answers with specimens.")
@click.option("--name", default="Ligne de commande", help="What the centre reads in its list of keys.")
@click.option("--ends-on", type=click.DateTime(["%Y-%m-%d"]), help="Its last day (YYYY-MM-DD).")
def api_key(siret: str, scopes: str, sandbox: bool, name: str, ends_on: datetime | None) -> None:
    """Print a new key: alone on standard output, and never again."""
    try:
        wanted = NewKey(name, api_keys.scopes_of(scopes), sandbox, ends_on.date() if ends_on else None)
        key = api_keys.issue(siret, wanted)
    except Refusal as refusal:
        click.echo(refusal.message, err=True)
        raise SystemExit(2) from None
    click.echo(key)
