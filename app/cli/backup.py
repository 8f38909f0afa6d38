"""`flask backup` and `flask restore`: a copy that stands by itself, and a place made of it."""

from __future__ import annotations

from pathlib import Path

import click
from flask import current_app

from app.services.core.refusal import Refusal
from app.services.proving import backup as proving
from app.services.proving import restore as restoring

from .database import as_owner

_FOLDER = click.argument("folder", type=click.Path(file_okay=False, path_type=Path))


@click.command("backup")
@_FOLDER
@click.option("--keep", default=proving.KEEP, show_default=True, help="How many backups the folder keeps; 0 keeps all.")
@click.option("--verify", is_flag=True, help="Then read the whole backup again.")
def backup(folder: Path, keep: int, verify: bool) -> None:
    """Write one more backup into FOLDER while people work: the base, and the files not yet there.

    Exit 1 when a file that the base speaks of is missing or altered (the backup stands without it), 2 when there is none.
    """
    try:
        if current_app.extensions["settings"].IS_OWNER_ELSEWHERE:
            raise Refusal("The base is backed up as the owner of its tables: set DATABASE_OWNER_URL.")
        with as_owner():
            done = proving.back_up(folder, keep=keep, verify=verify)
    except (Refusal, OSError) as refusal:
        _end(refusal)
    click.echo(
        f"{done.name}: {done.rows} rows, {done.files} files, {done.new} of them new ({done.new_bytes} bytes)"
        f"{'; read again, whole' if verify else ''}"
    )
    for fault in done.faults:
        click.echo(f"Missing or altered in the store, not in the backup: {fault}", err=True)
    raise SystemExit(1 if done.faults else 0)


@click.command("restore")
@_FOLDER
@click.option("--at", default="", help="Which backup of the folder, by its name; the newest by default.")
@click.option(
    "--prove", is_flag=True, help="Then read everything: the journal's chain, every invariant, every file and seal."
)
def restore(folder: Path, at: str, prove: bool) -> None:
    """Put a backup back into an empty base and an empty store: exit 1, with a sentence, on anything missing or changed."""
    try:
        with as_owner():
            done = restoring.restore(folder, at, to_prove=prove)
            proof = restoring.prove(folder, at) if prove else None
    except Refusal as refusal:
        click.echo(f"Nothing was restored. {refusal.message}", err=True)
        raise SystemExit(1) from None
    except OSError as error:
        _end(error)
    click.echo(
        f"{done.name}, taken at {done.taken_at}: {done.rows} rows in {done.tables} tables, {done.files} files restored"
    )
    for note in done.notes:
        click.echo(note)
    if proof is None:
        return
    for one in proof.report.found:
        for subject in one.subjects:
            click.echo(f"{one.code} {subject}: {one.words}")
    click.echo(
        f"Proved: {proof.links} links of the journal, {proof.report.asked} invariants, every file read: "
        f"{proof.report.breaches} breach(es){f', chain BROKEN: {proof.wrong}' if proof.wrong else ''}"
    )
    raise SystemExit(0 if proof.holds else 1)


def _end(error: Exception) -> None:
    said = error.message if isinstance(error, Refusal) else f"{type(error).__name__}: {error.strerror or error}"  # type: ignore[attr-defined]
    click.echo(said, err=True)
    raise SystemExit(2) from None
