"""The border names who asks, so that the base itself shows nothing else (`services.core.actor`)."""

from __future__ import annotations

from flask import Flask, g, request

from app import roles
from app.models.centre import RIGHTS
from app.services.core import actor, clock

from .base import current_place


def _name_the_actor() -> None:
    """Name the signed-in person: an agent, somebody with a right at the current centre, else themselves; or anybody."""
    if (request.endpoint or "").endswith("static"):
        return
    person = g.get("user")
    if person is None or not person.is_authenticated:
        actor.be(actor.public())
        return
    if person.is_agent:
        actor.be(actor.agent(person.id))
        return
    actor.be(actor.person(person.id))
    place = current_place() if any(role.name == roles.CENTRE for role in person.roles) else None
    if place is not None and any(place.may(right, clock.today()) for right in RIGHTS):
        actor.be(actor.centre(person.id, place.centre_id))


def register(app: Flask) -> None:
    """Name the actor of every request, before its screen."""
    app.before_request(_name_the_actor)
