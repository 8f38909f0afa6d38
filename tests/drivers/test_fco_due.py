"""The next FCO's due date, at the limits of R3314-10 to -13."""

from __future__ import annotations

from datetime import date

import pytest

from app.validators.fco import Due, Followed, Step, next_dues

M, V = "Marchandises", "Voyageurs"
BOTH = (M, V)
INITIAL, BRIDGE, FCO = Step.INITIAL, Step.BRIDGE, Step.FCO


@pytest.fixture(params=["none"])
def backend_name(request: pytest.FixtureRequest) -> str:
    """No base is needed."""
    return str(request.param)


def dues(*trainings: tuple[Step, str, str]) -> list[tuple[tuple[str, ...], str]]:
    followed = [Followed(step, category, date.fromisoformat(day)) for step, category, day in trainings]
    return [(due.categories, due.due_on.isoformat()) for due in next_dues(followed, BOTH)]


def test_nothing_known_nothing_due() -> None:
    assert dues() == []


def test_the_first_within_five_years_of_the_initial_qualification() -> None:
    assert dues((INITIAL, M, "2022-01-07")) == [((M,), "2027-01-07")]


def test_a_leap_day_falls_on_the_last_day_of_february() -> None:
    assert dues((INITIAL, M, "2024-02-29")) == [((M,), "2029-02-28")]


@pytest.mark.parametrize(
    ("fco", "due"),
    [
        ("2026-01-06", "2031-01-06"),  # more than a year early: counts from itself
        ("2026-01-07", "2032-01-07"),  # a year before, to the day: counts from the due date
        ("2026-07-01", "2032-01-07"),
        ("2027-01-06", "2032-01-07"),
        ("2027-01-07", "2032-01-07"),  # the due date itself
        ("2027-01-08", "2032-01-08"),  # late: counts from itself
        ("2029-05-01", "2034-05-01"),
    ],
)
def test_an_fco_in_the_year_before_counts_from_the_due_date(fco: str, due: str) -> None:
    assert dues((INITIAL, M, "2022-01-07"), (FCO, M, fco)) == [((M,), due)]


def test_every_five_years() -> None:
    followed = [(INITIAL, M, "2010-06-15"), (FCO, M, "2015-06-15"), (FCO, M, "2020-03-01")]
    assert dues(*followed) == [((M,), "2025-06-15")]
    assert dues(*reversed(followed)) == [((M,), "2025-06-15")]


def test_an_fco_alone_counts_from_itself() -> None:
    assert dues((FCO, V, "2021-09-30")) == [((V,), "2026-09-30")]


def test_each_category_by_itself_without_a_passerelle() -> None:
    followed = [(INITIAL, M, "2018-01-10"), (INITIAL, V, "2020-01-10"), (FCO, V, "2024-06-01")]
    assert dues(*followed) == [((M,), "2023-01-10"), ((V,), "2030-01-10")]


@pytest.mark.parametrize("category", BOTH)
def test_a_passerelle_makes_one_fco_cover_both(category: str) -> None:
    followed = [(INITIAL, M, "2018-01-10"), (BRIDGE, V, "2020-03-31")]
    assert dues(*followed) == [(BOTH, "2025-03-31")]
    assert dues(*followed, (FCO, category, "2024-03-31")) == [(BOTH, "2030-03-31")]
    assert dues(*followed, (FCO, category, "2024-03-30")) == [(BOTH, "2029-03-30")]


def test_an_fco_before_the_passerelle_does_not_move_its_due_date() -> None:
    assert dues((INITIAL, M, "2015-01-10"), (FCO, M, "2020-01-05"), (BRIDGE, V, "2021-02-01")) == [(BOTH, "2026-02-01")]


def test_the_due_date_itself_is_not_late() -> None:
    due = Due((M,), date(2027, 1, 7))
    assert not due.is_late(date(2027, 1, 7))
    assert due.is_late(date(2027, 1, 8))
    assert due.early_from == date(2026, 1, 7)
