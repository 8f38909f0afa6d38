"""Correcting a report in place, and importing it."""

from __future__ import annotations

from collections.abc import Mapping

from flask import abort, flash, g, redirect, request, url_for
from flask_appbuilder import expose
from werkzeug.wrappers import Response

from app.models import ImportFile
from app.services.core import clock
from app.services.core.numbers import count_of
from app.services.core.refusal import Refusal
from app.services.imports import confirmation as import_confirmation
from app.services.imports import corrections, remembered
from app.services.imports import desk as import_desk
from app.services.registration import announced, confirm, drafts, report
from app.services.registration.report import ReportLine
from app.services.rights import access
from app.validators.context import Category
from app.validators.fields import loosen_date
from app.views.shell.base import Screen
from app.views.shell.headers import is_htmx
from app.views.shell.reading import told_shown, version_shown
from app.views.shell.resume.keeping import stands_at

from .report import columns_of, import_file, told, wanted_lines

#: Rows on a page at most: more changed ones than that are not on it.
_SHOWN = 200
_DATES = ("end_date", "birth_date")


class CorrectionsView(Screen):
    """`/imports/<key>/lignes/…`, `/suggestion`, `/confirmation`, `/importer`."""

    route_base = "/imports"
    class_permission_name = "CentreImports"

    @expose("/<key>/lignes/<int:number>", methods=["GET", "POST"])
    def cell(self, key: str, number: int) -> Response | str:
        """Turn a cell into a field (GET), or take its new value and judge its line again (POST)."""
        file, field = import_file(key), request.values.get("champ", "")
        if field not in columns_of(file.batch):
            abort(404, "Cette colonne n’existe pas dans le rapport.")
        if request.method != "POST":
            return self._editor(file, number, field)
        value = request.form.get("valeur", "")
        value = loosen_date(value) if field in _DATES else value
        everywhere = request.form.get("partout") == "1"
        changed = corrections.correct_cell(file.batch_id, number, field, value, g.user.id, everywhere=everywhere)
        return self._changed(key, number, changed, "corrigée" if changed else "inchangée")

    def _editor(self, file: ImportFile, number: int, field: str) -> str:
        line = report.line(file.batch, number) if file.batch.is_open else None
        if line is None:
            abort(404, "Cette ligne n’existe pas dans le rapport, ou ne peut plus être corrigée.")
        template = "imports/cell.html" if is_htmx() else "imports/cell_page.html"
        others = corrections.others(file.batch_id, number, field)
        known = {"item": line, "choices": _choices(file, field), "others": others, **told(file)}
        return str(self.render_template(template, field=field, **known))

    @expose("/<key>/lignes/<int:number>/ecarter", methods=["POST"])
    def aside(self, key: str, number: int) -> Response | str:
        """Leave a line out of the import, or take it back (`ecarter=0`)."""
        leave = request.form.get("ecarter") != "0"
        changed = corrections.set_aside(import_file(key).batch_id, number, leave, g.user.id)
        return self._changed(key, number, changed, "écartée de l’import" if leave else "reprise dans l’import")

    def _changed(self, key: str, number: int, changed: list[int], done: str) -> Response | str:
        """Return the rows on screen that changed with what stands around them; without htmx, the report again."""
        file = import_file(key)
        line = report.line(file.batch, number)
        # The cell itself is to be put back even when nothing changed.
        return self._told(file, number, {number, *changed}, _said(number, line, done))

    def _told(self, file: ImportFile, number: int, changed: set[int], said: str) -> Response | str:
        if not is_htmx():
            flash(said, "success")
            return redirect(url_for("ImportsView.show", key=file.batch.key, _anchor=f"ligne-{number}"))
        asked, told_of = set(request.form.get("lignes", "").split(",")[:_SHOWN]), {str(one): one for one in changed}
        rows = report.lines(file.batch, [told_of[one] for one in asked & told_of.keys()])
        known = {"changed_rows": rows, "wanted": wanted_lines()}
        return str(self.render_template("imports/changed.html", said=said, **known, **told(file)))

    @expose("/<key>/defaire", methods=["POST"])
    def undo(self, key: str) -> Response | str:
        """« Défaire »: take the last correction back."""
        done = corrections.undo(import_file(key).batch_id, g.user.id)
        lines = count_of(remembered.count(done.act), "ligne")
        return self._told(import_file(key), done.act.lines[0][0], set(done.changed), f"Correction défaite : {lines}.")

    @expose("/<key>/suggestion", methods=["POST"])
    def suggestion(self, key: str) -> Response:
        """« Vouliez-vous dire … ? »: correct a label or a category in all the lines that bear it."""
        file = import_file(key)
        label, category = request.form.get("label", ""), request.form.get("category", "")
        count = corrections.correct_value(file.batch_id, label, category, g.user.id)
        flash(f"{count_of(count, 'ligne corrigée', 'lignes corrigées')}. Le rapport a été mis à jour.", "success")
        return redirect(url_for("ImportsView.show", key=key))

    @expose("/<key>/confirmation")
    def confirmation(self, key: str) -> Response | str:
        """Ask before importing: into the dialog of the report, or on a page of its own without scripts."""
        known = told(import_file(key))
        if not known["importable"]:
            raise confirm.NotChecked
        template = "imports/confirmation_dialog.html" if is_htmx() else "imports/confirmation.html"
        quote = import_desk.quote(known["batch"])
        orders = report.order_numbers(known["batch"].id)
        told_of = announced.consequences(known["batch"])
        return str(self.render_template(template, quote=quote, order_numbers=orders, **told_of, **known))

    @expose("/<key>/importer", methods=["POST"])
    def register(self, key: str) -> Response:
        """« Importer »: register the batch once, whatever is sent twice, and lead to its receipt."""
        file = import_file(key)
        try:
            done = import_confirmation.confirm(file, g.user.id, version_shown(), told_shown())
        except Refusal as refusal:
            flash(refusal.message, "danger")
            return redirect(url_for("ImportsView.show", key=key))
        if not done:
            return redirect(url_for("ImportsView.show", key=key))
        return redirect(url_for("ReceiptView.show", key=key, nouveau=1))


def _choices(file: ImportFile, field: str) -> list[str]:
    """Return what may be chosen for a label or a category; nothing for what is typed."""
    if field == "category":
        return [category.value for category in Category]
    if field != "training_label":
        return []
    trainings = drafts.open_trainings(file.batch.centre_id, clock.today(), access.Reach(g.user.id))
    return list(dict.fromkeys(training.label for training in trainings))


def _cell_page(_asked: str, form: Mapping[str, str], key: str, number: int) -> str:
    """Return the page of the cell: on the report's own page it is no field until it is asked for."""
    return url_for("CorrectionsView.cell", key=key, number=number, champ=form.get("champ", ""))


stands_at(CorrectionsView__cell=_cell_page)


def _said(number: int, line: ReportLine | None, done: str) -> str:
    """Return what happened to a line, with its main remark."""
    first = f" {line.remarks[0].message}." if line and line.remarks else ""
    return f"Ligne {number} {done}.{first}"
