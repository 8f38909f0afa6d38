"""« Mes données »: the copy of one's own data, asked for, followed, fetched."""

from __future__ import annotations

from flask import abort, flash, g, make_response, redirect, url_for
from flask_appbuilder import expose
from werkzeug.wrappers import Response

from app.services.core.throttle import TooOften
from app.services.drivers import data_copy
from app.services.storage import store
from app.views.shell.base import Screen
from app.views.shell.public import too_often


class OwnDataView(Screen):
    """`/mon-espace/donnees/`, one's own only."""

    route_base = "/mon-espace/donnees"
    default_view = "index"
    class_permission_name = "OwnData"

    @expose("/")
    def index(self) -> str:
        """Tell what the copy holds, and where the last one stands."""
        export = data_copy.last(g.user.id)
        page: str = self.render_template(
            "drivers/data.html",
            title="Mes données",
            export=export,
            kept_days=data_copy.KEPT.days,
            is_there=export is not None and data_copy.is_there(export),
        )
        return page

    @expose("/preparer", methods=["POST"])
    def ask(self) -> Response:
        """Have a copy made."""
        try:
            data_copy.ask(g.user.id)
        except TooOften as refusal:
            raise too_often(refusal) from None
        flash("Votre copie est en préparation : elle apparaîtra ici dès qu’elle sera prête.", "success")
        return redirect(url_for("OwnDataView.index"))

    @expose("/<int:export_id>.zip")
    def fetch(self, export_id: int) -> Response:
        """Send one's own copy; another person's is not found."""
        try:
            content = data_copy.fetch(g.user.id, export_id)
        except store.Missing:
            abort(503, "Cette copie ne peut pas être lue pour le moment.")
        if content is None:
            abort(404, "Cette copie n’existe pas, ou n’est plus disponible.")
        response = make_response(content)
        response.headers["Content-Type"] = "application/zip"
        response.headers["Content-Disposition"] = 'attachment; filename="mes-donnees.zip"'
        response.headers["Cache-Control"] = "private, no-store"
        return response
