"""The first page: where a person's work is."""

from __future__ import annotations

from flask import g, redirect, url_for
from flask_appbuilder import expose
from flask_appbuilder.baseviews import BaseView
from werkzeug.wrappers import Response

from app import roles


class IndexView(BaseView):  # type: ignore[misc]
    """`/` leads to the screen a person's role works on."""

    route_base = ""
    default_view = "index"

    @expose("/")
    def index(self) -> Response:
        """Lead to « Mes sessions », the agents' dashboard, the driver's space, or the sign-in page."""
        if not g.user.is_authenticated:
            return redirect(url_for("LoginView.login"))
        names = {role.name for role in g.user.roles}
        for role, address in (
            (roles.AGENT, "/tableau-de-bord/"),
            (roles.CENTRE, "/sessions/"),
            (roles.DRIVER, "/mon-espace/"),
        ):
            if role in names:
                return redirect(address)
        return redirect("/verifier/")
