"""The guard before the harm (spec: billing, 8): from day 2 to the end of the window, « vérifiez », and nothing of anybody."""

from __future__ import annotations

from datetime import date

import pytest
from flask import Flask
from sqlalchemy import select, update

from app.extensions import db
from app.jobs import work
from app.models import Driver, JournalEntry, LookAlike, Outbox, Registration
from app.services.amendments import acts, look_alikes, orders
from app.services.amendments.acts import Who
from app.services.operations import nightly
from app.services.rights import access
from tests.bases import BOTH
from tests.support import MARIE, PIERRE, centre_id, person_id, registered

BACKENDS = BOTH
NEIGHBOUR = "98765432400019"
#: Identities that one slip makes of Marie's, who has an account; and some that none makes.
SLIPS = [
    {"permit_number": "850492100132"}, {"permit_number": "850492100124"}, {"permit_number": "85049210012"},
    {"birth_date": "04/12/1985"}, {"birth_date": "12/04/1986"}, {"birth_date": "12/04/1975"},
    {"permit_number": "850492100132", "last_name": "Martin", "first_name": "MARIE"},
]  # fmt: skip
NO_SLIPS = [
    {"permit_number": "850492100777"}, {"birth_date": "13/04/1985"}, {"birth_date": "12/04/1976"},
    {"permit_number": "850492100132", "first_name": "Jeanne"},
    {"permit_number": "850492100132", "birth_date": "04/12/1985"}, {},
]  # fmt: skip


def fresh(**changes: str) -> Registration:
    """Return a registration of 10/01/2022."""
    batch = registered({**MARIE, **changes})
    return db.session.execute(select(Registration).where(Registration.batch_id == batch.id)).scalar_one()


def waiting(email: str = "gestionnaire@demo.example", siret: str = "12345678200010") -> list[look_alikes.Waiting]:
    return look_alikes.of_centre(centre_id(siret), person_id(email))[0]


@pytest.mark.usefixtures("app")
class TestLooking:
    @pytest.mark.parametrize("changes", SLIPS)
    def test_one_slip_of_a_known_driver_without_account_is_noted(self, app: Flask, changes: dict[str, str]) -> None:
        row = fresh(**changes)
        assert look_alikes.look() == 0
        app.config["TODAY"] = date(2022, 1, 12)
        assert (look_alikes.look(), look_alikes.look()) == (1, 0)
        [told] = waiting()
        assert (told.registration.id, told.until, told.urgent) == (row.id, date(2022, 1, 17), False)

    @pytest.mark.parametrize("changes", NO_SLIPS)
    def test_what_is_no_slip_is_not(self, app: Flask, changes: dict[str, str]) -> None:
        fresh(**changes)
        app.config["TODAY"] = date(2022, 1, 12)
        assert look_alikes.look() == 0

    @pytest.mark.parametrize(
        ("day", "shown", "urgent"),
        [
            (11, False, False),
            (12, True, False),
            (15, True, False),
            (16, True, True),
            (17, True, True),
            (18, False, False),
        ],
    )
    def test_on_day_two_and_urgent_on_day_six_until_the_window_ends(
        self, app: Flask, day: int, shown: bool, urgent: bool
    ) -> None:
        fresh(permit_number="850492100132")
        app.config["TODAY"] = date(2022, 1, day)
        look_alikes.look()
        assert [one.urgent for one in waiting()] == ([urgent] if shown else [])

    def test_a_driver_known_by_registrations_alone_counts_one_by_a_cancelled_one_does_not(self, app: Flask) -> None:
        before = fresh(**PIERRE)
        fresh(**{**PIERRE, "permit_number": "82R987982"})
        app.config["TODAY"] = date(2022, 1, 12)
        acts.amend(orders.order(before, "duplicate", ""), Who(person_id()))
        assert look_alikes.look() == 0
        db.session.execute(update(Registration).where(Registration.id == before.id).values(cancelled_on=None))
        db.session.commit()
        assert look_alikes.look() == 1

    def test_the_earlier_of_two_is_not_the_one_to_check(self, app: Flask) -> None:
        fresh(**PIERRE)
        later = fresh(**{**PIERRE, "permit_number": "82R987982"})
        app.config["TODAY"] = date(2022, 1, 12)
        look_alikes.look()
        assert [one.registration.id for one in waiting()] == [later.id]

    def test_the_night_does_it(self, app: Flask) -> None:
        fresh(permit_number="850492100132")
        app.config["TODAY"] = date(2022, 1, 12)
        from app.services.core import clock

        assert "look_alikes" in nightly.make_due(clock.machine_now().replace(hour=12))
        query = select(Outbox.id).where(Outbox.kind == "nightly", Outbox.payload["task"].as_string() == "look_alikes")
        work.run(db.session.execute(query).scalar_one())
        assert len(waiting()) == 1


@pytest.mark.usefixtures("app")
class TestTelling:
    @pytest.fixture
    def row(self, app: Flask) -> Registration:
        row = fresh(permit_number="850492100132")
        app.config["TODAY"] = date(2022, 1, 12)
        look_alikes.look()
        return row

    def test_of_a_driver_the_centre_never_registered_nothing_but_verify(self, row: Registration) -> None:
        [told] = waiting()
        assert told.like == ""
        columns = set(LookAlike.__table__.columns.keys())
        assert columns == {"registration_id", "found_on", "checked_by_id", "checked_at"}

    def test_of_an_own_driver_the_value_known(self, app: Flask) -> None:
        fresh()
        fresh(birth_date="04/12/1985")
        app.config["TODAY"] = date(2022, 1, 12)
        look_alikes.look()
        assert [one.like for one in waiting()] == ["date de naissance 12/04/1985"]

    def test_it_is_exact_puts_it_aside_once_for_that_driver(self, app: Flask, row: Registration) -> None:
        look_alikes.check(row.id, Who(person_id()))
        assert waiting() == []
        with pytest.raises(look_alikes.Gone):
            look_alikes.check(row.id, Who(person_id()))
        entry = select(JournalEntry).where(JournalEntry.action == "look_alike.checked")
        assert db.session.execute(entry).scalar_one().actor_id == person_id()
        app.config["TODAY"] = date(2022, 1, 10)
        fresh(permit_number="850492100132")
        app.config["TODAY"] = date(2022, 1, 12)
        assert look_alikes.look() == 0

    def test_corrected_or_with_an_account_it_waits_no_more(self, row: Registration) -> None:
        person = person_id("sansdroit@demo.example")
        db.session.execute(update(Driver).where(Driver.id == row.driver_id).values(person_id=person))
        db.session.commit()
        assert waiting() == []
        db.session.execute(update(Driver).where(Driver.id == row.driver_id).values(person_id=None))
        db.session.commit()
        acts.amend(orders.order(row, "duplicate", ""), Who(person_id()))
        assert waiting() == []
        with pytest.raises(look_alikes.Gone):
            look_alikes.check(row.id, Who(person_id()))

    def test_who_may_not_register_there_neither_sees_nor_checks(self, row: Registration) -> None:
        assert waiting("voisin@demo.example", NEIGHBOUR) == []
        assert waiting("sansdroit@demo.example") == []
        for email in ("voisin@demo.example", "sansdroit@demo.example"):
            with pytest.raises(access.NotAllowed):
                look_alikes.check(row.id, Who(person_id(email)))
        with pytest.raises(look_alikes.Gone):
            look_alikes.check(999_999, Who(person_id()))
