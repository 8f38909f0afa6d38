"""« Mon centre »: what is in service and what is left to do."""

from __future__ import annotations

from flask import flash, redirect, request, url_for
from flask_appbuilder import expose
from werkzeug.wrappers import Response

from app.models.centre import API, INVOICES, LEGAL_REPRESENTATIVE, OFFERED
from app.services.contracts import acts as contract_acts
from app.services.core import clock
from app.services.core.numbers import enumerated
from app.services.rights import checklist, wishes
from app.views.shell.base import Screen, place_or_403


class MyCentreView(Screen):
    """`/mon-centre/`"""

    route_base = "/mon-centre"
    class_permission_name = "MyCentre"

    @expose("/")
    def index(self) -> str:
        """Show the centre's tasks, with a link where this person can do them."""
        place = place_or_403()
        found = checklist.tasks(place.centre_id)
        is_representative = place.role == LEGAL_REPRESENTATIVE
        links = {**checklist.ADDRESSES, **_to_sign(place.centre_id)} if is_representative else {}
        api_only = {"api": checklist.ADDRESSES["api"]} if place.may(API, clock.today()) else {}
        return str(
            self.render_template(
                "rights/opening.html",
                tasks=found,
                links=links or api_only,
                centre=place.centre,
                is_open=checklist.is_open(found),
                is_representative=is_representative,
                has_invoices=place.may(INVOICES, clock.today()),
            )
        )

    @expose("/demander-un-droit", methods=["POST"])
    def ask(self) -> Response:
        """« Demander ce droit »: the legal representatives of the centre are told by mail."""
        names = wishes.ask(place_or_403(), request.form.get("right", ""))
        flash(f"Votre demande part par courriel à {enumerated(names)}.", "success")
        return redirect(url_for("MyCentreView.index"))


def _to_sign(centre_id: int) -> dict[str, str]:
    """Return where the contract's task is done: the offer itself while one waits to be signed."""
    offer = next((one for one in contract_acts.all_of(centre_id) if one.state == OFFERED), None)
    return {"contract": url_for("ContractView.show", contract_id=offer.id)} if offer else {}
