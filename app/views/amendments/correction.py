"""« Corriger ou annuler »: the reason and the corrected line, then every effect in words, then the confirmation."""

from __future__ import annotations

from flask import abort, flash, g, make_response, redirect, request, url_for
from flask_appbuilder import expose
from sqlalchemy import select
from werkzeug.wrappers import Response

from app.extensions import db
from app.models import ErrorReport, Registration
from app.models.amendment import REASONS, REPLACING, REQUEST_STATES
from app.models.centre import REGISTER
from app.services.amendments import acts, money, orders, reports, requests, words
from app.services.amendments.acts import Who
from app.services.amendments.alone import last_day
from app.services.amendments.effects import Effects, LineRefused
from app.services.amendments.orders import Order
from app.services.core import clock
from app.services.core.refusal import Refusal
from app.validators.fields import loosen_date
from app.validators.remark import FIELDS
from app.views.shell.base import Screen, current_centre_id, require_right

ID = "<int:row_id>"
NOT_FOUND = "Cet enregistrement n’existe pas, ou concerne un autre centre."
#: Field of a line → its name, in the order of the screen: what is mistyped most often comes first.
ROWS = {
    "permit_number": "N° de permis",
    "birth_date": "Date de naissance",
    "last_name": "Nom",
    "first_name": "Prénom",
    "training_label": "Formation",
    "category": "Catégorie",
    "end_date": "Fin de formation",
    "order_number": "N° de commande",
    "reference": "Réf.",
}
REPLACE, CANCEL = "remplacer", "annuler"
_DATES = ("birth_date", "end_date")


class CorrectionView(Screen):
    """`/corrections/<id>/`, for who may register at the centre, and for agents."""

    route_base = "/corrections"
    default_view = "form"
    class_permission_name = "Corrections"

    @expose(f"/{ID}/")
    def form(self, row_id: int) -> str | Response:
        """Show the form, filled with the line as it was registered."""
        row = _registration(row_id)
        if not row.is_live:
            flash(acts.AlreadyCancelled.message, "warning")
            return redirect(_receipt(row))
        said = _said(row)
        if said is not None:
            typed, code = reports.proposed(said)
            return self._form(row, typed, code, "Signalé par le conducteur", {})
        return self._form(row, orders.as_typed(row).values(), "", "", {})

    @expose(f"/{ID}/effets", methods=["POST"])
    def effects(self, row_id: int) -> str | Response:
        """List every effect of what is asked for; nothing is done yet."""
        row = _registration(row_id)
        typed, code, reason = _typed(), request.form.get("reason_code", ""), request.form.get("reason", "")
        try:
            order = _order(row, typed, code, reason)
            return self._effects(row, order, acts.look(row, order, _who()))
        except LineRefused as refused:
            return _refused(self._form(row, typed, code, reason, _remarks(refused)))
        except Refusal as refusal:
            return _refused(self._form(row, typed, code, reason, {"": refusal.message}))

    @expose(f"/{ID}/confirmer", methods=["POST"])
    def confirm(self, row_id: int) -> str | Response:
        """Do it, if the effects are still those that were shown; else show them again."""
        row = _registration(row_id)
        order = _order(row, _typed(), request.form.get("reason_code", ""), request.form.get("reason", ""))
        try:
            outcome = acts.amend(order, _who(), shown=request.form.get("version", ""))
        except (acts.Changed, acts.NeedsAgent) as refusal:
            flash(refusal.message, "warning")
            return _refused(self._effects(row, order, acts.look(row, order, _who())), 409)
        except acts.AlreadyCancelled as refusal:
            flash(refusal.message, "warning")
            return redirect(_receipt(row))
        flash("L’enregistrement est remplacé." if outcome.new else "L’enregistrement est annulé.", "success")
        if outcome.new and not g.user.is_agent:
            return redirect(url_for("ReceiptView.show", key=outcome.batch_key))
        return redirect(_receipt(row))

    @expose(f"/{ID}/demander", methods=["POST"])
    def ask(self, row_id: int) -> Response:
        """Hand a correction that the centre may not make alone to an agent."""
        row = _registration(row_id)
        order = _order(row, _typed(), request.form.get("reason_code", ""), request.form.get("reason", ""))
        requests.ask(order, _who())
        flash("Votre demande est envoyée : un agent la décide et vous répond par courriel.", "success")
        return redirect(url_for("CorrectionView.form", row_id=row.id))

    @expose(f"/{ID}/retirer", methods=["POST"])
    def withdraw(self, row_id: int) -> Response:
        """Take back the request that waits."""
        row = _registration(row_id)
        waiting = requests.open_of(row.id)
        if waiting is None:
            raise requests.AlreadyDecided
        requests.withdraw(waiting.id, g.user.id)
        flash("Votre demande de correction est retirée.", "success")
        return redirect(url_for("CorrectionView.form", row_id=row.id))

    def _form(self, row: Registration, typed: dict[str, str], code: str, reason: str, remarks: dict[str, str]) -> str:
        until = last_day(row)
        page: str = self.render_template(
            "amendments/form.html",
            row=row,
            rows=ROWS,
            old=orders.as_typed(row).values(),
            typed=typed,
            code=code,
            reason=reason,
            remarks=remarks,
            reasons=REASONS,
            replacing=REPLACING,
            until=until,
            days_left=(until - clock.today()).days,
            waiting=requests.last_of(row.id),
            states=REQUEST_STATES,
        )
        return page

    def _effects(self, row: Registration, order: Order, found: Effects) -> str:
        agent = g.user.is_agent
        page: str = self.render_template(
            "amendments/effects.html",
            row=row,
            order=order,
            effects=found,
            rows=ROWS,
            agent=agent,
            old=orders.as_typed(row).values(),
            new=order.line.values() if order.line else {},
            sentences=words.sentences(found, agent=agent),
            why=words.why_agent(found) if agent else [],
            needs_agent=bool(found.needs_agent) and not agent,
            reason_words=REASONS[order.reason_code],
            gives_back=money.gives_back(order.reason_code),
            fields=FIELDS,
            waiting=requests.open_of(row.id),
        )
        return page


