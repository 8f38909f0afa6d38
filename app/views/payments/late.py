"""`/encaissements/retards/`: invoices late by two months, the rates of late interest, pauses of reminders."""

from __future__ import annotations

from typing import NamedTuple

from flask import abort, flash, g, make_response, redirect, request, url_for
from flask_appbuilder import expose
from werkzeug.wrappers import Response

from app.models import Invoice
from app.services.core.reason import ReasonNeeded
from app.services.core.refusal import Refusal
from app.services.invoicing import reading
from app.services.payments import dunning, interest, settlement
from app.views.shell.base import Screen

from .forms import PauseForm, RateForm


class Refused(NamedTuple):
    """What was typed about a late invoice (``dunning_id``) and is not kept, and why."""

    dunning_id: int
    typed: str
    sentence: str


class LateView(Screen):
    """`/encaissements/retards/`"""

    route_base = "/encaissements/retards"
    default_view = "index"
    class_permission_name = "Payments"

    @expose("/")
    def index(self) -> Response:
        """Show what waits for an agent, and the rates."""
        return self._page(RateForm())

    @expose("/taux", methods=["POST"])
    def set_rate(self) -> Response:
        """Set the rate of a half-year."""
        form = RateForm(request.form)
        if form.validate():
            try:
                interest.set_rate(form.valid_from.data, form.rate.data, g.user.id)
            except Refusal as refusal:
                form.valid_from.errors = [refusal.message]
        if form.errors:
            return self._page(form)
        flash(f"Le taux du {form.valid_from.data:%d/%m/%Y} est enregistré.", "success")
        return redirect(url_for("LateView.index"))

    @expose("/<int:dunning_id>/traiter", methods=["POST"])
    def done(self, dunning_id: int) -> Response:
        """Note what was done about an invoice that is late by two months."""
        typed = request.form.get("reason", "")
        try:
            dunning.done(dunning_id, typed, g.user.id)
        except ReasonNeeded as refusal:
            if not dunning.waits(dunning_id):
                raise  # treated meanwhile: the page has no such field any more
            return self._page(RateForm(), Refused(dunning_id, typed, refusal.message))
        flash("C’est noté.", "success")
        return redirect(url_for("LateView.index"))

    @expose("/factures/<key>/suspendre", methods=["POST"])
    def pause(self, key: str) -> Response:
        """Remind nobody of an invoice until a day."""
        invoice, form = _invoice(key), PauseForm(request.form)
        form.validate()
        try:
            dunning.pause(invoice.id, form.until.data, form.reason.data or "", g.user.id)
        except dunning.BadPause as refusal:
            form.until.errors = [refusal.message]
        except ReasonNeeded as refusal:
            form.reason.errors = [refusal.message]
        if form.errors:
            drawn = self.render_template("payments/pause.html", form=form, invoice=invoice)
            return make_response(drawn, 422)
        flash("Les relances de cette facture sont suspendues.", "success")
        return redirect(url_for("IssuedView.show", key=key))

    @expose("/factures/<key>/reprendre", methods=["POST"])
    def resume(self, key: str) -> Response:
        """End the pause of an invoice."""
        dunning.resume(_invoice(key).id, g.user.id)
        flash("Les relances de cette facture reprennent.", "success")
        return redirect(url_for("IssuedView.show", key=key))

    def _page(self, form: RateForm, refused: Refused | None = None) -> Response:
        tasks = dunning.tasks()
        drawn = self.render_template(
            "payments/late.html",
            form=form,
            tasks=tasks,
            total=dunning.waiting(),
            refused=refused,
            settlements=settlement.of([one.invoice_id for one in tasks]),
            rates=interest.rates_known()[::-1],
            margins=(interest.MARGIN, interest.MARGIN_PUBLIC),
        )
        return make_response(drawn, 422 if form.errors or refused else 200)


def _invoice(key: str) -> Invoice:
    return reading.find(key) or abort(404, "Cette facture n’existe pas, ou n’est pas émise.")
