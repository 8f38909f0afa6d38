"""The lines of step 2: added one by one, changed, removed, or pasted from a spreadsheet."""

from __future__ import annotations

from contextlib import suppress

from flask import abort, flash, g, redirect, request
from flask_appbuilder import expose
from werkzeug.wrappers import Response

from app.models import Batch
from app.services.core.numbers import count_of
from app.services.core.refusal import Refusal
from app.services.registration import drafts, pasting, report
from app.services.registration.drafts import TYPED_FIELDS, KeptLine, LineRefused
from app.validators.fields import clean
from app.validators.remark import EMAIL, Severity
from app.views.shell.base import Screen
from app.views.shell.forms import put_remarks
from app.views.shell.headers import is_htmx
from app.views.shell.reading import number_of
from app.views.shell.resume import putting_back

from . import paste_columns, paste_grid
from .forms import LineForm, PasteForm, SharedForm
from .standing import pasting_paths
from .wizard import SHARED, batch_at, cost_of, drivers_page, kept_values, lines_page, quote_of, step_address, steps_of

LAST = 10**6


class LinesView(Screen):
    """`/sessions/<key>/lignes…` and `/sessions/<key>/coller`."""

    route_base = "/sessions"
    class_permission_name = "Sessions"

    @expose("/<key>/lignes", methods=["POST"])
    def add(self, key: str) -> Response | str | tuple[str, int]:
        """« Ajouter »: keep the line; reference and order number stay for the next one."""
        batch, form = batch_at(key, 2), LineForm(request.form)
        try:
            kept = drafts.add_line(batch.id, form.values, g.user.id)
        except LineRefused as refusal:
            put_remarks(form, refusal.remarks)
            return self._refused(batch, form), 422
        if is_htmx():
            return self._added(batch, kept, form)
        flash(_said("ajoutée", kept, form), "warning" if kept.remarks else "success")
        return redirect(step_address(batch, 2, page=lines_page(batch, LAST).page, _anchor="entry"))

    def _added(self, batch: Batch, kept: KeptLine, form: LineForm) -> str:
        """Return the fresh form with what changes around it: the one row where it goes on the page shown."""
        page = lines_page(batch, LAST)
        on_page = page.page == number_of("page") and len(page.lines) > 1
        return str(
            self.render_template(
                "registration/lines/added.html",
                form=LineForm(data=kept_values(batch)),
                shown=page,
                kept=kept,
                values=form.values,
                row=page.lines[-1] if on_page else None,
                shared=SharedForm(data=kept_values(batch), prefix=SHARED),
                **cost_of(batch),
                **steps_of(batch),
            )
        )

    def _refused(self, batch: Batch, form: LineForm, edited: int = 0) -> str:
        if not is_htmx():
            return drivers_page(self, batch, form, edited=edited)
        page = number_of("page")
        return str(
            self.render_template(
                "registration/lines/refused.html", form=form, edited=edited, number=page, **steps_of(batch)
            )
        )

    @expose("/<key>/lignes/saisie")
    def entry(self, key: str) -> Response | str:
        """« Annuler »: the form as it was before typing."""
        batch = batch_at(key, 2)
        if not is_htmx():
            return redirect(step_address(batch, 2))
        form = LineForm(data=kept_values(batch))
        return str(
            self.render_template(
                "registration/lines/fresh.html", form=form, number=number_of("page"), **steps_of(batch)
            )
        )

    @expose("/<key>/lignes/champ", methods=["POST"])
    def field(self, key: str) -> str:
        """Return what the rules say of one field that was just left; nothing is kept."""
        batch, form = batch_at(key, 2), LineForm(request.form)
        name = request.form.get("champ", "")
        if name not in TYPED_FIELDS:
            abort(400)
        said = drafts.judge_line(batch, form.values, g.user.id)
        put_remarks(form, [r for r in said if r.severity is Severity.ERROR or r.field == EMAIL])
        return str(self.render_template("registration/lines/field.html", field=form[name]))

    @expose("/<key>/lignes/<int(max=9999999):number>", methods=["POST"])
    def change(self, key: str, number: int) -> Response | tuple[str, int]:
        """Replace a line by what was typed, then go back to where its pencil was clicked."""
        batch, form = batch_at(key, 2), LineForm(request.form)
        try:
            kept = drafts.change_line(batch.id, number, form.values, g.user.id)
        except LineRefused as refusal:
            put_remarks(form, refusal.remarks)
            return self._refused(batch, form, number), 422
        except KeyError:
            abort(404, "Cette ligne a été supprimée entre-temps.")
        flash(_said("modifiée", kept, form), "warning" if kept.remarks else "success")
        return self._back(batch)

    @expose("/<key>/lignes/<int(max=9999999):number>/supprimer", methods=["POST"])
    def remove(self, key: str, number: int) -> Response | str:
        """Delete a line at once; the message that says so can bring it back."""
        batch = batch_at(key, 2)
        removed = report.line(batch, number)
        drafts.remove_line(batch.id, number)
        if not is_htmx():
            flash(f"Ligne {number} supprimée.", "success")
            return self._back(batch)
        page = lines_page(batch, number_of("page"))
        return str(
            self.render_template(
                "registration/lines/removed.html",
                removed=removed,
                shown=page,
                **cost_of(batch),
                **steps_of(batch),
            )
        )

    @expose("/<key>/lignes/retablir", methods=["POST"])
    def restore(self, key: str) -> Response:
        """Bring a line back that was just deleted, as it was, at the end."""
        batch = batch_at(key, 2)
        drafts.add_rows(batch.id, [LineForm(request.form).values], g.user.id)
        flash("La ligne est rétablie, à la fin du tableau.", "success")
        return redirect(step_address(batch, 2, page=lines_page(batch, LAST).page))

    @expose("/<key>/lignes/communs", methods=["POST"])
    def fill(self, key: str) -> Response | tuple[str, int]:
        """« Appliquer »: order number and reference for all lines that bear none."""
        batch, form = batch_at(key, 2), SharedForm(request.form, prefix=SHARED)
        if form.validate() and not any(map(clean, form.values.values())):
            form.order_number.errors = ["Saisissez un N° de commande ou une référence."]
        if form.errors:
            return drivers_page(self, batch, LineForm(data=kept_values(batch)), shared=form), 422
        filled = drafts.fill(batch.id, form.values, g.user.id, replace=form.replace.data)
        flash(*_filled(filled))
        return self._back(batch)

    @expose("/<key>/lignes/cases", methods=["POST"])
    def correct(self, key: str) -> Response:
        """Put what was typed in the faulty cells of steps 2 and 3; lines still in error stay marked."""
        batch = batch_at(key, 2)
        done = drafts.correct_cells(batch.id, paste_grid.cells_sent(), g.user.id)
        left = report.counts(batch.id).errors
        still = f" {count_of(left, 'ligne reste', 'lignes restent')} en erreur." if left else ""
        said = f"{count_of(done, 'ligne corrigée', 'lignes corrigées')}." if done else "Aucune case n’a changé."
        flash(said + still, "warning" if left or not done else "success")
        return self._back(batch)

    def _back(self, batch: Batch) -> Response:
        if request.form.get("retour") == "controle":
            return redirect(step_address(batch, 3))
        return redirect(step_address(batch, 2, page=number_of("page"), _anchor="lines"))

    @expose("/<key>/coller", methods=["GET", "POST"])
    def paste(self, key: str) -> str | tuple[str, int]:
        """Take rows copied from a spreadsheet and show them as the rules see them, before anything is kept."""
        batch = batch_at(key, 2)
        if request.method != "POST" and not putting_back.take_up(*pasting_paths(key)):
            return self._paste_page(batch, PasteForm(data=kept_values(batch)))
        form = PasteForm(request.form)
        try:
            return self._preview(batch, form, paste_grid.read(batch, form))
        except Refusal as reason:
            return self._not_taken(batch, form, reason)

    def _preview(self, batch: Batch, form: PasteForm, grid: paste_grid.Grid) -> str:
        judged = drafts.preview(batch, grid.values, g.user.id)
        due, grid = report.due_of(judged), grid.judged(judged)
        told = {
            "grid": grid,
            "answer": paste_columns.answer(),
            "due": due,
            "quote": quote_of(batch, due.lines),
            "quiet": is_htmx(),
        }
        refused = bool(due.errors or form.errors)
        return str(
            self.render_template(
                "registration/lines/preview.html", paste=form, refused=refused, **told, **steps_of(batch)
            )
        )

    @expose("/<key>/lignes/coller", methods=["POST"])
    def add_pasted(self, key: str) -> Response | str | tuple[str, int]:
        """Keep the rows of the preview all at once; those in error are kept too, marked, to be corrected."""
        batch, form = batch_at(key, 2), PasteForm(request.form)
        try:
            grid = paste_grid.read(batch, form)
            if form.errors:
                return self._preview(batch, form, grid), 422
            added = drafts.add_rows(batch.id, grid.values, g.user.id)
        except Refusal as reason:
            return self._not_taken(batch, form, reason)
        flash(f"{added} lignes ajoutées." if added > 1 else "1 ligne ajoutée.", "success")
        return redirect(step_address(batch, 2, page=1 if added > report.PAGE else lines_page(batch, LAST).page))

    @expose("/<key>/coller/revoir", methods=["POST"])
    def paste_again(self, key: str) -> str:
        """Take the pasted text up again, to mend it before anything is kept, with what was typed in the preview."""
        batch, form = batch_at(key, 2), PasteForm(request.form)
        if paste_grid.is_sent():
            with suppress(Refusal):
                grid = paste_grid.read(batch, form)
                if grid.typed or grid.out:
                    form.text.data = paste_grid.as_text(grid)
        return self._paste_page(batch, form)

    def _paste_page(self, batch: Batch, form: PasteForm) -> str:
        return str(self.render_template("registration/lines/paste.html", form=form, **steps_of(batch)))

    def _not_taken(self, batch: Batch, form: PasteForm, reason: Refusal) -> tuple[str, int]:
        """Show the paste with what is wrong, or ask which column is which."""
        if isinstance(reason, pasting.Unsure):
            asked = paste_columns.asked(reason)
            page = str(self.render_template("registration/columns.html", paste=form, **asked, **steps_of(batch)))
            return page, 422 if reason.faults else 200
        if not isinstance(reason, paste_columns.Faulty):
            form.text.errors = [reason.message]
        return self._paste_page(batch, form), 422


def _filled(count: int) -> tuple[str, str]:
    """Return what is said of so many lines that took what holds for all, and how."""
    if not count:
        return "Aucune ligne n’a changé : chacune porte déjà sa valeur.", "warning"
    return ("Une ligne complétée." if count == 1 else f"{count} lignes complétées."), "success"


def _said(done: str, kept: KeptLine, form: LineForm) -> str:
    """Return « Ligne 4 ajoutée : DUPONT Pierre » with what the rules tell of it."""
    told = "".join(f" {remark.message}." for remark in kept.remarks)
    return f"Ligne {kept.number} {done} : {form.last_name.data} {form.first_name.data}.{told}"
