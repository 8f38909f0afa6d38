"""The limits of time, each on the day before and on the day: four months, majority, six years, midnight in Paris."""

from __future__ import annotations

from datetime import UTC, date, datetime, tzinfo

import pytest
from flask import Flask
from sqlalchemy import select

from app.extensions import db
from app.models import Document
from app.models.registration import CERTIFICATE, RECAP
from app.services.core import clock
from app.services.documents import verification
from app.services.documents.verification import State
from app.services.drivers import space as driver_space
from app.validators.validity import add_months, certificate_validity, eighteenth_birthday, recap_availability
from tests.support import MARIE, drain, registered

ADULT = date(1985, 4, 12)


@pytest.fixture
def backend_name() -> str:
    """Days do not depend on the base."""
    return "sqlite"


@pytest.mark.parametrize(
    ("established", "last"),
    [
        (date(2022, 1, 10), date(2022, 5, 10)),
        (date(2021, 10, 31), date(2022, 2, 28)),
        (date(2023, 10, 31), date(2024, 2, 29)),
        (date(2023, 10, 30), date(2024, 2, 29)),
        (date(2023, 10, 29), date(2024, 2, 29)),
        (date(2022, 10, 28), date(2023, 2, 28)),
        (date(2022, 5, 31), date(2022, 9, 30)),
        (date(2022, 12, 31), date(2023, 4, 30)),
        (date(2024, 2, 29), date(2024, 6, 29)),
        (date(2021, 9, 1), date(2022, 1, 1)),
    ],
)
def test_a_certificate_holds_four_calendar_months(established: date, last: date) -> None:
    assert certificate_validity(established, ADULT) == (established, last)


@pytest.mark.parametrize(
    ("born", "established", "first", "last"),
    [
        (date(2004, 1, 11), date(2022, 1, 10), date(2022, 1, 11), date(2022, 5, 11)),  # 18 tomorrow
        (date(2004, 1, 10), date(2022, 1, 10), date(2022, 1, 10), date(2022, 5, 10)),  # 18 today
        (date(2004, 1, 9), date(2022, 1, 10), date(2022, 1, 10), date(2022, 5, 10)),
        (date(2004, 10, 31), date(2022, 6, 1), date(2022, 10, 31), date(2023, 2, 28)),
        (date(2004, 2, 29), date(2022, 2, 28), date(2022, 3, 1), date(2022, 7, 1)),
        (date(2004, 2, 29), date(2022, 3, 1), date(2022, 3, 1), date(2022, 7, 1)),
        (date(2006, 12, 31), date(2022, 1, 10), date(2024, 12, 31), date(2025, 4, 30)),
    ],
)
def test_a_minors_certificate_holds_from_the_18th_birthday(
    born: date, established: date, first: date, last: date
) -> None:
    assert certificate_validity(established, born) == (first, last)


def test_who_is_born_on_a_leap_day_comes_of_age_the_day_after_it_would_be() -> None:
    assert eighteenth_birthday(date(2004, 2, 29)) == date(2022, 3, 1)
    assert eighteenth_birthday(date(2008, 2, 29)) == date(2026, 3, 1)


@pytest.mark.parametrize(
    ("established", "last"),
    [
        (date(2022, 1, 10), date(2028, 1, 10)),
        (date(2024, 2, 29), date(2030, 2, 28)),
        (date(2022, 2, 28), date(2028, 2, 28)),
    ],
)
def test_a_recap_stays_six_years(established: date, last: date) -> None:
    assert recap_availability(established) == (established, last)


def test_months_go_back_as_well() -> None:
    assert add_months(date(2028, 1, 31), -71) == date(2022, 2, 28)
    assert add_months(date(2022, 3, 31), -1) == date(2022, 2, 28)


def at(app: Flask, day: date, kind: str) -> tuple[State, bool]:
    """Return what the verification page says of MARTIN Marie's document that day, and whether she may download it."""
    app.config["TODAY"] = day
    document = db.session.execute(select(Document).where(Document.kind == kind)).scalar_one()
    driver = document.registration.driver
    offered = driver_space.own_document(driver, document.id) is not None
    return verification.verify(document.number).state, offered


@pytest.mark.parametrize(
    ("today", "born", "kind", "days"),
    [
        # The last of October: to the end of February.
        (date(2021, 10, 31), "12/04/1985", CERTIFICATE, [
            (date(2021, 10, 31), State.VALID, True), (date(2022, 2, 28), State.VALID, True),
            (date(2022, 3, 1), State.EXPIRED, False),
        ]),
        (date(2021, 10, 31), "12/04/1985", RECAP, [
            (date(2022, 3, 1), State.VALID, True), (date(2027, 10, 31), State.VALID, True),
            (date(2027, 11, 1), State.UNKNOWN, False),
        ]),
    ],
)  # fmt: skip
def test_page_and_space_change_at_the_same_midnight(
    app: Flask, today: date, born: str, kind: str, days: list[tuple[date, State, bool]]
) -> None:
    app.config["TODAY"] = today
    registered({**MARIE, "birth_date": born}, end_date="29/10/2021")
    drain()
    assert [(day, *at(app, day, kind)) for day, *_ in days] == days


class At(datetime):
    """A clock that stands at one instant."""

    instant: datetime

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
        """Return the instant, in that zone."""
        return cls.instant.astimezone(tz)


@pytest.mark.parametrize(
    ("instant", "day"),
    [
        (datetime(2022, 1, 10, 22, 59, 59, tzinfo=UTC), date(2022, 1, 10)),
        (datetime(2022, 1, 10, 23, 0, 0, tzinfo=UTC), date(2022, 1, 11)),
        (datetime(2022, 7, 10, 21, 59, 59, tzinfo=UTC), date(2022, 7, 10)),
        (datetime(2022, 7, 10, 22, 0, 0, tzinfo=UTC), date(2022, 7, 11)),
        (datetime(2021, 12, 31, 23, 30, 0, tzinfo=UTC), date(2022, 1, 1)),
    ],
)
def test_the_day_begins_at_midnight_in_paris(
    app: Flask, monkeypatch: pytest.MonkeyPatch, instant: datetime, day: date
) -> None:
    app.config["TODAY"] = None
    monkeypatch.setattr(At, "instant", instant, raising=False)
    monkeypatch.setattr(clock, "datetime", At)
    assert clock.today() == day
