"""« Facturer sous un autre numéro de commande »: lines of a draft, of an invoice to come, of a receipt, or one alone."""

from __future__ import annotations

from typing import Any

from flask import abort, flash, g, make_response, redirect, request, url_for
from flask_appbuilder import expose
from werkzeug.wrappers import Response

from app.models.centre import INVOICES
from app.services.billing import billed, drafts, months, orders
from app.services.billing.billed import Page
from app.services.billing.orders import Chosen
from app.services.core.numbers import count_of
from app.views.shell.base import Screen, batch_or_404, current_centre_id
from app.views.shell.reading import number_of

from .forms import OrderForm

NOT_FOUND = "Cette ligne n’existe pas, ou concerne un autre centre."
#: What names the lines that a page shows, one of them: a draft, an order number, a receipt, a line.
SOURCES = ("brouillon", "commande", "recu", "seule")


class OrderNumbersView(Screen):
    """`/factures/lignes`, for legal representatives and who holds the right « factures »."""

    route_base = "/factures/lignes"
    default_view = "index"
    class_permission_name = "Invoices"
    right, heading = INVOICES, "Numéros de commande facturés"

    @expose("/")
    def index(self) -> str:
        """Show the lines, each with its own order number and the one it is billed under."""
        shown = _shown()
        form = OrderForm()
        if shown["alone"]:
            form = OrderForm(data={"order_number": shown["alone"].number, "reference": shown["alone"].reference})
        return self._page(shown, form, [])

    @expose("/facturer", methods=["POST"])
    def bill(self) -> Response:
        """Bill the lines chosen under another order number."""
        form, alone = OrderForm(request.form), request.form.get("seule", "")
        typed = form.reference.data or ""
        try:
            count = orders.bill_under(
                current_centre_id(),
                _chosen(),
                form.order_number.data or "",
                g.user.id,
                reference=typed if alone or typed.strip() else None,
            )
        except orders.BadNumber as refusal:
            form[refusal.field].errors = [refusal.message]
            return make_response(self._page(_shown(), form, request.form.getlist("ligne")), 422)
        except orders.NoneChosen as refusal:
            form.order_number.errors = [refusal.message]
            return make_response(self._page(_shown(), form, []), 422)
        except LookupError:
            abort(404, NOT_FOUND)
        said = count_of(count, "ligne est facturée", "lignes sont facturées")
        flash(
            f"{said} comme demandé. Les enregistrements gardent leur propre numéro."
            if count
            else "Ces lignes sont déjà facturées ainsi : rien n’a changé.",
            "success",
        )
        return redirect(_back())

    @expose("/retablir", methods=["POST"])
    def restore(self) -> Response:
        """Bill the lines chosen under their own order numbers again."""
        try:
            count = orders.restore(current_centre_id(), _chosen(), g.user.id)
        except LookupError:
            abort(404, NOT_FOUND)
        said = count_of(count, "ligne est de nouveau facturée", "lignes sont de nouveau facturées")
        flash(
            f"{said} sous son propre numéro de commande."
            if count == 1
            else f"{said} sous leur propre numéro de commande."
            if count
            else "Ces lignes sont déjà facturées sous leur propre numéro de commande : rien n’a changé.",
            "success",
        )
        return redirect(_back())

    @expose("/reunir", methods=["POST"])
    def unite(self) -> Response:
        """« Facturer sous le même numéro »: the lines of order numbers nearly the same, under one of them."""
        kept, draft = request.form.get("garder", ""), request.form.get("brouillon", "")
        chosen = Chosen(draft=draft, to_come=None if draft else request.form.get("commande", ""), together=True)
        count = orders.bill_under(current_centre_id(), chosen, kept, g.user.id)
        said = count_of(count, "ligne a changé de numéro", "lignes ont changé de numéro")
        flash(f"Tout est facturé sous la commande {kept} : {said}.", "success")
        return redirect(url_for("InvoicesView.index"))

    def _page(self, shown: dict[str, Any], form: OrderForm, ticked: list[str]) -> str:
        page: str = self.render_template("billing/lines.html", form=form, ticked=ticked, **shown)
        return page


def _source() -> dict[str, str]:
    """Return what the request names: one of `SOURCES`, with its value."""
    return {name: request.values[name] for name in SOURCES if request.values.get(name)}


def _shown() -> dict[str, Any]:
    """Return the lines that the request names, and what the page says of them; 404 for what is not the centre's."""
    centre_id, page = current_centre_id(), number_of("page")
    source = _source()
    if "seule" in source:
        return _alone(centre_id, source["seule"])
    if "brouillon" in source:
        draft = drafts.find(source["brouillon"], centre_id)
        if draft is None:
            abort(404, "Ce brouillon n’existe plus, ou concerne un autre centre.")
        title = f"Commande {draft.order_number}, {months.name_of(draft.period_end)}"
        return _told(
            billed.of_draft(draft, page),
            title,
            url_for("InvoicesView.show", key=draft.key),
            {"brouillon": draft.key},
        )
    if "recu" in source:
        batch = batch_or_404(source["recu"])
        back = url_for("ReceiptView.show", key=batch.key)
        return _told(billed.of_receipt(batch, page), f"Reçu {batch.receipt_number}", back, {"recu": batch.key})
    number = source.get("commande", "")
    found = billed.of_estimate(centre_id, number, page)
    if not found.total:
        abort(404, "Rien n’est à facturer sous ce numéro de commande.")
    return _told(found, f"Commande {number}", url_for("InvoicesView.estimate", commande=number), {"commande": number})


def _alone(centre_id: int, text: str) -> dict[str, Any]:
    ref = billed.read(text)
    line = billed.one(centre_id, ref) if ref else None
    if line is None:
        abort(404, NOT_FOUND)
    told = _told(Page([line], 1, 1, 1), f"{line.name}, {line.label}", url_for("InvoicesView.index"), {"seule": text})
    standing, key = billed.standing(line)
    return {**told, "alone": line, "standing": standing, "draft_key": key}


def _told(page: Page, title: str, back: str, source: dict[str, str]) -> dict[str, Any]:
    return {
        "found": page,
        "title": title,
        "back": back,
        "source": source,
        "alone": None,
        "standing": None,
        "standings": billed.Standing,
        "draft_key": "",
    }


def _chosen() -> Chosen:
    """Return the lines that the form chooses: those ticked, as they were shown, or all of what the page is about."""
    source = _source()
    if request.form.get("toutes") and "seule" not in source:
        batch_id = batch_or_404(source["recu"]).id if "recu" in source else None
        return Chosen(draft=source.get("brouillon", ""), to_come=source.get("commande"), batch_id=batch_id)
    shown = {}
    for text in request.form.getlist("ligne"):
        name, _, mark = text.partition(".")
        ref = billed.read(name)
        if ref is None:
            abort(404, NOT_FOUND)
        shown[ref] = mark
    return Chosen(shown=shown)


def _back() -> str:
    """Return the page to come back to: the lines, while there are any; a draft that is empty now is gone."""
    source, centre_id = _source(), current_centre_id()
    if "brouillon" in source and drafts.find(source["brouillon"], centre_id) is None:
        return url_for("InvoicesView.index")
    if "commande" in source and not billed.of_estimate(centre_id, source["commande"], 1).total:
        return url_for("InvoicesView.index")
    values: dict[str, Any] = {**source}
    return url_for("OrderNumbersView.index", **values)
