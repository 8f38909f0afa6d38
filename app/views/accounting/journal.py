"""« Comptabilité », for agents: the sales journal of a month, its files, and its closing."""

from __future__ import annotations

from flask import abort, flash, g, make_response, redirect, url_for
from flask_appbuilder import expose
from werkzeug.wrappers import Response

from app.services.accounting import periods
from app.services.accounting.formats import Format
from app.services.billing import missing, months
from app.services.core import clock
from app.services.core.numbers import count_of
from app.views.shell.base import Screen
from app.views.shell.reading import month_of, number_of

#: Media types of the files; both are text.
TYPES = {Format.FEC: "text/plain; charset=us-ascii", Format.CSV: "text/csv; charset=utf-8"}


class SalesJournalView(Screen):
    """`/comptabilite/`"""

    route_base = "/comptabilite"
    default_view = "index"
    class_permission_name = "Billing"

    @expose("/")
    def index(self) -> str:
        """Show a month of the journal: accounts, entries, whether it is closed."""
        today = clock.today()
        month = month_of("mois", months.before(today))
        page: str = self.render_template(
            "accounting/journal.html",
            shown=periods.show(month, number_of("page")),
            month=month,
            name=months.name_of(month),
            name_of=months.name_of,
            before=months.before(month),
            after=months.after(month) if months.after(month) <= today else None,
            is_over=months.last_of(month) < today,
            seller=missing.seller_on(today),
        )
        return page

    @expose("/export/<kind>")
    def export(self, kind: str) -> Response:
        """Send the file of a month: `fec` or `csv`."""
        month = month_of("mois", months.before(clock.today()))
        found = {one.value: one for one in Format}.get(kind)
        if found is None:
            abort(404, "Le journal s’exporte en FEC ou en CSV.")
        response = make_response(periods.export(found, month))
        response.headers["Content-Type"] = TYPES[found]
        response.headers["Content-Disposition"] = f'attachment; filename="{periods.file_name(found, month)}"'
        response.headers["Cache-Control"] = "private, no-store"
        return response

    @expose("/cloturer", methods=["POST"])
    def close(self) -> Response:
        """Close a month for ever."""
        month = month_of("mois", months.before(clock.today()))
        closed = periods.close(month, g.user.id)
        count = count_of(closed.entries, "écriture", "écritures")
        flash(f"{months.name_of(month).capitalize()} est clôturé, avec {count} : rien n’en change plus.", "success")
        return redirect(url_for("SalesJournalView.index", mois=f"{month:%Y-%m}"))
