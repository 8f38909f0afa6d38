"""What every screen stands on: signed in, role allowed, and — for a centre's screens — the current centre and its rights."""

from __future__ import annotations

from typing import Any

from flask import abort, current_app, flash, g, redirect, request, session, url_for
from flask_appbuilder.baseviews import BaseView
from flask_appbuilder.hooks import before_request
from sqlalchemy import select
from werkzeug.exceptions import Conflict
from werkzeug.wrappers import Response

from app.extensions import db
from app.models import Accreditation, Batch, Membership
from app.models.centre import REGISTER
from app.services.core import clock
from app.services.core.refusal import Refusal
from app.services.reporting import waiting
from app.services.rights import access, asking, wishes

from .resume.owner import void_forms
from .sign_ins import page_asked

READING = ("GET", "HEAD", "OPTIONS")
#: The cookie's word for the centre one works for.
CENTRE = "centre_id"
#: … and for having worked for another one before: forms may have expired by that.
SWITCHED = "switched"


def _read_places() -> dict[Membership, bool]:
    """Return the signed-in person's places at centres, and whether a contract binds each; read once a request."""
    if "places" not in g:
        g.places = dict(access.places(g.user.id)) if g.user.is_authenticated else {}
    return g.places  # type: ignore[no-any-return]


def places() -> list[Membership]:
    """Return the signed-in person's places at centres."""
    return list(_read_places())


def current_place() -> Membership | None:
    """Return the place at the centre chosen in the top bar, the first one by default, None without any."""
    chosen = [place for place in places() if place.centre_id == session.get(CENTRE)]
    return next(iter(chosen or places()), None)


def work_for(centre_id: int) -> None:
    """Keep in the cookie which centre this browser works for.

    Every form drawn before, in this tab or another, is worth nothing from here on: it was about the other centre.
    """
    if session.get(CENTRE) != centre_id:
        session[CENTRE], session[SWITCHED] = centre_id, True
        void_forms(g.user.id)


def _keep_centre() -> None:
    """Pin the centre one works for, so that it never changes unseen; a place that is lost is told, and nothing is done."""
    place, kept = current_place(), session.get(CENTRE)
    if place is None or place.centre_id == kept:
        return
    if kept is None:
        session[CENTRE] = place.centre_id
        return
    work_for(place.centre_id)
    if request.method not in READING:
        abort(403, "Vous n’intervenez plus pour le centre que cette page concernait : rien n’a été fait.")
    flash(
        f"Vous n’intervenez plus pour le centre choisi. Vous travaillez maintenant pour {place.centre.name}.", "warning"
    )


def waits() -> dict[str, int]:
    """Return what waits for an agent, counted once a request: for the page that shows it and the menu beside it."""
    if "waits" not in g:
        g.waits = waiting.counts()
    return g.waits  # type: ignore[no-any-return]


def place_or_403() -> Membership:
    """Return the place at the current centre; 403 for a person who acts for none."""
    place = current_place()
    if place is None:
        abort(403, "Vous n’intervenez pour aucun centre de formation.")
    return place


def current_centre_id() -> int:
    """Return the id of the current centre; 403 for a person who acts for none."""
    return place_or_403().centre_id


def require_right(right: str) -> None:
    """Answer 403, with a sentence that says why, unless the person holds the right at the current centre."""
    try:
        place = place_or_403()
        access.judge(place, _read_places()[place], right)
    except access.NotAllowed as refusal:
        abort(403, refusal.message)


def may(right: str) -> bool:
    """Tell whether the person holds the right at the current centre today; what needs it is offered to nobody else."""
    place = current_place()
    return place is not None and place.may(right, clock.today())


def require_representative() -> Membership:
    """Return the person's place as legal representative of the current centre; 403, with a sentence, for anybody else."""
    try:
        return access.require_representative(g.user.id, current_centre_id())
    except access.NotAllowed as refusal:
        abort(403, refusal.message)


def limits() -> list[Accreditation] | None:
    """Return the accreditations to which the person's right to register is limited here, None where it is not."""
    place = current_place()
    return access.limited_to(place, REGISTER) if place else None


def strangers() -> str:
    """Return what the current centre is told once it has asked about too many strangers today; empty before."""
    place = current_place()
    return asking.sentence() if place and asking.is_over(place.centre_id) else ""


def batch_or_404(key: str) -> Batch:
    """Return the current centre's batch of that key; another centre's is not found, like one that never was."""
    query = select(Batch).where(Batch.key == key, Batch.centre_id == current_centre_id())
    batch = db.session.execute(query).scalar_one_or_none()
    if batch is None:
        abort(404, "Cet enregistrement n’existe pas, ou concerne un autre centre.")
    return batch


class Screen(BaseView):
    """A screen of ours. Every address of it asks for a sign-in and for the role's permission, without a decorator to forget.

    ``class_permission_name`` names it in `app.roles`; reading needs `can_read`, anything else `can_write`.
    """

    #: The right at the current centre without which nothing of the screen is shown, by the title of its first page.
    right = heading = ""

    @before_request
    def enter(self) -> Response | None:
        """Lead to the sign-in page, or answer 403."""
        if not g.user.is_authenticated:
            return redirect(url_for("LoginView.login", next=page_asked()))
        needed = "can_read" if request.method in READING else "can_write"
        if not current_app.appbuilder.sm.has_access(needed, self.class_permission_name):  # type: ignore[attr-defined]
            abort(403)
        _keep_centre()
        return None

    @before_request
    def lead_who_lacks_the_right(self) -> str | None:
        """Tell on the first page which right is missing and who gives it, refuse the rest; after `enter` (hooks go by name)."""
        place, handler = current_place(), (request.endpoint or "").rpartition(".")[2]
        if not self.right or place is None or place.may(self.right, clock.today()) or handler == "home":
            return None
        if handler != self.default_view:
            abort(403, access.not_granted(self.right))
        page: str = self.render_template(
            "registration/missing.html",
            tasks=[access.right_task(place, self.right)],
            asking=wishes.standing(place, self.right),
            centre=place.centre,
            heading=self.heading,
            closed="Cette page n’est pas ouverte",
        )
        return page


def refused(refusal: Refusal) -> Response:
    """Show why a service refused, on the page the person came from; to htmx, among the messages of that page."""
    if request.headers.get("HX-Request") == "true":
        return current_app.make_response(current_app.handle_http_exception(Conflict(refusal.message)))
    flash(refusal.message, "danger")
    return redirect(request.referrer if _is_ours(request.referrer) else url_for("IndexView.index"))


def _is_ours(address: str | None) -> bool:
    return bool(address) and str(address).startswith(request.host_url)


def register(app: Any) -> None:
    """Answer every refusal that a screen did not handle itself with its sentence."""
    app.register_error_handler(Refusal, refused)
