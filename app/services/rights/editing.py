"""What an agent changes of a person at a centre, as one act: names, address, rights, end of the place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from app.models.centre import LEGAL_REPRESENTATIVE
from app.services.accounts import address_change, renaming
from app.services.core import outbox
from app.services.core.refusal import Refusal
from app.services.core.transaction import whole

from . import access, members
from .granting import Grant


class AlreadySo(Refusal):
    """Nothing differs from what is kept."""

    message = "Rien n’a changé : corrigez un champ, ou revenez à la liste."


@dataclass(frozen=True, slots=True)
class Edited:
    """A person at a centre as they should be. ``rights``: of a manager; a legal representative holds them all.

    ``last_day``: of the place, inclusive; None for no end.
    """

    first_name: str
    last_name: str
    email: str
    rights: Mapping[str, Grant]
    last_day: date | None


def edit(centre_id: int, membership_id: int, wanted: Edited, actor_id: int) -> bool:
    """Make a person at a centre what is wanted, all of it or nothing; tell whether a new address waits to be confirmed.

    For agents only. Raises `access.NotAllowed`, :class:`AlreadySo`, or what `members` refuses.
    """
    if not members.is_agent(actor_id):
        raise access.NotAllowed("Seul un agent d’IN Groupe modifie la fiche d’une personne.")
    with whole():
        place = members.place(membership_id, centre_id)
        if place is None:
            raise members.NobodyThere
        person_id, is_new_address = place.person_id, bool(wanted.email != place.person.email)
        changed = [renaming.rename(person_id, wanted.first_name, wanted.last_name, actor_id)]
        if place.role != LEGAL_REPRESENTATIVE:
            changed.append(members.set_rights(centre_id, membership_id, wanted.rights, actor_id) > 0)
        changed.append(members.end_on(centre_id, membership_id, wanted.last_day, actor_id))
        if is_new_address:
            address_change.ask_for(person_id, wanted.email, actor_id)
        if not (is_new_address or any(changed)):
            raise AlreadySo
    outbox.ring()
    return is_new_address
