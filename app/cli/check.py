"""`flask check`: whether all that must hold does."""

from __future__ import annotations

import click

from app.services.proving import check as proving


@click.command("check")
@click.option("--files", is_flag=True, help="Also read every file, its hash and its seal.")
def check(files: bool) -> None:
    """Ask every invariant: a line a breach; exit 0 when all hold, 1 when one does not, 2 when the store does not answer."""
    try:
        report = proving.run(with_files=files)
    except OSError as error:
        click.echo(f"The store does not answer: {type(error).__name__}", err=True)
        raise SystemExit(2) from None
    for one in report.found:
        for subject in one.subjects:
            click.echo(f"{one.code} {subject}: {one.words}")
    click.echo(f"{report.asked} invariants asked{', every file read' if files else ''}: {report.breaches} breach(es)")
    raise SystemExit(0 if report.is_sound else 1)