def _registration(row_id: int) -> Registration:
    """Return the current centre's registration, any for an agent; another centre's is not found."""
    query = select(Registration).where(Registration.id == row_id)
    if not g.user.is_agent:
        require_right(REGISTER)
        query = query.where(Registration.centre_id == current_centre_id())
    return db.session.execute(query).scalar_one_or_none() or abort(404, NOT_FOUND)


def _said(row: Registration) -> ErrorReport | None:
    """Return what the driver says of a registration, where the form was asked for with it and it still waits."""
    said = reports.open_of(row.id)
    return said if said is not None and request.args.get("signalement") == str(said.id) else None


def _who() -> Who:
    agent_id = g.user.id if g.user.is_agent else None
    return Who(g.user.id, agent_id, credit=credit_chosen() if agent_id else None)


def credit_chosen() -> bool | None:
    """Return whether an agent wants the credit note that the form offers; None where it offered none."""
    return request.form.get("credit") == "oui" if "credit_asked" in request.form else None


def _typed() -> dict[str, str]:
    """Return the nine fields as typed, dates in the form that the rules know."""
    typed = {field: request.form.get(field, "").strip() for field in FIELDS}
    return {field: loosen_date(text) if field in _DATES else text for field, text in typed.items()}


def _order(row: Registration, typed: dict[str, str], code: str, reason: str) -> Order:
    replaces = request.form.get("act") == REPLACE
    return orders.order(row, code, reason, typed if replaces else None)


def _remarks(refused: LineRefused) -> dict[str, str]:
    """Return field → the first error said of it; what concerns no field stands under the empty name."""
    told: dict[str, str] = {}
    for remark in refused.row.remarks:
        if remark.severity == "error":
            told.setdefault(remark.field or "", remark.message)
    return told


def _refused(page: str, code: int = 422) -> Response:
    return make_response(page, code)


def _receipt(row: Registration) -> str:
    if g.user.is_agent:
        return url_for("RegistrationsView.show", pk=row.id)
    return url_for("ReceiptView.show", key=row.batch.key)
