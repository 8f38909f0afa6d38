"""« Corriger l’identité »: what changes and why, then every effect in words, then the confirmation."""

from __future__ import annotations

from typing import Any

from flask import abort, flash, g, make_response, redirect, request, url_for
from flask_appbuilder import expose
from werkzeug.wrappers import Response
from wtforms import RadioField, TextAreaField
from wtforms.validators import InputRequired

from app.extensions import db
from app.models import Driver
from app.models.driver import Change
from app.services.core.reason import REASON_MAX
from app.services.core.refusal import Refusal
from app.services.identities import correcting, merging, words
from app.services.identities.correcting import Effects, Known, Order
from app.views.shell.base import Screen
from app.views.shell.forms import IdentityForm

ID = "<int:row_id>"
NOT_FOUND = "Ce conducteur n’existe pas."
#: Column → its name, in the order of the screen.
ROWS = {
    "last_name": "Nom",
    "first_name": "Prénom",
    "birth_date": "Date de naissance",
    "permit_number": "N° de permis",
}
HINTS = {
    Change.CHANGE: "L’ancien numéro mène toujours à ce conducteur.",
    Change.ERROR: "L’ancienne valeur ne mène plus à lui, car elle peut être celle d’un autre.",
}


class CorrectionForm(IdentityForm):
    """The identity as it is to be, which kind of correction it is, and why."""

    kind = RadioField(
        "Pourquoi la corriger",
        [InputRequired("Dites si l’identité a changé ou si elle était fausse.")],
        choices=list(Change.labels().items()),
    )
    reason = TextAreaField("Motif", [InputRequired(correcting.MISSING)])


class IdentityCorrectionView(Screen):
    """`/conducteurs/<id>/identite`"""

    route_base = "/conducteurs"
    default_view = "form"
    class_permission_name = "Identities"

    @expose(f"/{ID}/identite")
    def form(self, row_id: int) -> str | Response:
        """Show the form, filled with the identity of today."""
        driver = driver_or_404(row_id)
        if driver.same_as_id is not None:
            return redirect(url_for("IdentityCorrectionView.form", row_id=driver.same_as_id))
        return self._form(driver, CorrectionForm(data=_typed(driver)))

    @expose(f"/{ID}/identite/effets", methods=["POST"])
    def effects(self, row_id: int) -> str | Response:
        """List every effect of what is asked for; nothing is done yet."""
        driver, form = driver_or_404(row_id), CorrectionForm(request.form)
        found = _judged(driver, form)
        return self._form(driver, form) if found is None else self._effects(driver, form, found)

    @expose(f"/{ID}/identite/confirmer", methods=["POST"])
    def confirm(self, row_id: int) -> str | Response:
        """Do it, if the effects are still those that were shown; else show them again."""
        driver, form = driver_or_404(row_id), CorrectionForm(request.form)
        found = _judged(driver, form)
        if found is None:
            return self._form(driver, form)
        try:
            correcting.correct(found.order, g.user.id, shown=request.form.get("version", ""))
        except merging.Changed as refusal:
            flash(refusal.message, "warning")
            again = _judged(driver_or_404(row_id), form)
            return self._form(driver, form) if again is None else self._effects(driver, form, again, 409)
        flash(
            "L’identité est corrigée ; l’ancienne reste conservée et mène à ce conducteur dans les recherches.",
            "success",
        )
        return redirect(url_for("DriversView.show", pk=row_id))

    def _form(self, driver: Driver, form: CorrectionForm) -> Response:
        page = self.render_template(
            "identities/correct.html",
            driver=driver,
            form=form,
            known=getattr(form, "known", None),
            hints=HINTS,
            reason_max=REASON_MAX,
        )
        return make_response(page, 422 if form.errors else 200)

    def _effects(self, driver: Driver, form: CorrectionForm, found: Effects, code: int = 200) -> Response:
        page = self.render_template(
            "identities/correct_effects.html",
            driver=driver,
            form=form,
            found=found,
            rows=ROWS,
            old=_typed(driver),
            new={field: _text(value) for field, value in found.order.identity.values.items()},
            sentences=words.of_correction(found),
            kind_words=Change.labels()[found.order.kind],
        )
        return make_response(page, code)


def driver_or_404(row_id: int) -> Driver:
    """Return a driver, or an identity that leads to one; 404 where there is none."""
    return db.session.get(Driver, row_id) or abort(404, NOT_FOUND)


def _judged(driver: Driver, form: CorrectionForm) -> Effects | None:
    """Return the effects of what the form asks for; None where something is wrong, which is said on the form."""
    if not form.validate():
        return None
    try:
        return correcting.look(_order(driver, form))
    except Known as refusal:
        form.known = refusal.other_id
        form.permit_number.errors = [refusal.message]
    except Refusal as refusal:
        form.form_errors = [refusal.message]
    return None


def _order(driver: Driver, form: CorrectionForm) -> Order:
    return correcting.order(driver, form.kind.data, form.reason.data, form.identity)


def _typed(driver: Driver) -> dict[str, str]:
    return {field: _text(getattr(driver, field)) for field in ROWS}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else f"{value:%d/%m}/{value.year:04d}"
