"""FCO in modules: 35 hours of one category within five years, each module counted once."""

from __future__ import annotations

from datetime import date

import pytest
from sqlalchemy import select

from app.extensions import db
from app.models import Centre, Document, Registration
from app.validators.fco import Module, completing
from tests.bases import BOTH
from tests.support import MARIE, registered, training_id

BACKENDS = BOTH


def modules(*days: date, hours: int = 7) -> list[Module]:
    return [Module(at, day, hours) for at, day in enumerate(days, 1)]


DAYS = [date(2020, month, 1) for month in range(1, 13)]


@pytest.mark.parametrize(
    ("followed", "expected"),
    [
        (modules(*DAYS[:4]), set()),
        (modules(*DAYS[:5]), {5}),
        (modules(*DAYS[:9]), {5}),
        (modules(*DAYS[:10]), {5, 10}),
        (modules(*DAYS[:4], DAYS[3]), set()),
        (modules(*DAYS[:3], hours=14), {3}),
        (modules(date(2015, 1, 1), *DAYS[:4]), set()),
        (modules(date(2015, 1, 2), *DAYS[:3], date(2020, 1, 1)), set()),
        (modules(date(2015, 1, 2), date(2016, 1, 1), date(2017, 1, 1), date(2018, 1, 1), date(2020, 1, 1)), {5}),
        (modules(*DAYS[1:5], DAYS[0]), {5}),
        (modules(date(2014, 1, 1), *DAYS[:5]), {6}),
    ],
)
def test_the_module_that_completes(followed: list[Module], expected: set[int]) -> None:
    assert completing(followed) == expected


@pytest.mark.usefixtures("app")
class TestRegistered:
    def certificates(self) -> list[date]:
        query = select(Registration.end_date).join(Document).where(Document.kind == "certificate")
        return sorted(db.session.execute(query).scalars())

    def module(self, day: str, category: str = "Marchandises") -> None:
        registered(MARIE, training=training_id("Module FCO", category), end_date=day)

    def test_the_fifth_module_of_a_category_gives_the_certificate(self) -> None:
        for day in ("03/05/2021", "04/05/2021", "05/05/2021", "06/05/2021"):
            self.module(day)
        self.module("07/05/2021", "Voyageurs")
        assert self.certificates() == []
        self.module("10/01/2022")
        assert self.certificates() == [date(2022, 1, 10)]
        self.module("09/01/2022")
        assert self.certificates() == [date(2022, 1, 10)]

    def test_the_same_day_registered_twice_counts_once(self) -> None:
        for day in ("03/05/2021", "04/05/2021", "05/05/2021", "06/05/2021", "06/05/2021"):
            self.module(day)
        assert self.certificates() == []

    def test_another_centre_s_modules_count(self) -> None:
        for day in ("03/05/2021", "04/05/2021", "05/05/2021", "06/05/2021"):
            self.module(day)
        neighbour = db.session.execute(select(Centre.id).where(Centre.siret == "98765432400019")).scalar_one()
        db.session.execute(Registration.__table__.update().values(centre_id=neighbour))
        db.session.commit()
        self.module("10/01/2022")
        assert self.certificates() == [date(2022, 1, 10)]
