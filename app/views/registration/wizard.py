"""The three steps by hand: training, drivers, checks. Each is an address; each leads back to the first not valid yet."""

from __future__ import annotations

from typing import Any

from flask import abort, flash, g, redirect, request, url_for
from flask_appbuilder import expose
from werkzeug.wrappers import Response

from app.models import Batch
from app.models.batch import CANCELLED, MANUAL, READY, REGISTERED
from app.models.catalogue import full_label
from app.models.centre import REGISTER
from app.services.core import clock
from app.services.core.refusal import Refusal
from app.services.reference import pricing
from app.services.registration import analysis, announced, batches, confirm, drafts, report
from app.services.registration import desk as registration_desk
from app.services.registration.drafts import LineRefused
from app.services.registration.report import Filter
from app.services.rights import access
from app.validators.context import Training
from app.validators.remark import Remark, kind_sentence
from app.views.shell.base import Screen, batch_or_404, limits, require_right, strangers
from app.views.shell.forms import put_remarks
from app.views.shell.reading import lead, number_of, told_shown, version_shown

from .forms import LineForm, SharedForm, TrainingForm, families
from .paste_grid import cells_sent

STEPS = ("Formation", "Conducteurs", "Contrôles")
#: Before the names of the fields « pour toutes les lignes », which stand on one page with those of a line.
SHARED = "commun-"
#: The handlers of the steps, in their order.
_HANDLERS = ("training", "drivers", "checks")


def step_address(batch: Batch, step: int, **arguments: Any) -> str:
    """Return the address of a step (from 1) of a batch."""
    return url_for(f"WizardView.{_HANDLERS[step - 1]}", key=batch.key, **arguments)


def manual_batch(key: str) -> Batch:
    """Return the current centre's open batch by hand; lead to the receipt, or to « Mes sessions », when it is closed."""
    require_right(REGISTER)
    batch = batch_or_404(key)
    if batch.state == REGISTERED:
        abort(lead(url_for("ReceiptView.show", key=key)))
    if batch.mode != MANUAL:
        abort(404, "Cet enregistrement n’existe pas, ou concerne un autre centre.")
    if batch.state == CANCELLED:
        flash("Cet enregistrement a été annulé : sa saisie a été supprimée.", "warning")
        abort(lead(url_for("SessionsView.index")))
    return batch


def batch_at(key: str, step: int) -> Batch:
    """Return the batch for a step, or lead to the first step that is not valid yet."""
    batch = manual_batch(key)
    reached = registration_desk.step_of(batch, drafts.line_count(batch.id) if batch.training_id and step > 2 else 0)
    if reached < step:
        abort(lead(step_address(batch, reached)))
    return batch


def lines_page(batch: Batch, number: int) -> report.ReportPage:
    """Return a page of the lines in the order in which they were added."""
    return report.page(batch, Filter(by_number=True), number)


def quote_of(batch: Batch, lines: int) -> pricing.Quote | None:
    """Return what registering so many lines costs today, None where no tariff says so."""
    try:
        return pricing.quote([batch.training_id or 0] * lines, clock.today(), batch.centre_id)
    except pricing.NoTariff:
        return None


def cost_of(batch: Batch) -> dict[str, Any]:
    """Return which lines would be billed as they stand, and what that costs."""
    due = report.due(batch.id)
    return {"due": due, "quote": quote_of(batch, due.lines)}


def steps_of(batch: Batch) -> dict[str, Any]:
    """Return what the head of each step needs."""
    return {
        "batch": batch,
        "steps": STEPS,
        "links": [step_address(batch, step) for step in (1, 2, 3)],
        "full_label": full_label,
        "lines_address": lambda number: step_address(batch, 2, page=number, _anchor="lines"),
    }


