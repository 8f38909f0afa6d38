"""Two hundred generated pairs joined and parted: the FCO certificates are exactly those due, right after each act."""

from __future__ import annotations

import random

import pytest
from sqlalchemy import select

from app.extensions import db
from app.models import Driver, Registration
from app.services.core.refusal import Refusal
from tests.support import many, registered, training_id

from .making import certified, due, join, part

PAIRS = 200
#: Days of June 2021 on which a module was given; twice the same: one of the two counts.
DAYS = (1, 2, 3, 3, 4, 5, 6, 7, 7, 8)


def _generate(chance: random.Random) -> list[tuple[int, int]]:
    """Register modules of many drivers, each on days of its own; return pairs of drivers."""
    people = many(2 * PAIRS)
    for day in DAYS:
        there = [one for one in people if chance.random() < 0.55]
        registered(*there, training=training_id("Module FCO"), end_date=f"{day:02d}/06/2021")
    registered(*chance.sample(people, PAIRS), end_date="07/01/2022")
    ids = dict(db.session.execute(select(Driver.permit_number, Driver.id)).tuples().all())
    known = [ids[one["permit_number"]] for one in people if one["permit_number"] in ids]
    chance.shuffle(known)
    return list(zip(known[::2], known[1::2], strict=False))


def _owners(*driver_ids: int) -> dict[int, tuple[int, int | None]]:
    query = select(Registration.id, Registration.driver_id, Registration.registered_as_id)
    rows = db.session.execute(query.where(Registration.driver_id.in_(driver_ids)))
    return {id_: (driver, identity) for id_, driver, identity in rows}


@pytest.mark.usefixtures("app")
def test_the_ledger_is_right_after_each_merger_and_after_its_undoing() -> None:
    pairs = _generate(random.Random(20220110))
    assert len(pairs) >= PAIRS - 2
    moved = 0
    for kept, joined in pairs:
        owners, had = _owners(kept, joined), certified([kept, joined])
        assert had == due([kept, joined])
        merge_id = join(kept, joined)
        together = certified([kept])
        assert together == due([kept])
        assert {driver for driver, _ in _owners(kept, joined).values()} <= {kept}
        moved += together != had
        try:
            part(merge_id)
        except Refusal as refusal:  # nothing came since: nothing may stand against it
            pytest.fail(refusal.message)
        assert certified([kept]) == due([kept])
        assert certified([joined]) == due([joined])
        assert certified([kept, joined]) == had
        assert _owners(kept, joined) == owners
    assert moved > PAIRS // 3
