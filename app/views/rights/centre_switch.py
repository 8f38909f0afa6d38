"""The centre one works for, chosen in the top bar by people who act for several."""

from __future__ import annotations

from flask import abort, redirect, request
from flask_appbuilder import expose
from flask_appbuilder.utils.base import get_safe_redirect
from werkzeug.wrappers import Response

from app.views.shell.base import Screen, places, work_for
from app.views.shell.reading import number_of


class CentreSwitchView(Screen):
    """`POST /centre-courant`."""

    route_base = ""
    class_permission_name = "MyCentre"

    @expose("/centre-courant", methods=["POST"])
    def switch(self) -> Response:
        """Keep the choice in the cookie; what stood on the screens belongs to the other centre, so its list is shown."""
        centre_id = number_of("centre_id", 0)
        if centre_id not in {place.centre_id for place in places()}:
            abort(403, "Vous n’intervenez pas pour ce centre.")
        work_for(centre_id)
        address = request.form.get("next", "")
        return redirect("/sessions/" if address.startswith("/sessions/") else get_safe_redirect(address))
