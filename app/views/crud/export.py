"""Lists as files: what stands on screen, all pages of it, with the list's own search."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from typing import Any, BinaryIO, cast

from flask import flash, g, redirect, request, send_file, url_for
from flask_appbuilder.urltools import get_filter_args
from markupsafe import Markup
from werkzeug.wrappers import Response

from app.services.core import clock
from app.services.core.refusal import Refusal
from app.services.core.transaction import transaction
from app.services.reporting import exports, sheets
from app.views.shell.base import current_centre_id

from .rows import asked_text

#: Small files are made in memory, larger ones on disk.
_IN_MEMORY = 1024 * 1024
_STEP = 500


class TooLong(Refusal):
    """The list is longer than an answer may take."""

    message = "Cette liste compte trop de lignes pour être exportée d’un coup : filtrez-la d’abord."


def asked() -> dict[str, str]:
    """Return the questions of the list's search as the address asks them, question → text."""
    return {
        name.removeprefix("_flt_0_"): asked_text(value)
        for name, value in request.args.items()
        if name.startswith("_flt_0_")
    }


def answer(view: Any, kind: str) -> Response:
    """Return the list of a view as a file, or order it from the worker and lead to where it will stand."""
    if not view.sheet:
        return _sent(view.route_base.strip("/"), kind, _heads(view), _rows(view), None)
    centre_id = current_centre_id() if view.of_centre else None
    found = exports.find(view.sheet, asked(), centre_id)
    if not exports.is_short(found):
        exports.order(view.sheet, kind, asked(), centre_id, g.user.id)
        flash("Votre export est en préparation : il apparaît ici dès qu’il est prêt.", "success")
        return redirect(url_for("ExportsView.index"))
    return _sent(exports.FILE_NAMES[view.sheet], kind, exports.HEADS[view.sheet], exports.rows(found), centre_id)


def _sent(name: str, kind: str, heads: Any, rows: Iterator[Any], centre_id: int | None) -> Response:
    # Flask closes it once it is sent.
    target = cast(BinaryIO, tempfile.SpooledTemporaryFile(_IN_MEMORY))  # noqa: SIM115
    count = sheets.write(kind, heads, rows, target)
    with transaction():
        exports.note(name, kind, count, g.user.id, centre_id)
    target.seek(0)
    return send_file(
        target, sheets.FORMATS[kind], as_attachment=True, download_name=f"{name}-{clock.today().isoformat()}.{kind}"
    )


def _heads(view: Any) -> list[str]:
    return [str(view.label_columns[column]) for column in view.list_columns]


def _rows(view: Any) -> Iterator[list[Any]]:
    """Yield the rows of a list as it shows them, in the order of their keys."""
    rows = view.datamodel
    filters = rows.get_filters(view.search_columns)
    get_filter_args(filters)
    narrowed = rows.apply_filters(rows.session.query(rows.obj), filters.get_joined_filters(view._base_filters))
    key, last, count = rows.obj.id, 0, 0
    while step := narrowed.filter(key > last).order_by(key).limit(_STEP).options(*rows.eager).all():
        for values in rows.get_values(step, view.list_columns):
            yield [_plain(view, column, values[column]) for column in view.list_columns]
        last, count = step[-1].id, count + len(step)
        if count > exports.AT_ONCE:
            raise TooLong


def _plain(view: Any, column: str, value: Any) -> Any:
    """Return a cell as text: what markup puts on lines of their own is separated by commas."""
    formatter = view.formatters_columns.get(column)
    shown = formatter(value) if formatter else value
    if isinstance(shown, Markup):
        lines = re.sub(r"<br>|</li>", ", ", str(shown))
        return Markup(lines).striptags().strip(" ,").replace("\u00a0", " ")  # noqa: S704  the tags are taken out
    return shown.replace("\u00a0", " ") if isinstance(shown, str) else shown
