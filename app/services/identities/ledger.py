"""The FCO certificates that come and go where modules of two drivers become one ledger, or two again. Nothing here writes."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import date
from itertools import chain

from sqlalchemy import select
from sqlalchemy.orm import selectinload

from app.extensions import db
from app.models import Registration
from app.models.registration import CERTIFICATE
from app.services.core import actor
from app.services.registration import fco_modules
from app.validators.fco import Module, completing

Days = tuple[date, date]
#: Modules with their places, in any order; by category, one list a driver.
Placed = list[tuple[int, Module]]
Ledgers = Mapping[str, list[Placed]]


@dataclass(frozen=True)
class Moves:
    """Registrations that lose their FCO certificate, and those that get one.

    ``heirs``: of those that lose it, the registration that gets one in its place, if any. ``days``: those that a certificate
    gained takes over, from the one it had before or from the one whose place it takes: no certificate is renewed by a
    correction. One without is the first of its FCO and holds in full.
    """

    lost: tuple[int, ...]
    gained: tuple[int, ...]
    heirs: dict[int, int] = field(default_factory=dict)
    days: dict[int, Days] = field(default_factory=dict)


def joining(one_id: int, other_id: int) -> Moves:
    """Return what moves where the modules of two drivers are those of one."""
    apart = fco_modules.ledgers_of({one_id, other_id})
    before: dict[str, list[Placed]] = {}
    for (_, category), placed in apart.items():
        before.setdefault(category, []).append(placed)
    return _moves(before, {category: [list(chain(*parts))] for category, parts in before.items()})


def parting(driver_id: int, registration_ids: Collection[int]) -> Moves:
    """Return what moves where these of a driver's registrations are another's again."""
    together = {category: placed for (_, category), placed in fco_modules.ledgers_of([driver_id]).items()}
    leaving = set(registration_ids)
    after = {
        category: [[one for one in placed if (one[1].key in leaving) is leaves] for leaves in (True, False)]
        for category, placed in together.items()
    }
    return _moves({category: [placed] for category, placed in together.items()}, after)


def _moves(before: Ledgers, after: Ledgers) -> Moves:
    lost: list[int] = []
    gained: list[int] = []
    heirs: dict[int, int] = {}
    for category, ledgers in before.items():
        had, has = _completing(ledgers), _completing(after[category])
        gone, come = [key for key in had if key not in has], [key for key in has if key not in had]
        heirs |= dict(zip(gone, come, strict=False))
        lost += gone
        gained += come
    known = _days([*lost, *gained])
    before_it = {heir: key for key, heir in heirs.items()}
    kept = {key: known.get(key) or known.get(before_it.get(key, 0)) for key in gained}
    days = {key: own for key, own in kept.items() if own}
    return Moves(tuple(sorted(lost)), tuple(sorted(gained)), heirs, days)


def _completing(ledgers: list[Placed]) -> list[int]:
    """Return the registrations that complete an FCO, in the order of their places."""
    found: list[tuple[int, int]] = []
    for placed in ledgers:
        in_order = sorted(placed, key=lambda one: one[0])
        made = completing(module for _, module in in_order)
        found += [(at, module.key) for at, module in in_order if module.key in made and isinstance(module.key, int)]
    return [key for _, key in sorted(found)]


def _days(ids: list[int]) -> dict[int, Days]:
    """Return registration → the days of its certificate, or of the last one it had."""
    with actor.acting(actor.PROGRAM):
        query = select(Registration).options(selectinload(Registration.documents)).where(Registration.id.in_(ids))
        rows = db.session.execute(query).scalars().all() if ids else []
        certificates = {row.id: row.live_documents.get(CERTIFICATE) for row in rows}
    return {id_: (one.valid_from, one.valid_until) for id_, one in certificates.items() if one}
