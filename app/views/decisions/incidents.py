"""« Message de service »: what agents tell everybody, and the register closed for writing meanwhile."""

from __future__ import annotations

from flask import flash, g, redirect, request, url_for
from flask_appbuilder import expose
from werkzeug.wrappers import Response
from wtforms import BooleanField, Form, StringField, TextAreaField

from app.services.decisions import incidents
from app.services.operations.incidents import READ_ONLY
from app.views.shell.base import Screen


class MessageForm(Form):  # type: ignore[misc]
    """A message. It reads what is typed; the service judges it."""

    text = TextAreaField("Message")
    starts = StringField("Affiché à partir du")
    ends = StringField("Jusqu’au")
    read_only = BooleanField("Passer le service en lecture seule pendant ce temps")


class IncidentsView(Screen):
    """`/message-de-service/`"""

    route_base = "/message-de-service"
    default_view = "index"
    class_permission_name = "Incidents"

    @expose("/")
    def index(self) -> str:
        """Show what is told, what will be, what was, and the form."""
        return self._page(MessageForm())

    @expose("/annoncer", methods=["POST"])
    def declare(self) -> Response | tuple[str, int]:
        """Tell everybody."""
        form = MessageForm(request.form)
        try:
            notice = incidents.read(
                form.text.data or "", form.starts.data or "", form.ends.data or "", bool(form.read_only.data)
            )
        except incidents.NotSaid as refusal:
            form[refusal.field].errors = [refusal.message]
            return self._page(form), 422
        incidents.declare(notice, g.user.id)
        flash("Le message est enregistré : il paraît partout dans les dix secondes, ou à son heure.", "success")
        return redirect(url_for("IncidentsView.index"))

    @expose("/<int:row_id>/terminer", methods=["POST"])
    def end(self, row_id: int) -> Response:
        """Tell it no longer."""
        incidents.end(row_id, g.user.id)
        flash("Le message est retiré : il disparaît partout dans les dix secondes.", "success")
        return redirect(url_for("IncidentsView.index"))

    def _page(self, form: MessageForm) -> str:
        page: str = self.render_template(
            "decisions/incidents.html",
            form=form,
            standing=incidents.standing(),
            past=incidents.past(),
            sentence=READ_ONLY,
        )
        return page
