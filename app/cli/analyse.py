"""`flask analyse FILE --siret SIRET`: the analysis of a file, as the screens make it, without writing anything."""

from __future__ import annotations

import json
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import NoReturn

import click
from flask import current_app
from sqlalchemy import select

from app.extensions import db
from app.models import Centre
from app.services.imports import analysing
from app.services.imports.analysing import Judged
from app.validators.batch import Row, said, told_by_remarks
from app.validators.file import FileRefused, unread_sheets
from app.validators.memory import collector_paused
from app.validators.remark import EMAIL, FIELDS

_dumps = partial(json.dumps, ensure_ascii=False)
_quoted = json.encoder.encode_basestring  # what `_dumps` makes of a text
_VALUES = ", ".join(f'"{field}": %s' for field in FIELDS)
IMPORTABLE, IN_ERROR, REFUSED = 0, 1, 2


@click.command("analyse")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--siret", required=True, help="The centre whose accreditations and records count.")
@click.option("--on", "day", type=click.DateTime(["%Y-%m-%d"]), help="The day taken for today (YYYY-MM-DD).")
@click.option("--json", "as_json", is_flag=True, help="The whole report as JSON on standard output.")
def analyse(file: Path, siret: str, day: datetime | None, as_json: bool) -> None:
    """Analyse FILE for a centre; exit 0 when it may be imported, 1 when a line has an error, 2 when it is refused."""
    if day is not None:
        current_app.config["TODAY"] = day.date()
    centre_id = db.session.scalar(select(Centre.id).where(Centre.siret == siret.replace(" ", "")))
    if centre_id is None:
        _refuse("unknown_centre", f"Aucun centre n’est enregistré sous le SIRET {siret}.", as_json)
    try:
        told, outcome = _told(centre_id, file, as_json)
    except FileRefused as refusal:
        _refuse(refusal.code.value, refusal.message, as_json)
    except OSError:
        _refuse("not_found", f"Le fichier {file} ne peut pas être lu.", as_json)
    click.echo(told, color=as_json or None)  # JSON holds no colours to look for
    raise SystemExit(outcome)


@collector_paused()  # until the rows are gone: they all live on while the report is written, and none is in a circle
def _told(centre_id: int, file: Path, as_json: bool) -> tuple[str, int]:
    """Return the report and the status that tells its outcome. Raises `FileRefused`; `OSError` where there is no such file."""
    judged = analysing.read_and_judge(centre_id, file)
    return _json(judged) if as_json else _text(judged), IMPORTABLE if judged.report.importable else IN_ERROR


def _json(judged: Judged) -> str:
    """Return the report as JSON: `Report.to_json`, the names of the sheets behind.

    Row by row, as the objects of 200,000 rows would take longer to make than the report; what remarks say is written once.
    """
    report, sheets = judged.report, {"sheet": judged.sheet.name, "other_sheets": judged.sheet.others}
    told = told_by_remarks(report.rows, lambda remarks: _dumps(said(remarks))[1:-1])
    rows = ", ".join([_row(row, remarks) for row, remarks in zip(report.rows, told, strict=True)])
    return f'{_dumps(report.to_json(rows=False))[:-1]}, "rows": [{rows}], {_dumps(sheets)[1:]}'


def _row(row: Row, remarks: str) -> str:
    """Return `Row.to_json` as JSON; ``remarks``: what `said` makes of its remarks, without the braces."""
    raw = row.line.raw
    email = f', "{EMAIL}": {_quoted(raw.email)}' if raw.email else ""
    return f'{{"line": {raw.number}, {remarks}, "values": {{{_VALUES % tuple(map(_quoted, raw[1:10]))}{email}}}}}'


def _text(judged: Judged) -> str:
    """Return the report for a person: the counts, then the lines that have something to say, in the order of the screen."""
    report = judged.report
    head = f"{report.lines} ligne(s) analysée(s), {report.informations} information(s), {report.errors} erreur(s)"
    told = [
        f"  ligne {row.line.number} : {' · '.join(r.message for r in row.remarks)}"
        for row in report.rows
        if row.remarks
    ]
    unread = unread_sheets(judged.sheet.name, judged.sheet.others)
    return "\n".join([head, *([unread] if unread else []), *told])


def _refuse(code: str, message: str, as_json: bool) -> NoReturn:
    answer = {"refused": {"code": code, "message": message}}
    click.echo(_dumps(answer) if as_json else message)
    raise SystemExit(REFUSED)
