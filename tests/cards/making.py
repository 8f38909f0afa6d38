"""Card requests as tests make them: pictures, a ground, a request filled in."""

from __future__ import annotations

import io
from functools import cache
from unittest import mock

from PIL import Image, ImageDraw
from sqlalchemy import select

from app.extensions import db
from app.models import CardRequest, Driver
from app.services.cards import grounds as card_grounds
from app.services.cards import requests as card_requests
from app.services.cards.requests import Postal
from app.services.storage import pictures
from tests.support import MARIE, drain, person_id, registered

HOME = Postal("Bâtiment B", "12 rue des Ateliers", "69007", "LYON")
HOLDER, AGENT = "conducteur@demo.example", "agent@demo.example"


def picture(width: int, height: int, form: str = "JPEG", *, mode: str = "RGB", **options: object) -> io.BytesIO:
    """Return a picture with something drawn on it."""
    image = Image.new(mode, (width, height), "white")
    ImageDraw.Draw(image).line((10, height - 10, width - 10, 10), fill="black", width=9)
    out = io.BytesIO()
    image.save(out, form, **options)
    out.seek(0)
    return out


def photo() -> io.BytesIO:
    """Return a photo of the right size."""
    return picture(826, 1062)


def signature() -> io.BytesIO:
    """Return a signature of the right size."""
    return picture(900, 300, "PNG")


@cache
def redrawn(kind: str) -> bytes:
    """Return that photo or signature as it is kept; the child that draws it is started once a run."""
    return pictures.redraw(photo() if kind == pictures.PHOTO else signature(), kind)


def marie() -> Driver:
    """Return the demonstration's driver."""
    return db.session.execute(select(Driver).where(Driver.permit_number == MARIE["permit_number"])).scalar_one()


def certified() -> int:
    """Register Marie for a FIMO, documents drawn, and return the registration's id."""
    registered(MARIE)
    drain()
    [ground] = card_grounds.grounds_of(marie())
    return ground.id


def filled(ground_id: int | None = None, kind: str = card_grounds.FORMATION) -> CardRequest:
    """Return Marie's request, every step done, not sent yet."""
    request = card_requests.begin(marie(), kind, ground_id or certified())
    card_requests.set_address(request, HOME)
    as_kept = {kind: redrawn(kind) for kind in (pictures.PHOTO, pictures.SIGNATURE)}
    with mock.patch.object(pictures, "redraw", lambda _stream, kind: as_kept[kind]):
        card_requests.set_picture(request, pictures.PHOTO, io.BytesIO())
        card_requests.set_picture(request, pictures.SIGNATURE, io.BytesIO())
    card_requests.set_means(request, "accepted")
    return request


def sent() -> CardRequest:
    """Return Marie's request, sent."""
    return card_requests.submit(filled().id, person_id(HOLDER))
