"""One entry of the bank: what it says, what it may be for, what was done with it."""

from __future__ import annotations

from flask import abort, flash, g, make_response, redirect, request, url_for
from flask_appbuilder import expose
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response

from app.models import BankEntry
from app.services.core import clock
from app.services.core.reason import ReasonNeeded
from app.services.core.refusal import Refusal
from app.services.payments import allocating, aside, matching, reading
from app.services.payments.allocating import Part
from app.views.shell.base import Screen
from app.views.shell.reading import number_of

from .forms import AsideForm, RefundForm, ShareForm, refunded

DONE = "C’est affecté."
UNKNOWN = "Aucune facture émise ne porte ce numéro : F, l’année, puis six chiffres."


class EntriesView(Screen):
    """`/encaissements/ecritures/<id>`"""

    route_base = "/encaissements/ecritures"
    default_view = "show"
    class_permission_name = "Payments"

    @expose("/<int:entry_id>")
    def show(self, entry_id: int) -> Response:
        """Show an entry, with what it may be for."""
        return self._page(_entry(entry_id))

    @expose("/<int:entry_id>/affecter", methods=["POST"])
    def allocate(self, entry_id: int) -> Response:
        """Allocate to the invoices that are checked, and to the one whose number is typed; then lead to the next entry."""
        entry = _entry(entry_id)
        parts, faults = _parts()
        if not faults:
            try:
                allocating.allocate(entry_id, parts, g.user.id)
            except Refusal as refusal:
                faults = [("affecter", refusal.message)]
        if faults:
            return self._page(entry, faults)
        return _onward(entry_id, DONE)

    @expose("/<int:entry_id>/rendre", methods=["POST"])
    def give_back(self, entry_id: int) -> Response:
        """Say that this debit returns a transfer that was allocated."""
        allocating.give_back(_entry(entry_id).id, number_of("affectation", 0), g.user.id)
        return _onward(entry_id, "Le retour est noté : la facture est de nouveau à régler.")

    @expose("/<int:entry_id>/mettre-a-part", methods=["POST"])
    def set_aside(self, entry_id: int) -> Response:
        """Set an entry aside that is for no invoice."""
        entry, form = _entry(entry_id), AsideForm(request.form)
        try:
            aside.set_aside(entry.id, form.reason.data or "", g.user.id)
        except ReasonNeeded as refusal:
            if entry.aside_at or allocating.left_of_entry(entry) != entry.amount:
                raise  # it moved meanwhile: the page has no such field any more
            form.reason.errors = [refusal.message]
            return self._page(entry, aside_form=form)
        return _onward(entry_id, "L’écriture est mise à part.")

    @expose("/<int:entry_id>/reprendre", methods=["POST"])
    def take_back(self, entry_id: int) -> Response:
        """Take back an entry that was set aside."""
        aside.take_back(_entry(entry_id).id, g.user.id)
        flash("L’écriture est de nouveau à affecter.", "success")
        return redirect(url_for("EntriesView.show", entry_id=entry_id))

    @expose("/<int:entry_id>/rembourser", methods=["POST"])
    def refund(self, entry_id: int) -> Response:
        """Note that what was left was refunded."""
        entry, form = _entry(entry_id), RefundForm(request.form)
        if not refunded(form, g.user.id, entry_id=entry.id):
            return self._page(entry, refund=form)
        flash("Le remboursement est noté.", "success")
        return redirect(url_for("EntriesView.show", entry_id=entry_id))

    @expose("/affectations/<int:allocation_id>/defaire", methods=["POST"])
    def undo(self, allocation_id: int) -> Response:
        """Undo an allocation."""
        allocating.undo(allocation_id, g.user.id)
        flash("L’affectation est défaite : elle reste visible, et ne compte plus.", "success")
        return redirect(
            request.form.get("retour", "") if _is_within(request.form.get("retour", "")) else "/encaissements/"
        )

    def _page(
        self,
        entry: BankEntry,
        faults: list[tuple[str, str]] | None = None,
        refund: RefundForm | None = None,
        aside_form: AsideForm | None = None,
    ) -> Response:
        left = allocating.left_of_entry(entry)
        drawn = self.render_template(
            "payments/entry.html",
            entry=entry,
            left=left,
            faults=faults or [],
            typed=request.form if faults else MultiDict(),
            allocations=reading.allocations_of(entry.id),
            suggestions=matching.suggestions(entry, left) if left > 0 and not entry.aside_at else [],
            returnable=reading.returnable(entry) if left < 0 and not entry.aside_at else [],
            refund=refund or RefundForm(data={"amount": left, "refunded_on": clock.today()}),
            aside=aside_form or AsideForm(),
            waiting=reading.waiting(),
            onward=reading.next_to_allocate(entry.id),
        )
        return make_response(drawn, 422 if faults or (refund and refund.errors) or aside_form else 200)


def _parts() -> tuple[list[Part], list[tuple[str, str]]]:
    """Return what was asked to be allocated, and what of it is badly typed: the field, the sentence."""
    parts: list[Part] = []
    faults: list[tuple[str, str]] = []
    for text in request.form.getlist("facture"):
        invoice_id = int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0
        form = ShareForm(MultiDict({"amount": request.form.get(f"montant-{invoice_id}", "")}))
        form.validate()
        if not form.amount.data:
            faults.append((f"montant-{invoice_id}", "Indiquez le montant affecté à cette facture, par exemple 91,22."))
        else:
            parts.append(Part(invoice_id, form.amount.data))
    other = ShareForm(request.form)
    other.validate()
    if (other.number.data or "").strip():
        invoice = reading.numbered(other.number.data or "")
        if invoice is None:
            faults.append(("number", UNKNOWN))
        if not other.amount.data:
            faults.append(("amount", "Indiquez le montant affecté à cette facture, par exemple 91,22."))
        if invoice is not None and other.amount.data:
            parts.append(Part(invoice.id, other.amount.data))
    if not parts and not faults:
        faults.append(("affecter", "Cochez une facture, ou indiquez le numéro d’une autre."))
    return parts, faults


def _onward(entry_id: int, said: str) -> Response:
    """Say what was done and lead to the next entry that waits, to the list where none does."""
    following = reading.next_to_allocate(entry_id)
    flash(f"{said} Voici l’écriture suivante." if following else f"{said} Plus aucune écriture n’attend.", "success")
    if following is None:
        return redirect(url_for("PaymentsView.index"))
    return redirect(url_for("EntriesView.show", entry_id=following))


def _is_within(address: str) -> bool:
    return address.startswith(("/encaissements/", "/facturation/")) and "//" not in address and "\\" not in address


def _entry(entry_id: int) -> BankEntry:
    return reading.entry(entry_id) or abort(404, "Cette écriture n’existe pas.")
