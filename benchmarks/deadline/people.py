"""Who works on the day: centres with managers and keys, and drivers of whom some have an account. All invented."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from flask import current_app
from sqlalchemy import select

from app import roles
from app.extensions import db
from app.models import Accreditation, Centre, Driver, Membership, MembershipRight, Person, ServiceContract, Training
from app.models.centre import MANAGER, REGISTER, SIGNED
from app.models.identity import DEMONSTRATION
from app.services.accounts import passwords
from app.services.api import keys as api_keys
from app.services.api.keys import NewKey
from app.services.core import clock
from app.services.demonstration import demonstration
from app.services.demonstration.demonstration import PASSWORD, SINCE
from tests.support import many

from .day import API, DOORS, WITH_ACCOUNT, Size

LABEL, CATEGORY = "FIMO Marchandises", "Marchandises"


@dataclass(frozen=True, slots=True)
class Desk:
    """Where a client works: the door, the address to sign in with, the key of the API (empty at the other doors)."""

    door: str
    email: str
    key: str = ""


def lines(first: int, count: int) -> list[dict[str, str]]:
    """Return lines of the day, each a driver of its own: whoever stands twice was registered twice."""
    return many(first + count)[first:] if first + count < 1_000 else [_line(at) for at in range(first, first + count)]


def _line(at: int) -> dict[str, str]:
    letters = "ABCDEFGHIJ"
    named = {"last_name": "N" + "".join(letters[int(d)] for d in str(at)), "permit_number": f"1{at:011d}"}
    return {**many(1)[0], **named}


def settle(size: Size) -> list[Desk]:
    """Write centres, managers, keys and the drivers with an account into a base that holds the demonstration; the clients."""
    hashed = passwords.hash_of(PASSWORD)
    sirets = [f"{10**13 + at}" for at in range(size.centres)]
    wanted = [door for door, share in DOORS.items() for _ in range(max(1, round(size.clients * share.clients)))]
    found = [Desk(door, f"client-{at}@demo.example") for at, door in enumerate(wanted)]
    centres = [_centre(at, siret) for at, siret in enumerate(sirets)]
    db.session.add_all(centres)
    db.session.flush()
    for at, centre in enumerate(centres):
        _open(centre)
        for desk in found[at :: len(centres)]:
            person = _person(desk.email, roles.CENTRE, hashed)
            right = MembershipRight(right=REGISTER, granted_at=clock.now())
            db.session.add(Membership(centre_id=centre.id, person=person, role=MANAGER, rights=[right]))
    db.session.add_all(_drivers(size.registrations))
    db.session.commit()
    return [
        Desk(one.door, one.email, _key(sirets[at % len(sirets)], at)) if one.door == API else one
        for at, one in enumerate(found)
    ]


def _key(siret: str, at: int) -> str:
    return api_keys.issue(siret, NewKey(f"Programme {at}", (api_keys.REGISTER,)))


def _centre(at: int, siret: str) -> Centre:
    told = {"address": "1 rue du Port", "email": "", "chorus_service": ""}
    return Centre(name=f"Centre {at}", siret=siret, is_public=False, **told)


def _open(centre: Centre) -> None:
    trainings = db.session.scalars(select(Training).where(Training.label == LABEL)).all()
    db.session.add(
        ServiceContract(centre_id=centre.id, version=demonstration.FIRST_TEXT, state=SIGNED, signed_on=SINCE)
    )
    number = f"AG-{centre.id:05d}"
    db.session.add(
        Accreditation(
            centre_id=centre.id, authority="Préfet", number=number, valid_from=SINCE, trainings=list(trainings)
        )
    )


def _drivers(count: int) -> Iterator[Driver]:
    """Yield a driver with an account for each tenth line."""
    born = date(1980, 2, 1)
    for at in range(0, count, WITH_ACCOUNT):
        (line,) = lines(at, 1)
        account = _person(f"conducteur-{at}@demo.example", roles.DRIVER, "")
        named = {name: line[name] for name in ("last_name", "first_name", "permit_number")}
        yield Driver(**named, birth_date=born, person=account, proof=DEMONSTRATION, proved_at=clock.now())


def _person(email: str, role: str, hashed: str) -> Person:
    role_row = current_app.appbuilder.sm.find_role(role)  # type: ignore[attr-defined]
    named = {"first_name": "Essai", "last_name": "Charge"}
    return Person(username=email, email=email, active=True, password=hashed, roles=[role_row], **named)
