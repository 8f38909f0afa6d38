"""« Facturation », for agents: what the month will bill, and the drafts of a month, held and why."""

from __future__ import annotations

from datetime import date

from flask import abort, flash, g, redirect, request, url_for
from flask_appbuilder import expose
from werkzeug.wrappers import Response

from app.french.words import of
from app.models import Invoice
from app.models.billing.runs import RunState
from app.services.billing import drafts, estimates, holding, months
from app.services.core import clock
from app.services.core.narrowing import page_at
from app.services.core.numbers import count_of
from app.services.deposits import platforms, watching
from app.services.invoicing import asked, reading, running
from app.services.payments import settlement
from app.views.shell.base import Screen
from app.views.shell.reading import month_of, number_of


class BillingView(Screen):
    """`/facturation/`"""

    route_base = "/facturation"
    default_view = "index"
    class_permission_name = "Billing"

    @expose("/")
    def index(self) -> str:
        """Show a month: its estimate while it runs, its drafts once it is over."""
        today = clock.today()
        month = _month()
        is_current = month == months.first_of(today)
        built = drafts.of_month(months.last_of(month))
        only_held = request.args.get("voir") == "retenues"
        found = estimates.of_all() if is_current else []
        only_troubled = request.args.get("voir") == "depots"
        issued = _issued(months.last_of(month), only_troubled=only_troubled)
        page, page_count = page_at(number_of("page"), len(found), estimates.PAGE)
        page_: str = self.render_template(
            "billing/office.html",
            month=month,
            name=months.name_of(month),
            before=months.before(month),
            after=None if is_current else months.after(month),
            is_current=is_current,
            built=built,
            reasons=drafts.held(month),
            only_held=only_held,
            drafts=drafts.listing(number_of("brouillons"), last=months.last_of(month), only_held=only_held),
            found=found[(page - 1) * estimates.PAGE : page * estimates.PAGE],
            centres=len(found),
            net=sum((one.net for _, one in found), built.net * 0),
            page=page,
            page_count=page_count,
            run=running.of(month),
            run_states=RunState.labels(),
            progress=reading.month(months.last_of(month)),
            unproved=reading.refused(months.last_of(month)),
            issued=issued,
            settled=settlement.of([one.id for one in issued.rows]),
            only_troubled=only_troubled,
            ways=watching.transports(issued.rows),
            deposits=watching.month(months.last_of(month)),
            platform_notice=platforms.notice(),
            cure=_cure,
        )
        return page_

    @expose("/construire", methods=["POST"])
    def build(self) -> Response:
        """Make the drafts of a month, or bring them up to date."""
        month = _month()
        built = drafts.build(month)
        flash(
            f"Les brouillons {of(months.name_of(month))} sont à jour : {built.drafts}, dont {count_of(built.held, 'retenu')}.",
            "success",
        )
        return redirect(_address(month))

    @expose("/emettre", methods=["POST"])
    def issue(self) -> Response:
        """Have all that is ready of a month issued, by the worker."""
        month = _month()
        if months.last_of(month) >= clock.today():
            raise drafts.NotYet
        asked.ask(g.user.id, month=month)
        flash(
            "L’émission est demandée : chaque facture prête est prouvée, puis numérotée. Rechargez pour suivre.",
            "success",
        )
        return redirect(_address(month))

    @expose("/brouillons/<key>/emettre", methods=["POST"])
    def issue_one(self, key: str) -> Response:
        """Have one draft issued, by the worker."""
        found = _draft(key)
        if found.held_reason:
            raise holding.Moved
        asked.ask(g.user.id, invoice_id=found.id)
        flash(
            "L’émission est demandée : la facture est prouvée, puis numérotée. Elle quitte alors les brouillons.",
            "success",
        )
        return redirect(_address(months.first_of(found.period_end)))

    @expose("/brouillons/<key>")
    def draft(self, key: str) -> str:
        """Show one draft, line by line, with what holds it."""
        found = _draft(key)
        page: str = self.render_template(
            "billing/draft_office.html", draft=found, month=months.name_of(found.period_end)
        )
        return page

    @expose("/brouillons/<key>/retenir", methods=["POST"])
    def hold(self, key: str) -> Response:
        """Hold a draft, for a reason."""
        holding.hold(_draft(key).id, g.user.id, request.form.get("reason", ""))
        flash("La facture est retenue.", "success")
        return redirect(url_for("BillingView.draft", key=key))

    @expose("/brouillons/<key>/liberer", methods=["POST"])
    def free(self, key: str) -> Response:
        """Free a draft that an agent holds."""
        holding.free(_draft(key).id, g.user.id)
        flash("La facture n’est plus retenue par un agent.", "success")
        return redirect(url_for("BillingView.draft", key=key))


def _issued(last: date, *, only_troubled: bool) -> reading.Page:
    """Return a page of what was issued of a month; ``only_troubled``: what failed on its way, or was refused."""
    only = (watching.in_trouble(last),) if only_troubled else ()
    return reading.issued(number_of("emises"), last=last, only=only)


def _cure(draft: Invoice) -> tuple[str, str]:
    """Return what mends a draft that is held, or that the proof refused: the words of the link, its address."""
    if draft.held_by_id:
        return "Libérer", url_for("BillingView.draft", key=draft.key, _anchor="t-retenue")
    if holding.waits_for_vat(draft):
        return "Confirmer la TVA", url_for("VatRegimesView.list", _flt_0_waits="oui")
    if draft.held_reason:
        return "Compléter", url_for("CentreBillingView.index", centre_id=draft.centre_id)
    if draft.findings:
        return "Corriger la fiche", url_for("CentreBillingView.index", centre_id=draft.centre_id)
    return "Émettre", url_for("BillingView.draft", key=draft.key, _anchor="t-emettre")


def _month() -> date:
    """Return the month asked for, the current one by default."""
    return month_of("mois", clock.today())


def _address(month: date) -> str:
    return url_for("BillingView.index", mois=f"{month:%Y-%m}")


def _draft(key: str) -> Invoice:
    return drafts.find(key) or abort(404, "Ce brouillon n’existe pas, ou n’existe plus.")
