"""A credit note of an invoice that was paid: its balance, allocated to another invoice of the centre or refunded."""

from __future__ import annotations

from decimal import Decimal

from flask import abort, flash, g, make_response, redirect, request, url_for
from flask_appbuilder import expose
from werkzeug.wrappers import Response

from app.extensions import db
from app.models import Centre, Invoice
from app.services.core import clock
from app.services.core.refusal import Refusal
from app.services.payments import balances, reading
from app.services.payments.allocating import Part
from app.views.shell.base import Screen
from app.views.shell.reading import number_of

from .entries import UNKNOWN
from .forms import RefundForm, ShareForm, refunded


class NotesView(Screen):
    """`/encaissements/avoirs/<key>`"""

    route_base = "/encaissements/avoirs"
    default_view = "show"
    class_permission_name = "Payments"

    @expose("/centres/<int:centre_id>")
    def centre(self, centre_id: int) -> str:
        """Show what is in a centre's favour."""
        centre = db.session.get(Centre, centre_id) or abort(404, "Ce centre n’existe pas.")
        found = balances.of_centre(centre_id, number_of("page"))
        page: str = self.render_template("payments/centre.html", centre=centre, found=found)
        return page

    @expose("/<key>")
    def show(self, key: str) -> Response:
        """Show what a credit note has left, and where the rest went."""
        return self._page(_note(key))

    @expose("/<key>/affecter", methods=["POST"])
    def allocate(self, key: str) -> Response:
        """Allocate some of it to another invoice of the centre."""
        note, form = _note(key), ShareForm(request.form)
        form.validate()
        invoice = reading.numbered(form.number.data or "")
        if invoice is None:
            form.number.errors = [UNKNOWN]
        if invoice is not None and form.amount.data and not form.errors:
            try:
                balances.allocate(note.id, [Part(invoice.id, form.amount.data)], g.user.id)
            except Refusal as refusal:
                form.amount.errors = [refusal.message]
        if form.errors:
            return self._page(note, share=form)
        flash("Le solde est affecté.", "success")
        return redirect(url_for("NotesView.show", key=key))

    @expose("/<key>/rembourser", methods=["POST"])
    def refund(self, key: str) -> Response:
        """Note that some of it was refunded."""
        note, form = _note(key), RefundForm(request.form)
        if not refunded(form, g.user.id, note_id=note.id):
            return self._page(note, refund=form)
        flash("Le remboursement est noté.", "success")
        return redirect(url_for("NotesView.show", key=key))

    def _page(self, note: Invoice, share: ShareForm | None = None, refund: RefundForm | None = None) -> Response:
        left = reading.left_of_note(note.id)
        filled = {"amount": max(left, Decimal("0.00")), "refunded_on": clock.today()}
        drawn = self.render_template(
            "payments/note.html",
            note=note,
            left=left,
            allocations=reading.payments_of(note, undone=True),
            others=balances.open_of_centre(note.centre_id),
            share=share or ShareForm(data={"amount": filled["amount"]}),
            refund=refund or RefundForm(data=filled),
        )
        return make_response(drawn, 422 if share or refund else 200)


def _note(key: str) -> Invoice:
    return reading.note(key) or abort(404, "Cet avoir n’existe pas, ou n’est pas émis.")
