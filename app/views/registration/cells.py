"""The cells of steps 2 and 3, each a field where it stands, as in the report of a file; without scripts, the pencil's form."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import abort, flash, g, redirect, request, url_for
from flask_appbuilder import expose
from werkzeug.wrappers import Response

from app.models import Batch
from app.services.registration import drafts, report
from app.services.registration.drafts import LINE_FIELDS
from app.services.registration.report import Filter, ReportLine
from app.validators.fields import loosen_date
from app.views.shell.base import Screen
from app.views.shell.headers import is_htmx
from app.views.shell.reading import number_of
from app.views.shell.resume.keeping import stands_at

from .wizard import batch_at, checked, cost_of, step_address, steps_of


class CellsView(Screen):
    """`/sessions/<key>/lignes/<number>/case`."""

    route_base = "/sessions"
    class_permission_name = "Sessions"

    @expose("/<key>/lignes/<int(max=9999999):number>/case", methods=["GET", "POST"])
    def cell(self, key: str, number: int) -> Response | str:
        """Turn a cell into a field (GET), or put its new value in and judge its line again (POST); one in error is kept."""
        batch, field = batch_at(key, 2), request.values.get("champ", "")
        if field not in LINE_FIELDS:
            abort(404, "Cette colonne n’existe pas dans le tableau.")
        line = report.line(batch, number)
        if line is None:
            abort(404, "Cette ligne a été supprimée entre-temps.")
        if request.method != "POST":
            return self._editor(batch, line, field)
        shown = report.lines(batch, sorted({number, *_shown()}))
        value = request.form.get("valeur", "")
        value = loosen_date(value) if field == "birth_date" else value
        done = drafts.correct_cells(batch.id, {number: {field: value}}, g.user.id)
        return self._changed(batch, shown, number, is_changed=bool(done))

    def _editor(self, batch: Batch, line: ReportLine, field: str) -> Response | str:
        number, back = line.line.number, request.args.get("retour", "")
        if not is_htmx():
            told = {"ligne": number, "page": number_of("page"), **({"retour": back} if back else {})}
            return redirect(step_address(batch, 2, **told, _anchor=field))
        address = url_for("CellsView.cell", key=batch.key, number=number, page=number_of("page"), retour=back)
        return str(self.render_template("registration/lines/cell.html", item=line, field=field, address=address))

    def _changed(self, batch: Batch, before: list[ReportLine], number: int, *, is_changed: bool) -> Response | str:
        """Return the rows on screen that changed with what stands around them; without htmx, the step again."""
        back = "controle" if request.values.get("retour") == "controle" else ""
        after = report.lines(batch, [one.line.number for one in before])
        rows = [one for one in after if one not in before or one.line.number == number]
        said = f"Ligne {number} {'corrigée' if is_changed else 'inchangée'}."
        if not is_htmx():
            flash(said, "success")
            step = {} if back else {"page": number_of("page")}
            return redirect(step_address(batch, 3 if back else 2, **step, _anchor=f"ligne-{number}"))
        mine = next(one for one in rows if one.line.number == number)
        said += "".join(f" {remark.message}." for remark in mine.remarks[:1])
        around = _step_3(batch, after) if back else {**cost_of(batch), **steps_of(batch)}
        known = {"changed_rows": rows, "items": after, "said": said, "back": back, "is_changed": is_changed}
        return str(
            self.render_template(
                "registration/lines/changed.html",
                number=number_of("page"),
                total=drafts.line_count(batch.id),
                **known,
                **around,
            )
        )


def _step_3(batch: Batch, shown: list[ReportLine]) -> dict[str, Any]:
    page = report.ReportPage(shown, len(shown), 1, 1)
    return {"wanted": Filter(), "shown": page, **checked(batch)}


def _shown() -> list[int]:
    """Return the numbers of the lines on the screen, as it says."""
    numbers = request.form.get("lignes", "").split(",")[: report.PAGE]
    return [int(text) for text in numbers if text.isascii() and text.isdigit() and len(text) < 8]


def _line(asked: str, form: Mapping[str, str], key: str, number: int) -> str:
    """Return the page of the line's form: on that of the step the cell is no field until it is asked for."""
    return url_for("WizardView.drivers", key=key, ligne=number)


stands_at(CellsView__cell=_line)
