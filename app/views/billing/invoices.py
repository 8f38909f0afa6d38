"""« Factures »: what a centre was billed, the drafts of months that are over, what this month will bill."""

from __future__ import annotations

import io

from flask import abort, g, request
from flask_appbuilder import expose
from werkzeug.wrappers import Response

from app.models import Invoice
from app.models.billing.invoices import ORDER_MAX
from app.models.centre import INVOICES
from app.services.billing import drafts, estimates, missing, months, near, profiles
from app.services.core import clock
from app.services.core.narrowing import page_at
from app.services.core.transaction import transaction
from app.services.deposits import platforms, watching
from app.services.invoicing import detail, reading
from app.services.payments import settlement
from app.services.reporting import sheets
from app.views.shell.base import Screen, current_centre_id, place_or_403
from app.views.shell.files import workbook
from app.views.shell.reading import number_of

from . import files
from .issued import told


class InvoicesView(Screen):
    """`/factures/`, for legal representatives and who holds the right « factures »."""

    route_base = "/factures"
    default_view = "index"
    class_permission_name = "Invoices"
    right, heading = INVOICES, "Factures"

    @expose("/")
    def index(self) -> str:
        """Show the estimate of the month, order number by order number, and the drafts."""
        place, order = place_or_403(), request.args.get("commande", "")[:ORDER_MAX]
        found = estimates.of_centre(place.centre_id)
        page, page_count = page_at(number_of("page"), len(found), estimates.PAGE)
        issued = reading.issued(number_of("emises"), centre_id=place.centre_id, order=order)
        shown = drafts.listing(number_of("brouillons"), centre_id=place.centre_id)
        page_: str = self.render_template(
            "billing/invoices.html",
            centre=place.centre,
            month=months.name_of(clock.today()),
            sum=estimates.add(found),
            found=found[(page - 1) * estimates.PAGE : page * estimates.PAGE],
            page=page,
            page_count=page_count,
            alike=estimates.alike([one.order_number for one in found]),
            drafts=shown,
            issued=issued,
            settled=settlement.of([one.id for one in issued.rows]),
            ways=watching.transports(issued.rows),
            platform_notice=platforms.notice(),
            order=order,
            name_of=months.name_of,
            lacking=missing.of_profile(place.centre, profiles.of(place.centre)),
        )
        return page_

    @expose("/estimation")
    def estimate(self) -> str:
        """Show the invoice to come of one order number."""
        found = estimates.of_order(current_centre_id(), request.args.get("commande", ""))
        if found is None:
            abort(404, "Rien n’est à facturer sous ce numéro de commande.")
        page: str = self.render_template(
            "billing/estimate.html",
            one=found,
            rows=found.rows(),
            month=months.name_of(clock.today()),
            near=near.to_come(found.centre_id, found.order_number),
        )
        return page

    @expose("/<key>")
    def show(self, key: str) -> str:
        """Show an issued invoice, or one draft, line by line."""
        invoice = reading.find(key, current_centre_id())
        if invoice is not None:
            issued_: str = self.render_template("billing/issued.html", **told(invoice))
            return issued_
        draft = drafts.find(key, current_centre_id())
        if draft is None:
            abort(404, "Cette facture n’existe pas, ou concerne un autre centre.")
        page: str = self.render_template(
            "billing/draft.html", draft=draft, month=months.name_of(draft.period_end), near=near.of_draft(draft)
        )
        return page

    @expose("/<key>/detail")
    def detail(self, key: str) -> str:
        """Show who an issued invoice is about."""
        invoice = _invoice(key)
        page: str = self.render_template(
            "billing/detail.html", invoice=invoice, found=detail.page(invoice, number_of("page"))
        )
        return page

    @expose("/<key>/detail.xlsx")
    def workbook(self, key: str) -> Response:
        """Send the same as a file."""
        invoice, target = _invoice(key), io.BytesIO()
        with transaction():
            count = sheets.write(sheets.XLSX, detail.HEADS, detail.rows(invoice), target)
            detail.note(invoice, g.user.id, count)
        return workbook(target.getvalue(), f"{invoice.public_number}-detail.xlsx")

    @expose("/<key>/pdf")
    def pdf(self, key: str) -> Response:
        """Send the PDF of an issued invoice."""
        return files.pdf(_invoice(key))

    @expose("/<key>/xml")
    def xml(self, key: str) -> Response:
        """Send its XML."""
        return files.xml(_invoice(key))


def _invoice(key: str) -> Invoice:
    found = reading.find(key, current_centre_id())
    return found or abort(404, "Cette facture n’existe pas, ou concerne un autre centre.")