class WizardView(Screen):
    """`/sessions/<key>/formation`, `/conducteurs`, `/controle`, and what step 3 sets off."""

    route_base = "/sessions"
    class_permission_name = "Sessions"

    @expose("/<key>/formation", methods=["GET", "POST"])
    def training(self, key: str) -> Response | str | tuple[str, int]:
        """Step 1: label and end date, of the trainings with an accreditation active today."""
        batch = manual_batch(key)
        if request.method != "POST":
            chosen = {
                "training_id": batch.training_id,
                "end_date": f"{batch.end_date:%d/%m/%Y}" if batch.end_date else "",
            }
            return self._training_page(batch, TrainingForm(data=chosen))
        form = TrainingForm(request.form)
        open_ids = {training.id for training in _open_trainings(batch)}
        chosen_id = form.training_id.data if form.training_id.data in open_ids else 0
        try:
            drafts.choose_training(batch.id, chosen_id, form.end_date.data, g.user.id)
        except LineRefused as refusal:
            put_remarks(form, refusal.remarks)
            return self._training_page(batch, form), 422
        return redirect(step_address(batch, 2))

    def _training_page(self, batch: Batch, form: TrainingForm) -> str:
        trainings = _open_trainings(batch)
        return str(
            self.render_template(
                "registration/training.html",
                form=form,
                families=families(trainings),
                limits=limits(),
                closed=_closed(batch, trainings),
                lines=drafts.line_count(batch.id),
                prices=pricing.unit_prices(clock.today(), batch.centre_id),
                **steps_of(batch),
            )
        )

    @expose("/<key>/conducteurs")
    def drivers(self, key: str) -> str:
        """Step 2: the form of one line and the lines typed so far."""
        batch = batch_at(key, 2)
        edited = report.line(batch, number_of("ligne", 0))
        form = LineForm(data=edited.line._asdict() if edited else kept_values(batch))
        if edited:
            put_remarks(form, [remark for remark in edited.remarks if remark.severity == "error"])
        return drivers_page(self, batch, form, edited=edited.line.number if edited else 0)

    @expose("/<key>/controle")
    def checks(self, key: str) -> str:
        """Step 3: what the last check said, line by line, and what the import will cost."""
        batch = batch_at(key, 3)
        wanted = Filter(severity=request.args.get("gravite", ""), kind=request.args.get("motif", ""))
        page = report.page(batch, wanted, number_of("page"))
        words = {"kind_sentence": kind_sentence, "kind_severity": lambda kind: Remark.decode(kind).severity}
        return str(
            self.render_template("registration/checks.html", wanted=wanted, shown=page, **words, **checked(batch))
        )

    @expose("/<key>/verifier", methods=["POST"])
    def check(self, key: str) -> Response:
        """« Vérifier », with what stands typed in faulty cells; without any line, step 3 itself leads back."""
        batch = batch_at(key, 2)  # held: the check finds it in the session instead of reading it again
        if typed := cells_sent():
            drafts.correct_cells(batch.id, typed, g.user.id)
        analysis.check(batch.id, g.user.id)
        return redirect(url_for("WizardView.checks", key=key))

    @expose("/<key>/confirmation")
    def confirmation(self, key: str) -> Response | str:
        """Ask before importing, on a page of its own: the dialog of step 3 for those without scripts."""
        batch = batch_at(key, 3)
        told = checked(batch)
        if not told["importable"]:
            return redirect(step_address(batch, 3))
        return str(self.render_template("registration/confirmation.html", **told))

    @expose("/<key>/importer", methods=["POST"])
    def register(self, key: str) -> Response:
        """« Importer »: register the batch once, whatever is sent twice, and lead to its receipt."""
        batch = manual_batch(key)
        try:
            confirm.register(batch.id, g.user.id, shown=version_shown(), told=told_shown())
        except Refusal as refusal:
            flash(refusal.message, "danger")
            return redirect(step_address(batch, 3))
        return redirect(url_for("ReceiptView.show", key=key, nouveau=1))

    @expose("/<key>/annuler", methods=["GET", "POST"])
    def cancel(self, key: str) -> Response | str:
        """« Annuler »: ask on a page of its own (the dialog, without scripts), then delete what was typed."""
        batch = manual_batch(key)
        if request.method != "POST":
            lines = drafts.line_count(batch.id)
            return str(self.render_template("registration/cancel.html", lines=lines, **steps_of(batch)))
        batches.cancel(batch.id, g.user.id)
        flash("L’enregistrement a été annulé : votre saisie a été supprimée, rien n’a été importé.", "success")
        return redirect(url_for("SessionsView.index"))


def _open_trainings(batch: Batch) -> list[Training]:
    return drafts.open_trainings(batch.centre_id, clock.today(), access.Reach(g.user.id))


def _closed(batch: Batch, open_to_me: list[Training]) -> list[str]:
    """Return the labels of the trainings open to the centre and not to the person, whose right is limited."""
    if limits() is None:
        return []
    every = drafts.open_trainings(batch.centre_id, clock.today())
    return [full_label(entry.label, entry.category) for entry in every if entry not in open_to_me]


def kept_values(batch: Batch) -> dict[str, str]:
    """Return reference and order number of the last line added: they stay for the next one. Before the first line, those of
    the same session registered last.
    """
    if last := drafts.last_line(batch.id):
        return {"reference": last[0], "order_number": last[1]}
    before = registration_desk.same_session(batch)
    return {"reference": before.reference, "order_number": before.order_number} if before else {}


def drivers_page(
    screen: Screen, batch: Batch, form: LineForm, *, edited: int = 0, shared: SharedForm | None = None
) -> str:
    """Return the whole page of step 2, at the page of its lines that is asked for."""
    page = lines_page(batch, number_of("page"))
    return str(
        screen.render_template(
            "registration/drivers.html",
            form=form,
            edited=edited,
            shown=page,
            back=request.values.get("retour", ""),
            refused=shared is not None,
            shared=shared or SharedForm(data=kept_values(batch), prefix=SHARED),
            **cost_of(batch),
            **steps_of(batch),
        )
    )


def checked(batch: Batch) -> dict[str, Any]:
    """Return what step 3 and its confirmation say of a batch: counts, price, and whether « Importer » is open."""
    counts = report.counts(batch.id)
    cost = cost_of(batch)
    kinds = (batch.summary or {}).get("kinds", {}) if batch.is_checked else {}
    return {
        "counts": counts,
        **cost,
        "kept": cost["due"].lines,
        "kinds": kinds,
        "limits": limits() if "not_accredited" in kinds else None,
        "strangers": strangers(),
        "importable": batch.is_checked and batch.state == READY and cost["quote"] is not None,
        **steps_of(batch),
        "order_numbers": report.order_numbers(batch.id),
        **announced.consequences(batch),
        "tariff": pricing.unit_prices(clock.today(), batch.centre_id).get(batch.training_id or 0),
    }
