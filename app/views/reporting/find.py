"""`/recherche/`: what is typed in the top bar's field leads to the one page it means, or to answers by kind."""

from __future__ import annotations

from flask import g, make_response, redirect, request
from flask_appbuilder import expose
from werkzeug.wrappers import Response

from app.models.centre import REGISTER, TRAINERS
from app.services.core import clock
from app.services.reporting import finding
from app.services.rights import access
from app.views.shell.base import Screen, place_or_403

from . import found as shown

TOO_LONG = f"Une recherche compte {finding.LONGEST} caractères au plus."


class FindView(Screen):
    """The one search: a form without scripts, its answers an address; nothing outside one's scope is ever read."""

    route_base = "/recherche"
    default_view = "index"
    class_permission_name = "Finding"

    @expose("/")
    def index(self) -> Response:
        """Lead to the page of the one answer, or show the answers."""
        scope, missing = _scope()
        found = finding.find(request.args.get("q", ""), scope)
        is_agent = scope.centre_id is None
        if found.only is not None:
            return redirect(shown.line(*found.only, is_agent=is_agent, asked=found.text).href)
        too_long = len(found.text) > finding.LONGEST
        page = self.render_template(
            "reporting/find.html",
            found=found,
            groups=[shown.section(group, is_agent, found.text) for group in found.groups],
            missing=missing,
            closed=not scope.registrations,
            nothing_open=not (scope.registrations or scope.trainers),
            fault=TOO_LONG if too_long else "",
            is_agent=is_agent,
            most=finding.MOST,
        )
        return make_response(page, 422 if too_long else 200)


def _scope() -> tuple[finding.Scope, list[str]]:
    """Return where the person may look, and the sentences that say what is not searched for want of a right."""
    if g.user.is_agent:
        return finding.Scope(), []
    place, today = place_or_403(), clock.today()
    rights = frozenset(right for right in (REGISTER, TRAINERS) if place.may(right, today))
    lacking = [access.not_granted(right) for right in (REGISTER, TRAINERS) if right not in rights]
    return finding.Scope(place.centre_id, rights), lacking
