"""« Rapprochement », for agents: registered, invoiced and paid, month by month and centre by centre, explained to the line."""

from __future__ import annotations

from flask import abort
from flask_appbuilder import expose

from app.extensions import db
from app.models import Centre
from app.services.accounting import explaining, reconciling
from app.services.billing import months
from app.services.core import clock
from app.services.invoicing import reading
from app.services.payments import settlement
from app.views.shell.base import Screen
from app.views.shell.reading import month_of, number_of, word_of


class ReconciliationView(Screen):
    """`/comptabilite/rapprochement/`"""

    route_base = "/comptabilite/rapprochement"
    default_view = "index"
    class_permission_name = "Billing"

    @expose("/")
    def index(self) -> str:
        """Show a month: all centres added up, then each; those not explained first."""
        month, today = month_of("mois", months.before(clock.today())), clock.today()
        page: str = self.render_template(
            "accounting/reconciliation.html",
            found=reconciling.listing(month, number_of("page")),
            month=month,
            name=months.name_of(month),
            before=months.before(month),
            after=months.after(month) if months.after(month) <= today else None,
        )
        return page

    @expose("/<int:centre_id>")
    def show(self, centre_id: int) -> str:
        """Show the month of one centre, step by step, with its invoices."""
        centre, month = _centre(centre_id), month_of("mois", months.before(clock.today()))
        issued = reading.issued(number_of("page"), centre_id=centre.id, last=months.last_of(month))
        page: str = self.render_template(
            "accounting/centre.html",
            one=reconciling.of_centre(month, centre.id),
            centre=centre,
            month=month,
            name=months.name_of(month),
            issued=issued,
            settled=settlement.of(one.id for one in issued.rows),
        )
        return page

    @expose("/<int:centre_id>/lignes")
    def lines(self, centre_id: int) -> str:
        """Show the lines behind one figure."""
        centre, month = _centre(centre_id), month_of("mois", months.before(clock.today()))
        what = word_of("motif", explaining.TITLES) or abort(400, "Dites de quel écart voir les lignes.")
        page: str = self.render_template(
            "accounting/lines.html",
            found=explaining.lines(month, centre.id, what, number_of("page")),
            title=explaining.TITLES[what],
            what=what,
            centre=centre,
            month=month,
            name=months.name_of(month),
        )
        return page


def _centre(centre_id: int) -> Centre:
    return db.session.get(Centre, centre_id) or abort(404, "Ce centre n’existe pas.")
