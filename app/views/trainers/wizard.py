"""Trainers and instructors by hand: the person, sectors and fee, checks; then the receipt. Each step is an address."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from flask import abort, flash, g, redirect, request, url_for
from flask_appbuilder import expose
from sqlalchemy import select
from werkzeug.wrappers import Response

from app.extensions import db
from app.models import Trainer
from app.models.centre import INVOICES, TRAINERS
from app.models.trainer import CANCELLED, PROFILES, REGISTERED
from app.services.billing import billed
from app.services.core import clock
from app.services.core.refusal import Refusal
from app.services.reference import pricing
from app.services.registration import receipts
from app.services.rights import access
from app.services.trainers import drafts as trainer_drafts
from app.services.trainers import notices as trainer_notices
from app.services.trainers import registration as trainer_registration
from app.services.trainers.drafts import PageRefused
from app.views.shell.base import Screen, current_centre_id, current_place, may, require_right
from app.views.shell.forms import put_remarks
from app.views.shell.reading import lead, number_of, told_shown, trainer_step

from .forms import PersonForm, TermsForm

STEPS = ("Personne", "Secteurs et redevance", "Contrôles")
NOT_FOUND = "Cet enregistrement n’existe pas, ou concerne un autre centre."


def trainer_or_404(key: str) -> Trainer:
    """Return the current centre's trainer of that key; another centre's is not found, like one that never was."""
    query = select(Trainer).where(Trainer.key == key, Trainer.centre_id == current_centre_id())
    row = db.session.execute(query).scalar_one_or_none()
    if row is None:
        abort(404, NOT_FOUND)
    return row


def draft_at(key: str, step: int = 1) -> Trainer:
    """Return the current centre's draft for a step, or lead to the first step that is not valid yet, or to its receipt."""
    require_right(TRAINERS)
    row = trainer_or_404(key)
    if row.state == REGISTERED:
        abort(lead(url_for("TrainersView.receipt", key=key)))
    if row.state == CANCELLED:
        flash("Cet enregistrement a été annulé : sa saisie a été supprimée.", "warning")
        abort(lead(url_for("SessionsView.index")))
    if (reached := trainer_drafts.step_of(row)) < step:
        abort(lead(trainer_step(row, reached)))
    return row


def registered(key: str) -> Trainer:
    """Return a trainer registered by the current centre, for who holds the right there, whatever became of the contract."""
    place = current_place()
    if place is None or not place.may(TRAINERS, clock.today()):
        abort(403, access.not_granted(TRAINERS))
    row = trainer_or_404(key)
    if row.state != REGISTERED:
        abort(lead(trainer_step(row, trainer_drafts.step_of(row))))
    return row


def around(row: Trainer) -> dict[str, Any]:
    """Return what the pages of a draft share."""
    return {
        "row": row,
        "who": trainer_drafts.who(row.profile),
        "steps": STEPS,
        "links": [trainer_step(row, step) for step in (1, 2, 3)],
        "fee": pricing.fee_told(clock.today()),
    }


