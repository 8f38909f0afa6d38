"""« Coordonnées de facturation »: a centre's own page, and the same page for agents."""

from __future__ import annotations

from dataclasses import replace

from flask import abort, flash, g, make_response, redirect, request, url_for
from flask_appbuilder import expose
from werkzeug.wrappers import Response

from app.extensions import db
from app.models import Centre
from app.models.centre import API, INVOICES, LEGAL_REPRESENTATIVE
from app.services.billing import missing, profiles
from app.services.core import clock
from app.services.reference import vat
from app.validators.postal import TERRITORIES
from app.views.shell.base import Screen, place_or_403

from .forms import ProfileForm


class MyBillingView(Screen):
    """`/mon-centre/facturation/`, for legal representatives and who holds the right « factures »."""

    route_base = "/mon-centre/facturation"
    default_view = "index"
    class_permission_name = "CentreBilling"
    right, heading = INVOICES, "Coordonnées de facturation"

    @expose("/", methods=["GET", "POST"])
    def index(self) -> Response:
        """Show how the centre is billed, and keep what is typed."""
        place = place_or_403()
        tabs = {
            "is_representative": place.role == LEGAL_REPRESENTATIVE,
            "has_api": place.may(API, clock.today()),
        }
        return _page(self, place.centre, "billing/profile.html", **tabs)


class CentreBillingView(Screen):
    """`/facturation/centres/<id>/`, for agents."""

    route_base = "/facturation/centres"
    default_view = "index"
    class_permission_name = "Billing"

    @expose("/<int:centre_id>/", methods=["GET", "POST"])
    def index(self, centre_id: int) -> Response:
        """Show how a centre is billed, and keep what is typed."""
        centre = db.session.get(Centre, centre_id)
        if centre is None:
            abort(404, "Ce centre n’existe pas.")
        return _page(self, centre, "billing/profile_office.html")


def _page(screen: Screen, centre: Centre, template: str, **tabs: bool) -> Response:
    """Answer the page, or lead back to it once it is kept."""
    profile = profiles.of(centre)
    kept = profiles.values_of(centre, profile)
    form = ProfileForm.of(kept)
    if request.method == "POST":
        form = ProfileForm(request.form)
        typed = form.values if g.user.is_agent else replace(form.values, payment_days=kept.payment_days)
        try:
            profiles.save(centre.id, typed, g.user.id, agent=g.user.is_agent)
        except profiles.Faulty as refusal:
            form.tell(refusal.faults)
        else:
            flash("Les coordonnées de facturation sont enregistrées.", "success")
            return redirect(url_for(request.endpoint or "", **(request.view_args or {})))
    today, tomorrow = profiles.territories(centre.id)
    regime = vat.regime_in(tomorrow, clock.today())
    page = screen.render_template(
        template,
        centre=centre,
        profile=profile,
        form=form,
        lacking=[*missing.of_profile(centre, profile), *missing.of_territory(tomorrow, regime)],
        territory=TERRITORIES[today],
        moving=TERRITORIES[tomorrow] if today != tomorrow else "",
        rate=vat.rate_of(centre.id, clock.today()),
        regime=regime,
        **tabs,
    )
    return make_response(page, 422 if form.errors else 200)
