"""« Mon espace »: what a driver sees of their own trainings, and their own documents to download."""

from __future__ import annotations

from datetime import date
from typing import Any

from flask import abort, g
from flask_appbuilder import expose
from werkzeug.wrappers import Response

from app.models import Document, Driver
from app.models.card import CARD_STATES
from app.models.registration import CERTIFICATE, DOCUMENT_KINDS, DOCUMENT_STATES, PENDING, REVOKED
from app.services.cards import grounds as card_grounds
from app.services.cards import requests as card_requests
from app.services.core import clock
from app.services.core.numbers import count_of
from app.services.documents import drawing
from app.services.drivers import fco as driver_fco
from app.services.drivers import happenings
from app.services.drivers import space as driver_space
from app.services.drivers.space import OwnDocument
from app.services.storage import store
from app.validators.fco import FCO_HOURS
from app.views.crud.widgets import CARD_TAGS
from app.views.shell.base import Screen
from app.views.shell.files import pdf
from app.views.shell.filters import day

from .own_identity import told_of_identity

#: From this many days on, what remains is said in months and years; below the second one, it is said to end soon.
LONG, SOON = 123, 31
#: Ids are 32-bit in the base: a larger number is no document at all.
DOCUMENT = "/documents/<int:document_id>"
NOT_FOUND = "Ce document n’existe pas, n’est plus disponible, ou ne figure pas dans votre espace."


class DriverSpaceView(Screen):
    """`/mon-espace/`: a driver's space, the driver's own and nobody else's."""

    route_base = "/mon-espace"
    default_view = "index"
    class_permission_name = "DriverSpace"

    @expose("/")
    def index(self) -> str:
        """Show the certificate, the documents and the trainings; before the identity is proved, how to prove it."""
        driver = driver_space.driver_of(g.user.id)
        if driver is None:
            return str(self.render_template("drivers/unproved.html", title="Mon espace", **told_of_identity(g.user.id)))
        page: str = self.render_template(
            "drivers/space.html",
            title="Mon espace",
            driver=driver,
            today=clock.today(),
            state_of=state_of,
            remaining=remaining,
            document_title=drawing.title,
            span=days_in_all,
            span_to=span_to,
            card_states=CARD_STATES,
            card_tags=CARD_TAGS,
            document_kinds=DOCUMENT_KINDS,
            fco_hours=FCO_HOURS,
            **_told(driver),
        )
        return page

    @expose(DOCUMENT)
    def document(self, document_id: int) -> Response:
        """Send one of the driver's documents; whatever is not theirs or not offered is not found."""
        document = driver_space.own_document(_driver_or_404(), document_id)
        if document is None:
            abort(404, NOT_FOUND)
        try:
            content = drawing.content(document)
        except store.Missing:
            abort(503, "Le fichier de ce document ne peut pas être lu pour le moment.")
        return pdf(content, drawing.file_name(document))


def _driver_or_404() -> Driver:
    return driver_space.driver_of(g.user.id) or abort(404, NOT_FOUND)


def _told(driver: Driver) -> dict[str, Any]:
    """Return what the space shows of a driver."""
    space, requests = driver_space.space(driver), card_requests.of(driver)
    return {
        "space": space,
        "requests": requests,
        "grounds": card_grounds.grounds_of(driver),
        "fco": driver_fco.overview(space.registrations, clock.today()),
        "events": happenings.events(space, requests),
    }


def state_of(own: OwnDocument, today: date | None = None) -> tuple[str, str]:
    """Return the state of a document of the driver as (kind of tag, words)."""
    document, today = own.document, today or clock.today()
    if document.state in (PENDING, REVOKED):
        return ("now" if document.state == PENDING else "error"), DOCUMENT_STATES[document.state]
    if today < document.valid_from:
        return "gold", f"Valable à partir du {day(document.valid_from)}"
    if own.days_left <= SOON:
        return "gold", "Expire bientôt" if document.kind == CERTIFICATE else "Bientôt retiré"
    return "ok", "Valide" if document.kind == CERTIFICATE else "Disponible"


def remaining(own: OwnDocument) -> str:
    """Return what remains in words: « 60 jours », « 5 ans et 9 mois »."""
    return span_to(own.document.valid_until, own.days_left)


def span_to(until: date, days: int) -> str:
    """Return so many days until a day, in words: a long time in years and months."""
    if days <= LONG:
        return count_of(days, "jour")
    today = clock.today()
    months = (until.year - today.year) * 12 + until.month - today.month - (until.day < today.day)
    years, months = divmod(months, 12)
    said = [count_of(years, "an")] * bool(years) + [f"{months} mois"] * bool(months)
    return " et ".join(said)


def days_in_all(document: Document) -> int:
    """Return how many days a document holds from its first day to its last, both included."""
    return (document.valid_until - document.valid_from).days + 1