class TrainersView(Screen):
    """`/formateurs/<key>/personne`, `/redevance`, `/controle`, `/recu`, and what they set off."""

    route_base = "/formateurs"
    class_permission_name = "CentreTrainers"

    @expose("/")
    def index(self) -> Response:
        """Lead to the list: the short address is the one people type."""
        return redirect(url_for("CentreTrainersView.list"))

    @expose("/<key>/personne", methods=["GET", "POST"])
    def person(self, key: str) -> Response | str | tuple[str, int]:
        """Step 1: who is registered."""
        row = draft_at(key)
        if request.method != "POST":
            return self._page("person", row, PersonForm(data=trainer_drafts.person_values(row)))
        form = PersonForm(request.form)
        try:
            trainer_drafts.save_person(row, form.values)
        except PageRefused as refusal:
            put_remarks(form, refusal.findings)
            return self._page("person", row, form), 422
        return redirect(trainer_step(row, 2))

    @expose("/<key>/personne/champ", methods=["POST"])
    def field(self, key: str) -> str:
        """Return what the rules say of one field that was just left; nothing is kept."""
        row, form, name = draft_at(key), PersonForm(request.form), request.form.get("champ", "")
        if name not in form:
            abort(400)
        _, findings = trainer_drafts.judge_person(row, form.values)
        put_remarks(form, [finding for finding in findings if finding.field == name])
        return str(self.render_template("registration/lines/field.html", field=form[name]))

    @expose("/<key>/redevance", methods=["GET", "POST"])
    def terms(self, key: str) -> Response | str | tuple[str, int]:
        """Step 2: the sectors, and who bears the fee."""
        row = draft_at(key, 2)
        if request.method != "POST":
            typed = {"order_number": row.order_number, "reference": row.reference, "sectors": row.sectors}
            return self._page("terms", row, TermsForm(data={**typed, "fee_borne": trainer_drafts.fee_word(row)}))
        form = TermsForm(request.form)
        try:
            trainer_drafts.save_terms(
                row,
                form.sectors.data or (),
                form.fee_borne.data or "",
                form.order_number.data or "",
                form.reference.data or "",
            )
        except PageRefused as refusal:
            put_remarks(form, refusal.findings)
            return self._page("terms", row, form), 422
        return redirect(trainer_step(row, 3))

    def _page(self, name: str, row: Trainer, form: PersonForm | TermsForm) -> str:
        return str(self.render_template(f"trainers/{name}.html", form=form, **around(row)))

    @expose("/<key>/controle")
    def checks(self, key: str) -> str:
        """Step 3: what the rules say, what will be billed, and what registering leads to."""
        return str(self.render_template("trainers/checks.html", **_checked(draft_at(key, 3))))

    @expose("/<key>/confirmation")
    def confirmation(self, key: str) -> Response | str:
        """Ask before registering, on a page of its own: the dialog of step 3 for those without scripts."""
        told = _checked(draft_at(key, 3))
        if not told["is_ready"]:
            return redirect(told["links"][2])
        return str(self.render_template("trainers/confirmation.html", **told))

    @expose("/<key>/enregistrer", methods=["POST"])
    def register(self, key: str) -> Response:
        """« Enregistrer »: open the right once, whatever is sent twice, and lead to its receipt."""
        row = draft_at(key)
        try:
            trainer_registration.register(row.id, number_of("version", -1), g.user.id, told_shown())
        except Refusal as refusal:
            flash(refusal.message, "danger")
            return redirect(url_for("TrainersView.checks", key=key))
        return redirect(url_for("TrainersView.receipt", key=key, nouveau=1))

    @expose("/<key>/annuler", methods=["GET", "POST"])
    def cancel(self, key: str) -> Response | str:
        """« Annuler »: ask on a page of its own (the dialog, without scripts), then forget what was typed."""
        row = draft_at(key)
        if request.method != "POST":
            return str(self.render_template("trainers/cancel.html", **around(row)))
        trainer_drafts.cancel(row.id, g.user.id)
        flash("L’enregistrement a été annulé : votre saisie a été supprimée, rien n’a été enregistré.", "success")
        return redirect(url_for("SessionsView.index"))

    @expose("/<key>/recu")
    def receipt(self, key: str) -> str:
        """Show the receipt: number, who, when, amount, and what became of the notice."""
        fresh = request.args.get("nouveau") == "1"
        return str(self.render_template("trainers/receipt.html", fresh=fresh, **_told(registered(key))))

    @expose("/<key>/recu/etat")
    def state(self, key: str) -> Response | str | tuple[str, int]:
        """Return what became of the notice where it changed since the one shown, else nothing (204)."""
        told = _told(registered(key))
        if told["notice"].state == request.args.get("vu"):
            return "", 204
        return str(self.render_template("trainers/notice.html", **told))

    @expose("/<key>/recu/prevenir", methods=["POST"])
    def notify(self, key: str) -> Response:
        """Tell the person again, at the address typed."""
        address = trainer_notices.send_again(registered(key).id, request.form.get("email", ""), g.user.id)
        flash(f"Le message part à l’adresse {address}.", "success")
        return redirect(url_for("TrainersView.receipt", key=key))


def _checked(row: Trainer) -> dict[str, Any]:
    """Return what step 3 and its confirmation say of a draft: findings, price, and whether it may be registered."""
    judged, told = trainer_drafts.judge(row), around(row)
    fee = told["fee"]
    quote = pricing.fee_quote(pricing.fee_borne(clock.today(), row.centre_id)) if row.fee_borne and fee else None
    return {
        **told,
        "judged": judged,
        "quote": quote,
        "billed": quote.total if quote else Decimal(0),
        "is_ready": not judged.errors and (quote is not None or not row.fee_borne),
    }


def _told(row: Trainer) -> dict[str, Any]:
    quote = (
        pricing.fee_quote(pricing.Fee(row.fee, row.vat_rate))
        if row.fee is not None and row.vat_rate is not None
        else None
    )
    notice = trainer_notices.state_of(row)
    return {
        "row": row,
        "who": PROFILES[row.profile].lower(),
        "quote": quote,
        "notice": notice,
        "code": receipts.code_of(row),
        "billed": billed.one(row.centre_id, billed.Ref(billed.FEE, row.id)),
        "may_bill": may(INVOICES),
    }
