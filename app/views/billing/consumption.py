"""« Consommation »: what each order number has cost, and the ceilings that the centre sets."""

from __future__ import annotations

from flask import flash, g, make_response, redirect, request, url_for
from flask_appbuilder import expose
from werkzeug.wrappers import Response

from app.models.centre import INVOICES
from app.services.accounting import consumption
from app.services.billing import ceilings
from app.services.core.narrowing import page_at
from app.views.shell.base import Screen, current_centre_id
from app.views.shell.reading import number_of

from .forms import CeilingForm


class ConsumptionView(Screen):
    """`/consommation/`, for legal representatives and who holds the right « factures »."""

    route_base = "/consommation"
    default_view = "index"
    class_permission_name = "Invoices"
    right, heading = INVOICES, "Consommation"

    @expose("/")
    def index(self) -> Response:
        """Show order numbers, those with a ceiling first, and the form of a ceiling: of a number, as it stands."""
        number = request.args.get("commande", "")[:50]
        row = ceilings.budget(current_centre_id(), number)
        return self._page(CeilingForm(obj=row) if row else CeilingForm(data={"order_number": number}))

    @expose("/plafond", methods=["POST"])
    def save(self) -> Response:
        """Set the ceiling of an order number."""
        form = CeilingForm(request.form)
        form.validate()  # a number or a day badly written is said in the field's own words
        try:
            if not form.errors:
                period = ceilings.Period(form.valid_from.data, form.valid_to.data)
                number, blocking = form.order_number.data or "", form.blocking.data
                ceilings.set_ceiling(current_centre_id(), number, form.ceiling.data, blocking, g.user.id, period)
        except ceilings.BadCeiling as refusal:
            form[refusal.field].errors = [refusal.message]
        if form.errors:
            return self._page(form)
        flash(f"Le plafond de la commande {form.order_number.data} est enregistré.", "success")
        return redirect(url_for("ConsumptionView.index"))

    @expose("/plafond/retirer", methods=["POST"])
    def remove(self) -> Response:
        """Take the ceiling of an order number away."""
        number = request.form.get("commande", "")
        ceilings.remove(current_centre_id(), number, g.user.id)
        flash(f"La commande {number} n’a plus de plafond.", "success")
        return redirect(url_for("ConsumptionView.index"))

    def _page(self, form: CeilingForm) -> Response:
        found = ceilings.uses(current_centre_id())
        page, page_count = page_at(number_of("page"), len(found), ceilings.PAGE)
        shown = found[(page - 1) * ceilings.PAGE : page * ceilings.PAGE]
        drawn = self.render_template(
            "billing/consumption.html",
            form=form,
            total=len(found),
            found=shown,
            settled=consumption.settled(current_centre_id(), [one.order_number for one in shown]),
            nothing=consumption.NOTHING,
            page=page,
            page_count=page_count,
        )
        return make_response(drawn, 422 if form.errors else 200)
