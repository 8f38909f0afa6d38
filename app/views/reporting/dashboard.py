"""The dashboards: the agents' over everything, a centre's over its own."""

from __future__ import annotations

from flask import g
from flask_appbuilder import expose

from app.models.centre import REGISTER
from app.services.amendments import look_alikes, reports
from app.services.registration import desk as registration_desk
from app.services.reporting import dashboard
from app.views.shell.base import Screen, place_or_403, waits

from .charts import trend


class DashboardView(Screen):
    """`/tableau-de-bord/`"""

    route_base = "/tableau-de-bord"
    default_view = "index"
    class_permission_name = "Dashboard"
    right, heading = REGISTER, "Tableau de bord"

    @expose("/")
    def index(self) -> str:
        """Show the agents' dashboard to an agent, the current centre's to its people."""
        if g.user.is_agent:
            found = dashboard.agent_desk()
            chart = trend(found.volumes.trend)
            shown = {"desk": found, "volumes": found.volumes, "chart": chart, "waits": waits()}
            return str(self.render_template("reporting/agent.html", **shown))
        place = place_or_403()
        own = dashboard.centre_desk(place.centre_id)
        receipts = registration_desk.last_registered(place.centre_id)
        return str(
            self.render_template(
                "reporting/centre.html",
                desk=own,
                volumes=own.volumes,
                chart=trend(own.volumes.trend),
                centre=place.centre,
                receipts=receipts,
                said=reports.of_centre(place.centre_id, g.user.id)[1],
                alike=look_alikes.of_centre(place.centre_id, g.user.id)[1],
            )
        )
