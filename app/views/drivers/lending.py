"""« Mes partages »: what a driver lends to see, for how long, and who-knows-when it was looked at; the link, shown once."""

from __future__ import annotations

import segno
from flask import abort, current_app, flash, g, make_response, redirect, request, url_for
from flask_appbuilder import expose
from werkzeug.wrappers import Response
from wtforms import Form, RadioField, SelectField
from wtforms.validators import InputRequired

from app.french.spaces import no_break
from app.models import Driver
from app.services.core.numbers import count_of
from app.services.core.refusal import Refusal
from app.services.documents import drawing
from app.services.drivers import lending
from app.services.drivers import space as driver_space
from app.views.shell.base import Screen
from app.views.shell.filters import day

#: The choice of all rather than one document.
SITUATION = "situation"
NOT_FOUND = "Ce partage n’existe pas, ou n’est pas le vôtre."
#: Ids are 32-bit in the base.
LAST_ID = 2**31 - 1


class LendingForm(Form):  # type: ignore[misc]
    """What is lent, and for how many days."""

    what = SelectField("Ce que vous montrez", [InputRequired("Choisissez ce que vous montrez.")])
    days = RadioField(
        "Pendant",
        [InputRequired("Choisissez pour combien de jours.")],
        choices=[(str(days), count_of(days, "jour")) for days in lending.DAYS],
    )


class LendingView(Screen):
    """`/mon-espace/partages/`: a driver's own links."""

    route_base = "/mon-espace/partages"
    default_view = "index"
    class_permission_name = "Lending"

    @expose("/", methods=["GET", "POST"])
    def index(self) -> Response:
        """List the links; lend something and show its link, once."""
        driver = driver_space.driver_of(g.user.id)
        if driver is None:
            return redirect(url_for("DriverSpaceView.index"))
        form = LendingForm(request.form, days="7")
        form.what.choices = _choices(driver)
        if request.method != "POST":
            return self._page(form)
        if not form.validate():
            return self._page(form, code=422)
        document = None if form.what.data == SITUATION else int(form.what.data)
        try:
            token = lending.lend(g.user.id, document, int(form.days.data))
        except Refusal as refusal:
            form.what.errors = [refusal.message]
            return self._page(form, code=422)
        address = f"{current_app.config['BASE_URL']}/partage/{token}"
        code = segno.make(address, error="m", micro=False).svg_data_uri(scale=4, border=3, light="#fff", dark="#000")
        return self._page(form, address=address, picture=code)

    @expose("/<int:view_id>/retirer", methods=["POST"])
    def take_back(self, view_id: int) -> Response:
        """End a link at once."""
        if view_id > LAST_ID or not any(loan.view.id == view_id for loan in lending.loans(g.user.id)):
            abort(404, NOT_FOUND)
        try:
            lending.take_back(g.user.id, view_id)
            flash("Le partage est retiré : son lien ne montre plus rien.", "success")
        except Refusal as refusal:
            flash(refusal.message, "warning")
        return redirect(url_for("LendingView.index"))

    def _page(self, form: LendingForm, code: int = 200, **told: object) -> Response:
        page = self.render_template(
            "drivers/lending/own.html",
            title="Mes partages",
            form=form,
            loans=lending.loans(g.user.id),
            document_title=drawing.title,
            kept_days=lending.KEPT.days,
            shown=lending.SHOWN,
            **told,
        )
        return make_response(page, code)


def _choices(driver: Driver) -> list[tuple[str, str]]:
    offered = [own.document for own in driver_space.space(driver).documents if own.is_offered]
    return [
        (SITUATION, no_break("Ma situation : dernière formation, certificat, prochaine FCO")),
        *(
            (
                str(one.id),
                f"{drawing.title(one)}, {one.registration.training.full_label}, {day(one.registration.end_date)}",
            )
            for one in offered
        ),
    ]
