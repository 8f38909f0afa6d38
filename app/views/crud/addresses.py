"""Addresses typed or pasted beside persons without account: read, put in their places, handed to the service, shown again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from flask import g, request

from app.services.core.numbers import count_of
from app.services.drivers import account_invitations, address_list

#: A field's name: this, then the id of the registration that it stands beside.
FIELD = "adresse-"
NOTHING_TYPED = "Saisissez au moins une adresse électronique, ou collez une liste d’adresses."


@dataclass
class Addresses:
    """What stands in the fields of a page, and what is wrong with it.

    ``values``: registration id → text as typed; ``errors``: registration id → sentence; ``pasted``: the list, as far as it
    found no place, whose lines are ``left``; ``problem``: what is wrong with the whole; ``sent``: invitations made due;
    ``spread``: addresses of the list that found their place.
    """

    values: dict[int, str] = field(default_factory=dict)
    errors: dict[int, str] = field(default_factory=dict)
    pasted: str = ""
    left: list[str] = field(default_factory=list)
    problem: str = ""
    sent: int = 0
    spread: int = 0

    @property
    def is_refused(self) -> bool:
        """Tell whether something is to be corrected."""
        return bool(self.errors or self.problem)

    @property
    def told(self) -> str:
        """Return what was done, in words; empty for nothing."""
        return (
            count_of(self.sent, "invitation est en cours d’envoi", "invitations sont en cours d’envoi")
            if self.sent
            else ""
        )


def taken(centre_id: int, persons: Mapping[int, tuple[str, str]]) -> Addresses:
    """Do what the form asks: put a pasted list in its places, or invite whoever has an address.

    ``persons``: those on the page who may be invited, registration id → last and first name, in the order of the screen.
    """
    found = Addresses(_typed())
    pasted = request.form.get("liste", "")
    if "repartir" in request.form:
        return _spread(found, pasted, persons)
    found.pasted = pasted
    if not found.values:
        found.problem = NOTHING_TYPED
        return found
    outcome = account_invitations.invite_all(centre_id, found.values, g.user.id)
    found.errors = {id_: refusal.message for id_, refusal in outcome.refused.items()}
    found.sent = len(outcome.due)
    return found


def _typed() -> dict[int, str]:
    """Return registration id → what was typed beside it, of the fields that are not empty, in their order."""
    numbers = (
        (name.removeprefix(FIELD), text.strip()) for name, text in request.form.items() if name.startswith(FIELD)
    )
    return {int(id_): text for id_, text in numbers if text and id_.isascii() and id_.isdigit() and len(id_) < 10}


def _spread(found: Addresses, pasted: str, persons: Mapping[int, tuple[str, str]]) -> Addresses:
    placed = address_list.spread(pasted.replace("\r\n", "\n"), persons)
    found.values |= placed.placed
    found.spread, found.left, found.pasted = len(placed.placed), placed.left, "\n".join(placed.left)
    if not placed.placed:
        found.problem = (
            "La liste ne contient aucune adresse qui trouve sa place : une adresse par ligne, ou « nom ; adresse »."
        )
    return found
