"""« Renvoyer le certificat »: from the card of a registration, by an agent or by the centre that registered it."""

from __future__ import annotations

from flask import abort, flash, g, redirect, url_for
from flask_appbuilder import expose
from werkzeug.wrappers import Response

from app.models.centre import REGISTER
from app.services.documents import resending
from app.views.shell.base import Screen, current_centre_id, require_right


class ResendingView(Screen):
    """`/renvois/<registration>`"""

    route_base = "/renvois"
    class_permission_name = "Resending"

    @expose("/<int:row_id>", methods=["POST"])
    def resend(self, row_id: int) -> Response:
        """Send the certificate of a registration again; another centre's is not found."""
        is_agent = g.user.is_agent
        if not is_agent:
            require_right(REGISTER)
        try:
            address = resending.resend(row_id, g.user.id, None if is_agent else current_centre_id())
        except LookupError:
            abort(404, "Cet enregistrement n’existe pas, ou concerne un autre centre.")
        shown = address if is_agent else "du compte du conducteur"
        flash(f"Le certificat repart à l’adresse {shown}.", "success")
        view = "RegistrationsView" if is_agent else "CentreRegistrationsView"
        return redirect(url_for(f"{view}.show", pk=row_id))
