"""« Mes exports »: the long lists a person asked for as files; each is fetched by that person alone."""

from __future__ import annotations

from flask import abort, g, send_file
from flask_appbuilder import expose
from werkzeug.wrappers import Response

from app.models import Export
from app.models.centre import REGISTER
from app.models.export import MAKING
from app.services.core import clock
from app.services.reporting import exports, sheets
from app.services.rights import access
from app.views.shell.base import Screen, places

NOT_FOUND = "Cet export n’existe pas, n’est plus conservé, ou a été demandé par une autre personne."


class ExportsView(Screen):
    """`/exports/`"""

    route_base = "/exports"
    default_view = "index"
    class_permission_name = "Exports"

    @expose("/")
    def index(self) -> str:
        """List the person's own exports; those in preparation are asked about again until they are ready."""
        return str(self.render_template("reporting/exports.html", **_told()))

    @expose("/etat")
    def state(self) -> str:
        """Return the list alone, as it stands now."""
        return str(self.render_template("reporting/export_rows.html", **_told()))

    @expose("/<key>")
    def fetch(self, key: str) -> Response:
        """Send an export's file to the person who asked for it, while they may still see that list."""
        found = exports.own_file(g.user.id, key)
        if found is None or not _may_still(found[0]):
            abort(404, NOT_FOUND)
        row, path = found
        name = f"{exports.FILE_NAMES[row.sheet]}-{row.created_at:%Y-%m-%d}.{row.format}"
        return send_file(path, sheets.FORMATS[row.format], as_attachment=True, download_name=name)


def _told() -> dict[str, object]:
    rows = exports.own(g.user.id)
    waiting = any(row.state == MAKING for row in rows)
    return {"exports": rows, "titles": exports.TITLES, "waiting": waiting, "days": exports.KEPT.days}


def _may_still(row: Export) -> bool:
    """Tell whether the person still has the place that opened the list: a centre's, or the agents' desk.

    403 for who has lost the right there since.
    """
    centre_id = row.asked["centre"]
    if centre_id is None:
        return bool(g.user.is_agent)
    place = next((place for place in places() if place.centre_id == centre_id), None)
    if place is not None and not place.may(REGISTER, clock.today()):
        abort(403, access.not_granted(REGISTER))
    return place is not None
